#!/bin/sh
# Installs the packages that `make deb` built in a fresh Debian, uses them as the README says, and
# removes them again. The Debian is made by debootstrap, in a temporary folder, and kept as an
# archive for the next time. What runs in it has namespaces of its own for processes and mounts,
# so nothing of it is left at the end. Root only.
#
# DEB_SUITE: the Debian (default: the one that has the packages' major version of PostgreSQL).
# DEB_MIRROR: where it comes from (default: http://deb.debian.org/debian).
# JWT_SSO_CACHE: where the archive is kept.
set -eu
cd "$(dirname "$0")/.."

folder=$(mktemp -d)
why="see above"
broken() { why=$*; exit 1; }
# The one verdict, whatever ended it. What ran in the folder has ended with its namespace, and its
# mounts with theirs.
trap '[ $? = 0 ] || echo "deb: broken: $why"; rm -rf --one-file-system "$folder"' EXIT
trap 'why=interrupted; exit 130' INT TERM
[ "$(id -u)" = 0 ] || broken "only root can make and enter a fresh Debian"

major=$("${PG_CONFIG:-pg_config}" --version | sed -E 's/^PostgreSQL ([0-9]+).*/\1/')
version=$(sed -n 's/^version = "\(.*\)"/\1/p' Cargo.toml)
built=${CARGO_TARGET_DIR:-target}/deb
mirror=${DEB_MIRROR:-http://deb.debian.org/debian}
case $major in
15) suite=${DEB_SUITE:-bookworm} ;;
17) suite=${DEB_SUITE:-trixie} ;;
18) suite=${DEB_SUITE:-forky} ;;
*) suite=${DEB_SUITE:?no Debian has PostgreSQL $major: name one that does} ;;
esac
archive=${JWT_SSO_CACHE:-/var/cache/jwt_sso}/debian/$suite-2.tar.gz

root=$folder/root

if [ ! -f "$archive" ]; then
    keys=/usr/share/keyrings/debian-archive-keyring.gpg
    if [ ! -e $keys ] || ! command -v debootstrap >/dev/null || ! command -v gpgv >/dev/null; then
        apt-get update -qq
        DEBIAN_FRONTEND=noninteractive apt-get install -y -qq debootstrap gpgv \
            debian-archive-keyring >/dev/null
    fi
    echo "deb: making a Debian $suite, once"
    # An older debootstrap does not know a newer Debian by name; sid's script is that of all.
    script=/usr/share/debootstrap/scripts/$suite
    [ -e "$script" ] || script=/usr/share/debootstrap/scripts/sid
    # Without keys it would only warn that it checks no signature, over plain HTTP.
    debootstrap --force-check-gpg --variant=minbase --include=ca-certificates \
        "$suite" "$root" "$mirror" "$script" >"$folder/log" 2>&1 ||
        { tail -n 20 "$folder/log"; broken "debootstrap failed"; }
    rm -f "$root"/var/cache/apt/archives/*.deb
    mkdir -p "$(dirname "$archive")"
    tar -C "$root" -czf "$archive.new.$$" .
    mv "$archive.new.$$" "$archive"
else
    mkdir "$root"
    tar -C "$root" -xzf "$archive"
fi

# What this machine must say to its mirrors, such as proxies, is to be said there too.
grep -ls Acquire /etc/apt/apt.conf.d/* | xargs -r cp -t "$root/etc/apt/apt.conf.d"
cp /etc/resolv.conf "$root/etc/resolv.conf"
{
    echo "deb $mirror $suite main"
    # Testing and unstable have neither.
    for more in "$mirror $suite-updates" "${mirror%/debian}/debian-security $suite-security"; do
        case $suite in forky | sid) ;; *) echo "deb $more main" ;; esac
    done
} >"$root/etc/apt/sources.list"
# No package starts a service.
printf '#!/bin/sh\nexit 101\n' >"$root/usr/sbin/policy-rc.d"
chmod +x "$root/usr/sbin/policy-rc.d"

mkdir "$root/packages"
cp "$built/postgresql-$major-jwt-sso_$version-1_"*.deb "$built/libpam-jwt-sso_$version-1_"*.deb \
    "$built/jwt-sso_$version-1_"*.deb "$root/packages" || broken "no packages: make deb"
cp scripts/deb-test-inside.sh "$root/inside.sh"

unshare --mount --pid --fork --kill-child sh -euc '
    mount -t proc proc "$1/proc"
    mount -t tmpfs -o mode=1777 tmpfs "$1/dev/shm"
    exec chroot "$1" env -i HOME=/root PATH=/usr/sbin:/usr/bin:/sbin:/bin LANG=C.UTF-8 \
        DEBIAN_FRONTEND=noninteractive ${http_proxy:+"http_proxy=$http_proxy"} \
        sh /inside.sh "$2"
' sh "$root" "$major" || {
    [ ! -f "$root/why" ] || why=$(cat "$root/why")
    exit 1
}

if command -v systemd-analyze >/dev/null; then
    unit=packaging/debian/jwt-sso.jwt-sso-console.service
    mkdir "$folder/unit"
    # Its program is not on this machine.
    sed 's|^ExecStart=/usr/bin/jwt-sso|ExecStart=/bin/true|' "$unit" \
        >"$folder/unit/jwt-sso-console.service"
    said=$(systemd-analyze verify --man=no "$folder/unit/jwt-sso-console.service" 2>&1) || {
        echo "$said"
        broken "the console's unit"
    }
    [ -z "$said" ] || { echo "$said"; broken "systemd does not understand the console's unit"; }
    # 0 is locked in, 10 wide open; 20 stands for 2.0.
    said=$(systemd-analyze security --offline=true --threshold=20 --no-pager \
        "$folder/unit/jwt-sso-console.service") || {
        echo "$said"
        broken "the console's unit is less locked in than it was"
    }
    echo "$said" | tail -n 1 | sed 's/^[^A-Za-z]*/deb: unit: /'
    unit="; the unit is sound"
else
    unit="; no systemd here to look at the unit"
fi
echo "deb: held: on Debian $suite with PostgreSQL $major the packages install, let a token in by" \
    "PAM and by the hook, refuse a forged one, and go without a trace$unit"
