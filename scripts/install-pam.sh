#!/bin/sh
# Builds the PAM module and installs it with its service file, where the server
# of PG_CONFIG was built with PAM; elsewhere it says that the PAM door is left out.
#
# PAM_MODULE_DIR: the folder of the system's PAM modules, where it is not found.
# A folder that libpam does not search itself must be named in the service file.
set -eu
cd "$(dirname "$0")/.."

SERVICE=/etc/pam.d/jwt_sso
pg_config=${PG_CONFIG:-pg_config}

say() { echo "pam: $*"; }
as_root() { if [ "$(id -u)" = 0 ]; then "$@"; else sudo "$@"; fi; }

# Not by --configure, which a build by Meson leaves empty.
if ! grep -qx '#define USE_PAM 1' "$("$pg_config" --includedir-server)/pg_config.h"; then
    say "this PostgreSQL was built without PAM: the PAM door is left out"
    exit 0
fi

# Where the modules are that every system has.
module_dir() {
    multiarch=$(cc -print-multiarch 2>/dev/null) || multiarch=
    for folder in ${multiarch:+"/lib/$multiarch/security" "/usr/lib/$multiarch/security"} \
        /lib64/security /usr/lib64/security /lib/security /usr/lib/security; do
        for module in pam_deny.so pam_unix.so; do
            if [ -e "$folder/$module" ]; then echo "$folder"; return; fi
        done
    done
    say "no folder of PAM modules found: set PAM_MODULE_DIR" >&2
    exit 1
}
folder=${PAM_MODULE_DIR:-$(module_dir)}

cargo build --release --package pam_jwt_sso
built=${CARGO_TARGET_DIR:-target}/release/libpam_jwt_sso.so
# A file of another name first: a server may be loading the old one just now.
as_root install -m 0644 "$built" "$folder/.pam_jwt_sso.so.new"
as_root mv -f "$folder/.pam_jwt_sso.so.new" "$folder/pam_jwt_sso.so"
say "installed $folder/pam_jwt_sso.so"

if [ ! -e $SERVICE ]; then
    as_root install -m 0644 crates/pam/jwt_sso.pam $SERVICE
    say "installed $SERVICE"
elif ! cmp -s crates/pam/jwt_sso.pam $SERVICE; then
    say "kept $SERVICE, which is not what crates/pam/jwt_sso.pam would make it: compare the two"
fi
