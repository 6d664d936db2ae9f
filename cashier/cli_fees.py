"""The verbs that bring fee schedules in and out: import, export."""

import datetime as dt
import os
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from cashier import paths
from cashier.cli_people import signed_in
from cashier.domain.errors import Refused

if TYPE_CHECKING:
    from cashier.settings import Settings
    from cashier.till.schedule_import import ImportPlan, ScheduleImports

DATE = "%Y-%m-%d"
_FILE = click.Path(path_type=Path)
_day = click.DateTime([DATE])


@click.command("import")
@click.argument("file", type=_FILE)
@click.option("--from", "first", type=_day, default=None, help="First business date; the file's, or today.")
@click.option("--until", "last", type=_day, default=None, help="Last business date; the file's, or none.")
@click.option("--dry-run", is_flag=True, help="Show what would change, and change nothing.")
@click.option("--yes", is_flag=True, help="Do not ask before it is done.")
@click.option("--by", "by", default=None, help="The administrator who does it; their PIN is asked for.")
@click.pass_context
def fees_import(
    ctx: click.Context, file: Path, first: Any, last: Any, dry_run: bool, yes: bool, by: str | None
) -> None:
    """Bring in the office's own fee schedule from FILE, TOML or CSV: every fault, or prices before and after.

    It is kept beside the settings file and takes the place of the one before it from its first day on.
    Refused while the window is open, which has the same under Settings.
    """
    from cashier.adapters import schedule_folders, schedule_imports
    from cashier.data_files import real_settings

    if ctx.obj["training"]:
        raise Refused("Training goes by a made-up schedule. Leave out --training.")
    settings_file: Path = ctx.obj["settings"]
    days = (first.date() if first else None, last.date() if last else None)
    shelf = schedule_folders(paths.own_schedules(settings_file))
    if dry_run:
        tell_plan(schedule_imports(shelf, _settings_or_none(settings_file)).plan(file, *days))
        return
    settings = real_settings(settings_file)
    _import(schedule_imports(shelf, settings), settings, file, days, yes=yes, by=by)


def _settings_or_none(file: Path) -> "Settings | None":
    from cashier.settings import load

    return load(file) if file.exists() else None


def _import(
    imports: "ScheduleImports",
    settings: "Settings",
    file: Path,
    days: tuple[dt.date | None, dt.date | None],
    *,
    yes: bool,
    by: str | None,
) -> None:
    import asyncio  # late: it brings in ssl

    from cashier.data_files import journal_of, people_of
    from cashier.domain.people import Permission

    imports.plan(file, *days)  # a faulty file asks for nothing
    with journal_of(settings) as journal:
        imports.finish(journal)
        plan = imports.plan(file, *days)
        tell_plan(plan)
        if not yes:
            click.confirm("Bring it in?", abort=True, err=True)
        people = people_of(settings, journal, os.environ)
        asyncio.run(signed_in(people, by, Permission.MANAGE_SETTINGS))
        try:
            imports.apply(plan, journal, people.require(Permission.MANAGE_SETTINGS))
        finally:
            people.sign_out()
    click.echo(f"{plan.file} is brought in: {plan.schedule.name} is in force {plan.schedule.period}")


def tell_plan(plan: "ImportPlan") -> None:
    """Print a plan: what is done, every fee that changes with its prices before and after, warnings."""
    from cashier.domain.fee_changes import ChangeKind

    for line in plan.steps:
        click.echo(line)
    click.echo(f"Prices on {plan.compared_on}, before → after. {plan.summary}")
    for change in plan.changes:
        if change.kind is ChangeKind.SAME:
            continue
        click.echo(f"{change.kind.value:12} {change.code}  {change.name}")
        for pair in change.prices:
            if change.kind is ChangeKind.CHANGED and not pair.is_changed:
                continue
            click.echo(f"{'':12} {pair.at:24} {pair.sides}")
        for detail in change.details:
            click.echo(f"{'':12} {detail}")
    for warning in plan.warnings:
        click.echo(f"Warning: {warning}", err=True)


@click.command("withdraw")
@click.argument("file")
@click.option("--by", "by", default=None, help="The administrator who does it; their PIN is asked for.")
@click.pass_context
def fees_withdraw(ctx: click.Context, file: str, by: str | None) -> None:
    """Take back the office's own schedule FILE, such as oshtemo-2027-01-01.toml, that is still to come.

    Refused while the window is open, which has the same under Settings.
    """
    import asyncio  # late: it brings in ssl

    from cashier.adapters import schedule_folders, schedule_imports
    from cashier.data_files import journal_of, people_of, real_settings
    from cashier.domain.people import Permission

    if ctx.obj["training"]:
        raise Refused("Training goes by a made-up schedule. Leave out --training.")
    settings = real_settings(ctx.obj["settings"])
    imports = schedule_imports(schedule_folders(paths.own_schedules(ctx.obj["settings"])), settings)
    with journal_of(settings) as journal:
        people = people_of(settings, journal, os.environ)
        asyncio.run(signed_in(people, by, Permission.MANAGE_SETTINGS))
        try:
            imports.withdraw(file, journal, people.require(Permission.MANAGE_SETTINGS))
        finally:
            people.sign_out()
    click.echo(f"{file} is taken back")


@click.command("export")
@click.option("--schedule", required=True, help="Name of a schedule, e.g. lakeland.")
@click.option("--on", "on", type=_day, default=None, help="Business date; today.")
@click.argument("out", type=_FILE)
@click.pass_context
def fees_export(ctx: click.Context, schedule: str, on: Any, out: Path) -> None:
    """Write a schedule into OUT, .csv or .toml, to change it there and bring it in again.

    Fees of other dates are left out.
    """
    from cashier.adapters import schedule_on
    from cashier.clock import SystemClock
    from cashier.schedule_csv_writing import csv_text
    from cashier.schedule_toml import schedule_toml

    day = on.date() if on else SystemClock().today()
    found = replace(schedule_on(schedule, day, paths.own_schedules(ctx.obj["settings"])), ends=())
    match out.suffix.casefold():
        case ".csv":
            content = csv_text(found).encode("utf-8-sig")  # a spreadsheet needs the mark for accents
        case ".toml":
            content = schedule_toml(found).encode()
        case _:
            raise Refused(f"{out.name}: is neither a .toml nor a .csv file")
    with out.open("xb") as file:
        file.write(content)
    click.echo(f"{len(found.fees)} fees of {found.name} written to {out}")
