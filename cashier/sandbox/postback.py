"""Telling the biller: the postback of 18 parameters (Invoice Cloud contract, section 3), with its faults.

A postback is sent while the page is being answered, tried again with a growing pause until the answer is 2xx,
and given up after the configured number of tries. Nothing signs it, as with the real service.
"""

import asyncio
import ssl
from functools import cache
from urllib.parse import urlencode, urlsplit, urlunsplit

import httpx

from cashier.sandbox.config import Fault, SandboxConfig
from cashier.sandbox.state import Charge, Payment, Postback

#: Our reading of PaymentTypeID: the contract names the parameter and not its values.
CARD_TYPE_ID, ACH_TYPE_ID = "1", "2"


@cache
def tls() -> ssl.SSLContext:
    """What the clients of sandboxes trust, read once for all: it takes 20 ms."""
    return httpx.create_ssl_context()


def amount(cents: int) -> str:
    """`48.00`"""
    return f"{cents // 100}.{cents % 100:02d}"


def parameters(payment: Payment, charge: Charge, config: SandboxConfig) -> list[dict[str, str]]:
    """The parameters of each postback that tells `charge`, as the payment's fault distorts them.

    One postback per invoice with the same PaymentGUID and the fee on the first, or one for all with the
    numbers joined by commas, as configured.
    """
    request = payment.request
    told = list(charge.allocations.items())
    if config.postback_per == "payment":
        told = [(",".join(charge.allocations), charge.amount_cents)]
    approved = "True" if charge.approved else "False"
    reference = request.reference
    short = 0
    if payment.fault is Fault.APPROVED_MAYBE:
        approved = "maybe"
    elif payment.fault is Fault.WRONG_REFERENCE:
        reference = f"{reference}-WRONG"
    elif payment.fault is Fault.WRONG_AMOUNT:
        short = 1
    description = {invoice.number: invoice.description for invoice in request.invoices}
    at = charge.at
    return [
        {
            "BillerGUID": config.biller_guid,
            "PaymentDate": f"{at.month}/{at.day}/{at.year} {at:%I:%M:%S %p}",
            "InvoiceNumber": number,
            "Approved": approved,
            "CustomerName": request.customer.name,
            "CustomerAddress": request.customer.address,
            "CustomerCity": request.customer.city,
            "CustomerState": request.customer.state,
            "CustomerZip": request.customer.zip,
            "PaymentGUID": charge.payment_guid,
            "PaymentAmount": amount(cents - short),
            "PaymentDescription": description.get(number, "Payment of several invoices"),
            "PaymentTypeID": CARD_TYPE_ID if charge.tender.entry.by_card else ACH_TYPE_ID,
            "CardType": charge.tender.brand,
            "PaymentMessage": charge.message,
            "BillerReference": reference,
            "ConvenienceFee": amount(charge.fee_cents if n == 0 else 0),
            "RemoteIP": charge.remote_ip,
        }
        for n, (number, cents) in enumerate(told)
    ]


class Postbacks:
    """Sends postbacks in the background of one server. `open` and `close` frame its life."""

    def __init__(self, config: SandboxConfig) -> None:
        self._config = config
        self._client: httpx.AsyncClient | None = None
        self._tasks: set[asyncio.Task[None]] = set()
        self._held: set[asyncio.Event] = set()

    async def open(self) -> None:
        """Makes the one client. It ignores proxy variables: postbacks go to this machine."""
        self._client = httpx.AsyncClient(
            verify=tls(), trust_env=False, timeout=self._config.postback_timeout_s
        )

    async def close(self) -> None:
        """Drops what is not sent yet and closes the client."""
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        if self._client:
            await self._client.aclose()

    def release_late(self) -> int:
        """Lets every held postback go now; returns how many payments that were."""
        held = len(self._held)
        for event in self._held:
            event.set()
        self._held.clear()
        return held

    def send(self, payment: Payment, charge: Charge) -> "asyncio.Task[None] | None":
        """Starts telling `charge`; None when nothing is to be told."""
        if not payment.request.postback_url or payment.fault is Fault.NO_POSTBACK:
            return None
        postbacks = [Postback(params) for params in parameters(payment, charge, self._config)]
        if payment.fault is Fault.DOUBLE_POSTBACK:
            postbacks += [Postback(dict(postback.parameters)) for postback in postbacks]
        late: asyncio.Event | None = None
        late_s = self._config.late_s if payment.late_s is None else payment.late_s
        if payment.fault is Fault.LATE_POSTBACK or payment.late_s is not None:
            late = asyncio.Event()
            self._held.add(late)
            for postback in postbacks:
                postback.state = "held"
        payment.postbacks += postbacks
        work = self._deliver_all(payment.request.postback_url, postbacks, late, late_s)
        task = asyncio.create_task(work)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)
        return task

    async def _deliver_all(
        self, url: str, postbacks: list[Postback], late: asyncio.Event | None, late_s: float | None
    ) -> None:
        if late:
            try:
                await asyncio.wait_for(late.wait(), late_s)
            except TimeoutError:
                self._held.discard(late)
        for postback in postbacks:
            await self._deliver(url, postback)

    async def _deliver(self, url: str, postback: Postback) -> None:
        postback.state = "waiting"
        pause = self._config.postback_backoff_s
        for left in range(self._config.postback_retries, -1, -1):
            outcome, taken = await self._try(url, postback.parameters)
            postback.tries.append(outcome)
            if taken:
                postback.state = "delivered"
                return
            if left:
                await asyncio.sleep(pause)
                pause *= 2
        postback.state = "given up"

    async def _try(self, url: str, params: dict[str, str]) -> tuple[str, bool]:
        """One POST: what to note down about it, and whether the other side took it."""
        assert self._client is not None, "open() comes first"
        in_query = self._config.postback_in in ("query", "both")
        in_form = self._config.postback_in in ("form", "both")
        try:
            response = await self._client.post(
                _with_query(url, params) if in_query else url, data=params if in_form else None
            )
        except (httpx.HTTPError, httpx.InvalidURL) as error:
            return type(error).__name__, False
        return str(response.status_code), response.is_success


def _with_query(url: str, params: dict[str, str]) -> str:
    """`url` with `params` after the query it already has, whose own bytes stay as they are."""
    parts = urlsplit(url)
    query = "&".join(filter(None, [parts.query, urlencode(params)]))
    return urlunsplit(parts._replace(query=query, fragment=""))
