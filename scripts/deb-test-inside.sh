#!/bin/sh
# The part of deb-test.sh that runs in the fresh Debian: deb-test-inside.sh MAJOR
set -eu
major=$1
conf=/etc/postgresql/$major/main
step() { echo "deb: $*"; }
# deb-test.sh says it, after all else.
broken() { echo "$*" >/why; exit 1; }
# On a failure, what the server had to say.
trap '[ $? = 0 ] || tail -n 15 /var/log/postgresql/*.log /tmp/apt.log 2>/dev/null' EXIT
apt() { apt-get -qq -y --no-install-recommends "$@" >/tmp/apt.log 2>&1; }
as_postgres() { runuser -u postgres -- "$@"; }
sql() { as_postgres psql -XAtq -v ON_ERROR_STOP=1 -c "$1"; }
server() { pg_ctlcluster "$major" main "$1"; }

# Every file, but for those that a server and apt write as they go.
files() {
    find / -xdev \( -path /proc -o -path /sys -o -path /dev -o -path /run -o -path /tmp \
        -o -path /packages -o -path /var/cache -o -path /var/log -o -path /var/lib/apt \
        -o -path /var/lib/postgresql -o -path "$conf" -o -path /var/lib/dpkg -o -path /root \) \
        -prune -o -print | sort
}
packages() { dpkg-query -W -f '${Package} ${db:Status-Status}\n'; }

step "PostgreSQL $major"
apt update
# The archive that this Debian comes from may be old.
apt dist-upgrade
apt install "postgresql-$major"
files >/tmp/files.before
packages >/tmp/packages.before

step "installing the packages"
apt install /packages/*.deb
packages | diff /tmp/packages.before - | grep '^>' | cut -c 3- >/tmp/packages.new || true
[ "$(wc -l </tmp/packages.new)" = 3 ] || broken "more than the three: $(cat /tmp/packages.new)"
wrong=$(for name in "postgresql-$major-jwt-sso" libpam-jwt-sso jwt-sso; do
    dpkg -L "$name" | while read -r file; do
        stat -c '%n %U:%G %a %F' "$file"
    done | grep -vE ' root:root (755 directory|(644|755) regular( empty)? file|777 symbolic link)$' |
        grep -v '^/etc/jwt-sso/console.env root:root 600 ' || true
done)
[ -z "$wrong" ] || broken "owners or modes: $wrong"
for file in /etc/pam.d/jwt_sso /etc/jwt-sso/console.env; do
    dpkg-query -W -f '${Conffiles}\n' | grep -q "^ $file " || broken "$file is no conffile"
done
! find /etc/systemd -name 'jwt-sso*' | grep . || broken "the console is enabled"
jwt-sso --version
bash -n /usr/share/bash-completion/completions/jwt-sso
for page in jwt-sso jwt-sso-console; do
    [ -f "/usr/share/man/man1/$page.1.gz" ] || [ -e /etc/dpkg/dpkg.cfg.d/docker ] ||
        broken "no manual page $page"
done

step "setting it up: the PAM door"
printf "shared_preload_libraries = 'jwt_sso'\n" >"$conf/conf.d/jwt_sso.conf"
cp "$conf/pg_hba.conf" /tmp/pg_hba.before
printf 'local all postgres peer\nhostssl all all all pam pamservice=jwt_sso\n' >"$conf/pg_hba.conf"
server start
sql "CREATE EXTENSION jwt_sso; CREATE ROLE alice LOGIN"
old=$(sql "SELECT count(*) FROM pg_extension_update_paths('jwt_sso')
    WHERE target = (SELECT default_version FROM pg_available_extensions WHERE name = 'jwt_sso')
    AND source <> target AND path IS NOT NULL")
scripts=$(find "/usr/share/postgresql/$major/extension" -name 'jwt_sso--*--*.sql' | wc -l)
[ "$scripts" -gt 0 ] || broken "no upgrade scripts"
[ "$old" = "$scripts" ] || broken "$scripts upgrade scripts, of which $old lead to this release"
# Where the server can read its certificate authority.
as_postgres mkdir /tmp/issuer
as_postgres jwt-sso dev-issuer --dir /tmp/issuer >/tmp/statements 2>/tmp/issuer.log &
issuer=$!
tries=0
until grep -q pg_reload_conf /tmp/statements; do
    tries=$((tries + 1))
    [ $tries -le 300 ] || broken "dev-issuer does not start"
    sleep 0.1
done
as_postgres psql -Xq -v ON_ERROR_STOP=1 -f /tmp/statements >/dev/null
token=$(as_postgres jwt-sso dev-issuer token --dir /tmp/issuer --subject alice)
# A forger says all that the issuer says, the name of its key too, and signs it with his own.
as_postgres cp -r /tmp/issuer /tmp/forger
as_postgres jwt-sso dev-issuer rotate --dir /tmp/forger --withdraw 2>/dev/null ||
    broken "the forger gets no key"
kid() { sed -n 's/.*"kid": "\(.*\)".*/\1/p' "$1/issuer.json"; }
as_postgres sed -i "s/$(kid /tmp/forger)/$(kid /tmp/issuer)/" /tmp/forger/issuer.json
forged=$(as_postgres jwt-sso dev-issuer token --dir /tmp/forger --subject alice)
[ "${forged%%.*}" = "${token%%.*}" ] || broken "the forged token's header is another one"
[ "$(sql "SELECT bool_and(ok) FROM jwt_sso.refresh()")" = t ] || broken "no keys from dev-issuer"

certificate=/etc/ssl/certs/ssl-cert-snakeoil.pem
name=$(openssl x509 -noout -ext subjectAltName -in $certificate | sed -n 's/.*DNS:\([^,]*\).*/\1/p')
port=$(pg_lsclusters -h | awk '{print $3}')
login() {
    PGPASSWORD=$1 psql -XAtq "host=$name hostaddr=127.0.0.1 port=$port user=alice dbname=postgres
        sslmode=verify-full sslrootcert=$certificate" \
        -c "SELECT current_user, (jwt_sso.session()).door" 2>&1
}
logins() {
    got=$(login "$token") || broken "no login by $1: $got"
    [ "$got" = "alice|$1" ] || broken "a login by $1 gives $got"
    ! got=$(login "$forged") || broken "a forged token is let in by $1"
    case $got in *"JWT authentication failed"*) ;; *) broken "a forged token by $1: $got" ;; esac
    step "a token is let in by $1, a forged one refused"
}
logins pam

step "setting it up: the hook door"
printf 'local all postgres peer\nhostssl all all all trust\n' >"$conf/jwt_sso_hba.conf"
chown postgres: "$conf/jwt_sso_hba.conf"
echo "jwt_sso.hba_file = '$conf/jwt_sso_hba.conf'" >>"$conf/conf.d/jwt_sso.conf"
cp /tmp/pg_hba.before "$conf/pg_hba.conf"
server restart
logins hook

step "removing and purging"
kill "$issuer"
apt remove "postgresql-$major-jwt-sso" libpam-jwt-sso jwt-sso
[ -f /etc/pam.d/jwt_sso ] || broken "a removal took /etc/pam.d/jwt_sso away, which may be changed"
server stop
if server start 2>/dev/null; then broken "the server starts without the library it preloads"; fi
rm "$conf/conf.d/jwt_sso.conf"
# The line of the PAM door stays, as a forgetful administrator leaves it.
printf 'local all postgres peer\nhostssl all all all pam pamservice=jwt_sso\n' >"$conf/pg_hba.conf"
server start
shut() {
    if got=$(login "$token"); then broken "a token lets in after the $1: $got"; fi
    case $got in *"PAM authentication failed"*) ;; *) broken "after the $1: $got" ;; esac
    step "after the $1 the PAM door is shut"
}
shut removal
# The third has no configuration files, so it is gone already.
apt purge libpam-jwt-sso jwt-sso
[ ! -e /etc/pam.d/jwt_sso ] || broken "/etc/pam.d/jwt_sso is left"
shut purge
cp /tmp/pg_hba.before "$conf/pg_hba.conf"
sql "DROP EXTENSION jwt_sso"
server stop
packages | diff /tmp/packages.before - || broken "packages are left"
files | diff /tmp/files.before - || broken "files are left"
! find /var/lib/dpkg -name '*jwt-sso*' | grep . || broken "dpkg has not forgotten"
