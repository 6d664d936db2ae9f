"""Rehearsals at the sandbox: what each case is to its control API, and the invoices to be retrieved there.

For training sessions only: it talks to nothing but a sandbox on this machine.
"""

import contextlib
import datetime as dt
from collections.abc import AsyncIterator
from urllib.parse import urlsplit

import httpx

from cashier.domain.errors import Refused, Unavailable
from cashier.domain.money import format_cents
from cashier.till.rehearsal import TRAINING_ONLY, Rehearsal
from cashier.till.rehearsal_cases import Case
from cashier.till.till import Till
from cashier.till.trainees import INVOICES, TrainingInvoice

TIMEOUT_S = 10.0
_HERE = frozenset({"127.0.0.1", "::1", "localhost"})
#: Enquiries say unpaid for so long after the charge. The till asks 0, 5 and 15 seconds after the page's
#: return, so that a doubt is to be seen and ends soon.
_DOUBT_MS, _LONG_DOUBT_MS = 12_000, 30_000
_STALE = "enquiry-stale"

#: What the next payment meets; see the sandbox's table of /sandbox/next.
PLANS: dict[Case, dict[str, object]] = {
    Case.DECLINE: {"fault": "decline"},
    Case.HANG: {
        "fault": "timeout-after-success",
        "late_ms": 20_000,
        "enquiry_fault": _STALE,
        "enquiry_ms": _LONG_DOUBT_MS,
    },
    Case.SILENCE: {"fault": "no-postback", "enquiry_fault": _STALE, "enquiry_ms": _DOUBT_MS},
    Case.TWICE: {"fault": "double-postback"},
    Case.LATE: {"late_ms": 4_000, "enquiry_fault": _STALE, "enquiry_ms": _DOUBT_MS},
    Case.VERY_LATE: {"late_ms": 20_000, "enquiry_fault": _STALE, "enquiry_ms": _LONG_DOUBT_MS},
    Case.CLOSED: {"fault": "close-then-charge"},
    Case.AMOUNT: {"fault": "wrong-amount"},
    Case.DOUBLE: {"fault": "double-charge"},
}


class SandboxControl:
    """The StandIn port over the sandbox's control API. Raises Refused for an address of another machine."""

    def __init__(self, base_url: str) -> None:
        parts = urlsplit(base_url)
        if parts.scheme != "http" or parts.hostname not in _HERE:
            raise Refused(TRAINING_ONLY)
        self._client = httpx.AsyncClient(base_url=base_url, trust_env=False, timeout=TIMEOUT_S)

    async def close(self) -> None:
        """Close the line to it."""
        await self._client.aclose()

    async def arm(self, case: Case | None) -> None:
        """See the port."""
        await self._post("/sandbox/next", PLANS[case] if case else {})

    async def drop_line(self, *, down: bool) -> None:
        """See the port."""
        await self._post("/sandbox/line", {"down": down})

    async def restore_customers(self) -> None:
        """See the port."""
        await self._post("/sandbox/customers/restore", {})

    async def _post(self, path: str, members: dict[str, object]) -> None:
        try:
            (await self._client.post(path, json=members)).raise_for_status()
        except httpx.HTTPError as error:
            raise Unavailable(
                "The stand-in for Invoice Cloud does not answer. Nothing has changed; start training anew."
            ) from error


@contextlib.asynccontextmanager
async def rehearsing(till: Till, base_url: str) -> AsyncIterator[Rehearsal]:
    """Rehearsals of a training till with the sandbox at an address, for as long as the block lasts."""
    control = SandboxControl(base_url)
    try:
        yield Rehearsal(till, control)
    finally:
        await control.close()


def seed(base_url: str, today: dt.date) -> None:
    """Put the training invoices into a sandbox. Raises Unavailable when it does not take them."""
    try:
        with httpx.Client(base_url=base_url, trust_env=False, timeout=TIMEOUT_S) as client:
            for invoice in INVOICES:
                client.post("/sandbox/invoices", json=_members(invoice, today)).raise_for_status()
    except httpx.HTTPError as error:
        raise Unavailable("The training invoices could not be put into the sandbox.") from error


def _members(invoice: TrainingInvoice, today: dt.date) -> dict[str, object]:
    def day(days: int | None) -> str:
        return "" if days is None else (today + dt.timedelta(days=days)).isoformat()

    return {
        "number": invoice.number,
        "type_id": invoice.number.rpartition("-")[2],
        "total": format_cents(invoice.total_cents),
        "paid": format_cents(invoice.paid_cents),
        "minimum": "" if invoice.minimum_cents is None else format_cents(invoice.minimum_cents),
        "allow_partial": invoice.minimum_cents is not None,
        "date": day(-16),
        "due_date": day(invoice.due_in_days),
        "autopay": day(invoice.autopay_in_days),
        "account": invoice.account,
        "name": invoice.payer,
        "address": "7 Sample Lane",
        "city": "Sampletown",
        "state": "FL",
        "zip": "32003",
    }
