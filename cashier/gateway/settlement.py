"""The gateway's settlement file: CSV whose columns the settings name.

The published contract has no settlement file. So its shape is data (`FileShape`), and the default names are
assumed: those that Invoice Cloud's postback uses for the same things (Invoice Cloud contract, section 3).
Strict, because money is compared by it: what cannot be read is a fault, all faults are told at once, and a
file with one gives no lines at all.
"""

import csv
import datetime as dt
import hashlib
import io
import re
import unicodedata
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, fields
from pathlib import Path

from cashier.domain.errors import Refused
from cashier.domain.money import parse_cents
from cashier.domain.scrub import scrub_card_numbers
from cashier.domain.settlement import LineKind, SettlementLine

#: A line is about 150 bytes: room for 200,000 charges.
FILE_MAX_BYTES = 32 * 1024 * 1024
#: More lines with faults than these are only counted: such a file is of another shape.
FAULTS_MAX = 200
#: The longest text of each member; those of the postback, so that both sides are cut alike.
_TEXT_MAX = {"payment_guid": 64, "reference": 200, "invoice": 4000}
_SHOWN_MAX = 40

_AMOUNT = re.compile(r"(-?)\$?(-?)(\d{1,3}(?:,\d{3})+|\d{1,7})((?:\.\d{1,2})?)", re.ASCII)


@dataclass(frozen=True)
class ColumnNames:
    """What the file's header calls each member; empty when the file has no such column.

    Case and spaces around a name do not matter. Without `kind`, a negative amount alone makes a refund.
    """

    payment_guid: str = "PaymentGUID"
    reference: str = "BillerReference"
    invoice: str = "InvoiceNumber"
    amount: str = "PaymentAmount"
    fee: str = "ConvenienceFee"
    kind: str = ""
    date: str = "PaymentDate"


@dataclass(frozen=True)
class FileShape:
    """How a settlement file is written. `encoding` is `utf-8`, `cp1252`, or `auto`: the first if it is that.

    `charge_words` and `refund_words` are what the column `kind` says, in any case.
    """

    columns: ColumnNames = ColumnNames()
    delimiter: str = ","
    encoding: str = "auto"
    date_formats: tuple[str, ...] = ("%m/%d/%Y", "%m/%d/%Y %I:%M:%S %p", "%Y-%m-%d")
    charge_words: tuple[str, ...] = ("charge", "payment", "sale")
    refund_words: tuple[str, ...] = ("refund", "void", "reversal", "chargeback", "return")


@dataclass(frozen=True)
class SettlementFile:
    """A settlement file as read: its lines, and the SHA-256 of its bytes in hex."""

    name: str
    sha256: str
    lines: tuple[SettlementLine, ...]


def read_settlement(path: Path, shape: FileShape) -> SettlementFile:
    """A settlement file. Raises Refused with one fault a line: it names line number and column."""
    if not path.is_file():
        raise Refused(f"{path}: is not a file")
    try:
        with path.open("rb") as stream:
            data = stream.read(FILE_MAX_BYTES + 1)
    except OSError as error:
        raise Refused(f"{path}: cannot be read: {error.strerror or error}") from None
    return SettlementFile(
        path.name, hashlib.sha256(data).hexdigest(), parse_settlement(data, shape, path.name)
    )


def parse_settlement(data: bytes, shape: FileShape, name: str) -> tuple[SettlementLine, ...]:
    """The lines of a settlement file's bytes. Raises Refused as `read_settlement`, each fault with `name`."""
    if len(data) > FILE_MAX_BYTES:
        raise Refused(f"{name}: has more than {FILE_MAX_BYTES // 1024 // 1024} MiB")
    records = _records(_text(data, shape.encoding, name), shape.delimiter, name)
    try:
        _, header = next(records)
    except StopIteration:
        raise Refused(f"{name}: is empty") from None
    places = _places(header, shape.columns, name)
    lines: list[SettlementLine] = []
    faults: list[str] = []
    for row, values in records:
        if len(values) != len(header):
            told = [f"has {len(values)} fields, the header has {len(header)}"]
        else:
            line = _Line(row, {member: values[place].strip() for member, place in places.items()}, shape)
            lines.append(line.read())
            told = line.faults
        if told:
            faults.append(f"{name}: line {row}: {'; '.join(told)}")
    if faults:
        shown = faults[:FAULTS_MAX]
        if len(faults) > FAULTS_MAX:
            shown.append(f"{name}: {len(faults) - FAULTS_MAX} more lines have faults")
        raise Refused(f"{name}: {len(faults)} lines have faults; nothing was read", tuple(shown))
    return tuple(lines)


def _text(data: bytes, encoding: str, name: str) -> str:
    for known in ("utf-8", "cp1252") if encoding == "auto" else (encoding,):
        try:
            text = data.decode("utf-8-sig" if known == "utf-8" else known)
        except UnicodeDecodeError:
            continue
        if "\0" not in text:
            return text
    raise Refused(f"{name}: is not {'UTF-8 or Windows-1252' if encoding == 'auto' else encoding} text")


def _records(text: str, delimiter: str, name: str) -> Iterator[tuple[int, list[str]]]:
    """Each record with the number of the line it begins at; empty ones are left out."""
    reader = csv.reader(io.StringIO(text, newline=""), delimiter=delimiter, strict=True)
    row = 1
    try:
        for values in reader:
            if any(value.strip() for value in values):
                yield row, values
            row = reader.line_num + 1
    except csv.Error as error:
        raise Refused(f"{name}: line {row}: is not CSV: {error}") from None


def _places(header: Sequence[str], columns: ColumnNames, name: str) -> dict[str, int]:
    """Where each member's column is."""
    names = [column.strip().casefold() for column in header]
    faults = []
    places = {}
    for member in fields(columns):
        column = getattr(columns, member.name)
        wanted = column.strip().casefold()
        if not wanted:
            continue
        if names.count(wanted) == 1:
            places[member.name] = names.index(wanted)
        elif wanted in names:
            faults.append(f"{name}: line 1: has the column {column!r} more than once")
        else:
            setting = f"settlement.columns.{member.name}"
            faults.append(f"{name}: line 1: has no column {column!r} ({setting}: leave it empty for none)")
    if faults:
        shown = ", ".join(_shown(column) for column in header[:30])
        raise Refused(f"{name}: other columns", (*faults, f"{name}: line 1: its columns are {shown}"))
    return places


class _Line:
    """Reads one line. `faults` are its faults, each beginning with the column."""

    def __init__(self, row: int, values: Mapping[str, str], shape: FileShape) -> None:
        self._row = row
        self._values = values
        self._shape = shape
        self.faults: list[str] = []

    def read(self) -> SettlementLine:
        """The line; worth nothing when there are faults."""
        guid, reference = self._words("payment_guid"), self._words("reference")
        if not guid and not reference:
            self.faults.append("names neither a payment id nor a reference")
        amount = self._cents("amount") or 0
        fee = self._cents("fee")
        kind = LineKind.REFUND if amount < 0 else self._kind()
        # A file may write what went back, or the fee, with or without a sign: the kind decides.
        sign = -1 if kind is LineKind.REFUND else 1
        return SettlementLine(
            row=self._row,
            payment_guid=guid,
            reference=reference,
            invoice=self._words("invoice"),
            amount_cents=sign * abs(amount),
            fee_cents=None if fee is None else sign * abs(fee),
            kind=kind,
            date=self._date(),
        )

    def _fault(self, member: str, text: str) -> None:
        self.faults.append(f"{getattr(self._shape.columns, member)}: {text}")

    def _words(self, member: str) -> str:
        """A text without control characters and card numbers."""
        text = self._values.get(member, "")
        if len(text) > _TEXT_MAX[member]:
            self._fault(member, f"has more than {_TEXT_MAX[member]} characters")
        return _clean(text)

    def _cents(self, member: str) -> int | None:
        """An amount such as 1,234.50, $1,234.50, -12.00 or (12.00); None when there is no such column."""
        text = self._values.get(member)
        if text is None:
            return None
        in_brackets = text.startswith("(") and text.endswith(")")
        found = _AMOUNT.fullmatch(text[1:-1].strip() if in_brackets else text)
        minus = "" if found is None else found[1] + found[2]
        if found is None or minus == "--" or (in_brackets and minus):
            self._fault(member, f"{_shown(text)} is not an amount such as 1,234.50")
            return None
        try:
            cents = parse_cents(found[3].replace(",", "") + found[4])
        except Refused:
            self._fault(member, f"{_shown(text)} is too large")
            return None
        return -cents if minus or in_brackets else cents

    def _kind(self) -> LineKind:
        text = self._values.get("kind")
        if text is None:
            return LineKind.CHARGE
        word = text.casefold()
        if word in (known.casefold() for known in self._shape.refund_words):
            return LineKind.REFUND
        if word not in (known.casefold() for known in self._shape.charge_words):
            self._fault("kind", f"{_shown(text)} is not among charge_words and refund_words")
        return LineKind.CHARGE

    def _date(self) -> dt.date | None:
        text = self._values.get("date")
        if text is None:
            return None
        for pattern in self._shape.date_formats:
            try:
                return dt.datetime.strptime(text, pattern).date()  # noqa: DTZ007 (a day, not a moment)
            except ValueError:
                continue
        self._fault("date", f"{_shown(text)} is not a date as in date_formats")
        return None


def _clean(text: str) -> str:
    """Control characters as spaces, card numbers removed."""
    spaced = "".join(" " if unicodedata.category(char)[0] in "CZ" else char for char in text)
    return scrub_card_numbers(spaced)


def _shown(text: str) -> str:
    """A value as a fault shows it."""
    return repr(_clean(text)[:_SHOWN_MAX])
