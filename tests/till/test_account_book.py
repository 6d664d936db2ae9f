"""Changes of customers' accounts in the journal: asked before Invoice Cloud hears of them, answered after."""

import datetime as dt
import json
import zipfile
from collections.abc import Callable
from pathlib import Path

import pytest

from cashier.domain.account_changes import ACCOUNT_KINDS, AccountAct, ChangeOutcome, fold_changes
from cashier.domain.accounts import Secret, WrongPassword
from cashier.domain.entries import Entry, EntryKind
from cashier.domain.errors import CashierError, InDoubt, Refused, TooBusy, Unavailable
from cashier.domain.sale import Customer
from cashier.journal.seal import seal_journal
from cashier.till.account_book import AccountBook

from .conftest import Desk
from .test_accounts import ALEX, CONFIG, NEWCOMER, OTHER, PASSWORD, ROBIN, SAM, code_of, signed_on

ASKED, ANSWERED = EntryKind.ACCOUNT_CHANGE_ASKED, EntryKind.ACCOUNT_CHANGE_ANSWERED
Change = tuple[AccountAct, str, ChangeOutcome]


@pytest.fixture
def desk(make_desk: Callable[..., Desk]) -> Desk:
    """10042 is registered by Robin, 10044 by nobody; there is no 10099."""
    made = make_desk(accounts=CONFIG)
    made.accounts.seed("10042", ROBIN, PASSWORD.reveal(), "Robin Example")
    made.accounts.seed("10044", name="Pat Nobody")
    return made


def entries(desk: Desk) -> list[Entry]:
    return [entry for entry in desk.journal.entries() if entry.kind in ACCOUNT_KINDS]


def changes(desk: Desk) -> list[Change]:
    return [(one.act, one.account, one.outcome) for one in fold_changes(desk.journal.entries())]


def done(*acts: tuple[AccountAct, str]) -> list[Change]:
    return [(act, account, ChangeOutcome.DONE) for act, account in acts]


async def test_every_change_is_recorded_with_who_what_which_account_and_what_came_of_it(desk: Desk) -> None:
    accounts = desk.till.accounts
    await accounts.register(NEWCOMER, PASSWORD)
    await accounts.link("10044")
    await accounts.unregister("10044")
    await accounts.change_password(SAM, PASSWORD, OTHER)
    await accounts.change_email(SAM, OTHER, "sam.new@example.org")
    assert changes(desk) == done(
        (AccountAct.RECORD_MADE, "10099"),
        (AccountAct.REGISTERED, "10099"),
        (AccountAct.LINKED, "10044"),
        (AccountAct.UNREGISTERED, "10044"),
        (AccountAct.PASSWORD_SET, "10099"),
        (AccountAct.EMAIL_CHANGED, "10099"),
        (AccountAct.PASSWORD_SET, "10099"),
    )
    assert {one.by for one in fold_changes(desk.journal.entries())} == {desk.till.people.name}


async def test_finding_signing_on_and_leaving_change_nothing_and_record_nothing(desk: Desk) -> None:
    accounts = await signed_on(desk)
    await accounts.find("10044")
    accounts.leave()
    with pytest.raises(WrongPassword):
        await accounts.sign_on(ROBIN, OTHER)
    assert entries(desk) == []


async def test_what_is_asked_is_on_disk_before_invoice_cloud_hears_of_it(desk: Desk) -> None:
    seen: list[tuple[str, list[Change]]] = []
    changing = {"create", "register", "link", "unregister", "update_email", "update_password"}
    desk.accounts.looked = lambda name: seen.append((name, changes(desk))) if name in changing else None
    accounts = desk.till.accounts
    await accounts.register(NEWCOMER, PASSWORD)
    await accounts.link("10044")
    await accounts.unregister("10044")
    await accounts.change_email(SAM, PASSWORD, "sam.new@example.org")
    assert [name for name, _ in seen] == [
        *("create", "register", "link", "unregister", "update_email", "update_password")
    ]
    for _, known in seen:
        assert known[-1][2] is ChangeOutcome.IN_DOUBT, "asked, and not answered yet"
        assert all(outcome is ChangeOutcome.DONE for _, _, outcome in known[:-1])


async def test_what_cannot_be_recorded_is_not_asked(desk: Desk) -> None:
    accounts = await signed_on(desk)
    desk.journal.disk_full = True
    desk.accounts.calls.clear()
    with pytest.raises(Unavailable, match="disk is full"):
        await accounts.link("10044")
    assert "link" not in desk.accounts.calls


async def test_an_answer_that_cannot_be_recorded_is_in_doubt_and_says_that_it_was_made(desk: Desk) -> None:
    accounts = await signed_on(desk)

    def fill(name: str) -> None:
        desk.journal.disk_full |= name == "link"

    desk.accounts.looked = fill
    with pytest.raises(InDoubt, match="has made the change, but this till's journal did not take it"):
        await accounts.link("10044")
    desk.journal.disk_full = False
    assert changes(desk) == [(AccountAct.LINKED, "10044", ChangeOutcome.IN_DOUBT)]
    desk.accounts.looked = lambda _name: None
    await accounts.sign_on(ROBIN, PASSWORD)
    with pytest.raises(Refused):
        await accounts.link("10044")
    assert changes(desk)[0][2] is ChangeOutcome.IN_DOUBT, "it may be theirs otherwise than by that link"


@pytest.mark.parametrize(
    ("error", "outcome"),
    [
        (Refused("No."), ChangeOutcome.REFUSED),
        (Unavailable("Not reached."), ChangeOutcome.NOT_SENT),
        (TooBusy("Later.", 2), ChangeOutcome.NOT_SENT),
        (InDoubt("No answer."), ChangeOutcome.IN_DOUBT),
    ],
)
async def test_each_ending_is_recorded_for_what_it_is(
    desk: Desk, error: CashierError, outcome: ChangeOutcome
) -> None:
    accounts = await signed_on(desk)
    desk.accounts.errors_at["link"] = error
    with pytest.raises(type(error)):
        await accounts.link("10044")
    assert changes(desk) == [(AccountAct.LINKED, "10044", outcome)]


async def test_what_a_lost_answer_did_is_recorded_once_it_is_seen(desk: Desk) -> None:
    accounts = await signed_on(desk)
    for act in (accounts.link, accounts.unregister):
        desk.accounts.lost_at |= {"link", "unregister"}
        with pytest.raises(InDoubt):
            await act("10044")
    assert [entry.body.get("outcome") for entry in entries(desk)] == [None, "in_doubt", "done"] * 2
    assert changes(desk) == done((AccountAct.LINKED, "10044"), (AccountAct.UNREGISTERED, "10044"))


@pytest.mark.parametrize(
    ("lost", "act"), [("create", AccountAct.RECORD_MADE), ("register", AccountAct.REGISTERED)]
)
async def test_a_registration_that_was_lost_on_the_way_is_seen_when_it_is_asked_for_again(
    desk: Desk, lost: str, act: AccountAct
) -> None:
    desk.accounts.lost_at.add(lost)
    with pytest.raises(InDoubt):
        await desk.till.accounts.register(NEWCOMER, PASSWORD)
    assert changes(desk)[-1] == (act, "10099", ChangeOutcome.IN_DOUBT)
    await desk.till.accounts.register(NEWCOMER, PASSWORD)
    assert changes(desk) == done((AccountAct.RECORD_MADE, "10099"), (AccountAct.REGISTERED, "10099"))


def test_what_was_asked_when_the_till_was_killed_stands_as_in_doubt(desk: Desk) -> None:
    book = AccountBook(desk.clock, desk.randomness, desk.journal, lambda: "Robin Clerk")
    with pytest.raises(KeyboardInterrupt), book.asked(AccountAct.UNREGISTERED, "10042"):
        raise KeyboardInterrupt
    [asked] = entries(desk)
    assert asked.kind is ASKED
    [change] = fold_changes(desk.journal.entries())
    assert not change.is_done and change.outcome is ChangeOutcome.IN_DOUBT and change.answered_seq == 0


def asked_and_killed(desk: Desk, act: AccountAct, account: str) -> None:
    """Another till of this journal asked for a change, and was killed before it was answered."""
    book = AccountBook(desk.clock, desk.randomness, desk.journal, lambda: "Kim Clerk")
    with pytest.raises(KeyboardInterrupt), book.asked(act, account):
        raise KeyboardInterrupt


async def test_a_change_that_nobody_answered_is_shown_with_its_account_for_a_week(desk: Desk) -> None:
    asked_and_killed(desk, AccountAct.REGISTERED, "10044")
    asked_and_killed(desk, AccountAct.PASSWORD_SET, "10042")
    accounts = desk.till.accounts
    for asked, act, account in (
        ("10044", AccountAct.REGISTERED, "10044"),
        ("10042", AccountAct.PASSWORD_SET, "10042"),
        (ROBIN, AccountAct.PASSWORD_SET, "10042"),
    ):
        [doubt] = (await accounts.find(asked)).doubts
        assert (doubt.act, doubt.account, doubt.by) == (act, account, "Kim Clerk")
    desk.clock.advance(7 * 24 * 3600 + 1)
    assert (await accounts.find("10044")).doubts == ()
    assert changes(desk)[0][2] is ChangeOutcome.IN_DOUBT, "the journal never forgets it"


@pytest.mark.parametrize(
    ("act", "account"),
    [
        (AccountAct.REGISTERED, "10042"),
        (AccountAct.RECORD_MADE, "10042"),
        (AccountAct.RECORD_MADE, "10044"),
        (AccountAct.UNREGISTERED, "10044"),
    ],
)
async def test_what_finding_shows_to_be_in_force_is_not_shown_as_in_doubt_and_not_guessed_to_be_done(
    desk: Desk, act: AccountAct, account: str
) -> None:
    asked_and_killed(desk, act, account)
    assert (await desk.till.accounts.find(account)).doubts == ()
    assert changes(desk) == [(act, account, ChangeOutcome.IN_DOUBT)], "somebody else may have done it"


@pytest.mark.parametrize(
    ("act", "account"), [(AccountAct.UNREGISTERED, "10042"), (AccountAct.RECORD_MADE, "10099")]
)
async def test_what_finding_shows_to_be_undone_is_shown_as_in_doubt(
    desk: Desk, act: AccountAct, account: str
) -> None:
    asked_and_killed(desk, act, account)
    assert len((await desk.till.accounts.find(account)).doubts) == 1


async def test_a_registration_asked_before_the_till_was_killed_is_done_when_it_is_seen_asking_again(
    desk: Desk,
) -> None:
    await desk.till.accounts.register(NEWCOMER, PASSWORD)
    asked_and_killed(desk, AccountAct.REGISTERED, "10099")
    await desk.till.accounts.register(NEWCOMER, PASSWORD)
    assert changes(desk)[-1] == (AccountAct.REGISTERED, "10099", ChangeOutcome.DONE)


async def test_a_link_in_doubt_is_not_done_because_the_account_is_somebody_elses(desk: Desk) -> None:
    asked_and_killed(desk, AccountAct.LINKED, "10042")
    accounts = await signed_on(desk)  # 10042 is Robin's own
    await accounts.link("10044")
    assert changes(desk)[0] == (AccountAct.LINKED, "10042", ChangeOutcome.IN_DOUBT)


async def test_one_that_was_made_at_the_second_try_ends_the_doubt_of_the_first(desk: Desk) -> None:
    asked_and_killed(desk, AccountAct.PASSWORD_SET, "10042")
    await desk.till.accounts.change_password(ROBIN, PASSWORD, OTHER)
    assert (await desk.till.accounts.find("10042")).doubts == ()
    assert [outcome for *_, outcome in changes(desk)] == [ChangeOutcome.IN_DOUBT, ChangeOutcome.DONE]


async def test_a_code_by_mail_records_the_change_when_it_is_made(desk: Desk) -> None:
    await desk.till.accounts.change_password(ROBIN, Secret(""), OTHER)
    assert entries(desk) == [], "a code is on its way, and nothing has changed"
    await desk.till.accounts.approve(await code_of(desk))
    assert changes(desk) == done((AccountAct.PASSWORD_SET, "10042"))


@pytest.mark.parametrize("typed", ["4111111111111111", "4111 1111 1111 1111"])
async def test_a2_a_card_number_typed_for_an_account_is_not_recorded(desk: Desk, typed: str) -> None:
    accounts = await signed_on(desk)
    with pytest.raises(Refused):
        await accounts.link(typed)
    [asked, _] = entries(desk)
    assert "1111111" not in asked.body["account"].replace(" ", "")


async def test_an_address_typed_for_an_account_is_refused(desk: Desk) -> None:
    await signed_on(desk)
    for work in (
        desk.till.accounts.link(ALEX),
        desk.till.accounts.register(Customer(ALEX, "", email=SAM), PASSWORD),
    ):
        with pytest.raises(Refused, match="not an account number"):
            await work
    assert entries(desk) == []


async def test_a2_the_auditors_export_has_the_changes_and_nothing_of_the_customer_but_the_account_number(
    desk: Desk, tmp_path: Path
) -> None:
    accounts = desk.till.accounts
    await accounts.register(NEWCOMER, PASSWORD)
    tokens = list(desk.accounts.tokens)
    await accounts.link("10044")
    await accounts.change_email(SAM, PASSWORD, "sam.new@example.org")
    tokens += list(desk.accounts.tokens)
    await accounts.change_password("sam.new@example.org", Secret(""), OTHER)
    code = desk.letters.sent[-1][2].split("\n\n")[1]
    await accounts.approve(code)
    # The export is of business dates: a receipt makes one.
    desk.fill("permit", account="")
    await desk.till.pay_by_card()
    desk.approve()
    day = dt.date.fromisoformat(desk.entries(EntryKind.RECEIPT_ISSUED)[0].body["business_date"])
    verifier = tmp_path / "verify.py"
    verifier.write_text("")
    out = tmp_path / "audit.zip"
    seal_journal(
        tmp_path / "journal.db",
        out,
        day,
        day,
        made_at="2026-02-04T12:00:00.000Z",
        verifier=verifier,
        extras={},
    )
    with zipfile.ZipFile(out) as archive:
        files = {name: archive.read(name).decode() for name in archive.namelist()}
    [lines] = [text.splitlines() for name, text in files.items() if name.endswith(".jsonl")]
    told = [json.loads(line) for line in lines]
    found = [entry for entry in told if entry["kind"] in {kind.value for kind in ACCOUNT_KINDS}]
    assert len(found) == len(entries(desk)) == 12
    for entry in found:
        wanted = {"act", "account", "by"} if entry["kind"] == ASKED.value else {"outcome"}
        assert set(entry["body"]) == wanted
    bodies = json.dumps([entry["body"] for entry in found])
    for word in ("sam", "sam.new", "Sam New", "Sample Lane", "example.org", "Sampletown", "32003"):
        assert word not in bodies
    for secret in (*tokens, PASSWORD.reveal(), OTHER.reveal(), code):
        assert not [name for name, text in files.items() if secret in text]
