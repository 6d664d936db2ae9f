"""Taking letters out of the relay's queue, and keeping what became of them.

A letter waits until the portal answered 2xx (`delivered`) or it was tried in vain for 30 days (`dead`); it is
never deleted. Two processes share the work by a lease, taken by an UPDATE that only one of them can win; it
ends by itself, so nothing is lost with a process. Attempts are counted when they begin, and the count is what
a result must name, so that one that comes after its lease was lost changes nothing (a 2xx aside, which is a
fact whoever saw it).

The letters of one payment go one after the other, in the order of arrival; other payments do not wait.
"""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

import sqlalchemy as sa

from cashier.domain.entries import utc_text
from cashier.domain.errors import Discrepancy
from cashier.hub.database import postbacks
from cashier.hub.relay_queue import (
    DEAD,
    DELIVERED,
    ERROR_MAX_CHARS,
    NOTICE,
    POSTBACK,
    WAITING,
    enqueue_missed,
    new_letter,
    relay,
)
from cashier.hub.store import transaction

#: A delivery is tried for this long, counted from when it was queued (or sent again by a person).
TRIED_FOR = timedelta(days=30)
#: Longer than any delivery takes, with room for clocks that differ between two machines.
LEASE = timedelta(minutes=3)
LIST_MAX = 1_000


@dataclass(frozen=True)
class Letter:
    """A letter that this process holds the lease of. `attempts` counts this attempt, from 1 up, for ever.

    `failures` counts those in vain since it was queued or sent again. For a postback `content_type`, `query`
    and `body` are as it was stored; for a notice `body` is its JSON.
    """

    seq: int
    kind: str
    id: str
    site: str
    till: str
    reference: str
    url: str
    host: str
    portal_reference: str | None
    attempts: int
    failures: int
    since_at: str
    content_type: str
    query: bytes
    body: bytes


@dataclass(frozen=True)
class Listed:
    """A letter for a person's eyes. Times are UTC text; `last_error` is one of a few fixed words."""

    kind: str
    id: str
    site: str
    till: str
    reference: str
    host: str
    state: str
    queued_at: str
    next_at: str
    attempts: int
    last_status: int | None
    last_error: str


@dataclass(frozen=True)
class Depth:
    """How much lies in the queue. `oldest_at` is when the oldest waiting letter was queued, UTC text."""

    waiting: int
    oldest_at: str | None
    dead: int


class RelayStore:
    """The queue. Blocking; every method is one transaction and raises Unavailable when storage fails."""

    def __init__(self, engine: sa.Engine) -> None:
        self._engine = engine

    def add_notice(self, site: str, till: str, notice_id: str, url: str, body: bytes, now: datetime) -> bool:
        """Queue a notice; False: it was queued before, with the same content. Raises Discrepancy otherwise.

        Two that come at the very same moment may end in Unavailable for one of them: it may be repeated.
        """
        with transaction(self._engine) as connection:
            known = connection.execute(
                sa.select(relay.c.url, relay.c.body).where(
                    relay.c.site == site,
                    relay.c.till == till,
                    relay.c.kind == NOTICE,
                    relay.c.id == notice_id,
                )
            ).first()
            if known is None:
                row = new_letter(NOTICE, notice_id, site, till, notice_id, url, now) | {"body": body}
                connection.execute(relay.insert().values(row))
                return True
        if (known.url, known.body) != (url, body):
            raise Discrepancy(f"Notice {notice_id} was given before with other content.")
        return False

    def claim(
        self, now: datetime, room: Mapping[str, int], signed: Collection[str], own: Collection[int], most: int
    ) -> list[Letter]:
        """Take the lease of at most `most` letters that are due.

        `room` says for each allowed host how many it may still have; `signed` are the hosts whose notices can
        be signed; `own` are letters that this process still works on, whatever became of their lease.
        """
        text, until = utc_text(now), utc_text(now + LEASE)
        taken: list[int] = []
        with transaction(self._engine) as connection:
            # Host by host, the idlest first: the backlog of one does not hide the others'.
            for host, free in sorted(room.items(), key=lambda item: -item[1]):
                due = connection.scalars(
                    self._heads(host, signed, text)
                    .where(relay.c.next_at <= text, relay.c.seq.not_in(own))
                    .limit(max(min(free, most - len(taken)), 0))
                    # What another process is just taking is passed over, not waited for (PostgreSQL).
                    .with_for_update(skip_locked=True, of=relay)
                ).all()
                for seq in due:
                    won = connection.execute(
                        relay.update()
                        .where(relay.c.seq == seq, relay.c.state == WAITING, _unleased(relay, text))
                        .values(lease_until=until, attempts=relay.c.attempts + 1)
                    )
                    if won.rowcount:
                        taken.append(seq)
            return _letters(connection, taken)

    @staticmethod
    def _heads(host: str, signed: Collection[str], now_text: str) -> sa.Select[Any]:
        """Letters to a host that nobody works on and no other of their payment goes before, by their time."""
        return (
            sa.select(relay.c.seq)
            .where(
                relay.c.state == WAITING,
                relay.c.host == host,
                _unleased(relay, now_text),
                ~_before(now_text),
                *(() if host in signed else (relay.c.kind == POSTBACK,)),
            )
            .order_by(relay.c.next_at, relay.c.seq)
        )

    def delivered(self, letter: Letter, status: int, now: datetime) -> bool:
        """The portal said 2xx: never again. False: it was no longer waiting."""
        with transaction(self._engine) as connection:
            done = connection.execute(
                relay.update()
                .where(relay.c.seq == letter.seq, relay.c.state == WAITING)
                .values(
                    state=DELIVERED,
                    ended_at=utc_text(now),
                    lease_until=None,
                    last_status=status,
                    last_error="",
                )
            )
            return bool(done.rowcount)

    def failed(
        self, letter: Letter, status: int | None, error: str, now: datetime, next_at: datetime | None
    ) -> bool:
        """Try again at `next_at`; None: a dead letter. False: this attempt was no longer the newest."""
        ended = (
            {"state": DEAD, "ended_at": utc_text(now)} if next_at is None else {"next_at": utc_text(next_at)}
        )
        return self._put_down(
            letter,
            failures=letter.failures + 1,
            last_status=status,
            last_error=error[:ERROR_MAX_CHARS],
            **ended,
        )

    def release(self, letter: Letter) -> bool:
        """Give up a lease whose attempt was cut off by the hub's own end: it is due at once."""
        return self._put_down(letter, last_status=None, last_error="cut off")

    def _put_down(self, letter: Letter, **values: object) -> bool:
        with transaction(self._engine) as connection:
            done = connection.execute(
                relay.update()
                .where(
                    relay.c.seq == letter.seq,
                    relay.c.state == WAITING,
                    relay.c.attempts == letter.attempts,
                )
                .values(lease_until=None, **values)
            )
            return bool(done.rowcount)

    def next_due(self, hosts: Collection[str], signed: Collection[str], now: datetime) -> datetime | None:
        """The time of the next letter to one of these hosts, past or future; what somebody works on aside."""
        times: list[str] = []
        with transaction(self._engine) as connection:
            for host in hosts:
                heads = self._heads(host, signed, utc_text(now)).with_only_columns(relay.c.next_at)
                times += connection.scalars(heads.limit(1))
        return datetime.fromisoformat(min(times)) if times else None

    def enqueue_missed(self, now: datetime) -> int:
        """See the function of this name."""
        with transaction(self._engine) as connection:
            return enqueue_missed(connection, now)

    def resend(self, letter_id: str, now: datetime) -> int:
        """Send dead letters of this id again, for another 30 days; how many there were."""
        text = utc_text(now)
        with transaction(self._engine) as connection:
            done = connection.execute(
                relay.update()
                .where(relay.c.id == letter_id, relay.c.state == DEAD, relay.c.host != "")
                .values(
                    state=WAITING, ended_at=None, since_at=text, next_at=text, failures=0, lease_until=None
                )
            )
            return done.rowcount

    def listed(self, states: Sequence[str] = (DEAD,), limit: int = LIST_MAX) -> list[Listed]:
        """Letters in these states, oldest first."""
        columns = [relay.c[name] for name in Listed.__dataclass_fields__]
        with transaction(self._engine) as connection:
            rows = connection.execute(
                sa.select(*columns).where(relay.c.state.in_(states)).order_by(relay.c.seq).limit(limit)
            )
            return [Listed(**row) for row in rows.mappings()]

    def depth(self) -> Depth:
        """What lies in the queue now."""
        with transaction(self._engine) as connection:
            counts = connection.execute(
                sa.select(relay.c.state, sa.func.count(), sa.func.min(relay.c.queued_at))
                .where(relay.c.state.in_((WAITING, DEAD)))
                .group_by(relay.c.state)
            ).all()
        by_state = {state: (count, oldest) for state, count, oldest in counts}
        waiting, oldest_at = by_state.get(WAITING, (0, None))
        return Depth(waiting, oldest_at, by_state.get(DEAD, (0, None))[0])


def _unleased(table: sa.FromClause, now_text: str) -> sa.ColumnElement[bool]:
    return sa.or_(table.c.lease_until.is_(None), table.c.lease_until <= now_text)


def _before(now_text: str) -> sa.Exists:
    """Another letter of the same payment that must end first: an earlier one, or one that is on its way."""
    other = relay.alias("other")
    return sa.exists().where(
        other.c.site == relay.c.site,
        other.c.till == relay.c.till,
        other.c.reference == relay.c.reference,
        other.c.state == WAITING,
        other.c.seq != relay.c.seq,
        sa.or_(other.c.seq < relay.c.seq, ~_unleased(other, now_text)),
    )


def _letters(connection: sa.Connection, seqs: Sequence[int]) -> list[Letter]:
    """Letters with their bytes, in the order of `seqs`."""
    taken = sa.and_(
        relay.c.kind == POSTBACK,
        postbacks.c.id == relay.c.id,
        postbacks.c.site == relay.c.site,
        postbacks.c.till == relay.c.till,
    )
    rows = connection.execute(
        sa.select(
            relay,
            postbacks.c.content_type,
            postbacks.c.query,
            postbacks.c.body.label("postback_body"),
        )
        .outerjoin_from(relay, postbacks, taken)
        .where(relay.c.seq.in_(seqs))
    )
    own = ("seq", "kind", "id", "site", "till", "reference", "url", "host", "portal_reference")
    found = {
        row["seq"]: Letter(
            **{name: row[name] for name in (*own, "attempts", "failures", "since_at")},
            content_type=row["content_type"] or "",
            query=row["query"] or b"",
            body=(row["postback_body"] if row["kind"] == POSTBACK else row["body"]) or b"",
        )
        for row in rows.mappings()
    }
    return [found[seq] for seq in seqs]
