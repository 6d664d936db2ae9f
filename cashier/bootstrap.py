"""The one place that plugs concrete parts together. No rules of the business live here.

Adapters are imported inside the functions: a window is painted before any of them is needed.
"""

import asyncio
import contextlib
import dataclasses
import datetime as dt
import functools
import os
from collections.abc import AsyncIterator, Callable, Sequence
from importlib.metadata import version
from pathlib import Path
from typing import TYPE_CHECKING

from cashier import paths
from cashier.adapters import (
    HubFeed,
    accounts_config,
    accounts_of,
    enquiry_of,
    gateway_of,
    hub_client,
    line_of,
    mailer_of,
    printing_of,
    profile_rules,
    profiles,
    schedule_folders,
    schedule_imports,
    usb_ids,
)
from cashier.clock import SystemClock, SystemRandomness
from cashier.data_files import (
    backing_up,
    data_folder,
    daybook_of,
    imported_files,
    imported_journal,
    journal_of,
    real_settings,
    rescued_of,
)
from cashier.domain.errors import CashierError, Refused
from cashier.till.ports import Clock, Randomness
from cashier.till.till import Till

if TYPE_CHECKING:
    import httpx
    from PySide6.QtWidgets import QWidget

    from cashier.domain.daily import DailyReport, Scope
    from cashier.journal.store import SqliteJournal
    from cashier.readers.discovery import Lister, PortWatcher
    from cashier.secrets import Secrets
    from cashier.settings import Settings
    from cashier.till.administration_ports import Tools
    from cashier.till.rehearsal import Rehearsal
    from cashier.till.reporting import Counter
    from cashier.till.site_reporting import SiteReporter
    from cashier.ui.app import Opened, Opener, Starts
    from cashier.ui.payment_page import ViewMaker
    from cashier.ui.payment_view import PaymentView


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


def watch_ports(till: Till, lister: "Lister") -> "PortWatcher":
    """Tells the till of the serial ports, on its own loop, while the `with` block lasts."""
    from cashier.readers.asking import plugged
    from cashier.readers.discovery import Change, PortWatcher

    ids, loop = usb_ids(), asyncio.get_running_loop()

    def tell(change: Change) -> None:
        with contextlib.suppress(RuntimeError):  # the loop is closed: the till is gone
            loop.call_soon_threadsafe(till.readers.are_plugged, plugged(change.ports, ids))

    return PortWatcher(lister, tell)


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
