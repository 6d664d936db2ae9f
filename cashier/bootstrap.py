"""The one place that plugs concrete parts together. No rules of the business live here.

Adapters are imported inside the functions: a window is painted before any of them is needed.
"""

import asyncio
import contextlib
import dataclasses
import datetime as dt
import functools
import os
from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from importlib.metadata import version
from pathlib import Path
from typing import TYPE_CHECKING

from cashier import paths
from cashier.clock import SystemClock, SystemRandomness
from cashier.domain.errors import CashierError, Refused
from cashier.domain.fees import Schedule
from cashier.domain.postback import Approved, DeliveredPostback, Postback
from cashier.till.config import AccountsConfig, ProfileRules
from cashier.till.ports import Clock, Randomness
from cashier.till.till import Till

if TYPE_CHECKING:
    import httpx
    from PySide6.QtWidgets import QWidget

    from cashier.domain.daily import DailyReport, Scope
    from cashier.gateway.enquiry import InvoiceEnquiry
    from cashier.gateway.invoice_cloud import InvoiceCloud
    from cashier.gateway.profiles import Profile
    from cashier.gateway.sso import SingleSignOn
    from cashier.gateway.transport import Timeouts
    from cashier.hub.client import HubClient
    from cashier.journal.backup import Backups
    from cashier.journal.rescued import RescuedFile
    from cashier.journal.store import SqliteJournal
    from cashier.paper.mailer import SmtpMailer
    from cashier.readers.discovery import Lister, PortWatcher, UsbIds
    from cashier.schedule_shelf import ScheduleFolders
    from cashier.secrets import Secrets
    from cashier.settings import Settings
    from cashier.till.administration_ports import Tools
    from cashier.till.people import People
    from cashier.till.ports import Printer
    from cashier.till.printing import PrintConfig
    from cashier.till.rehearsal import Rehearsal
    from cashier.till.reporting import Counter
    from cashier.till.schedule_import import ScheduleImports
    from cashier.till.site_reporting import SiteReporter
    from cashier.ui.app import Opened, Opener, Starts
    from cashier.ui.payment_page import ViewMaker
    from cashier.ui.payment_view import PaymentView
    from cashier.ui.report_jobs import OpenDaybook

JOURNAL = "journal.db"
#: Where journals of other tills are kept that were rescued to this one.
IMPORTED = "imported"
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


def data_folder(settings: "Settings") -> Path:
    """Where this till's journal is."""
    return settings.data_folder or paths.data_folder(settings.training)


def real_settings(file: Path) -> "Settings":
    """The settings of a till that takes money. Raises Refused for those of a training session."""
    from cashier.settings import load

    settings = load(file)
    if settings.training:
        raise Refused("The settings file is for training. Start with --training instead.")
    return settings


def refuse_live_training(settings: "Settings") -> None:
    """Refuse a till in training whose gateway or hub is not on this machine, where their stand-ins are."""
    from urllib.parse import urlsplit

    from cashier.gateway.transport import LOOPBACK_HOSTS

    addresses = (settings.gateway.base_url, settings.hub.url)
    if settings.training and any(urlsplit(one).hostname not in LOOPBACK_HOSTS for one in addresses):
        raise Refused("Training is for the sandbox on this machine: no other gateway and no other hub.")


@contextlib.asynccontextmanager
async def open_till(
    settings: "Settings",
    secrets: "Secrets",
    clock: Clock | None = None,
    randomness: Randomness | None = None,
    lister: "Lister | None" = None,
    schedules: Path | None = None,
    file: Path | None = None,
) -> AsyncIterator[Till]:
    """A till on its real journal, gateway and hub, following the hub and the ports until the block ends.

    `lister` tells the serial ports, instead of the system. `schedules` is the folder of the office's own fee
    schedules; None: it has none, and none can be brought in. With the `file` of its settings they can be
    changed at the till, and what was changed in the file since the last start is journalled.

    Raises Refused when another till holds the journal, a secret is missing or the profile is unknown.
    """
    from cashier import logs
    from cashier.people import ArgonPins, make_pepper
    from cashier.readers.asking import SerialProbe
    from cashier.readers.discovery import list_ports
    from cashier.secrets import PIN_PEPPER, TILL_KEY
    from cashier.till.feed import follow
    from cashier.till.ports import Outside
    from cashier.till.probe import keep_probing

    clock, randomness = clock or SystemClock(), randomness or SystemRandomness()
    refuse_live_training(settings)
    known = profiles()
    if settings.profile not in known:
        raise Refused(f"The profile {settings.profile!r} is unknown; there are: {', '.join(sorted(known))}.")
    folder = data_folder(settings)
    account_required = known[settings.profile].request.get("CreateCustomerRecord") is False
    config = settings.till_config(account_required=account_required)
    config = dataclasses.replace(
        config,
        rules=profile_rules(known[settings.profile]),
        accounts=accounts_config(settings, known[settings.profile]),
    )
    till_key = secrets.read(TILL_KEY).get_secret_value()
    shelf = schedule_folders(schedules)
    with contextlib.ExitStack() as stack:
        journal = stack.enter_context(journal_of(settings, clock))
        stack.callback(logs.set_up(folder / "log" / "till.log"))
        async with line_of(settings) as http:
            hub = hub_client(settings, secrets, http)
            feed = HubFeed(hub, settings, till_key, clock, randomness)
            outside = Outside(
                gateway=gateway_of(settings, secrets, http, known),
                feed=feed,
                holds=hub,
                enquiry=enquiry_of(settings, secrets, http),
                pin_hasher=ArgonPins(lambda: secrets.read(PIN_PEPPER), light=settings.training),
                reader_probe=SerialProbe(),
                accounts=accounts_of(settings, secrets, http),
                letters=mailer_of(settings, secrets),
                second_copy=hub,
                administration=administration_of(file, settings, secrets, http),
                schedules=None if schedules is None else shelf,
                rescued=rescued_of(settings, clock),
            )
            schedule_imports(shelf, settings).finish(journal)
            dated = functools.partial(shelf.on, settings.schedule)
            prints = printing_of(settings, secrets)
            till = Till(config, clock, randomness, journal, outside, dated, prints=prints)
            if till.people.view().is_first_start:
                make_pepper(secrets)
            if file is not None:
                note_settings(till, settings, file)
            _bring_imported(till, settings, clock, stack)
            log_changes(till)
            stack.enter_context(watch_ports(till, lister or list_ports))
            running = [
                asyncio.create_task(coroutine, name=name)
                for name, coroutine in (
                    ("following the hub", follow(feed, till)),
                    ("asking about payments", till.checker.run()),
                    ("giving invoices back", till.holding.run()),
                    ("probing the gateway", keep_probing(till)),
                    ("printing", till.printing.run()),
                    ("telling the hub", till.outbox.run()),
                    ("backing up", backing_up(settings, clock)),
                    ("verifying the journal", _verify(journal, till)),
                )
            ]
            for task in running:
                task.add_done_callback(_tell_end)
            try:
                yield till
            finally:
                with contextlib.suppress(CashierError):  # a full disk keeps no till from ending
                    till.people.sign_out()
                for task in running:
                    task.cancel()
                await asyncio.wait(running)


def administration_of(
    file: Path | None, settings: "Settings", secrets: "Secrets", http: "httpx.AsyncClient"
) -> "Tools | None":
    """What the settings of a till are changed with; None where they have no file."""
    from cashier.administering import tools_of

    return tools_of(file, settings, secrets, http) if file is not None else None


def note_settings(till: Till, settings: "Settings", file: Path) -> None:
    """The till has started with these settings: journal what is new in them, and keep them as good."""
    from cashier.administering import settings_file

    till.administration.note_start(settings.model_dump(mode="json", exclude_unset=True))
    settings_file(file).keep_as_good()


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


def watch_ports(till: Till, lister: "Lister") -> "PortWatcher":
    """Tells the till of the serial ports, on its own loop, while the `with` block lasts."""
    from cashier.readers.asking import plugged
    from cashier.readers.discovery import Change, PortWatcher

    ids, loop = usb_ids(), asyncio.get_running_loop()

    def tell(change: Change) -> None:
        with contextlib.suppress(RuntimeError):  # the loop is closed: the till is gone
            loop.call_soon_threadsafe(till.readers.are_plugged, plugged(change.ports, ids))

    return PortWatcher(lister, tell)


def journal_of(settings: "Settings", clock: Clock | None = None) -> "SqliteJournal":
    """This till's journal, held exclusively while open. Raises Refused when another program holds it."""
    from cashier.journal.lock import holder_text
    from cashier.journal.store import SqliteJournal

    folder = data_folder(settings)
    folder.mkdir(parents=True, exist_ok=True, mode=0o700)
    holder = holder_text(f"till {settings.till} of {settings.site}")
    return SqliteJournal(folder / JOURNAL, till=settings.till, clock=clock or SystemClock(), holder=holder)


def backups_of(settings: "Settings") -> "Backups":
    """This till's backups of its journal."""
    from cashier.journal.backup import Backups

    folder = data_folder(settings)
    where = settings.backup.folder or folder / "backups"
    return Backups(folder / JOURNAL, where, settings.till, settings.backup.keep)


async def backing_up(settings: "Settings", clock: Clock) -> None:
    """Make backups for as long as the till runs, on a thread beside the window."""
    import structlog

    from cashier.till.backing_up import keep_backing_up

    if settings.training or not settings.backup.keep:
        return
    log = structlog.get_logger("cashier")
    await keep_backing_up(
        backups_of(settings),
        dt.timedelta(hours=settings.backup.every_hours),
        clock.now,
        asyncio.to_thread,
        lambda fault: log.error("backup_failed", reason=fault),
        asyncio.sleep,
    )


def imported_file(settings: "Settings", till: str) -> Path:
    """Where the rescued journal of a till stands, or is to."""
    return data_folder(settings) / IMPORTED / f"{settings.site}-{till}.db"


def imported_files(settings: "Settings") -> "Sequence[Path]":
    """The journals of other tills that were rescued to this one (`cashier journal import`)."""
    found = sorted((data_folder(settings) / IMPORTED).glob("*.db"))
    return [file for file in found if file == imported_file(settings, file.stem.rpartition("-")[2])]


def imported_journal(settings: "Settings", till: str, clock: Clock) -> "SqliteJournal":
    """The rescued journal of another till of the site, made if it is not there. Raises as `journal_of`."""
    from cashier.journal.lock import holder_text
    from cashier.journal.store import SqliteJournal

    file = imported_file(settings, till)
    file.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
    holder = holder_text(f"till {settings.till} of {settings.site}")
    return SqliteJournal(file, till=till, clock=clock, holder=holder)


def rescued_of(settings: "Settings", clock: Clock) -> "Callable[[], Sequence[RescuedFile]]":
    """Gives the rescued journals that are there when it is called, for reading."""
    from cashier.journal.rescued import RescuedFile

    def files() -> "Sequence[RescuedFile]":
        found = ((file, file.stem.rpartition("-")[2]) for file in imported_files(settings))
        return [RescuedFile(file, till, clock.today) for file, till in found if till != settings.till]

    return files


def _bring_imported(till: Till, settings: "Settings", clock: Clock, stack: contextlib.ExitStack) -> None:
    """Let the hub hear of what rescued journals still owe. One that cannot be opened keeps no till closed.

    All of them: a hub that was restored, or is another one, may lack what an earlier one had.
    """
    import structlog

    for file in imported_files(settings):
        code = file.stem.rpartition("-")[2]
        try:
            journal = imported_journal(settings, code, clock)
        except CashierError as error:
            structlog.get_logger("cashier").error("import_failed", till=code, reason=error.user_text)
            continue
        till.bring(code, stack.enter_context(journal))


def people_of(settings: "Settings", journal: "SqliteJournal", environ: Mapping[str, str]) -> "People":
    """The people of a till without the till, on its journal."""
    from cashier.people import ArgonPins, make_pepper
    from cashier.secrets import PIN_PEPPER, Secrets
    from cashier.till.people import People

    secrets = Secrets(settings.site, settings.till, environ)
    hasher = ArgonPins(lambda: secrets.read(PIN_PEPPER))
    people = People(settings.cashier, SystemClock(), SystemRandomness(), journal, hasher, lambda: None)
    if people.view().is_first_start:
        make_pepper(secrets)
    return people


def daybook_of(settings: "Settings") -> "OpenDaybook":
    """Opens this till's journal for reading, on the thread that does."""
    from cashier.journal.daybook import open_daybook

    return functools.partial(open_daybook, data_folder(settings) / JOURNAL)


def site_reporter(settings: "Settings", secrets: "Secrets") -> "SiteReporter":
    """Makes reports over every till of the site from what the hub has, on the thread that asks for them."""

    def make(
        counter: "Counter", scope: "Scope", now: "dt.datetime", told: Callable[[], object] = lambda: None
    ) -> "DailyReport":
        from cashier.journal.site_daybook import SiteDaybook
        from cashier.till.site_reporting import site_report

        async def work() -> "DailyReport":
            async with line_of(settings) as http:
                with SiteDaybook() as book:
                    hub = hub_client(settings, secrets, http)
                    return await site_report(hub, book, counter, scope, now, told)

        return asyncio.run(work())

    return make


async def _verify(journal: "SqliteJournal", till: Till) -> None:
    """Verify what was recorded before this start, beside everything else: on a connection of its own."""
    till.integrity.verified((await asyncio.to_thread(journal.verify_all)).broken)


def log_changes(till: Till) -> None:
    """Log the start, each change of the line or of a payment's state, and what became of an outage.

    References, states and counts only.
    """
    import structlog

    log = structlog.get_logger("cashier")
    log.info("till_opened", site=till.config.site, till=till.config.till, version=version("cashier"))
    seen: dict[str, str] = {}

    def look() -> None:
        snapshot = till.snapshot()
        states = {"line": snapshot.line.value, "outbox": snapshot.outbox.phase.value}
        if snapshot.payment is not None:
            states[snapshot.payment.reference] = snapshot.payment.state.value
        for name, state in states.items():
            if seen.get(name) != state:
                seen[name] = state
                if name == "line":
                    log.info("line_changed", state=state)
                elif name == "outbox":
                    log.info("outbox_changed", state=state, count=snapshot.outbox.to_send)
                else:
                    log.info("payment_changed", reference=name, state=state)
        if seen.get("caught up", "") != snapshot.caught_up:
            seen["caught up"] = snapshot.caught_up
            if snapshot.caught_up:
                log.info("caught_up", reason=snapshot.caught_up)

    till.subscribe(look)


def _tell_end(task: "asyncio.Task[None]") -> None:
    """What runs beside the window ends by being cancelled; a bug that ends it is told at once."""
    if not task.cancelled() and (error := task.exception()) is not None:
        context = {"message": f"{task.get_name()} failed", "exception": error}
        task.get_loop().call_exception_handler(context)


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


def view_maker(settings: "Settings") -> "ViewMaker":
    """Makes the sealed view of a payment; Qt WebEngine is imported with the first one."""
    return _view_maker(settings, settings.return_url)


def account_view_maker(settings: "Settings") -> "ViewMaker":
    """Makes the sealed view of a customer's own pages, with their own return address and words."""
    return _view_maker(settings, settings.sso.return_url or None, is_account=True)


def _view_maker(settings: "Settings", return_url: str | None, *, is_account: bool = False) -> "ViewMaker":
    import structlog

    log = structlog.get_logger("cashier")

    def make(parent: "QWidget") -> "PaymentView":
        from cashier.ui.payment_view import ACCOUNT_WORDS, PaymentView
        from cashier.ui.top_level_policy import TopLevelPolicy

        origins = (settings.gateway.base_url, *(f"https://{host}" for host in settings.gateway.hosts))
        policy = TopLevelPolicy.of(origins, return_url, training=settings.training)
        view = PaymentView(policy, parent, words=ACCOUNT_WORDS if is_account else None)
        view.blocked.connect(lambda kind, host: log.warning("page_blocked", kind=kind, host=host))
        view.renderer_died.connect(lambda how: log.warning("renderer_died", kind=how))
        return view

    return make


def _opened(
    till: Till,
    settings: "Settings",
    rehearsal: "Rehearsal | None" = None,
    site: "SiteReporter | None" = None,
) -> "Opened":
    from cashier.ui.app import Opened

    account_view = account_view_maker(settings)
    return Opened(till, view_maker(settings), daybook_of(settings), rehearsal, account_view, site)


def opener(
    *,
    training: bool,
    settings_file: Path,
    sandbox_options: Sequence[str] = (),
    overrides: dict[str, object] | None = None,
) -> "Opener":
    """Opens the till behind the window: a training session, or the real till of a settings file.

    `overrides` change the settings of a training session.
    """

    @contextlib.asynccontextmanager
    async def open_it() -> "AsyncIterator[Opened]":
        from cashier.secrets import Secrets

        if training:
            from cashier import environment
            from cashier.rehearsal import rehearsing

            environment.allow_training(os.environ, is_root=environment.is_root())
            async with (
                training_till(sandbox_options, overrides) as (till, settings),
                rehearsing(till, settings.gateway.base_url) as rehearsal,
            ):
                yield _opened(till, settings, rehearsal)
            return
        settings = real_settings(settings_file)
        secrets = Secrets(settings.site, settings.till, os.environ)
        own = paths.own_schedules(settings_file)
        async with open_till(settings, secrets, schedules=own, file=settings_file) as till:
            yield _opened(till, settings, site=site_reporter(settings, secrets))

    return open_it


def starts_of(settings_file: Path) -> "Starts":
    """What the window can begin with besides the till of a settings file."""
    from cashier.enrolling import Enrolling
    from cashier.starting import Starting
    from cashier.ui.app import Starts

    desk = Starting(settings_file, os.environ, Enrolling(settings_file, os.environ))
    return Starts(desk, opener(training=True, settings_file=settings_file))


@contextlib.asynccontextmanager
async def training_till(
    sandbox_options: Sequence[str] = (), overrides: dict[str, object] | None = None
) -> "AsyncIterator[tuple[Till, Settings]]":
    """A till in training, with its sandbox and hub as child processes for as long as the block lasts."""
    from cashier.journal.lock import JournalLock, holder_text
    from cashier.secrets import Secrets
    from cashier.settings import check
    from cashier.training import SITE, TILL, Training, begin, secrets_of

    folder = paths.data_folder(training=True)
    folder.mkdir(parents=True, exist_ok=True, mode=0o700)
    with JournalLock(folder / "session.lock", holder_text("a training session")):
        # Starting the children blocks on their first line; the window must stay alive meanwhile.
        session = Training(folder, sandbox_options)
        starting = asyncio.ensure_future(asyncio.to_thread(session.__enter__))
        try:
            await asyncio.shield(starting)
        except asyncio.CancelledError:
            # A thread cannot be interrupted: what it has started by its end is stopped then.
            with contextlib.suppress(CashierError, OSError):  # then it has stopped them itself
                await starting
                await asyncio.to_thread(session.__exit__, None, None, None)
            raise
        try:
            assert session.servers is not None
            settings = check(session.settings(overrides), "training", environment=False)
            secrets = Secrets(SITE, TILL, secrets_of(session.servers.till_key))
            async with open_till(settings, secrets, lister=session.ports) as till:
                await begin(till)
                yield till, settings
        finally:
            await asyncio.to_thread(session.__exit__, None, None, None)
