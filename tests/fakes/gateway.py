"""A gateway in memory: the port's promises, with switches for what can go wrong."""

import asyncio
import json
from collections.abc import Callable
from dataclasses import asdict, replace

from cashier.domain.errors import CashierError, Unavailable
from cashier.domain.money import format_cents
from cashier.domain.sale import Sale
from cashier.till.ports import CounterExtras, Portal

PAGE = "https://pay.example.org/page"


class FakeGateway:
    """Registers everything. `errors` are raised by the next launches, one each; `held` makes them wait.

    `looked` is called at the moment of each launch: a test sees there what the journal knew by then.
    """

    def __init__(self) -> None:
        self.launched: list[tuple[str, str]] = []
        #: The token of each launch, None for a one-time payer's.
        self.tokens: list[str | None] = []
        self.extras: list[CounterExtras] = []
        self.errors: list[CashierError] = []
        self.held: asyncio.Event | None = None
        self.unreached: Unavailable | None = None
        self.looked: Callable[[], object] = lambda: None

    def number_invoices(self, sale: Sale, fallback_stem: str) -> Sale:
        """See the port: the rule of a profile without one."""
        invoices = (
            invoice if invoice.number else replace(invoice, number=f"{fallback_stem}-{invoice.type_id}")
            for invoice in sale.invoices
        )
        return replace(sale, invoices=tuple(invoices))

    def emv_refusal(self, sale: Sale) -> str | None:
        """See the port: external charge codes mean no chip reader."""
        coded = any(fee.external_charge_code for fee in sale.fees)
        return "The chip reader cannot be used for this sale." if coded else None

    def request(self, sale: Sale, extras: CounterExtras | None) -> str:
        """See the port. The text says all there is, so that any difference shows in it."""
        assert extras is not None, "a counter always has something to add"
        self.extras.append(extras)
        invoices = [
            [invoice.number, format_cents(invoice.total_cents), invoice.minimum_due_cents]
            for invoice in sale.invoices
        ]
        return json.dumps({"invoices": invoices, "payer": sale.customer.name, **asdict(extras)})

    def portal(self, sale: Sale, fallback: str | None) -> Portal | None:
        """See the port: no portal reads the reference."""
        url = sale.postback_url or fallback
        return Portal(url) if url else None

    async def reach(self) -> None:
        """See the port."""
        await asyncio.sleep(0)
        if self.unreached is not None:
            raise self.unreached

    async def launch(self, request: str, biller: str, token: str | None = None) -> str:
        """See the port."""
        self.looked()
        self.tokens.append(token)
        self.launched.append((request, biller))
        if self.held is not None:
            await self.held.wait()
        if self.errors:
            raise self.errors.pop(0)
        return f"{PAGE}/{len(self.launched)}"
