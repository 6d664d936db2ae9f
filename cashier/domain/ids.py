"""Identifiers: UUIDv7 (RFC 9562, section 5.7), a pure function of the time and random bits given.

The id of a payment is written before it is used and is its idempotency key at every counterpart.
"""

from uuid import UUID

RANDOM_BITS = 74


def uuid7(unix_ms: int, random_bits: int) -> UUID:
    """A UUIDv7 of a Unix time in milliseconds (48 bits) and 74 random bits."""
    if not 0 <= unix_ms < 1 << 48:
        raise ValueError(f"time out of range: {unix_ms} ms")
    if not 0 <= random_bits < 1 << RANDOM_BITS:
        raise ValueError("random_bits must be a number of 74 bits")
    rand_a, rand_b = random_bits >> 62, random_bits & ((1 << 62) - 1)
    return UUID(int=unix_ms << 80 | 0x7 << 76 | rand_a << 64 | 0b10 << 62 | rand_b)


def payment_reference(till: str, payment_id: UUID) -> str:
    """Our gateway reference: the till code, a dash and the payment id's 32 hex digits, e.g. `A-0190…`.

    At most 40 characters. It always contains letters (the till code), so that no card-number scrubber can
    ever mistake it for a card number.
    """
    return f"{till}-{payment_id.hex}"


_HELD = "-held-"


def held_reference(till: str, held_id: UUID) -> str:
    """Under which the hub keeps the invoices of a sale put aside: no payment has such a reference."""
    return f"{till}{_HELD}{held_id.hex}"


def is_held_reference(reference: str) -> bool:
    """Whether a reference is of a sale put aside, not of a payment."""
    return bool(held_by(reference))


def held_by(reference: str) -> str:
    """The till that put aside what a reference holds; empty for a payment's reference."""
    return reference.rpartition(_HELD)[0]
