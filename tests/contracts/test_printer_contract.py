"""What a printer promises the till: the fake, a real socket with an emulated printer, and a file."""

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import NamedTuple

import pytest

from cashier.domain.receipt_text import Item, ItemKind, Paper
from cashier.paper.escpos import EscposPrinter, RollSettings, open_line_of
from cashier.till.ports import Printer, PrintOutcome
from tests.fakes.printer import LOST, NO_PAPER, FakePrinter
from tests.helpers.escpos_emulator import Fault, Roll, printer_at

PAPER = Paper("A-000001", (Item(ItemKind.SUM, "Total", "224.18"), Item(ItemKind.QR, "A-000001")))


class World(NamedTuple):
    """A printer, what it printed, and its faults."""

    printer: Printer
    printed: Callable[[], str]
    pulses: Callable[[], int]
    without_paper: Callable[[], None] | None
    silent_after: Callable[[], None] | None


@pytest.fixture(params=["fake", "network", "file"])
def world(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[World]:
    if request.param == "fake":
        fake = FakePrinter()
        yield World(
            fake,
            lambda: "\n".join(fake.texts),
            lambda: fake.pulses,
            lambda: fake.results.append(NO_PAPER),
            lambda: fake.results.append(LOST),
        )
    elif request.param == "network":
        settings = RollSettings()
        with printer_at() as there:
            line = open_line_of("network", settings, host="127.0.0.1", port=there.port, timeout_s=0.5)
            yield World(
                EscposPrinter(line, settings),
                lambda: there.settle().text,
                lambda: len(there.settle().pulses),
                lambda: setattr(there, "fault", Fault.PAPER_OUT),
                lambda: setattr(there, "fault", Fault.STALL),
            )
    else:
        settings, file = RollSettings(answers=False), tmp_path / "lp0"

        def roll() -> Roll:
            made = Roll()
            made.feed(file.read_bytes() if file.exists() else b"")
            return made

        printer = EscposPrinter(open_line_of("file", settings, device=str(file)), settings)
        yield World(printer, lambda: roll().text, lambda: len(roll().pulses), None, None)


async def test_what_is_printed_is_told(world: World) -> None:
    assert (await world.printer.check()).outcome is PrintOutcome.PRINTED
    result = await world.printer.print(PAPER)
    assert (result.outcome, result.reason) == (PrintOutcome.PRINTED, "")
    assert "Total" in world.printed() and "224.18" in world.printed()
    assert world.pulses() == 0


async def test_the_drawer_opens_by_itself(world: World) -> None:
    assert (await world.printer.open_drawer()).outcome is PrintOutcome.PRINTED
    assert world.pulses() == 1
    assert world.printed() == ""


async def test_r6_without_paper_nothing_is_printed_and_the_drawer_opens(world: World) -> None:
    if world.without_paper is None:
        return  # a file never runs out
    world.without_paper()
    result = await world.printer.print(PAPER)
    assert result.outcome is PrintOutcome.NOT_PRINTED
    assert "out of paper" in result.reason
    assert world.printed() == ""
    assert (await world.printer.open_drawer()).outcome is PrintOutcome.PRINTED
    assert world.pulses() == 1


async def test_r7_an_answer_that_does_not_come_is_unknown(world: World) -> None:
    if world.silent_after is None:
        return  # a file never answers
    world.silent_after()
    result = await world.printer.print(PAPER)
    assert result.outcome is PrintOutcome.UNKNOWN
    assert result.reason
