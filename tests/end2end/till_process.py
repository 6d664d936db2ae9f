"""The till as a process of its own, behind its real window, driven by one of the scenarios below.

    python -m tests.end2end.till_process PLAN

PLAN is a JSON file: `table`, the settings; `secrets`; `scenario`, the name of one. What happens is printed,
one line each, a word first. An error of the till ends it with 2 and its words on standard error. The
environment is the tests' own, cleaned already.
"""

import asyncio
import json
import sys
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from pathlib import Path

from cashier import paths
from cashier.bootstrap import open_till, view_maker
from cashier.domain.errors import CashierError
from cashier.domain.payment import PaymentState
from cashier.domain.sale import Customer, Permit
from cashier.secrets import Secrets
from cashier.settings import check
from cashier.till.till import Till
from cashier.till.trainees import SUPERVISOR
from cashier.training import begin
from cashier.ui.app import Opened, run
from cashier.ui.payer import Payer, until
from cashier.ui.window import MainWindow

#: As people write it, too.
CARD = "4111111111111111"
CARDS = (CARD, "4111 1111 1111 1111", "4111-1111-1111-1111")


def say(*words: object) -> None:
    print(*words, flush=True)


def fill(till: Till, **changes: str) -> None:
    """A sale of one fee."""
    permit = Permit("BLD-26-000012", changes.pop("description", "Re-roof"))
    customer = {"account_number": "BU7-00042", "name": "Robin Example", "zip": "32003"} | changes
    till.set_customer(Customer(**customer))
    till.set_permit(permit)
    if till.snapshot().draft.total_cents == 0:
        till.add_fee("re-roof-shingle")


async def open_page(window: MainWindow, opened: Opened) -> Payer:
    """Press the card key and wait for the page."""
    await until(lambda: opened.till.snapshot().line.value == "online", "hub and gateway")
    window.pay()
    await until(lambda: window.payment.hosted is not None, "the page")
    assert window.payment.hosted is not None
    return Payer(window.payment.hosted)


async def pay(window: MainWindow, opened: Opened) -> None:
    """A card is charged; then wait to be killed."""
    fill(opened.till)
    payer = await open_page(window, opened)
    await payer.pay_by_typing(CARD)
    await payer.sees("Thank you for your payment")
    say("charged", opened.till.current_reference)
    await asyncio.Event().wait()


async def card_numbers(window: MainWindow, opened: Opened) -> None:
    """A card number goes in wherever words can be typed; everything that can be printed is printed.

    An account's and a permit's number are no words: they may be long numbers of the permit system's own.
    """
    till = opened.till
    for number in CARDS:
        for place in ("name", "address", "city", "email"):
            await _refused(opened, **{place: number})
        await _refused(opened, description=f"Re-roof {number}")
    fill(till)
    payer = await open_page(window, opened)
    await payer.pay_by_typing(CARD)
    await until(lambda: till.snapshot().receipt is not None, "the receipt")
    till.new_sale()
    fill(till, account_number="BU7-00043")
    payer = await open_page(window, opened)
    say("open", till.current_reference)
    await until(lambda: _state(till) is PaymentState.IN_DOUBT, "the postbacks that do not fit")
    for number in CARDS:
        for text in ({"authorisation": number}, {"reason": f"the portal shows {number}"}):
            words = {"authorisation": "727634", "reason": "seen in the portal", **text}
            try:
                await till.desk.vouch(
                    till.current_reference or "", **words, supervisor=SUPERVISOR.name, pin=SUPERVISOR.pin
                )
            except CashierError as error:
                say("refused", repr(error), error)
            else:
                raise AssertionError("a card number was taken for an authorisation")
    window.payment.stop.click()
    await till.desk.refresh()
    say(
        "shown",
        repr(till.snapshot()),
        repr(till.desk.view()),
        repr(till.payment(till.current_reference or "")),
    )
    say("done", "")
    await asyncio.Event().wait()


async def _refused(opened: Opened, **changes: str) -> None:
    """Such a sale is not taken."""
    await until(lambda: opened.till.snapshot().line.value == "online", "hub and gateway")
    try:
        fill(opened.till, **changes)
        await opened.till.pay_by_card()
    except CashierError as error:
        say("refused", repr(error), error)
    else:
        raise AssertionError(f"a card number was taken in {changes}")


def _state(till: Till) -> PaymentState | None:
    payment = till.snapshot().payment
    return payment.state if payment else None


SCENARIOS: dict[str, Callable[[MainWindow, Opened], Awaitable[None]]] = {
    "pay": pay,
    "card_numbers": card_numbers,
}


def main(file: Path) -> int:
    """Run one plan."""
    plan = json.loads(file.read_text())

    @asynccontextmanager
    async def open_it() -> AsyncIterator[Opened]:
        settings = check(plan["table"], "plan", environment=False)
        secrets = Secrets(settings.site, settings.till, plan["secrets"])
        async with open_till(settings, secrets) as till:
            await begin(till)
            yield Opened(till, view_maker(settings))

    try:
        return run(open_it, paths.resources(), training=True, drive=SCENARIOS[plan["scenario"]])
    except CashierError as error:
        print(error.user_text, file=sys.stderr)
        return 2


if __name__ == "__main__":
    sys.exit(main(Path(sys.argv[1])))
