"""`cashier doctor`: is this machine fit to be a till?

Each finding is ok, a warning, or a fault with advice.
"""

import asyncio
import datetime as dt
import email.utils
import os
import sys
from collections.abc import Awaitable, Callable, Iterator
from dataclasses import dataclass
from enum import StrEnum
from functools import partial
from importlib.metadata import version
from pathlib import Path
from typing import TYPE_CHECKING

from cashier.domain.errors import CashierError, Refused
from cashier.domain.fees import PLACEHOLDER_ACCOUNT

if TYPE_CHECKING:
    import httpx

    from cashier.gateway.enquiry import InvoiceEnquiry
    from cashier.settings import Settings

#: Chromium's security patches the payment page must have at least (PySide6 6.11.3 carries 155).
PATCH_LEVEL_MIN = 150
#: A clock further off than this is worth a warning: receipts would carry a wrong time.
CLOCK_OFF_MAX_S = 120
CHECK_MAX_S = 10
#: The gateway is asked about this invoice, which nobody has, to see that it answers.
MADE_UP_INVOICE = "CASHIER-DOCTOR-0"


class State(StrEnum):
    """How bad it is."""

    OK = "ok"
    WARNING = "warning"
    FAULT = "fault"


@dataclass(frozen=True)
class Finding:
    """One line of the examination: what was looked at, how it is, and what to do about it."""

    what: str
    state: State
    detail: str
    do: str = ""

    @property
    def is_fault(self) -> bool:
        """Whether the till cannot work like this."""
        return self.state is State.FAULT


async def examine(settings_file: Path, *, training: bool) -> list[Finding]:
    """Every finding, in the order of the till's own start."""
    findings = [_versions(), _sqlite(), *_webengine(), _user(training), _keyring(training)]
    if training:
        findings.append(Finding("settings", State.OK, "training needs none"))
        return findings
    settings, finding = _settings(settings_file)
    findings.append(finding)
    if settings is not None:
        findings += [_profile(settings), _schedule(settings, settings_file), *_secrets(settings)]
        findings += [await _printer(settings), _logo(settings), _mail(settings), _backup(settings)]
        findings += await _lines(settings)
    return findings


async def _printer(settings: "Settings") -> Finding:
    """Whether the receipt printer could print now; nothing is printed."""
    from cashier.adapters import printer_of
    from cashier.till.ports import PrintOutcome

    printer = printer_of(settings)
    if printer is None:
        return Finding("printer", State.OK, "none: receipts are saved as PDF")
    result = await printer.check()
    if result.outcome is PrintOutcome.PRINTED:
        told = "is ready" if settings.printer.answers else "is there; it is set up not to answer"
        return Finding("printer", State.OK, f"{settings.printer.kind}: {told}")
    advice = "Look at its lamp, paper, cover and cable, then at [printer] in the settings."
    return Finding("printer", State.WARNING, result.reason, advice)


def _logo(settings: "Settings") -> Finding:
    """Whether the logo can be put on paper. Without it everything is printed all the same."""
    from cashier.paper.logo import read_logo

    file = settings.receipt.logo
    if file is None:
        return Finding("logo", State.OK, "none: papers have the agency's name")
    try:
        image = read_logo(file)
    except ValueError as error:
        advice = "Papers are printed without it. Put a picture there, or take logo out of [receipt]."
        return Finding("logo", State.WARNING, str(error), advice)
    return Finding("logo", State.OK, f"{file}: {image.width()} by {image.height()} dots on paper")


def _mail(settings: "Settings") -> Finding:
    """Whether receipts can be mailed as far as the settings go: no server is bothered."""
    from cashier.secrets import MAIL_PASSWORD, Secrets

    mail = settings.mail
    if not mail.host:
        return Finding("mail", State.OK, "none: receipts are not mailed")
    if mail.user:
        try:
            Secrets(settings.site, settings.till, os.environ).read(MAIL_PASSWORD)
        except Refused as refused:
            return Finding("mail", State.WARNING, "no password", refused.user_text)
    return Finding("mail", State.OK, f"{mail.host}, {mail.security}")


def _backup(settings: "Settings") -> Finding:
    """How old the newest backup of the journal is. One is made while the window is open."""
    import datetime as dt

    from cashier.clock import SystemClock
    from cashier.data_files import JOURNAL, backups_of, data_folder

    if not settings.backup.keep:
        return Finding("backup", State.WARNING, "none is kept", "Set keep in [backup] of the settings.")
    newest = backups_of(settings).newest_at()
    if newest is None:
        if not (data_folder(settings) / JOURNAL).exists():
            return Finding("backup", State.OK, "there is no journal yet")
        return Finding("backup", State.WARNING, "none yet", "Make one: cashier journal backup.")
    age = SystemClock().now() - newest
    detail = f"the newest is {age.total_seconds() / 3600:.1f} hours old"
    if age > 2 * dt.timedelta(hours=settings.backup.every_hours) + dt.timedelta(days=3):
        return Finding("backup", State.WARNING, detail, "Look at [backup] and its drive.")
    return Finding("backup", State.OK, detail)


def _versions() -> Finding:
    names = ("cashier", "PySide6", "qasync", "httpx", "sqlite-utils")
    parts = [f"Python {sys.version.split()[0]}", *(f"{name} {version(name)}" for name in names)]
    return Finding("versions", State.OK, ", ".join(parts))


def _sqlite() -> Finding:
    from cashier.journal.sqlite import driver_version, require_version

    found = driver_version()
    text = ".".join(str(part) for part in found)
    try:
        require_version(found)
    except Refused as refused:
        return Finding("SQLite", State.FAULT, text, refused.user_text)
    return Finding("SQLite", State.OK, text)


def _webengine() -> Iterator[Finding]:
    """The engine's age matters more than anything else here: it shows pages that take cards."""
    try:
        from cashier.ui.payment_view import chromium_versions

        chromium, patch = chromium_versions()
    except ImportError as error:
        yield Finding(
            "payment page engine", State.FAULT, f"does not load: {error}", "Run installer/run.sh once more."
        )
        return
    detail = f"Chromium {chromium}, security patches up to {patch}"
    if int(patch.split(".")[0]) < PATCH_LEVEL_MIN:
        yield Finding("payment page engine", State.FAULT, detail, "Update the till: its engine is too old.")
    else:
        yield Finding("payment page engine", State.OK, detail)


def _user(training: bool) -> Finding:
    from cashier import environment

    refusal = environment.card_page_refusal(os.environ, training=training, is_root=environment.is_root())
    if refusal:
        return Finding("user and environment", State.FAULT, "not fit for card pages", refusal)
    return Finding("user and environment", State.OK, "fit for card pages")


def _keyring(training: bool) -> Finding:
    import keyring
    from keyring.backends import fail, null

    try:
        backend = keyring.get_keyring()
    except (ImportError, AttributeError, TypeError, ValueError) as error:
        # PYTHON_KEYRING_BACKEND, or keyring's own settings file, names one that is not there.
        return Finding("keyring", State.FAULT, f"does not load: {error}", "Correct keyring's own settings.")
    if isinstance(backend, fail.Keyring | null.Keyring):
        advice = "Log in to a desktop with a keyring, or give the secrets by environment (README)."
        state = State.OK if training else State.WARNING
        return Finding("keyring", state, "this machine has none", "" if training else advice)
    return Finding("keyring", State.OK, backend.name)


def _settings(file: Path) -> "tuple[Settings | None, Finding]":
    from cashier.settings import load

    try:
        settings = load(file)
    except Refused as refused:
        return None, Finding("settings", State.FAULT, "; ".join(refused.faults), "Mend the settings file.")
    return settings, Finding("settings", State.OK, f"{file}: till {settings.till} of {settings.site}")


def _profile(settings: "Settings") -> Finding:
    from cashier.adapters import profiles

    known = ", ".join(sorted(profiles()))
    if settings.profile not in profiles():
        return Finding("profile", State.FAULT, f"{settings.profile} is unknown", f"Choose one of: {known}.")
    return Finding("profile", State.OK, settings.profile)


def _schedule(settings: "Settings", settings_file: Path) -> Finding:
    """The fee schedule as it stands today, and whether its fees go to accounts that exist."""
    from cashier.adapters import schedule_on
    from cashier.clock import SystemClock
    from cashier.paths import own_schedules

    try:
        schedule = schedule_on(settings.schedule, SystemClock().today(), own_schedules(settings_file))
    except Refused as refused:
        return Finding(
            "fee schedule", State.FAULT, "; ".join(refused.faults), "Correct the setting schedule."
        )
    made_up = [fee for fee in schedule.fees if fee.gl_account.startswith(PLACEHOLDER_ACCOUNT)]
    if made_up:
        detail = f"{schedule.name}: {len(made_up)} of {len(schedule.fees)} fees have made-up GL accounts"
        advice = f"Give them your own instead of those that start with {PLACEHOLDER_ACCOUNT}."
        return Finding("fee schedule", State.WARNING, detail, advice)
    return Finding("fee schedule", State.OK, f"{schedule.name}: {len(schedule.fees)} fees")


def _secrets(settings: "Settings") -> Iterator[Finding]:
    from cashier.secrets import PIN_PEPPER, TILL_KEY, Secrets, api_key_name

    secrets = Secrets(settings.site, settings.till, os.environ)
    for name in (TILL_KEY, *(api_key_name(biller.name) for biller in settings.billers)):
        try:
            secrets.read(name)
        except Refused as refused:
            yield Finding(f"secret {name}", State.FAULT, "missing", refused.user_text)
        else:
            yield Finding(f"secret {name}", State.OK, "is set")
    try:
        secrets.read(PIN_PEPPER)
    except Refused as refused:
        detail = "missing: the first start makes it; a till that has people already needs every PIN set anew"
        yield Finding(f"secret {PIN_PEPPER}", State.WARNING, detail, refused.user_text)
    else:
        yield Finding(f"secret {PIN_PEPPER}", State.OK, "is set")


async def _lines(settings: "Settings") -> list[Finding]:
    """Gateway, hub and clock, asked for real."""
    from cashier.adapters import enquiry_of, gateway_of, hub_client, line_of
    from cashier.secrets import Secrets

    secrets = Secrets(settings.site, settings.till, os.environ)
    findings = []
    try:
        line = line_of(settings)
    except Refused as refused:
        return [Finding("proxy", State.FAULT, "cannot be used", refused.user_text)]
    async with line as http:
        try:
            gateway = gateway_of(settings, secrets, http)
            for biller in settings.billers:
                name = f"gateway, biller {biller.name}"
                findings.append(await _asked(name, partial(gateway.biller_status, biller.name)))
            enquiry = enquiry_of(settings, secrets, http)
            findings += [await _enquiry(enquiry, biller.name) for biller in settings.billers]
            client = hub_client(settings, secrets, http)
            findings.append(await _asked("hub", client.health))
            findings.append(await _asked("hub knows this till", lambda: client.pull(0, 1)))
        except Refused as refused:
            findings.append(Finding("gateway and hub", State.FAULT, "not asked", refused.user_text))
        findings.append(await _clock(settings, http))
    return findings


async def _enquiry(enquiry: "InvoiceEnquiry", biller: str) -> Finding:
    """Whether the gateway can be asked what became of a payment: a made-up invoice must be "not found"."""
    from cashier.gateway.transport import GatewayRefused
    from cashier.secrets import web_service_key_name

    what = f"enquiry, biller {biller}"
    if not enquiry.can_ask(biller):
        return Finding(
            what,
            State.WARNING,
            "not set up: payments in doubt resolve by postback or a supervisor only",
            f"Set the biller's guid, then `cashier secret set {web_service_key_name(biller)}`.",
        )
    try:
        await asyncio.wait_for(enquiry.ask(MADE_UP_INVOICE, biller), CHECK_MAX_S)
    except GatewayRefused as refused:
        return Finding(what, State.FAULT, "credentials refused", refused.user_text)
    except CashierError as error:
        return Finding(what, State.FAULT, "no clear answer", error.user_text)
    except TimeoutError:
        return Finding(what, State.FAULT, f"no answer in {CHECK_MAX_S} s", "Check the line and the address.")
    return Finding(what, State.OK, "enquiry answers")


async def _asked(what: str, ask: Callable[[], Awaitable[object]]) -> Finding:
    try:
        await asyncio.wait_for(ask(), CHECK_MAX_S)
    except CashierError as error:
        return Finding(what, State.FAULT, "no", error.user_text)
    except TimeoutError:
        return Finding(what, State.FAULT, f"no answer in {CHECK_MAX_S} s", "Check the line and the address.")
    return Finding(what, State.OK, "answers")


async def _clock(settings: "Settings", http: "httpx.AsyncClient") -> Finding:
    """This machine's clock against the `Date` of the gateway's answer, whatever the answer is."""
    import httpx

    try:
        answer = await http.get(settings.gateway.base_url, timeout=CHECK_MAX_S)
        theirs = email.utils.parsedate_to_datetime(answer.headers["Date"])
    except (httpx.HTTPError, KeyError, ValueError):
        return Finding("clock", State.WARNING, "could not be compared", "Ask the gateway again later.")
    off = abs((dt.datetime.now(dt.UTC) - theirs).total_seconds())
    if off > CLOCK_OFF_MAX_S:
        return Finding("clock", State.WARNING, f"{off:.0f} s off", "Switch on network time on this machine.")
    return Finding("clock", State.OK, f"within {off:.0f} s of the gateway's")
