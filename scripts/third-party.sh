#!/bin/sh
# Prints the licences of the libraries that are linked into a package of the workspace, Rust's own
# included, as their authors ship them: many ask that their notice goes with each copy. Where a
# crate may be used by the MIT licence and comes without its text, the text is ours.
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
jq -r '.packages[] | [.name, .version, .license // "?", .manifest_path, .source // "ours",
    (.authors | join(", "))] | @tsv' \
    "$made/metadata" >"$made/known"

echo "Libraries that are linked into $package, with their licences."
while read -r name version; do
    line=$(awk -F '\t' -v n="$name" -v v="$version" '$1 == n && $2 == v' "$made/known")
    [ -n "$line" ] || { echo "$0: nothing is known of $name $version" >&2; exit 1; }
    [ "$(echo "$line" | cut -f 5)" != ours ] || continue
    licence=$(echo "$line" | cut -f 3)
    printf '\n======== %s %s: %s\n' "$name" "$version" "$licence"
    folder=$(dirname "$(echo "$line" | cut -f 4)")
    find "$folder" -maxdepth 1 -type f \( -iname 'licen[sc]e*' -o -iname 'copying*' \
        -o -iname 'notice*' -o -iname 'unlicense*' \) | LC_ALL=C sort >"$made/texts"
    while read -r file; do
        printf '\n-------- %s\n\n' "$(basename "$file")"
        cat "$file"
    done <"$made/texts"
    [ ! -s "$made/texts" ] || continue
    # MIT, or the choice of it.
    case " $licence " in
    *" AND "* | *" WITH "*) mit= ;;
    *" MIT "*) mit=yes ;;
    *) mit= ;;
    esac
    [ "$mit" ] || { echo "$0: $name $version comes without the text of its licence" >&2; exit 1; }
    printf '\nCopyright: %s\n' "$(echo "$line" | cut -f 6)"
    # As pgrx says it at the top of its code.
    sed -n 's|^//LICENSE ||p' "$folder/src/lib.rs"
    echo
    cat packaging/licenses/MIT.txt
done <"$made/linked"

printf '\n======== The Rust Standard Library\n\n'
notices=$(rustc --print sysroot)/share/doc/rust/COPYRIGHT-library.html
[ -f "$notices" ] || { echo "$0: there is no $notices: a toolchain of rustup has it" >&2; exit 1; }
sed -e 's/<[^>]*>//g' -e 's/&#34;/"/g; s/&#60;/</g; s/&#62;/>/g' -e "s/&#39;/'/g" "$notices" \
    >"$made/std"
cat -s "$made/std"
