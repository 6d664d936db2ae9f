"""The verbs of the till's people: for setting a till up, and for one whose window is closed."""

import asyncio
import contextlib
import json
import os
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

import click

from cashier.domain.errors import Refused
from cashier.domain.people import Permission, Person, Role

if TYPE_CHECKING:
    from cashier.till.people import People

_by = click.option("--by", "by", default=None, help="The administrator who does it.")


@click.group()
def people() -> None:
    """Who may work at this till. Refused while its window is open.

    PINs are asked for, or read from standard input, a line each: the administrator's, then the new one.
    """


@people.command("list")
@click.option("--json", "as_json", is_flag=True, help="One JSON object a line.")
@click.pass_context
def people_list(ctx: click.Context, as_json: bool) -> None:
    """List everybody: name, role, and what keeps them from signing in."""
    with _closed_till(ctx) as known:
        for person in known.view().everybody:
            if as_json:
                line = {"name": person.name, "role": person.role.value, "state": _state(person)}
                click.echo(json.dumps(line, ensure_ascii=False))
            else:
                click.echo(f"{person.name}  {person.role.value}  {_state(person)}")


@people.command("add")
@click.argument("name")
@click.option("--role", "role", type=click.Choice([role.value for role in Role]), required=True)
@_by
@click.pass_context
def people_add(ctx: click.Context, name: str, role: str, by: str | None) -> None:
    """Add a person with a PIN. The first is an administrator, and needs no --by."""
    with _closed_till(ctx) as known:
        asyncio.run(_add(known, name, Role(role), by))
    click.echo(f"{name} is added as {role}")


async def _add(known: "People", name: str, role: Role, by: str | None) -> None:
    if known.view().is_first_start:
        if role is not Role.ADMINISTRATOR:
            raise Refused("The first person of a till is its administrator: --role administrator.")
        await known.create_first(name, _new_pin(name))
        known.sign_out()
        return
    await _sign_in(known, by)
    await known.add(name, role, _new_pin(name))
    known.sign_out()


@people.command("set-pin")
@click.argument("name")
@_by
@click.pass_context
def people_set_pin(ctx: click.Context, name: str, by: str | None) -> None:
    """Give a person a new PIN; it ends a wait after wrong ones.

    At a till whose journal was rebuilt from the hub no PIN is known: there an administrator needs no --by.
    """
    with _closed_till(ctx) as known:
        asyncio.run(_set_pin(known, name, by))
    click.echo(f"{name} has a new PIN")


async def _set_pin(known: "People", name: str, by: str | None) -> None:
    person = _named(known, name)
    if by is None:
        await known.set_lost_pin(person.id, _new_pin(person.name))
        return
    await _sign_in(known, by)
    await known.set_pin(person.id, _new_pin(person.name))
    known.sign_out()


@people.command("deactivate")
@click.argument("name")
@_by
@click.pass_context
def people_deactivate(ctx: click.Context, name: str, by: str | None) -> None:
    """Let a person sign in no more. What they did stays under their name."""
    with _closed_till(ctx) as known:
        asyncio.run(_change(known, name, by, is_active=False))
    click.echo(f"{name} may sign in no more")


@people.command("activate")
@click.argument("name")
@_by
@click.pass_context
def people_activate(ctx: click.Context, name: str, by: str | None) -> None:
    """Let a person who was deactivated sign in again, with the PIN they had."""
    with _closed_till(ctx) as known:
        asyncio.run(_change(known, name, by, is_active=True))
    click.echo(f"{name} may sign in again")


async def _change(known: "People", name: str, by: str | None, *, is_active: bool) -> None:
    person = _named(known, name)
    await _sign_in(known, by)
    known.change(person.id, is_active=is_active)
    known.sign_out()


async def _sign_in(known: "People", by: str | None) -> None:
    await signed_in(known, by, Permission.MANAGE_PEOPLE)


async def signed_in(known: "People", by: str | None, permission: Permission) -> None:
    """Have the administrator of a name sign in, by a PIN that is asked for. Raises Refused."""
    if by is None:
        raise Refused("Say which administrator does it: --by NAME.")
    if not _named(known, by).may(permission):
        raise Refused(f"{by} is no administrator of this till.")
    await known.sign_in(by, _asked(f"PIN of {by}", twice=False))


def _named(known: "People", name: str) -> Person:
    person = next((one for one in known.view().everybody if one.name.casefold() == name.casefold()), None)
    if person is None:
        raise Refused(f"Nobody at this till is called {name[:60]!r}.")
    return person


def _new_pin(name: str) -> str:
    return _asked(f"New PIN of {name}", twice=True)


def _asked(what: str, *, twice: bool) -> str:
    """A PIN from the keyboard, not echoed, or from a line of standard input: never from an argument."""
    if sys.stdin.isatty():
        return str(click.prompt(what, hide_input=True, confirmation_prompt=twice, err=True))
    return sys.stdin.readline().strip()


def _state(person: Person) -> str:
    if not person.is_active:
        return "deactivated"
    return "may sign in" if person.pin_id else "has no PIN"


@contextlib.contextmanager
def _closed_till(ctx: click.Context) -> "Iterator[People]":
    """The people of a till whose window is closed, on its journal. Raises Refused while it is open."""
    from cashier.data_files import journal_of, people_of, real_settings

    if ctx.obj["training"]:
        raise Refused("The people of a training session are made up. Leave out --training.")
    file: Path = ctx.obj["settings"]
    settings = real_settings(file)
    with journal_of(settings) as journal:
        yield people_of(settings, journal, os.environ)
