"""`settlement match`: sales paid at the real sandbox over the real hub, then matched with its charges."""

import asyncio
import csv
import datetime as dt
import io
import json
import os
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import pytest

from cashier.bootstrap import open_till
from cashier.clock import SystemClock
from cashier.data_files import JOURNAL
from cashier.domain.corrections import Refund, correction_draft
from cashier.domain.money import Cents
from cashier.domain.payment import PaymentState
from cashier.domain.receipt import TenderKind
from cashier.domain.sale import Customer, Permit
from cashier.hub.serve import RunningHub
from cashier.journal.store import SqliteJournal
from cashier.sandbox.config import SandboxConfig
from cashier.sandbox.serve import RunningSandbox
from cashier.secrets import Secrets
from cashier.settings import load
from cashier.till.till import Till
from tests.sandbox.payer import Payer

from .conftest import MASTER, WAIT_S, Cashier, Ended, process

SITE = "sampletown"
HEADER = ("PaymentGUID", "BillerReference", "InvoiceNumber", "PaymentAmount", "ConvenienceFee", "PaymentDate")
#: One sale of one invoice, one of two, one of another.
SALES = (("re-roof-shingle",), ("re-roof-shingle", "plan-review-mobile-home"), ("plan-review-mobile-home",))
#: The journal of `conftest` has three payments of one invoice, all told as the charge G-1.
DAYS = ("--from", "2026-02-01", "--to", "2026-02-28")

SETTINGS = """
site = "sampletown"
till = "A"
agency = "Town of Sampleton"
profile = "grancius"
schedule = "lakeland"
data_folder = '{folder}'
return_url = "https://permits.example.org/paid"
[gateway]
base_url = "{gateway}"
[hub]
url = "{hub}"
[[billers]]
name = "building"
invoice_types = {{ 6 = "Building", 43 = "Permits", 93 = "Planning" }}
service_fee = {{ percent = "2.5", minimum = "1.00" }}
"""

Rows = list[tuple[str, ...]]


class Stack:
    """A till's settings, its hub and its gateway; the hub knows a second till, B."""

    def __init__(self, stack: ExitStack, folder: Path, settings_file: Path) -> None:
        self.sandbox = stack.enter_context(RunningSandbox(SandboxConfig(postback_per="invoice")))
        self.hub = stack.enter_context(RunningHub(f"sqlite:///{folder / 'hub.db'}", MASTER.encode()))
        self.settings_file = settings_file
        self.folder = folder
        self.settings("A")

    def settings(self, till: str) -> None:
        """Become a till of the site."""
        folder = self.folder / till
        text = SETTINGS.format(folder=folder, gateway=self.sandbox.url, hub=self.hub.url)
        self.settings_file.write_text(text.replace('till = "A"', f'till = "{till}"'), encoding="utf-8")
        os.environ["CASHIER_SECRET_TILL_KEY"] = self.hub.enrol(SITE, till)

    def pay(self, *sales: tuple[str, ...]) -> None:
        """Pay sales at this till, each to its receipt."""
        asyncio.run(self._pay(sales))

    async def _pay(self, sales: tuple[tuple[str, ...], ...]) -> None:
        # A till talks to a gateway without TLS in training only.
        settings = load(self.settings_file).model_copy(update={"training": True})
        async with open_till(settings, Secrets(settings.site, settings.till, os.environ)) as till:
            till.people.unattended()
            for codes in sales:
                till.set_customer(
                    Customer(f"BU7-{till.config.till}{len(self.charges()):05d}", "Robin Example")
                )
                till.set_permit(Permit("BLD-26-000012", "Re-roof"))
                for code in codes:
                    till.add_fee(code)
                with Payer(await till.pay_by_card()) as payer:
                    await asyncio.to_thread(payer.pay)
                await asyncio.wait_for(_approved(till), WAIT_S)
                till.new_sale()

    def charges(self) -> list[tuple[str, dict[str, Any]]]:
        """Every charge the gateway has taken, with its reference."""
        return [(told["reference"], charge) for told in self.sandbox.payments() for charge in told["charges"]]

    def lines(self, per: str = "invoice") -> Rows:
        """The gateway's settlement: a line an invoice with the fee on the first, or a line a payment."""
        rows: Rows = []
        today = dt.datetime.now().astimezone().strftime("%m/%d/%Y")
        for reference, charge in self.charges():
            invoices = list(charge["invoices"].items())
            if per == "payment":
                invoices = [("", charge["amount_cents"])]
            for place, (invoice, cents) in enumerate(invoices):
                fee = 0 if place else charge["fee_cents"]
                rows.append((charge["payment_guid"], reference, invoice, _text(cents), _text(fee), today))
        return rows


async def _approved(till: Till) -> None:
    """Until the current payment is proven."""
    changed = asyncio.Event()
    till.subscribe(changed.set)
    while (payment := till.snapshot().payment) is None or payment.state is not PaymentState.APPROVED:
        changed.clear()
        await changed.wait()


def _text(cents: int) -> str:
    return f"{cents // 100}.{cents % 100:02d}"


def write(file: Path, rows: Rows) -> Path:
    with file.open("w", encoding="utf-8", newline="") as stream:
        csv.writer(stream).writerows([HEADER, *rows])
    return file


@pytest.fixture
def stack(
    tmp_path: Path, settings_file: Path, home: Path, monkeypatch: pytest.MonkeyPatch
) -> Iterator[Stack]:
    monkeypatch.setenv("CASHIER_SECRET_API_KEY_BUILDING", "training-api-key")
    monkeypatch.setenv("CASHIER_SECRET_TILL_KEY", "")  # so that what `settings` sets is taken back
    with ExitStack() as parts:
        yield Stack(parts, tmp_path, settings_file)


@pytest.fixture
def match(cashier: Cashier, tmp_path: Path) -> Callable[..., Ended]:
    """Runs the verb over rows; yesterday to tomorrow, so that no midnight comes between."""

    def run(rows: Rows, *words: object) -> Ended:
        file = write(tmp_path / "settlement.csv", rows)
        today = dt.datetime.now().astimezone().date()
        days = ("--from", today - dt.timedelta(days=1), "--to", today + dt.timedelta(days=1))
        return cashier("settlement", "match", "--file", file, *days, *words)

    return run


# -- the whole way ----------------------------------------------------------------------------------------


def test_three_sales_match_three_ways(stack: Stack, match: Callable[..., Ended]) -> None:
    stack.pay(*SALES)
    for per, receipts in (("invoice", (1, 2, 2, 3)), ("payment", (1, 2, 3))):
        ended = match(stack.lines(per), "--json")
        assert (ended.code, ended.err) == (0, ())
        told = json.loads(ended.out)
        assert (told["agrees"], told["hub_asked"]) == (True, True)
        assert [row["verdict"] for row in told["rows"]] == ["matched"] * len(receipts)
        assert [row["receipt"] for row in told["rows"]] == [f"A-{number:06d}" for number in receipts]
        cents = sum(charge["amount_cents"] for _, charge in stack.charges())
        fees = sum(charge["fee_cents"] for _, charge in stack.charges())
        assert told["total"] == {
            "rows": len(receipts),
            "gateway_cents": cents,
            "fee_cents": fees,
            "journal_cents": cents,
            "hub_cents": cents,
        }


def test_what_is_missing_doubled_or_wrong_is_found(
    stack: Stack, match: Callable[..., Ended], cashier: Cashier, tmp_path: Path
) -> None:
    stack.pay(*SALES)
    first, second, third = stack.lines("payment")
    stranger = ("0f8fad5b-d9cb-469f-a165-70867728950e", "A-stranger", "X-1", "1.00", "1.00", first[-1])
    refund = (*first[:3], f"({first[3]})", "0.00", first[-1])
    wrong = (*second[:3], "0.01", *second[4:])
    ended = match([first, first, wrong, stranger, refund], "--json")
    assert (ended.code, ended.err) == (1, ())
    rows = json.loads(ended.out)["rows"]
    assert [(row["verdict"], row["lines"]) for row in rows] == [
        ("unknown", [5]),
        ("amount differs", [4]),
        ("duplicate", [3]),
        ("missing at gateway", []),
        ("refund", [6]),
        ("matched", [2]),
    ]
    assert rows[3]["reference"] == third[1]


def test_a_refund_in_the_file_is_held_beside_what_was_asked_for(
    stack: Stack, match: Callable[..., Ended]
) -> None:
    stack.pay(SALES[0])
    (paid,) = stack.lines()
    why = ("other", "moved away", "Kim Clerk", "Robin Supervisor")
    asked = Refund("r1", "A-000001", "2026-02-04", TenderKind.CARD, Cents(700), Cents(0), *why, is_done=False)
    with SqliteJournal(stack.folder / "A" / JOURNAL, till="A", clock=SystemClock(), holder="a test") as file:
        receipt = file.receipt("A-000001")
        assert receipt is not None
        file.record([correction_draft("c1", receipt.sale_id, asked)])
    back = (*paid[:3], "(7.00)", "0.00", paid[-1])
    ended = match([paid, back], "--json")
    assert (ended.code, ended.err) == (1, ())
    (row,) = [row for row in json.loads(ended.out)["rows"] if row["verdict"] == "refund"]
    assert (row["receipt"], row["lines"]) == ("A-000001", [3])
    assert (
        "not recorded as made: record it on the page Receipts, with this file and line 3" in row["notes"][0]
    )


def test_another_tills_charge_is_told_by_the_hub(stack: Stack, match: Callable[..., Ended]) -> None:
    stack.pay(SALES[0])
    stack.settings("B")
    stack.pay(SALES[1])
    ended = match(stack.lines(), "--json")
    assert (ended.code, ended.err) == (0, ())
    assert [(row["verdict"], row["till"]) for row in json.loads(ended.out)["rows"]] == [
        ("other till", "A"),
        ("matched", "B"),
        ("matched", "B"),
    ]
    alone = json.loads(match(stack.lines(), "--json", "--without-hub").out)
    assert [row["verdict"] for row in alone["rows"]] == ["unknown", "matched", "matched"]


def test_a_charge_the_journal_lost_is_found(stack: Stack, match: Callable[..., Ended]) -> None:
    stack.pay(SALES[0])
    (stack.folder / "A" / JOURNAL).rename(stack.folder / "lost.db")
    stack.pay(SALES[2])
    ended = match(stack.lines())
    assert ended.code == 1
    assert "MISSING IN JOURNAL (1): " in ended.out.decode()
    assert "MATCHED (1): " in ended.out.decode()


def test_a_hub_that_is_gone_is_told(stack: Stack, match: Callable[..., Ended]) -> None:
    stack.pay(SALES[0])
    stack.hub.__exit__(None, None, None)
    ended = match(stack.lines())
    assert (ended.code, ended.out) == (1, b"")
    assert len(ended.err) == 1
    assert match(stack.lines(), "--without-hub").code == 0


# -- its forms --------------------------------------------------------------------------------------------


@pytest.fixture
def shop(journal_file: Path, settings_file: Path) -> Path:
    """The settings of a till with the three sales of `conftest`; a file of one of their charges."""
    settings_file.write_text(f"data_folder = '{journal_file.parent}'\n" + settings_file.read_text())
    return write(
        journal_file.parent / "settlement.csv", [("G-1", "A-p-s1", "700001", "672.54", "16.83", "02/03/2026")]
    )


def test_for_a_person(cashier: Cashier, shop: Path) -> None:
    ended = cashier("settlement", "match", "--file", shop, *DAYS, "--without-hub")
    assert (ended.code, ended.err) == (0, ())
    assert ended.lines[0] == "Town of Sampleton: settlement match of sampletown, till A"
    assert any(
        line.startswith("MATCHED (1): Journal and gateway agree; the hub was not asked.")
        for line in ended.lines
    )
    assert ended.lines[-1].split() == ["everything", "1", "672.54", "16.83", "672.54", "0.00"]


def test_the_days_are_the_files_own_unless_given(cashier: Cashier, shop: Path) -> None:
    told = json.loads(cashier("settlement", "match", "--file", shop, "--without-hub", "--json").out)
    assert (told["from"], told["to"]) == ("2026-02-03", "2026-02-03")
    write(shop, [])
    ended = cashier("settlement", "match", "--file", shop, "--without-hub")
    assert (ended.code, ended.err) == (2, ("settlement.csv: names no days. Give --from and --to.",))
    ended = cashier("settlement", "match", "--file", shop, "--without-hub", *DAYS)
    assert (ended.code, "MISSING AT GATEWAY (1)" in ended.out.decode()) == (1, True)
    ended = cashier(
        "settlement", "match", "--file", shop, "--without-hub", "--from", "2026-03-01", "--to", "2026-03-02"
    )
    assert ended.code == 0


def test_as_a_table(cashier: Cashier, shop: Path) -> None:
    write(shop, [("=G-9", "A-x", "=1+1", "1.00", "0.00", "02/03/2026")])
    ended = cashier("settlement", "match", "--file", shop, "--without-hub", "--csv", *DAYS)
    assert ended.code == 1
    rows = list(csv.DictReader(io.StringIO(ended.out.decode(), newline="")))
    assert [row["verdict"] for row in rows] == ["unknown", "missing at gateway"]
    assert (rows[0]["gateway"], rows[0]["journal"], rows[0]["invoices"]) == ("1.00", "", "'=1+1")
    assert (rows[0]["payment_guid"], rows[0]["lines"]) == ("'=G-9", "2")
    assert (rows[1]["gateway"], rows[1]["journal"]) == ("", "672.54")


def test_printed_by_the_real_program(shop: Path, tmp_path: Path) -> None:
    out = tmp_path / "settlement.pdf"
    words = ("settlement", "match", "--file", shop, "--without-hub", "--pdf", out)
    with process(*words) as started:
        told, err = started.communicate(timeout=WAIT_S)
    assert (started.returncode, err) == (0, "")
    assert "MATCHED" in told
    assert out.read_bytes().startswith(b"%PDF-")
    assert not out.with_name("settlement.pdf.part").exists()


@pytest.mark.usefixtures("qapp")
def test_a_print_replaces_none_of_its_sources(
    cashier: Cashier, shop: Path, journal_file: Path, tmp_path: Path
) -> None:
    for out in (shop, journal_file, tmp_path, tmp_path / "nosuch" / "out.pdf"):
        before = out.read_bytes() if out.is_file() else None
        ended = cashier("settlement", "match", "--file", shop, "--without-hub", "--pdf", out)
        assert (ended.code, ended.out, len(ended.err)) == (2, b"", 1)
        assert ended.err[0].startswith(f"{out}: cannot be written: ")
        assert (out.read_bytes() if out.is_file() else None) == before


def test_matching_changes_nothing(cashier: Cashier, shop: Path, journal_file: Path) -> None:
    before = journal_file.read_bytes(), shop.read_bytes()
    assert cashier("settlement", "match", "--file", shop, "--without-hub").code == 0
    assert (journal_file.read_bytes(), shop.read_bytes()) == before


# -- bad input --------------------------------------------------------------------------------------------


def test_every_fault_of_the_file_is_a_line(cashier: Cashier, shop: Path) -> None:
    write(shop, [("G-1", "A-1", "7", "x", "0", "02/03/2026"), ("", "", "7", "1", "0", "02/03/2026")])
    ended = cashier("settlement", "match", "--file", shop)
    assert (ended.code, ended.out) == (2, b"")
    assert [fault.split(": ")[:2] for fault in ended.err] == [
        ["settlement.csv", "line 2"],
        ["settlement.csv", "line 3"],
    ]


def test_what_cannot_be_matched(cashier: Cashier, shop: Path, tmp_path: Path) -> None:
    words = ("settlement", "match", "--file")
    for ended in (
        cashier(*words, tmp_path / "nosuch.csv"),
        cashier(*words, shop, "--from", "2026-02-03", "--to", "2026-02-02"),
        cashier(*words, shop, "--from", "yesterday"),
        cashier("--training", *words, shop),
        cashier("settlement", "match"),
    ):
        assert (ended.code, ended.out, len(ended.err)) == (2, b"", 1)


def test_columns_are_mapped_in_the_settings(cashier: Cashier, shop: Path, settings_file: Path) -> None:
    with settings_file.open("a") as stream:
        stream.write(
            '[settlement]\ndelimiter = ";"\n[settlement.columns]\npayment_guid = ""\nreference = "Ref"\n'
            'invoice = ""\namount = "Net"\nfee = ""\ndate = ""\n'
        )
    shop.write_text("Ref;Net\nA-p-s1;672.54\n")
    ended = cashier("settlement", "match", "--file", shop, "--without-hub", *DAYS)
    assert (ended.code, ended.err) == (0, ())
