"""The adapters of a till, made from its settings. Each library is imported with the first use of it."""

import asyncio
import datetime as dt
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from cashier import paths
from cashier.clock import SystemClock, SystemRandomness
from cashier.domain.errors import Refused
from cashier.domain.fees import Schedule
from cashier.domain.postback import Approved, DeliveredPostback, Postback
from cashier.till.config import AccountsConfig, ProfileRules
from cashier.till.ports import Clock, Randomness

if TYPE_CHECKING:
    import httpx

    from cashier.gateway.enquiry import InvoiceEnquiry
    from cashier.gateway.invoice_cloud import InvoiceCloud
    from cashier.gateway.profiles import Profile
    from cashier.gateway.sso import SingleSignOn
    from cashier.gateway.transport import Timeouts
    from cashier.hub.client import HubClient
    from cashier.paper.mailer import SmtpMailer
    from cashier.readers.discovery import UsbIds
    from cashier.schedule_shelf import ScheduleFolders
    from cashier.secrets import Secrets
    from cashier.settings import Settings
    from cashier.till.ports import Printer
    from cashier.till.printing import PrintConfig
    from cashier.till.schedule_import import ScheduleImports

#: Random bits of a postback address's nonce.
NONCE_BITS = 160


class HubFeed:
    """The hub as the till's PostbackFeed: addresses minted here, deliveries parsed here."""

    def __init__(
        self, client: "HubClient", settings: "Settings", key_text: str, clock: Clock, randomness: Randomness
    ) -> None:
        from cashier.gateway.postback import read_till_key

        self._client = client
        self._settings = settings
        self._key, self._generation = read_till_key(key_text)
        self._clock = clock
        self._randomness = randomness

    def mint_url(self, reference: str, amount_cents: int) -> str:
        """A PostBackURL bound to this payment."""
        from cashier.gateway.postback import PostbackClaims, mint_path

        hub = self._settings.hub
        claims = PostbackClaims(
            site=self._settings.site,
            till=self._settings.till,
            reference=reference,
            amount_cents=amount_cents,
            expires_at=self._clock.now() + dt.timedelta(days=hub.postback_days),
            nonce=f"{self._randomness.bits(NONCE_BITS):040x}",
            generation=self._generation,
        )
        return (hub.public_url or hub.url) + mint_path(claims, self._key)

    async def pull(self, wait_s: float) -> Sequence[DeliveredPostback]:
        """Unacknowledged postbacks, parsed.

        One that cannot be read – a hub of another version might store it – is for a person like any other
        that does not fit, and never keeps those behind it from being heard.
        """
        from cashier.gateway.postback import NotAPostback, parse_postback

        def read(query: bytes, body: bytes) -> Postback:
            try:
                return parse_postback(query, body)
            except NotAPostback as error:
                return Postback(Approved.UNCLEAR, faults=(error.user_text,))

        return [
            DeliveredPostback(
                id=item.id,
                received_at=item.received_at,
                reference=item.reference,
                amount_cents=item.amount_cents,
                postback=read(item.query, item.body),
            )
            for item in await self._client.pull(wait_s)
        ]

    async def acknowledge(self, ids: Sequence[str]) -> None:
        """Tell the hub that these are in the journal."""
        await self._client.ack(ids)


def profiles() -> "dict[str, Profile]":
    """The partner profiles that ship with the product."""
    from cashier.gateway.profiles import load_profiles

    return load_profiles(paths.resources() / "profiles")


def profile_rules(profile: "Profile") -> ProfileRules:
    """What a profile's request shape leaves room for."""
    from cashier.gateway.profiles import InvoicesPerSale, Numbering

    return ProfileRules(
        several_invoices=profile.invoices_per_sale is not InvoicesPerSale.ONE,
        partial_payments=profile.carries("invoice", "allow_partial"),
        numbers_end_in_type=profile.numbering is Numbering.ACCOUNT_TYPE,
        type_ids=profile.type_ids,
    )


def accounts_config(settings: "Settings", profile: "Profile") -> AccountsConfig:
    """Whose customers have accounts at Invoice Cloud, or why this till has none."""
    refusal = ""
    if not profile.customer_accounts:
        refusal = (
            f"This permit system ({profile.title}) has no customer accounts at Invoice Cloud. Every payer "
            "pays once, without an account: take the sale as usual."
        )
    elif not settings.sso.biller:
        refusal = (
            "Customer accounts are not set up at this till: its settings name no biller for them "
            "(sso.biller). Every payer pays once, without an account. Ask your administrator to set them up."
        )
    return AccountsConfig(settings.sso.biller, settings.sso.minutes * 60, refusal, settings.agency)


def schedule_folders(own: Path | None) -> "ScheduleFolders":
    """The fee schedules that ship with the product, and the office's own; None where there are none."""
    from cashier.schedule_shelf import ScheduleFolders

    return ScheduleFolders(paths.resources() / "schedules", own)


def schedule_on(name: str, date: dt.date, own: Path | None = None) -> Schedule:
    """A fee schedule as it stands on a date; `own` is the folder of the office's own schedules."""
    return schedule_folders(own).on(name, date)


def schedule_imports(shelf: "ScheduleFolders", settings: "Settings | None") -> "ScheduleImports":
    """Brings in fee schedules without a till; without settings the billers' invoice types are not known."""
    from cashier.till.schedule_import import ScheduleImports

    clock, randomness = SystemClock(), SystemRandomness()
    if settings is None:
        return ScheduleImports(shelf, clock, randomness, type_ids=None)
    known = profiles()
    return ScheduleImports(
        shelf,
        clock,
        randomness,
        type_ids={type_id for biller in settings.billers for type_id in biller.invoice_types},
        sent_ids=profile_rules(known[settings.profile]).type_ids if settings.profile in known else None,
        in_use=lambda: settings.schedule,
    )


def printing_of(settings: "Settings", secrets: "Secrets") -> "PrintConfig":
    """How this till prints and mails. The printers' libraries are imported with the first print."""
    from cashier.languages import load_languages
    from cashier.paper.pen import local_time
    from cashier.till.printing import PrintConfig

    return PrintConfig(
        local=local_time,
        printer=printer_of(settings),
        mailer=mailer_of(settings, secrets),
        languages=load_languages(paths.resources() / "languages"),
        language=settings.printer.language,
        automatic=settings.printer.automatic,
        logo=settings.receipt.logo,
    )


def printer_of(settings: "Settings") -> "Printer | None":
    """The printer of the settings, or None where files are asked for."""
    given = settings.printer
    match given.kind:
        case "pdf":
            return None
        case "system":
            from cashier.paper.page_printer import PagePrinter

            return PagePrinter(given.name, given.page, settings.receipt.logo)
    from cashier.paper.escpos import EscposPrinter, RollSettings, open_line_of

    roll = RollSettings(
        columns=given.columns,
        code_page=given.code_page,
        profile=given.model,
        answers=given.answers,
        drawer_pin=given.drawer_pin,
        kick_at_once=given.drawer_at_once,
        logo=settings.receipt.logo,
        cuts=given.cuts,
        has_slip_station=given.slip_station,
    )
    vendor, _, product = given.usb_id.partition(":")
    where = {
        "host": given.host,
        "port": given.port,
        "device": given.device,
        "baud": given.baud,
        "vendor": int(vendor or "0", 16),
        "product": int(product or "0", 16),
        "in_ep": given.usb_in,
        "out_ep": given.usb_out,
        "timeout_s": given.answer_seconds,
    }
    return EscposPrinter(open_line_of(given.kind, roll, **where), roll)


def mailer_of(settings: "Settings", secrets: "Secrets") -> "SmtpMailer | None":
    """The mail server of the settings, or None."""
    given = settings.mail
    if not given.host:
        return None
    from cashier.paper.mailer import SmtpMailer
    from cashier.secrets import MAIL_PASSWORD

    return SmtpMailer(
        host=given.host,
        port=given.port,
        security=given.security,
        sender=given.sender,
        user=given.user,
        password=lambda: secrets.read(MAIL_PASSWORD).get_secret_value(),
        timeout_s=given.answer_seconds,
        logo=settings.receipt.logo,
    )


def usb_ids() -> "UsbIds":
    """The table of USB ids that ships with the product."""
    from cashier.readers.discovery import UsbIds

    return UsbIds.load(paths.resources() / "readers" / "usb_ids.toml")


def timeouts(settings: "Settings") -> "Timeouts":
    """How long the gateway is waited for."""
    from cashier.gateway.transport import Timeouts

    gateway = settings.gateway
    return Timeouts(
        connect_s=gateway.connect_seconds,
        read_s=gateway.answer_seconds,
        whole_s=gateway.connect_seconds + 2 * gateway.answer_seconds,
    )


def line_of(settings: "Settings") -> "httpx.AsyncClient":
    """The one HTTP client of a till. Raises Refused when the environment names a proxy it cannot use."""
    from cashier.gateway.transport import make_client

    try:
        return make_client(timeouts(settings))
    except (ImportError, ValueError) as error:
        raise Refused(
            "The proxy that this machine's environment names (ALL_PROXY, HTTPS_PROXY, HTTP_PROXY) is not one "
            "that can be used: it must start with http:// or https://."
        ) from error


def gateway_of(
    settings: "Settings",
    secrets: "Secrets",
    http: "httpx.AsyncClient",
    known: "Mapping[str, Profile] | None" = None,
    api_key: Callable[[], str] | None = None,
) -> "InvoiceCloud":
    """Invoice Cloud over a line. API keys are read at each call and kept nowhere.

    With `api_key` it is that one's, whichever biller it is asked for: a key that is being tested.
    """
    from cashier.gateway.invoice_cloud import InvoiceCloud
    from cashier.secrets import api_key_name

    def keys(biller: str) -> str:
        return api_key() if api_key else secrets.read(api_key_name(biller)).get_secret_value()

    return InvoiceCloud(
        client=http,
        base_url=settings.gateway.base_url,
        profiles=known or profiles(),
        api_keys=lambda biller: (
            api_key() if api_key else secrets.read(api_key_name(biller)).get_secret_value()
        ),
        hosts=settings.gateway.hosts,
        training=settings.training,
    )


def enquiry_of(settings: "Settings", secrets: "Secrets", http: "httpx.AsyncClient") -> "InvoiceEnquiry":
    """Questions to Invoice Cloud over a line. Web service keys are read at each call and kept nowhere."""
    from cashier.gateway.enquiry import InvoiceEnquiry
    from cashier.secrets import web_service_key_name

    return InvoiceEnquiry(
        client=http,
        base_url=settings.gateway.base_url,
        guids={biller.name: biller.guid for biller in settings.billers},
        web_service_keys=lambda biller: secrets.read(web_service_key_name(biller)).get_secret_value(),
        monotonic=SystemClock().monotonic,
        sleep=asyncio.sleep,
        training=settings.training,
        timeouts=timeouts(settings),
    )


def accounts_of(settings: "Settings", secrets: "Secrets", http: "httpx.AsyncClient") -> "SingleSignOn | None":
    """Customers' accounts over a line, where the settings name their biller."""
    from cashier.gateway.sso import Look, Paths, SingleSignOn
    from cashier.secrets import api_key_name

    given = settings.sso
    if not given.biller:
        return None
    return SingleSignOn(
        client=http,
        base_url=settings.gateway.base_url,
        biller=given.biller,
        api_keys=lambda biller: secrets.read(api_key_name(biller)).get_secret_value(),
        paths=Paths(**given.paths.model_dump()),
        look=Look(given.css_url, given.return_url, given.site_name),
        training=settings.training,
        timeouts=timeouts(settings),
    )


def hub_client(settings: "Settings", secrets: "Secrets", http: "httpx.AsyncClient") -> "HubClient":
    """This till's line to its hub."""
    from cashier.hub.client import HubClient
    from cashier.secrets import TILL_KEY

    key = secrets.read(TILL_KEY).get_secret_value()
    return HubClient(http, settings.hub.url, settings.site, settings.till, key)
