"""Where a planted bug goes in: small objects in place of others, as arguments. NONE is the product itself."""

from collections.abc import Callable, Coroutine
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from cashier.till.feed import follow
from cashier.till.ports import Outside
from cashier.till.till import Till

if TYPE_CHECKING:
    from tests.simulation.hub import SimHub
    from tests.simulation.station import Process


def _as_it_is(journal: Any) -> Any:
    return journal


def _outside(outside: Outside, _process: "Process") -> Outside:
    return outside


def _nothing(*_: object) -> None:
    return None


@dataclass(frozen=True)
class Mutant:
    """A planted bug. `reloads`: the view loads a payment's page anew after its renderer has died.

    `world` is the scenario in which it shows soonest.
    """

    name: str
    world: str = "usual"
    journal: Callable[[Any], Any] = _as_it_is
    outside: Callable[[Outside, "Process"], Outside] = _outside
    till: Callable[..., Till] = Till
    refit: Callable[[Till, "Process"], None] = _nothing
    follow: Callable[[Any, Till], Coroutine[Any, Any, None]] = follow
    hub: Callable[["SimHub"], None] = _nothing
    reloads: bool = False


NONE = Mutant("none")
