"""The verbs of card readers: which ports there are, and what is on one."""

import contextlib
import json
import sys
from collections.abc import Iterator
from dataclasses import asdict
from typing import TYPE_CHECKING, Any

import click

from cashier import paths
from cashier.domain.errors import Refused, Unavailable
from cashier.domain.scrub import scrub_card_numbers

if TYPE_CHECKING:
    from cashier.readers.family import Family
    from cashier.till.readers import CardReaders

_json = click.option("--json", "as_json", is_flag=True, help="JSON.")


@click.group()
def readers() -> None:
    """Card readers on serial and USB."""


@readers.command("list")
@_json
def readers_list(as_json: bool) -> None:
    """List the serial ports, and what their USB ids suggest. Nothing is sent; HID readers have no port."""
    from cashier.adapters import usb_ids
    from cashier.readers.discovery import list_ports

    ports = list_ports()
    if ports is None:
        raise Unavailable("The system cannot list its ports just now. Try again.")
    ids = usb_ids()
    for port in ports:
        hint = ids.suggestion(port.vid, port.pid)
        if as_json:
            members = {**asdict(port), "usb_id": port.usb_id, "suggestion": asdict(hint) if hint else None}
            click.echo(json.dumps(members, ensure_ascii=False))
        else:
            usb = "-" if port.vid is None or port.pid is None else f"{port.vid:04x}:{port.pid:04x}"
            words = (port.device, usb, port.serial_number or "-", hint.title if hint else port.description)
            click.echo("  ".join(word for word in words if word))


@readers.command("probe")
@click.argument("port")
@click.option("--family", "family_name", default=None, help="How to ask; else what its USB id suggests.")
@click.option("--baud", type=click.IntRange(300, 921_600), default=None, help="Instead of the family's own.")
@click.option("--rts-cts", is_flag=True, help="Hardware flow control.")
@click.option("--yes", is_flag=True, help="Do not ask before a probe that can be seen on the reader.")
@_json
@click.pass_context
def readers_probe(
    ctx: click.Context,
    port: str,
    family_name: str | None,
    baud: int | None,
    rts_cts: bool,
    yes: bool,
    as_json: bool,
) -> None:
    """Ask the reader on PORT what it is, with its family's harmless commands. Ends with 1 if it does not say.

    Not while the till's window is open: the window probes by itself, and never during a payment.
    """
    from dataclasses import replace

    from cashier.readers.family import Outcome
    from cashier.readers.probe import port_fault, probe

    fault = port_fault(port)
    if fault is not None:
        raise Refused(fault)
    family = _family(port, family_name)
    line = replace(family.line, baud=baud or family.line.baud, rtscts=rts_cts or family.line.rtscts)
    with _no_window(ctx):
        _announce(family, yes)
        probed = probe(port, family, line=line)
    if as_json:
        click.echo(json.dumps({"port": port, "family": family.name, **asdict(probed)}, ensure_ascii=False))
    else:
        who = probed.identity
        click.echo(
            f"{port}: {family.title}: {probed.outcome}{f' ({probed.detail})' if probed.detail else ''}"
        )
        told = (
            () if who is None else (("model", who.model), ("serial", who.serial), ("firmware", who.firmware))
        )
        for name, value in told:
            click.echo(f"  {name:9}{value or '-'}")
        if who is not None and who.clear_tracks is not None:
            click.echo(f"  cards    {'UNENCRYPTED' if who.clear_tracks else 'encrypted'}")
    ctx.exit(0 if probed.outcome is Outcome.IDENTIFIED else 1)


@readers.command("select")
@click.argument("reader")
@click.option("--port", default=None, help="Bind it to what is on this port now.")
@click.pass_context
def readers_select(ctx: click.Context, reader: str, port: str | None) -> None:
    """Choose the READER of this till by its id in the settings, `none` for a card typed in on the page.

    With --port the reader is the one on that port from now on: by its USB ids and serial number, wherever it
    is plugged in, else by the port. The till's window must be closed.
    """
    from cashier.adapters import usb_ids
    from cashier.readers.asking import plugged
    from cashier.readers.discovery import list_ports

    with _closed_till(ctx) as known:
        known.are_plugged(plugged(list_ports() or (), usb_ids()))
        if port is not None:
            known.bind(reader, port)
        else:
            known.choose(None if reader == "none" else reader)
        for view in known.views():
            mark = "*" if view.reader.id == known.at_start() else " "
            click.echo(f"{mark} {view.reader.id}  {view.reader.label}  {view.standing}")


@contextlib.contextmanager
def _closed_till(ctx: click.Context) -> "Iterator[CardReaders]":
    """The readers of a till whose window is closed, on its journal. Raises Refused while it is open."""
    from cashier.clock import SystemClock, SystemRandomness
    from cashier.data_files import journal_of, real_settings
    from cashier.till.readers import CardReaders

    if ctx.obj["training"]:
        raise Refused("A training session forgets its readers. Choose one in its window.")
    settings, clock = real_settings(ctx.obj["settings"]), SystemClock()
    with journal_of(settings, clock) as journal:
        readers_ = settings.till_config(account_required=False).readers
        yield CardReaders(readers_, clock, SystemRandomness(), journal, lambda: None, lambda _reader: None)


def _family(port: str, name: str | None) -> "Family":
    """The family that was asked for, or that the port's USB ids suggest. Raises Refused."""
    from cashier.adapters import usb_ids
    from cashier.readers.discovery import bound_to, list_ports
    from cashier.readers.families import FAMILIES, family_named

    known = ", ".join(family.name for family in FAMILIES)
    if name is None:
        ids = usb_ids()
        hints = (ids.suggestion(found.vid, found.pid) for found in bound_to(port, list_ports() or ()))
        name = next((hint.family for hint in hints if hint is not None), None)
        if name is None:
            # To try one after the other would send commands to who knows what.
            raise Refused(f"Nothing tells which family is on {port}: say --family, one of: {known}")
    family = family_named(name)
    if family is None:
        raise Refused(f"--family {scrub_card_numbers(name)[:40]!r}: is not a family; there are: {known}")
    return family


@contextlib.contextmanager
def _no_window(ctx: click.Context) -> Iterator[None]:
    """Hold the journal's lock, so that no payment is under way. Raises Refused while the window is open."""
    from cashier.data_files import JOURNAL, data_folder
    from cashier.journal.lock import JournalLock, holder_text
    from cashier.settings import load

    settings: Any = ctx.obj["settings"]
    if ctx.obj["training"] or not settings.exists():
        journal = paths.data_folder(training=ctx.obj["training"]) / JOURNAL
    else:
        journal = data_folder(load(settings)) / JOURNAL
    if not journal.exists():
        yield
        return
    lock = JournalLock(journal.with_name(journal.name + ".lock"), holder_text("a probe of a card reader"))
    lock.acquire()
    try:
        yield
    finally:
        lock.release()


def _announce(family: "Family", yes: bool) -> None:
    """Say what a probe does that can be seen, before it does. Raises Refused when nobody can be asked."""
    if family.experimental:
        click.echo(f"{family.title} is experimental: parts of its answer are not documented.", err=True)
    if not family.announces:
        return
    click.echo(family.announces, err=True)
    if yes:
        return
    if not sys.stdin.isatty():
        raise Refused(f"{family.announces} Say --yes if that is all right now.")
    click.confirm("Ask it now?", abort=True, err=True)
