"""Customers' accounts at the counter: found, registered, signed on, left; what they pay by their sign-on."""

import asyncio
import json
from collections.abc import Callable

import pytest

from cashier.domain.accounts import (
    AccountPage,
    AccountStanding,
    Secret,
    SignOnOver,
    UserAccount,
    WrongPassword,
)
from cashier.domain.entries import EntryKind
from cashier.domain.errors import CashierError, InDoubt, Refused, Unavailable
from cashier.domain.payment import PaymentState
from cashier.domain.sale import Customer
from cashier.till.accounts import BUSY, NOT_SIGNED_ON, Accounts, CustomerLeft
from cashier.till.config import AccountsConfig
from cashier.till.mailed_codes import CODE_LIFE_S, CODE_TRIES_MAX
from cashier.till.people import LOCKED
from cashier.till.ports import PrintOutcome, PrintResult
from tests.fakes.people import CLERK, CLERK_PIN

from .conftest import Desk

ROBIN, ALEX, SAM = "robin@example.org", "alex@example.org", "sam@example.org"
PASSWORD, OTHER = Secret("planted-pass-1"), Secret("planted-pass-2")
CONFIG = AccountsConfig(biller="town", life_s=900, refusal="", agency="Town of Sampleton")
NEWCOMER = Customer("10099", "Sam New", "1 Sample Lane", "Sampletown", "FL", "32003", SAM)


@pytest.fixture
def desk(make_desk: Callable[..., Desk]) -> Desk:
    """10042 is registered by Robin, 10043 by Alex, 10044 by nobody; there is no 10099."""
    made = make_desk(accounts=CONFIG)
    made.accounts.seed("10042", ROBIN, PASSWORD.reveal(), "Robin Example")
    made.accounts.seed("10043", ALEX, PASSWORD.reveal(), "Alex Sample")
    made.accounts.seed("10044", name="Pat Nobody")
    return made


@pytest.fixture
def accounts(desk: Desk) -> Accounts:
    return desk.till.accounts


async def signed_on(desk: Desk) -> Accounts:
    await desk.till.accounts.find("10042")
    await desk.till.accounts.sign_on(ROBIN, PASSWORD)
    return desk.till.accounts


# -- finding -------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("text", "standing", "account", "emails"),
    [
        ("10042", AccountStanding.REGISTERED, "10042", (ROBIN,)),
        (" Robin@Example.org ", AccountStanding.REGISTERED, "10042", (ROBIN,)),
        ("10044", AccountStanding.UNREGISTERED, "10044", ()),
        ("10099", AccountStanding.MISSING, "10099", ()),
        ("nobody@example.org", AccountStanding.NO_USER, "", ()),
    ],
)
async def test_a_customer_is_found_by_account_or_address(
    accounts: Accounts, text: str, standing: AccountStanding, account: str, emails: tuple[str, ...]
) -> None:
    lookup = await accounts.find(text)
    assert (lookup.standing, lookup.account, lookup.emails) == (standing, account, emails)
    assert accounts.view().lookup == lookup


@pytest.mark.parametrize("text", ["", "   ", "a@", "two@at@signs", "x" * 101, "10\n42", "a b@example.org"])
async def test_what_is_neither_is_refused_unasked(desk: Desk, accounts: Accounts, text: str) -> None:
    with pytest.raises(Refused):
        await accounts.find(text)
    assert desk.accounts.calls == []


async def test_an_account_of_two_people_is_told_with_both(desk: Desk, accounts: Accounts) -> None:
    desk.accounts.users_known[1].accounts.append("10042")
    lookup = await accounts.find("10042")
    assert lookup.emails == (ROBIN, ALEX) and lookup.email == ""


async def test_a_till_without_accounts_says_why_and_asks_nobody(make_desk: Callable[..., Desk]) -> None:
    desk = make_desk()
    refusal = "This permit system has no customer accounts at Invoice Cloud."
    assert desk.till.accounts.refusal == desk.till.accounts.view().refusal == refusal
    with pytest.raises(Refused, match="no customer accounts"):
        await desk.till.accounts.find("10042")
    assert desk.accounts.calls == []


# -- registering ---------------------------------------------------------------------------------------------


async def test_a_missing_account_is_made_registered_and_signed_on(desk: Desk, accounts: Accounts) -> None:
    await accounts.register(NEWCOMER, PASSWORD)
    assert desk.accounts.calls == [
        *("users", "users", "customer_guid", "create", "register"),
        *("authenticate", "customer_guid", "accounts"),
    ]
    view = accounts.view().signed_on
    assert view is not None and view.email == SAM
    assert view.accounts == (UserAccount("10099", "Sam New"),)


async def test_an_unregistered_account_is_registered_and_signed_on(desk: Desk, accounts: Accounts) -> None:
    await accounts.register(Customer("10044", "", email=SAM), PASSWORD)
    assert "create" not in desk.accounts.calls and "register" in desk.accounts.calls
    assert accounts.view().signed_on is not None


async def test_a_registered_account_is_only_signed_on(desk: Desk, accounts: Accounts) -> None:
    await accounts.register(Customer("10042", "", email="ROBIN@example.org"), PASSWORD)
    assert desk.accounts.calls == ["users", "authenticate", "customer_guid", "accounts"]


async def test_a_registered_account_with_another_password_is_not_signed_on(accounts: Accounts) -> None:
    with pytest.raises(WrongPassword):
        await accounts.register(Customer("10042", "", email=ROBIN), OTHER)
    assert accounts.view().signed_on is None


@pytest.mark.parametrize(
    ("customer", "says"),
    [
        (Customer("10042", "", email=SAM), r"registered already, by r…@example\.org"),
        (Customer("10044", "", email=ALEX), "registered already, with another account"),
        (Customer("10099", "", email=SAM), "no account 10099 yet. Type the customer's name"),
        (Customer("", "Sam", email=SAM), "account number first"),
        (Customer("10044", "Sam", email=""), "e-mail address first"),
    ],
)
async def test_who_cannot_be_registered_is_told_why(
    desk: Desk, accounts: Accounts, customer: Customer, says: str
) -> None:
    with pytest.raises(Refused, match=says):
        await accounts.register(customer, PASSWORD)
    assert not {"create", "register"} & set(desk.accounts.calls)


@pytest.mark.parametrize("text", ["", "short", "x" * 65, " with-a-space", "with\ta-tab-in"])
async def test_a_password_that_is_none_is_refused_without_a_word_of_it(
    desk: Desk, accounts: Accounts, text: str
) -> None:
    with pytest.raises(Refused) as refused:
        await accounts.register(NEWCOMER, Secret(text))
    assert not text or text not in refused.value.user_text
    assert desk.accounts.calls == []


@pytest.mark.parametrize("lost", ["create", "register"])
async def test_what_was_lost_on_the_way_is_asked_for_again(desk: Desk, accounts: Accounts, lost: str) -> None:
    """The standing is read anew, so that nothing is done twice."""
    desk.accounts.lost_at.add(lost)
    with pytest.raises(InDoubt):
        await accounts.register(NEWCOMER, PASSWORD)
    assert accounts.view().signed_on is None
    await accounts.register(NEWCOMER, PASSWORD)
    assert desk.accounts.calls.count(lost) == 1
    assert accounts.view().signed_on is not None


# -- signing on and leaving ----------------------------------------------------------------------------------


async def test_signing_on_asks_in_the_order_of_the_flow(desk: Desk, accounts: Accounts) -> None:
    await accounts.find(ROBIN)
    await accounts.sign_on(ROBIN, PASSWORD)
    assert desk.accounts.calls == ["users", "authenticate", "customer_guid", "accounts"]
    view = accounts.view()
    assert view.signed_on is not None and view.signed_on.left_s == 900
    assert accounts.page_url(AccountPage.AUTOPAY).endswith("&ViewMode=1&RedirectID=3")


async def test_the_wrong_password_signs_nobody_on(accounts: Accounts) -> None:
    with pytest.raises(WrongPassword):
        await accounts.sign_on(ROBIN, OTHER)
    with pytest.raises(Refused, match="password is missing"):
        await accounts.sign_on(ROBIN, Secret(""))
    with pytest.raises(Refused, match=NOT_SIGNED_ON):
        accounts.page_url(AccountPage.BILLS)


async def test_another_customer_or_leaving_ends_it(desk: Desk) -> None:
    for leave in (
        lambda accounts: accounts.leave(),
        lambda accounts: desk.till.people.lock(),
        lambda accounts: desk.till.people.sign_out(),
    ):
        accounts = await signed_on(desk)
        told = desk.told
        leave(accounts)
        view = accounts.view()
        assert (view.lookup, view.signed_on, view.notice) == (None, None, "")
        assert desk.told > told
        if desk.till.people.signed_in is None or desk.till.people.view().is_locked:
            await desk.till.people.sign_in(CLERK, CLERK_PIN)
            assert accounts.view().signed_on is None
    accounts = await signed_on(desk)
    await accounts.find("10043")
    assert accounts.view().signed_on is None


async def test_it_ends_after_its_life_and_says_so(desk: Desk) -> None:
    accounts = await signed_on(desk)
    desk.clock.advance(899)
    accounts.tick()
    assert accounts.view().signed_on is not None
    desk.clock.advance(1)
    assert accounts.view().signed_on is None, "even before anybody looks"
    with pytest.raises(Refused, match=NOT_SIGNED_ON):
        accounts.page_url(AccountPage.BILLS)
    accounts.tick()
    view = accounts.view()
    assert view.lookup is None and "r…@example.org has ended after 15 minutes" in view.notice


async def test_when_invoice_cloud_says_it_is_over_it_is_over(desk: Desk) -> None:
    accounts = await signed_on(desk)
    desk.accounts.end_sign_ons()
    with pytest.raises(SignOnOver):
        await accounts.link("10044")
    view = accounts.view()
    assert view.signed_on is None and "no longer signed on" in view.notice
    assert view.lookup is not None, "the customer is still the one who stands there"


async def test_nobody_who_is_not_signed_in_or_has_locked_the_till_may_ask(desk: Desk) -> None:
    desk.till.people.lock()
    with pytest.raises(Refused, match=LOCKED):
        await desk.till.accounts.find("10042")
    desk.till.people.sign_out()
    with pytest.raises(Refused):
        await desk.till.accounts.find("10042")
    assert desk.accounts.calls == []


class Held:
    """Makes the named call wait, and lets it go."""

    def __init__(self, desk: Desk, name: str) -> None:
        self._fake, self._name = desk.accounts, name
        self.reached, self.go_on = asyncio.Event(), asyncio.Event()
        self._original = getattr(desk.accounts, name)
        setattr(desk.accounts, name, self._wait)

    async def _wait(self, *given: object, **named: object) -> object:
        setattr(self._fake, self._name, self._original)
        self.reached.set()
        await self.go_on.wait()
        return await self._original(*given, **named)


async def test_an_answer_for_a_customer_who_was_left_changes_nothing(desk: Desk, accounts: Accounts) -> None:
    held = Held(desk, "accounts")
    asking = asyncio.create_task(accounts.sign_on(ROBIN, PASSWORD))
    await held.reached.wait()
    assert accounts.view().is_busy
    with pytest.raises(Refused, match=BUSY):
        await accounts.find("10043")
    accounts.leave()
    assert not accounts.view().is_busy
    await accounts.find("10043")
    held.go_on.set()
    with pytest.raises(CustomerLeft):
        await asking
    view = accounts.view()
    assert view.signed_on is None and view.lookup is not None and view.lookup.account == "10043"


async def test_an_error_for_a_customer_who_was_left_is_not_told(desk: Desk, accounts: Accounts) -> None:
    held = Held(desk, "users")
    asking = asyncio.create_task(accounts.find("10042"))
    await held.reached.wait()
    accounts.leave()
    desk.accounts.is_answering = False
    held.go_on.set()
    with pytest.raises(CustomerLeft):
        await asking


# -- accounts ------------------------------------------------------------------------------------------------


async def test_accounts_are_linked_and_unregistered(desk: Desk) -> None:
    accounts = await signed_on(desk)
    await accounts.link(" 10044 ")
    view = accounts.view().signed_on
    assert view is not None
    assert view.accounts == (UserAccount("10042", "Robin Example"), UserAccount("10044", "Pat Nobody", True))
    with pytest.raises(Refused, match="not one of this customer's"):
        await accounts.unregister("10043")
    await accounts.unregister("10044")
    view = accounts.view().signed_on
    assert view is not None and [one.number for one in view.accounts] == ["10042"]
    await accounts.unregister("10042")
    after = accounts.view()
    assert after.signed_on is None and "It was the only one" in after.notice


async def test_what_a_lost_answer_did_is_seen(desk: Desk) -> None:
    accounts = await signed_on(desk)
    desk.accounts.lost_at.add("link")
    with pytest.raises(InDoubt):
        await accounts.link("10044")
    view = accounts.view().signed_on
    assert view is not None and [one.number for one in view.accounts] == ["10042", "10044"]
    desk.accounts.lost_at.add("unregister")
    with pytest.raises(InDoubt):
        await accounts.unregister("10044")
    view = accounts.view().signed_on
    assert view is not None and [one.number for one in view.accounts] == ["10042"]


async def test_nobody_is_registered_for_a_customer_who_was_left(desk: Desk, accounts: Accounts) -> None:
    held = Held(desk, "customer_guid")
    asking = asyncio.create_task(accounts.register(NEWCOMER, PASSWORD))
    await held.reached.wait()
    desk.till.people.lock()
    held.go_on.set()
    with pytest.raises(CustomerLeft):
        await asking
    assert not {"create", "register"} & set(desk.accounts.calls)


async def test_linking_needs_somebody_signed_on(desk: Desk, accounts: Accounts) -> None:
    for work in (accounts.link("10044"), accounts.unregister("10042")):
        with pytest.raises(Refused, match=NOT_SIGNED_ON):
            await work
    assert desk.accounts.calls == []


# -- e-mail address and password -----------------------------------------------------------------------------


async def test_with_the_right_password_both_are_updated_at_once(desk: Desk) -> None:
    accounts = await signed_on(desk)
    desk.accounts.calls.clear()
    assert await accounts.change_email(ROBIN, PASSWORD, SAM)
    assert [call for call in desk.accounts.calls if call.startswith("update")] == [
        "update_email",
        "update_password",
    ]
    view = accounts.view()
    assert view.signed_on is not None and view.signed_on.email == SAM, "signed on anew"
    assert desk.letters.sent == []
    assert await accounts.change_password(SAM, PASSWORD, OTHER)
    assert (desk.accounts.users_known[0].email, desk.accounts.users_known[0].password) == (
        SAM,
        OTHER.reveal(),
    )


async def code_of(desk: Desk) -> str:
    to, subject, text = desk.letters.sent[-1]
    assert to == ROBIN and "Town of Sampleton" in subject
    return text.split("\n\n")[1]


async def test_without_it_a_code_goes_to_the_stored_address_first(desk: Desk, accounts: Accounts) -> None:
    await accounts.find("10042")
    assert not await accounts.change_email("Robin@EXAMPLE.org", OTHER, SAM)
    assert not [call for call in desk.accounts.calls if call.startswith("update")]
    assert accounts.view().code_sent_to == "r…@example.org"
    code = await code_of(desk)
    await accounts.approve(f" {code[:5].lower()} {code[5:]} ")
    user = desk.accounts.users_known[0]
    assert (user.email, user.password) == (SAM, OTHER.reveal()), "address and password in step"
    view = accounts.view()
    assert view.code_sent_to == "" and view.lookup is not None and view.lookup.emails == (SAM,)


async def test_a_forgotten_password_is_set_anew_by_the_code(desk: Desk, accounts: Accounts) -> None:
    assert not await accounts.change_password(ROBIN, Secret(""), OTHER)
    await accounts.approve(await code_of(desk))
    assert [call for call in desk.accounts.calls if call.startswith("update")] == ["update_password"]
    assert desk.accounts.users_known[0].password == OTHER.reveal()


async def test_a_wrong_code_changes_nothing_and_five_end_it(desk: Desk, accounts: Accounts) -> None:
    await accounts.change_password(ROBIN, Secret(""), OTHER)
    code = await code_of(desk)
    wrong = "A" * 10 if code != "A" * 10 else "B" * 10
    for _ in range(CODE_TRIES_MAX - 1):
        with pytest.raises(Refused, match=r"not the code\. Nothing"):
            await accounts.approve(wrong)
    with pytest.raises(Refused, match="tried too often"):
        await accounts.approve(wrong)
    with pytest.raises(Refused, match="No change waits"):
        await accounts.approve(code)
    assert desk.accounts.users_known[0].password == PASSWORD.reveal()


async def test_a_code_is_good_for_a_while_and_for_this_customer(desk: Desk, accounts: Accounts) -> None:
    await accounts.change_password(ROBIN, Secret(""), OTHER)
    desk.clock.advance(CODE_LIFE_S)
    assert accounts.view().code_sent_to == ""
    with pytest.raises(Refused, match="No change waits"):
        await accounts.approve(await code_of(desk))
    await accounts.change_password(ROBIN, Secret(""), OTHER)
    desk.till.people.lock()
    await desk.till.people.sign_in(CLERK, CLERK_PIN)
    with pytest.raises(Refused, match="No change waits"):
        await accounts.approve(await code_of(desk))


async def test_what_cannot_be_mailed_is_refused(desk: Desk, accounts: Accounts) -> None:
    desk.letters.outcome = PrintResult(PrintOutcome.NOT_PRINTED, "the mail server is not reached")
    with pytest.raises(Refused, match="could not be mailed: the mail server is not reached"):
        await accounts.change_email(ROBIN, OTHER, SAM)
    assert accounts.view().code_sent_to == ""


@pytest.mark.parametrize(
    ("email", "new", "says"),
    [
        (ROBIN, ALEX, "Somebody has registered with alex@example.org already"),
        (ROBIN, "ROBIN@example.org", "the address that they have already"),
        ("nobody@example.org", SAM, "Nobody has registered with nobody@example.org"),
        (ROBIN, "not an address", "not an e-mail address"),
    ],
)
async def test_an_address_that_cannot_be_given_is_refused(
    desk: Desk, accounts: Accounts, email: str, new: str, says: str
) -> None:
    with pytest.raises(Refused, match=says):
        await accounts.change_email(email, PASSWORD, new)
    assert desk.letters.sent == []
    assert not [call for call in desk.accounts.calls if call.startswith("update")]


@pytest.mark.parametrize("error", [InDoubt("No answer."), Unavailable("Not reached.")])
async def test_half_a_change_says_which_half(desk: Desk, accounts: Accounts, error: CashierError) -> None:
    await accounts.change_email(ROBIN, OTHER, SAM)
    code = await code_of(desk)
    desk.accounts.errors_at["update_password"] = error
    with pytest.raises(CashierError, match=f"The e-mail address is {SAM} now") as caught:
        await accounts.approve(code)
    assert isinstance(caught.value, InDoubt) == isinstance(error, InDoubt)
    await accounts.approve(code)  # what is left of it
    user = desk.accounts.users_known[0]
    assert (user.email, user.password) == (SAM, OTHER.reveal())


# -- paying --------------------------------------------------------------------------------------------------


async def test_a_one_time_payer_has_no_token(desk: Desk) -> None:
    await signed_on(desk)
    desk.fill("permit", account="77777")
    await desk.till.pay_by_card()
    assert desk.gateway.tokens == [None]
    assert not desk.payment.is_signed_on and desk.gateway.extras[-1].is_signed_on is False


async def test_a_registered_payers_token_is_sent_and_in_no_record(desk: Desk) -> None:
    accounts = await signed_on(desk)
    [token] = desk.accounts.tokens
    desk.fill("permit", account="10042")
    await desk.till.pay_by_card()
    assert desk.gateway.tokens == [token]
    assert desk.payment.is_signed_on and json.loads(desk.payment.request)["is_signed_on"] is True
    for entry in desk.journal.entries():
        assert token not in json.dumps(dict(entry.body))
    [issued] = desk.entries(EntryKind.PAYMENT_ISSUED)
    assert issued.body["is_signed_on"] is True
    # The sale is over, and so is whose it was.
    desk.approve()
    desk.till.new_sale()
    assert accounts.view().signed_on is None


async def test_a_sale_that_is_put_aside_takes_its_customer_with_it(desk: Desk) -> None:
    accounts = await signed_on(desk)
    desk.fill("permit", account="10043")
    await desk.till.hold_sale()
    assert accounts.view().signed_on is not None, "somebody else's"
    desk.fill("permit", account="10042")
    await desk.till.hold_sale()
    assert accounts.view().signed_on is None


async def test_a_sale_of_another_biller_or_account_is_a_one_time_payment(desk: Desk) -> None:
    accounts = await signed_on(desk)
    assert accounts.payer_of("10042", "town") is not None
    assert accounts.payer_of("10042", "police") is None
    assert accounts.payer_of("10043", "town") is None
    assert accounts.payer_of("", "town") is None
    desk.clock.advance(900)
    assert accounts.payer_of("10042", "town") is None


async def test_p15_a_retry_while_the_customer_is_signed_on_sends_the_same_bytes(desk: Desk) -> None:
    await signed_on(desk)
    desk.fill("permit", account="10042")
    desk.gateway.errors = [InDoubt("No answer.")]
    with pytest.raises(InDoubt):
        await desk.till.pay_by_card()
    assert desk.state() is PaymentState.ISSUED
    await desk.till.try_again()
    first, second = desk.gateway.launched
    assert first == second
    assert len(set(desk.gateway.tokens)) == 1 and desk.gateway.tokens[0] is not None


@pytest.mark.parametrize("how", ["left", "signed on anew", "restarted"])
async def test_once_the_sign_on_is_over_the_payment_is_given_up_unopened(desk: Desk, how: str) -> None:
    """Without its token the request would be another one, and with another token as well."""
    accounts = await signed_on(desk)
    desk.fill("permit", account="10042")
    desk.gateway.errors = [InDoubt("No answer.")]
    with pytest.raises(InDoubt):
        await desk.till.pay_by_card()
    reference = desk.payment.reference
    if how == "restarted":
        desk.restart(desk.till.config)
        desk.till.show_payment(reference)
    else:
        accounts.leave()
        if how == "signed on anew":
            await signed_on(desk)
    with pytest.raises(SignOnOver, match="was given up: its page was never opened, and no money was taken"):
        await desk.till.try_again()
    assert desk.state() is PaymentState.ABANDONED
    assert len(desk.gateway.launched) == 1
    assert desk.entries(EntryKind.RECEIPT_ISSUED) == []


async def test_the_sale_can_be_taken_anew_after_that(desk: Desk) -> None:
    accounts = await signed_on(desk)
    desk.fill("permit", account="10042")
    desk.gateway.errors = [InDoubt("No answer.")]
    with pytest.raises(InDoubt):
        await desk.till.pay_by_card()
    accounts.leave()
    with pytest.raises(SignOnOver):
        await desk.till.try_again()
    await desk.till.pay_by_card()
    assert desk.gateway.tokens[-1] is None and desk.state() is PaymentState.OPEN
