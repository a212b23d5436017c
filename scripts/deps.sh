#!/bin/sh
# Installs what building and running the extension needs on Debian or Ubuntu:
# a C compiler, libclang (for pgrx's bindings), jq (for the licences in packages),
# PostgreSQL with its headers, and cargo-pgrx. Does nothing where all of it is there.
#
# PG: a major version to get by pg.sh, for tests. Without it the server is that of
# PG_CONFIG, or the distribution's own.
set -eu

PGRX_VERSION=0.18.1
here=$(dirname "$0")
pg_config=${PG_CONFIG:-pg_config}

as_root() { if [ "$(id -u)" = 0 ]; then "$@"; else sudo "$@"; fi; }

# Whether the server that PG_CONFIG names has its binaries and its headers.
server_ready() {
    command -v "$pg_config" >/dev/null 2>&1 &&
        [ -x "$("$pg_config" --bindir)/postgres" ] &&
        [ -f "$("$pg_config" --includedir-server)/postgres.h" ]
}

packages=
need() { dpkg-query -W -f '${db:Status-Status}' "$1" 2>/dev/null | grep -qx installed || packages="$packages $1"; }

if command -v dpkg-query >/dev/null; then
    need build-essential
    need libclang-dev
    need pkg-config
    need cmake
    need jq
    if [ -z "${PG:-}" ] && ! server_ready; then
        major=$(apt-cache depends postgresql 2>/dev/null | sed -n 's/.*Depends: postgresql-\([0-9]*\)$/\1/p' | head -n 1)
        if [ -z "$major" ]; then
            as_root apt-get update -qq
            major=$(apt-cache depends postgresql | sed -n 's/.*Depends: postgresql-\([0-9]*\)$/\1/p' | head -n 1)
        fi
        need "postgresql-$major"
        need "postgresql-server-dev-$major"
    fi
    if [ -n "$packages" ]; then
        echo "deps: installing Debian packages:$packages"
        as_root apt-get update -qq
        # shellcheck disable=SC2086 # one word per package
        as_root env DEBIAN_FRONTEND=noninteractive apt-get install -y -qq $packages >/dev/null
    fi
fi

if [ -n "${PG:-}" ]; then
    pg_config=$("$here/pg.sh" "$PG")
    # As Debian's package makes it, which none of these servers comes with.
    if [ "$(id -u)" = 0 ] && ! getent passwd postgres >/dev/null; then
        useradd --system --user-group --no-create-home --home-dir /var/lib/postgresql \
            --shell /bin/bash --comment 'PostgreSQL administrator' postgres
    fi
fi
server_ready || {
    echo "deps: no PostgreSQL server with headers at '$pg_config'; set PG_CONFIG=/path/to/pg_config" >&2
    exit 1
}

command -v cargo >/dev/null || {
    echo "deps: Rust is missing; see https://rustup.rs" >&2
    exit 1
}
if [ "$(cargo pgrx --version 2>/dev/null)" != "cargo-pgrx $PGRX_VERSION" ]; then
    echo "deps: installing cargo-pgrx $PGRX_VERSION (about four minutes)"
    cargo install cargo-pgrx --version "$PGRX_VERSION" --locked --quiet
fi
