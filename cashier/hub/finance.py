"""The finance office at the hub: a password for each site, signed sessions, and what a report is read from.

A password is kept as an argon2 hash. A session is a cookie sealed with a key derived from the master secret,
over the site, its end and that hash: it needs no table, any hub process knows it, and a new password ends it.
"""

import asyncio
import hashlib
import hmac
from collections.abc import Callable
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import TYPE_CHECKING, TextIO

import sqlalchemy as sa
from argon2 import PasswordHasher
from argon2.exceptions import InvalidHashError, VerificationError

from cashier.domain.daily import DailyReport
from cashier.domain.entries import StoredRow, utc_text
from cashier.domain.errors import Refused
from cashier.domain.site import TillCopy
from cashier.hub.database import metadata, tills
from cashier.hub.journal_rows import PAGE_MAX
from cashier.hub.store import transaction

if TYPE_CHECKING:
    from cashier.hub.app import Hub

PASSWORD_MIN_CHARS, PASSWORD_MAX_CHARS = 12, 200
#: A working day.
SESSION = timedelta(hours=8)

finance_passwords = sa.Table(
    "finance_passwords",
    metadata,
    sa.Column("site", sa.String(32), primary_key=True),
    sa.Column("hash", sa.Text, nullable=False),
    sa.Column("set_at", sa.String(24), nullable=False),
)


@dataclass(frozen=True)
class Finance:
    """What is plugged in: how a site's report is made, on a thread that may wait, and written as a table."""

    report: Callable[["SiteReading", str, date, datetime], DailyReport]
    write_table: Callable[[DailyReport, TextIO], int]


class FinanceStore:
    """The passwords. Every method is one transaction and raises Unavailable when storage fails."""

    def __init__(self, engine: sa.Engine) -> None:
        self._engine = engine

    def set_password(self, site: str, password: str, now: datetime) -> None:
        """Set a site's password; whoever is signed in there is signed out. Raises Refused."""
        if not PASSWORD_MIN_CHARS <= len(password) <= PASSWORD_MAX_CHARS:
            raise Refused(
                f"The finance office's password has {PASSWORD_MIN_CHARS} to {PASSWORD_MAX_CHARS} characters."
            )
        hashed = PasswordHasher().hash(password)
        with transaction(self._engine) as connection:
            if connection.scalar(sa.select(tills.c.till).where(tills.c.site == site).limit(1)) is None:
                raise Refused(f"The hub knows no till of a site {site}: enrol one first.")
            connection.execute(finance_passwords.delete().where(finance_passwords.c.site == site))
            row = {"site": site, "hash": hashed, "set_at": utc_text(now)}
            connection.execute(finance_passwords.insert().values(row))

    def remove_password(self, site: str) -> None:
        """End the finance office's access to a site. Raises Refused when it has none."""
        with transaction(self._engine) as connection:
            gone = connection.execute(
                finance_passwords.delete().where(finance_passwords.c.site == site)
            ).rowcount
        if not gone:
            raise Refused(f"The finance office has no password for site {site}.")

    def hash_of(self, site: str) -> str | None:
        """The hash of a site's password, or None."""
        with transaction(self._engine) as connection:
            return connection.scalar(
                sa.select(finance_passwords.c.hash).where(finance_passwords.c.site == site)
            )


def fits(stored: str | None, password: str) -> bool:
    """Whether a password is a hash's. Takes as long where there is none, so that nobody learns of sites."""
    try:
        PasswordHasher().verify(stored or _nobodys_hash(), password)
    except (VerificationError, InvalidHashError):
        return False
    return stored is not None


def _nobodys_hash() -> str:
    """A well-formed hash, of the same cost, that no password makes."""
    zeros = "A" * 43
    return f"$argon2id$v=19$m=65536,t=3,p=4$AAAAAAAAAAAAAAAAAAAAAA${zeros}"


def sealed_session(key: bytes, site: str, stored: str, now: datetime) -> str:
    """The cookie of somebody who has just signed in to a site."""
    ends = int((now + SESSION).timestamp())
    return f"{ends}.{_seal(key, site, ends, stored)}.{site}"


def site_named(cookie: str) -> str:
    """The site that a cookie claims to be for; empty for what is none."""
    return cookie.split(".", 2)[2] if cookie.count(".") >= 2 else ""


def session_holds(key: bytes, cookie: str, stored: str | None, now: datetime) -> bool:
    """Whether a cookie is a session of ours, not over, under the password of now. In constant time."""
    ends, _, rest = cookie.partition(".")
    told, _, site = rest.partition(".")
    if stored is None or not (ends.isascii() and ends.isdigit() and len(ends) <= 12):
        return False
    wanted = _seal(key, site, int(ends), stored)
    return hmac.compare_digest(told.encode(), wanted.encode()) and int(ends) > now.timestamp()


def _seal(key: bytes, site: str, ends: int, stored: str) -> str:
    return hmac.new(key, f"{ends}|{site}|{stored}".encode(), hashlib.sha256).hexdigest()


class SiteReading:
    """The copies of one site, read from another thread than the hub's loop; there it is the port SiteCopies.

    Storage work stays on the hub's own threads, in its turn.
    """

    def __init__(self, hub: "Hub", site: str, loop: asyncio.AbstractEventLoop) -> None:
        self._hub = hub
        self._site = site
        self._loop = loop

    async def site_tills(self) -> list[TillCopy]:
        """See the port."""
        work = self._hub.stored(self._hub.site_journals.tills, self._site)
        return await asyncio.wrap_future(asyncio.run_coroutine_threadsafe(work, self._loop))

    async def report_entries(self, till: str, after: int) -> list[tuple[StoredRow, str]]:
        """See the port."""
        work = self._hub.stored(self._hub.site_journals.entries, self._site, till, after, PAGE_MAX)
        found = await asyncio.wrap_future(asyncio.run_coroutine_threadsafe(work, self._loop))
        return [(row, refused or "") for row, refused in found]
