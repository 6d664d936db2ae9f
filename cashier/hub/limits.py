"""How often anybody may knock: token buckets, pure but for the time that is handed in.

A proven postback is never limited; what has no proof, and a till that asks too often, is told to wait.
"""

import ipaddress
from collections import OrderedDict
from collections.abc import Callable, Hashable
from dataclasses import dataclass
from math import ceil

Monotonic = Callable[[], float]

#: Buckets kept at once. Past it the one that was used longest ago is forgotten.
BUCKETS_MAX = 10_000


@dataclass(frozen=True)
class Rate:
    """`burst` at once, then `per_second` in the long run."""

    burst: float
    per_second: float


@dataclass(frozen=True)
class Rates:
    """What is allowed, by hub process.

    `wrong_per_peer`, `wrong`: wrong addresses and keys, from one peer and in all. Invoice Cloud posts from
    few addresses, and a late postback to an address of the past is to reach the quarantine, so these are not
    tight.
    `open_per_peer`, `open`: health, figures and description; apart from the wrong ones, so that a flood of
    those does not make the hub look dead. `per_till`: a till's own requests.
    `enrol_per_peer`, `enrol_per_code`: codes of invitations, right ones too, from one peer and of one code.
    Codes have 55 bits, so that guessing from many peers is hopeless without a limit of all.
    """

    wrong_per_peer: Rate = Rate(burst=300, per_second=1)
    wrong: Rate = Rate(burst=2_000, per_second=100)
    open_per_peer: Rate = Rate(burst=100, per_second=10)
    open: Rate = Rate(burst=1_000, per_second=100)
    per_till: Rate = Rate(burst=300, per_second=50)
    enrol_per_peer: Rate = Rate(burst=10, per_second=1 / 30)
    enrol_per_code: Rate = Rate(burst=5, per_second=1 / 30)


class Buckets:
    """A bucket for each key, full at first. Bounded in memory; for one thread."""

    def __init__(self, rate: Rate, monotonic: Monotonic, buckets_max: int = BUCKETS_MAX) -> None:
        self._rate = rate
        self._monotonic = monotonic
        self._max = buckets_max
        #: Tokens left, and when that was; the one used longest ago first.
        self._buckets: OrderedDict[Hashable, tuple[float, float]] = OrderedDict()

    def __len__(self) -> int:
        return len(self._buckets)

    def take(self, key: Hashable) -> int:
        """Take one token: 0 when there was one, else in how many whole seconds there will be."""
        now = self._monotonic()
        tokens, since = self._buckets.pop(key, (self._rate.burst, now))
        tokens = min(self._rate.burst, tokens + max(now - since, 0) * self._rate.per_second)
        wait_s = 0 if tokens >= 1 else max(1, ceil((1 - tokens) / self._rate.per_second))
        self._buckets[key] = (tokens - 1 if not wait_s else tokens, now)
        if len(self._buckets) > self._max:
            self._buckets.popitem(last=False)
        return wait_s


class Limits:
    """The hub's limits. Each method gives 0, or for how many seconds the asker is to wait."""

    def __init__(self, rates: Rates, monotonic: Monotonic) -> None:
        self._wrong_per_peer = Buckets(rates.wrong_per_peer, monotonic)
        self._wrong = Buckets(rates.wrong, monotonic, 1)
        self._open_per_peer = Buckets(rates.open_per_peer, monotonic)
        self._open = Buckets(rates.open, monotonic, 1)
        self._tills = Buckets(rates.per_till, monotonic)
        self._enrol_per_peer = Buckets(rates.enrol_per_peer, monotonic)
        self._enrol_per_code = Buckets(rates.enrol_per_code, monotonic)

    def wrong(self, peer: str) -> int:
        """A wrong address or key."""
        return self._wrong_per_peer.take(network_of(peer)) or self._wrong.take("")

    def open(self, peer: str) -> int:
        """A request to a route that asks for no proof."""
        return self._open_per_peer.take(network_of(peer)) or self._open.take("")

    def till(self, site: str, till: str) -> int:
        """A request of a proven till."""
        return self._tills.take((site, till))

    def enrolling(self, peer: str) -> int:
        """Somebody who brings a code."""
        return self._enrol_per_peer.take(network_of(peer))

    def redeeming(self, code_hash: str) -> int:
        """A code, whoever brings it."""
        return self._enrol_per_code.take(code_hash)


def network_of(peer: str) -> str:
    """Whom an address belongs to: itself, or for IPv6 its /64, of which one subscriber has every address."""
    try:
        address = ipaddress.ip_address(peer)
    except ValueError:
        return peer
    if address.version == 4:
        return peer
    if address.ipv4_mapped is not None:
        return str(address.ipv4_mapped)
    return str(ipaddress.ip_network((int(address) >> 64 << 64, 64)))
