"""Ids and times of the till, made from the clock and the random bits it was given."""

import datetime as dt
from uuid import UUID

from cashier.domain.ids import RANDOM_BITS, uuid7
from cashier.till.ports import Clock, Randomness


def stamp(moment: dt.datetime) -> str:
    """`2026-01-02T03:04:05.123Z`. Raises ValueError for a naive time."""
    if moment.tzinfo is None:
        raise ValueError("a time without a zone")
    utc = moment.astimezone(dt.UTC)
    return f"{utc:%Y-%m-%dT%H:%M:%S}.{utc.microsecond // 1000:03d}Z"


def new_id(clock: Clock, randomness: Randomness) -> UUID:
    """A UUIDv7 of now."""
    return uuid7(int(clock.now().timestamp() * 1000), randomness.bits(RANDOM_BITS))
