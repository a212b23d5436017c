#!/bin/sh
# clients.md begins
# As the pooler's user, by a timer, several times in the life of a token.
set -eu
umask 077
token=$(jwt-sso token orders)
cat >/etc/pgbouncer/databases.ini.new <<END
[databases]
orders = host=db.example port=5432 user=orders password=$token
END
mv /etc/pgbouncer/databases.ini.new /etc/pgbouncer/databases.ini
kill -HUP "$(cat /run/postgresql/pgbouncer.pid)"
# clients.md ends
