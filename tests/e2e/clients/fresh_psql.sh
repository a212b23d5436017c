#!/bin/sh
# Two logins by psql and a third, each with a fresh token; the directory of psql comes first on
# PATH. Where to comes from libpq's PG* variables.
#
# Prints "connected ROLE JTI" for each, or "refused -" and the message.

login() {
    # clients.md begins
    PGPASSWORD=$(jwt-sso token orders) psql "$@"
    # clients.md ends
}

for _ in 1 2 3; do
    if said=$(login -X -w -A -t -F ' ' -c "SELECT current_user, jwt_sso.claim('jti')" 2>&1); then
        echo "connected $said"
    else
        echo "refused -"
        echo "$said"
    fi
done
