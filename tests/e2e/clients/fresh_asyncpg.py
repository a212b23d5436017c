"""A pool of asyncpg: three connections, each with a fresh token.

Prints "connected ROLE JTI" for each, or "refused SQLSTATE" and the message.
"""

# clients.md begins
import asyncio
import os

import asyncpg


async def token():
    command = await asyncio.create_subprocess_exec(
        "jwt-sso", "token", "orders", stdout=asyncio.subprocess.PIPE
    )
    output, _ = await command.communicate()
    if command.returncode:
        raise RuntimeError("jwt-sso gave no token")
    return output.decode().strip()


def create_pool():
    return asyncpg.create_pool(os.environ["DATABASE_URL"], password=token, min_size=0)
# clients.md ends


async def main():
    connections = []
    async with create_pool() as pool:
        for _ in range(3):
            try:
                connections.append(await pool.acquire())
                row = await connections[-1].fetchrow("SELECT current_user, jwt_sso.claim('jti')")
                print("connected", *row)
            except asyncpg.InvalidAuthorizationSpecificationError as error:
                print("refused", error.sqlstate)
                print(f"{error}\nDETAIL: {error.detail}\nHINT: {error.hint}")
        for connection in connections:
            await pool.release(connection)


asyncio.run(main())
