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
# One command a line: where one fails there must be no package without its licences.
# shellcheck disable=SC2086
cargo tree --locked --package "$package" $features --edges normal --no-dedupe --prefix none \
    --format '{p}' >"$made/tree"
sed -n 's/^\([^ ]*\) v\([^ ]*\).*/\1 \2/p' "$made/tree" | LC_ALL=C sort -u >"$made/linked"
cargo metadata --locked --format-version 1 >"$made/metadata"
jq -r '.packages[] | [.name, .version, .license // "?", .manifest_path, .source // "ours"] | @tsv' \
    "$made/metadata" >"$made/known"

echo "Libraries that are linked into $package, with their licences."
while read -r name version; do
    line=$(awk -F '\t' -v n="$name" -v v="$version" '$1 == n && $2 == v' "$made/known")
    [ -n "$line" ] || { echo "$0: nothing is known of $name $version" >&2; exit 1; }
    [ "$(echo "$line" | cut -f 5)" != ours ] || continue
    printf '\n======== %s %s: %s\n' "$name" "$version" "$(echo "$line" | cut -f 3)"
    folder=$(dirname "$(echo "$line" | cut -f 4)")
    find "$folder" -maxdepth 1 -type f \( -iname 'licen[sc]e*' -o -iname 'copying*' \
        -o -iname 'notice*' -o -iname 'unlicense*' \) | LC_ALL=C sort |
        while read -r file; do
            printf '\n-------- %s\n\n' "$(basename "$file")"
            cat "$file"
        done
done <"$made/linked"
