"""A receipt as ESC/POS: what a printer makes of the bytes, and what each way of failing is told as."""

import os
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest

from cashier.domain.receipt_text import Item, ItemKind, Paper, receipt_paper
from cashier.domain.sale import Customer
from cashier.paper.escpos import EscposPrinter, RollSettings, document_bytes, open_line_of
from cashier.paper.logo import read_logo
from cashier.till.ports import PrintOutcome
from tests.fakes.entries import make_receipt, make_sale
from tests.helpers.escpos_emulator import Fault, PrinterAt, Roll, printer_at

PAPER = Paper("x", (Item(ItemKind.LINE, "Plan review", "78.68"),))


def printed(paper: Paper, settings: RollSettings) -> Roll:
    roll = Roll()
    data, _lost = document_bytes(paper, settings)
    roll.feed(data)
    return roll


def text_paper(text: str) -> Paper:
    return Paper("x", (Item(ItemKind.SMALL, text),))


def test_the_bytes_of_a_line_are_these() -> None:
    data, lost = document_bytes(PAPER, RollSettings(columns=32, profile="TM-T88V"))
    line = b"Plan review" + b" " * 16 + b"78.68\n"
    assert data == (
        b"\x1b@\x1bt\x13" + b"\x1ba\x00" + b"\x1bE\x00\x1d!\x00" + line + b"\x1bd\x04" + b"\x1dV\x42\x00"
    )
    assert lost == ""


@pytest.mark.parametrize("columns", [32, 42, 48])
def test_r5_a_roll_says_what_the_auditor_asks_for(columns: int) -> None:
    receipt = replace(make_receipt("s1", make_sale()), number="A-000123", training=False)
    roll = printed(receipt_paper(receipt, lambda stamp: stamp[:16]), RollSettings(columns=columns))
    text = " ".join(roll.text.split())
    for said in (
        *("Sampletown Building Department", "A-000123", "2026-02-03T15:04", "Robin Example"),
        *("CSGN-26-000012", "Commercial Sign Application", "224.18", "Card VISA", "Kim Clerk", "Till A"),
    ):
        assert said in text, said
    assert [line.qr for line in roll.lines if line.qr] == ["A-000123"]
    assert roll.cuts == 1 and roll.pulses == []
    assert all(len(line.text) * (2 if line.size else 1) <= columns for line in roll.lines)


@pytest.mark.parametrize("code_page", ["CP437", "CP850", "CP858", "CP1252", "CP863"])
def test_accents_stay_where_the_code_page_has_them(code_page: str) -> None:
    roll = printed(text_paper("é ç Montréal"), RollSettings(code_page=code_page, profile="TM-T88V"))
    assert roll.lines[0].text == "é ç Montréal"


def test_what_the_code_page_lacks_is_spelled_and_what_cannot_be_is_numbered() -> None:
    paper = text_paper("Łukasz Dvořák – “œuf” 小 \x1b@evil\u200b")
    data, lost = document_bytes(paper, RollSettings(code_page="CP437"))
    roll = Roll()
    roll.feed(data)
    assert roll.lines[0].text == 'Lukasz Dvorák - "oeuf" [U+5C0F] @evil'
    assert lost == "小"
    assert b"?" not in data


def test_a_payer_cannot_command_the_printer() -> None:
    name = "Robin\x1bp\x00\x3c\x78\x10\x14\x01\x00\x01\x1dV\x00"
    receipt = replace(make_receipt("s1", make_sale(name)), number="A-000001")
    roll = printed(receipt_paper(receipt, str), RollSettings())
    assert roll.pulses == [] and roll.cuts == 1


def test_a_logo_stands_above_the_receipt(tmp_path: Path) -> None:
    from PIL import Image

    Image.new("1", (64, 32), 0).save(tmp_path / "logo.png")
    roll = Roll()
    roll.feed(document_bytes(PAPER, RollSettings(), read_logo(tmp_path / "logo.png"))[0])
    assert roll.lines[0].dots is not None and roll.lines[0].dots[:2] == (64, 32)


def test_the_back_of_a_check_goes_to_the_slip_station() -> None:
    paper = replace(PAPER, is_slip=True)
    roll = printed(paper, RollSettings(has_slip_station=True))
    assert (roll.slips, roll.cuts) == (1, 0)
    assert printed(paper, RollSettings()).cuts == 1


@pytest.mark.parametrize(
    "settings",
    [
        RollSettings(code_page="CP999"),
        RollSettings(profile="TM-T88II"),
        RollSettings(profile="no such model"),
    ],
)
async def test_settings_that_cannot_be_print_nothing(settings: RollSettings) -> None:
    with printer_at() as there:
        line = open_line_of("network", settings, host="127.0.0.1", port=there.port, timeout_s=1)
        result = await EscposPrinter(line, settings).print(PAPER)
        assert result.outcome is PrintOutcome.NOT_PRINTED and result.reason
        assert there.roll.lines == []


# -- lines that fail ---------------------------------------------------------------------------------------


def over(there: PrinterAt, **changes: object) -> EscposPrinter:
    settings = replace(RollSettings(), **changes)  # type: ignore[arg-type]
    line = open_line_of("network", settings, host="127.0.0.1", port=there.port, timeout_s=0.4)
    return EscposPrinter(line, settings)


@pytest.mark.parametrize(
    ("fault", "outcome", "reason"),
    [
        (Fault.NONE, PrintOutcome.PRINTED, ""),
        (Fault.PAPER_OUT, PrintOutcome.NOT_PRINTED, "out of paper"),
        (Fault.OFFLINE, PrintOutcome.NOT_PRINTED, "not ready"),
        (Fault.SILENT, PrintOutcome.NOT_PRINTED, "does not answer"),
        (Fault.STALL, PrintOutcome.UNKNOWN, "did not answer"),
        (Fault.HALF_READ, PrintOutcome.UNKNOWN, "broke"),
    ],
)
async def test_r7_each_way_of_failing_is_told_as_what_it_is(
    fault: Fault, outcome: PrintOutcome, reason: str
) -> None:
    long = Paper("x", tuple(Item(ItemKind.LINE, f"Fee {n}", "1.00") for n in range(200)))
    with printer_at() as there:
        there.fault = fault
        result = await over(there).print(long)
    assert result.outcome is outcome
    assert reason in result.reason


async def test_a_printer_that_is_off_is_not_reached() -> None:
    with printer_at() as there:
        pass
    for result in (
        await over(there).print(PAPER),
        await over(there).open_drawer(),
        await over(there).check(),
    ):
        assert result.outcome is PrintOutcome.NOT_PRINTED
        assert "not reached" in result.reason


async def test_one_that_is_set_up_not_to_answer_is_not_asked() -> None:
    with printer_at() as there:
        there.fault = Fault.SILENT
        assert (await over(there, answers=False).print(PAPER)).outcome is PrintOutcome.PRINTED


@pytest.mark.parametrize(("pin", "told"), [(2, [0]), (5, [1])])
@pytest.mark.parametrize("at_once", [True, False])
async def test_the_drawer_hangs_on_one_of_two_pins(pin: int, told: list[int], at_once: bool) -> None:
    with printer_at() as there:
        await over(there, drawer_pin=pin, kick_at_once=at_once).open_drawer()
        assert there.settle().pulses == told


async def test_without_a_drawer_none_opens() -> None:
    with printer_at() as there:
        result = await over(there, drawer_pin=0).open_drawer()
        assert result.outcome is PrintOutcome.NOT_PRINTED and there.settle().pulses == []


async def test_a_serial_printer_prints() -> None:
    ours, theirs = os.openpty()
    os.set_blocking(ours, False)
    try:
        import tty

        tty.setraw(theirs)
        settings = RollSettings(answers=False)
        line = open_line_of("serial", settings, device=os.ttyname(theirs), baud=19200, timeout_s=0.2)
        result = await EscposPrinter(line, settings).print(PAPER)
        assert result.outcome is PrintOutcome.PRINTED, result.reason
        roll = Roll()
        roll.feed(os.read(ours, 10_000))
        assert "Plan review" in roll.text
    finally:
        os.close(ours)
        os.close(theirs)


@pytest.mark.parametrize(
    "where",
    [
        lambda: open_line_of("file", RollSettings(), device="/nowhere/lp0"),
        lambda: open_line_of("serial", RollSettings(), device="/dev/none", baud=9600, timeout_s=1),
        lambda: open_line_of(
            "usb", RollSettings(), vendor=0x4B8, product=1, in_ep=0x82, out_ep=1, timeout_s=1
        ),
    ],
)
async def test_a_printer_that_is_not_there_is_not_reached(where: Callable[[], object]) -> None:
    result = await EscposPrinter(where(), RollSettings()).print(PAPER)  # type: ignore[arg-type]
    assert result.outcome is PrintOutcome.NOT_PRINTED
    assert "not reached" in result.reason


def test_a_name_is_never_lost_however_long() -> None:
    words = [f"word{n}" for n in range(60)] + ["W" * 100]
    receipt = replace(make_receipt("s1", make_sale()), number="A-1", customer=Customer("1", " ".join(words)))
    roll = printed(receipt_paper(receipt, str), RollSettings(columns=32))
    text = roll.text.replace("\n", "").replace(" ", "")
    assert "".join(words) in text


def test_amounts_end_in_one_column_and_stay_whole() -> None:
    items = tuple(
        Item(ItemKind.LINE, "Fee with a long name " * 3, text, indent=1)
        for text in ("1.00", "9,999,999.99", "-12.05")
    )
    roll = printed(Paper("x", items), RollSettings(columns=32))
    ends = [line.text for line in roll.lines if any(sign.isdigit() for sign in line.text)]
    assert [line.rsplit(" ", 1)[1] for line in ends] == ["1.00", "9,999,999.99", "-12.05"]
    assert {len(line) for line in ends} == {32}
