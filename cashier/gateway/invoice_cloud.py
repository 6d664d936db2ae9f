"""Invoice Cloud, the gateway: requests in a partner's shape, the CPV2 call, and the test of an API key.

Invoice Cloud contract, sections 1 and 4.
"""

import base64
from collections.abc import Callable, Iterable, Mapping
from urllib.parse import urlsplit

import httpx

from cashier.domain.errors import CashierError, Refused, Unavailable
from cashier.domain.sale import Sale
from cashier.gateway import cpv2
from cashier.gateway.profiles import Profile
from cashier.gateway.salefile import check_sale
from cashier.gateway.salemembers import BillerLimits
from cashier.gateway.transport import (
    LOOPBACK_HOSTS,
    Purpose,
    Reason,
    Timeouts,
    exchange,
    failure,
    is_secure,
    parse_object,
    send,
    service_message,
)
from cashier.till.ports import CounterExtras, Portal

CPV2_PATH = "/cloudpaymentsapi/v2"
STATUS_PATH = "/api/v1/biller/status"
PAGE_URL_MAX = 4096

#: The API key of a biller by the biller's name. Read at each call; raises Refused when it is not set.
ApiKeys = Callable[[str], str]

_LAUNCH = Purpose(
    failed="Card payment could not be started",
    money="No money was taken: only the payment page takes money, and it was not opened.",
    otherwise=", or take cash or a check",
)
_REACH = Purpose(failed="Invoice Cloud is not reached", money="This takes no money.", otherwise="")
_STATUS = Purpose(failed="The API key could not be checked", money="This check takes no money.", otherwise="")


class InvoiceCloud:
    """The Gateway port over a real line.

    `hosts` are the hosts a payment page may be on, beside the base address's own. With `training` plain
    http is allowed on this machine's loopback and nowhere else. Close the client yourself.
    """

    def __init__(
        self,
        *,
        client: httpx.AsyncClient,
        base_url: str,
        profiles: Mapping[str, Profile],
        api_keys: ApiKeys,
        hosts: Iterable[str] = (),
        training: bool = False,
        timeouts: Timeouts | None = None,
    ) -> None:
        parts = urlsplit(base_url)
        if not is_secure(parts, training):
            raise Refused("The gateway's base address must start with https:// and name a host.")
        self._client = client
        self._base_url = base_url.rstrip("/")
        self._profiles = profiles
        self._api_keys = api_keys
        self._training = training
        self._hosts = frozenset(host.lower() for host in (*hosts, parts.hostname or ""))
        self._whole_s = (timeouts or Timeouts()).whole_s

    # -- requests ----------------------------------------------------------------------------------------

    def number_invoices(self, sale: Sale, fallback_stem: str) -> Sale:
        """See Gateway."""
        return cpv2.number_invoices(sale, self._profile(sale), fallback_stem)

    def emv_refusal(self, sale: Sale) -> str | None:
        """See Gateway."""
        return cpv2.emv_refusal(sale, self._profile(sale))

    def request(self, sale: Sale, extras: CounterExtras | None) -> str:
        """See Gateway. The sale is held to the rules of the sale file first."""
        check_sale(sale, self._profiles, BillerLimits())
        return cpv2.request_text(sale, self._profile(sale), extras)

    def portal(self, sale: Sale, fallback: str | None) -> Portal | None:
        """See Gateway."""
        url = sale.postback_url or fallback
        if url is None:
            return None
        profile = self._profile(sale)
        reads = profile.portal_reads_reference
        return Portal(url, cpv2.partner_reference(sale, profile) if reads else None)

    def _profile(self, sale: Sale) -> Profile:
        profile = self._profiles.get(sale.profile)
        if profile is None:
            known = ", ".join(sorted(self._profiles))
            raise Refused(f"profile: {sale.profile[:40]!r} is not a profile (known: {known})")
        return profile

    # -- calls -------------------------------------------------------------------------------------------

    async def launch(self, request: str, biller: str, token: str | None = None) -> str:
        """See Gateway. The body is exactly the bytes of `request`, but for the token in its place."""
        key = self._key(biller)
        body_text = request if token is None else cpv2.with_token(request, token)
        call = self._client.build_request(
            "POST",
            self._base_url + CPV2_PATH,
            content=body_text.encode(),
            headers={
                "Authorization": _basic(key),  # the key alone, without a colon
                "Content-Type": "application/json",
            },
        )
        body = await exchange(self._client, call, _LAUNCH, self._whole_s, key, *filter(None, (token,)))
        members = parse_object(body)
        if members is None:
            raise failure(Reason.NOT_JSON, _LAUNCH, "HTTP 200")
        data = members.get("Data")
        url = data.get("CloudPaymentURL") if isinstance(data, dict) else None
        if not isinstance(url, str) or not url:
            raise failure(Reason.NO_ADDRESS, _LAUNCH, "HTTP 200", service_message(body, key, token or ""))
        if not self._allows(url):
            raise failure(Reason.ADDRESS_NOT_ALLOWED, _LAUNCH, "HTTP 200")
        return url

    async def reach(self) -> None:
        """See Gateway. Asks without a key: that the service refuses it is answer enough."""
        call = self._client.build_request("GET", self._base_url + STATUS_PATH)
        try:
            await send(self._client, call, _REACH, self._whole_s)
        except CashierError as error:
            raise Unavailable(error.user_text) from error

    async def biller_status(self, biller: str) -> None:
        """Test a biller's API key; returning means that it works. Raises as `launch` does.

        An empty answer is as good as a JSON one: what the service says here is not documented.
        """
        key = self._key(biller)
        call = self._client.build_request(
            "GET",
            self._base_url + STATUS_PATH,
            headers={"Authorization": _basic(key + ":")},  # the key as user name, an empty password
        )
        body = await exchange(self._client, call, _STATUS, self._whole_s, key)
        if body.strip() and parse_object(body) is None:
            raise failure(Reason.NOT_JSON, _STATUS, "HTTP 200")

    def _key(self, biller: str) -> str:
        key = self._api_keys(biller)
        if not key or not key.isascii() or not key.isprintable():
            raise Refused(
                f"The API key of the biller {biller!r} is not set or not a key. No money was taken. "
                "Ask your administrator to enter it in the settings."
            )
        return key

    def _allows(self, url: str) -> bool:
        """Whether the till may open a payment page at this address."""
        if len(url) > PAGE_URL_MAX or not url.isascii() or not url.isprintable() or " " in url or "\\" in url:
            return False
        try:
            parts = urlsplit(url)
            port = parts.port
        except ValueError:
            return False
        if parts.username is not None or parts.password is not None or not is_secure(parts, self._training):
            return False
        host = (parts.hostname or "").lower()
        return host in self._hosts and (port in (None, 443) or (self._training and host in LOOPBACK_HOSTS))


def _basic(credentials: str) -> str:
    return "Basic " + base64.b64encode(credentials.encode()).decode()
