"""The real clock and the real random bits, plugged in by bootstrap."""

import datetime as dt
import secrets
import time


class SystemClock:
    """The machine's time."""

    def now(self) -> dt.datetime:
        """Aware UTC."""
        return dt.datetime.now(dt.UTC)

    def today(self) -> dt.date:
        """The local calendar date."""
        return dt.datetime.now().astimezone().date()

    def monotonic(self) -> float:
        """Seconds, for durations only."""
        return time.monotonic()


class SystemRandomness:
    """The operating system's random bits."""

    def bits(self, count: int) -> int:
        """A number of `count` unguessable random bits."""
        return secrets.randbits(count)
