"""Rehearsing what is done for a customer's account: customers as at the start, judged by the journal."""

from collections.abc import Callable

import pytest

from cashier.domain.account_changes import ACCOUNT_KINDS
from cashier.domain.accounts import Secret
from cashier.domain.errors import InDoubt, Refused, Unavailable
from cashier.domain.sale import Customer
from cashier.sandbox.config import TRAINING_ACCOUNTS
from cashier.till.accounts import Accounts
from cashier.till.rehearsal import Rehearsal, Verdict
from cashier.till.rehearsal_cases import ACCOUNT_LESSONS, LESSONS, Case, Task, lesson
from cashier.till.trainees import MEMBER, VISITOR
from tests.fakes.stand_in import FakeStandIn

from .conftest import Desk
from .test_accounts import CONFIG

PASSWORD = Secret("typed-by-pat")


class World:
    """A desk in training, with the sandbox's customers."""

    def __init__(self, desk: Desk) -> None:
        self.desk = desk
        desk.accounts.seed(VISITOR.account, name=VISITOR.name)
        desk.accounts.seed(MEMBER.account, MEMBER.email, MEMBER.password, MEMBER.name)
        self.stand_in = FakeStandIn()
        self.rehearsal = Rehearsal(desk.till, self.stand_in)

    @property
    def accounts(self) -> Accounts:
        return self.desk.till.accounts

    @property
    def verdicts(self) -> tuple[Verdict, ...]:
        return self.rehearsal.view().verdicts

    async def register(self, account: str, name: str = "") -> None:
        await self.accounts.find(account)
        await self.accounts.register(Customer(account, name, email=VISITOR.email), PASSWORD)

    async def sign_on(self) -> None:
        await self.accounts.find(MEMBER.email)
        await self.accounts.sign_on(MEMBER.email, Secret(MEMBER.password))


@pytest.fixture
def world(make_desk: Callable[..., Desk]) -> World:
    return World(make_desk(training=True, accounts=CONFIG))


def test_the_table_has_every_task_and_its_customers_are_the_sandboxs() -> None:
    assert [item.case for item in ACCOUNT_LESSONS] == list(Task)
    assert all(item.is_task and not item.is_switch for item in ACCOUNT_LESSONS)
    assert not any(item.is_task for item in LESSONS)
    known = {one.number: (one.name, one.email, one.password) for one in TRAINING_ACCOUNTS}
    assert known[VISITOR.account] == (VISITOR.name, "", "")
    assert known[MEMBER.account] == (MEMBER.name, MEMBER.email, MEMBER.password)


def test_only_a_till_with_accounts_has_them(world: World, make_desk: Callable[..., Desk]) -> None:
    assert world.rehearsal.lessons == (*LESSONS, *ACCOUNT_LESSONS)
    without = Rehearsal(make_desk(training=True).till, FakeStandIn())
    assert without.lessons == LESSONS


async def test_without_accounts_a_task_is_refused(make_desk: Callable[..., Desk]) -> None:
    stand_in = FakeStandIn()
    rehearsal = Rehearsal(make_desk(training=True).till, stand_in)
    with pytest.raises(Refused, match="no customer accounts"):
        await rehearsal.begin(Task.REGISTER)
    assert stand_in.restored == 0


async def test_who_registers_the_account_that_was_brought_does_right(world: World) -> None:
    await world.rehearsal.begin(Task.REGISTER)
    assert (world.stand_in.asked, world.stand_in.restored) == ([None], 1)
    assert world.rehearsal.view().armed == lesson(Task.REGISTER)
    await world.register(VISITOR.account)
    [verdict] = world.verdicts
    assert (verdict.case, verdict.is_right) == (Task.REGISTER, True)
    assert world.rehearsal.view().armed is None


async def test_who_registers_another_account_is_told(world: World) -> None:
    await world.rehearsal.begin(Task.REGISTER)
    await world.register("MY-20011", "Pat Nobody")
    [verdict] = world.verdicts
    assert verdict.is_right is False and "You registered account MY-20011" in verdict.text


async def test_what_is_refused_or_in_doubt_is_not_over(world: World) -> None:
    await world.rehearsal.begin(Task.REGISTER)
    world.desk.accounts.errors_at["register"] = Refused("No.")
    with pytest.raises(Refused):
        await world.register(VISITOR.account)
    assert world.verdicts == ()
    world.desk.accounts.lost_at.add("register")
    with pytest.raises(InDoubt):
        await world.register(VISITOR.account)
    assert world.verdicts == ()
    await world.register(VISITOR.account)  # looked up again: done, and only once
    assert world.desk.accounts.calls.count("register") == 2
    [verdict] = world.verdicts
    assert verdict.is_right is True


async def test_who_links_the_account_that_was_wanted_does_right(world: World) -> None:
    await world.rehearsal.begin(Task.LINK)
    await world.sign_on()
    await world.accounts.link(VISITOR.account.lower())
    [verdict] = world.verdicts
    assert (verdict.case, verdict.is_right) == (Task.LINK, True)


@pytest.mark.parametrize("how", ["another", "unregistered"])
async def test_who_links_another_or_unregisters_is_told(world: World, how: str) -> None:
    world.desk.accounts.seed("MY-20044", name="Somebody")
    await world.rehearsal.begin(Task.LINK)
    await world.sign_on()
    await (world.accounts.link("MY-20044") if how == "another" else world.accounts.unregister(MEMBER.account))
    [verdict] = world.verdicts
    assert verdict.is_right is False
    told = "You linked account MY-20044" if how == "another" else "every link to it"
    assert told in verdict.text


async def test_what_was_done_before_it_was_begun_does_not_count(world: World) -> None:
    await world.register(VISITOR.account)
    await world.rehearsal.begin(Task.REGISTER)
    assert world.verdicts == () and world.rehearsal.view().armed is not None
    assert world.accounts.view().signed_on is None, "customers as at the start: nobody is signed on"


async def test_a_task_can_be_put_away_and_takes_the_place_of_an_armed_case(world: World) -> None:
    await world.rehearsal.arm(Case.TWICE)
    await world.rehearsal.begin(Task.LINK)
    assert world.stand_in.asked == [Case.TWICE, None], "no payment meets it any more"
    await world.desk.open_page()
    assert world.rehearsal.view().armed == lesson(Task.LINK), "a payment is none of its business"
    world.desk.approve()
    await world.rehearsal.disarm()
    assert world.rehearsal.view().armed is None
    await world.sign_on()
    await world.accounts.link(VISITOR.account)
    assert world.verdicts == ()


async def test_without_the_stand_in_nothing_begins(world: World) -> None:
    world.stand_in.is_gone = True
    with pytest.raises(Unavailable):
        await world.rehearsal.begin(Task.LINK)
    assert world.rehearsal.view().armed is None


async def test_the_verdict_is_the_journals_word(world: World) -> None:
    await world.rehearsal.begin(Task.REGISTER)
    await world.register(VISITOR.account)
    kinds = {entry.kind for entry in world.desk.journal.entries()} & ACCOUNT_KINDS
    assert kinds == ACCOUNT_KINDS
    again = Rehearsal(world.desk.till, FakeStandIn())
    assert again.view().verdicts == (), "what another session began is not this one's"
