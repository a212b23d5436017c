"""Three connections by psycopg 3, each with a fresh token.

Prints "connected ROLE JTI" for each, or "refused SQLSTATE" and the message.
"""

# clients.md begins
import os
import subprocess

import psycopg


def token():
    return subprocess.check_output(["jwt-sso", "token", "orders"], text=True).strip()


def connect():
    return psycopg.connect(os.environ["DATABASE_URL"], password=token())
# clients.md ends


connections = []
for _ in range(3):
    try:
        connections.append(connect())
        row = connections[-1].execute("SELECT current_user, jwt_sso.claim('jti')").fetchone()
        print("connected", *row)
    except psycopg.OperationalError as error:
        print("refused", error.sqlstate or "-")
        print(error)
