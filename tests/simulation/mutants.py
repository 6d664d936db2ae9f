"""Planted bugs: what somebody could do to the till or the hub, each in a few lines.

Each goes in by an argument or takes the place of one part of a till that has just been made. The auditor must
catch every one of them (`test_mutants`).
"""

import asyncio
import contextlib
import logging
from collections.abc import Sequence
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from cashier.domain.entries import Draft, Entry, EntryKind, StoredRow
from cashier.domain.errors import CashierError
from cashier.domain.outbox import Acknowledged, Gap, Kept, Owed
from cashier.domain.payment import Confirmation, Payment, PaymentEvent, PaymentState
from cashier.domain.postback import Approved, DeliveredPostback
from cashier.hub.arrivals import Arrival
from cashier.hub.store import Pending
from cashier.till.facts import Facts, Told
from cashier.till.feed import PULL_WAIT_S
from cashier.till.payments import CardPayments
from cashier.till.ports import Outside
from cashier.till.reconcile import Verdict
from cashier.till.snapshot import LineState
from cashier.till.till import Till
from tests.simulation.mutant import Mutant

if TYPE_CHECKING:
    from tests.simulation.hub import SimHub
    from tests.simulation.station import Process


class Instead:
    """Another object with some of its members replaced."""

    def __init__(self, real: Any) -> None:
        self._real = real

    def __getattr__(self, name: str) -> Any:
        return getattr(self._real, name)


# -- how payments are started --------------------------------------------------------------------------------


class _AnyAttempt(CardPayments):
    """The clerk may pay again while an attempt is not settled."""

    def _refuse_second_attempt(self, *_: object) -> None:
        return None


def _blind_retry(till: Till, _process: "Process") -> None:
    old = till._payments
    till._payments = _AnyAttempt(
        old._config, old._clock, old._randomness, old._journal, old._gateway, old._feed, old._holds
    )


class _NobodyAsked(Instead):
    """The hub is not asked whether an invoice is free."""

    async def announce(self, *_: object) -> None:
        await asyncio.sleep(0)


class _OtherBytes(Instead):
    """A launch is written anew instead of sent as recorded."""

    async def launch(self, request: str, biller: str) -> str:
        url: str = await self._real.launch(request.replace('"ViewMode":', '"ViewMode": '), biller)
        return url


class _Forgetful(Till):
    """A start that does not look for payments whose page was open."""

    def __init__(self, config: Any, clock: Any, randomness: Any, journal: Any, *rest: Any) -> None:
        class Empty(Instead):
            is_starting = True

            def unsettled_payments(self) -> tuple[Payment, ...]:
                return () if self.is_starting else self._real.unsettled_payments()

        empty = Empty(journal)
        super().__init__(config, clock, randomness, empty, *rest)
        empty.is_starting = False


# -- what facts mean -----------------------------------------------------------------------------------------


def _with_facts(kind: type[Facts]) -> Any:
    """Puts facts of this kind into a till."""

    def refit(till: Till, _process: "Process") -> None:
        old = till._facts
        facts = kind(old._config, old._clock, old._randomness, old._journal)
        till._facts = till.checker._facts = till.desk._facts = facts

    return refit


def _believing(**changes: Any) -> type[Facts]:
    """Facts that do not look at some member of a postback: it is as it should be."""

    class Believing(Facts):
        def _take_matched(
            self, delivered: DeliveredPostback, payment: Payment, matter: str | None = None
        ) -> Told:
            told = {name: value(payment) for name, value in changes.items()}
            postback = replace(delivered.postback, faults=(), **told)
            return super()._take_matched(replace(delivered, postback=postback), payment, matter)

    return Believing


class _AnyGuid(Instead):
    """A charge may be told for as many payments as it likes."""

    def charged_reference(self, _guid: str) -> str | None:
        return None


class _FirstDeclineEnds(Facts):
    """One declined card ends a payment at once."""

    def _record(self, payment: Payment, verdict: Verdict, entry_id: str, body: dict[str, object]) -> Told:
        if verdict.event is PaymentEvent.CARD_DECLINED:
            verdict = replace(verdict, event=PaymentEvent.CONFIRMED_DECLINED)
        return super()._record(payment, verdict, entry_id, body)


class _NoMemory(Facts):
    """A postback that comes again is news."""

    def _take_matched(
        self, delivered: DeliveredPostback, payment: Payment, matter: str | None = None
    ) -> Told:
        return super()._take_matched(delivered, replace(payment, confirmations=()), matter)


class _AnyAttemptPaid(Facts):
    """What the gateway shows as paid was paid by the attempt that asks."""

    def _siblings(self, _payment: Payment) -> tuple[Payment, ...]:
        return ()


class _NoWait(Instead):
    """A till's waits, without any waiting."""

    session_s = margin_s = quiet_s = 0.0


def _final_at_once(till: Till, _process: "Process") -> None:
    """`Not paid` counts at once, not only when the hosted session is over."""
    till.checker._waits = _NoWait(till.checker._waits)  # type: ignore[assignment]


class _TrustsThePage(Till):
    """The return address is proof."""

    def page_event(self, reference: str, event: PaymentEvent, detail: str = "") -> None:
        super().page_event(reference, event, detail)
        payment = self._journal.payment(reference)
        if event is PaymentEvent.PAGE_RETURNED and payment and payment.state is PaymentState.IN_DOUBT:
            paid = tuple(
                Confirmation(share.number, share.amount_cents, share.amount_cents, "", "", "returned")
                for share in payment.invoices
            )
            verdict = Verdict(EntryKind.PAYMENT_TOLD, "returned", PaymentEvent.CONFIRMED_PAID, paid)
            body: dict[str, object] = {"source": "page", "reason": "returned"}
            self._facts._record(payment, verdict, self._facts._new_id(), body)


class _CancelEnds(Till):
    """A page that the clerk closed has taken nothing."""

    def page_event(self, reference: str, event: PaymentEvent, detail: str = "") -> None:
        super().page_event(reference, event, detail)
        payment = self._journal.payment(reference)
        if event is PaymentEvent.PAGE_CLOSED and payment and payment.state is PaymentState.IN_DOUBT:
            verdict = Verdict(EntryKind.PAYMENT_TOLD, "cancelled", PaymentEvent.CONFIRMED_UNPAID)
            body: dict[str, object] = {"source": "page", "reason": "cancelled"}
            self._facts._record(payment, verdict, self._facts._new_id(), body)
            self.holding.ring()


# -- what is kept --------------------------------------------------------------------------------------------


class _ReceiptApart(Instead):
    """The receipt is numbered in a commit of its own, after the fact it is for."""

    def record(self, drafts: Sequence[Draft]) -> tuple[Entry, ...]:
        receipts = [item for item in drafts if item.kind is EntryKind.RECEIPT_ISSUED]
        others = [item for item in drafts if item.kind is not EntryKind.RECEIPT_ISSUED]
        recorded = self._real.record(others) if others else ()
        return (*recorded, *(self._real.record(receipts) if receipts else ()))


class _OpenForEver(Instead):
    """The last closed day is not looked up."""

    def last_of(self, kind: EntryKind) -> Entry | None:
        return None if kind is EntryKind.DAY_CLOSED else self._real.last_of(kind)


# -- the hub -------------------------------------------------------------------------------------------------


async def _acknowledge_first(feed: Any, till: Till) -> None:
    """`follow`, with the acknowledgement before the record."""
    wait_s = 0.0
    while True:
        try:
            delivered = await feed.pull(wait_s)
            if delivered:
                await feed.acknowledge([item.id for item in delivered])
            for item in delivered:
                till.take(item)
        except CashierError:
            till.line_is(LineState.OFFLINE)
            await asyncio.sleep(5)
        else:
            till.line_is(LineState.ONLINE)
            wait_s = PULL_WAIT_S


class _EarlyWriter(Instead):
    """Says that a postback is stored before it is."""

    async def add(self, arrival: Arrival) -> bool:
        async def later() -> None:
            with contextlib.suppress(CashierError):  # the gateway was told that it is stored
                await self._real.add(arrival)

        self._real._hub.world.spawn(later(), "late store")
        return True


def _early_204(hub: "SimHub") -> None:
    hub.writer = _EarlyWriter(hub.writer)


class _Cursor(Instead):
    """Hands each postback over once: what comes after the last one that was handed out."""

    def __init__(self, real: Any) -> None:
        super().__init__(real)
        self._handed: set[str] = set()

    def pending(self, site: str, till: str, limit: int) -> list[Pending]:
        fresh = [item for item in self._real.pending(site, till, 10_000) if item.id not in self._handed]
        self._handed |= {item.id for item in fresh}
        return fresh[:limit]


def _by_cursor(hub: "SimHub") -> None:
    hub.store = _Cursor(hub.store)


def _logs_bodies(hub: "SimHub") -> None:
    real = hub.post

    async def post(path: str, body: bytes, query: bytes = b"") -> int:
        logging.getLogger("cashier.hub.store").warning("postback %s", body.decode("latin-1"))
        return await real(path, body, query)

    hub.post = post  # type: ignore[method-assign]


# -- the second copy -----------------------------------------------------------------------------------------


def _marked_first(outside: Outside, process: "Process") -> Outside:
    """What is on its way to the hub is taken to be there."""

    class MarkedFirst(Instead):
        async def keep(self, till: str, rows: Sequence[StoredRow]) -> Acknowledged:
            process.disk.mark_sent(Owed.ENTRIES, rows[-1].seq)
            told: Acknowledged = await self._real.keep(till, rows)
            return told

    return replace(outside, second_copy=MarkedFirst(outside.second_copy))


class _OtherId(Instead):
    """A notice whose answer was lost is another one when it is sent again."""

    def __init__(self, real: Any) -> None:
        super().__init__(real)
        self._tries: dict[str, int] = {}

    async def notify(self, till: str, notice_id: str, *rest: Any) -> None:
        tries = self._tries[notice_id] = self._tries.get(notice_id, -1) + 1
        await self._real.notify(till, f"{notice_id[:-2]}{tries:02x}" if tries else notice_id, *rest)


class _EarlyCopies(Instead):
    """The hub acknowledges entries before they are on its disk."""

    def __init__(self, hub: "SimHub") -> None:
        super().__init__(hub.copies)
        self._hub = hub

    def keep(self, till: str, rows: Sequence[StoredRow]) -> Acknowledged:
        async def later() -> None:
            await asyncio.sleep(2)
            with contextlib.suppress(Gap):  # the till was told that they are stored
                self._real.keep(till, rows)

        self._hub.world.spawn(later(), "late entries")
        return Acknowledged(Kept(rows[-1].seq, rows[-1].hash))


def _early_copies(hub: "SimHub") -> None:
    hub.copies = _EarlyCopies(hub)


def _second_copy(kind: type[Instead]) -> Any:
    return lambda outside, _process: replace(outside, second_copy=kind(outside.second_copy))


def _holds(kind: type[Instead]) -> Any:
    return lambda outside, _process: replace(outside, holds=kind(outside.holds))


def _gateway(kind: type[Instead]) -> Any:
    return lambda outside, _process: replace(outside, gateway=kind(outside.gateway))


MUTANTS = (
    Mutant("blind retry with a new reference", refit=_blind_retry),
    Mutant("lock of the site ignored", "busy-site", outside=_holds(_NobodyAsked)),
    Mutant("retry in other bytes", outside=_gateway(_OtherBytes)),
    Mutant("restart forgets open payments", till=_Forgetful),
    Mutant("page loaded again after its renderer died", reloads=True),
    Mutant(
        "amount not verified",
        "liars",
        refit=_with_facts(_believing(payment_amount_cents=lambda p: p.amount_cents)),
    ),
    Mutant(
        "reference not verified",
        "liars",
        refit=_with_facts(_believing(biller_reference=lambda p: p.reference)),
    ),
    Mutant(
        "invoice not verified",
        "liars",
        refit=_with_facts(
            _believing(invoice_number=lambda p: ",".join(share.number for share in p.invoices))
        ),
    ),
    Mutant("Approved not verified", "liars", refit=_with_facts(_believing(approved=lambda _: Approved.YES))),
    Mutant("charge told for two payments", "liars", journal=_AnyGuid),
    Mutant("first decline ends the payment", "rough", refit=_with_facts(_FirstDeclineEnds)),
    Mutant("repeated postback is news", refit=_with_facts(_NoMemory)),
    Mutant("enquiry credited to any attempt", "bad-gateway", refit=_with_facts(_AnyAttemptPaid)),
    Mutant("not paid is final at once", refit=_final_at_once),
    Mutant("return address is proof", till=_TrustsThePage),
    Mutant("cancel ends the payment", till=_CancelEnds),
    Mutant("receipt outside of the commit", journal=_ReceiptApart),
    Mutant("closed day written to", "rough-unasked", journal=_OpenForEver),
    Mutant("acknowledged before recorded", "rough", follow=_acknowledge_first),
    Mutant("hub answers 204 before the commit", "rough", hub=_early_204),
    Mutant("pull by cursor", hub=_by_cursor),
    Mutant("postbacks in the log", hub=_logs_bodies),
    Mutant("sent is marked before the answer", "rough", outside=_marked_first),
    Mutant("notice sent again under another id", "rough", outside=_second_copy(_OtherId)),
    Mutant("hub acknowledges entries before the commit", hub=_early_copies),
)
