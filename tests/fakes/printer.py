"""A printer and a mail server in memory."""

import asyncio
from collections.abc import Sequence

from cashier.domain.columns import lay_out, plain_text
from cashier.domain.receipt_text import Paper
from cashier.till.ports import PrintOutcome, PrintResult

GOOD = PrintResult(PrintOutcome.PRINTED)
NO_PAPER = PrintResult(PrintOutcome.NOT_PRINTED, "the printer is out of paper")
LOST = PrintResult(PrintOutcome.UNKNOWN, "the printer took it and did not answer")


class FakePrinter:
    """What comes next is in `results`; then everything is printed. `holds` lets a print wait."""

    def __init__(self) -> None:
        self.papers: list[Paper] = []
        self.results: list[PrintResult] = []
        self.drawer_results: list[PrintResult] = []
        self.pulses = 0
        self.holds: asyncio.Event | None = None

    @property
    def texts(self) -> Sequence[str]:
        """What was printed, or perhaps printed."""
        return [plain_text(lay_out(paper.items, 42), 42) for paper in self.papers]

    async def print(self, paper: Paper) -> PrintResult:
        """See the port."""
        await asyncio.sleep(0)
        if self.holds is not None:
            await self.holds.wait()
        result = self.results.pop(0) if self.results else GOOD
        if result.outcome is not PrintOutcome.NOT_PRINTED:
            self.papers.append(paper)
        return result

    async def open_drawer(self) -> PrintResult:
        """See the port."""
        await asyncio.sleep(0)
        result = self.drawer_results.pop(0) if self.drawer_results else GOOD
        if result.outcome is PrintOutcome.PRINTED:
            self.pulses += 1
        return result

    async def check(self) -> PrintResult:
        """See the port."""
        await asyncio.sleep(0)
        return self.results[0] if self.results else GOOD


class FakeMailer:
    """Keeps what was sent."""

    def __init__(self) -> None:
        self.sent: list[tuple[str, str, str, Paper]] = []
        self.results: list[PrintResult] = []

    async def send(self, to: str, subject: str, text: str, paper: Paper) -> PrintResult:
        """See the port."""
        await asyncio.sleep(0)
        result = self.results.pop(0) if self.results else GOOD
        if result.outcome is not PrintOutcome.NOT_PRINTED:
            self.sent.append((to, subject, text, paper))
        return result
