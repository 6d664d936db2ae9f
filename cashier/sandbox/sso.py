"""Single sign-on (Invoice Cloud contract, section 5): its REST calls, and the customer's own pages.

| path                                       | members, and what is answered                                |
|--------------------------------------------|--------------------------------------------------------------|
| POST /api/v1/remoteauth/users              | AccountNumber or EmailAddress -> Users: EmailAddress,        |
|                                            | AccountNumbers                                               |
| POST /api/v1/remoteauth/register           | AccountNumber, EmailAddress, Username, Password, LoginTypeID |
| POST /api/v1/remoteauth/authenticate       | Username, Password, LoginTypeID -> RemoteAuthenticationToken |
| POST /api/v1/customer/RetrieveCustomerGuid | AccountNumber, EmailAddress, Username -> CustomerGuid        |
| POST /api/v1/remoteauth/accounts           | RemoteAuthenticationToken -> Accounts: AccountNumber, Name,  |
|                                            | IsLinked                                                     |
| POST /api/v1/customer/create               | AccountNumber, Name, Address, City, State, Zip, EmailAddress |
| POST /api/v1/remoteauth/password, …/email  | Username, Password; Username, EmailAddress                   |
| POST /api/v1/remoteauth/link, …/unregister | RemoteAuthenticationToken, AccountNumber                     |
| GET /portal/sso/connect                    | RemoteAuthenticationToken, ViewMode=1, RedirectID …: leads   |
|                                            | to the page /portal/account/{page}/{name}                    |

All calls but the last want the API key as user name. A refusal is a 400 with a Message.
"""

import asyncio
import uuid
from collections.abc import Callable, Mapping
from typing import Any

from starlette.requests import Request
from starlette.responses import RedirectResponse, Response
from starlette.routing import BaseRoute, Route

from cashier.sandbox.accounts import PAGES, Accounts, AccountsFault, SignOn, User
from cashier.sandbox.cards import TEST_CARDS
from cashier.sandbox.config import SandboxConfig
from cashier.sandbox.seeds import seeded_customer
from cashier.sandbox.web import (
    json_response,
    knows_key,
    message,
    read_body,
    read_form,
    unauthorized,
    until_gone,
)
from cashier.sandbox.wire import BadRequest, Customer, Members, read_json

Render = Callable[..., Response]
Answer = dict[str, Any]
LOGIN_TYPE_ID = 1
PAGE_TITLES = {
    "bills": "Recent Bills",
    "paperless": "Paperless Settings",
    "autopay": "AutoPay Settings",
    "options": "Payment Options",
    "scheduled": "Scheduled Payments",
}


class SingleSignOnService:
    """Routes over one store of accounts. `render` makes a page: its template, status and context."""

    def __init__(
        self, config: SandboxConfig, accounts: Accounts, render: Render, closing: asyncio.Event
    ) -> None:
        self._config, self._accounts, self._render = config, accounts, render
        self._closing = closing

    def routes(self) -> list[BaseRoute]:
        """Everything of single sign-on, and its part of the control API."""
        calls = {
            "remoteauth/users": self._users,
            "remoteauth/register": self._register,
            "remoteauth/authenticate": self._authenticate,
            "customer/RetrieveCustomerGuid": self._guid,
            "remoteauth/accounts": self._list,
            "customer/create": self._create,
            "remoteauth/password": self._password,
            "remoteauth/email": self._email,
            "remoteauth/link": self._link,
            "remoteauth/unregister": self._unregister,
        }
        return [
            *(self._call(path, act) for path, act in calls.items()),
            Route("/portal/sso/connect", self._connect, methods=["GET"]),
            Route("/portal/account/{page}/{name}", self._page, methods=["GET", "POST"]),
            Route("/sandbox/users", self._control_users, methods=["GET", "POST"]),
            Route("/sandbox/customers/restore", self._control_restore, methods=["POST"]),
            Route("/sandbox/sign-ons/end", self._control_end, methods=["POST"]),
            Route("/sandbox/accounts-fault", self._control_fault, methods=["POST"]),
        ]

    def _call(self, path: str, act: Callable[[Members], Answer]) -> Route:
        async def endpoint(request: Request) -> Response:
            body = await read_body(request)
            if not knows_key(request, self._config.api_key):
                return unauthorized()
            self._accounts.calls.append(path.rpartition("/")[2])
            fault = self._accounts.take_fault()
            early = await self._before(request, body, fault)
            if early is not None:
                return early
            try:
                answer = act(Members(read_json(body), ""))
            except BadRequest as error:
                return message(400, str(error))
            if fault is AccountsFault.DONE_THEN_SILENT:
                return await self._silence(request)
            return json_response(answer)

        return Route(f"/api/v1/{path}", endpoint, methods=["POST"])

    async def _before(self, request: Request, body: bytes, fault: AccountsFault | None) -> Response | None:
        match fault:
            case AccountsFault.ERROR_500:
                return message(500, "An error has occurred.")
            case AccountsFault.GARBAGE:
                return Response('{"Data": {"Use', media_type="application/json")
            case AccountsFault.TOO_BUSY:
                return message(429, "Too many requests.", {"Retry-After": "2"})
            case AccountsFault.ECHO:
                return message(400, f"Not understood: {body.decode('utf-8', 'replace')}")
            case AccountsFault.SILENT:
                return await self._silence(request)
            case _:
                return None

    async def _silence(self, request: Request) -> Response:
        await until_gone(request, self._closing)
        return Response(status_code=503)

    # -- the calls ---------------------------------------------------------------------------------------

    def _users(self, members: Members) -> Answer:
        found = self._accounts.find(members.text("AccountNumber"), members.text("EmailAddress"))
        rows = [{"EmailAddress": user.email, "AccountNumbers": user.accounts} for user in found]
        return {"Data": {"Users": rows}}

    def _register(self, members: Members) -> Answer:
        _login_type(members)
        email = members.text("EmailAddress", required=True)
        account, password = (members.text(name, required=True) for name in ("AccountNumber", "Password"))
        self._accounts.register(account, email, password)
        return {"Data": {"Registered": True}}

    def _authenticate(self, members: Members) -> Answer:
        _login_type(members)
        token = self._accounts.authenticate(
            members.text("Username", required=True), members.text("Password", required=True)
        )
        return {"Data": {"RemoteAuthenticationToken": token}}

    def _guid(self, members: Members) -> Answer:
        email = members.text("EmailAddress") or members.text("Username")
        record = self._accounts.record(members.text("AccountNumber"), email)
        if record is None:
            raise BadRequest("Customer was not found.")
        guid = uuid.uuid5(uuid.NAMESPACE_OID, record.account_number.casefold())
        return {"CustomerGuid": str(guid)}

    def _list(self, members: Members) -> Answer:
        user = self._signed_on(members)
        rows = []
        for place, account in enumerate(user.accounts):
            record = self._accounts.record(account)
            name = record.name if record else ""
            rows.append({"AccountNumber": account, "Name": name, "IsLinked": place > 0})
        return {"Data": {"Accounts": rows}}

    def _create(self, members: Members) -> Answer:
        self._accounts.create(
            Customer(
                account_number=members.text("AccountNumber", required=True),
                display_account_number="",
                name=members.text("Name", required=True),
                address=members.text("Address"),
                city=members.text("City"),
                state=members.text("State"),
                zip=members.text("Zip"),
                email=members.text("EmailAddress"),
            )
        )
        return {"Data": {"Created": True}}

    def _password(self, members: Members) -> Answer:
        user = self._accounts.user(members.text("Username", required=True))
        user.password = members.text("Password", required=True)
        return {"Data": {"Updated": True}}

    def _email(self, members: Members) -> Answer:
        email, new_email = (members.text(name, required=True) for name in ("Username", "EmailAddress"))
        self._accounts.update_email(email, new_email)
        return {"Data": {"Updated": True}}

    def _link(self, members: Members) -> Answer:
        user = self._signed_on(members)
        self._accounts.link(user, members.text("AccountNumber", required=True))
        return {"Data": {"Linked": True}}

    def _unregister(self, members: Members) -> Answer:
        user = self._signed_on(members)
        self._accounts.unregister(user, members.text("AccountNumber", required=True))
        return {"Data": {"Unregistered": True}}

    def _signed_on(self, members: Members) -> User:
        return self._accounts.signed_on(members.text("RemoteAuthenticationToken", required=True)).user

    # -- the pages ---------------------------------------------------------------------------------------

    async def _connect(self, request: Request) -> Response:
        query = {name.lower(): value for name, value in request.query_params.items()}
        name = PAGES.get(int(query["redirectid"])) if query.get("redirectid", "").isdecimal() else None
        try:
            sign_on = self._accounts.signed_on(query.get("remoteauthenticationtoken", ""))
        except BadRequest as error:
            return self._render("message", 403, payment=None, title="Not signed on", text=str(error))
        if name is None or query.get("viewmode") != "1":
            text = "RedirectID must be 1, 2, 3, 5 or 9, and ViewMode 1."
            return self._render("message", 400, payment=None, title="Not understood", text=text)
        sign_on.return_url = query.get("returnurl", "")
        sign_on.site_name = query.get("customreturnsitename", "")
        return _go(f"/portal/account/{sign_on.page}/{name}")

    async def _page(self, request: Request) -> Response:
        page, name = request.path_params["page"], request.path_params["name"]
        sign_on = self._accounts.at_page(page)
        if sign_on is None or name not in PAGE_TITLES:
            text = "You are no longer signed on."
            return self._render("message", 403, payment=None, title="Not signed on", text=text)
        if request.method != "POST":
            return self._show(sign_on, name)
        try:
            form = await read_form(request)
        except ValueError:
            return message(400, "The form has too many fields.")
        error = self._accounts.act(sign_on.user, name, form)
        return self._show(sign_on, name, error) if error else _go(f"/portal/account/{page}/{name}")

    def _show(self, sign_on: SignOn, name: str, error: str = "") -> Response:
        return self._render(
            "account",
            200,
            payment=None,
            user=sign_on.user,
            sign_on=sign_on,
            name=name,
            titles=PAGE_TITLES,
            base=f"/portal/account/{sign_on.page}",
            bills=self._accounts.bills(sign_on.user),
            error=error,
            offered=list(enumerate(TEST_CARDS)),
        )

    # -- the control API ---------------------------------------------------------------------------------

    async def _control_users(self, request: Request) -> Response:
        if request.method == "POST":
            try:
                members = Members(read_json(await read_body(request)), "")
                customer = seeded_customer(members)
                self._accounts._store.customers[customer.account_number] = customer
                if members.text("password"):
                    self._accounts.register(customer.account_number, customer.email, members.text("password"))
            except BadRequest as error:
                return message(400, str(error))
        return json_response({"users": [_user_json(user) for user in self._accounts.users]})

    async def _control_restore(self, _request: Request) -> Response:
        self._accounts.restore()
        return json_response({"users": [_user_json(user) for user in self._accounts.users]})

    async def _control_end(self, _request: Request) -> Response:
        ended = len(self._accounts.sign_ons)
        self._accounts.sign_ons.clear()
        return json_response({"ended": ended})

    async def _control_fault(self, request: Request) -> Response:
        try:
            members = Members(read_json(await read_body(request)), "")
            name, times = members.text("fault"), members.whole("times")
            self._accounts.fault = AccountsFault(name) if name else None
        except (BadRequest, ValueError):
            return message(400, f"fault must be null or one of {', '.join(AccountsFault)}.")
        self._accounts.fault_times = times
        return json_response({"fault": name or None, "times": times})


def _user_json(user: User) -> Mapping[str, Any]:
    return {
        "email": user.email,
        "accounts": user.accounts,
        "is_paperless": user.is_paperless,
        "autopay": user.autopay,
        "methods": user.methods,
        "scheduled": [{"invoice": one.invoice, "on": one.on.isoformat()} for one in user.scheduled],
    }


def _login_type(members: Members) -> None:
    if members.whole("LoginTypeID") != LOGIN_TYPE_ID:
        raise BadRequest("LoginTypeID must be 1.")


def _go(path: str) -> Response:
    return RedirectResponse(path, 303, headers={"Cache-Control": "no-store"})
