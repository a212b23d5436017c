#!/bin/sh
# Prints the licences of the libraries that are linked into a package of the workspace, as their
# authors ship them: many ask that their notice goes with each copy.
#
#   third-party.sh PACKAGE [FEATURES]
set -eu
cd "$(dirname "$0")/.."
[ $# -ge 1 ] || { echo "usage: $0 PACKAGE [FEATURES]" >&2; exit 2; }
package=$1
features=${2:+--no-default-features --features $2}

made=$(mktemp -d)
trap 'rm -rf "$made"' EXIT
# shellcheck disable=SC2086
cargo tree --locked --package "$package" $features --edges normal --no-dedupe --prefix none \
    --format '{p}' | sed -n 's/^\([^ ]*\) v\([^ ]*\).*/\1 \2/p' | LC_ALL=C sort -u >"$made/linked"
# shellcheck disable=SC2086
cargo metadata --locked --format-version 1 |
    jq -r '.packages[] | select(.source) | [.name, .version, .license // "?", .manifest_path] | @tsv' |
    LC_ALL=C sort -u >"$made/known"

echo "Libraries that are linked into $package, with their licences."
while read -r name version; do
    line=$(awk -F '\t' -v n="$name" -v v="$version" '$1 == n && $2 == v' "$made/known")
    # Those of the workspace itself have no source.
    [ -n "$line" ] || continue
    printf '\n======== %s %s: %s\n' "$name" "$version" "$(echo "$line" | cut -f 3)"
    folder=$(dirname "$(echo "$line" | cut -f 4)")
    find "$folder" -maxdepth 1 -type f \( -iname 'licen[sc]e*' -o -iname 'copying*' \
        -o -iname 'notice*' -o -iname 'unlicense*' \) | LC_ALL=C sort |
        while read -r file; do
            printf '\n-------- %s\n\n' "$(basename "$file")"
            cat "$file"
        done
done <"$made/linked"
