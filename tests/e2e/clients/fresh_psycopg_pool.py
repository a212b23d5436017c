"""A psycopg_pool of two connections that is to grow to three, each with a fresh token.

Prints "connected ROLE JTI" for each, or "refused -" and what the pool logs.
"""

import logging.handlers
import queue

# clients.md begins
import os
import subprocess

from psycopg_pool import ConnectionPool


def token():
    return subprocess.check_output(["jwt-sso", "token", "orders"], text=True).strip()


def parameters():
    return {"password": token()}


pool = ConnectionPool(os.environ["DATABASE_URL"], kwargs=parameters, min_size=2, open=True)
# clients.md ends

log = queue.SimpleQueue()
logging.getLogger("psycopg.pool").addHandler(logging.handlers.QueueHandler(log))

with pool.connection() as one, pool.connection() as other:
    for connection in one, other:
        row = connection.execute("SELECT current_user, jwt_sso.claim('jti')").fetchone()
        print("connected", *row)
    pool.resize(3)
    # The pool tries again for `reconnect_timeout`, and its callers see no more than PoolTimeout.
    print("refused -")
    print(log.get(timeout=60).getMessage())
pool.close()
