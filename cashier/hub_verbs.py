"""What the command line's hub verbs do, on the hub's database and beside a hub that runs."""

import base64
import contextlib
import logging
import logging.handlers
import secrets
from collections.abc import Callable, Iterator, Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from cashier.domain.errors import Refused

if TYPE_CHECKING:
    from cashier.hub.app import Clock, TokenBytes
    from cashier.hub.finance import Finance
    from cashier.hub.holds import HeldPayment
    from cashier.hub.quarantine import Item
    from cashier.hub.store import HubStore


def site_and_till(text: str, *, new: bool = False) -> tuple[str, str]:
    """The two names of `SITE/TILL`. `new` ones must be such as a till's own settings take.

    Older hubs enrolled other names, too, and those can still be managed. Raises Refused.
    """
    from pydantic import TypeAdapter, ValidationError

    from cashier.gateway.postback import check_name
    from cashier.settings_types import Name, TillCode

    site, slash, till = text.partition("/")
    if not slash:
        raise Refused(f"{text[:40]!r} is not SITE/TILL")
    if not new:
        return check_name("site", site), check_name("till", till)
    for kind, name, wanted in (("site", site, Name), ("till", till, TillCode)):
        try:
            TypeAdapter(wanted).validate_python(name)
        except ValidationError as error:
            reason = error.errors()[0]["msg"].removeprefix("Value error, ")
            raise Refused(f"{kind} {name[:40]!r}: {reason}") from None
    return site, till


def enrol(db_url: str, secret: bytes, till: str) -> str:
    """Enrol `SITE/TILL`, also while the hub runs, and give its key. Raises Refused."""
    from cashier.hub.serve import enrol as enrol_till
    from cashier.hub.serve import utc_now

    site, name = site_and_till(till, new=True)
    return enrol_till(db_url, secret, site, name, utc_now)


def rotate(db_url: str, secret: bytes, till: str) -> str:
    """A new key of `SITE/TILL`; the one before stays good for 30 days. Raises Refused."""
    from cashier.gateway.postback import till_key_to_text
    from cashier.hub.keys import till_key
    from cashier.hub.serve import utc_now
    from cashier.hub.tillkeys import KeyStore

    site, name = site_and_till(till)
    with hub_store(db_url) as store:
        generation = KeyStore(store.engine).rotate(site, name, utc_now())
    return till_key_to_text(till_key(secret, site, name, generation), generation)


def invite(
    db_url: str,
    secret: bytes,
    till: str,
    minutes: int,
    token_bytes: "TokenBytes" = secrets.token_bytes,
    clock: "Clock | None" = None,
) -> tuple[str, str]:
    """A code that enrols `SITE/TILL` once, as it is read out, and until when it is good. Raises Refused.

    Also while the hub runs. Nothing changes for the till before the code is redeemed.
    """
    from cashier.domain.invite_code import CODE_BITS, invite_code, shown
    from cashier.hub.invites import InviteStore
    from cashier.hub.keys import invite_key
    from cashier.hub.serve import utc_now
    from cashier.hub.store import HubStore

    site, name = site_and_till(till, new=True)
    code = invite_code(int.from_bytes(token_bytes(8)) >> (64 - CODE_BITS))
    with HubStore(db_url) as store:
        invites = InviteStore(store.engine, invite_key(secret))
        return shown(code), invites.invite(site, name, code, minutes, (clock or utc_now)())


def web_address(text: str) -> str:
    """An address of the web, without a slash at its end. Raises Refused."""
    from pydantic import TypeAdapter, ValidationError

    from cashier.settings_types import WebAddress

    try:
        return TypeAdapter(WebAddress).validate_python(text)
    except ValidationError as error:
        reason = error.errors()[0]["msg"].removeprefix("Value error, ")
        raise Refused(f"{text[:80]!r}: {reason}") from None


@contextlib.contextmanager
def hub_store(db_url: str) -> "Iterator[HubStore]":
    """The database of a hub that is there. Raises Refused: a slip of the pen must not make an empty one."""
    import sqlalchemy as sa

    from cashier.hub.store import HubStore

    try:
        parsed = sa.make_url(db_url)
    except sa.exc.ArgumentError:
        parsed = None
    if parsed is not None and parsed.get_backend_name() == "sqlite" and parsed.database:
        file = Path(parsed.database)
        if not file.exists():
            raise Refused(f"{file}: no hub's database; `cashier hub serve` or `hub enrol` makes one")
    with HubStore(db_url) as store:
        yield store


#: What is told of an alarm.
_ALARM = ("seq", "reason", "told_hash", "kept_hash", "brought_by", "first_at", "last_at", "times")


@dataclass(frozen=True)
class HubReport:
    """What lies in a hub: for a program, and for a person."""

    members: dict[str, Any]
    lines: tuple[str, ...]


def status(db_url: str) -> HubReport:
    """What lies in the hub now. Raises Refused, Unavailable."""
    from cashier.hub.holds import HoldStore
    from cashier.hub.relay_store import RelayStore
    from cashier.hub.serve import utc_now
    from cashier.hub.status import StatusStore

    with hub_store(db_url) as store:
        counts = StatusStore(store.engine).status(utc_now())
        held = HoldStore(store.engine).all_held()
        relay = RelayStore(store.engine).depth()
    oldest = f", the oldest since {counts.oldest_pending}" if counts.oldest_pending else ""
    waiting = f", the oldest since {relay.oldest_at}" if relay.oldest_at else ""
    return HubReport(
        members={
            "tills": counts.tills,
            "pending": counts.pending,
            "oldest_pending": counts.oldest_pending,
            "held": [asdict(one) for one in held],
            "quarantine": counts.quarantine_open,
            "relay": asdict(relay),
        },
        lines=(
            f"tills       {counts.tills}",
            f"pending     {counts.pending}{oldest}",
            f"held        {len(held)}",
            *(
                f"  {payment.site}/{payment.till}  {payment.reference}  since {payment.since}"
                for payment in held
            ),
            f"quarantine  {counts.quarantine_open}",
            f"relay       {relay.waiting} waiting{waiting}, {relay.dead} dead",
        ),
    )


def copies(db_url: str, secret: bytes | None) -> tuple[HubReport, bool]:
    """The second copies of the tills' journals and what disagreed with them; whether they hold.

    With the master secret every entry and every anchor is verified. Raises Refused, Unavailable.
    """
    from cashier.hub.journals import JournalStore
    from cashier.hub.keys import anchor_key

    members: list[dict[str, Any]] = []
    lines: list[str] = []
    holds = True
    with hub_store(db_url) as store:
        journals = JournalStore(store.engine, anchor_key(secret) if secret else b"")
        for copy in journals.listed():
            fault = journals.first_fault(copy.site, copy.till) if secret else None
            alarms = journals.alarms(copy.site, copy.till)
            holds = holds and fault is None
            said = f"BROKEN at entry {fault.seq}: {fault.reason}" if fault else "holds" if secret else ""
            members.append(
                asdict(copy)
                | {"alarms": [{name: one[name] for name in _ALARM} for one in alarms]}
                | ({"holds": fault is None} if secret else {})
            )
            counts = f"{copy.entries} entries, {copy.anchors} anchors, {copy.refused} scrubbed"
            told = f"{copy.site}/{copy.till}  {counts}, {copy.alarms} alarms, last {copy.last_at}  {said}"
            lines.append(told.rstrip())
            for one in alarms:
                when = f"{one['times']} times since {one['first_at']}, sent by till {one['brought_by']}"
                lines.append(f"  alarm: entry {one['seq']}, {one['reason']}, {when}")
    return HubReport(members={"copies": members}, lines=tuple(lines)), holds


def release(db_url: str, reference: str, reason: str, site: str | None) -> "HeldPayment":
    """End the hold of a payment whose till is dead; what it was. Raises Refused.

    `site` is needed only where two sites of the hub hold a payment of the same reference.
    """
    from cashier.hub.holds import HoldStore
    from cashier.hub.serve import utc_now

    with hub_store(db_url) as store:
        holds = HoldStore(store.engine)
        found = [
            held for held in holds.all_held() if held.reference == reference and site in (None, held.site)
        ]
        if not found:
            raise Refused(f"No payment {reference[:40]!r} holds an invoice.")
        if len({one.site for one in found}) > 1:
            raise Refused(f"More than one site holds a payment {reference[:40]!r}: name it with --site.")
        return holds.release(found[0].site, reference, reason, utc_now())[0]


def item_members(item: "Item") -> dict[str, Any]:
    """A quarantined message as JSON members; bytes as text where they are text, else as base64."""
    members = asdict(item)
    for name in ("query", "body"):
        raw: bytes | None = members[name]
        if raw is not None:
            try:
                members[name] = raw.decode()
            except UnicodeDecodeError:
                members[name] = f"base64:{base64.b64encode(raw).decode()}"
    return members


def log_access(place: Path) -> Callable[[], None]:
    """Write one line a request to a file, or for `-` to standard error; what is returned closes it.

    Raises Refused when the file cannot be written. It may be moved away while the hub runs.
    """
    from cashier.hub.access import access_log

    try:
        handler = (
            logging.StreamHandler()
            if str(place) == "-"
            else logging.handlers.WatchedFileHandler(place, encoding="utf-8")
        )
    except OSError as error:
        raise Refused(f"{place}: cannot be written: {error.strerror}") from None
    handler.setFormatter(logging.Formatter("%(message)s"))
    access_log.addHandler(handler)
    access_log.setLevel(logging.INFO)
    access_log.propagate = False

    def close() -> None:
        access_log.removeHandler(handler)
        handler.close()

    return close


def master_secret(environ: Mapping[str, str], file: Path | None) -> bytes:
    """The hub's master secret. Raises Refused."""
    from cashier.hub.keys import read_master_secret

    return read_master_secret(environ, file)


def finance_office() -> "Finance":
    """What the hub's page for the finance office is made with: reports as the tills make them."""
    import asyncio
    import datetime as dt

    from cashier.domain.daily import DailyReport, Scope
    from cashier.hub.finance import Finance, SiteReading
    from cashier.journal.site_daybook import SiteDaybook
    from cashier.paper.daily_csv import write_csv
    from cashier.till.reporting import Counter
    from cashier.till.site_reporting import site_report

    def report(reading: SiteReading, site: str, date: dt.date, now: dt.datetime) -> DailyReport:
        counter = Counter(site, "", "the finance office", {})
        with SiteDaybook() as book:
            return asyncio.run(site_report(reading, book, counter, Scope(date, date), now))

    return Finance(report, write_csv)
