"""The verb by which a till enrols itself at its hub."""

import asyncio
import os
import sys

import click

from cashier.domain.errors import Refused


@click.command()
@click.argument("hub_url")
@click.argument("code", default="")
@click.pass_context
def enrol(ctx: click.Context, hub_url: str, code: str) -> None:
    """Redeem a code of `cashier hub invite`: put this till's key into the keyring.

    Without CODE it is asked for, or read from standard input. Where there are settings already, they must be
    those of the code's till; else what belongs into them is printed.
    """
    if ctx.obj["training"]:
        raise Refused("A training till enrols by itself. Leave out --training.")
    from cashier.enrolling import Enrolling

    if not code:
        code = click.prompt("Code") if sys.stdin.isatty() else sys.stdin.readline().strip()
    enrolled = asyncio.run(Enrolling(ctx.obj["settings"], os.environ)(hub_url, code))
    click.echo(enrolled.text)
    if not enrolled.has_settings:
        click.echo(f"Write into {ctx.obj['settings']}:\n")
        for line in enrolled.settings_lines:
            click.echo(f"    {line}".rstrip())
