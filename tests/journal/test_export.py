"""Exports open without this program, and anyone can follow the chain through them."""

import csv
import hashlib
import io
import json
from pathlib import Path

from cashier.journal.export import export_entries, export_receipts
from tests.fakes.entries import Drafts, make_sale
from tests.journal.conftest import Open


def test_every_entry_is_a_line_and_the_chain_can_be_followed(
    open_journal: Open, drafts: Drafts, file: Path
) -> None:
    journal = open_journal()
    journal.record(drafts.paid_sale("s1", make_sale(payer="Zoë 李 \u2028\n")))
    journal.record(drafts.paid_sale("s2"))
    out = io.StringIO()
    assert export_entries(file, out) == 14
    previous = "0" * 64
    lines = out.getvalue().removesuffix("\n").split("\n")
    for seq, line in enumerate(lines, start=1):
        told = json.loads(line)
        body = json.dumps(told["body"], sort_keys=True, separators=(",", ":"), ensure_ascii=False)
        members = [told[name] for name in ("seq", "id", "kind", "at", "till", "subject")]
        text = json.dumps([*members, body, previous], separators=(",", ":"), ensure_ascii=False)
        assert told["seq"] == seq
        assert told["hash"] == hashlib.sha256(text.encode()).hexdigest()
        previous = told["hash"]
    assert len(lines) == 14


def test_receipts_are_rows_that_no_spreadsheet_calculates(
    open_journal: Open, drafts: Drafts, file: Path
) -> None:
    journal = open_journal()
    journal.record([drafts.receipt("s1", make_sale(payer='=HYPERLINK("x")', permit="-2+3"))])
    journal.record([drafts.receipt("s2", make_sale(payer='Robin "Bob", Example'))])
    out = io.StringIO()
    assert export_receipts(file, out) == 2
    rows = list(csv.DictReader(io.StringIO(out.getvalue())))
    assert [row["number"] for row in rows] == ["A-000001", "A-000002"]
    assert (rows[0]["payer"], rows[0]["permit"]) == ('\'=HYPERLINK("x")', "'-2+3")
    assert (rows[1]["payer"], rows[1]["paid"], rows[1]["service_fee"], rows[1]["entry"]) == (
        'Robin "Bob", Example',
        "224.18",
        "5.61",
        "2",
    )


def test_an_empty_journal_exports_nothing(open_journal: Open, file: Path) -> None:
    open_journal()
    out = io.StringIO()
    assert export_entries(file, out) == 0
    assert out.getvalue() == ""
    assert export_receipts(file, out) == 0
    assert out.getvalue().startswith("number,business_date,")
