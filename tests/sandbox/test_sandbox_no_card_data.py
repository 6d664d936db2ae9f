"""No card number typed on the page is in any state, answer, postback, log line or repr afterwards."""

import gc
import logging
import re
from typing import Any

import pytest

from cashier.sandbox.app import create_app
from cashier.sandbox.cards import TEST_ACCOUNT, TEST_CARDS
from cashier.sandbox.config import SandboxConfig
from tests.sandbox.payer import AMEX, DECLINING, MASTERCARD, VISA

from .conftest import Counter

REAL_LOOKING = "4242424242424242"
SECRETS = (*(card.digits for card in TEST_CARDS), REAL_LOOKING, TEST_ACCOUNT, "987")


def texts_below(root: Any) -> list[str]:
    """Every text reachable from `root`, classes and functions left out (they lead to the list itself)."""
    found, seen, queue = [], set(), [root]
    while queue:
        thing = queue.pop()
        if id(thing) in seen or isinstance(thing, type) or callable(thing):
            continue
        seen.add(id(thing))
        if isinstance(thing, str | bytes):
            found.append(thing if isinstance(thing, str) else thing.decode("latin-1"))
        queue += gc.get_referents(thing)
    return found


def use_every_way(counter: Counter) -> list[str]:
    """Pays in every way there is; returns what the pages said after each number was typed."""
    pages = []
    payer = counter.register("grancius", AllowEMV=True)
    for number in (REAL_LOOKING, DECLINING, MASTERCARD, AMEX):
        payer.post("options", method="card")
        pages.append(payer.post("information", card_number=number, security_code="987").text)
    payer.post("options", method="swipe")
    pages.append(payer.post("reader", track=f";{REAL_LOOKING}=3912?").text)
    pages.append(payer.post("reader", track=f"%B{VISA}^EXAMPLE/PAT^3912?").text)
    payer.to_review(DECLINING)
    pages += [payer.process().text, payer.pay(VISA).text]
    account = counter.register()
    pages += [account.to_review_by_account().text, account.process().text]
    counter.wait_all_told()
    return pages


def test_nothing_keeps_a_number(counter: Counter, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.DEBUG)
    pages = use_every_way(counter)
    store = counter.sandbox.store
    kept = texts_below(store)
    assert "XXXXXXXXXXXX1111" in kept, "the walk does not reach the payments"
    answers = [counter.sandbox.control.get(path).text for path in ("/sandbox/payments", "/sandbox/calls")]
    told = [str(form) for form in counter.biller.forms]
    said = [caplog.text, repr(store.payments), repr(store.invoices), repr(counter.sandbox.config)]
    for secret in SECRETS:
        pattern = re.compile(rf"(?<!\d){secret}(?!\d)")
        for text in [*kept, *answers, *told, *said]:
            assert not pattern.search(text), text[:300]
    for page in pages:
        # The list of test cards is printed with spaces; a typed number would come back without.
        assert not any(secret in page for secret in SECRETS if len(secret) > 12 and secret != TEST_ACCOUNT)


def test_keys_are_not_in_a_repr() -> None:
    config = SandboxConfig(api_key="k-api", web_service_key="k-web")
    for text in (repr(config), repr(create_app(config).state._state)):
        assert "k-api" not in text and "k-web" not in text
    assert not any(card.digits in repr(card).replace(" ", "") for card in TEST_CARDS)
