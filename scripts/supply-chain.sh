#!/bin/sh
# What we depend on: licences, sources, advisories and bans by cargo-deny and deny.toml, and
# docs/dependencies.md held to what is linked into the extension.
#
# Known vulnerabilities are looked up in the RustSec database, which is fetched from GitHub. Where
# that cannot be reached they are not checked, and the last line says so. ADVISORIES=required makes
# that a failure.
# JWT_SSO_CACHE: where cargo-deny is installed, unless there is one on PATH.
set -eu
cd "$(dirname "$0")/.."

DENY_VERSION=0.20.2
if [ "$(id -u)" = 0 ]; then cache=/var/cache/jwt_sso; else cache=$HOME/.cache/jwt_sso; fi
tools=${JWT_SSO_CACHE:-$cache}/tools
failed=
say() { echo "supply-chain: $*"; }
# What broke is said at the end, so that the other checks are made as well.
broken() { failed="${failed:+$failed; }$*"; }
as_root() { if [ "$(id -u)" = 0 ]; then "$@"; else sudo "$@"; fi; }

made=$(mktemp -d)
# The one verdict, whatever ended it.
trap '[ $? = 0 ] || say "broken: ${failed:-see above}"; rm -rf "$made"' EXIT
trap 'broken interrupted; exit 130' INT TERM

PATH=$PATH:$tools/bin
if [ "$(cargo-deny --version 2>/dev/null)" != "cargo-deny $DENY_VERSION" ]; then
    say "installing cargo-deny $DENY_VERSION, which takes some minutes"
    CARGO_TARGET_DIR="$made/target" cargo install --quiet --locked --root "$tools" \
        "cargo-deny@$DENY_VERSION" || { broken "cargo-deny cannot be installed"; exit 1; }
    PATH=$tools/bin:$PATH
fi
if ! command -v jq >/dev/null; then
    say "installing jq"
    as_root apt-get update -qq
    as_root env DEBIAN_FRONTEND=noninteractive apt-get install -y -qq jq >/dev/null
fi
# The checks are made offline, and each crate has its licence with it.
cargo fetch --quiet --locked || { broken "the crates cannot be fetched"; exit 1; }

# Build tools of no release, and the command, which has other needs.
server_only="--exclude jwt-sso --exclude jwt_sso_e2e"
cargo deny --offline --locked check licenses sources || broken "licences or sources"
# shellcheck disable=SC2086 # one word per package
cargo deny --offline --locked $server_only check bans || broken "bans"

if timeout 120 cargo deny --locked fetch db >"$made/fetch" 2>&1; then
    cargo deny --offline --locked check advisories || broken "advisories"
    advisories="no known vulnerability but those that deny.toml explains"
else
    advisories="advisories NOT CHECKED, the RustSec database cannot be reached"
    [ "${ADVISORIES:-}" != required ] || broken "$advisories: $(tail -n 1 "$made/fetch")"
fi

# `name licence`, a line for each crate; `A OR B` sorted, since crates write it either way.
sorted() {
    awk -F '\t' '{
        licence = $2
        gsub(/ *\/ */, " OR ", licence)
        if (licence !~ /AND|WITH|\(/) {
            n = split(licence, part, " OR ")
            for (i = 1; i <= n; i++) for (j = i + 1; j <= n; j++)
                if (part[j] < part[i]) { t = part[i]; part[i] = part[j]; part[j] = t }
            licence = part[1]
            for (i = 2; i <= n; i++) licence = licence " OR " part[i]
        }
        print $1 "\t" licence
    }' | LC_ALL=C sort -u
}
# The same for every major version: only pgrx's own features differ.
for major in 15 16 17 18; do
    cargo tree --locked --package jwt_sso --no-default-features --features pg$major --edges normal \
        --no-dedupe --prefix none --format '{p}|{l}' >"$made/tree-$major" ||
        broken "cargo tree for PostgreSQL $major"
done
sed -E '/\(\//{/proc-macro/!d}; s/^([^ ]+) [^|]*\|(.*)/\1\t\2/' "$made"/tree-* |
    sorted >"$made/linked"
awk -F ' *[|] *' '/^[|] `/ {
    n = split($2, name, /, */)
    for (i = 1; i <= n; i++) { gsub(/`/, "", name[i]); print name[i] "\t" $6 }
}' docs/dependencies.md | sorted >"$made/explained"
if ! diff "$made/explained" "$made/linked" >"$made/diff"; then
    sed -n 's/^</supply-chain: only in docs\/dependencies.md:/p; s/^>/supply-chain: not in docs\/dependencies.md:/p' "$made/diff"
    broken "docs/dependencies.md is not what cargo tree says"
fi
crates=$(wc -l <"$made/linked")
[ "$crates" -gt 0 ] || broken "cargo tree says nothing"

# META.json says the same version as Cargo.toml, and names files that are there.
version=$(sed -n 's/^version = "\(.*\)"/\1/p' Cargo.toml)
jq -e --arg version "$version" '.version == $version and .provides.jwt_sso.version == $version' \
    META.json >/dev/null || broken "META.json is not of version $version"
named=$(jq -r '.provides[] | .file, .docfile' META.json) || broken "META.json cannot be read"
for file in $named; do
    [ -f "$file" ] || broken "META.json names $file, which is not there"
done

[ -z "$failed" ] || exit 1
say "held: licences, sources and bans; each of $crates crates in the server is explained; $advisories"
