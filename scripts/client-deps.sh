#!/bin/sh
# What the end-to-end tests of real clients need besides psql: jq, psycopg 3, node-postgres and
# pgjdbc. Installs only what is missing, then prints the paths as name=value, one a line.
#
#   client-deps.sh           install what is missing (Debian packages, npm), print the paths
#   client-deps.sh --paths   print the paths, whether anything is there or not
#
# JWT_SSO_CACHE: where the npm packages go (default: /var/cache/jwt_sso for root, else
# ~/.cache/jwt_sso).
set -eu

clients=$(cd "$(dirname "$0")/../tests/e2e/clients" && pwd)
if [ "$(id -u)" = 0 ]; then cache=/var/cache/jwt_sso; else cache=$HOME/.cache/jwt_sso; fi
cache=${JWT_SSO_CACHE:-$cache}
# A changed lock file means another folder, so an old checkout never meets newer packages.
key=$(cat "$clients/package.json" "$clients/package-lock.json" | sha256sum | cut -c1-12)
node_folder=$cache/clients/node-$key
jdbc_jar=/usr/share/java/postgresql.jar
# Debian's python3-psycopg belongs to Debian's interpreter, whatever python3 comes first on PATH.
python=/usr/bin/python3

print_paths() {
    echo "python=$python"
    echo "node_modules=$node_folder/node_modules"
    echo "jdbc_jar=$jdbc_jar"
}

have() { command -v "$1" >/dev/null 2>&1; }

# Running a single source file takes the compiler, which a JRE has not.
have_jdk() { java --describe-module jdk.compiler >/dev/null 2>&1; }

missing_packages() {
    have jq || echo jq
    [ -x $python ] && $python -c 'import psycopg' 2>/dev/null || echo python3-psycopg
    [ -e $jdbc_jar ] || echo libpostgresql-jdbc-java
    have_jdk || echo default-jdk-headless
    # A Node.js from elsewhere brings its own npm, with which Debian's would clash.
    have node || echo nodejs
    have npm || echo npm
}

install_packages() {
    echo "client-deps: installing from Debian: $*" >&2
    if [ "$(id -u)" = 0 ]; then as_root=''; elif have sudo; then as_root=sudo; else
        echo "client-deps: run as root: apt-get install --no-install-recommends $*" >&2
        exit 1
    fi
    apt_get="$as_root env DEBIAN_FRONTEND=noninteractive apt-get -q -y"
    $apt_get install --no-install-recommends "$@" >&2 || {
        # The package lists may be absent (containers) or out of date.
        $apt_get update >&2
        $apt_get install --no-install-recommends "$@" >&2
    }
}

install_node_modules() {
    echo "client-deps: installing node-postgres by npm into $node_folder" >&2
    mkdir -p "$cache/clients"
    # Made beside and moved into place: an interrupted npm leaves no half folder under the key.
    unfinished=$(mktemp -d "$cache/clients/unfinished.XXXXXX")
    trap 'rm -rf "$unfinished"' EXIT
    chmod 755 "$unfinished"
    cp "$clients/package.json" "$clients/package-lock.json" "$unfinished"
    (cd "$unfinished" && npm ci --ignore-scripts --no-audit --no-fund --no-update-notifier --loglevel=error) >&2
    # Another run may have been faster.
    [ -e "$node_folder" ] || mv "$unfinished" "$node_folder"
}

case ${1:-} in
--paths) ;;
'')
    packages=$(missing_packages)
    # shellcheck disable=SC2086 # one word per package
    [ -z "$packages" ] || install_packages $packages
    [ -e "$node_folder/node_modules/pg/package.json" ] || install_node_modules
    ;;
*)
    echo "usage: $0 [--paths]" >&2
    exit 2
    ;;
esac
print_paths
