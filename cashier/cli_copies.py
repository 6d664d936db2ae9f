"""The verbs about copies of journals: import, restore, backup, unsent, and taking a till out of use."""

import json
from pathlib import Path

import click

from cashier.domain.errors import Refused

_FILE = click.Path(path_type=Path)


def _no_training(ctx: click.Context) -> Path:
    if ctx.obj["training"]:
        raise Refused("A training session's journal ends with it. Leave out --training.")
    settings: Path = ctx.obj["settings"]
    return settings


@click.command("import")
@click.argument("file", type=_FILE)
@click.pass_context
def journal_import(ctx: click.Context, file: Path) -> None:
    """Rescue the journal FILE of another till of this site, copied from its disk. Twice is once.

    Its receipts are found by `receipt show` and `journal search` here, and what of it the hub has not got is
    sent when this till's window is open.
    """
    from cashier.copy_verbs import import_journal

    found = import_journal(file, _no_training(ctx))
    click.echo(
        f"till {found.till}: {found.fresh} entries taken over; {found.entries} entries with {found.receipts} "
        f"receipts hold in {found.file}"
    )


@click.command("restore")
@click.option("--from-hub", is_flag=True, help="From the hub's copy of this till's journal.")
@click.option(
    "--backup", type=_FILE, default=None, help="From a backup; with --from-hub, then what came after."
)
@click.pass_context
def journal_restore(ctx: click.Context, from_hub: bool, backup: Path | None) -> None:
    """Build this till's journal anew where there is none; the till goes on with the next number."""
    import asyncio  # late: it brings in ssl

    from cashier.copy_verbs import restore_journal

    work = restore_journal(
        _no_training(ctx), from_hub=from_hub, backup=backup, tell=lambda text: click.echo(text, err=True)
    )
    found = asyncio.run(work)
    last = f"; the last receipt is {found.last_receipt}" if found.last_receipt else ""
    click.echo(f"{found.entries} entries restored{last}")
    if found.altered:
        numbers = ", ".join(map(str, found.altered[:20]))
        click.echo(
            f"The hub kept these without what may be a card number: {numbers}. The till names the first as a "
            "break that a supervisor acknowledges.",
            err=True,
        )
    if not from_hub:
        click.echo("What was recorded after the backup is not in it; --from-hub has it.", err=True)
    if not found.has_pins:
        click.echo("No PIN is known: give an administrator one with `cashier people set-pin NAME`.", err=True)


@click.command("backup")
@click.pass_context
def journal_backup(ctx: click.Context) -> None:
    """Make a backup of this till's journal now, verified, as the settings' [backup] says."""
    from cashier.copy_verbs import back_up

    file, found = back_up(_no_training(ctx))
    click.echo(f"{found.entries} entries backed up to {file}; last hash {found.head}")


@click.command("unsent")
@click.option("--json", "as_json", is_flag=True, help="One JSON object.")
@click.pass_context
def journal_unsent(ctx: click.Context, as_json: bool) -> None:
    """How much the hub has not acknowledged, and what it did not take as it stands, until it is seen to."""
    from cashier.cli import journal_file
    from cashier.copy_verbs import unsent

    found = unsent(journal_file(ctx))
    if as_json:
        exceptions = [
            {"at": one.at, "till": one.till, "entry": one.seq, "reason": one.reason, "owner": one.owner}
            for one in found.exceptions
        ]
        click.echo(json.dumps({"to_send": found.to_send, "exceptions": exceptions}, ensure_ascii=False))
        return
    click.echo(f"{found.to_send} to send")
    for one in found.exceptions:
        click.echo(f"{one.at}  till {one.till}  entry {one.seq}  {one.reason}  ({one.owner})")


@click.command("retire")
@click.argument("out", type=_FILE)
@click.pass_context
def retire(ctx: click.Context, out: Path) -> None:
    """Before a till is taken out of use: keep a verified copy of its journal below OUT, and say what is open.

    Ends with 1 while anything is: unsent entries, payments in doubt, a shift, money on no receipt. Nothing is
    deleted. The scripts that remove the program call it first.
    """
    from cashier.retire_verbs import retire as retire_till

    found = retire_till(_no_training(ctx), out)
    if found is None:
        click.echo("There is no journal at this till: nothing to keep.")
        return
    for line in found.lines:
        click.echo(line)
    ctx.exit(1 if found.open else 0)
