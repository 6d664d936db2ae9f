"""Receipts by what a clerk types: a number, a payer's name, a permit, an invoice, an amount or a date.

One full-text index holds it all, so that every question is one walk over it, newest first, that stops at
the limit. Amounts, dates and bare numbers are in it as words of their own column (`facts`): `a22418` is
224.18, `d20260203` is 2026-02-03 and `n123` is the 123rd receipt of a till.
"""

import datetime as dt
import re
from collections.abc import Callable, Iterable
from functools import lru_cache
from itertools import chain
from pathlib import Path

from sqlite_utils import Database

from cashier.domain.errors import Refused
from cashier.domain.money import parse_cents
from cashier.domain.receipt import Receipt, receipt_number
from cashier.domain.records import receipt_from_json
from cashier.journal.rows import body_of
from cashier.journal.schema import SCHEMA_VERSION, version_of
from cashier.journal.sqlite import reading

#: More is cut off: nobody types as much, and every word costs a walk.
TEXT_MAX = 200
WORDS_MAX = 12
#: Receipts kept as they were decoded: a few lists' worth. Entries never change.
DECODED_MAX = 1_000

_NUMBER = re.compile(r"([A-Za-z]{1,5})-(\d{1,12})", re.ASCII)
_BARE_NUMBER = re.compile(r"\d{1,12}", re.ASCII)
_AMOUNT = re.compile(r"(\$?)(\d{1,3}(?:,\d{3})+|\d{1,7})(\.\d{2})?", re.ASCII)
_ISO_DATE = re.compile(r"(?P<year>\d{4})-(?P<month>\d{1,2})-(?P<day>\d{1,2})", re.ASCII)
_US_DATE = re.compile(r"(?P<month>\d{1,2})/(?P<day>\d{1,2})/(?P<year>\d{4})", re.ASCII)

_WORDS_IN = "{number payer permit invoices}"

_BODIES = "SELECT seq, body FROM receipt CROSS JOIN entry USING (seq)"
_NEWEST = "SELECT body FROM receipt CROSS JOIN entry USING (seq) ORDER BY seq DESC LIMIT ?"
_MATCHING = (
    "SELECT seq, body FROM receipt_text CROSS JOIN entry ON seq = receipt_text.rowid"
    " WHERE receipt_text MATCH ? ORDER BY receipt_text.rowid DESC LIMIT ?"
)


def add_to_index(db: Database, seq: int, receipt: Receipt) -> None:
    """Make a receipt findable. `seq` is its entry's."""
    paid = receipt.paid_cents
    # The payer's card statement has the service fee on top; either amount finds the receipt.
    amounts = {paid, paid + receipt.service_fee_cents}
    sequence = int(receipt.number.rpartition("-")[2])
    date = receipt.business_date.replace("-", "")
    facts = [f"d{date}", f"n{sequence}", *(f"a{cents}" for cents in amounts)]
    db.execute(
        "INSERT INTO receipt_text (rowid, number, payer, permit, invoices, facts) VALUES (?, ?, ?, ?, ?, ?)",
        (
            seq,
            receipt.number,
            receipt.customer.name,
            receipt.permit.number if receipt.permit else "",
            " ".join(invoice.number or "" for invoice in receipt.invoices),
            " ".join(facts),
        ),
    )


def find(db: Database, text: str, limit: int, today: Callable[[], dt.date]) -> tuple[Receipt, ...]:
    """Matching receipts: those of exactly the typed number or day first, then newest first.

    Every word must match. A text without anything to search for finds nothing; an empty one finds the
    newest receipts.
    """
    return tuple(decoded(body) for body in _find(db, text, limit, today))


@lru_cache(maxsize=DECODED_MAX)
def decoded(body: str) -> Receipt:
    """The receipt of a stored body: a list is shown again with every letter that is typed."""
    return receipt_from_json(body_of(body))


def search_file(path: Path, text: str, limit: int, today: Callable[[], dt.date]) -> tuple[Receipt, ...]:
    """Receipts of a journal file, in use or not, found without its lock. See `find`.

    Raises Refused when there is no such file, or an older or newer program wrote it.
    """
    with reading(path) as connection:
        if version_of(connection, path) < SCHEMA_VERSION:
            raise Refused(f"The journal {path} is of an older version; open it with the till once.")
        return find(Database(connection, execute_plugins=False), text, limit, today)


def _find(db: Database, text: str, limit: int, today: Callable[[], dt.date]) -> Iterable[str]:
    """The bodies of matching entries, in order."""
    words = _words(text)
    if not text.strip():
        rows = db.execute(_NEWEST, (max(limit, 0),)).fetchall()
        return [body for (body,) in rows]
    if not words or limit <= 0:
        return []
    found = _exact(db, words[0]) or _of_day(db, _date(words[0], today), limit) if len(words) == 1 else []
    if len(found) >= limit:
        return [body for _, body in found[:limit]]
    query = " AND ".join(_condition(word, today) for word in words)
    rows = db.execute(_MATCHING, (query, limit)).fetchall()
    return list(dict(chain(found, rows)).values())[:limit]


def _words(text: str) -> list[str]:
    """Words with at least one letter or digit; the index has no others."""
    printable = "".join(c if c.isprintable() else " " for c in text[:TEXT_MAX])
    return [word for word in printable.split() if any(c.isalnum() for c in word)][:WORDS_MAX]


def _exact(db: Database, word: str) -> list[tuple[int, str]]:
    """Entries and bodies of receipts of exactly this number.

    As printed (`A-000123`), without zeros (`a-123`) or bare (`123`).
    """
    if match := _NUMBER.fullmatch(word):
        sequence = int(match[2])
        if sequence == 0:
            return []
        number = receipt_number(match[1], sequence)
        rows = db.execute(f"{_BODIES} WHERE number = ? COLLATE NOCASE", (number,))
    elif _BARE_NUMBER.fullmatch(word):
        # One a till: a journal holds few of those.
        rows = db.execute(f"{_BODIES} WHERE sequence = ? ORDER BY seq DESC", (int(word),))
    else:
        return []
    return rows.fetchall()


def _of_day(db: Database, date: dt.date | None, limit: int) -> list[tuple[int, str]]:
    """Entries and bodies of a day's newest receipts. Most often they are all that was asked for."""
    if date is None:
        return []
    return db.execute(_MATCHING, (f"facts : {_day_fact(date)}", limit)).fetchall()


def _condition(word: str, today: Callable[[], dt.date]) -> str:
    """One typed word as a condition of the index: the start of a word, or a fact it may stand for."""
    choices = [f"({_WORDS_IN} : {_prefix(word)})"]
    date, cents = _date(word, today), _amount(word)
    if date is not None:
        choices.append(f"(facts : {_day_fact(date)})")
    if cents is not None:
        choices.append(f'(facts : "a{cents}")')
    if _BARE_NUMBER.fullmatch(word) and int(word):
        choices.append(f'(facts : "n{int(word)}"*)')
    return f"({' OR '.join(choices)})"


def _day_fact(date: dt.date) -> str:
    return f'"d{date:%Y%m%d}"'


def _prefix(word: str) -> str:
    """A word as the start of a word or of a run of them (`CSGN-26-0`), whatever it is made of."""
    quoted = word.replace('"', '""')
    return f'"{quoted}"*'


def _date(word: str, today: Callable[[], dt.date]) -> dt.date | None:
    match word.casefold():
        case "today":
            return today()
        case "yesterday":
            return today() - dt.timedelta(days=1)
    parts = _ISO_DATE.fullmatch(word) or _US_DATE.fullmatch(word)
    if parts is None:
        return None
    try:
        return dt.date(int(parts["year"]), int(parts["month"]), int(parts["day"]))
    except ValueError:
        return None


def _amount(word: str) -> int | None:
    """Cents of `224.18`, `$224`, `1,224.18`; None for a bare `224`, which is a number."""
    parts = _AMOUNT.fullmatch(word)
    if parts is None or not (parts[1] or parts[3]):
        return None
    try:
        return parse_cents(parts[2].replace(",", "") + (parts[3] or ""))
    except Refused:
        return None
