#!/bin/sh
# A login by psql, whose path is the argument. Everything else comes from libpq's PG* variables.
#
# Prints "current_user NAME", or "refused -" and the message: psql shows no SQLSTATE of a login.

if said=$("$1" -X -w -A -t -c 'SELECT current_user' 2>&1); then
    echo "current_user $said"
else
    echo "refused -"
    echo "$said"
fi
