"""Wakes the long polls of a till. Lives on one event loop; other processes ring it by PostgreSQL's NOTIFY."""

import asyncio
from collections.abc import Iterator
from contextlib import contextmanager

Who = tuple[str, str]


class Bell:
    """Events of those who wait, by site and till. Once closed, nobody waits any more."""

    def __init__(self) -> None:
        self._listening: dict[Who, set[asyncio.Event]] = {}
        self._closed = False

    @contextmanager
    def listen(self, who: Who) -> Iterator[asyncio.Event]:
        """An event that is set at the next ring for `who`, from now until the block is left."""
        event = asyncio.Event()
        if self._closed:
            event.set()
        listening = self._listening.setdefault(who, set())
        listening.add(event)
        try:
            yield event
        finally:
            listening.discard(event)
            if not listening:
                self._listening.pop(who, None)

    @property
    def listeners(self) -> int:
        """How many wait now."""
        return sum(map(len, self._listening.values()))

    @property
    def closed(self) -> bool:
        """Whether the hub is stopping."""
        return self._closed

    def ring(self, who: Who) -> None:
        """Wake everyone who listens for `who`."""
        for event in self._listening.get(who, ()):
            event.set()

    def ring_all(self) -> None:
        """Wake everyone: something may have come unheard."""
        for who in self._listening:
            self.ring(who)

    def close(self) -> None:
        """Wake everyone, for good: the hub is stopping."""
        self._closed = True
        self.ring_all()
