"""The command line's servers: the postback hub, with all that is done to it, and the sandbox."""

import contextlib
import json
import os
from dataclasses import asdict
from pathlib import Path
from typing import Any

import click

from cashier.cli_relay import portal_options, portals_of, relay
from cashier.domain.errors import Refused
from cashier.domain.invite_code import INVITE_MINUTES_MAX
from cashier.endings import Seconds

_db = click.option(
    "--db",
    "db_url",
    required=True,
    help="Database URL, e.g. sqlite:////var/lib/cashier/hub.db or postgresql://hub@host/hub.",
)
_secret_file = click.option(
    "--secret-file",
    type=click.Path(path_type=Path),
    default=None,
    help="File with the hub's master secret, readable by its owner only; else CASHIER_HUB_SECRET.",
)
_host = click.option("--host", default="127.0.0.1", show_default=True, help="Address to listen on.")
_port = click.option("--port", required=True, type=click.IntRange(0, 65535), help="Port; 0 picks a free one.")
_with_parent = click.option("--exit-with-parent", is_flag=True, help="End when standard input ends.")
_till = click.argument("till", metavar="SITE/TILL")
_reason = click.option("--reason", required=True, help="Why, in words. It is kept.")
_json = click.option("--json", "as_json", is_flag=True, help="One JSON object a line.")


def _say_listening(url: str) -> None:
    click.echo(f"listening {url}")


@click.group()
def hub() -> None:
    """The postback hub."""


@hub.command("serve")
@_db
@_host
@_port
@_secret_file
@click.option("--enrol", "enrol_till", default=None, help="SITE/TILL to enrol first; prints its key.")
@click.option(
    "--trust-proxy", is_flag=True, help="A proxy of ours is before the hub: believe its X-Forwarded-For."
)
@click.option(
    "--access-log",
    default=None,
    type=click.Path(path_type=Path, allow_dash=True),
    help="File for one line a request, - for standard error. No path, query or token is in it.",
)
@click.option(
    "--public-url",
    default="",
    help="Where Invoice Cloud reaches this hub; tills that enrol are told.",
)
@portal_options
@_with_parent
def hub_serve(
    db_url: str,
    host: str,
    port: int,
    secret_file: Path | None,
    enrol_till: str | None,
    trust_proxy: bool,
    access_log: Path | None,
    public_url: str,
    exit_with_parent: bool,
    **portal: Any,
) -> None:
    """Receive postbacks, hand them to the tills, and pass them on to the portals."""
    from cashier.hub.serve import serve
    from cashier.hub_verbs import enrol, finance_office, log_access, master_secret, web_address

    public_url = web_address(public_url) if public_url else ""
    secret = master_secret(os.environ, secret_file)
    portals = portals_of(os.environ, **portal)
    if enrol_till is not None:
        click.echo(f"till-key {enrol(db_url, secret, enrol_till)}")
    with contextlib.ExitStack() as stack:
        if access_log is not None:
            stack.callback(log_access(access_log))
        serve(
            db_url,
            host,
            port,
            secret,
            _say_listening,
            exit_with_parent,
            portals=portals,
            finance=finance_office(),
            trust_proxy=trust_proxy,
            public_url=public_url,
        )


hub.add_command(relay)


@hub.command("enrol")
@_db
@_secret_file
@_till
def hub_enrol(db_url: str, secret_file: Path | None, till: str) -> None:
    """Enrol a till and print its key, to be set there with `cashier secret set till-key`."""
    from cashier.hub_verbs import enrol, master_secret

    click.echo(enrol(db_url, master_secret(os.environ, secret_file), till))


@hub.command("invite")
@_db
@_secret_file
@_till
@click.option(
    "--minutes",
    default=30,
    show_default=True,
    type=click.IntRange(1, INVITE_MINUTES_MAX),
    help="How long the code is good.",
)
def hub_invite(db_url: str, secret_file: Path | None, till: str, minutes: int) -> None:
    """Print a short code by which a till enrols itself, once, with `cashier enrol HUB_URL CODE`.

    A till that is enrolled already gets a new key by it; the one before stays good for 30 days.
    """
    from cashier.hub_verbs import invite, master_secret

    code, until = invite(db_url, master_secret(os.environ, secret_file), till, minutes)
    click.echo(code)
    click.echo(f"for till {till}, once, until {until[:16].replace('T', ' ')} UTC", err=True)


@hub.command("status")
@_db
@click.option("--json", "as_json", is_flag=True, help="One JSON object.")
def hub_status(db_url: str, as_json: bool) -> None:
    """What lies in the hub: tills, postbacks that wait, held payments, quarantine, relay."""
    from cashier.hub_verbs import status

    found = status(db_url)
    for line in (json.dumps(found.members, ensure_ascii=False),) if as_json else found.lines:
        click.echo(line)


@hub.command("copies")
@_db
@_secret_file
@click.option("--verify", is_flag=True, help="Verify every entry and anchor; needs the master secret.")
@click.option("--json", "as_json", is_flag=True, help="One JSON object.")
@click.pass_context
def hub_copies(
    ctx: click.Context, db_url: str, secret_file: Path | None, verify: bool, as_json: bool
) -> None:
    """The second copies of the tills' journals, and what disagreed with them; 1 when one is broken."""
    from cashier.hub_verbs import copies, master_secret

    found, holds = copies(db_url, master_secret(os.environ, secret_file) if verify else None)
    for line in (json.dumps(found.members, ensure_ascii=False),) if as_json else found.lines:
        click.echo(line)
    ctx.exit(0 if holds else 1)


@hub.command("release")
@_db
@click.argument("reference")
@_reason
@click.option("--site", default=None, help="The payment's site, should two have the same reference.")
def hub_release(db_url: str, reference: str, reason: str, site: str | None) -> None:
    """End the hold of a payment whose till is dead. Its invoices can then be charged again."""
    from cashier.hub_verbs import release

    held = release(db_url, reference, reason, site)
    click.echo(f"{held.reference} of till {held.site}/{held.till} holds nothing any more")


# -- the tills' keys


@hub.group("keys")
def hub_keys() -> None:
    """The tills' keys."""


@hub_keys.command("list")
@_db
@_json
def keys_list(db_url: str, as_json: bool) -> None:
    """Every till and the generations of its key."""
    from cashier.hub.tillkeys import KeyStore
    from cashier.hub_verbs import hub_store

    with hub_store(db_url) as store:
        found = KeyStore(store.engine).listed()
    for key in found:
        state = "revoked" if key.revoked else f"good until {key.valid_until}" if key.valid_until else "good"
        line = f"{key.site}/{key.till}  {key.generation}  since {key.enrolled_at}  {state}"
        _print(as_json, asdict(key), line)


@hub_keys.command("rotate")
@_db
@_secret_file
@_till
def keys_rotate(db_url: str, secret_file: Path | None, till: str) -> None:
    """Print a new key of a till; the one before stays good for 30 days."""
    from cashier.hub_verbs import master_secret, rotate

    click.echo(rotate(db_url, master_secret(os.environ, secret_file), till))


@hub_keys.command("revoke")
@_db
@_till
def keys_revoke(db_url: str, till: str) -> None:
    """End all keys of a till at once and for good; what still comes for it goes to the quarantine."""
    from cashier.hub.tillkeys import KeyStore
    from cashier.hub_verbs import hub_store, site_and_till

    site, name = site_and_till(till)
    with hub_store(db_url) as store:
        count = KeyStore(store.engine).revoke(site, name)
    click.echo(f"{till}: {count} {'key' if count == 1 else 'keys'} revoked")


# -- the finance office


@hub.group("finance")
def hub_finance() -> None:
    """Who may see a site's daily receipts at the hub's page /finance."""


@hub_finance.command("set-password")
@_db
@click.argument("site")
@click.password_option(help="Asked for twice when it is not given.")
def finance_set_password(db_url: str, site: str, password: str) -> None:
    """Set the password of a site's finance office; whoever is signed in there is signed out."""
    from cashier.hub.finance import FinanceStore
    from cashier.hub.serve import utc_now
    from cashier.hub_verbs import hub_store

    with hub_store(db_url) as store:
        FinanceStore(store.engine).set_password(site, password, utc_now())
    click.echo(f"{site}: the finance office signs in at /finance")


@hub_finance.command("remove")
@_db
@click.argument("site")
def finance_remove(db_url: str, site: str) -> None:
    """End the finance office's access to a site."""
    from cashier.hub.finance import FinanceStore
    from cashier.hub_verbs import hub_store

    with hub_store(db_url) as store:
        FinanceStore(store.engine).remove_password(site)
    click.echo(f"{site}: the finance office has no access any more")


# -- the quarantine


@hub.group("quarantine")
def hub_quarantine() -> None:
    """Messages that fit no payment."""


@hub_quarantine.command("list")
@_db
@click.option("--closed", is_flag=True, help="Those that a person has seen to as well.")
@_json
def quarantine_list(db_url: str, closed: bool, as_json: bool) -> None:
    """What no person has seen to, oldest first, at most 500."""
    from cashier.hub.quarantine import QuarantineStore
    from cashier.hub_verbs import hub_store, item_members

    with hub_store(db_url) as store:
        items = QuarantineStore(store.engine).listed(closed=closed)
    for item in items:
        told = (
            item.id,
            item.received_at,
            f"{item.site or '?'}/{item.till or '?'}",
            item.reference or "-",
            item.invoice or "-",
            item.amount or "-",
            item.reason + (f" ({item.times} times)" if item.times > 1 else ""),
            *([f"closed: {item.close_reason}"] if item.closed_at else []),
        )
        _print(as_json, item_members(item), "  ".join(told))


@hub_quarantine.command("show")
@_db
@click.argument("item_id", metavar="ID")
def quarantine_show(db_url: str, item_id: str) -> None:
    """All of one message, as JSON."""
    from cashier.hub.quarantine import QuarantineStore
    from cashier.hub_verbs import hub_store, item_members

    with hub_store(db_url) as store:
        item = QuarantineStore(store.engine).item(item_id)
    click.echo(json.dumps(item_members(item), ensure_ascii=False, indent=2))


@hub_quarantine.command("close")
@_db
@click.argument("item_id", metavar="ID")
@_reason
def quarantine_close(db_url: str, item_id: str, reason: str) -> None:
    """A person has seen to it. Nothing is deleted."""
    from cashier.hub.quarantine import QuarantineStore
    from cashier.hub.serve import utc_now
    from cashier.hub_verbs import hub_store

    with hub_store(db_url) as store:
        QuarantineStore(store.engine).close(item_id, reason, utc_now())
    click.echo(f"{item_id} is closed")


def _print(as_json: bool, members: dict[str, Any], line: str) -> None:
    click.echo(json.dumps(members, ensure_ascii=False) if as_json else line)


# -- the sandbox


def known_fault(name: str) -> Any:
    """A fault of the sandbox's menu. Raises Refused for any other."""
    from cashier.sandbox.config import Fault

    if name not in list(Fault):
        raise Refused(f"--fault {name[:40]!r}: is not a fault; there are: {', '.join(Fault)}")
    return Fault(name)


@click.group()
def sandbox() -> None:
    """A stand-in for Invoice Cloud; no money moves."""


@sandbox.command("serve")
@_host
@_port
@click.option("--fault", default=None, help="The fault of every payment that chooses none of its own.")
@click.option(
    "--late",
    "late_s",
    type=Seconds(),
    default=30.0,
    show_default=True,
    help="Seconds a late postback is late.",
)
@_with_parent
def sandbox_serve(host: str, port: int, fault: str | None, late_s: float, exit_with_parent: bool) -> None:
    """Serve the stand-in: CPV2, hosted page, postbacks, enquiry. Its API key is training-api-key."""
    from cashier.sandbox.config import SandboxConfig
    from cashier.sandbox.serve import serve

    config = SandboxConfig(fault=None if fault is None else known_fault(fault), late_s=late_s)
    try:
        serve(host, port, config, _say_listening, exit_with_parent=exit_with_parent)
    except OSError as error:
        raise Refused(f"The sandbox cannot listen on {host} port {port}: {error.strerror or error}") from None


@sandbox.command("reader")
@click.option("--family", required=True, help="Whose bytes it speaks, e.g. idtech_neo.")
@click.option("--serial", default=None, help="The serial number that it tells.")
@click.option("--fault", default=None, help="How it misbehaves, e.g. silent, split, pan-burst.")
@_with_parent
def sandbox_reader(family: str, serial: str | None, fault: str | None, exit_with_parent: bool) -> None:
    """Emulate a card reader on a pseudo-terminal, whose name is printed. Linux and macOS."""
    from cashier.sandbox.readers import run
    from cashier.sandbox.readers_wire import WIRES

    if family not in WIRES:
        raise Refused(f"--family {family[:40]!r}: is not a family; there are: {', '.join(WIRES)}")
    try:
        run(
            family,
            serial,
            fault,
            lambda port: click.echo(f"reader {port}"),
            exit_with_parent=exit_with_parent,
        )
    except ValueError as error:
        raise Refused(str(error)) from None
