"""An engine of SQLAlchemy with psycopg2: three connections, each with a fresh token.

Prints "connected ROLE JTI" for each, or "refused SQLSTATE" and the message.
"""

# clients.md begins
import os
import subprocess

from sqlalchemy import create_engine, event

engine = create_engine(os.environ["DATABASE_URL"])


@event.listens_for(engine, "do_connect")
def fresh_token(dialect, record, arguments, parameters):
    token = subprocess.check_output(["jwt-sso", "token", "orders"], text=True)
    parameters["password"] = token.strip()
# clients.md ends


from sqlalchemy import text
from sqlalchemy.exc import OperationalError

connections = []
for _ in range(3):
    try:
        connections.append(engine.connect())
        row = connections[-1].execute(text("SELECT current_user, jwt_sso.claim('jti')")).one()
        print("connected", *row)
    except OperationalError as error:
        print("refused", error.orig.pgcode or "-")
        print(error.orig)
