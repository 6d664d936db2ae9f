"""What happens to machine, journal and day while a payment is in doubt: kill, edit, second program, close."""

import asyncio
import json
from collections.abc import Mapping
from contextlib import closing
from pathlib import Path

import pytest

from cashier.data_files import JOURNAL
from cashier.domain.entries import EntryKind
from cashier.domain.errors import Refused
from cashier.domain.payment import PaymentState
from cashier.journal.sqlite import sqlite3
from cashier.journal.verify import verify_file
from cashier.till.day import z_text
from cashier.till.trainees import SUPERVISOR
from cashier.training import SITE
from cashier.ui.payer import until
from tests.end2end.conftest import TILL, VISA, Counter
from tests.end2end.processes import WAIT_S, cashier, said, till_process
from tests.fakes.shifts import close_shift


def test_p2_a_till_killed_after_the_approval_finds_it_by_asking(
    counter: Counter, environ: Mapping[str, str]
) -> None:
    counter.sandbox.set_fault("no-postback")
    with till_process(counter, environ, "pay") as process:
        reference = said(process, "charged")
        process.kill()
        process.wait(WAIT_S)
    assert [charge["reference"] for charge in counter.sandbox.charges()] == [reference]
    assert counter.sandbox.enquiries() == 0

    def first(counter: Counter) -> None:
        payment = counter.till.payment(reference)
        assert payment is not None
        assert payment.state is PaymentState.IN_DOUBT
        assert counter.window.pages.currentWidget() is counter.window.payment
        assert "restarted during this payment" in counter.window.payment.banner.text

    async def restart(counter: Counter) -> None:
        asked = until(lambda: counter.sandbox.enquiries() > 0, "the enquiry")
        await asyncio.wait_for(asked, 4)  # at once, not after the five seconds of a page just closed
        await counter.state(PaymentState.APPROVED)
        told = [entry for entry in counter.entries() if entry.kind is EntryKind.PAYMENT_TOLD]
        assert [entry.body["source"] for entry in told] == ["enquiry"]
        assert counter.events()[-2:] == ["till_restarted", "confirmed_paid"]
        counter.paid_once()

    counter.run(restart, first=first)
    counter.verify()


def test_t4_t5_a_day_is_closed_with_a_payment_in_doubt_and_its_approval_belongs_to_the_next(
    counter: Counter, environ: Mapping[str, str]
) -> None:
    settings = Path(environ["XDG_CONFIG_HOME"]) / "cashier" / "settings.toml"
    settings.parent.mkdir()
    settings.write_text(
        f'site = "{SITE}"\ntill = "{TILL}"\nagency = "City of Sampleton"\nprofile = "grancius"\n'
        f'schedule = "lakeland"\ndata_folder = "{counter.folder}"\n'
        'hub = { url = "https://hub.example.org" }\n'
        '[[billers]]\nname = "training"\ninvoice_types = { 43 = "Permits" }\n'
    )
    closed: dict[str, str] = {}

    async def pay(counter: Counter) -> None:
        counter.fill("re-roof-shingle", account="BU7-00001")
        payer = await counter.open_page()
        await payer.pay_by_typing(VISA)
        await counter.state(PaymentState.APPROVED)
        counter.till.new_sale()
        counter.sandbox.set_fault("late-postback")
        counter.sandbox.set_enquiry_fault("enquiry-500")
        await counter.pay_and_close()
        closed["reference"] = counter.reference
        # While the window holds the journal no other program closes the day.
        code, out, err = await asyncio.to_thread(cashier, environ, "day", "close")
        assert (code, out) == (2, "")
        assert f"till {TILL} of {SITE}" in err
        # The drawer is counted in the window; the day is closed apart from it.
        close_shift(counter.till.shifts, closes_day=False)

    async def next_day(counter: Counter) -> None:
        counter.sandbox.release_late()
        await until(lambda: not counter.till.snapshot().unsettled, "the late postback")
        late, early = counter.till.receipts("")
        assert (early.number, late.number) == ("A-000001", "A-000002")
        assert early.business_date == closed["date"]
        assert late.business_date > closed["date"]
        assert (late.reference, late.belongs_to) == (closed["reference"], closed["date"])
        [z] = [entry for entry in counter.entries() if entry.kind is EntryKind.DAY_CLOSED]
        assert z_text(z.body) == closed["z"]

    counter.run(pay)
    code, out, err = cashier(environ, "day", "close")
    assert (code, err) == (0, "")
    z = json.loads(out)
    assert (z["receipts"], z["total_cents"]) == (["A-000001"], 72_00)
    [carried] = z["carried"]
    assert (carried["reference"], carried["state"]) == (closed["reference"], "IN_DOUBT")
    assert carried["amount_cents"] == 72_00
    closed |= {"z": out.rstrip("\n"), "date": z["business_date"]}
    counter.run(next_day)
    counter.verify()


def test_a1_an_edited_journal_takes_no_new_payment_until_it_is_acknowledged(counter: Counter) -> None:
    counter.sandbox.set_fault("late-postback")
    counter.sandbox.set_enquiry_fault("enquiry-500")

    async def pay(counter: Counter) -> None:
        await counter.pay_and_close()

    async def broken(counter: Counter) -> None:
        till = counter.till
        await until(lambda: till.integrity.broken is not None, "the verification")
        assert "does not hold at entry 11" in till.snapshot().journal_fault
        assert counter.window.fault_bar.isVisible()
        # Facts are still recorded: the money moved.
        counter.sandbox.release_late()
        await until(lambda: not till.snapshot().unsettled, "the late postback")
        counter.paid_once()
        till.new_sale()
        counter.fill(account="BU7-00043")
        assert "does not hold at entry 11" in till.snapshot().draft.card_refusal
        with pytest.raises(Refused, match="does not hold at entry 11"):
            await till.pay_by_card()
        assert len(counter.sandbox.calls()) == 1
        note = "told the auditor, a copy is kept"
        with pytest.raises(Refused, match="not the supervisor's PIN"):
            await till.integrity.acknowledge(note=note, supervisor=SUPERVISOR.name, pin="161803")
        with pytest.raises(Refused, match="does not hold"):
            await till.pay_by_card()
        await till.integrity.acknowledge(note=note, supervisor=SUPERVISOR.name, pin=SUPERVISOR.pin)
        assert counter.window.fault_bar.isHidden()
        counter.sandbox.set_fault(None)
        payer = await counter.open_page()
        await payer.pay_by_typing(VISA)
        await counter.state(PaymentState.APPROVED)
        assert [receipt.number for receipt in till.receipts("")] == ["A-000002", "A-000001"]

    counter.run(pay)
    with closing(sqlite3.connect(str(counter.folder / JOURNAL))) as connection:
        connection.execute("DROP TRIGGER entry_never_updated")
        connection.execute(
            "UPDATE entry SET body = replace(body, 'Robin', 'Robyn') WHERE kind = 'sale_recorded'"
        )
        connection.commit()
    # Before the sale, entry 11, three people were added, the clerk signed in, and the shift opened.
    counter.run(broken)
    left = verify_file(counter.folder / JOURNAL).broken
    assert left is not None and left.seq == 11  # nothing was repaired


def test_a3_a_second_till_on_the_same_journal_is_refused_by_the_name_of_the_first(
    counter: Counter, environ: Mapping[str, str]
) -> None:
    async def scenario(counter: Counter) -> None:
        def second() -> tuple[int, str, str]:
            with till_process(counter, environ, "pay") as process:
                out, err = process.communicate(timeout=WAIT_S)
                return process.returncode, out, err

        code, out, err = await asyncio.to_thread(second)
        assert (code, out) == (2, "")
        assert f"in use by till {TILL} of {SITE} on " in err
        # The first goes on as if nothing had been.
        counter.fill()
        payer = await counter.open_page()
        await payer.pay_by_typing(VISA)
        await counter.state(PaymentState.APPROVED)
        counter.paid_once()

    counter.run(scenario)
    counter.verify()
