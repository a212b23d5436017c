#!/bin/sh
# What `make test` runs: the checks and the core once, then each server. A step that fails does not
# keep the other servers from being tested. At the end, what came of each step, and its seconds.
#
#   test.sh PG=15 PG=17 …          supported majors, as make takes them
#   test.sh PG_CONFIG=/path/…      one server
set -u
[ $# -gt 0 ] || { echo "usage: $0 PG=15|16|17|18… | PG_CONFIG=/path/to/pg_config" >&2; exit 2; }

summary=
failed=0
whole= # the first server that can run more than the smoke set
note() {
    summary="$summary$1
"
}
run() { ${MAKE:-make} --no-print-directory "$@"; }

# step NAME TARGET… VARIABLE=VALUE: one make, announced and noted
step() {
    name=$1
    shift
    echo "==> $name"
    started=$(date +%s)
    if run "$@"; then result=ok; else result=FAILED failed=1; fi
    note "$(printf '%-6s %5d s  %s' "$result" $(($(date +%s) - started)) "$name")"
    [ $result = ok ]
}

# server VARIABLE=VALUE: gets it, installs into it, tests it
server() {
    step "$1: the server" deps "$1" || return
    described=$(run --silent describe "$1")
    # The smoke set has no use for the probe.
    case $described in
    *smoke*) probe= ;;
    *) probe=probe whole=${whole:-$1} ;;
    esac
    # shellcheck disable=SC2086 # none or one word
    step "$described: lint, build and install" lint $probe install-built "$1" &&
        step "$described: end to end" e2e "$1"
}

step "tools" deps "$1" && step "format, lints, import law" check "$1"
step "core and fetch, without a server" core "$1"
step "fuzzing, a short turn" fuzz SECONDS=5
for each in "$@"; do server "$each"; done
# Once: the command knows nothing of a server's version.
if [ -n "$whole" ]; then
    step "the command and the console, on $whole" command-e2e "$whole"
    step "hostile packets, a short turn, on $whole" \
        hammer-built PACKETS=3000 HAMMER_PROFILE=dev "$whole"
else
    note "the command, the console, hostile packets: SKIPPED, no server for more than the smoke set"
fi

# By the same rule as the tests, which run in that folder.
vectors=$(
    cd "$(dirname "$0")/../crates/core" || exit
    folder=${JWT_SSO_VECTORS-../../../shared/vectors}
    if [ -d "$folder" ]; then cd -P "$folder" && pwd; fi
)
note "vectors: ${vectors:+read from }${vectors:-SKIPPED, set JWT_SSO_VECTORS}"

printf '==> summary\n%s' "$summary"
exit $failed
