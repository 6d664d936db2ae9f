"""The control API under /sandbox/: what tests and trainers see and steer. See the table in `app`."""

from collections.abc import Callable
from typing import Any

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import BaseRoute, Route

from cashier.sandbox.config import ENQUIRY_FAULTS, ENQUIRY_TEXTS, FAULT_TEXTS, Fault
from cashier.sandbox.postback import Postbacks
from cashier.sandbox.seeds import seeded_customer, seeded_invoice
from cashier.sandbox.state import Charge, Cpv2Call, LimitedFault, Payment, Plan, Store
from cashier.sandbox.web import json_response, message, read_body
from cashier.sandbox.wire import BadRequest, Members, read_json

FAULT_TIMES_MAX = 1_000
#: How long a plan may have anything last, milliseconds.
PLAN_MS_MAX = 600_000


class Control:
    """Routes over one store and its postbacks. Without authentication: the sandbox holds nothing of worth."""

    def __init__(self, store: Store, postbacks: Postbacks) -> None:
        self._store = store
        self._postbacks = postbacks

    def routes(self) -> list[BaseRoute]:
        """All routes under /sandbox/."""
        return [
            Route("/sandbox/payments", self._payments, methods=["GET"]),
            Route("/sandbox/calls", self._calls, methods=["GET"]),
            Route("/sandbox/charges", self._charges, methods=["GET"]),
            Route("/sandbox/fault", self._fault, methods=["GET", "POST"]),
            Route("/sandbox/enquiry-fault", self._enquiry_fault, methods=["GET", "POST"]),
            Route("/sandbox/next", self._next, methods=["GET", "POST"]),
            Route("/sandbox/line", self._line, methods=["GET", "POST"]),
            Route("/sandbox/payments/{token}/fault", self._payment_fault, methods=["POST"]),
            Route("/sandbox/payments/{token}/enquiry-fault", self._payment_enquiry_fault, methods=["POST"]),
            Route("/sandbox/late/release", self._release, methods=["POST"]),
            Route("/sandbox/invoices", self._seed_invoice, methods=["POST"]),
            Route("/sandbox/customers", self._seed_customer, methods=["POST"]),
        ]

    async def _payments(self, request: Request) -> Response:
        reference = request.query_params.get("reference")
        payments = [
            payment_json(payment)
            for payment in self._store.payments.values()
            if reference in (None, payment.request.reference)
        ]
        return json_response({"payments": payments})

    async def _calls(self, _request: Request) -> Response:
        return json_response({"calls": [call_json(call) for call in self._store.calls]})

    async def _charges(self, _request: Request) -> Response:
        return json_response({"charges": [taken_json(*taken) for taken in self._store.taken]})

    async def _fault(self, request: Request) -> Response:
        return await self._limited(request, self._store.default, frozenset(FAULT_TEXTS))

    async def _enquiry_fault(self, request: Request) -> Response:
        return await self._limited(
            request, self._store.enquiry, ENQUIRY_FAULTS, enquiries=self._store.enquiries
        )

    async def _limited(
        self, request: Request, limited: LimitedFault, known: frozenset[Fault], **more: int
    ) -> Response:
        if request.method == "POST":
            try:
                members = Members(read_json(await read_body(request)), "")
                fault, times = _fault_of(members, known), members.whole("times")
                if times is not None and not 1 <= times <= FAULT_TIMES_MAX:
                    raise BadRequest(f"times must be 1 to {FAULT_TIMES_MAX}.")
            except BadRequest as error:
                return message(400, str(error))
            limited.fault, limited.times = fault, times
        return json_response({"fault": limited.fault, "times": limited.times, **more})

    async def _next(self, request: Request) -> Response:
        if request.method == "POST":
            try:
                self._store.plan = _plan_of(Members(read_json(await read_body(request)), ""))
            except BadRequest as error:
                return message(400, str(error))
        plan = self._store.plan
        return json_response({"next": plan_json(plan) if plan else None})

    async def _line(self, request: Request) -> Response:
        if request.method == "POST":
            try:
                down = Members(read_json(await read_body(request)), "").flag("down")
            except BadRequest as error:
                return message(400, str(error))
            if down is None:
                return message(400, "down must be true or false.")
            self._store.line_is_down = down
        return json_response({"down": self._store.line_is_down})

    async def _payment_fault(self, request: Request) -> Response:
        def change(payment: Payment, fault: Fault | None) -> None:
            payment.fault = fault

        return await self._change_payment(request, frozenset(FAULT_TEXTS), change)

    async def _payment_enquiry_fault(self, request: Request) -> Response:
        def change(payment: Payment, fault: Fault | None) -> None:
            payment.enquiry_fault = fault

        return await self._change_payment(request, frozenset(ENQUIRY_TEXTS), change)

    async def _change_payment(
        self, request: Request, known: frozenset[Fault], change: Callable[[Payment, Fault | None], None]
    ) -> Response:
        payment = self._store.payments.get(request.path_params["token"])
        if payment is None:
            return message(404, "There is no such payment.")
        try:
            change(payment, _fault_of(Members(read_json(await read_body(request)), ""), known))
        except BadRequest as error:
            return message(400, str(error))
        return json_response(payment_json(payment))

    async def _seed_invoice(self, request: Request) -> Response:
        try:
            record = seeded_invoice(read_json(await read_body(request)))
        except BadRequest as error:
            return message(400, str(error))
        self._store.seed(record)
        return json_response({"number": record.invoice.number, "balance_cents": record.balance_cents})

    async def _seed_customer(self, request: Request) -> Response:
        try:
            customer = seeded_customer(Members(read_json(await read_body(request)), ""))
        except BadRequest as error:
            return message(400, str(error))
        self._store.customers[customer.account_number] = customer
        return json_response({"account": customer.account_number})

    async def _release(self, _request: Request) -> Response:
        return json_response({"released": self._postbacks.release_late()})


def _fault_of(members: Members, known: frozenset[Fault], member: str = "fault") -> Fault | None:
    name = members.text(member)
    if name and name not in known:
        raise BadRequest(f"{member} must be null or one of {', '.join(sorted(known))}.")
    return Fault(name) if name else None


def _plan_of(members: Members) -> Plan | None:
    """What the members of /sandbox/next say; None when they say nothing: then nothing is planned."""
    times = {name: members.whole(name) for name in ("enquiry_ms", "late_ms")}
    if any(ms is not None and ms > PLAN_MS_MAX for ms in times.values()):
        raise BadRequest(f"enquiry_ms and late_ms are at most {PLAN_MS_MAX}.")
    seconds = {name: None if ms is None else ms / 1000 for name, ms in times.items()}
    plan = Plan(
        fault=_fault_of(members, frozenset(FAULT_TEXTS)),
        enquiry_fault=_fault_of(members, frozenset(ENQUIRY_TEXTS), "enquiry_fault"),
        enquiry_s=seconds["enquiry_ms"],
        late_s=seconds["late_ms"],
    )
    return None if plan == Plan() else plan


def plan_json(plan: Plan) -> dict[str, Any]:
    """A plan as the control API shows it."""
    return {
        "fault": plan.fault,
        "enquiry_fault": plan.enquiry_fault,
        "enquiry_ms": None if plan.enquiry_s is None else round(plan.enquiry_s * 1000),
        "late_ms": None if plan.late_s is None else round(plan.late_s * 1000),
    }


def payment_json(payment: Payment) -> dict[str, Any]:
    """A payment as the control API shows it."""
    return {
        "token": payment.token,
        "reference": payment.request.reference,
        "invoices": [invoice.number for invoice in payment.request.invoices],
        "amount_cents": payment.request.total_cents,
        "chosen_cents": payment.amount_cents,
        "state": payment.state,
        "processing": payment.is_processing,
        "signed_on": payment.signed_on,
        "fault": payment.fault,
        "enquiry_fault": payment.enquiry_fault,
        "attempts": len(payment.charges),
        "cpv2_calls": payment.cpv2_calls,
        "charges": [_charge_json(charge) for charge in payment.charges if charge.approved],
        "declines": [_charge_json(charge) for charge in payment.charges if not charge.approved],
        "postbacks": [
            {"parameters": postback.parameters, "state": postback.state, "tries": postback.tries}
            for postback in payment.postbacks
        ],
    }


def _charge_json(charge: Charge) -> dict[str, Any]:
    return {
        "payment_guid": charge.payment_guid,
        "amount_cents": charge.amount_cents,
        "fee_cents": charge.fee_cents,
        "invoices": charge.allocations,
        "message": charge.message,
        "method": charge.tender.entry,
        "brand": charge.tender.brand,
        "masked": charge.tender.masked,
    }


def taken_json(payment: Payment, charge: Charge) -> dict[str, Any]:
    """Money taken, as the control API lists it."""
    return {
        "at": charge.at.isoformat(),
        "token": payment.token,
        "reference": payment.request.reference,
        "invoices": charge.allocations,
        "amount_cents": charge.amount_cents,
        "fee_cents": charge.fee_cents,
        "payment_guid": charge.payment_guid,
    }


def call_json(call: Cpv2Call) -> dict[str, Any]:
    """A CPV2 call as the control API shows it."""
    return {
        "at": call.at.isoformat(),
        "outcome": call.outcome,
        "reference": call.reference,
        "invoices": list(call.invoices),
        "token": call.token,
        "body_sha256": call.body_sha256,
    }
