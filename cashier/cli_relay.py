"""The verbs of the hub's relay: what waits, what was given up, and sending it again."""

import json
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from cashier.domain.errors import Refused

if TYPE_CHECKING:
    from cashier.hub.portals import Portals
    from cashier.hub.relay_store import RelayStore

_db = click.option("--db", "db_url", required=True, help="The hub's database URL.")
_json = click.option("--json", "as_json", is_flag=True, help="JSON.")


def portal_options(command: Callable[..., Any]) -> Callable[..., Any]:
    """The options of `hub serve` that `portals_of` reads."""
    options = (
        click.option(
            "--portal-host",
            "portal_hosts",
            multiple=True,
            metavar="HOST[:PORT]",
            help="A portal that postbacks are passed on to; may be given several times. None: nothing is.",
        ),
        click.option(
            "--portal-network",
            "portal_networks",
            multiple=True,
            metavar="NETWORK",
            help="A private network that portals may be in, such as 10.1.0.0/16.",
        ),
        click.option(
            "--portal-secrets-file",
            type=click.Path(path_type=Path),
            default=None,
            help="File of host=whsec_… words that notices are signed with, readable by its owner only; "
            "else CASHIER_HUB_PORTAL_SECRETS.",
        ),
        click.option(
            "--portal-training", is_flag=True, help="Training: a portal on this machine may be plain http."
        ),
    )
    for option in reversed(options):
        command = option(command)
    return command


def portals_of(
    environ: Mapping[str, str],
    portal_hosts: tuple[str, ...],
    portal_networks: tuple[str, ...],
    portal_secrets_file: Path | None,
    portal_training: bool,
) -> "Portals":
    """The portals of these options. Raises Refused."""
    from cashier.hub.portals import Portals, read_portal_secrets

    secrets = read_portal_secrets(environ, portal_secrets_file)
    return Portals.of(portal_hosts, portal_networks, secrets, portal_training)


@click.group()
def relay() -> None:
    """What the hub passes on to the portals."""


@relay.command("list")
@_db
@click.option("--waiting", is_flag=True, help="What still waits, instead of what was given up.")
@_json
def relay_list(db_url: str, waiting: bool, as_json: bool) -> None:
    """List dead letters, oldest first: what no portal took for 30 days."""
    from cashier.hub.relay_queue import DEAD, WAITING

    with _store(db_url) as store:
        letters = store.listed((WAITING if waiting else DEAD,))
    if as_json:
        click.echo(json.dumps([asdict(letter) for letter in letters], ensure_ascii=False))
        return
    for letter in letters:
        last = f"{letter.last_error} {letter.last_status or ''}".strip() or "not tried yet"
        place = f"{letter.site}/{letter.till}"
        click.echo(
            f"{letter.id}  {letter.kind}  {place}  {letter.reference}  to {letter.host or '?'}  "
            f"since {letter.queued_at}  {letter.attempts} attempts  {last}"
        )


@relay.command("resend")
@_db
@click.argument("letter_id", metavar="ID")
def relay_resend(db_url: str, letter_id: str) -> None:
    """Send a dead letter again, for another 30 days. A running hub does so within half a minute."""
    from cashier.hub.serve import utc_now

    with _store(db_url) as store:
        if not store.resend(letter_id, utc_now()):
            raise Refused(f"{letter_id[:40]!r} is no dead letter that can be sent again.")
    click.echo(f"{letter_id} waits to be sent again")


@relay.command("status")
@_db
@_json
def relay_status(db_url: str, as_json: bool) -> None:
    """How much waits, since when, and how much was given up."""
    with _store(db_url) as store:
        depth = store.depth()
    if as_json:
        click.echo(json.dumps(asdict(depth)))
        return
    since = f", the oldest since {depth.oldest_at}" if depth.oldest_at else ""
    click.echo(f"{depth.waiting} waiting{since}\n{depth.dead} dead")


@contextmanager
def _store(db_url: str) -> "Iterator[RelayStore]":
    from cashier.hub.relay_store import RelayStore
    from cashier.hub.store import HubStore

    with HubStore(db_url) as hub:
        yield RelayStore(hub.engine)
