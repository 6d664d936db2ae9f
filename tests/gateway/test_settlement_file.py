"""The gateway's settlement file: read whole or not at all, every fault told at once, no card number kept."""

import datetime as dt
import hashlib
from dataclasses import replace
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cashier.domain.errors import Refused
from cashier.domain.settlement import LineKind, SettlementLine
from cashier.gateway import settlement
from cashier.gateway.settlement import ColumnNames, FileShape, parse_settlement, read_settlement
from cashier.settings_tables import SettlementSettings

GUID = "0f8fad5b-d9cb-469f-a165-70867728950e"
HEADER = "PaymentGUID,BillerReference,InvoiceNumber,PaymentAmount,ConvenienceFee,PaymentDate"
LINE = f"{GUID},A-1,700001-6,100.00,2.50,02/03/2026"
SHAPE = FileShape()
WITH_KIND = FileShape(columns=ColumnNames(kind="Type"))


def parse(*lines: str, shape: FileShape = SHAPE, header: str = HEADER) -> tuple[SettlementLine, ...]:
    return parse_settlement("\r\n".join((header, *lines)).encode(), shape, "file.csv")


def faults(*lines: str, shape: FileShape = SHAPE, header: str = HEADER) -> tuple[str, ...]:
    with pytest.raises(Refused) as refused:
        parse(*lines, shape=shape, header=header)
    return refused.value.faults


def amounts(amount: str, fee: str = "0") -> tuple[int, int | None, LineKind]:
    (line,) = parse(f'{GUID},A-1,7,"{amount}","{fee}",02/03/2026')
    return line.amount_cents, line.fee_cents, line.kind


def test_a_line_becomes_its_members() -> None:
    assert parse(LINE) == (
        SettlementLine(2, GUID, "A-1", "700001-6", 10_000, 250, LineKind.CHARGE, dt.date(2026, 2, 3)),
    )


def test_a_header_alone_is_a_file_without_lines() -> None:
    assert parse() == ()


def test_line_numbers_are_the_files_own() -> None:
    lines = parse("", LINE, ",,,,,", f'{GUID},A-1,"700001,\r\n700002",1.00,0.00,02/03/2026', LINE)
    assert [line.row for line in lines] == [3, 5, 7]
    assert lines[1].invoice == "700001,  700002"


def test_columns_are_found_by_name_in_any_order_case_and_place() -> None:
    header = " paymentdate ,Other,PAYMENTAMOUNT,InvoiceNumber,BillerReference,ConvenienceFee,PaymentGUID"
    (line,) = parse(f"02/03/2026,x,1.00,7,A-1,0.10,{GUID}", header=header)
    assert (line.payment_guid, line.amount_cents, line.fee_cents, line.reference) == (GUID, 100, 10, "A-1")


def test_columns_the_file_does_not_have_are_left_out() -> None:
    shape = FileShape(
        columns=ColumnNames(payment_guid="", invoice="", fee="", date="", reference="Ref", amount="Net")
    )
    (line,) = parse("A-1,5.00", header="Ref,Net", shape=shape)
    assert line == SettlementLine(2, "", "A-1", "", 500, None)


@pytest.mark.parametrize(
    ("text", "cents"),
    [
        ("100", 10_000),
        ("100.5", 10_050),
        ("$100.00", 10_000),
        ("1,234.50", 123_450),
        ("$9,999,999.99", 999_999_999),
        (" 7.00 ", 700),
        ("0.00", 0),
    ],
)
def test_amounts_as_spreadsheets_write_them(text: str, cents: int) -> None:
    assert amounts(text) == (cents, 0, LineKind.CHARGE)


@pytest.mark.parametrize("text", ["-12.00", "(12.00)", "-$12.00", "$-12.00", "($12.00)", "( 12.00 )"])
def test_a_negative_amount_is_a_refund(text: str) -> None:
    assert amounts(text, "0.30") == (-1_200, -30, LineKind.REFUND)


@pytest.mark.parametrize(
    "text",
    [
        "",
        "x",
        "1.234,50",
        "1,23",
        "12,345,6",
        "1.001",
        "1e3",
        "--1",
        "(-1)",
        "-(1)",
        "1.00-",
        "٣.00",
        "NaN",
        "€1",
        "()",
    ],
)
def test_what_is_no_amount_is_a_fault(text: str) -> None:
    (fault,) = faults(f'{GUID},A-1,7,"{text}",0,02/03/2026')
    assert fault.startswith("file.csv: line 2: PaymentAmount: ")


def test_the_words_of_the_kind_decide() -> None:
    header = f"{HEADER},Type"
    lines = parse(f"{LINE},Sale", f"{LINE},REFUND", f"{LINE},chargeback", shape=WITH_KIND, header=header)
    assert [line.kind for line in lines] == [LineKind.CHARGE, LineKind.REFUND, LineKind.REFUND]
    assert [line.amount_cents for line in lines] == [10_000, -10_000, -10_000]
    assert faults(f"{LINE},Adjustment", f"{LINE},", shape=WITH_KIND, header=header) == (
        "file.csv: line 2: Type: 'Adjustment' is not among charge_words and refund_words",
        "file.csv: line 3: Type: '' is not among charge_words and refund_words",
    )


@pytest.mark.parametrize("text", ["02/03/2026", "2/3/2026", "2026-02-03", "2/3/2026 10:05:00 AM"])
def test_dates_in_every_listed_format(text: str) -> None:
    (line,) = parse(f"{GUID},A-1,7,1.00,0,{text}")
    assert line.date == dt.date(2026, 2, 3)


@pytest.mark.parametrize("text", ["", "03.02.2026", "2026-02-30", "13/13/2026"])
def test_what_is_no_date_is_a_fault(text: str) -> None:
    (fault,) = faults(f"{GUID},A-1,7,1.00,0,{text}")
    assert fault.startswith("file.csv: line 2: PaymentDate: ")


def test_all_faults_at_once_one_a_line() -> None:
    assert faults(
        LINE,
        f"{GUID},A-1,7,x,y,02/03/2026",
        LINE,
        ",,7,1.00,0,02/03/2026",
        f"{GUID},A-1,7,1.00",
        f"{LINE},more",
    ) == (
        "file.csv: line 3: PaymentAmount: 'x' is not an amount such as 1,234.50; "
        "ConvenienceFee: 'y' is not an amount such as 1,234.50",
        "file.csv: line 5: names neither a payment id nor a reference",
        "file.csv: line 6: has 4 fields, the header has 6",
        "file.csv: line 7: has 7 fields, the header has 6",
    )


def test_a_file_of_another_shape_does_not_fill_the_screen() -> None:
    told = faults(*["x"] * 1000)
    assert len(told) == settlement.FAULTS_MAX + 1
    assert told[-1] == "file.csv: 800 more lines have faults"


def test_a_missing_column_is_named_with_its_setting_and_what_there_is() -> None:
    told = faults(header="PaymentGUID,BillerReference,Amount,Fee,Fee", shape=SHAPE)
    assert "no column 'PaymentAmount' (settlement.columns.amount" in told[1]
    assert (
        told[-1]
        == "file.csv: line 1: its columns are 'PaymentGUID', 'BillerReference', 'Amount', 'Fee', 'Fee'"
    )
    twice = faults(header=f"{HEADER},paymentguid")
    assert twice[0] == "file.csv: line 1: has the column 'PaymentGUID' more than once"


def test_text_that_is_too_long_is_a_fault() -> None:
    (fault,) = faults(f"{GUID},{'A' * 201},7,1.00,0,02/03/2026")
    assert fault == "file.csv: line 2: BillerReference: has more than 200 characters"


def test_a_card_number_is_neither_kept_nor_repeated() -> None:
    card = "4111 1111 1111 1111"
    (line,) = parse(f"{GUID},A {card},{card},1.00,0,02/03/2026")
    assert "4111" not in repr(line)
    for told in (
        faults(f"{GUID},A-1,7,{card},{card},{card}"),
        faults(header=f"{card},PaymentGUID"),
        faults(f"{LINE},{card}", shape=WITH_KIND, header=f"{HEADER},Type"),
    ):
        assert "4111" not in "".join(told)


def test_control_characters_do_not_come_through() -> None:
    (line,) = parse(f"{GUID},A\x1b[31m-1,7\u202e8,1.00,0,02/03/2026")
    assert (line.reference, line.invoice) == ("A [31m-1", "7 8")


# -- bytes ------------------------------------------------------------------------------------------------

_BYTES = f"{HEADER}\nx,Café,7,1.00,0,02/03/2026\n"


@pytest.mark.parametrize(
    ("encoding", "written"),
    [
        ("auto", "utf-8"),
        ("auto", "utf-8-sig"),
        ("auto", "cp1252"),
        ("utf-8", "utf-8"),
        ("utf-8", "utf-8-sig"),
        ("cp1252", "cp1252"),
    ],
)
def test_encodings(encoding: str, written: str) -> None:
    (line,) = parse_settlement(_BYTES.encode(written), replace(SHAPE, encoding=encoding), "f")
    assert line.reference == "Café"


@pytest.mark.parametrize(
    ("encoding", "data"),
    [
        ("utf-8", _BYTES.encode("cp1252")),
        ("auto", _BYTES.encode("utf-16")),
        ("auto", b"\x81\x8d"),
        ("cp1252", b"\x81"),
        ("auto", b"PK\x03\x04\0\0"),
    ],
)
def test_bytes_that_are_no_such_text(encoding: str, data: bytes) -> None:
    with pytest.raises(Refused, match=r"^f: is not .* text$"):
        parse_settlement(data, replace(SHAPE, encoding=encoding), "f")


def test_another_delimiter() -> None:
    (line,) = parse(
        LINE.replace(",", ";"), header=HEADER.replace(",", ";"), shape=replace(SHAPE, delimiter=";")
    )
    assert line.amount_cents == 10_000


def test_quotes_that_do_not_close_are_told_with_their_line() -> None:
    (fault,) = faults(LINE, f'{GUID},"A-1,7,1.00,0,02/03/2026')
    assert fault.startswith("file.csv: line 3: is not CSV: ")


def test_an_empty_file() -> None:
    for data in (b"", b"\n\n , \n"):
        with pytest.raises(Refused, match="f: is empty"):
            parse_settlement(data, SHAPE, "f")


def test_a_file_is_read_with_its_digest(tmp_path: Path) -> None:
    file = tmp_path / "settlement.csv"
    file.write_bytes(f"{HEADER}\n{LINE}\n".encode())
    found = read_settlement(file, SHAPE)
    assert (found.name, len(found.lines)) == ("settlement.csv", 1)
    assert found.sha256 == hashlib.sha256(file.read_bytes()).hexdigest()


def test_a_file_that_cannot_be_read(tmp_path: Path) -> None:
    for path in (tmp_path, tmp_path / "nosuch.csv"):
        with pytest.raises(Refused, match="is not a file"):
            read_settlement(path, SHAPE)


def test_a_file_that_is_too_large(tmp_path: Path) -> None:
    file = tmp_path / "large.csv"
    with file.open("wb") as stream:
        stream.truncate(settlement.FILE_MAX_BYTES + 1)
    with pytest.raises(Refused, match="more than 32 MiB"):
        read_settlement(file, SHAPE)


@given(
    st.binary(max_size=200)
    | st.text(max_size=200).map(lambda text: f"{HEADER}\n{text}".encode(errors="replace"))
)
def test_whatever_is_in_it_it_is_read_or_refused(data: bytes) -> None:
    try:
        lines = parse_settlement(data, SHAPE, "f")
    except Refused as refused:
        assert all(fault.startswith("f: ") for fault in refused.faults)
    else:
        assert all(line.payment_guid or line.reference for line in lines)


def test_the_settings_say_the_same_by_default() -> None:
    written = SettlementSettings().model_dump()
    assert FileShape(**written | {"columns": ColumnNames(**written["columns"])}) == SHAPE
