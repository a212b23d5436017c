#!/bin/sh
# Builds the Debian packages postgresql-NN-jwt-sso, libpam-jwt-sso and jwt-sso, NN being the major
# version of the server of PG_CONFIG, into target/deb, by debhelper and packaging/debian. Prints
# their paths and sizes, and has lintian look at them where that is installed.
#
# SOURCE_DATE_EPOCH: the time in them (default: the last commit's).
# DEBFULLNAME, DEBEMAIL: who maintains them.
set -eu
cd "$(dirname "$0")/.."

target=$(mkdir -p "${CARGO_TARGET_DIR:-target}" && cd "${CARGO_TARGET_DIR:-target}" && pwd)
major=$("${PG_CONFIG:-pg_config}" --version | sed -E 's/^PostgreSQL ([0-9]+).*/\1/')
version=$(sed -n 's/^version = "\(.*\)"/\1/p' Cargo.toml)-1
maintainer="${DEBFULLNAME:-The jwt_sso developers} <${DEBEMAIL:-jwt-sso@localhost}>"
epoch=${SOURCE_DATE_EPOCH:-$(git log -1 --format=%ct 2>/dev/null || date +%s)}

say() { echo "deb: $*"; }
why="see above"
fail() { why=$*; exit 1; }
# The one verdict, whatever ended it.
trap '[ $? = 0 ] || say "broken: $why"' EXIT
trap 'why=interrupted; exit 130' INT TERM
as_root() { if [ "$(id -u)" = 0 ]; then "$@"; else sudo "$@"; fi; }

case $maintainer in *[/\&\\]*) fail "no /, & or backslash in DEBFULLNAME and DEBEMAIL" ;; esac
if ! dpkg-query -W -f '${db:Status-Status}' debhelper 2>/dev/null | grep -qx installed; then
    say "installing debhelper"
    as_root apt-get update -qq
    as_root env DEBIAN_FRONTEND=noninteractive apt-get install -y -qq debhelper >/dev/null
fi

# A folder for dh: debian/, the files in staged/, and the documents.
work=$target/deb/build-$major
rm -rf "$work"
mkdir -p "$work/debian"
license() { sed 's/^$/./; s/^/ /' LICENSE; }
for file in packaging/debian/*; do
    name=$(basename "$file" | sed "s/NN/$major/")
    sed "s/@NN@/$major/g; s/@MAINTAINER@/$maintainer/" "$file" >"$work/debian/$name"
done
license >"$work/license"
sed -i -e "/@LICENSE@/{r $work/license" -e 'd}' "$work/debian/copyright"
chmod +x "$work/debian/rules"
printf 'jwt-sso (%s) unstable; urgency=medium\n\n  * %s\n\n -- %s  %s\n' "$version" \
    "Release ${version%-1}; CHANGELOG.md says what is in it." "$maintainer" \
    "$(LC_ALL=C date -u -R -d "@$epoch")" >"$work/debian/changelog"

scripts/stage.sh "$work/staged"
mkdir "$work/docs-tree"
cp -r README.md SECURITY.md CHANGELOG.md docs "$work/docs-tree"

# Not before: C compilers are told it, and what they made would be out of date with each commit.
(cd "$work" && SOURCE_DATE_EPOCH=$epoch debian/rules binary) >"$work/log" 2>&1 ||
    { cat "$work/log"; fail "dh failed"; }
built=
for package in "postgresql-$major-jwt-sso" libpam-jwt-sso jwt-sso; do
    file=$(echo "$target/deb/${package}_${version}_"*.deb)
    [ -f "$file" ] || fail "$package was not built"
    built="$built $file"
done

# Nothing that a debugger needs, and everything by which others find our functions.
size() { stat -c %s "$1"; }
library=$work/staged/usr/lib/postgresql/$major/lib/jwt_sso.so
module=$(echo "$work"/staged/usr/lib/*/security/pam_jwt_sso.so)
command=$work/staged/usr/bin/jwt-sso
for file in "$library" "$module" "$command"; do
    [ -f "$file" ] || fail "$file was not built"
    # One command a line: what a tool could not read must not pass as free of all that.
    readelf -SW "$file" >"$work/sections"
    strings "$file" >"$work/strings"
    ! grep -qE '\.(symtab|debug_info)' "$work/sections" || fail "$file has its symbols still"
    ! grep -F -e "$PWD/" -e "${CARGO_HOME:-$HOME/.cargo}/" -e "$target/" "$work/strings" ||
        fail "$file names folders of this machine"
    say "$(size "$file") bytes: ${file#"$work/staged/"}"
done
nm -D --defined-only "$library" | awk '{print $NF}' | sort >"$work/symbols"
validator=
[ "$major" -lt 18 ] || validator=_PG_oauth_validator_module_init
for symbol in Pg_magic_func _PG_init jwt_sso_worker_main jwt_sso_pam_admit jwt_sso_pam_decide \
    $validator; do
    grep -qx "$symbol" "$work/symbols" || fail "the library does not export $symbol"
done

# Whoever builds packages for others says who he is, by DEBEMAIL; we have no address to give.
no_address=bogus-mail-host,bogus-mail-host-in-debian-changelog
if command -v lintian >/dev/null; then
    # shellcheck disable=SC2086 # one word per package
    lintian --allow-root --fail-on error --suppress-tags "$no_address" $built ||
        fail "lintian has found errors"
    lintian="lintian finds no errors"
else
    lintian="NOT CHECKED by lintian, which is not installed"
fi
for file in $built; do say "$(size "$file") bytes: $file"; done
# shellcheck disable=SC2086
say "held: $(echo $built | wc -w) packages for PostgreSQL $major, version $version; $lintian"
