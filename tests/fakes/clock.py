"""Time and random bits as a test wants them."""

import datetime as dt
import random


class MovingClock:
    """A clock that moves only when told. The counter is five hours behind UTC."""

    def __init__(self, moment: dt.datetime = dt.datetime(2026, 2, 3, 15, 4, 5, tzinfo=dt.UTC)) -> None:
        self.moment = moment

    def advance(self, seconds: float) -> None:
        self.moment += dt.timedelta(seconds=seconds)

    def now(self) -> dt.datetime:
        return self.moment

    def today(self) -> dt.date:
        return (self.moment - dt.timedelta(hours=5)).date()

    def monotonic(self) -> float:
        return self.moment.timestamp()


class SeededRandomness:
    """The same bits in every run."""

    def __init__(self, seed: int = 1) -> None:
        self._random = random.Random(seed)

    def bits(self, count: int) -> int:
        return self._random.getrandbits(count)
