"""The auditor: knows what the gateway truly took, reads what the journals say, and asks the till for nothing.

It keeps books of its own from the entries as they are committed, so that a broken fold or table of the
product does not blind it. It looks after every commit, charge and page, and once more when the world has
calmed down.
"""

import re
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from cashier.domain.entries import Entry, EntryKind
from cashier.domain.payment import Payment, PaymentState
from tests.simulation.copy_auditor import CopyAuditor
from tests.simulation.gateway import Charge, Page
from tests.simulation.telling import CANARIES

if TYPE_CHECKING:
    from tests.simulation.station import Station
    from tests.simulation.world import World

LIVE = ("ISSUED", "OPEN", "IN_DOUBT")
_CANARY = re.compile("|".join({re.sub(r"\D", "", text) for text in CANARIES}))
_JOINTS = re.compile(r"(?<=\d)[ \-](?=\d)")


@dataclass
class _Book:
    """What the auditor has read in one journal. Payments by id."""

    seq: int = 0
    hash: str = ""
    issued: dict[str, Mapping[str, Any]] = field(default_factory=dict)
    ids: dict[str, str] = field(default_factory=dict)
    states: dict[str, str] = field(default_factory=dict)
    live: set[str] = field(default_factory=set)
    #: (reference, invoice number) -> amounts confirmed, and which charges were named.
    confirmed: dict[str, list[Mapping[str, Any]]] = field(default_factory=lambda: defaultdict(list))
    named: set[tuple[str, str]] = field(default_factory=set)
    receipted: set[str] = field(default_factory=set)
    #: Payments that a person was told to refund, as their sale was paid already: they have no receipt.
    duplicates: set[str] = field(default_factory=set)
    paid_of_sale: dict[str, int] = field(default_factory=lambda: defaultdict(int))
    of_day: dict[str, list[str]] = field(default_factory=lambda: defaultdict(list))
    receipts: int = 0
    closed: str = ""
    promises: dict[str, str] = field(default_factory=dict)


class Auditor:
    """Watches one world."""

    def __init__(self, world: "World") -> None:
        self._world = world
        self.copies = CopyAuditor(world)
        self._books: dict[str, _Book] = defaultdict(_Book)
        self._texts: list[str] = []
        self._charged: dict[tuple[str, str], list[Charge]] = defaultdict(list)
        self._totals: dict[tuple[str, str], int] = {}
        self._open: dict[tuple[str, str], Page] = {}
        self._loaded: set[int] = set()
        self._excused: dict[Charge, str] = {}

    @property
    def excused(self) -> int:
        """Second charges that the contract makes unavoidable."""
        return len(self._excused)

    def seen(self, code: str) -> int:
        """The newest entry of a till that was looked at."""
        return self._books[code].seq

    def _fail(self, sentence: str) -> None:
        raise self._world.failure(sentence)

    def _must(self, holds: bool, sentence: str) -> None:
        if not holds:
            self._fail(sentence)

    # -- every commit --------------------------------------------------------------------------------------

    def recorded(self, code: str, entries: Sequence[Entry]) -> None:
        """Entries were committed at a till."""
        book = self._books[code]
        for entry in entries:
            self._must(entry.seq == book.seq + 1, f"entry {entry.seq} of till {code} follows {book.seq}")
            self._must(
                entry.previous == (book.hash or "0" * 64), f"entry {entry.seq} of till {code} is not chained"
            )
            book.seq, book.hash = entry.seq, entry.hash
            self._texts.append(repr(entry.body))
            match entry.kind:
                case EntryKind.PAYMENT_ISSUED:
                    self._issued(code, book, entry)
                case EntryKind.PAYMENT_HINTED | EntryKind.PAYMENT_TOLD | EntryKind.PAYMENT_VOUCHED:
                    self._moved(code, book, entry)
                case EntryKind.RECEIPT_ISSUED:
                    self._receipted(code, book, entry)
                case EntryKind.DISCREPANCY_FOUND if "DUPLICATE PAYMENT" in entry.body["reason"]:
                    book.duplicates.add(entry.subject)
                case EntryKind.DAY_CLOSED:
                    self._day_closed(code, book, entry.body)
        for entry in entries:
            self._receipt_due(code, book, entry)

    def promised(self, code: str, entries: Iterable[Entry]) -> None:
        """`record` returned these: they may never be lost."""
        self._books[code].promises |= {entry.id: entry.hash for entry in entries}

    def _issued(self, code: str, book: _Book, entry: Entry) -> None:
        body = entry.body
        numbers = {item["number"].casefold() for item in body["invoices"]}
        for other in book.live:
            known = book.issued[other]
            shared = numbers & {item["number"].casefold() for item in known["invoices"]}
            if known["sale_id"] == body["sale_id"] or shared:
                self._fail(
                    f"till {code} began a second attempt {body['reference'][:14]} while "
                    f"{known['reference'][:14]} for the same sale is {book.states[other]}"
                )
        book.issued[entry.subject] = body
        book.ids[body["reference"]] = entry.subject
        book.states[entry.subject] = "ISSUED"
        book.live.add(entry.subject)

    def _moved(self, code: str, book: _Book, entry: Entry) -> None:
        body, own = entry.body, entry.subject
        reference = book.issued[own]["reference"]
        for item in body.get("confirmations", ()):
            self._confirmed(code, book, reference, item)
        state = book.states[own] = body["state"]
        if state in LIVE:
            book.live.add(own)
        else:
            book.live.discard(own)
        if state == "APPROVED":
            self._must(
                bool(book.confirmed[reference]),
                f"till {code}: {reference[:14]} is APPROVED and nothing was paid",
            )
        if body["event"] == "vouched_paid" and not self._world.scenario.wrong_vouches:
            shown = sum(charge.total for charge in self._world.gateway.portal(reference))
            self._must(
                shown > 0, f"till {code}: {reference[:14]} was vouched for and the portal shows nothing"
            )

    def _confirmed(self, code: str, book: _Book, reference: str, item: Mapping[str, Any]) -> None:
        guid, number, cents = item["payment_guid"], item["invoice_number"], item["amount_cents"]
        true = [
            charge
            for charge in self._world.gateway.portal(reference)
            if charge.amounts.get(number) == cents and guid in ("", charge.guid)
        ]
        if not true and not guid and self._world.scenario.charges_twice:
            # Asked for an invoice, the gateway tells the sum of what it took, also of a page charged twice.
            taken = [charge.amounts.get(number, 0) for charge in self._world.gateway.portal(reference)]
            true = list(self._world.gateway.portal(reference)) if sum(taken) == cents else []
        what = f"{cents} cents of invoice {number} by {reference[:14]} ({guid[:8] or 'no charge named'})"
        self._must(bool(true), f"till {code} recorded as paid what the gateway never took: {what}")
        if guid:
            self._must((guid, number) not in book.named, f"till {code} confirmed one charge twice: {what}")
            book.named.add((guid, number))
        book.confirmed[reference].append(item)

    # -- receipts and days ---------------------------------------------------------------------------------

    def _receipted(self, code: str, book: _Book, entry: Entry) -> None:
        body = entry.body
        number, own, date = body["number"], body["payment_id"], body["business_date"]
        book.receipts += 1
        wanted = f"{code}-{book.receipts:06d}"
        self._must(number == wanted, f"till {code}: receipt {number} where {wanted} was due")
        self._must(date > book.closed, f"till {code}: receipt {number} for {date}, which is closed")
        book.of_day[date].append(number)
        if not own:
            self.copies.is_owed(code, entry)
            return
        self._must(own not in book.receipted, f"till {code}: receipt {number} is the second of its payment")
        book.receipted.add(own)
        state = book.states.get(own)
        self._must(state in ("APPROVED", "VOUCHED"), f"till {code}: receipt {number} of a payment {state}")
        book.paid_of_sale[body["sale_id"]] += body["paid_cents"]
        paid, total = book.paid_of_sale[body["sale_id"]], body["total_cents"]
        self._must(paid <= total, f"till {code}: receipts of {paid} cents for a sale of {total}, {number}")
        if state == "APPROVED":
            taken = sum(charge.total for charge in self._world.gateway.portal(body["reference"]))
            self._must(
                body["paid_cents"] <= taken, f"till {code}: receipt {number} is for more than was taken"
            )

    def _receipt_due(self, code: str, book: _Book, entry: Entry) -> None:
        """A payment that a commit made paid has its receipt in that commit, or says why it has none."""
        if entry.body.get("event") not in ("confirmed_paid", "rest_unpaid", "vouched_paid"):
            return
        self._must(
            entry.subject in book.receipted | book.duplicates,
            f"till {code}: {book.issued[entry.subject]['reference'][:14]} is paid and has no receipt",
        )

    def _day_closed(self, code: str, book: _Book, body: Mapping[str, Any]) -> None:
        date = body["business_date"]
        self._must(date > book.closed, f"till {code}: {date} is closed after {book.closed}")
        book.closed = date
        wanted = book.of_day[date]
        self._must(body["receipts"] == wanted, f"till {code}: the Z of {date} lists {body['receipts']}")

    # -- every page and charge -----------------------------------------------------------------------------

    def registered(self, text: str, reference: str, code: str) -> None:
        """The gateway hears of a payment: by then it is recorded, with these very bytes."""
        book = self._books[code]
        body = book.issued.get(book.ids.get(reference, ""))
        self._must(
            body is not None, f"the gateway hears of {reference[:14]}, which till {code} has not recorded"
        )
        assert body is not None
        self._must(
            body["request"] == text, f"the gateway hears of {reference[:14]} in other bytes than recorded"
        )

    def page_opened(self, page: Page) -> None:
        """A page is before a payer."""
        session = page.session
        book = self._books[session.till]
        state = book.states.get(book.ids.get(session.reference, ""))
        self._must(state == "OPEN", f"the page of {session.reference[:14]} is opened while it is {state}")
        self._must(
            session.number not in self._loaded, f"the page of {session.reference[:14]} is loaded again"
        )
        self._loaded.add(session.number)
        for key in _keys(session.biller, session.amounts):
            other = self._open.get(key)
            if other is not None:
                self._fail(
                    f"invoice {key[1]} is before two payers at once: {other.session.reference[:14]} and "
                    f"{session.reference[:14]}"
                )
            self._open[key] = page

    def page_closed(self, page: Page) -> None:
        """A page is gone."""
        for key in _keys(page.session.biller, page.session.amounts):
            if self._open.get(key) is page:
                del self._open[key]

    def charged(self, charge: Charge) -> None:
        """The gateway took money: more than was due only where the contract makes it unavoidable."""
        session = charge.session
        for number, cents in charge.amounts.items():
            key = (session.biller, number.casefold())
            given = self._world.permits.total(number.upper())
            total = self._totals.setdefault(key, given if given is not None else session.amounts[number])
            before = self._charged[key]
            # Of a page that the gateway charged twice, once is rightful, and only once was known.
            rightful = {item.session: item.amounts[_as(item, number)] for item in before}
            if charge.session in rightful or sum(rightful.values()) + cents > total:
                excuse = self._excuse(charge, before)
                self._must(
                    bool(excuse),
                    f"invoice {number} of {total} cents is charged again: {charge.reference[:14]} takes "
                    f"{cents} "
                    f"after {', '.join(item.reference[:14] for item in before)}",
                )
                self._excused[charge] = excuse
            before.append(charge)

    def _excuse(self, charge: Charge, before: Sequence[Charge]) -> str:
        """Why nobody at the counter could have prevented a second charge, or empty."""
        scenario = self._world.scenario
        if any(item.session is charge.session for item in before):
            return "the gateway charged one page twice" if scenario.charges_twice else ""
        sessions = {charge.session, *(item.session for item in before)}
        if scenario.excused_doubles and any(session.declines for session in sessions):
            return "a second card on a page whose first card was declined came through late"
        return ""

    # -- starts, texts ---------------------------------------------------------------------------------------

    def started(self, code: str) -> None:
        """A till has started: a page that was open is gone with the process that had it."""
        book = self._books[code]
        for own in book.live:
            name = book.issued[own]["reference"][:14]
            self._must(book.states[own] != "OPEN", f"till {code} has started, and {name} is still OPEN")

    def restarted(self, code: str) -> None:
        """A till starts over its journal: whatever was promised is in it."""
        station = next(item for item in self._world.stations if item.code == code)
        self._promises_kept(station)

    def _promises_kept(self, station: "Station") -> None:
        promises = self._books[station.code].promises
        for own, told in promises.items():
            entry = station.store.entry(own)
            self._must(entry is not None, f"till {station.code}: acknowledged entry {own} is lost")
            assert entry is not None
            self._must(entry.hash == told, f"till {station.code}: acknowledged entry {own} was changed")
        promises.clear()
        # Kept whole for the end: the chain up to here hangs on the newest entry.

    def read(self, text: str) -> None:
        """Something was shown or printed or logged."""
        self._texts.append(text)

    # -- the end ---------------------------------------------------------------------------------------------

    def audit(self) -> None:
        """The world has calmed down: nothing is left over."""
        for station in self._world.stations:
            self._promises_kept(station)
            book = self._books[station.code]
            # In memory nothing comes between: each entry was chained when it was recorded.
            if self._world.scenario.real_stores or self._world.seed % 5 == 0:
                broken = station.store.verify()
                self._must(broken is None, f"till {station.code}: the chain is broken: {broken}")
            entries = list(station.store.entries())
            same = len(entries) == book.seq and (not entries or entries[-1].hash == book.hash)
            self._must(same, f"till {station.code}: the journal is not the one that was written")
            for own, body in book.issued.items():
                payment = station.store.payment(body["reference"])
                self._must(payment is not None, f"till {station.code} forgot {body['reference'][:14]}")
                assert payment is not None
                self._must(
                    payment.state.value == book.states[own], f"{payment.reference[:14]} is told otherwise"
                )
                self._settled(payment)
        for charge in self._world.gateway.charges:
            self._accounted(charge)
        self._holds_given_back()
        self.copies.audit()
        self._no_card_number()

    def _settled(self, payment: Payment) -> None:
        """A payment has come to its end, or waits for a person."""
        name, state = payment.reference[:14], payment.state
        self._must(state is not PaymentState.OPEN, f"{name} is OPEN and nobody is at its page")
        if payment.locks_sale and self._world.scenario.credentials:
            self._must(bool(payment.reviews), f"{name} stays {state.value} for ever")
        if state is PaymentState.APPROVED:
            told = {item.invoice_number for item in payment.confirmations}
            self._must(bool(told), f"{name} is APPROVED without a confirmation")

    def _accounted(self, charge: Charge) -> None:
        """A charge stands in the journal once, as it was; or a person was told of it."""
        code, name = charge.session.till, f"the charge {charge.guid[:8]} of {charge.reference[:14]}"
        station = next(item for item in self._world.stations if item.code == code)
        payment = station.store.payment(charge.reference)
        self._must(payment is not None, f"{name} is of a payment that no till knows")
        assert payment is not None
        flagged, heard = bool(payment.reviews), bool(charge.heard)
        if charge in self._excused and (flagged or not heard):
            return
        twice = charge.session.charges
        if len(twice) > 1:
            # The gateway charged one page twice: one is recorded, and of two that were told a person knows.
            told = sum(bool(item.heard) for item in twice)
            self._must(flagged or told < 2, f"{name} is one of {told} of one page, and nobody was told")
            self._must(flagged or bool(payment.confirmations), f"{name} is not recorded")
            return
        for number, cents in charge.amounts.items():
            found = [
                item
                for item in payment.confirmations
                if (item.invoice_number, item.amount_cents) == (number, cents)
                and item.payment_guid in ("", charge.guid)
            ]
            if number in charge.heard:
                found = [item for item in found if item.payment_guid == charge.guid]
            if len(found) == 1:
                continue
            self._must(not found, f"{name} is confirmed {len(found)} times")
            if flagged and number not in charge.heard:
                continue
            if not self._world.scenario.credentials and number not in charge.heard:
                # Never told, and nobody can be asked: it waits for people, or a decline was told last.
                waits = payment.state in (PaymentState.IN_DOUBT, PaymentState.VOUCHED)
                self._must(
                    waits or bool(charge.session.declines), f"{name} is taken to be {payment.state.value}"
                )
                continue
            late = (
                charge.session.declines
                and self._world.scenario.excused_doubles
                and number not in charge.heard
            )
            self._must(bool(late), f"{name} is not recorded: the payment is {payment.state.value}")

    def _holds_given_back(self) -> None:
        stations = {station.code: station for station in self._world.stations}
        for held in self._world.hub.holds.all_held():
            payment = stations[held.till].store.payment(held.reference)
            live = payment is not None and payment.locks_sale
            self._must(live, f"the hub still holds the invoices of {held.reference[:14]}, which is settled")

    def _no_card_number(self) -> None:
        texts = [*self._texts, *self._world.hub_texts(), *self._world.logged]
        found = _CANARY.search(_JOINTS.sub("", "\n".join(texts)))
        self._must(found is None, f"a card number was kept: {found and found.group()}")


def _keys(biller: str, amounts: Iterable[str]) -> list[tuple[str, str]]:
    return [(biller, number.casefold()) for number in amounts]


def _as(charge: Charge, number: str) -> str:
    """An invoice number as a charge spells it."""
    return next(item for item in charge.amounts if item.casefold() == number.casefold())
