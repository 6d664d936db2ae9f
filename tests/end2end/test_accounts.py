"""The user stories of single sign-on: the real window and view, the real sandbox and hub, one profile: My360.

The accounts are the sandbox's own: MY-20001 is registered by nobody, MY-20002 by Robin, MY-20003 by Alex,
whose password here is another one than at Invoice Cloud; MY-20009 is not there.
"""

import email
import email.message
import email.policy
import json
import re
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from pathlib import Path

import pytest
import shiboken6
from PySide6.QtCore import Qt
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QLabel, QLineEdit, QListWidget, QPushButton, QWidget

from cashier.data_files import JOURNAL
from cashier.domain.accounts import AccountPage, Secret
from cashier.domain.payment import PaymentState
from cashier.domain.sale import Customer
from cashier.journal.export import export_entries, export_receipts
from cashier.sandbox.config import TRAINING_ACCOUNTS
from cashier.till.rehearsal_cases import Task
from cashier.till.trainees import MEMBER, VISITOR
from cashier.ui.accounts_page import AccountsPage
from cashier.ui.form_dialog import FormDialog
from cashier.ui.payer import Payer, until
from cashier.ui.rail import ACCOUNTS, SALE
from tests.end2end.conftest import VISA, Counter
from tests.paper.test_mailer import server

ROBIN, ALEX, SAM = "robin@example.org", "alex@example.org", "sam@example.org"
PASSWORD, NEW = TRAINING_ACCOUNTS[1].password, "planted-pass-anew"
INVOICE = "MY-20002-39"
#: As the sandbox's customer adds one.
CARD = "VISA ending in 1111"


@pytest.fixture
def counter(counter: Counter) -> Counter:
    """A LeadsOnline counter."""
    counter.overrides |= {"profile": "leadsonline", "schedule": "police", "return_url": None}
    sandbox = counter.sandbox
    sandbox.seed_invoice(
        INVOICE, "42.00", type_id=39, due_date="2026-12-28", account="MY-20002", name="Robin Example"
    )
    return counter


def page_of(counter: Counter) -> AccountsPage:
    counter.window.show_page(ACCOUNTS)
    return counter.window.accounts


async def asked(counter: Counter) -> None:
    await until(lambda: not counter.till.accounts.view().is_busy, "Invoice Cloud's answer")


async def find(counter: Counter, text: str) -> AccountsPage:
    page = page_of(counter)
    counter.till.accounts.leave()
    page.panel.search.setText(text)
    QTest.keyClick(page.panel.search, Qt.Key.Key_Return)

    def is_there() -> bool:
        lookup = counter.till.accounts.view().lookup
        return lookup is not None and lookup.asked == text

    await until(is_there, "the customer")
    await asked(counter)
    return page


async def sign_on(counter: Counter, text: str = "MY-20002", password: str = PASSWORD) -> AccountsPage:
    page = await find(counter, text)
    page.panel.password.setText(password)
    QTest.keyClick(page.panel.password, Qt.Key.Key_Return)
    await until(lambda: counter.till.accounts.view().signed_on is not None, "the sign-on")
    await asked(counter)
    return page


async def form(counter: Counter, **texts: str) -> None:
    """Fill the dialog that is up, and do it."""
    [dialog] = [one for one in counter.window.findChildren(FormDialog) if one.isVisible()]
    for key, text in texts.items():
        dialog.fields[key].setText(text)
    dialog.go_on.click()
    await until(lambda: not shiboken6.isValid(dialog) or dialog.fault.text(), "the verb")
    assert not shiboken6.isValid(dialog), dialog.fault.text()
    await asked(counter)


@asynccontextmanager
async def opened(page: AccountsPage, which: AccountPage, title: str) -> AsyncIterator[Payer]:
    """One of the customer's own pages, in the sealed view."""
    page.panel.pages[which].click()
    assert page.hosted is not None
    customer = Payer(page.hosted)
    await customer.sees(title)
    await customer.sees("Signed in as")
    yield customer
    page.close_page()


def user(counter: Counter, email: str = ROBIN) -> dict[str, object]:
    return next(one for one in counter.sandbox.users() if one["email"] == email)


# -- the stories -------------------------------------------------------------------------------------------


def test_story_log_in(counter: Counter) -> None:
    async def scenario(counter: Counter) -> None:
        page = await sign_on(counter, ROBIN.upper())
        assert f"{ROBIN} is signed on" in page.panel.banner.text
        assert counter.sandbox.accounts.calls == ["users", "authenticate", "RetrieveCustomerGuid", "accounts"]
        async with opened(page, AccountPage.BILLS, "Recent Bills") as customer:
            await customer.sees(INVOICE)
            assert page.left.currentWidget() is page.hosted
        # Another password than Invoice Cloud's signs nobody on.
        page = await find(counter, "MY-20003")
        page.panel.password.setText(TRAINING_ACCOUNTS[2].told)
        QTest.keyClick(page.panel.password, Qt.Key.Key_Return)
        await until(lambda: "not the ones that Invoice Cloud has" in page.panel.banner.text, "the refusal")
        assert counter.till.accounts.view().signed_on is None

    counter.run(scenario)


def test_story_registration_in_its_three_cases(counter: Counter) -> None:
    async def scenario(counter: Counter) -> None:
        calls = counter.sandbox.accounts.calls
        # Missing: a record, then registered, then signed on.
        page = await find(counter, "MY-20009")
        assert "NO SUCH ACCOUNT" in page.panel.banner.text
        page.panel.register.click()
        await form(counter, email=SAM, name="Sam New", zip="32003", password=NEW, again=NEW)
        assert f"{SAM} is signed on" in page.panel.banner.text
        assert calls[-5:] == ["create", "register", "authenticate", "RetrieveCustomerGuid", "accounts"]
        assert user(counter, SAM)["accounts"] == ["MY-20009"]
        # Present and unregistered.
        calls.clear()
        page = await find(counter, "MY-20001")
        assert "NOT REGISTERED" in page.panel.banner.text
        page.panel.register.click()
        await form(counter, email="pat@example.org", password=NEW, again=NEW)
        assert "pat@example.org is signed on" in page.panel.banner.text
        assert "register" in calls and "create" not in calls
        # Registered: only signed on.
        calls.clear()
        counter.till.accounts.leave()
        await counter.till.accounts.register(Customer("MY-20002", "", email=ROBIN), Secret(PASSWORD))
        assert f"{ROBIN} is signed on" in page.panel.banner.text
        assert not {"create", "register"} & set(calls)

    counter.run(scenario)


async def pay(counter: Counter, *, signed_on: str) -> None:
    """F8, the cart, the card; then the receipt."""
    counter.window.pay()
    await until(lambda: counter.window.payment.hosted is not None, "the page")
    assert counter.window.payment.hosted is not None
    payer = Payer(counter.window.payment.hosted)
    await payer.sees("Invoice Cart")
    await payer.press("Pay these invoices")
    if signed_on:
        await payer.sees(f"Signed in as\n{signed_on}")
    await payer.pay_by_typing(VISA)
    await counter.state(PaymentState.APPROVED)
    [payment] = counter.sandbox.payments(counter.reference)
    assert payment["signed_on"] == signed_on


def test_story_unregistered_payment(counter: Counter) -> None:
    """One-time pay: customer and fees are made on the fly, the reader is chosen, nobody is signed on."""

    async def scenario(counter: Counter) -> None:
        counter.till.set_customer(Customer("", "Sam Visitor", zip="32003"))
        counter.till.add_fee("crash-report")
        counter.till.add_fee("fingerprints", 2)
        counter.till.choose_reader("lane-3000")
        counter.window.pay()
        await until(lambda: counter.window.payment.hosted is not None, "the page")
        assert counter.window.payment.hosted is not None
        payer = Payer(counter.window.payment.hosted)
        await payer.press_when_seen("Pay these invoices")
        await payer.sees("TRAINING-LANE-3000")
        await payer.pay_by_chip()
        await counter.state(PaymentState.APPROVED)
        request = json.loads(counter.payment.request)
        assert request["CreateCustomerRecord"] is True
        assert request["EMVDeviceID"] == "TRAINING-LANE-3000" and request["AllowEMV"] is True
        assert "RemoteAuthenticationToken" not in request
        assert {one["TypeID"] for one in request["Customers"][0]["Invoices"]} == {39}
        [payment] = counter.sandbox.payments(counter.reference)
        assert payment["signed_on"] == ""
        counter.paid_once(42_00)

    counter.run(scenario)
    counter.verify()


def test_story_registered_payment(counter: Counter) -> None:
    """Found, signed on, "use for the sale", paid: the payment is the customer's own at Invoice Cloud."""

    async def scenario(counter: Counter) -> None:
        page = await sign_on(counter)
        page.panel.use.click()
        assert counter.window.pages.currentIndex() == SALE
        counter.till.add_fee("vehicle-release")
        await pay(counter, signed_on=ROBIN)
        token = next(iter(counter.sandbox.accounts.sign_ons))
        assert token not in counter.payment.request
        assert json.loads(counter.payment.request)["CreateCustomerRecord"] is True
        counter.paid_once(110_00)
        counter.till.new_sale()
        assert counter.till.accounts.view().signed_on is None, "whose sale it was has gone"

    counter.run(scenario)
    counter.verify()


def test_story_registered_payment_is_retried_with_the_same_bytes(counter: Counter) -> None:
    counter.gateway(answer_seconds=0.5)
    counter.sandbox.set_fault("timeout-after-success", times=1)

    async def scenario(counter: Counter) -> None:
        page = await sign_on(counter)
        page.panel.use.click()
        counter.till.add_fee("false-alarm")
        counter.window.pay()
        await until(lambda: counter.payment_state() is PaymentState.ISSUED, "the payment")
        await until(lambda: not counter.till.snapshot().busy, "the lost answer")
        await pay(counter, signed_on=ROBIN)
        first, second = counter.sandbox.calls()
        assert first["body_sha256"] == second["body_sha256"]
        counter.paid_once(75_00)

    counter.run(scenario)


def test_story_registered_payment_left_unopened_is_given_up_after_a_restart(counter: Counter) -> None:
    counter.sandbox.set_fault("error-500", times=1)

    async def start(counter: Counter) -> None:
        page = await sign_on(counter)
        page.panel.use.click()
        counter.till.add_fee("false-alarm")
        counter.window.pay()
        await until(lambda: counter.payment_state() is PaymentState.ISSUED, "the payment")
        await until(lambda: not counter.till.snapshot().busy, "the lost answer")

    async def restart(counter: Counter) -> None:
        counter.window.try_again()
        await counter.state(PaymentState.ABANDONED)
        assert counter.sandbox.payments() == [] and counter.sandbox.charges() == []

    counter.run(start)
    counter.run(restart)
    counter.verify()


async def sign_on_with_a_card(counter: Counter) -> AccountsPage:
    """A customer who has kept a card at Invoice Cloud."""
    page = await sign_on(counter)
    async with opened(page, AccountPage.PAYMENT_OPTIONS, "Payment Options") as customer:
        await customer.press("Add method")
        await customer.sees("Remove")
    assert user(counter)["methods"] == [CARD]
    return page


def test_story_payment_methods(counter: Counter) -> None:
    async def scenario(counter: Counter) -> None:
        page = await sign_on_with_a_card(counter)
        async with opened(page, AccountPage.PAYMENT_OPTIONS, "Payment Options") as customer:
            await customer.sees(CARD)
            await customer.press("Remove")
            await until(lambda: user(counter)["methods"] == [], "the removal")

    counter.run(scenario)


def test_story_autopay(counter: Counter) -> None:
    async def scenario(counter: Counter) -> None:
        page = await sign_on_with_a_card(counter)
        async with opened(page, AccountPage.AUTOPAY, "AutoPay Settings") as customer:
            await customer.press("Turn AutoPay on")
            await customer.sees(f"AutoPay is on, with {CARD}")
        assert user(counter)["autopay"] == CARD
        # The till hears of it where it matters: AutoPay will collect this invoice.
        lookup = await counter.till.retrieving.look_up(INVOICE)
        assert lookup.candidates[0].invoice.autopay is not None
        async with opened(page, AccountPage.AUTOPAY, "AutoPay Settings") as customer:
            await customer.press("Turn AutoPay off")
            await customer.sees("AutoPay is off")
        lookup = await counter.till.retrieving.look_up(INVOICE)
        assert lookup.candidates[0].invoice.autopay is None

    counter.run(scenario)


def test_story_paperless(counter: Counter) -> None:
    async def scenario(counter: Counter) -> None:
        page = await sign_on(counter)
        async with opened(page, AccountPage.PAPERLESS, "Paperless Settings") as customer:
            await customer.sees("Paperless billing is off")
            await customer.press("Turn paperless on")
            await customer.sees("Paperless billing is on")
        assert user(counter)["is_paperless"] is True

    counter.run(scenario)


def test_story_scheduled_payments(counter: Counter) -> None:
    async def scenario(counter: Counter) -> None:
        page = await sign_on_with_a_card(counter)
        async with opened(page, AccountPage.BILLS, "Recent Bills") as customer:
            await customer.press("Pay when due")
            await until(lambda: user(counter)["scheduled"], "the schedule")
        async with opened(page, AccountPage.SCHEDULED_PAYMENTS, "Scheduled Payments") as customer:
            await customer.sees("12/28/2026")
            await customer.press("Cancel payment")
            await customer.sees("No payment is scheduled")
        assert user(counter)["scheduled"] == []

    counter.run(scenario)


def test_story_email_and_password(counter: Counter) -> None:
    async def scenario(counter: Counter) -> None:
        page = await sign_on(counter)
        page.panel.change_email.click()
        await form(counter, email=SAM, password=PASSWORD)
        assert counter.sandbox.accounts.calls[-5:] == [
            *("email", "password", "authenticate", "RetrieveCustomerGuid", "accounts")
        ]
        assert f"{SAM} is signed on" in page.panel.banner.text and post.message == b""
        # Alex's password is not Invoice Cloud's: a code goes to the stored address first.
        page = await find(counter, "MY-20003")
        page.panel.forgotten.click()
        await form(counter, old=PASSWORD, password=NEW, again=NEW)
        assert "CODE MAILED" in page.panel.banner.text
        letter = email.message_from_bytes(post.message, policy=email.policy.default)
        assert letter["To"] == ALEX and isinstance(letter, email.message.EmailMessage)
        [code] = re.findall(r"^[A-Z2-9]{10}\b", letter.get_content(), re.MULTILINE)
        page.panel.code.setText(code)
        QTest.keyClick(page.panel.code, Qt.Key.Key_Return)
        await until(lambda: not page.panel.code_part.isVisible(), "the change")
        await sign_on(counter, "MY-20003", NEW)

    with server() as post:
        counter.overrides["mail"] = {
            "host": "127.0.0.1",
            "port": post.port,
            "security": "none",
            "sender": "permits@example.org",
        }
        counter.run(scenario)


def test_story_manage_accounts(counter: Counter) -> None:
    async def scenario(counter: Counter) -> None:
        page = await sign_on(counter)
        page.panel.link.click()
        await form(counter, account="MY-20001")
        assert user(counter)["accounts"] == ["MY-20002", "MY-20001"]
        assert page.panel.accounts.count() == 2
        await counter.till.accounts.unregister("MY-20001")
        await counter.till.accounts.unregister("MY-20002")
        assert "It was the only one" in page.panel.banner.text
        assert [one["email"] for one in counter.sandbox.users()] == [ALEX]

    counter.run(scenario)


def test_rehearsing_an_account_is_judged_by_the_journal(counter: Counter) -> None:
    """In training, on the page, against the sandbox: registered, then linked to somebody, twice over."""
    counter.rehearses = True

    async def scenario(counter: Counter) -> None:
        assert counter.rehearsal is not None
        for _ in range(2):  # each time its customers are as at the start
            await counter.rehearsal.begin(Task.REGISTER)
            page = await find(counter, VISITOR.account)
            assert "NOT REGISTERED" in page.panel.banner.text
            page.panel.register.click()
            await form(counter, email=VISITOR.email, password=NEW, again=NEW)
            await counter.rehearsal.begin(Task.LINK)
            page = await sign_on(counter, MEMBER.email, MEMBER.password)
            page.panel.link.click()
            await form(counter, account=VISITOR.account)
        verdicts = counter.rehearsal.view().verdicts
        assert [verdict.case for verdict in verdicts] == [Task.LINK, Task.REGISTER] * 2
        assert all(verdict.is_right for verdict in verdicts)
        assert verdicts[0].text in counter.window.training.bar.case.text()
        assert user(counter, MEMBER.email)["accounts"] == [MEMBER.account, VISITOR.account]

    counter.run(scenario)
    counter.verify()


# -- what must not be ----------------------------------------------------------------------------------------


def test_a_permit_system_without_accounts_says_so(make_counter: Callable[..., Counter]) -> None:
    counter = make_counter()  # Grancius

    async def scenario(counter: Counter) -> None:
        page = page_of(counter)
        assert "This permit system (Grancius (SmartGov)) has no customer accounts" in page.refusal.text()
        assert not page.panel.isVisible()

    counter.run(scenario)


def test_the_sign_on_ends_with_the_lock_and_the_page_with_it(counter: Counter) -> None:
    async def scenario(counter: Counter) -> None:
        page = await sign_on(counter)
        page.panel.pages[AccountPage.BILLS].click()
        assert page.hosted is not None
        await Payer(page.hosted).sees("Signed in as")
        counter.window.presence.lock()
        assert page.hosted is None and counter.till.accounts.view().signed_on is None

    counter.run(scenario)


def texts(widget: QWidget) -> list[str]:
    said = []
    for one in (widget, *widget.findChildren(QWidget)):
        said += [one.accessibleName(), one.toolTip(), one.windowTitle()]
        if isinstance(one, QLabel | QPushButton | QLineEdit):
            said.append(one.text())
        elif isinstance(one, QListWidget):
            said += [one.item(row).text() for row in range(one.count())]
    return said


def test_a2_tokens_and_passwords_are_nowhere(counter: Counter, tmp_path: Path) -> None:
    """Planted, used in every way, with the service repeating them; then looked for in all that is kept."""
    said: list[str] = []
    tokens: list[str] = []

    async def scenario(counter: Counter) -> None:
        page = await sign_on(counter)
        counter.sandbox.set_accounts_fault("echo", 1)
        page.panel.link.click()
        [dialog] = [one for one in counter.window.findChildren(FormDialog) if one.isVisible()]
        dialog.fields["account"].setText("MY-20001")
        dialog.go_on.click()
        await until(lambda: dialog.fault.text(), "the refusal")
        said.append(dialog.fault.text())
        assert "secret removed" in dialog.fault.text()
        dialog.reject()
        page.panel.pages[AccountPage.BILLS].click()
        assert page.hosted is not None
        await Payer(page.hosted).sees("Signed in as")
        page.panel.use.click()
        counter.till.add_fee("false-alarm")
        await pay(counter, signed_on=ROBIN)
        said.extend([repr(counter.till.accounts), repr(counter.till.accounts.view()), *texts(counter.window)])
        tokens.extend(counter.sandbox.accounts.sign_ons)
        counter.till.new_sale()
        counter.window.show_page(ACCOUNTS)
        said.extend(texts(counter.window))
        assert not [text for text in texts(counter.window.accounts) if ROBIN in text]

    counter.run(scenario)
    file = counter.folder / JOURNAL
    for export in (export_entries, export_receipts):
        with (tmp_path / "out.txt").open("w", newline="", encoding="utf-8") as out:
            export(file, out)
        said.append((tmp_path / "out.txt").read_text(encoding="utf-8"))
    kept = b"".join(one.read_bytes() for one in tmp_path.rglob("*") if one.is_file())
    assert b"page_blocked" in kept or b"till_opened" in kept, "the logs are among it"
    assert b"(added when it is sent)" in kept, "the request as it is recorded is among it"
    for secret in (*tokens, PASSWORD):
        assert secret.encode() not in kept
        assert not [text for text in said if secret in text]
    assert len(tokens) == 1
