"""The hosted payment page: real HTML forms, a page a step, all of it drivable without JavaScript.

`GET /cloudpay/{token}` leads to the right step. The steps and their form fields (all url-encoded posts):

| path          | posts                                                                              |
|---------------|------------------------------------------------------------------------------------|
| /cart         | `go`, or `remove` = invoice number where AllowRemove                                |
| /options      | `method` = card, ach, emv, swipe; `amount-<n>` per invoice with a partial payment   |
| /information  | card: `card_number expiry security_code name zip`;                                  |
|               | ach: `routing_number account_number account_type name`                              |
| /reader       | `present` = insert, tap or swipe with `card` = 0… of the list; or `track` (a typed  |
|               | stripe); then `removed`                                                             |
| /review       | `terms` = yes; processes the payment                                                |
| /receipt /declined /closed /crash | shown only                                                      |
| /fault        | `fault`, `enquiry` = a fault's name or empty; `step` to return to                   |

Fields that the sandbox has no use for (security code, expiry, zip) are read by nobody. A refused form answers
200 with the reason, as the real page does; fields that may hold card data are never filled in again.
"""

import asyncio
import contextlib
import re
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any

from jinja2 import Environment, FileSystemLoader, StrictUndefined
from starlette.requests import Request
from starlette.responses import HTMLResponse, RedirectResponse, Response
from starlette.routing import BaseRoute, Mount, Route
from starlette.staticfiles import StaticFiles

from cashier.sandbox import cards
from cashier.sandbox.cards import CardRefused, Entry
from cashier.sandbox.config import ENQUIRY_TEXTS, FAULT_TEXTS, Fault, SandboxConfig
from cashier.sandbox.postback import Postbacks
from cashier.sandbox.state import Payment, Store
from cashier.sandbox.web import pause, read_form, until_gone

PAGES = Path(__file__).with_name("pages")

#: Nothing from elsewhere, no inline script. The return link is a link, so it needs no entry here.
CONTENT_POLICY = (
    "default-src 'none'; style-src 'self'; script-src 'self'; img-src 'self' data:; form-action 'self'; "
    "base-uri 'none'"
)
#: The steps that may be looked at once the payment is paid.
AFTER_PAYMENT = frozenset({"receipt", "closed", "crash"})
#: Where the fault panel may return to.
STEPS = frozenset({"cart", "options", "information", "reader", "review", "declined", "receipt"})

METHOD_TEXTS = {
    Entry.CARD: "Credit or debit card",
    Entry.ACH: "Bank account (electronic check)",
    Entry.EMV: "Card reader: insert or tap",
    Entry.SWIPE: "Card reader: swipe",
}

Act = Callable[[Request, Payment, dict[str, str]], Awaitable[Response]]
Show = Callable[[Payment], Response]


def dollars(cents: int) -> str:
    """`$1,234.50`"""
    return f"${cents // 100:,}.{cents % 100:02d}"


def parse_amount(typed: str) -> int | None:
    """Cents of what a payer typed: `1,234.5`, `$40`; None when it is not an amount."""
    match = re.fullmatch(r"\$?\s*(\d{1,7})(?:\.(\d{1,2}))?", typed.strip().replace(",", ""), re.ASCII)
    return int(match[1]) * 100 + int((match[2] or "").ljust(2, "0")) if match else None


class HostedPages:
    """The pages of all payments of one store."""

    def __init__(
        self, config: SandboxConfig, store: Store, postbacks: Postbacks, closing: asyncio.Event
    ) -> None:
        self._config = config
        self._store = store
        self._postbacks = postbacks
        self._closing = closing
        self._templates = Environment(
            loader=FileSystemLoader(PAGES), autoescape=True, undefined=StrictUndefined, trim_blocks=True
        )
        self._templates.filters["dollars"] = dollars

    def routes(self) -> list[BaseRoute]:
        """All routes under /cloudpay."""
        return [
            Mount("/cloudpay/static", StaticFiles(directory=PAGES / "static")),
            self._step("", self._enter),
            self._step("cart", self._show_cart, self._act_cart),
            self._step("options", self._show_options, self._act_options),
            self._step("information", self._show_information, self._act_information),
            self._step("reader", self._show_reader, self._act_reader),
            self._step("review", self._show_review, self._act_review),
            self._step("receipt", self._show_receipt),
            self._step("declined", self._show_declined),
            self._step("closed", lambda payment: self._page("closed", payment)),
            self._step("crash", lambda payment: self._page("crash", payment)),
            self._step("fault", self._enter, self._act_fault),
        ]

    def index(self) -> Response:
        """The front page: what has been registered, newest first."""
        return self._render("index", payment=None, payments=list(reversed(self._store.payments.values())))

    def message(self, status: int, title: str, text: str) -> Response:
        """A page without a payment."""
        return self._render("message", status, payment=None, title=title, text=text)

    def render(self, page: str, status: int = 200, /, **context: Any) -> Response:
        """A page of another room of the sandbox, in the same dress."""
        return self._render(page, status, **context)

    def _step(self, step: str, show: Show, act: Act | None = None) -> Route:
        async def endpoint(request: Request) -> Response:
            payment = self._store.payments.get(request.path_params["token"])
            if payment is None:
                return self.message(404, "Payment not found", "This link does not lead to a payment.")
            if payment.approved and step not in AFTER_PAYMENT:
                return self._go(payment, "receipt")
            if act is None or request.method != "POST":
                return show(payment)
            try:
                form = await read_form(request)
            except ValueError:
                return self.message(400, "Form not understood", "The form has too many fields.")
            return await act(request, payment, form)

        path = f"/cloudpay/{{token}}/{step}" if step else "/cloudpay/{token}"
        return Route(path, endpoint, methods=["GET", "POST"] if act else ["GET"])

    def _render(self, page: str, status: int = 200, /, **context: Any) -> Response:
        html = self._templates.get_template(f"{page}.html").render(
            config=self._config, faults=FAULT_TEXTS, enquiry_faults=ENQUIRY_TEXTS, cards=cards, **context
        )
        headers = {"Cache-Control": "no-store", "Content-Security-Policy": CONTENT_POLICY}
        return HTMLResponse(html, status, headers=headers)

    def _page(self, step: str, payment: Payment, error: str = "", **context: Any) -> Response:
        site = payment.request.site_name or self._config.biller_name
        entry = payment.tender.entry if payment.tender else payment.entry
        return self._render(
            step,
            payment=payment,
            request=payment.request,
            base=f"/cloudpay/{payment.token}",
            step=step,
            site=site,
            entry=entry,
            fee_cents=self._store.fee_cents(payment, entry) if entry else None,
            error=error,
            **context,
        )

    def _go(self, payment: Payment, step: str) -> Response:
        path = f"/cloudpay/{payment.token}/{step}"
        return RedirectResponse(path, 303, headers={"Cache-Control": "no-store"})

    def _enter(self, payment: Payment) -> Response:
        return self._go(payment, "cart" if payment.request.opens_on_cart else "options")

    # --- cart

    def _show_cart(self, payment: Payment, error: str = "") -> Response:
        return self._page("cart", payment, error)

    async def _act_cart(self, _request: Request, payment: Payment, form: dict[str, str]) -> Response:
        number = form.get("remove")
        if number is None:
            return self._go(payment, "options")
        if not payment.request.allow_remove or len(payment.amounts) < 2 or number not in payment.amounts:
            return self._show_cart(payment, "This invoice cannot be removed.")
        del payment.amounts[number]
        payment.tender = None
        return self._go(payment, "cart")

    # --- payment options

    def _methods(self, payment: Payment) -> list[Entry]:
        request = payment.request
        allowed = {
            Entry.EMV: request.allow_emv,
            Entry.SWIPE: request.allow_swipe,
            Entry.CARD: request.allow_card,
            Entry.ACH: request.allow_ach,
        }
        return [entry for entry, on in allowed.items() if on]

    def _show_options(self, payment: Payment, error: str = "") -> Response:
        methods = [
            (entry, METHOD_TEXTS[entry], self._store.fee_cents(payment, entry))
            for entry in self._methods(payment)
        ]
        chosen = payment.entry if payment.entry in self._methods(payment) else methods[0][0]
        return self._page("options", payment, error, methods=methods, chosen=chosen)

    async def _act_options(self, _request: Request, payment: Payment, form: dict[str, str]) -> Response:
        amounts = dict(payment.amounts)
        for n, invoice in enumerate(payment.request.invoices):
            typed = form.get(f"amount-{n}")
            if typed is None or invoice.number not in amounts or not invoice.allow_partial:
                continue
            cents = parse_amount(typed)
            if cents is None or not invoice.least_cents <= cents <= invoice.balance_cents:
                return self._show_options(
                    payment,
                    f"Invoice {invoice.number}: enter an amount from {dollars(invoice.least_cents)} "
                    f"to {dollars(invoice.balance_cents)}.",
                )
            amounts[invoice.number] = cents
        method = form.get("method", "")
        if method not in self._methods(payment):
            return self._show_options(payment, "Choose how you want to pay.")
        payment.amounts = amounts
        payment.entry, payment.tender = Entry(method), None
        by_reader = payment.entry in (Entry.EMV, Entry.SWIPE)
        return self._go(payment, "reader" if by_reader else "information")

    # --- payment information: typed, or from the reader

    def _show_information(self, payment: Payment, error: str = "") -> Response:
        if payment.entry not in (Entry.CARD, Entry.ACH):
            return self._go(payment, "options")
        return self._page("information", payment, error)

    async def _act_information(self, _request: Request, payment: Payment, form: dict[str, str]) -> Response:
        try:
            if payment.entry is Entry.CARD:
                payment.tender = cards.tender_of_card(form.get("card_number", ""))
            elif payment.entry is Entry.ACH:
                payment.tender = cards.tender_of_account(
                    form.get("routing_number", ""), form.get("account_number", "")
                )
        except CardRefused as refusal:
            return self._show_information(payment, str(refusal))
        return self._go(payment, "review" if payment.tender else "options")

    def _show_reader(self, payment: Payment, error: str = "") -> Response:
        if payment.entry not in (Entry.EMV, Entry.SWIPE):
            return self._go(payment, "options")
        device = payment.request.emv_device or "the card reader"
        return self._page("reader", payment, error, device=device)

    async def _act_reader(self, _request: Request, payment: Payment, form: dict[str, str]) -> Response:
        if payment.entry not in (Entry.EMV, Entry.SWIPE):
            return self._go(payment, "options")
        if "removed" in form:
            return self._go(payment, "review" if payment.tender else "reader")
        try:
            if payment.entry is Entry.SWIPE and "track" in form:
                payment.tender = cards.tender_of_track(form["track"])
            else:
                payment.tender = self._present(payment.entry, form)
        except CardRefused as refusal:
            return self._show_reader(payment, str(refusal))
        # A tapped or swiped card is already back in the payer's hand; an inserted one has to come out.
        return self._go(payment, "reader" if form.get("present") == "insert" else "review")

    def _present(self, entry: Entry, form: dict[str, str]) -> cards.Tender:
        ways = ("insert", "tap") if entry is Entry.EMV else ("swipe",)
        number = form.get("card", "0")
        if form.get("present") not in ways or number not in map(str, range(len(cards.TEST_CARDS))):
            raise CardRefused("The reader did not read a card. Try again.")
        return cards.tender_of_card(cards.TEST_CARDS[int(number)].digits, entry)

    # --- review and processing

    def _show_review(self, payment: Payment, error: str = "") -> Response:
        if payment.tender is None:
            return self._go(payment, "options")
        return self._page("review", payment, error)

    async def _act_review(self, request: Request, payment: Payment, form: dict[str, str]) -> Response:
        if payment.tender is None:
            return self._go(payment, "options")
        if form.get("terms") != "yes":
            return self._show_review(payment, "Please accept the terms and conditions to continue.")
        if payment.fault is Fault.SLOW:
            await pause(self._config.slow_s, self._closing)
        if payment.fault is Fault.ERROR_500:
            return self.message(500, "Something went wrong", "The payment was not processed.")
        if payment.fault is Fault.CLOSE_THEN_CHARGE:
            payment.is_processing = True
            await self._until_closed(request)
            payment.is_processing = False
        # From here to the recorded charge nothing awaits: a second press finds it paid or without a card.
        tender = payment.tender
        if payment.approved or tender is None:
            return self._enter_again(payment)
        if number := self._store.paid_elsewhere(payment):
            return self._show_review(payment, f"Invoice {number} has already been paid. Nothing was charged.")
        charge = self._store.charge(
            payment,
            tender,
            declined=tender.declines or payment.fault is Fault.DECLINE,
            remote_ip=request.client.host if request.client else "",
        )
        telling = self._postbacks.send(payment, charge)
        if charge.approved and payment.fault is Fault.DOUBLE_CHARGE:
            again = self._store.charge(payment, tender, declined=False, remote_ip=charge.remote_ip)
            self._postbacks.send(payment, again)
        if payment.fault is Fault.POSTBACK_BEFORE_PAGE and telling:
            await asyncio.wait([telling])
        return await self._after_charge(request, payment)

    async def _until_closed(self, request: Request) -> None:
        """Until nobody waits for the answer any more, and a little longer."""
        with contextlib.suppress(TimeoutError):
            await asyncio.wait_for(until_gone(request, self._closing), self._config.close_wait_s)
        await pause(self._config.after_close_s, self._closing)

    def _enter_again(self, payment: Payment) -> Response:
        return self._go(payment, "receipt" if payment.approved else "declined")

    async def _after_charge(self, request: Request, payment: Payment) -> Response:
        """The page that follows a charge, or what a fault puts in its place once money has moved."""
        if payment.approved and payment.fault is Fault.GARBAGE_JSON:
            return Response('{"Data": {"Receipt": "<<<', media_type="application/json")
        if payment.approved and payment.fault is Fault.TIMEOUT_AFTER_SUCCESS:
            await until_gone(request, self._closing)
            return Response(status_code=503)
        if payment.approved and payment.fault is Fault.RENDERER_CRASH:
            return self._go(payment, "crash")
        return self._enter_again(payment)

    # --- the ends

    def _show_receipt(self, payment: Payment) -> Response:
        if payment.approved is None:
            return self._enter(payment)
        return self._page("receipt", payment, charge=payment.approved)

    def _show_declined(self, payment: Payment) -> Response:
        if payment.state != "declined":
            return self._enter(payment)
        return self._page("declined", payment, charge=payment.charges[-1])

    # --- the training panel

    async def _act_fault(self, _request: Request, payment: Payment, form: dict[str, str]) -> Response:
        fault, enquiry = form.get("fault") or None, form.get("enquiry") or None
        if fault not in (None, *FAULT_TEXTS) or enquiry not in (None, *ENQUIRY_TEXTS):
            return self.message(400, "Unknown fault", "There is no training fault of this name.")
        payment.fault = Fault(fault) if fault else None
        if "enquiry" in form:
            payment.enquiry_fault = Fault(enquiry) if enquiry else None
        step = form.get("step", "")
        return self._go(payment, step) if step in STEPS else self._enter(payment)
