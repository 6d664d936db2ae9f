"""The command line: one verb per use case. How it ends is in endings.py."""

import json
import os
import sys
from collections.abc import Coroutine
from pathlib import Path
from typing import Any, TypeVar

import click

from cashier import paths
from cashier.cli_copies import journal_backup, journal_import, journal_restore, journal_unsent, retire
from cashier.cli_enrol import enrol
from cashier.cli_fees import fees_export, fees_import, fees_withdraw
from cashier.cli_people import people
from cashier.cli_readers import readers
from cashier.cli_receipt import receipt as receipt_verbs
from cashier.cli_reports import report
from cashier.cli_servers import hub, known_fault, sandbox
from cashier.domain.errors import Refused
from cashier.endings import Seconds, Verbs

DATE = "%Y-%m-%d"
Result = TypeVar("Result")


@click.group(cls=Verbs, invoke_without_command=True)
@click.version_option(package_name="cashier", prog_name="cashier")
@click.option("--training", is_flag=True, help="Train: own data, a sandbox for the gateway, no money moves.")
@click.option(
    "--settings", "settings_file", type=click.Path(path_type=Path), help="Settings file (TOML) of the till."
)
@click.option("--fault", default=None, help="In training: the fault of every payment, e.g. no-postback.")
@click.option("--profile", default=None, help="In training: another partner's profile, e.g. leadsonline.")
@click.pass_context
def cli(
    ctx: click.Context, training: bool, settings_file: Path | None, fault: str | None, profile: str | None
) -> None:
    """The permit counter till. Without a verb it opens the window."""
    if settings_file is not None and not settings_file.exists():
        raise Refused(f"{settings_file}: no settings file")
    if fault is not None and not training:
        raise Refused("--fault is for --training only")
    if profile is not None and (not training or ctx.invoked_subcommand is not None):
        raise Refused("--profile is for the window in training: `cashier --training --profile leadsonline`")
    file = settings_file or paths.settings_file()
    options = ("--fault", known_fault(fault).value) if fault is not None else ()
    ctx.obj = {"training": training, "settings": file, "sandbox_options": options}
    if ctx.invoked_subcommand is None:
        from cashier.ui.app import run

        overrides = None
        if profile is not None:
            from cashier.training import with_profile

            overrides = with_profile(profile)

        def open_it() -> Any:
            # After the first paint: it brings in what the window does not need.
            from cashier.bootstrap import opener

            return opener(
                training=training, settings_file=file, sandbox_options=options, overrides=overrides
            )()

        def starts() -> Any:
            from cashier.bootstrap import starts_of

            return starts_of(file)

        begin = None if training else starts
        ctx.exit(run(open_it, paths.resources(), training=training, starts=begin))


def _run(work: Coroutine[Any, Any, Result]) -> Result:
    """Run a coroutine to its end."""
    import asyncio  # late: it brings in ssl, which nothing before the window's first paint may

    return asyncio.run(work)


def _settings(ctx: click.Context) -> Any:
    from cashier.settings import load

    return load(ctx.obj["settings"])


# -- sales ---------------------------------------------------------------------------------------------


@cli.group()
def sale() -> None:
    """Sales as files."""


@sale.command("request")
@click.option("--input", "file", required=True, type=click.Path(path_type=Path), help="The sale file (JSON).")
@click.option("--exact", is_flag=True, help="The partner's own shape, without what a counter adds.")
@click.pass_context
def sale_request(ctx: click.Context, file: Path, exact: bool) -> None:
    """Print the CPV2 request of a sale."""
    from cashier.verbs import print_request

    # As bytes: the very bytes that are sent, on every system.
    click.echo(print_request(file, exact=exact, settings_file=ctx.obj["settings"]).encode())


@sale.command("launch")
@click.option("--input", "file", required=True, type=click.Path(path_type=Path), help="The sale file (JSON).")
@click.option(
    "--wait",
    "wait_s",
    type=Seconds(),
    default=0.0,
    show_default=True,
    help="Seconds to wait for the payment's end.",
)
@click.pass_context
def sale_launch(ctx: click.Context, file: Path, wait_s: float) -> None:
    """Record a card payment for a sale, register it, and print its reference and its page's address."""
    from cashier.verbs import launch_file

    work = launch_file(
        file,
        training=ctx.obj["training"],
        settings_file=ctx.obj["settings"],
        sandbox_options=ctx.obj["sandbox_options"],
        wait_s=wait_s,
        tell=click.echo,
    )
    if not _run(work):
        ctx.exit(1)


# -- fees ---------------------------------------------------------------------------------------------


@cli.group()
def fees() -> None:
    """Fee schedules."""


_schedule = click.option("--schedule", required=True, help="Name of a schedule, e.g. lakeland.")
_on = click.option("--on", "on", type=click.DateTime([DATE]), default=None, help="Business date; today.")


def _find(ctx: click.Context, schedule: str, on: Any) -> Any:
    from cashier.adapters import schedule_on
    from cashier.clock import SystemClock

    own = paths.own_schedules(ctx.obj["settings"])
    return schedule_on(schedule, on.date() if on else SystemClock().today(), own)


@fees.command("list")
@_schedule
@_on
@click.pass_context
def fees_list(ctx: click.Context, schedule: str, on: Any) -> None:
    """List a schedule's fees: code, price, invoice type, name."""
    from cashier.domain.pricing import quick_price

    found = _find(ctx, schedule, on)
    width = max(len(fee.code) for fee in found.fees)
    for fee in found.fees:
        price = quick_price(found, fee.code)
        click.echo(f"{fee.code:{width}}  {price:>26}  type {fee.type_id:<4} {fee.name}")


@fees.command("price")
@_schedule
@_on
@click.option("--fee", "codes", required=True, multiple=True, help="Code of a fee; several for one sale.")
@click.option("--valuation", default=None, help="Valuation in dollars, e.g. 25500.")
@click.option("--quantity", default=1, show_default=True, type=click.IntRange(1), help="How many.")
@click.option("--measure", "measures", multiple=True, help="name=N, e.g. square_feet=5200.")
@click.pass_context
def fees_price(
    ctx: click.Context,
    schedule: str,
    on: Any,
    codes: tuple[str, ...],
    valuation: str | None,
    quantity: int,
    measures: tuple[str, ...],
) -> None:
    """Price fees and print how, the total last."""
    from cashier.domain.money import format_cents
    from cashier.domain.pricing import total_cents
    from cashier.verbs import price_fees

    if valuation is not None:
        measures = (f"valuation={valuation}", *measures)
    priced = price_fees(_find(ctx, schedule, on), codes, quantity, measures)
    for item in priced:
        click.echo(f"{item.name}: {item.explanation} = {format_cents(item.amount_cents)}")
    click.echo(f"Total {format_cents(total_cents(priced))}")


fees.add_command(fees_import)
fees.add_command(fees_export)
fees.add_command(fees_withdraw)


# -- journal ---------------------------------------------------------------------------------------------


@cli.group()
@click.option(
    "--file", "file", type=click.Path(path_type=Path), default=None, help="A journal; the till's own."
)
@click.pass_context
def journal(ctx: click.Context, file: Path | None) -> None:
    """Look into a journal, copy it, build it anew. None of these verbs changes one that is there."""
    ctx.obj["journal"] = file


def journal_file(ctx: click.Context) -> Path:
    """The journal that a verb looks into: the one of --file, else the till's own."""
    from cashier.data_files import JOURNAL, data_folder

    given: Path | None = ctx.obj.get("journal")
    if given is not None:
        return given
    if ctx.obj["training"]:
        return paths.data_folder(training=True) / JOURNAL
    if not ctx.obj["settings"].exists():
        return paths.data_folder(training=False) / JOURNAL
    return data_folder(_settings(ctx)) / JOURNAL


def _searched(ctx: click.Context) -> list[Path]:
    """The journals that receipts are looked for in: with the till's own those that were rescued to it."""
    from cashier.data_files import imported_files

    own = journal_file(ctx)
    if ctx.obj["journal"] is not None or ctx.obj["training"] or not ctx.obj["settings"].exists():
        return [own]
    return [own, *imported_files(_settings(ctx))]


@journal.command("verify")
@click.argument("file", default=None, required=False, type=click.Path(path_type=Path))
@click.option("--with-hub", is_flag=True, help="Compare the till's own with the hub's copy and anchors, too.")
@click.pass_context
def journal_verify(ctx: click.Context, file: Path | None, with_hub: bool) -> None:
    """Check the hash chain from the first entry to the last; names the first bad entry.

    FILE is a sealed export, or a journal; the till's own without it.
    """
    if with_hub and (file is not None or ctx.obj["journal"] is not None or ctx.obj["training"]):
        raise Refused("--with-hub is for the till's own journal.")
    from cashier.report_verbs import is_sealed, verify_sealed
    from cashier.verbs import verify_journal

    if file is not None and not file.is_file():
        raise Refused(f"{file}: no such file")
    if file is not None and is_sealed(file):
        holds, lines = verify_sealed(file)
        for line in lines:
            click.echo(f"{file}: {line}", err=not holds)
        ctx.exit(0 if holds else 1)
    if file is not None:
        ctx.obj["journal"] = file
    told = verify_journal(journal_file(ctx))
    click.echo(told.text, err=not told.holds)
    if with_hub:
        from cashier.copy_verbs import verify_with_hub

        click.echo(_run(verify_with_hub(ctx.obj["settings"])))
    ctx.exit(0 if told.holds else 1)


@journal.command("search")
@click.argument("text", default="")
@click.option("--limit", default=20, show_default=True, type=click.IntRange(1, 1000))
@click.option("--json", "as_json", is_flag=True, help="One JSON object a line.")
@click.pass_context
def journal_search(ctx: click.Context, text: str, limit: int, as_json: bool) -> None:
    """Find receipts: number, payer, permit, invoice, amount, a date, today, yesterday."""
    from cashier.domain.money import format_dollars
    from cashier.domain.records import receipt_to_json
    from cashier.verbs import search_journal

    for receipt in search_journal(_searched(ctx), text, limit):
        if as_json:
            click.echo(json.dumps({"number": receipt.number, **receipt_to_json(receipt)}, ensure_ascii=False))
        else:
            state = "PARTLY PAID" if receipt.is_part else "PAID"
            permit = receipt.permit.number if receipt.permit else ""
            click.echo(
                f"{receipt.number}  {receipt.business_date}  {format_dollars(receipt.paid_cents):>12}  "
                f"{state}  {receipt.customer.name}  {permit}".rstrip()
            )


@journal.command("export")
@click.option(
    "--out", "out", type=click.Path(path_type=Path), default=None, help="A file; else standard output."
)
@click.option("--receipts", is_flag=True, help="The receipts as CSV instead.")
@click.pass_context
def journal_export(ctx: click.Context, out: Path | None, receipts: bool) -> None:
    """Write every entry as one JSON object a line, hashes included, or the receipts as CSV."""
    from cashier.verbs import export_journal

    count = export_journal(journal_file(ctx), out, sys.stdout, receipts=receipts)
    if out is None:
        sys.stdout.flush()  # here a reader that is gone is told quietly; at the interpreter's end it is not
    else:
        click.echo(f"{count} {'receipts' if receipts else 'entries'} written to {out}", err=True)


@journal.command("seal")
@click.option("--from", "first", required=True, type=click.DateTime([DATE]), help="First business date.")
@click.option("--to", "last", required=True, type=click.DateTime([DATE]), help="Last one.")
@click.argument("out", type=click.Path(path_type=Path))
@click.pass_context
def journal_seal(ctx: click.Context, first: Any, last: Any, out: Path) -> None:
    """Seal the entries of some days into OUT.zip for an auditor, with tables and a verifier in it."""
    from cashier.report_verbs import seal

    settings = None if ctx.obj["training"] or not ctx.obj["settings"].exists() else _settings(ctx)
    count, head = seal(journal_file(ctx), settings, out, first.date(), last.date())
    click.echo(f"{count} entries sealed in {out}; last hash {head}")


journal.add_command(journal_import)
journal.add_command(journal_restore)
journal.add_command(journal_backup)
journal.add_command(journal_unsent)


@cli.group()
def day() -> None:
    """The business day."""


@day.command("close")
@click.pass_context
def day_close(ctx: click.Context) -> None:
    """Close the open business date and print its Z; what is not settled is carried on by name."""
    from cashier.till.day import z_text
    from cashier.verbs import close_day

    if ctx.obj["training"]:
        raise Refused("A training session has no day of its own to close. Leave out --training.")
    click.echo(z_text(close_day(ctx.obj["settings"])))


# -- settlement --------------------------------------------------------------------------------------------


@cli.group()
def settlement() -> None:
    """The gateway's settlement file."""


@settlement.command("match")
@click.option(
    "--file", "file", required=True, type=click.Path(path_type=Path), help="The settlement file (CSV)."
)
@click.option("--from", "first", type=click.DateTime([DATE]), default=None, help="First day; the file's.")
@click.option("--to", "last", type=click.DateTime([DATE]), default=None, help="Last day; the file's.")
@click.option("--json", "form", flag_value="json", help="One JSON object.")
@click.option("--csv", "form", flag_value="csv", help="A table.")
@click.option(
    "--pdf", "pdf", type=click.Path(path_type=Path), default=None, help="Also print into this file."
)
@click.option("--without-hub", is_flag=True, help="Match with the journal alone.")
@click.pass_context
def settlement_match(
    ctx: click.Context,
    file: Path,
    first: Any,
    last: Any,
    form: str | None,
    pdf: Path | None,
    without_hub: bool,
) -> None:
    """Match it with this till's journal and the hub; ends with 1 when there is anything to look at."""
    from cashier.verbs import match_settlement, print_settlement, tell_settlement

    file_of_journal = journal_file(ctx)
    work = match_settlement(
        file,
        first=first.date() if first else None,
        last=last.date() if last else None,
        with_hub=not without_hub,
        training=ctx.obj["training"],
        settings_file=ctx.obj["settings"],
        journal=file_of_journal,
    )
    report = _run(work)
    if pdf is not None:
        print_settlement(report, pdf, (file, file_of_journal))
    tell_settlement(report, form, sys.stdout)
    sys.stdout.flush()
    ctx.exit(0 if report.match.agrees else 1)


# -- servers ---------------------------------------------------------------------------------------------


cli.add_command(hub)
cli.add_command(sandbox)
cli.add_command(readers)
cli.add_command(receipt_verbs)
cli.add_command(report)
cli.add_command(people)
cli.add_command(enrol)
cli.add_command(retire)


# -- the till ---------------------------------------------------------------------------------------------


@cli.group()
def secret() -> None:
    """The till's secrets, kept in the system's keyring."""


@secret.command("set")
@click.argument("name")
@click.pass_context
def secret_set(ctx: click.Context, name: str) -> None:
    """Set a secret: till-key, pin-pepper, mail-password, api-key-BILLER or web-service-key-BILLER.

    It is asked for, or read from standard input. With another pin-pepper every PIN must be set anew.
    """
    from cashier.secrets import (
        MAIL_PASSWORD,
        PIN_PEPPER,
        TILL_KEY,
        Secrets,
        api_key_name,
        web_service_key_name,
    )

    settings = _settings(ctx)
    kinds = (api_key_name, web_service_key_name)
    of_billers = (kind(biller.name) for kind in kinds for biller in settings.billers)
    known = [TILL_KEY, *of_billers, PIN_PEPPER, MAIL_PASSWORD]
    if name not in known:
        raise Refused(f"{name[:40]!r} is not a secret of this till; there are: {', '.join(known)}")
    value = click.prompt(name, hide_input=True) if sys.stdin.isatty() else sys.stdin.readline().strip()
    if not value:
        raise Refused(f"{name}: nothing was given")
    Secrets(settings.site, settings.till, os.environ).write(name, value)
    click.echo(f"{name} is set")


@cli.command()
@click.argument("out", type=click.Path(path_type=Path))
@click.pass_context
def tour(ctx: click.Context, out: Path) -> None:
    """Drive the real windows through a training sale and leave numbered pictures in OUT."""
    from cashier.verbs import run_tour

    ctx.exit(run_tour(out, tell=click.echo))


@cli.command()
@click.option("--json", "as_json", is_flag=True)
@click.pass_context
def doctor(ctx: click.Context, as_json: bool) -> None:
    """Check this machine: versions, SQLite, WebEngine, keyring, gateway, hub, clock."""
    from cashier.doctor import examine

    findings = _run(examine(ctx.obj["settings"], training=ctx.obj["training"]))
    for finding in findings:
        line = {
            "what": finding.what,
            "state": finding.state.value,
            "detail": finding.detail,
            "do": finding.do,
        }
        if as_json:
            click.echo(json.dumps(line, ensure_ascii=False))
        else:
            advice = f"  → {finding.do}" if finding.do else ""
            click.echo(f"{finding.state.value:8} {finding.what:22} {finding.detail}{advice}")
    ctx.exit(1 if any(finding.is_fault for finding in findings) else 0)
