"""`cashier report`: daily receipts, the deposit slip, the X report. All of them read, and change nothing."""

import json
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any, TypeVar

import click

from cashier import paths
from cashier.domain.errors import Refused

_DATE = "%Y-%m-%d"
Verb = TypeVar("Verb", bound=Callable[..., Any])
_page = click.option("--page", type=click.Choice(["Letter", "A4"]), default="Letter", show_default=True)


def _file(name: str, help_text: str) -> Callable[[Verb], Verb]:
    return click.option(name, type=click.Path(path_type=Path), default=None, help=help_text)


@click.group()
@click.option(
    "--file", "file", type=click.Path(path_type=Path), default=None, help="A journal; the till's own."
)
@click.pass_context
def report(ctx: click.Context, file: Path | None) -> None:
    """Reports of a journal, in use or not."""
    ctx.obj["journal"] = file


def _sources(ctx: click.Context) -> tuple[Path, Any]:
    """The journal file and the settings, None in training."""
    from cashier.data_files import JOURNAL, data_folder
    from cashier.settings import load

    given: Path | None = ctx.obj["journal"]
    settings = None if ctx.obj["training"] else load(ctx.obj["settings"])
    if given is not None:
        return given, settings
    folder = paths.data_folder(training=True) if settings is None else data_folder(settings)
    return folder / JOURNAL, settings


_site = click.option("--site", "site", is_flag=True, help="Every till of the site, from the hub.")


def _of_site(ctx: click.Context, scope: Any) -> Any:
    """A site's report, with a warning for each till that may have more."""
    from cashier.report_verbs import site_daily

    if ctx.obj["training"]:
        raise Refused("A training session has no site. Leave out --training, or --site.")
    if ctx.obj["journal"] is not None:
        raise Refused("--site reads what the hub has, and --file a journal: leave out one of them.")
    found = site_daily(ctx.obj["settings"], scope)
    for source in found.unsynced:
        click.echo(source.told, err=True)
    return found


@report.command("daily")
@click.option("--date", "date", required=True, type=click.DateTime([_DATE]), help="Business date.")
@click.option("--to", "last", type=click.DateTime([_DATE]), default=None, help="Last one; the same.")
@click.option("--till", "till", default="", help="One till; every one.")
@click.option("--clerk", "clerk", default="", help="One clerk, by name; everybody.")
@click.option(
    "--revision", default=0, type=click.IntRange(0), help="Of a day that was opened again; the last."
)
@_file("--pdf", "Print into this file.")
@_file("--csv", "Every row as a table, into this file.")
@click.option("--json", "as_json", is_flag=True, help="The figures as one JSON object.")
@_site
@_page
@click.pass_context
def report_daily(
    ctx: click.Context,
    date: Any,
    last: Any,
    till: str,
    clerk: str,
    revision: int,
    pdf: Path | None,
    csv: Path | None,
    as_json: bool,
    site: bool,
    page: str,
) -> None:
    """Daily receipts of business dates: totals, every instrument, voids and refunds apart.

    With --site of every till of the site, from the hub: which tills may have more is told.
    """
    from cashier.domain.daily import Scope
    from cashier.report_verbs import daily, print_report, save_csv

    journal, settings = _sources(ctx)
    if pdf is not None and csv is not None and pdf.resolve() == csv.resolve():
        raise Refused("--pdf and --csv name the same file")
    first = date.date()
    scope = Scope(first, last.date() if last else first, till, clerk, revision)
    found = _of_site(ctx, scope) if site else daily(journal, settings, scope)
    if pdf is not None:
        print_report(found, pdf, page, (journal,))
    if csv is not None:
        save_csv(found, csv, (journal,))
    _tell(found, as_json)


@report.command("x")
@_file("--pdf", "Print into this file.")
@click.option("--json", "as_json", is_flag=True, help="The figures as one JSON object.")
@_page
@click.pass_context
def report_x(ctx: click.Context, pdf: Path | None, as_json: bool, page: str) -> None:
    """The open business date of this till so far. Changes nothing."""
    from cashier.report_verbs import print_report, x_now

    journal, settings = _sources(ctx)
    found = x_now(journal, settings)
    if pdf is not None:
        print_report(found, pdf, page, (journal,))
    _tell(found, as_json)


@report.command("deposit")
@click.option("--date", "date", required=True, type=click.DateTime([_DATE]), help="Business date.")
@click.option("--till", "till", default="", help="One till; every one.")
@click.option("--pdf", "pdf", required=True, type=click.Path(path_type=Path), help="Print into this file.")
@_site
@_page
@click.pass_context
def report_deposit(ctx: click.Context, date: Any, till: str, pdf: Path, site: bool, page: str) -> None:
    """The deposit slip of a business date: cash, and every check."""
    from cashier.domain.daily import Scope
    from cashier.domain.money import format_dollars
    from cashier.report_verbs import daily, print_deposit

    journal, settings = _sources(ctx)
    scope = Scope(date.date(), date.date(), till)
    found = _of_site(ctx, scope) if site else daily(journal, settings, scope)
    print_deposit(found, pdf, page, (journal,))
    total = sum(tally.amount_cents for tally in found.figures.drawer.values())
    click.echo(f"Deposit {format_dollars(total)} written to {pdf}")


def _tell(found: Any, as_json: bool) -> None:
    from cashier.domain.daily_text import report_lines, report_members

    if as_json:
        click.echo(json.dumps(report_members(found), ensure_ascii=False))
    else:
        for line in report_lines(found):
            click.echo(line)
    sys.stdout.flush()
