"""Hears of postbacks that other hub processes stored, by PostgreSQL's LISTEN, and rings the bell for them.

A hint, not the truth: what is heard wakes a long poll, which then looks into the table. What is missed while
the line is down is found by ringing for everyone once it is up again.
"""

import asyncio
import logging

import psycopg
import sqlalchemy as sa

from cashier.hub.arrivals import CHANNEL
from cashier.hub.bell import Bell
from cashier.hub.database import connection_parameters, is_postgresql, shown

RECONNECT_S = 1.0
#: After so long a silence the line is tried with a question of our own.
CHECK_S = 30.0

log = logging.getLogger(__name__)


async def listen(engine: sa.Engine, bell: Bell) -> None:
    """Ring for every postback stored in this PostgreSQL database, until cancelled. Ends at once on SQLite."""
    if not is_postgresql(engine):
        return
    _, given = engine.dialect.create_connect_args(engine.url)
    parameters = connection_parameters(engine.url) | dict(given)
    while True:
        try:
            async with await psycopg.AsyncConnection.connect(autocommit=True, **parameters) as connection:
                await connection.execute(f"LISTEN {CHANNEL}")
                bell.ring_all()
                while True:
                    async for notice in connection.notifies(timeout=CHECK_S):
                        site, _, till = notice.payload.partition("/")
                        bell.ring((site, till))
                    await connection.execute("SELECT 1")
        except (psycopg.Error, OSError) as error:
            # Its kind alone: the text may hold what is in the address.
            log.warning("not hearing of %s: %s", shown(engine.url), type(error).__name__)
        await asyncio.sleep(RECONNECT_S)
