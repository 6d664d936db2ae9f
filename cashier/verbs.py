"""What the command line's verbs do, over the parts that bootstrap plugs together."""

import asyncio
import contextlib
import datetime as dt
import os
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, TextIO

from cashier import paths
from cashier.adapters import hub_client, line_of, profiles
from cashier.bootstrap import open_till, opener, training_till
from cashier.clock import SystemClock
from cashier.data_files import real_settings
from cashier.domain.entries import Json
from cashier.domain.errors import InDoubt, Refused
from cashier.domain.fees import PerUnit, Schedule, bases_of, context_measures_of, measures_of, units_of
from cashier.domain.payment import PaymentState
from cashier.domain.pricing import PricedFee, price, price_alone, request
from cashier.domain.receipt import Receipt
from cashier.domain.settlement import HubCharge, SettlementReport
from cashier.till.till import Till

if TYPE_CHECKING:
    from cashier.gateway.salemembers import BillerLimits
    from cashier.settings import Settings

#: Postbacks are asked for this long before and after the days of a settlement file.
HUB_MARGIN_DAYS = 31
_EARLIEST = dt.date(2000, 1, 1)


def biller_limits(settings: "Settings | None") -> "BillerLimits":
    """What a sale file is held to: the billers' invoice types and their largest maximum by card."""
    from cashier.domain.money import parse_cents
    from cashier.gateway.salemembers import BillerLimits

    if settings is None:
        return BillerLimits(None, None)
    types = frozenset(type_id for biller in settings.billers for type_id in biller.invoice_types)
    maxima = [biller.card_maximum for biller in settings.billers]
    limit = None if None in maxima else max(parse_cents(text) for text in maxima if text is not None)
    return BillerLimits(types, limit)


def print_request(file: Path, *, exact: bool, settings_file: Path) -> str:
    """The CPV2 request of a sale file, as it is sent or, exact, as its partner sends it.

    Without a settings file it is checked against the profile alone, and the counter's own additions are
    shown with a made-up reference and address.
    """
    from cashier.gateway.cpv2 import request_text
    from cashier.gateway.salefile import load_sale
    from cashier.settings import load
    from cashier.till.ports import CounterExtras

    settings = load(settings_file) if settings_file.exists() else None
    known = profiles()
    sale = load_sale(file, known, biller_limits(settings), SystemClock().today())
    till = settings.till if settings else "A"
    hub = (settings.hub.public_url or settings.hub.url) if settings else "https://hub.example.org"
    extras = CounterExtras(
        reference=f"{till}-{'0' * 32}",
        postback_url=f"{hub}/pb/v1/site/token",
        return_url=settings.return_url if settings else None,
        cashier_name=None,
    )
    return request_text(sale, known[sale.profile], None if exact else extras)


async def launch_file(
    file: Path,
    *,
    training: bool,
    settings_file: Path,
    sandbox_options: Sequence[str],
    wait_s: float,
    tell: Callable[[str], object],
) -> bool:
    """Launch a sale file's card payment; whether it came as far as asked.

    Raises InDoubt when nothing certain was heard of it in time.
    """
    from cashier.gateway.salefile import load_sale
    from cashier.secrets import Secrets

    known, today = profiles(), SystemClock().today()
    async with contextlib.AsyncExitStack() as stack:
        if training:
            load_sale(file, known, biller_limits(None), today)  # a faulty file starts nothing
            till, settings = await stack.enter_async_context(training_till(sandbox_options))
            sale = load_sale(file, known, biller_limits(settings), today)
        else:
            settings = real_settings(settings_file)
            sale = load_sale(file, known, biller_limits(settings), today)
            secrets = Secrets(settings.site, settings.till, os.environ)
            till = await stack.enter_async_context(
                open_till(settings, secrets, schedules=paths.own_schedules(settings_file))
            )
        if till.people.signed_in is None:
            till.people.unattended()
        url = await till.pay_sale(sale)
        assert till.current_reference is not None
        tell(f"reference {till.current_reference}")
        tell(f"page {url}")
        return wait_s <= 0 or await _settled(till, till.current_reference, wait_s, tell)


async def _settled(till: Till, reference: str, wait_s: float, tell: Callable[[str], object]) -> bool:
    """Wait for a fact; whether it was an approval.

    A declined card is told at once, although the page, wherever it is open, may still take another one: until
    the payment is settled its invoices stay held.
    """
    changed = asyncio.Event()
    till.subscribe(changed.set)
    with contextlib.suppress(TimeoutError):
        async with asyncio.timeout(wait_s):
            while (payment := till.payment(reference)) is not None and payment.locks_sale:
                if payment.state is PaymentState.OPEN and payment.card_declined:
                    break
                changed.clear()
                await changed.wait()
    payment = till.payment(reference)
    assert payment is not None
    receipt = till.snapshot().receipt
    declined = payment.state is PaymentState.OPEN and payment.card_declined
    tell(f"state {PaymentState.DECLINED.value if declined else payment.state.value}")
    if receipt is not None:
        tell(f"receipt {receipt.number}")
    if payment.state is PaymentState.IN_DOUBT:
        raise InDoubt("No word from the gateway that settles this payment. Charge nobody again.")
    return payment.state is PaymentState.APPROVED


def price_fees(
    schedule: Schedule, codes: Sequence[str], quantity: int, measures: Sequence[str]
) -> tuple[PricedFee, ...]:
    """Price one fee by itself, or several as one sale. `measures` are `name=N`.

    Of several, each takes what it asks for. Raises Refused for what none of them asks for.
    """
    given = _measures(measures)
    if len(codes) == 1:
        wanted = request(schedule, codes[0], quantity, given)
        return (price_alone(schedule, wanted.code, wanted.quantity, wanted.measures),)
    counted = {code for code in codes if units_of(schedule.fee(code))}
    asked = {code: _asked(schedule, code, codes) for code in codes}
    unasked = [name for name in given if not any(name in names for names in asked.values())]
    faults = [f"--measure {name[:40]!r}: none of these fees takes it" for name in unasked]
    if quantity != 1 and not counted:
        faults.append(f"--quantity {quantity}: none of these fees takes a quantity")
    if faults:
        raise Refused(faults[0], tuple(faults))
    requests = [
        request(
            schedule,
            code,
            quantity if code in counted else 1,
            {name: value for name, value in given.items() if name in asked[code]},
        )
        for code in codes
    ]
    return price(schedule, requests)


def _measures(texts: Sequence[str]) -> dict[str, str]:
    given: dict[str, str] = {}
    for text in texts:
        name, equals, value = text.partition("=")
        name = name.strip().casefold().replace("-", "_").replace(" ", "_")
        if not equals or not name:
            raise Refused(f"--measure {text[:40]!r}: is not name=N")
        if name in given:
            raise Refused(f"--measure {name[:40]!r}: is given twice")
        given[name] = value
    return given


def _asked(schedule: Schedule, code: str, codes: Sequence[str]) -> set[str]:
    """The measures a fee can take on a sale of these: a share of a fee that is not there takes that one's."""
    fee = schedule.fee(code)
    context = () if set(bases_of(fee)) & set(codes) else context_measures_of(schedule, code)
    names = {measure.name for measure in (*measures_of(fee), *context)}
    return names | {fee.rule.measure_name} if isinstance(fee.rule, PerUnit) else names


@dataclass(frozen=True)
class ChainReport:
    """What verification found, in a line."""

    holds: bool
    text: str


def close_day(settings_file: Path) -> Json:
    """Close the open business date of a till whose window is closed, and give its Z.

    Raises Refused while the window holds the journal.
    """
    from cashier.clock import SystemClock, SystemRandomness
    from cashier.data_files import journal_of, real_settings
    from cashier.till import day

    settings, clock = real_settings(settings_file), SystemClock()
    with journal_of(settings, clock) as journal:
        by, till = settings.cashier, settings.till
        return day.close_day(journal, clock, SystemRandomness(), by, till=till).body


def verify_journal(file: Path) -> ChainReport:
    """Verify a journal file without its lock."""
    from cashier.journal.verify import verify_file

    found = verify_file(file)
    if found.broken is not None:
        return ChainReport(False, f"{file}: BROKEN at entry {found.broken.seq}: {found.broken.reason}")
    return ChainReport(True, f"{file}: {found.entries} entries hold; last hash {found.head}")


def search_journal(files: Sequence[Path], text: str, limit: int) -> list[Receipt]:
    """Receipts of journal files, found without their locks: those of the first file first."""
    from cashier.journal.search import search_file

    found: list[Receipt] = []
    for file in files:
        found += search_file(file, text, limit - len(found), SystemClock().today)
    return found


def export_journal(file: Path, out: Path | None, standard: TextIO, *, receipts: bool) -> int:
    """Write a journal file's entries, or its receipts as CSV, to a file or a stream; how many.

    A file is whole or not there, and its owner's only: it names payers. Raises Refused when it cannot be.
    """
    from cashier.journal.export import export_entries, export_receipts

    export = export_receipts if receipts else export_entries
    if out is None:
        return export(file, standard)
    out = out.resolve()
    if out.exists() and not out.is_file():
        raise Refused(f"{out}: cannot be written: is not a file")
    source = file.resolve()
    if out in {source, *(source.with_name(source.name + end) for end in ("-wal", "-shm", ".lock"))}:
        raise Refused(f"{out}: cannot be written: belongs to the journal")
    part = out.with_name(out.name + ".part")
    try:
        part.unlink(missing_ok=True)
        part.touch(mode=0o600)
        with part.open("w", encoding="utf-8", newline="") as stream:
            count = export(file, stream)
            stream.flush()
            os.fsync(stream.fileno())
        part.replace(out)
    except OSError as error:
        raise Refused(f"{out}: cannot be written: {error.strerror}") from None
    finally:
        with contextlib.suppress(OSError):
            part.unlink(missing_ok=True)
    return count


async def match_settlement(
    file: Path,
    *,
    first: dt.date | None,
    last: dt.date | None,
    with_hub: bool,
    training: bool,
    settings_file: Path,
    journal: Path,
) -> SettlementReport:
    """Match the gateway's settlement file with a journal, read without its lock, and with the hub.

    The days are those whose charges are expected in the file; without them, the days that the file names.
    Changes nothing. Raises Refused for a file with faults, Unavailable when the hub cannot be asked.
    """
    from cashier.domain.charges import journal_charges, journal_refunds
    from cashier.domain.entries import utc_text
    from cashier.domain.settling import match
    from cashier.gateway.settlement import ColumnNames, FileShape, read_settlement
    from cashier.journal.walk import walking_entries
    from cashier.settings_tables import SettlementSettings
    from cashier.training import SITE, TILL

    if training and with_hub:
        raise Refused("The hub of a training session ends with it. Give --without-hub.")
    settings = None if training else real_settings(settings_file)
    written = (settings.settlement if settings else SettlementSettings()).model_dump()
    found = read_settlement(file, FileShape(**written | {"columns": ColumnNames(**written["columns"])}))
    dates = [line.date for line in found.lines if line.date is not None]
    first, last = first or min(dates, default=None), last or max(dates, default=None)
    if first is None or last is None:
        raise Refused(f"{found.name}: names no days. Give --from and --to.")
    if first > last:
        raise Refused(f"--from {first.isoformat()} is after --to {last.isoformat()}")
    with walking_entries(journal) as entries:
        charges = journal_charges(entries)
    with walking_entries(journal) as entries:
        refunds = journal_refunds(entries)
    hub = (
        await _hub_charges(settings, min(first, *dates), max(last, *dates)) if settings and with_hub else None
    )
    till = settings.till if settings else TILL
    return SettlementReport(
        agency=settings.agency if settings else "Training",
        site=settings.site if settings else SITE,
        till=till,
        file_name=found.name,
        sha256=found.sha256,
        first=first,
        last=last,
        made_at=utc_text(SystemClock().now()),
        match=match(
            found.lines, charges, hub, till, lambda stamp: first <= _local_day(stamp) <= last, refunds
        ),
        training=training,
    )


def _local_day(stamp: str) -> dt.date:
    return dt.datetime.fromisoformat(stamp).astimezone().date()


async def _hub_charges(settings: "Settings", first: dt.date, last: dt.date) -> list[HubCharge]:
    """What the hub was told around these days: a postback may come a month late."""
    from cashier.secrets import Secrets

    margin = dt.timedelta(days=HUB_MARGIN_DAYS)
    start, end = max(first, _EARLIEST) - margin, min(last, SystemClock().today()) + margin
    async with line_of(settings) as http:
        client = hub_client(settings, Secrets(settings.site, settings.till, os.environ), http)
        return await client.charges(start, max(start, end))


def tell_settlement(report: SettlementReport, form: str | None, out: TextIO) -> None:
    """Write a report as `json`, as `csv`, or for a person."""
    from cashier.paper.settlement_text import report_json, text_lines, write_csv

    if form == "csv":
        write_csv(report, out)
    else:
        lines = [report_json(report)] if form == "json" else text_lines(report)
        out.writelines(f"{line}\n" for line in lines)


def print_settlement(report: SettlementReport, out: Path, sources: Sequence[Path]) -> None:
    """Write a report as a PDF, whole or not at all. Raises Refused when it cannot be.

    `sources` are the files it was made of, which it must not replace.
    """
    import sys

    from PySide6.QtGui import QGuiApplication

    from cashier.paper.settlement_page import pdf_bytes

    out = out.resolve()
    if out in {source.resolve() for source in sources} or (out.exists() and not out.is_file()):
        raise Refused(f"{out}: cannot be written: is one of the sources, or not a file")
    # Painting needs an application; a page needs no screen.
    screenless = ("-platform", "offscreen") if sys.platform == "linux" else ()
    application = QGuiApplication.instance() or QGuiApplication(["cashier", *screenless])
    data = pdf_bytes(report)
    del application
    part = out.with_name(out.name + ".part")
    try:
        part.write_bytes(data)
        part.replace(out)
    except OSError as error:
        raise Refused(f"{out}: cannot be written: {error.strerror}") from None
    finally:
        with contextlib.suppress(OSError):
            part.unlink(missing_ok=True)


def run_tour(out: Path, tell: Callable[[str], object]) -> int:
    """Drive the real windows through a training sale; the exit code."""
    from cashier.ui.app import run
    from cashier.ui.tour import Tour

    try:
        out.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise Refused(f"{out}: cannot be made: {error.strerror}") from None
    tour = Tour(out, tell)
    open_it = opener(training=True, settings_file=paths.settings_file())
    return run(open_it, paths.resources(), training=True, drive=tour.drive)
