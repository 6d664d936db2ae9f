"""Readers that answer as they are told."""

import asyncio
from collections.abc import Mapping

from cashier.till.ports import ReaderTold

IDTECH, VIPA = "idtech_itp", "verifone_vipa"


class FakeReaderProbe:
    """The till's ReaderProbe; `answers` are what is said on each port. Keeps what was asked.

    `held` makes the answers wait.
    """

    def __init__(self, answers: Mapping[str, ReaderTold] | None = None) -> None:
        self.answers = dict(answers or {})
        self.asked: list[tuple[str, str, int | None, bool]] = []
        self.held: asyncio.Event | None = None

    def families(self) -> Mapping[str, str]:
        """See the port."""
        return {IDTECH: "ID TECH (ITP)", VIPA: "Verifone (VIPA)"}

    def announces(self, family: str) -> str:
        """See the port."""
        return "Its display goes dark for a moment." if family == VIPA else ""

    async def ask(self, device: str, family: str, baud: int | None, rts_cts: bool) -> ReaderTold:
        """See the port."""
        self.asked.append((device, family, baud, rts_cts))
        if self.held is not None:
            await self.held.wait()
        return self.answers.get(device, ReaderTold("not answering", is_known=False))
