"""The words that go with an approval; who may give one is `till.people`'s."""

from cashier.domain.errors import Refused
from cashier.domain.scrub import scrub_card_numbers

#: Reasons and notes: long enough to say something, short enough to be read.
REASON_MIN, REASON_MAX = 8, 300


def checked_reason(text: str, name: str) -> str:
    """A reason or note as one line. Raises Refused when it says nothing, too much, or a card number."""
    text = " ".join(text.split())
    if not REASON_MIN <= len(text) <= REASON_MAX or not text.isprintable():
        raise Refused(f"Write a {name} of {REASON_MIN} to {REASON_MAX} characters.")
    if scrub_card_numbers(text) != text:
        raise Refused(f"The {name} has a card number in it. Card numbers are never kept here.")
    return text
