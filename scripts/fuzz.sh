#!/bin/sh
# Builds the fuzz targets and runs each for a while, one after the other. For each: executions, per
# second, covered edges, inputs of the corpus. The last line says whether everything held.
#
#   fuzz.sh SECONDS [TARGET…]   all targets of fuzz/fuzz_targets, or these
#
# JWT_SSO_VECTORS: the test vectors, from which seeds are made. What a run finds new stays in
# fuzz/corpus; an input that breaks a target is kept in fuzz/artifacts.
set -eu

[ $# -gt 0 ] || { echo "usage: $0 SECONDS [TARGET...]" >&2; exit 2; }
seconds=$1
shift
case $seconds in '' | 0 | *[!0-9]*) echo "$0: not a number of seconds: $seconds" >&2; exit 2 ;; esac
fuzz=$(cd "$(dirname "$0")/../fuzz" && pwd)
known=$(cd "$fuzz/fuzz_targets" && for file in *.rs; do echo "${file%.rs}"; done)
[ $# -gt 0 ] || { # shellcheck disable=SC2086 # one word per target
    set -- $known
}
for target; do
    echo "$known" | grep -qx "$target" || {
        echo "fuzz: no target $target; there are:" $known >&2
        exit 2
    }
done

work=$(mktemp -d)
why="see above"
# The one verdict, whatever ended it.
trap '[ $? = 0 ] || echo "fuzz: BROKEN: $why"; rm -rf "$work"' EXIT
trap 'why=interrupted; exit 130' INT TERM

CARGO_FUZZ_VERSION=0.13.2
if [ "$(cargo fuzz --version 2>/dev/null)" != "cargo-fuzz $CARGO_FUZZ_VERSION" ]; then
    echo "fuzz: installing cargo-fuzz $CARGO_FUZZ_VERSION (about a minute)"
    cargo install cargo-fuzz --version "$CARGO_FUZZ_VERSION" --locked --quiet
fi

# Beside the other build products, since the flags are others.
target_dir=$(mkdir -p "${CARGO_TARGET_DIR:-$fuzz/../target}" && cd "${CARGO_TARGET_DIR:-$fuzz/../target}" && pwd)/fuzz
export CARGO_TARGET_DIR="$target_dir"
echo "fuzz: building"
only=
[ $# -gt 1 ] || only=$1
# Why no sanitizer: fuzz/README.md.
(cd "$fuzz" && cargo fuzz build --fuzz-dir . --sanitizer none $only) >/dev/null
programs=$target_dir/$(rustc -vV | sed -n 's/^host: //p')/release

# The number that a run's last words give for a name.
stat() { sed -n "s/^stat::$1: *//p" "$2" | tail -n 1; }

broken=
total=0
printf '%-16s %12s %8s %7s %7s  %s\n' target executions per_s edges inputs result
for target; do
    mkdir -p "$work/$target" "$fuzz/corpus/$target" "$fuzz/artifacts/$target"
    log=$work/$target.log
    dictionary=$fuzz/dictionaries/json.dict
    [ ! -f "$fuzz/dictionaries/$target.dict" ] || dictionary=$fuzz/dictionaries/$target.dict
    length=4096
    case $target in
    jwks | kept_file) length=16384 ;;
    # A password packet may be longer than a token, which has 65,530 bytes at most.
    password_packet) length=65600 ;;
    esac
    regressions=
    [ ! -d "$fuzz/regressions/$target" ] || regressions=$fuzz/regressions/$target
    result=held
    # shellcheck disable=SC2086 # no folder, no word
    JWT_SSO_FUZZ_SEEDS=$work/$target "$programs/$target" "$fuzz/corpus/$target" "$work/$target" \
        $regressions -artifact_prefix="$fuzz/artifacts/$target/" -dict="$dictionary" \
        -max_total_time="$seconds" -max_len=$length -timeout=10 -rss_limit_mb=1024 \
        -print_final_stats=1 >"$log" 2>&1 || result=BROKEN
    executions=$(stat number_of_executed_units "$log")
    # A run that says nothing of itself has proven nothing.
    [ "${executions:-0}" -gt 0 ] || result=BROKEN
    edges=$(grep -ao 'cov: [0-9]*' "$log" | tail -n 1 | tr -dc 0-9)
    inputs=$(grep -ao 'corp: [0-9]*' "$log" | tail -n 1 | tr -dc 0-9)
    printf '%-16s %12s %8s %7s %7s  %s\n' "$target" "${executions:-0}" \
        "$(stat average_exec_per_sec "$log")" "${edges:-0}" "${inputs:-0}" "$result"
    grep -a SKIPPED "$log" | sort -u || true
    total=$((total + ${executions:-0}))
    if [ $result = BROKEN ]; then
        broken="$broken $target"
        grep -aE 'panicked|ERROR: libFuzzer|SUMMARY' -A 2 "$log" | head -n 12
        artifact=$(sed -n 's/.*Test unit written to //p' "$log" | tail -n 1)
        [ -z "$artifact" ] || echo "again: $programs/$target $artifact"
    fi
done

if [ -n "$broken" ]; then
    why="${broken# }, of $# targets, $total executions"
    exit 1
fi
echo "fuzz: held: $# targets, $total executions, 0 crashes"
