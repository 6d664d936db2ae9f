"""A payer without a browser: walks the hosted page by posting its forms. For tests and headless rehearsal."""

import re
from types import TracebackType
from typing import Self

import httpx

from cashier.sandbox.cards import TEST_ACCOUNT, TEST_CARDS, TEST_ROUTING
from tests.helpers.tls import tls

VISA, MASTERCARD, AMEX, DECLINING = (card.digits for card in TEST_CARDS)


class Payer:
    """One payer at one CloudPaymentURL. Each step returns the page that it leads to, redirects followed."""

    def __init__(self, url: str, timeout_s: float = 15.0) -> None:
        self._base = url.rstrip("/")
        self.client = httpx.Client(verify=tls(), trust_env=False, follow_redirects=True, timeout=timeout_s)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.client.close()

    def open(self) -> httpx.Response:
        """The first page."""
        return self.client.get(self._base)

    def get(self, step: str) -> httpx.Response:
        """Any step, such as `review`."""
        return self.client.get(f"{self._base}/{step}")

    def post(self, step: str, /, **fields: str) -> httpx.Response:
        """Posts a step's form; see the table in `hosted` for its fields."""
        return self.client.post(f"{self._base}/{step}", data=fields)

    def fault(self, name: str) -> httpx.Response:
        """Chooses a training fault in the page's panel; "" for none."""
        return self.post("fault", fault=name, step="options")

    def to_review(self, card: str = VISA, **amounts: str) -> httpx.Response:
        """Chooses the card method, types the card and arrives at the review; `amounts` as `amount-0`…"""
        self.post("options", method="card", **amounts)
        return self.post(
            "information", card_number=card, expiry="12/39", security_code="123", name="Pat Example"
        )

    def to_review_by_account(self) -> httpx.Response:
        """The same by bank account."""
        self.post("options", method="ach")
        return self.post("information", routing_number=TEST_ROUTING, account_number=TEST_ACCOUNT)

    def process(self) -> httpx.Response:
        """Accepts the terms and presses "Process Payment"."""
        return self.post("review", terms="yes")

    def pay(self, card: str = VISA) -> httpx.Response:
        """Everything from the options to the receipt (or the decline)."""
        self.to_review(card)
        return self.process()


def text_of(page: httpx.Response) -> str:
    """A page's words, tags and runs of space left out."""
    return re.sub(r"\s+", " ", re.sub(r"<[^>]*>", " ", page.text)).strip()
