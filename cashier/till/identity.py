"""Ids of the till, made from the clock and the random bits it was given."""

from uuid import UUID

from cashier.domain.ids import RANDOM_BITS, uuid7
from cashier.till.ports import Clock, Randomness


def new_id(clock: Clock, randomness: Randomness) -> UUID:
    """A UUIDv7 of now."""
    return uuid7(int(clock.now().timestamp() * 1000), randomness.bits(RANDOM_BITS))
