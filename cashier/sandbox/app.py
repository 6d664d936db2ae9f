"""The sandbox as one Starlette application.

Invoice Cloud's side of the contract:

| path                                             | what                                                 |
|--------------------------------------------------|------------------------------------------------------|
| POST /cloudpaymentsapi/v2                        | CPV2: registers a payment, answers its page's URL    |
| /cloudpay/{token}…                               | the hosted page (see `hosted`)                       |
| POST /portal/webservices/CloudInvoicing.asmx     | status enquiry (see `soap`)                          |
| POST /portal/webservices/CloudManagement.asmx    | customer enquiry                                     |
| GET /api/v1/biller/status                        | whether the API key works                            |
| POST /api/v1/remoteauth/…, /api/v1/customer/…,   | single sign-on and the customer's own pages (see     |
| GET /portal/sso/connect, /portal/account/…       | `sso`)                                               |

The control API, for tests and trainers (JSON, no key, not part of the contract):

| path                                | what                                                              |
|-------------------------------------|-------------------------------------------------------------------|
| GET /sandbox/payments[?reference=R] | `{"payments": […]}`: token, reference, invoices, amount_cents     |
|                                     | (registered), chosen_cents (after a partial choice), state        |
|                                     | (open, declined, paid), processing (close-then-charge: pressed),  |
|                                     | fault, enquiry_fault, attempts,                                   |
|                                     | cpv2_calls, charges and declines (payment_guid, amount_cents,     |
|                                     | fee_cents, invoices, message, method, brand, masked), postbacks   |
|                                     | (parameters, state waiting, held, delivered or given up, tries)   |
| GET /sandbox/calls                  | `{"calls": […]}`: every CPV2 call with outcome and body_sha256    |
| GET /sandbox/charges                | `{"charges": […]}`: all money taken, in order: at, token,         |
|                                     | reference, invoices (number to cents), amount_cents, fee_cents,   |
|                                     | payment_guid                                                      |
| GET, POST /sandbox/fault            | default fault: `{"fault": name or null, "times": n or null}`;     |
|                                     | `times` is for how many CPV2 calls it lasts                       |
| GET, POST /sandbox/enquiry-fault    | the same for enquiries; GET tells how many came, as `enquiries`   |
| GET, POST /sandbox/next             | what the next payment to be registered meets, and no other:       |
|                                     | `{"fault", "enquiry_fault", "enquiry_ms", "late_ms"}`: how long    |
|                                     | after the charge enquiries go wrong, how late postbacks are; `{}` |
|                                     | plans nothing. GET: `{"next": … or null}`                         |
| GET, POST /sandbox/line             | `{"down": true}`: drops what comes, unread, but for this API      |
| POST /sandbox/payments/{token}/fault| fault of one payment: `{"fault": name or null}`                   |
| POST …/{token}/enquiry-fault        | the same for enquiries about its invoices                         |
| POST /sandbox/invoices              | an invoice that nobody has launched: number, total, paid, minimum |
|                                     | ("145.50"), allow_partial, date, due_date, autopay ("2026-02-03"),|
|                                     | type_id, and its customer as below; again: in its place           |
| POST /sandbox/customers             | a customer record: account, name, address, city, state, zip, email|
| GET, POST /sandbox/users            | who has registered; a customer as above with a password (none: a  |
|                                     | record that nobody has registered)                                |
| POST /sandbox/customers/restore     | who has registered, as at the start; nobody is signed on          |
| POST /sandbox/sign-ons/end          | ends every sign-on now                                            |
| POST /sandbox/accounts-fault        | `{"fault": name or null, "times": n or null}` of single sign-on   |
| POST /sandbox/late/release          | sends held late postbacks now; `{"released": n}`                  |

What CPV2-stage faults do to the call: `slow` answers late; `error-500` registers nothing; `garbage-json` and
`timeout-after-success` register the payment and lose the answer. A retry with the same reference and invoices
is the same payment.

What the faults of enquiries do: to every call in SOAP 1.1 `soap11-off` answers 415 and `soap11-mismatch` a
VersionMismatch fault; `enquiry-429` (with Retry-After), `-500`, `-silent`, `-garbage` and `-slow` are what
they say; `enquiry-not-found` denies an invoice that is there; `enquiry-stale` says unpaid of a paid one.

Our own readings where the contract is silent: neither AllowCCPayment nor AllowACHPayment sent means both; a
reference used again with other content, and an invoice that has been paid, are refused with 400; CssUrl is
accepted and not loaded, since the sandbox loads nothing from elsewhere. A registration says what is due on
an invoice that counters launch; one that was there before keeps its own account, of which a launch may pay a
part.
"""

import asyncio
import hashlib
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from starlette.applications import Starlette
from starlette.requests import ClientDisconnect, Request
from starlette.responses import Response
from starlette.routing import Route

from cashier.sandbox.accounts import Accounts
from cashier.sandbox.config import Fault, SandboxConfig
from cashier.sandbox.control import Control
from cashier.sandbox.hosted import HostedPages
from cashier.sandbox.postback import Postbacks
from cashier.sandbox.soap import SoapServices
from cashier.sandbox.sso import SingleSignOnService
from cashier.sandbox.state import Cpv2Call, Payment, Store
from cashier.sandbox.web import (
    BODY_MAX,
    TooLarge,
    json_response,
    knows_key,
    message,
    pause,
    read_body,
    unauthorized,
    until_gone,
)
from cashier.sandbox.wire import BadRequest, PaymentRequest, parse_request


def create_app(config: SandboxConfig) -> Starlette:
    """A fresh sandbox. `app.state.closing` is an asyncio.Event that ends waiting answers early."""
    closing = asyncio.Event()
    store = Store(config)
    postbacks = Postbacks(config)
    pages = HostedPages(config, store, postbacks, closing)
    accounts = Accounts(config, store)
    service = Service(config, store, closing, accounts)

    @asynccontextmanager
    async def lifespan(_app: Starlette) -> AsyncIterator[None]:
        await postbacks.open()
        try:
            yield
        finally:
            await postbacks.close()

    async def index(_request: Request) -> Response:
        return pages.index()

    async def too_large(_request: Request, _error: Exception) -> Response:
        return message(413, f"The body is longer than {BODY_MAX} bytes.")

    async def gone(_request: Request, _error: Exception) -> Response:
        """The caller hung up while sending: nobody reads this answer, and it is no fault of the sandbox."""
        return Response(status_code=400)

    app = Starlette(
        routes=[
            Route("/", index, methods=["GET"]),
            Route("/cloudpaymentsapi/v2", service.cpv2, methods=["POST"]),
            Route("/api/v1/biller/status", service.biller_status, methods=["GET"]),
            *pages.routes(),
            *SoapServices(config, store, closing).routes(),
            *SingleSignOnService(config, accounts, pages.render, closing).routes(),
            *Control(store, postbacks).routes(),
        ],
        exception_handlers={TooLarge: too_large, ClientDisconnect: gone},
        lifespan=lifespan,
    )
    app.state.closing = closing
    app.state.store = store
    app.state.accounts = accounts
    return app


class Service:
    """The two calls that carry the API key."""

    def __init__(
        self, config: SandboxConfig, store: Store, closing: asyncio.Event, accounts: Accounts
    ) -> None:
        self._config = config
        self._store = store
        self._closing = closing
        self._accounts = accounts

    async def biller_status(self, request: Request) -> Response:
        """200 when the key works."""
        if not knows_key(request, self._config.api_key):
            return unauthorized()
        return json_response({"Data": {"BillerName": self._config.biller_name, "Status": "Active"}})

    async def cpv2(self, request: Request) -> Response:
        """Registers the payment, then answers as the default fault will have it."""
        body = await read_body(request)
        if not knows_key(request, self._config.api_key):
            self._note(body, "unauthorized", None)
            return unauthorized()
        fault = self._store.default.take()
        if fault is Fault.ERROR_500:
            self._note(body, fault.value, None)
            return message(500, "An error has occurred.")
        try:
            payment = self._registered(parse_request(body), fault)
        except BadRequest as error:
            self._note(body, "refused", None)
            return message(400, str(error))
        return await self._answer(request, body, payment, fault)

    def _registered(self, request: PaymentRequest, fault: Fault | None) -> Payment:
        """The payment, of who is signed on by its token or of a one-time payer."""
        payer = self._accounts.signed_on(request.remote_token).user.email if request.remote_token else ""
        payment = self._store.register(request, fault)
        payment.signed_on = payer
        return payment

    async def _answer(self, request: Request, body: bytes, payment: Payment, fault: Fault | None) -> Response:
        match fault:
            case Fault.TIMEOUT_AFTER_SUCCESS:
                self._note(body, fault.value, payment)
                await until_gone(request, self._closing)
                return Response(status_code=503)
            case Fault.GARBAGE_JSON:
                self._note(body, fault.value, payment)
                return Response('{"Data": {"CloudPaymentURL": "https:/', media_type="application/json")
            case Fault.SLOW:
                self._note(body, fault.value, payment)
                await pause(self._config.slow_s, self._closing)
            case _:
                self._note(body, "registered", payment)
        root = (self._config.public_url or str(request.base_url)).rstrip("/")
        return json_response({"Data": {"CloudPaymentURL": f"{root}/cloudpay/{payment.token}"}})

    def _note(self, body: bytes, outcome: str, payment: Payment | None) -> None:
        self._store.calls.append(
            Cpv2Call(
                at=self._config.clock(),
                outcome=outcome,
                reference=payment.request.reference if payment else "",
                invoices=payment.request.key[1:] if payment else (),
                token=payment.token if payment else "",
                body_sha256=hashlib.sha256(body).hexdigest(),
            )
        )
