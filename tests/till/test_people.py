"""Who is at the till: signing in, locking, waiting after wrong PINs, and the second person."""

import asyncio
from collections.abc import Callable

import pytest

from cashier.domain.entries import EntryKind
from cashier.domain.errors import Refused, Unavailable
from cashier.domain.payment import PaymentState
from cashier.domain.people import WRONG_MAX, Permission, Role
from cashier.till.people import People
from tests.fakes.people import CLERK, CLERK_PIN, PIN, SUPERVISOR, FakePins, hire
from tests.till.conftest import Desk

WRONG = "161803"


def fresh(desk: Desk, name: str = "Unattended") -> People:
    """The people of this journal after a restart; nobody is signed in."""
    return People(name, desk.clock, desk.randomness, desk.journal, FakePins(), lambda: None)


async def wrong_pins(people: People, name: str, count: int) -> None:
    for _ in range(count):
        with pytest.raises(Refused, match="This is not the PIN"):
            await people.sign_in(name, WRONG)


@pytest.fixture
def people(desk: Desk) -> People:
    """Nobody is signed in."""
    desk.till.people.sign_out()
    return desk.till.people


# -- first start ---------------------------------------------------------------------------------------------


async def test_the_first_start_creates_the_administrator_and_only_the_first(desk: Desk) -> None:
    with pytest.raises(Refused, match="people at this till already"):
        await desk.till.people.create_first("Alex Late", "314159")
    first = next(entry for entry in desk.journal.entries() if entry.kind is EntryKind.PERSON_ADDED)
    assert (first.seq, first.body["name"], first.body["role"]) == (1, SUPERVISOR, "administrator")


async def test_an_administrators_pin_must_be_a_long_one(desk: Desk) -> None:
    with pytest.raises(Refused, match="already"):
        await desk.till.people.create_first("Alex", "2718")
    desk.till.people.sign_out()
    await desk.till.people.sign_in(SUPERVISOR, PIN)
    for role in (Role.SUPERVISOR, Role.ADMINISTRATOR):
        with pytest.raises(Refused, match="6 to 12 digits"):
            await desk.till.people.add("Alex New", role, "2718")


# -- signing in ----------------------------------------------------------------------------------------------


async def test_without_anyone_signed_in_no_payment_is_taken(desk: Desk) -> None:
    desk.fill()
    desk.till.people.sign_out()
    assert desk.till.snapshot().cashier == ""
    assert desk.till.snapshot().draft.card_refusal == "Nobody is signed in at this till. Sign in first."
    with pytest.raises(Refused, match="Nobody is signed in"):
        await desk.till.pay_by_card()
    with pytest.raises(Refused, match="Nobody is signed in"):
        desk.close_day()
    assert (desk.entries(), desk.gateway.launched) == ([], [])


async def test_a_locked_till_takes_none_either(desk: Desk) -> None:
    desk.fill()
    desk.till.people.lock()
    with pytest.raises(Refused, match="The till is locked"):
        await desk.till.pay_by_card()
    assert desk.gateway.launched == []


async def test_each_person_signs_in_by_their_own_pin_and_the_money_carries_their_name(desk: Desk) -> None:
    desk.till.people.sign_out()
    await desk.till.people.sign_in(f"  {SUPERVISOR.lower()} ", PIN)
    payment = await desk.open_page()
    assert payment.cashier == SUPERVISOR
    desk.approve()
    (receipt,) = desk.till.receipts("")
    assert receipt.cashier == SUPERVISOR
    assert desk.close_day().body["closed_by"] == SUPERVISOR
    ins = [entry.body for entry in desk.entries(EntryKind.SIGNED_IN)]
    assert [(body["name"], body["method"]) for body in ins[-2:]] == [(CLERK, "pin"), (SUPERVISOR, "pin")]


async def test_nobody_signs_in_over_somebody_else_by_a_wrong_name_or_a_wrong_pin(desk: Desk) -> None:
    with pytest.raises(Refused, match=r"Kim Clerk is signed in\. Sign out first"):
        await desk.till.people.sign_in(SUPERVISOR, PIN)
    desk.till.people.sign_out()
    for name in ("", "Nobody Known"):
        with pytest.raises(Refused, match="Nobody of this name"):
            await desk.till.people.sign_in(name, PIN)
    for pin in (WRONG, "", CLERK_PIN, PIN + " ", PIN + "1", "x" * 500):
        with pytest.raises(Refused, match="This is not the PIN of Robin Supervisor"):
            await desk.till.people.sign_in(SUPERVISOR, pin)
        await desk.till.people.sign_in(SUPERVISOR, PIN)
        desk.till.people.sign_out()
    assert desk.till.people.signed_in is None


async def test_a_restart_signs_everybody_out(desk: Desk) -> None:
    people = fresh(desk)
    assert people.signed_in is None
    with pytest.raises(Refused, match="Nobody is signed in"):
        people.require(Permission.TAKE_PAYMENTS)


async def test_a_disk_that_is_full_signs_nobody_in_and_keeps_nobody_there(desk: Desk) -> None:
    desk.journal.disk_full = True
    with pytest.raises(Unavailable):
        desk.till.people.lock()
    assert desk.till.people.view().is_locked, "the screen is locked all the same"
    with pytest.raises(Unavailable):
        desk.till.people.sign_out()
    assert desk.till.people.signed_in is None
    for pin in (CLERK_PIN, WRONG):
        with pytest.raises(Unavailable, match="The disk is full"):
            await desk.till.people.sign_in(CLERK, pin)
    assert desk.till.people.signed_in is None
    desk.journal.disk_full = False
    await desk.till.people.sign_in(CLERK, CLERK_PIN)


# -- wrong PINs ----------------------------------------------------------------------------------------------


async def test_after_five_wrong_pins_even_the_right_one_waits_and_the_wait_doubles(
    desk: Desk, people: People
) -> None:
    await wrong_pins(people, CLERK, WRONG_MAX)
    with pytest.raises(Refused, match=r"Too many wrong PINs. Wait 6[01] seconds"):
        await people.sign_in(CLERK, CLERK_PIN)
    desk.clock.advance(61)
    await wrong_pins(people, CLERK, 1)
    desk.clock.advance(61)
    with pytest.raises(Refused, match=r"Wait 6[01] seconds"):
        await people.sign_in(CLERK, CLERK_PIN)
    desk.clock.advance(61)
    await people.sign_in(CLERK, CLERK_PIN)
    people.sign_out()
    await wrong_pins(people, CLERK, WRONG_MAX - 1)
    await people.sign_in(CLERK, CLERK_PIN)
    assert len(desk.entries(EntryKind.PIN_REFUSED)) == 2 * WRONG_MAX
    assert len(desk.entries(EntryKind.PIN_ACCEPTED)) == 2


async def test_a_wait_survives_a_restart_and_starts_again_with_it(desk: Desk, people: People) -> None:
    await wrong_pins(people, CLERK, WRONG_MAX)
    desk.clock.advance(59)
    again = fresh(desk)
    with pytest.raises(Refused, match=r"Wait 6[01] seconds"):
        await again.sign_in(CLERK, CLERK_PIN)
    desk.clock.advance(61)
    await again.sign_in(CLERK, CLERK_PIN)


async def test_a_changed_wall_clock_does_not_shorten_the_wait(desk: Desk, people: People) -> None:
    class Steady:
        """The wall clock is put forward by a day; the monotonic one goes on."""

        def __init__(self) -> None:
            self.seconds = 0.0

        now = staticmethod(desk.clock.now)
        today = staticmethod(desk.clock.today)

        def monotonic(self) -> float:
            return self.seconds

    clock = Steady()
    steady = People("Unattended", clock, desk.randomness, desk.journal, FakePins(), lambda: None)
    await wrong_pins(steady, CLERK, WRONG_MAX)
    desk.clock.advance(86_400)
    with pytest.raises(Refused, match="Wait"):
        await steady.sign_in(CLERK, CLERK_PIN)
    clock.seconds += 61
    await steady.sign_in(CLERK, CLERK_PIN)


async def test_one_persons_wrong_pins_are_nobody_elses(desk: Desk, people: People) -> None:
    await wrong_pins(people, CLERK, WRONG_MAX)
    await people.sign_in(SUPERVISOR, PIN)


async def test_an_administrators_new_pin_ends_the_wait(desk: Desk, people: People) -> None:
    await wrong_pins(people, CLERK, WRONG_MAX)
    await people.sign_in(SUPERVISOR, PIN)
    kim = next(person for person in people.view().active if person.name == CLERK)
    await people.set_pin(kim.id, "5772")
    people.sign_out()
    with pytest.raises(Refused, match="This is not the PIN"):
        await people.sign_in(CLERK, CLERK_PIN)
    await people.sign_in(CLERK, "5772")
    assert desk.entries(EntryKind.PIN_SET)[-1].body["by"] != kim.id


async def test_many_pins_at_once_are_not_more_than_five(desk: Desk, people: People) -> None:
    class Slow(FakePins):
        async def fits(self, context: str, stored: str, pin: str) -> bool:
            await asyncio.sleep(0)
            return await super().fits(context, stored, pin)

    slow = People("Unattended", desk.clock, desk.randomness, desk.journal, Slow(), lambda: None)
    tries = [slow.sign_in(CLERK, f"{number:04d}") for number in range(2000, 2050)]
    told = await asyncio.gather(*tries, return_exceptions=True)
    assert sum("This is not the PIN" in str(one) for one in told) == WRONG_MAX
    assert sum("Too many wrong PINs" in str(one) for one in told) == 50 - WRONG_MAX


async def test_what_changes_while_a_pin_is_compared_counts(desk: Desk, people: People) -> None:
    """An administrator at the command line could not; another task of this till could."""
    gate = asyncio.Event()

    class Waiting(FakePins):
        async def fits(self, context: str, stored: str, pin: str) -> bool:
            await gate.wait()
            return await super().fits(context, stored, pin)

    slow = People("Unattended", desk.clock, desk.randomness, desk.journal, Waiting(), lambda: None)
    first, second = (asyncio.ensure_future(slow.sign_in(name, pin)) for name, pin in
                     ((CLERK, CLERK_PIN), (SUPERVISOR, PIN)))  # fmt: skip
    await asyncio.sleep(0)
    gate.set()
    await first
    with pytest.raises(Refused, match="Kim Clerk is signed in"):
        await second
    assert slow.name == CLERK


# -- locking -------------------------------------------------------------------------------------------------


async def test_who_locked_the_till_unlocks_it_and_nothing_is_lost(desk: Desk) -> None:
    payment = await desk.open_page()
    people = desk.till.people
    people.lock(idle_s=600)
    people.lock()
    desk.approve()
    assert (desk.state(), len(desk.receipts())) == (PaymentState.APPROVED, 1), "the money state goes on"
    with pytest.raises(Refused, match="This is not the PIN"):
        await people.sign_in(CLERK, WRONG)
    assert people.view().is_locked
    await people.sign_in(CLERK, CLERK_PIN)
    assert (people.name, people.view().is_locked) == (CLERK, False)
    assert desk.till.current_reference == payment.reference
    [locked] = desk.entries(EntryKind.SCREEN_LOCKED)
    assert locked.body["idle_s"] == 600
    assert len(desk.entries(EntryKind.SCREEN_UNLOCKED)) == 1


async def test_another_clerk_cannot_unlock_a_supervisor_takes_over(desk: Desk) -> None:
    people = desk.till.people
    hire(people, "Lee Clerk", Role.CLERK, "5772")
    people.lock()
    with pytest.raises(Refused, match=r"Kim Clerk has locked this till\. Kim Clerk or a supervisor"):
        await people.sign_in("Lee Clerk", "5772")
    await people.sign_in(SUPERVISOR, PIN)
    assert (people.name, people.view().is_locked) == (SUPERVISOR, False)
    out, into = list(desk.journal.entries())[-2:]
    assert (out.kind, out.body["name"]) == (EntryKind.SIGNED_OUT, CLERK)
    assert (into.kind, into.body["name"]) == (EntryKind.SIGNED_IN, SUPERVISOR)


async def test_locking_an_empty_till_and_signing_nobody_out_is_nothing(desk: Desk, people: People) -> None:
    before = len(list(desk.journal.entries()))
    people.lock()
    people.sign_out()
    assert len(list(desk.journal.entries())) == before
    assert not people.view().is_locked


# -- the second person ---------------------------------------------------------------------------------------


async def test_v1_the_approver_is_never_the_requester(desk: Desk) -> None:
    people = desk.till.people
    people.sign_out()
    await people.sign_in(SUPERVISOR, PIN)
    with pytest.raises(Refused, match="second person"):
        await people.approve(SUPERVISOR.upper(), PIN, Permission.APPROVE_VOID, "void of A-000001")
    assert desk.entries(EntryKind.PERMISSION_USED) == []


async def test_v1_an_approval_is_journalled_with_both_names(desk: Desk) -> None:
    await desk.till.people.approve(SUPERVISOR, PIN, Permission.APPROVE_VOID, "void of A-000001")
    [used] = desk.entries(EntryKind.PERMISSION_USED)
    told = (used.body["name"], used.body["requester_name"], used.body["permission"], used.body["what"])
    assert told == (SUPERVISOR, CLERK, "APPROVE_VOID", "void of A-000001")


async def test_a_clerk_approves_nothing_and_nobody_asks_unsigned(desk: Desk) -> None:
    people = desk.till.people
    hire(people, "Lee Clerk", Role.CLERK, "5772")
    for name in ("Lee Clerk", "Nobody Known", ""):
        with pytest.raises(Refused, match="Choose a supervisor"):
            await people.approve(name, "5772", Permission.APPROVE_DROP, "a drop")
    people.lock()
    with pytest.raises(Refused, match="locked"):
        await people.approve(SUPERVISOR, PIN, Permission.APPROVE_DROP, "a drop")
    people.sign_out()
    with pytest.raises(Refused, match="Nobody is signed in"):
        await people.approve(SUPERVISOR, PIN, Permission.APPROVE_DROP, "a drop")
    assert desk.entries(EntryKind.PERMISSION_USED) == []


async def test_wrong_pins_of_an_approver_count_as_any(desk: Desk) -> None:
    people = desk.till.people
    for _ in range(WRONG_MAX):
        with pytest.raises(Refused, match="not the supervisor's PIN"):
            await people.approve(SUPERVISOR, WRONG, Permission.APPROVE_DROP, "a drop")
    with pytest.raises(Refused, match="Too many wrong PINs"):
        await people.approve(SUPERVISOR, PIN, Permission.APPROVE_DROP, "a drop")
    people.sign_out()
    with pytest.raises(Refused, match="Too many wrong PINs"):
        await people.sign_in(SUPERVISOR, PIN)


async def test_p19_a_supervisor_who_is_no_more_does_not_approve(desk: Desk) -> None:
    people = desk.till.people
    hire(people, "Lee Second", Role.SUPERVISOR, "577215")
    assert people.approvers(Permission.APPROVE_VOUCH) == ("Lee Second", SUPERVISOR)
    people.sign_out()
    await people.sign_in(SUPERVISOR, PIN)
    assert people.approvers(Permission.APPROVE_VOUCH) == ("Lee Second",)
    lee = next(person for person in people.view().active if person.name == "Lee Second")
    people.change(lee.id, is_active=False)
    people.sign_out()
    await people.sign_in(CLERK, CLERK_PIN)
    with pytest.raises(Refused, match="Choose a supervisor"):
        await people.approve("Lee Second", "577215", Permission.APPROVE_VOUCH, "a payment")
    people.sign_out()
    with pytest.raises(Refused, match="Nobody of this name"):
        await people.sign_in("Lee Second", "577215")


# -- managing people -----------------------------------------------------------------------------------------


async def test_only_an_administrator_manages_people(desk: Desk) -> None:
    people = desk.till.people
    kim = people.signed_in
    assert kim is not None
    with pytest.raises(Refused, match="Kim Clerk may not manage people here"):
        await people.add("Lee New", Role.CLERK, "5772")
    with pytest.raises(Refused, match="may not manage people"):
        people.change(kim.id, role=Role.ADMINISTRATOR)
    with pytest.raises(Refused, match="may not manage people"):
        await people.set_pin(kim.id, "5772")
    people.sign_out()
    with pytest.raises(Refused, match="Nobody is signed in"):
        await people.add("Lee New", Role.CLERK, "5772")


async def test_nobody_deactivates_or_lowers_the_last_administrator(desk: Desk, people: People) -> None:
    robin = await people.sign_in(SUPERVISOR, PIN)
    for changes in ({"is_active": False}, {"role": Role.SUPERVISOR}):
        with pytest.raises(Refused, match="last administrator"):
            people.change(robin.id, **changes)  # type: ignore[arg-type]
    lee = await people.add("Lee Second", Role.ADMINISTRATOR, "577215")
    with pytest.raises(Refused, match="Another administrator must do that"):
        people.change(robin.id, is_active=False)
    people.change(lee.id, role=Role.CLERK)
    with pytest.raises(Refused, match="last administrator"):
        people.change(robin.id, is_active=False)


async def test_a_name_is_one_persons(desk: Desk, people: People) -> None:
    await people.sign_in(SUPERVISOR, PIN)
    with pytest.raises(Refused, match="somebody called Kim Clerk"):
        await people.add(" kim  CLERK ", Role.CLERK, "5772")
    kim = next(person for person in people.view().active if person.name == CLERK)
    assert people.change(kim.id, name="KIM Clerk").name == "KIM Clerk"


async def test_who_rises_needs_a_long_pin(desk: Desk, people: People) -> None:
    await people.sign_in(SUPERVISOR, PIN)
    kim = next(person for person in people.view().active if person.name == CLERK)
    people.change(kim.id, role=Role.SUPERVISOR)
    people.sign_out()
    with pytest.raises(Refused, match="has no PIN at this till"):
        await people.sign_in(CLERK, CLERK_PIN)
    await people.sign_in(SUPERVISOR, PIN)
    with pytest.raises(Refused, match="6 to 12 digits"):
        await people.set_pin(kim.id, "5772")
    await people.set_pin(kim.id, "577215")
    people.sign_out()
    await people.sign_in(CLERK, "577215")


async def test_ones_own_pin_needs_the_old_one(desk: Desk) -> None:
    people = desk.till.people
    with pytest.raises(Refused, match="This is not your PIN"):
        await people.change_own_pin(WRONG, "5772")
    await people.change_own_pin(CLERK_PIN, "5772")
    people.sign_out()
    await people.sign_in(CLERK, "5772")


async def test_a_hash_put_in_anothers_place_fits_nothing(desk: Desk, people: People) -> None:
    """Who can write to the journal's file, but not to its chain, becomes nobody else by it."""
    kim, robin = (desk.till.people.view().everybody[at].id for at in (1, 0))
    stolen = desk.journal.pin_hash(kim)
    assert stolen is not None
    desk.journal.record_pin([], robin, stolen)
    with pytest.raises(Refused, match="This is not the PIN"):
        await people.sign_in(SUPERVISOR, CLERK_PIN)


async def test_an_earlier_hash_of_ones_own_fits_nothing_either(desk: Desk) -> None:
    people = desk.till.people
    kim = people.signed_in
    assert kim is not None
    old = desk.journal.pin_hash(kim.id)
    assert old is not None
    await people.change_own_pin(CLERK_PIN, "5772")
    desk.journal.record_pin([], kim.id, old)
    people.sign_out()
    with pytest.raises(Refused, match="This is not the PIN"):
        await people.sign_in(CLERK, CLERK_PIN)


# -- unattended ----------------------------------------------------------------------------------------------


async def test_an_unattended_verb_works_under_the_name_of_the_settings(
    make_desk: Callable[..., Desk],
) -> None:
    desk = make_desk(cashier="Night batch")
    with pytest.raises(Refused, match="Kim Clerk is signed in"):
        desk.till.people.unattended()
    desk.till.people.sign_out()
    desk.till.people.unattended()
    payment = await desk.open_page()
    assert payment.cashier == "Night batch"
    [*_, entry] = desk.entries(EntryKind.SIGNED_IN)
    assert (entry.body["name"], entry.body["method"]) == ("Night batch", "unattended")
    assert not desk.till.people.refusal(Permission.TAKE_PAYMENTS)
    for permission in (Permission.APPROVE_VOID, Permission.MANAGE_PEOPLE, Permission.SEE_EXPECTED_TOTALS):
        assert desk.till.people.refusal(permission)
