"""The second person: who approves what a clerk asks for is never the one who asks."""

from cashier.domain.errors import Refused
from cashier.domain.scrub import scrub_card_numbers
from cashier.till.config import TillConfig
from cashier.till.ports import Approvers

#: Reasons and notes: long enough to say something, short enough to be read.
REASON_MIN, REASON_MAX = 8, 300


async def approved_by(config: TillConfig, approvers: Approvers, supervisor: str, pin: str) -> None:
    """Prove that a supervisor of this till, who is not its clerk, approves. Raises Refused."""
    if supervisor.strip().casefold() == config.cashier.strip().casefold():
        raise Refused("The supervisor must be a second person, not the clerk who asks.")
    if supervisor not in config.supervisors:
        raise Refused("Choose a supervisor of this till.")
    await approvers.approve(supervisor, pin)


def checked_reason(text: str, name: str) -> str:
    """A reason or note as one line. Raises Refused when it says nothing, too much, or a card number."""
    text = " ".join(text.split())
    if not REASON_MIN <= len(text) <= REASON_MAX or not text.isprintable():
        raise Refused(f"Write a {name} of {REASON_MIN} to {REASON_MAX} characters.")
    if scrub_card_numbers(text) != text:
        raise Refused(f"The {name} has a card number in it. Card numbers are never kept here.")
    return text
