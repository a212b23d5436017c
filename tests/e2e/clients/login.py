"""A login by psycopg 3. Everything comes from libpq's own PG* variables.

Prints "current_user NAME", or "refused SQLSTATE" and the message; any other end is a traceback.
"""

import psycopg

try:
    with psycopg.connect() as connection:
        (name,) = connection.execute("SELECT current_user").fetchone()
        print("current_user", name)
except psycopg.OperationalError as error:
    # libpq hands no SQLSTATE to its callers before the connection stands.
    print("refused", error.sqlstate or "-")
    print(error)
