"""The verbs of receipts: what one says, and printing it again."""

from typing import TYPE_CHECKING, Any

import click

from cashier import paths
from cashier.domain.errors import Refused

if TYPE_CHECKING:
    from cashier.till.ports import PrintResult

_language = click.option("--language", default="", help="en-US, es-US or fr-CA; else that of the settings.")


@click.group()
def receipt() -> None:
    """Receipts on paper."""


def _languages() -> Any:
    from cashier.languages import load_languages

    return load_languages(paths.resources() / "languages")


@receipt.command("show")
@click.argument("number")
@click.option("--width", default=42, show_default=True, type=click.IntRange(20, 120), help="Columns.")
@_language
@click.pass_context
def receipt_show(ctx: click.Context, number: str, width: int, language: str) -> None:
    """Print what the receipt NUMBER says, as a receipt printer of so many columns has it. Changes nothing."""
    from cashier.verbs_receipt import show_receipt

    click.echo(show_receipt(_journals(ctx), number, width, language, _languages()))


@receipt.command("print")
@click.argument("number")
@_language
@click.pass_context
def receipt_print(ctx: click.Context, number: str, language: str) -> None:
    """Print a copy of the receipt NUMBER by the printer of the settings, while the window is closed.

    Ends with 1 when it is not printed, with 3 when that is not known.
    """
    import asyncio

    from cashier.till.ports import PrintOutcome
    from cashier.verbs_receipt import print_receipt

    if ctx.obj["training"]:
        raise Refused("A training session ends with its window: leave out --training.")
    result: PrintResult = asyncio.run(print_receipt(ctx.obj["settings"], number, language))
    match result.outcome:
        case PrintOutcome.PRINTED:
            click.echo(f"{number} is printed")
            if result.note:
                click.echo(result.note, err=True)
        case PrintOutcome.NOT_PRINTED:
            click.echo(f"{number} is not printed: {result.reason}", err=True)
            ctx.exit(1)
        case PrintOutcome.UNKNOWN:
            click.echo(f"Whether {number} came out is not known: {result.reason}", err=True)
            ctx.exit(3)


def _journals(ctx: click.Context) -> Any:
    """The till's own journal, and those that were rescued to it."""
    from cashier.data_files import JOURNAL, data_folder, imported_files
    from cashier.settings import load

    if ctx.obj["training"] or not ctx.obj["settings"].exists():
        return [paths.data_folder(training=ctx.obj["training"]) / JOURNAL]
    settings = load(ctx.obj["settings"])
    return [data_folder(settings) / JOURNAL, *imported_files(settings)]
