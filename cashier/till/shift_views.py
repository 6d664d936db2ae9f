"""What is shown and recorded of a shift, as values."""

from dataclasses import dataclass
from typing import Any

from cashier.domain.entries import EntryKind, utc_moment
from cashier.domain.money import Cents, format_dollars
from cashier.domain.receipt import IN_DRAWER, TenderKind
from cashier.domain.shift import CashMove, CountMade, Outcome, Shift, ShiftState, off_cents, piles_to_json
from cashier.domain.tendering import DrawerTender
from cashier.till.config import DrawerRules
from cashier.till.ports import Clock

#: A clock that stands further behind the newest entry than this was set back.
CLOCK_BACK_S = 60


@dataclass(frozen=True)
class ShiftView:
    """What anybody may see of the newest shift: nothing of what is expected in its drawer.

    `counts` is how often the drawer was counted for this close, and `outcome` what the last count came to.
    `cash_warning` says that the drawer holds more cash than it should, and is empty else. `date_warning` is
    about a clock that was set back, or a shift of another day.
    """

    number: int
    state: ShiftState
    business_date: str
    clerk: str
    opened_at: str
    float_cents: Cents
    revision: int
    counts: int
    outcome: Outcome | None
    moves: tuple[CashMove, ...]
    approver: str
    cash_warning: str = ""
    date_warning: str = ""

    @property
    def is_closed(self) -> bool:
        """Whether the next thing to do is to open one."""
        return self.state is ShiftState.CLOSED


def view_of(shift: Shift, rules: DrawerRules, clock: Clock, latest: str) -> ShiftView:
    """What anybody may see of a shift. `latest` is the latest time (UTC text) that was recorded with it."""
    count = shift.count
    return ShiftView(
        number=shift.number,
        state=shift.state,
        business_date=shift.business_date,
        clerk=shift.clerk,
        opened_at=shift.opened_at,
        float_cents=shift.float_cents,
        revision=shift.revision,
        counts=len(shift.counts),
        outcome=count.outcome if count else None,
        moves=shift.moves,
        approver=shift.approver,
        cash_warning=_cash_warning(shift, rules),
        date_warning=_date_warning(shift, clock, latest),
    )


def _cash_warning(shift: Shift, rules: DrawerRules) -> str:
    limit = rules.soft_limit_cents
    if limit is None or shift.state is ShiftState.CLOSED:
        return ""
    if shift.drawer[TenderKind.CASH].amount_cents < limit:
        return ""
    return f"The drawer holds {format_dollars(limit)} or more in cash. Ask for a drop."


def _date_warning(shift: Shift, clock: Clock, latest: str) -> str:
    if latest and (utc_moment(latest) - clock.now()).total_seconds() > CLOCK_BACK_S:
        return (
            "This computer's clock was set back: it is earlier now than an entry that was recorded "
            f"({latest[:16].replace('T', ' ')} UTC). The order of what is recorded stays right; have the "
            "clock put right."
        )
    if shift.state is not ShiftState.CLOSED and shift.business_date < clock.today().isoformat():
        return f"This shift is of {shift.business_date}. Close it, and open one of today."
    return ""


def shift_body(
    shift: Shift, count: CountMade, held: tuple[DrawerTender, ...], closed_by: str
) -> dict[str, Any]:
    """The body of SHIFT_CLOSED, but for what is carried on.

    `deposit` is what goes to the bank: what was counted and dropped, less the float and what stays held.
    """
    deposit = {kind.value: count.counted[kind].amount_cents for kind in IN_DRAWER}
    deposit[TenderKind.CASH.value] += shift.moved_cents(EntryKind.CASH_DROPPED) - shift.float_cents
    for item in held:
        deposit[item.tender.kind.value] -= item.tender.amount_cents
    return {
        "number": shift.number,
        "revision": shift.revision,
        "business_date": shift.business_date,
        "clerk": shift.clerk,
        "closed_by": closed_by,
        "opened_at": shift.opened_at,
        "float_cents": shift.float_cents,
        "paid_in_cents": shift.moved_cents(EntryKind.CASH_PAID_IN),
        "paid_out_cents": shift.moved_cents(EntryKind.CASH_PAID_OUT),
        "dropped_cents": shift.moved_cents(EntryKind.CASH_DROPPED),
        "counted_by": count.by,
        "counts": len(shift.counts),
        "pieces": {str(cents): pieces for cents, pieces in count.pieces.items()},
        "counted": piles_to_json(count.counted),
        "expected": piles_to_json(count.expected),
        "over_cents": {kind.value: cents for kind, cents in count.over_cents.items()},
        "off_cents": off_cents(count.counted, count.expected),
        "approver": shift.approver,
        "deposit_cents": deposit,
    }
