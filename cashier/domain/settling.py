"""The rules of the settlement match: which line, confirmation and postback are one charge, and do they agree.

A charge is a PaymentGUID. File and hub may tell it once for all its invoices or once an invoice, each in its
own way (Invoice Cloud contract, section 3), so a charge falls into as many rows as they all can tell apart.
What carries no PaymentGUID (a file without that column, a payment settled by enquiry) is found by reference
and amount.
"""

from collections import defaultdict
from collections.abc import Callable, Collection, Iterable, Sequence
from dataclasses import dataclass, replace

from cashier.domain.money import format_dollars
from cashier.domain.postback import Approved
from cashier.domain.scrub import scrub_card_numbers
from cashier.domain.settlement import (
    HubCharge,
    JournalCharge,
    JournalRefund,
    LineKind,
    Row,
    SettlementLine,
    SettlementMatch,
    Side,
    Verdict,
)
from cashier.domain.settling_refunds import guid_key, refund_rows

_ORDER = {verdict: place for place, verdict in enumerate(Verdict)}


@dataclass(frozen=True)
class _Item:
    """What one source says once. `invoices` is empty when it speaks of the whole payment."""

    guid: str
    reference: str
    invoices: frozenset[str]
    amount_cents: int | None
    fee_cents: int | None
    told: SettlementLine | JournalCharge | HubCharge


@dataclass(frozen=True)
class _Part:
    """The part of a charge that the sources tell apart."""

    lines: tuple[_Item, ...]
    repeated: tuple[_Item, ...]
    journal: tuple[_Item, ...]
    hub: tuple[_Item, ...]


def match(
    lines: Sequence[SettlementLine],
    journal: Sequence[JournalCharge],
    hub: Sequence[HubCharge] | None,
    till: str,
    expected: Callable[[str], bool] = lambda _stamp: True,
    refunds: Sequence[JournalRefund] = (),
) -> SettlementMatch:
    """Match a settlement file with a till's journal and the site's postbacks at the hub.

    `hub` is None when it was not asked. `till` is the journal's. `expected` says of a UTC stamp whether a
    charge of that moment belongs into the file: one that does not is matched, but not missed. `refunds` are
    those that were asked for at this till: what went back is held beside them.
    """
    whole = {_invoice(charge.invoice) for charge in journal}
    items = [_line_item(line, whole) for line in lines if line.kind is LineKind.CHARGE]
    items += [_journal_item(charge) for charge in journal]
    items += [_hub_item(charge, whole) for charge in hub or () if charge.approved == Approved.YES]
    unclear = {_guid(charge): charge.approved for charge in hub or () if charge.approved != Approved.YES}
    journalled = {guid_key(charge.payment_guid): charge for charge in journal}
    rows = refund_rows([line for line in lines if line.kind is not LineKind.CHARGE], journalled, refunds)
    asked = _Asked(till, hub is not None, expected)
    for guid, told in _charges(items).items():
        parts = [_part(part) for part in _parts(told)]
        fees_agree = _fees_agree(parts)
        for part in parts:
            rows += _rows_of(part, fees_agree, unclear.get(guid), asked)
    rows.sort(key=lambda row: (_ORDER[row.verdict], row.lines, row.when, row.reference, row.invoices))
    return SettlementMatch(tuple(rows), hub_asked=hub is not None)


# -- one charge ---------------------------------------------------------------------------------------------


def _guid(told: SettlementLine | JournalCharge | HubCharge) -> str:
    return guid_key(told.payment_guid)


def _invoice(text: str) -> str:
    """An invoice number in one spelling. Numbers that look like a card's were masked in what was stored."""
    return scrub_card_numbers(text).strip().casefold()


def _invoices(text: str, whole: Collection[str]) -> frozenset[str]:
    """The numbers a text names; `whole` are numbers that are one even with a comma in them."""
    if _invoice(text) in whole:
        return frozenset({_invoice(text)})
    return frozenset(_invoice(part) for part in text.replace(";", ",").split(",") if part.strip())


def _line_item(line: SettlementLine, whole: Collection[str]) -> _Item:
    invoices = _invoices(line.invoice, whole)
    return _Item(_guid(line), line.reference.strip(), invoices, line.amount_cents, line.fee_cents, line)


def _journal_item(charge: JournalCharge) -> _Item:
    invoices = frozenset({_invoice(charge.invoice)})
    return _Item(_guid(charge), charge.reference, invoices, charge.amount_cents, charge.fee_cents, charge)


def _hub_item(charge: HubCharge, whole: Collection[str]) -> _Item:
    invoices = _invoices(charge.invoice, whole)
    return _Item(_guid(charge), charge.reference, invoices, charge.amount_cents, charge.fee_cents, charge)


def _charges(items: Sequence[_Item]) -> dict[str, list[_Item]]:
    """Items by charge: by PaymentGUID, and those without one at a charge of their reference.

    Those that fit no charge of their reference stand together under the reference.
    """
    charges: dict[str, list[_Item]] = defaultdict(list)
    guids: dict[str, dict[str, None]] = defaultdict(dict)
    for item in items:
        if item.guid:
            charges[item.guid].append(item)
            guids[item.reference.casefold()][item.guid] = None
    for item in items:
        if not item.guid:
            reference = item.reference.casefold()
            fits = {guid: _fit(item, charges[guid]) for guid in guids[reference]}
            charges[max(fits, key=fits.__getitem__, default=f"ref {reference}")].append(item)
    return charges


def _fit(item: _Item, charge: Sequence[_Item]) -> tuple[bool, bool]:
    """How well an item without a PaymentGUID fits a charge of its reference: still room for it, amount."""
    own = [other for other in charge if type(other.told) is type(item.told)]
    others = [other for other in charge if type(other.told) is not type(item.told)]
    has_room = not any(_overlap(item, other) for other in own)
    touched = [other for other in others if _overlap(item, other)]
    amounts = {other.amount_cents for other in touched} | {
        sum(other.amount_cents or 0 for other in touched if type(other.told) is kind)
        for kind in (SettlementLine, JournalCharge, HubCharge)
    }
    return has_room, item.amount_cents in amounts


def _overlap(one: _Item, other: _Item) -> bool:
    return not one.invoices or not other.invoices or not one.invoices.isdisjoint(other.invoices)


def _parts(charge: Sequence[_Item]) -> list[list[_Item]]:
    """A charge's items in the smallest groups that share no invoice."""
    parts: list[list[_Item]] = []
    for item in charge:
        apart, touching = [], [item]
        for part in parts:
            if any(_overlap(item, other) for other in part):
                touching = part + touching
            else:
                apart.append(part)
        parts = [*apart, touching]
    return parts


# -- what each source says of it ----------------------------------------------------------------------------


def _part(items: Sequence[_Item]) -> _Part:
    journal = [item for item in items if isinstance(item.told, JournalCharge)]
    hub = _said_once([item for item in items if isinstance(item.told, HubCharge)])
    known = [_sum(side) for side in (journal, hub) if side]
    lines = [item for item in items if isinstance(item.told, SettlementLine)]
    taken, repeated = _settled_once(lines, known)
    return _Part(tuple(taken), tuple(repeated), tuple(journal), tuple(hub))


def _said_once(items: Sequence[_Item]) -> list[_Item]:
    """Messages without those that repeat them: sent again, or for all invoices and for each."""
    taken: list[_Item] = []
    covered: frozenset[str] = frozenset()
    for item in sorted(items, key=lambda item: -len(item.invoices)):
        if not taken or not item.invoices <= covered:
            taken.append(item)
            covered |= item.invoices
    return taken


def _settled_once(lines: Sequence[_Item], known: Collection[int | None]) -> tuple[list[_Item], list[_Item]]:
    """The file's lines that make up a charge, and those that list it once more.

    A line for invoices that another line has, too, belongs to the charge as long as together they do not
    exceed what journal or hub know of it (a file may list a charge in several lines without telling its
    invoices). Of a charge that nobody knows, only an exact repetition is one.
    """
    if _sum(lines) in known:
        return list(lines), []
    room = max((cents for cents in known if cents is not None), default=None)
    taken: list[_Item] = []
    repeated: list[_Item] = []
    for line in sorted(lines, key=lambda line: (line.amount_cents not in known, -len(line.invoices))):
        if not any(_overlap(line, other) for other in taken):
            again = False
        elif room is None:
            again = any(_same(line, other) for other in taken)
        else:
            again = (_sum(taken) or 0) + (line.amount_cents or 0) > room
        (repeated if again else taken).append(line)
    return taken, repeated


def _same(one: _Item, other: _Item) -> bool:
    return (one.invoices, one.amount_cents) == (other.invoices, other.amount_cents)


def _sum(items: Iterable[_Item]) -> int | None:
    """The amounts of all, None when one is not known."""
    amounts = [item.amount_cents for item in items]
    return None if None in amounts else sum(cents for cents in amounts if cents is not None)


def _fees(items: Iterable[_Item]) -> int | None:
    fees = [item.fee_cents for item in items]
    return None if None in fees else sum(cents for cents in fees if cents is not None)


def _side(items: Sequence[_Item]) -> Side | None:
    return Side(_sum(items), _fees(items)) if items else None


def _fees_agree(parts: Sequence[_Part]) -> bool:
    """Whether the sources name the same fee for the whole charge, however they spread it over invoices."""
    sources = zip(*((part.lines, part.journal, part.hub) for part in parts), strict=True)
    fees = [_fees(item for part in source for item in part) for source in sources if all(source)]
    return len({fee for fee in fees if fee is not None}) <= 1


# -- verdicts -----------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class _Asked:
    """What a match is made for."""

    till: str
    hub_asked: bool
    expected: Callable[[str], bool]


def _rows_of(part: _Part, fees_agree: bool, unclear: Approved | None, asked: _Asked) -> list[Row]:
    """The row of a part, none if nobody expects it in the file; and one for each line that repeats it."""
    row = _row(part)
    if row.file is None and not asked.expected(row.when):
        return []
    told = [item.told for item in (*part.journal, *part.hub, *part.lines)]
    verdict = _verdict(row, fees_agree=fees_agree, asked=asked)
    notes = [*_absences(row, verdict, asked), *_differences(row, fees_agree)]
    if any(isinstance(item, JournalCharge) and item.vouched for item in told):
        notes.append("In the journal by the word of two people; no message of the gateway matched it yet.")
    if unclear is not None:
        said = "that it was declined" if unclear == Approved.NO else "neither approved nor declined"
        notes.append(f"A message at the hub says {said}.")
    if len({item.reference.strip().casefold() for item in told if item.reference}) > 1:
        notes.append("The sources name different payment references.")
    rows = [replace(row, verdict=verdict, notes=tuple(notes))]
    for line in part.repeated:
        note = f"See line {', '.join(map(str, row.lines))} of the file."
        again = replace(row, verdict=Verdict.DUPLICATE, journal=None, hub=None, notes=(note,))
        rows.append(replace(again, file=_side((line,)), lines=_line_numbers((line,))))
    return rows


def _row(part: _Part) -> Row:
    """What the sources say of a part, not judged yet."""
    journal = [item.told for item in part.journal if isinstance(item.told, JournalCharge)]
    hub = [item.told for item in part.hub if isinstance(item.told, HubCharge)]
    lines = [item.told for item in part.lines if isinstance(item.told, SettlementLine)]
    told: list[JournalCharge | HubCharge | SettlementLine] = [*journal, *hub, *lines]
    tills: list[JournalCharge | HubCharge] = [*journal, *hub]
    stamps = [*(charge.at for charge in journal), *(charge.received_at for charge in hub)]
    dates = [line.date.isoformat() for line in lines if line.date]
    return Row(
        verdict=Verdict.UNKNOWN,
        payment_guid=_first(item.payment_guid for item in told),
        reference=_first(item.reference for item in told),
        invoices=tuple(dict.fromkeys(item.invoice for item in journal or hub or lines if item.invoice)),
        till=_first(item.till for item in tills),
        receipt=_first(charge.receipt for charge in journal),
        when=_first([*stamps, *dates]),
        file=_side(part.lines),
        journal=_side(part.journal),
        hub=_side(part.hub),
        lines=_line_numbers(part.lines),
    )


def _verdict(row: Row, *, fees_agree: bool, asked: _Asked) -> Verdict:
    sides = [side for side in (row.file, row.journal, row.hub) if side]
    if row.file is None:
        return Verdict.MISSING_AT_GATEWAY
    if row.journal is None and row.hub is None:
        return Verdict.UNKNOWN
    if row.journal is None and row.till == asked.till:
        return Verdict.MISSING_IN_JOURNAL
    if len({side.amount_cents for side in sides}) > 1:
        return Verdict.AMOUNT_DIFFERS
    if row.hub is None and asked.hub_asked:
        return Verdict.MISSING_AT_HUB
    if not fees_agree and len({side.fee_cents for side in sides if side.fee_cents is not None}) > 1:
        return Verdict.FEE_DIFFERS
    return Verdict.OTHER_TILL if row.journal is None else Verdict.MATCHED


def _absences(row: Row, verdict: Verdict, asked: _Asked) -> list[str]:
    """Where a charge is missing besides what its verdict says."""
    notes = []
    if row.journal is None and row.till == asked.till and verdict is not Verdict.MISSING_IN_JOURNAL:
        notes.append("This till's journal does not have it as paid.")
    if row.hub is None and row.journal and asked.hub_asked and verdict is not Verdict.MISSING_AT_HUB:
        notes.append("No approval of it is at the hub.")
    return notes


def _differences(row: Row, fees_agree: bool) -> list[str]:
    """What each source says, where they do not say the same."""
    named = [(name, side) for name, side in _sides(row) if side is not None]
    notes = []
    if len({side.amount_cents for _, side in named}) > 1:
        notes.append("Amount: " + _told((name, side.amount_cents) for name, side in named))
    fees = [(name, side.fee_cents) for name, side in named if side.fee_cents is not None]
    if not fees_agree and len({cents for _, cents in fees}) > 1:
        notes.append("Service fee: " + _told(fees))
    return notes


def _sides(row: Row) -> tuple[tuple[str, Side | None], ...]:
    return (("gateway", row.file), ("journal", row.journal), ("hub", row.hub))


def _told(amounts: Iterable[tuple[str, int | None]]) -> str:
    texts = (f"{name} {'unreadable' if cents is None else format_dollars(cents)}" for name, cents in amounts)
    return ", ".join(texts) + "."


def _first(texts: Iterable[str]) -> str:
    return next((text for text in texts if text), "")


def _line_numbers(lines: Iterable[_Item]) -> tuple[int, ...]:
    return tuple(sorted(line.told.row for line in lines if isinstance(line.told, SettlementLine)))
