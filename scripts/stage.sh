#!/bin/sh
# Builds everything that is released, for the server of PG_CONFIG, and lays it out below DESTDIR
# where Debian has such files, whatever folders that server has itself. Nothing is installed.
#
#   stage.sh DESTDIR
set -eu
cd "$(dirname "$0")/.."
[ $# = 1 ] || { echo "usage: $0 DESTDIR" >&2; exit 2; }
mkdir -p "$1"
destination=$(cd "$1" && pwd)
pg_config=$(command -v "${PG_CONFIG:-pg_config}")
major=$("$pg_config" --version | sed -E 's/^PostgreSQL ([0-9]+).*/\1/')
target=${CARGO_TARGET_DIR:-target}

built=$(mktemp -d)
trap 'rm -rf "$built"' EXIT

# The extension.
cargo pgrx package --pg-config "$pg_config" --out-dir "$built/extension" \
    --no-default-features --features "pg$major"
library=$destination/usr/lib/postgresql/$major/lib
share=$destination/usr/share/postgresql/$major/extension
find "$built/extension" -name jwt_sso.so -exec install -D -m 644 -t "$library" {} +
find "$built/extension" \( -name 'jwt_sso*.sql' -o -name jwt_sso.control \) \
    -exec install -D -m 644 -t "$share" {} +
# A release that is left out here could never be upgraded from.
for script in sql/jwt_sso--*--*.sql; do
    cmp "$script" "$share/$(basename "$script")"
done

# The PAM module, where Debian's libpam looks, and its service.
cargo build --release --package pam_jwt_sso
install -D -m 644 "$target/release/libpam_jwt_sso.so" \
    "$destination/usr/lib/$(cc -print-multiarch)/security/pam_jwt_sso.so"
install -D -m 644 crates/pam/jwt_sso.pam "$destination/etc/pam.d/jwt_sso"

# The command. Debian's zsh looks for the completions of packages in a folder of its own.
cargo build --release --package jwt-sso
scripts/install-command.sh "$target/release/jwt-sso" "$destination/usr"
install -D -m 644 -t "$destination/usr/share/zsh/vendor-completions" \
    "$destination/usr/share/zsh/site-functions/_jwt-sso"
rm -r "$destination/usr/share/zsh/site-functions"
install -D -m 600 packaging/debian/console.env "$destination/etc/jwt-sso/console.env"

# What the licences of the libraries ask for, as Debian's packages would have it.
licenses() {
    mkdir -p "$destination/usr/share/doc/$1"
    # shellcheck disable=SC2086 # a package and its features
    scripts/third-party.sh $2 >"$destination/usr/share/doc/$1/third-party-licenses.txt"
}
licenses "postgresql-$major-jwt-sso" "jwt_sso pg$major"
licenses libpam-jwt-sso pam_jwt_sso
licenses jwt-sso jwt-sso
echo "stage: PostgreSQL $major, below $destination"
