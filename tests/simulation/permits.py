"""The permit system: invoices with numbers of its own, which any till of the site may be asked to take.

It learns of a payment when a till's journal has it, as its relay would tell it.
"""

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from tests.simulation.world import World


@dataclass
class Given:
    """One invoice. `minimum` None: it must be paid at once."""

    number: str
    total: int
    minimum: int | None
    tries: list[tuple[str, str]] = field(default_factory=list)  # till code, reference


class Permits:
    """All given invoices of a site."""

    def __init__(self, world: "World") -> None:
        self._world = world
        self._invoices: dict[str, Given] = {}

    def pick(self) -> Given:
        """An invoice that somebody comes to pay: mostly a new one, sometimes one that was begun."""
        world = self._world
        begun = [item for item in list(self._invoices.values())[-12:] if self.due(item) > 0]
        if begun and world.chance(0.45):
            return world.random.choice(begun)
        number = f"BP26-{len(self._invoices) + 1:05d}-6"
        total = world.random.randrange(2_000, 40_000)
        minimum = world.random.choice((1, total // 4)) if world.chance(0.5) else None
        given = self._invoices[number] = Given(number, total, minimum)
        return given

    def due(self, given: Given) -> int:
        """What is left, as far as the journals of the site know."""
        stations = {station.code: station for station in self._world.stations}
        paid = 0
        for code, reference in given.tries:
            payment = stations[code].store.payment(reference)
            if payment is not None:
                paid += payment.amount_cents if payment.vouch else payment.confirmed_cents
        return max(given.total - paid, 0)

    def total(self, number: str) -> int | None:
        """What an invoice came to, or None for a number that is not given."""
        known = self._invoices.get(number)
        return known.total if known else None
