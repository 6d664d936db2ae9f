"""Shifts: opening with a float, cash in and out, drops, the blind count, and the close.

Whoever counts never sees what is expected; a supervisor does, by `review`. A close is one commit that asks
nobody outside: what is in doubt is carried on by name.
"""

import datetime as dt
from collections.abc import Callable
from dataclasses import dataclass

from cashier.domain.entries import Draft, Entry, EntryKind, Json
from cashier.domain.errors import Discrepancy, Refused
from cashier.domain.money import AMOUNT_MAX_CENTS, Cents, format_dollars
from cashier.domain.people import Permission, Person
from cashier.domain.receipt import TenderKind
from cashier.domain.shift import (
    SHIFT_KINDS,
    Count,
    CountMade,
    Outcome,
    Piles,
    Shift,
    ShiftFold,
    ShiftState,
    outcome_of,
    piles_to_json,
)
from cashier.domain.tendering import DrawerTender
from cashier.till.approval import checked_reason
from cashier.till.config import TillConfig
from cashier.till.day import (
    business_date,
    carried_json,
    day_draft,
    earliest_date,
    left_open,
    refuse_held,
)
from cashier.till.due import all_held
from cashier.till.identity import new_id
from cashier.till.integrity import Integrity
from cashier.till.people import UNATTENDED, People
from cashier.till.ports import Clock, Journal, Randomness
from cashier.till.shift_views import ShiftView, shift_body, view_of

#: How far ahead of the calendar a business date may be chosen: over a long weekend.
DAYS_AHEAD_MAX = 4
BAG_MAX = 40

NO_SHIFT = "No shift is open at this till. Open one with its starting cash before money is taken."
COUNTING = "The drawer is being counted. Close the shift, or go on with it, before money is taken."


@dataclass(frozen=True)
class Review:
    """A supervisor's look at the count: what was expected. Good for one decision about this count."""

    shift: Shift
    count: CountMade
    supervisor: Person


@dataclass(frozen=True)
class Closing:
    """What a close carries on: card payments that are not settled, and money that waits beside them."""

    payments: int
    held: tuple[DrawerTender, ...]


class Shifts:
    """The use cases of shifts over the ports. Behind a break of the journal nobody moves money (A1).

    `refuse_paying` raises Refused while a payment is before a payer.
    """

    def __init__(
        self,
        config: TillConfig,
        clock: Clock,
        randomness: Randomness,
        journal: Journal,
        people: People,
        integrity: Integrity,
        changed: Callable[[], None],
        refuse_paying: Callable[[], None],
    ) -> None:
        self._integrity = integrity
        self._config = config
        self._clock = clock
        self._randomness = randomness
        self._journal = journal
        self._people = people
        self._changed = changed
        self._refuse_paying = refuse_paying
        self._fold = ShiftFold()
        opened = journal.last_of(EntryKind.SHIFT_OPENED)
        # Entries before the first shift are none of its business; those to come are read as they come.
        self._fold.seq = opened.seq - 1 if opened else 0
        self._fault = ""
        self._review: Review | None = None

    # -- looking -----------------------------------------------------------------------------------------

    def _newest(self) -> Shift | None:
        """The newest shift, as the journal has it now. Raises Refused when the journal contradicts itself."""
        if not self._fault:
            try:
                self._fold.apply(self._journal.entries_of(SHIFT_KINDS, self._fold.seq))
            except Discrepancy as wrong:
                self._fault = f"{wrong} No money is taken. Verify the journal and call support."
        if self._fault:
            raise Refused(self._fault)
        return self._fold.shift

    def _open_shift(self) -> Shift:
        shift = self._newest()
        if shift is None or shift.state is ShiftState.CLOSED:
            raise Refused(NO_SHIFT)
        return shift

    def view(self) -> ShiftView | None:
        """The newest shift for anybody to see; None before the first, or when `refusal` says why."""
        try:
            shift = self._newest()
        except Refused:
            return None
        if shift is None:
            return None
        return view_of(shift, self._config.drawer, self._clock, self._fold.at)

    def refusal(self) -> str:
        """Why whoever is signed in cannot take money in the shift as it is, or empty (behaviour T1).

        A verb that works unattended has no drawer, and needs no shift for its card payments.
        """
        person = self._people.signed_in
        if person is not None and person.id == UNATTENDED:
            return ""
        try:
            shift = self._open_shift()
        except Refused as refused:
            return refused.user_text
        if shift.state is ShiftState.SUSPENDED:
            return f"The shift of {shift.clerk} is suspended. Resume it before money is taken."
        if not shift.state.takes_money:
            return COUNTING
        return self._not_theirs(shift)

    def require(self) -> Shift:
        """The shift, in which money may be taken now. Raises Refused."""
        self._integrity.require()
        if why := self.refusal():
            raise Refused(why)
        return self._open_shift()

    def require_room(self) -> None:
        """Refuse cash while the drawer holds as much as it may (behaviour T9)."""
        limit = self._config.drawer.hard_limit_cents
        if limit is not None and self.require().drawer[TenderKind.CASH].amount_cents >= limit:
            raise Refused(
                f"The drawer holds {format_dollars(limit)} or more in cash. Two people must log a drop "
                "before more cash is taken. Checks and cards can be taken."
            )

    def require_cash(self, cents: int) -> None:
        """Refuse to hand out more cash than the drawer holds."""
        if cents > self._free_cash(self.require()):
            raise Refused("There is not that much cash in the drawer. Pay some in first.")

    def _free_cash(self, shift: Shift) -> int:
        """Cash that may leave the drawer: what is held for a sale may have to be given back to its payer."""
        held = (item.tender for item in all_held(self._journal) if item.tender.kind is TenderKind.CASH)
        return shift.drawer[TenderKind.CASH].amount_cents - sum(tender.amount_cents for tender in held)

    def is_receipt_open(self, number: str) -> bool:
        """Whether a receipt was issued in the shift that is open: the only one that can be void."""
        shift = self._newest()
        return shift is not None and shift.state is not ShiftState.CLOSED and number in self._fold.receipts

    def expected(self) -> Piles:
        """What must lie in the drawer now. Raises Refused for one who may not see it (behaviour T2)."""
        self._people.require(Permission.SEE_EXPECTED_TOTALS)
        return self._open_shift().drawer

    def dates(self) -> tuple[dt.date, ...]:
        """The business dates that a shift opened now could have; the usual one first."""
        usual, today = business_date(self._journal, self._clock), self._clock.today()
        first = earliest_date(self._journal.last_of) or usual - dt.timedelta(days=1)
        last = max(usual, today + dt.timedelta(days=DAYS_AHEAD_MAX))
        days = (first + dt.timedelta(days=number) for number in range((last - first).days + 1))
        near = [day for day in days if abs((day - usual).days) <= DAYS_AHEAD_MAX and day != usual]
        return (usual, *near)

    def carried(self) -> Closing:
        """What a close would carry on now. Raises Refused for money that must be seen to before."""
        return Closing(len(self._journal.unsettled_payments()), refuse_held(self._journal))

    def carried_in(self) -> Closing:
        """What a shift opened now would begin with beside its float, seen to or not."""
        return Closing(len(self._journal.unsettled_payments()), all_held(self._journal))

    def day_was_closed(self) -> bool:
        """Whether the business date of the newest shift is closed, or was before it was opened again."""
        shift = self._newest()
        return shift is not None and self._was_closed(shift.business_date)

    def _not_theirs(self, shift: Shift) -> str:
        person = self._people.signed_in
        if person is None or person.id == shift.clerk_id or person.may(Permission.SEE_EXPECTED_TOTALS):
            return ""
        who = shift.clerk
        return f"This is the shift of {who}. {who} or a supervisor can go on with it or close it."

    def _mine(self, permission: Permission) -> tuple[Person, Shift]:
        person = self._people.require(permission)
        self._integrity.require()
        shift = self._open_shift()
        if why := self._not_theirs(shift):
            raise Refused(why)
        return person, shift

    # -- opening -----------------------------------------------------------------------------------------

    def open(self, float_cents: Cents | None, date: dt.date | None = None) -> None:
        """Open a shift with its starting cash, on a business date (`dates`; the usual one by default).

        Earlier dates that nobody closed are closed with it. Raises Refused, also for a float that is None:
        blank is not zero.
        """
        person = self._people.require(Permission.OPEN_SHIFT)
        self._integrity.require()
        shift = self._newest()
        if shift is not None and shift.state is not ShiftState.CLOSED:
            raise Refused(f"The shift of {shift.clerk} is open. Close it first.")
        if float_cents is None or not 0 <= float_cents <= AMOUNT_MAX_CENTS:
            raise Refused("Enter the cash that the drawer starts with; 0.00 for none.")
        dates = self.dates()
        if date is not None and date not in dates:
            raise Refused(f"A shift cannot have the business date {date.isoformat()} now.")
        date = date or dates[0]
        body = {
            "number": shift.number + 1 if shift else 1,
            "business_date": date.isoformat(),
            "float_cents": float_cents,
            "by": person.name,
            "by_id": person.id,
            "held": [
                {
                    "tender_id": item.tender.id,
                    "kind": item.tender.kind.value,
                    "amount_cents": item.tender.amount_cents,
                    "sale_id": item.sale_id,
                }
                for item in all_held(self._journal)
            ],
            "carried": carried_json(self._journal.unsettled_payments(), ()),
        }
        closes = [
            day_draft(self._journal, self._clock, self._randomness, day, person.name, till=self._config.till)
            for day in left_open(self._journal, date)
        ]
        self._record([*closes, self._draft(EntryKind.SHIFT_OPENED, self._new_id(), body)])

    def suspend(self) -> None:
        """The clerk leaves the till for a while: nobody takes money until it is resumed."""
        person, shift = self._mine(Permission.CLOSE_SHIFT)
        self._refuse_paying()
        if not shift.state.takes_money:
            raise Refused("Only a shift that takes money can be suspended.")
        self._record([self._draft(EntryKind.SHIFT_SUSPENDED, shift.id, {"by": person.name})])

    def resume(self) -> None:
        """Go on with a shift that was suspended or counted. A count is kept, and must be made again."""
        person, shift = self._mine(Permission.OPEN_SHIFT)
        if shift.state.takes_money:
            raise Refused("This shift is open.")
        self._record([self._draft(EntryKind.SHIFT_RESUMED, shift.id, {"by": person.name})])

    # -- cash in and out ---------------------------------------------------------------------------------

    def pay_in(self, amount_cents: Cents, reason: str) -> None:
        """Record cash that is put into the drawer and is no payment: change from the bank."""
        self._pay(EntryKind.CASH_PAID_IN, amount_cents, reason)

    def pay_out(self, amount_cents: Cents, reason: str) -> None:
        """Record cash that is taken out of the drawer and is no refund. Raises Refused for too much."""
        self._pay(EntryKind.CASH_PAID_OUT, amount_cents, reason)

    def _pay(self, kind: EntryKind, amount_cents: Cents, reason: str) -> None:
        person, shift = self._mine(Permission.PAY_IN_OUT)
        reason = checked_reason(reason, "reason")
        self._refuse_move(shift, amount_cents, out=kind is EntryKind.CASH_PAID_OUT)
        body = {"amount_cents": amount_cents, "reason": reason, "by": person.name}
        self._record([self._draft(kind, shift.id, body)])

    async def drop(self, amount_cents: Cents, bag: str, *, supervisor: str, pin: str) -> None:
        """Record a drop: cash that two people move from the drawer to the safe, in a bag of a number.

        Raises Refused, also when the second person is the one who asks.
        """
        bag = " ".join(bag.split())
        if not 0 < len(bag) <= BAG_MAX or not bag.isprintable():
            raise Refused(f"Enter the number of the bag, of up to {BAG_MAX} letters.")
        _, shift = self._mine(Permission.DROP)
        self._refuse_move(shift, amount_cents, out=True)
        what = f"drop of {format_dollars(amount_cents)}"
        approver = await self._people.approve(supervisor, pin, Permission.APPROVE_DROP, what)
        person, shift = self._mine(Permission.DROP)
        self._refuse_move(shift, amount_cents, out=True)
        body = {"amount_cents": amount_cents, "reason": bag, "by": person.name, "approver": approver.name}
        self._record([self._draft(EntryKind.CASH_DROPPED, shift.id, body)])

    def _refuse_move(self, shift: Shift, amount_cents: Cents, *, out: bool) -> None:
        if not shift.state.takes_money:
            raise Refused(COUNTING if shift.state.is_counting else "This shift is suspended: resume it.")
        if not 0 < amount_cents <= AMOUNT_MAX_CENTS:
            raise Refused("Enter the amount of cash.")
        if out and amount_cents > self._free_cash(shift):
            raise Refused("That is more cash than the drawer can hold.")

    # -- counting ----------------------------------------------------------------------------------------

    def count(self, count: Count) -> Outcome:
        """Record a count of the drawer, made without knowing what is expected, and what it comes to.

        The answer tells neither by how much it differs nor in which direction. Raises Refused for a blank.
        """
        person, shift = self._mine(Permission.CLOSE_SHIFT)
        self._refuse_paying()
        refuse_held(self._journal)  # settled first: it changes what lies in the drawer
        wrong = set(count.pieces) ^ set(self._config.drawer.denominations)
        if wrong:
            raise Refused("Count every bill and coin of this till.")
        counted, expected = count.piles(), shift.drawer
        limit = self._config.drawer.variance_limit_cents
        outcome = outcome_of(counted, expected, len(shift.counts), limit, shift.revision)
        body = {
            "by": person.name,
            "by_id": person.id,
            "pieces": {str(cents): pieces for cents, pieces in count.pieces.items()},
            "counted": piles_to_json(counted),
            "expected": piles_to_json(expected),
            "outcome": outcome.value,
        }
        drafts = [self._draft(EntryKind.SHIFT_COUNTED, shift.id, body)]
        if outcome is Outcome.BALANCED:
            drafts.append(self._balanced(shift, "", ""))
        self._record(drafts)
        return outcome

    async def review(self, supervisor: str, pin: str) -> Review:
        """Let a supervisor see what was expected of the count that differs; journalled.

        Raises Refused, also when it is the one who asks or who counted (behaviour T3).
        """
        shift, count = self._reviewable()
        what = f"over or short of shift {shift.number}"
        person = await self._people.approve(supervisor, pin, Permission.APPROVE_VARIANCE, what)
        if self._reviewable()[1] != count:
            raise Refused("The drawer was counted again meanwhile. Ask again.")
        if person.id == count.by_id:
            raise Refused("Whoever counted the drawer cannot approve the count.")
        self._review = Review(shift, count, person)
        return self._review

    def approve(self, review: Review, reason: str) -> None:
        """The supervisor who has seen it accepts the count as it is. Raises Refused."""
        reason = checked_reason(reason, "reason")
        shift = self._decide(review)
        self._record([self._balanced(shift, review.supervisor.name, reason)])

    def reject(self, review: Review, reason: str) -> None:
        """The supervisor who has seen it does not accept the count: it must be made again. Raises Refused."""
        reason = checked_reason(reason, "reason")
        shift = self._decide(review)
        body = {"by": review.supervisor.name, "reason": reason}
        self._record([self._draft(EntryKind.SHIFT_REJECTED, shift.id, body)])

    def _reviewable(self) -> tuple[Shift, CountMade]:
        shift = self._open_shift()
        if shift.state is not ShiftState.COUNTED or shift.count is None:
            raise Refused("There is no count that waits for a supervisor.")
        if shift.count.outcome is not Outcome.APPROVAL:
            raise Refused("Count the drawer once more first.")
        return shift, shift.count

    def _decide(self, review: Review) -> Shift:
        shift, count = self._reviewable()
        if review is not self._review or count != review.count:
            raise Refused("The drawer was counted again meanwhile. Ask again.")
        self._review = None
        return shift

    def _balanced(self, shift: Shift, approver: str, reason: str) -> Draft:
        body = {"approver": approver, "reason": reason}
        return self._draft(EntryKind.SHIFT_BALANCED, shift.id, body)

    # -- closing -----------------------------------------------------------------------------------------

    def close(self, *, closes_day: bool = True) -> Entry:
        """Close a balanced shift, and with it the business date, unless another shift of it is to come.

        One commit; it waits for nobody. What is in doubt is carried on by name (behaviour T4). Returns the
        entry of the shift. Raises Refused.
        """
        person, shift = self._mine(Permission.CLOSE_SHIFT)
        self._refuse_paying()
        if shift.state is not ShiftState.BALANCED or shift.count is None:
            raise Refused("Count the drawer first." if not shift.counts else "The count is not accepted yet.")
        held = refuse_held(self._journal)
        date = dt.date.fromisoformat(shift.business_date)
        body = shift_body(shift, shift.count, held, person.name)
        body["carried"] = carried_json(self._journal.unsettled_payments(), held)
        drafts = [self._draft(EntryKind.SHIFT_CLOSED, shift.id, body)]
        if closes_day or self._was_closed(shift.business_date):
            clock, randomness = self._clock, self._randomness
            drafts.append(
                day_draft(self._journal, clock, randomness, date, person.name, till=self._config.till)
            )
        return self._record(drafts)[0]

    def _was_closed(self, date: str) -> bool:
        closed = self._journal.last_of(EntryKind.DAY_CLOSED)
        return closed is not None and bool(closed.body["business_date"] == date)

    def reopen(self, reason: str) -> None:
        """Open the newest shift again, under its next revision; its day with it. The old close stays (T6).

        Raises Refused once another shift was opened or a later date closed, and for one who may not.
        """
        person = self._people.require(Permission.REOPEN_DAY)
        self._integrity.require()
        reason = checked_reason(reason, "reason")
        shift = self._newest()
        if shift is None or shift.state is not ShiftState.CLOSED:
            raise Refused("There is no closed shift to open again.")
        closed = self._journal.last_of(EntryKind.DAY_CLOSED)
        if closed is not None and closed.body["business_date"] > shift.business_date:
            raise Refused(f"The business date {closed.body['business_date']} is closed already.")
        body = {
            "business_date": shift.business_date,
            "revision": shift.revision + 1,
            "reason": reason,
            "by": person.name,
        }
        self._record([self._draft(EntryKind.SHIFT_REOPENED, shift.id, body)])

    # -- recording ---------------------------------------------------------------------------------------

    def _new_id(self) -> str:
        return str(new_id(self._clock, self._randomness))

    def _draft(self, kind: EntryKind, shift_id: str, body: Json) -> Draft:
        return Draft(self._new_id(), kind, shift_id, body)

    def _record(self, drafts: list[Draft]) -> tuple[Entry, ...]:
        entries = self._journal.record(drafts)
        self._changed()
        return entries
