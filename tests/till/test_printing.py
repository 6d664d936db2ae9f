"""The print queue behind the commit: what is asked, what comes of it, what is never printed twice unasked."""

import asyncio
from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest

from cashier.domain.corrections import Refund, Void, correction_draft
from cashier.domain.entries import Draft, EntryKind
from cashier.domain.errors import Refused
from cashier.domain.language import ENGLISH, Language
from cashier.domain.money import Cents
from cashier.domain.prints import PRINT_KINDS, PrintState, PrintWhat
from cashier.domain.receipt import Tender, TenderKind
from cashier.domain.receipt_text import Paper
from cashier.domain.records import tender_to_json
from cashier.till.ports import PrintOutcome, PrintResult
from cashier.till.printing import WAITING_MAX, PrintConfig, Printing
from tests.fakes.entries import Drafts, make_sale
from tests.fakes.printer import LOST, NO_PAPER, FakeMailer, FakePrinter
from tests.till.conftest import Desk

FRENCH = replace(ENGLISH, code="fr-CA", words={**ENGLISH.words, "title": "Reçu"}, decimal=",")
CASH = Tender(TenderKind.CASH, Cents(22418), id="t-1", received_cents=Cents(23000))
CHECK = Tender(TenderKind.CHECK, Cents(22418), id="t-2", number="1042", bank="First Bank")


class Counter:
    """A till's prints, with the journal of a desk."""

    def __init__(self, desk: Desk) -> None:
        self.desk, self.journal = desk, desk.journal
        self.printer, self.mailer = FakePrinter(), FakeMailer()
        self.drafts = Drafts("paper")
        self.languages: dict[str, Language] = {FRENCH.code: FRENCH}
        self.start()

    def start(self, **changes: Any) -> Printing:
        """The till starts, once more."""
        config = PrintConfig(
            local=lambda stamp: stamp[:16],
            printer=self.printer,
            mailer=self.mailer,
            languages=self.languages,
            clerk=lambda: self.desk.till.people.name,
        )
        self.printing = Printing(
            replace(config, **changes),
            self.desk.till.config,
            self.desk.clock,
            self.desk.randomness,
            self.journal,
        )
        return self.printing

    def issue(self, name: str = "s1", *tenders: Tender) -> str:
        """A receipt; its number."""
        sale = make_sale()
        changes = {"tenders": tenders} if tenders else {}
        recorded = self.journal.record(
            [self.drafts.sale(name, sale), self.drafts.receipt(name, sale, **changes)]
        )
        return str(recorded[-1].body["number"])

    def work(self) -> None:
        asyncio.run(self.printing.work())

    def print(self, number: str, **more: Any) -> None:
        self.printing.ask(number, **more)
        self.work()

    def kinds(self) -> list[EntryKind]:
        return [entry.kind for entry in self.journal.entries() if entry.kind in PRINT_KINDS]

    @property
    def last(self) -> str:
        return self.printer.texts[-1]


@pytest.fixture
def counter(make_desk: Callable[..., Desk]) -> Counter:
    return Counter(make_desk())


def test_a_print_is_in_the_journal_before_the_printer_hears_of_it(counter: Counter) -> None:
    number = counter.issue()
    counter.printing.ask(number)
    assert counter.kinds() == [EntryKind.PRINT_ASKED] and counter.printer.papers == []
    counter.work()
    assert counter.kinds() == [EntryKind.PRINT_ASKED, EntryKind.PRINT_STARTED, EntryKind.PRINTED]
    assert "DUPLICATE" not in counter.last
    assert counter.printing.view().waiting == ()


def test_r4_a_reprint_says_duplicate_with_the_original_number_and_date_and_who_printed_it(
    counter: Counter,
) -> None:
    number = counter.issue("s1", CASH)
    counter.work()
    counter.printing.look()
    counter.work()
    pulses = counter.printer.pulses
    counter.print(number)
    first = counter.last
    assert "DUPLICATE" not in first
    counter.desk.clock.advance(86_400)
    counter.start(clerk=lambda: "Sam Other")
    for copy in (1, 2):
        counter.print(number)
        dates = ("2026-02-03T15:04", "2026-02-04T15:04")
        for said in (f"DUPLICATE {copy}", number, *dates, "Sam Other", "Kim Clerk"):
            assert said in counter.last, said
    assert counter.printer.pulses == pulses, "a reprint never opens the drawer"
    asked = [entry for entry in counter.journal.entries(number) if entry.kind is EntryKind.PRINT_ASKED]
    assert [(entry.body["copy"], entry.body["by"]) for entry in asked] == [
        (0, "Kim Clerk"),
        (1, "Sam Other"),
        (2, "Sam Other"),
    ]


def test_r6_a_sale_does_not_wait_for_paper_and_the_print_waits_for_it(counter: Counter) -> None:
    counter.start(automatic=True)
    counter.printer.results = [NO_PAPER]
    number = counter.issue("s1", CASH)
    counter.printing.look()
    assert counter.kinds() == [], "the sale is over: nothing was waited for or written"
    counter.work()
    assert counter.printer.pulses == 1, "the drawer opens without paper"
    assert counter.printer.papers == []
    view = counter.printing.view()
    assert [(item.receipt, item.state) for item in view.waiting] == [(number, PrintState.FAILED)]
    assert "out of paper" in view.message and "payment stands" in view.message
    counter.work()
    assert counter.printer.papers == [], "nobody has looked after the printer yet"
    counter.printing.try_again()
    counter.work()
    assert number in counter.last and "DUPLICATE" not in counter.last
    assert counter.printing.view().waiting == () and counter.printing.view().message == ""
    assert counter.printer.pulses == 1


def test_r6_what_waits_survives_a_restart(counter: Counter) -> None:
    counter.printer.results = [NO_PAPER]
    first, second = counter.issue("s1"), counter.issue("s2")
    counter.printing.ask(first)
    counter.printing.ask(second)
    counter.work()
    counter.start()
    states = [(item.receipt, item.state) for item in counter.printing.view().waiting]
    assert states == [(first, PrintState.FAILED), (second, PrintState.WAITING)]
    counter.printing.try_again()
    counter.work()
    assert [first in counter.printer.texts[0], second in counter.printer.texts[1]] == [True, True]
    counter.start()
    assert counter.printing.view().waiting == ()


def test_r7_an_unknown_print_is_asked_about_and_the_second_says_duplicate(counter: Counter) -> None:
    counter.printer.results = [LOST]
    number = counter.issue()
    counter.print(number)
    [item] = counter.printing.view().unknown
    assert item.receipt == number and "did not answer" in item.reason
    counter.work()
    counter.printing.try_again()
    counter.work()
    assert len(counter.printer.papers) == 1, "never again unasked"
    with pytest.raises(Refused, match="whether the last print"):
        counter.printing.ask(number)
    counter.printing.print_again(item.id)
    counter.work()
    assert "DUPLICATE 1" in counter.last
    assert counter.printing.view().unknown == ()


def test_r7_what_the_clerk_saw_is_recorded(counter: Counter) -> None:
    counter.printer.results = [LOST]
    number = counter.issue()
    counter.print(number)
    [item] = counter.printing.view().unknown
    counter.printing.came_out(item.id)
    assert counter.kinds()[-1] is EntryKind.PRINTED
    counter.print(number)
    assert "DUPLICATE 1" in counter.last
    with pytest.raises(Refused):
        counter.printing.came_out(item.id)


def test_r7_a_print_under_way_when_the_till_ends_is_unknown_after_it(counter: Counter) -> None:
    number = counter.issue()
    counter.printing.ask(number)

    async def end() -> None:
        counter.printer.holds = asyncio.Event()
        task = asyncio.create_task(counter.printing.work())
        while EntryKind.PRINT_STARTED not in counter.kinds():
            await asyncio.sleep(0)
        task.cancel()
        await asyncio.wait([task])

    asyncio.run(end())
    assert counter.kinds()[-1] is EntryKind.PRINT_UNKNOWN
    counter.start()
    assert [item.receipt for item in counter.printing.view().unknown] == [number]


def test_r7_a_till_that_was_killed_while_printing_does_not_print_again(counter: Counter) -> None:
    number = counter.issue()
    counter.printing.ask(number)
    # The journal ends with PRINT_STARTED, as after a kill.
    item = counter.printing.view().waiting[0]
    counter.printing._record(replace(item, state=PrintState.STARTED))
    counter.start()
    counter.work()
    assert counter.printer.papers == []
    assert [found.receipt for found in counter.printing.view().unknown] == [number]


def test_a_print_that_certainly_failed_leaves_no_duplicate_behind(counter: Counter) -> None:
    counter.printer.results = [NO_PAPER]
    number = counter.issue()
    counter.print(number)
    [item] = counter.printing.view().waiting
    counter.printing.put_away(item.id)
    counter.print(number)
    assert "DUPLICATE" not in counter.last


def test_one_put_away_in_doubt_leaves_a_duplicate_behind(counter: Counter) -> None:
    counter.printer.results = [LOST]
    number = counter.issue()
    counter.print(number)
    counter.printing.put_away(counter.printing.view().unknown[0].id)
    counter.print(number)
    assert "DUPLICATE 1" in counter.last


def test_one_receipt_waits_once(counter: Counter) -> None:
    number = counter.issue()
    counter.printing.ask(number)
    with pytest.raises(Refused, match="waits for the printer already"):
        counter.printing.ask(number)


def test_the_queue_has_an_end(counter: Counter) -> None:
    numbers = [counter.issue(f"s{place}") for place in range(WAITING_MAX + 1)]
    for number in numbers[:-1]:
        counter.printing.ask(number)
    with pytest.raises(Refused, match="Look after the printer"):
        counter.printing.ask(numbers[-1])


def test_without_a_printer_it_is_said_where_to_set_it_up(counter: Counter) -> None:
    counter.start(printer=None, mailer=None)
    number = counter.issue()
    with pytest.raises(Refused, match=r"\[printer\]"):
        counter.printing.ask(number)
    with pytest.raises(Refused, match=r"\[mail\]"):
        counter.printing.ask(number, what=PrintWhat.MAIL, to="robin@example.org")


# -- the drawer ----------------------------------------------------------------------------------------------


def drawer(counter: Counter) -> list[dict[str, Any]]:
    return [dict(entry.body) for entry in counter.journal.entries("drawer")]


def test_cash_opens_the_drawer_once_and_a_check_or_a_card_does_not(counter: Counter) -> None:
    number = counter.issue("s1", CASH)
    counter.printing.look()
    counter.work()
    counter.work()
    counter.issue("s2", CHECK)
    counter.issue("s3")
    counter.printing.look()
    counter.work()
    assert counter.printer.pulses == 1
    assert drawer(counter) == [{"reason": "cash taken", "by": "Kim Clerk", "receipt": number}]


def test_cash_taken_before_the_receipt_opens_the_drawer_then_and_not_again(counter: Counter) -> None:
    body = tender_to_json(CASH)
    counter.journal.record([Draft("taken", EntryKind.TENDER_TAKEN, "s1", body)])
    counter.printing.look()
    counter.work()
    assert counter.printer.pulses == 1
    counter.issue("s1", CASH)
    counter.printing.look()
    counter.work()
    assert counter.printer.pulses == 1


def test_a_drawer_that_stays_shut_is_told(counter: Counter) -> None:
    counter.printer.drawer_results = [PrintResult(PrintOutcome.NOT_PRINTED, "the printer is off")]
    counter.issue("s1", CASH)
    counter.printing.look()
    counter.work()
    assert "drawer did not open" in counter.printing.view().message


def test_the_drawer_opened_by_hand_is_in_the_journal_with_who_and_why(counter: Counter) -> None:
    asyncio.run(counter.printing.open_drawer("change for a twenty"))
    assert counter.printer.pulses == 1
    assert drawer(counter) == [{"reason": "change for a twenty", "by": "Kim Clerk", "receipt": ""}]
    with pytest.raises(Refused):
        asyncio.run(counter.printing.open_drawer(""))
    assert counter.printer.pulses == 1


# -- other papers --------------------------------------------------------------------------------------------


def test_v1_a_receipt_taken_back_says_void_with_reason_and_both_people(counter: Counter) -> None:
    number = counter.issue()
    void = Void(number, "2026-02-03", Cents(22418), "wrong amount", "typed twice", "Kim Clerk", "Robin Boss")
    counter.journal.record([correction_draft("void-1", "s1", void)])
    counter.print(number)
    for said in ("VOID", "wrong amount", "typed twice", "Kim Clerk", "Robin Boss", number):
        assert said in counter.last, said
    assert "PAID" not in counter.last


def test_v4_a_refund_slip_says_what_goes_back_and_what_does_not(counter: Counter) -> None:
    number = counter.issue()
    refund = Refund(
        "r-1", number, "2026-02-04", TenderKind.CARD, Cents(10000), Cents(0), "permit withdrawn", "by letter",
        "Kim Clerk", "Robin Boss", is_done=False,
    )  # fmt: skip
    counter.journal.record([correction_draft("refund-1", "s1", refund)])
    counter.print(number, what=PrintWhat.REFUND, of="r-1")
    for said in (
        "REFUND REQUESTED",
        "100.00",
        number,
        "service fee of the card service is not",
        "Robin Boss",
    ):
        assert said in " ".join(counter.last.split()), said
    with pytest.raises(Refused, match="no such refund"):
        counter.printing.ask(number, what=PrintWhat.REFUND, of="r-9")


def test_the_back_of_a_check_says_agency_date_and_receipt(counter: Counter) -> None:
    number = counter.issue("s1", CHECK)
    counter.print(number, what=PrintWhat.ENDORSEMENT, of="t-2")
    for said in ("FOR DEPOSIT ONLY", "Sampletown Building Department", "2026-02-03", number):
        assert said in counter.last, said
    assert counter.printer.papers[-1].is_slip
    with pytest.raises(Refused, match="no such check"):
        counter.printing.ask(number, what=PrintWhat.ENDORSEMENT, of="t-1")


def test_x5_the_language_is_the_payers_and_stays_it(counter: Counter) -> None:
    number = counter.issue()
    counter.print(number, language="fr-CA")
    assert "Reçu" in counter.last and "224,18" in counter.last
    counter.print(number)
    assert "Reçu" in counter.last and "DUPLICATE 1" in counter.last
    counter.print(counter.issue("s2"))
    assert "Payment receipt" in counter.last
    with pytest.raises(Refused, match="there is en-US, fr-CA"):
        counter.printing.ask(number, language="xx")


def test_mail_waits_for_no_paper_and_has_the_same_honesty(counter: Counter) -> None:
    counter.printer.results = [NO_PAPER]
    number = counter.issue()
    counter.printing.ask(number)
    counter.mailer.results = [LOST]
    counter.printing.ask(number, what=PrintWhat.MAIL, to=" robin@example.org ")
    counter.work()
    [(to, subject, _text, paper)] = counter.mailer.sent
    assert (to, number in subject, paper.title) == ("robin@example.org", True, f"Receipt {number}")
    [item] = counter.printing.view().unknown
    assert item.to == "robin@example.org"
    assert "arrived is not known" in counter.printing.view().message
    for wrong in ("", "robin", "a b@example.org"):
        with pytest.raises(Refused):
            counter.printing.ask(number, what=PrintWhat.MAIL, to=wrong)


def test_signs_that_the_printer_lacks_are_told_to_the_clerk(counter: Counter) -> None:
    counter.printer.results = [PrintResult(PrintOutcome.PRINTED, lost="小")]
    counter.print(counter.issue())
    assert "小" in counter.printing.view().message


def test_a_full_disk_prints_nothing_and_is_told(counter: Counter) -> None:
    number = counter.issue()
    counter.printing.ask(number)
    counter.journal.disk_full = True
    counter.work()
    assert counter.printer.papers == []
    assert "disk is full" in counter.printing.view().message
    counter.journal.disk_full = False
    counter.work()
    assert len(counter.printer.papers) == 1


def test_r4_a_saved_file_is_a_print_too(counter: Counter) -> None:
    number = counter.issue()
    papers: list[Paper] = []

    def full(_paper: Paper) -> None:
        raise OSError("No space left on device")

    with pytest.raises(OSError, match="No space"):
        counter.printing.save(number, "", full)
    for _ in range(2):
        counter.printing.save(number, "", papers.append)
    texts = [" ".join(item.left for item in paper.items) for paper in papers]
    assert ["DUPLICATE 1" in text for text in texts] == [False, True]
    counter.print(number)
    assert "DUPLICATE 2" in counter.last


def test_r4_a_print_that_waited_while_a_file_was_handed_out_says_duplicate(counter: Counter) -> None:
    counter.printer.results = [NO_PAPER]
    number = counter.issue()
    counter.print(number)
    counter.printing.save(number, "", lambda _paper: None)
    counter.printing.try_again()
    counter.work()
    assert "DUPLICATE 1" in counter.last


def test_r6_a_receipt_whose_print_a_crash_kept_from_being_asked_for_is_printed_at_the_start(
    counter: Counter,
) -> None:
    counter.start(automatic=True)
    counter.issue("s1")
    counter.printing.look()
    counter.work()
    lost = counter.issue("s2", CASH)
    counter.start(automatic=True)
    counter.work()
    assert len(counter.printer.papers) == 2 and lost in counter.last
    assert counter.printer.pulses == 0, "nobody stands at the drawer when the till starts"
    counter.start(automatic=True)
    counter.work()
    assert len(counter.printer.papers) == 2


async def test_the_worker_prints_what_is_asked_for_while_it_runs(make_desk: Callable[..., Desk]) -> None:
    counter = Counter(make_desk())
    worker = asyncio.create_task(counter.printing.run())
    for name in ("s1", "s2"):
        counter.printing.ask(counter.issue(name))
        async with asyncio.timeout(10):
            while counter.printing.view().waiting:
                await asyncio.sleep(0)
    worker.cancel()
    await asyncio.wait([worker])
    assert len(counter.printer.papers) == 2


# -- what goes back to the payer -----------------------------------------------------------------------------


def _undone(counter: Counter, number: str, kind: TenderKind | None) -> None:
    """A void of the receipt, or a refund by `kind`, as the till records it; then the printer's own time."""
    receipt = counter.journal.receipt(number)
    assert receipt is not None
    why = ("wrong amount", "typed twice", "Kim Clerk", "Robin Supervisor")
    correction: Void | Refund
    if kind is None:
        correction = Void(number, receipt.business_date, receipt.paid_cents, *why)
    else:
        is_done = kind is not TenderKind.CARD
        correction = Refund(
            "r1", number, receipt.business_date, kind, Cents(500), Cents(0), *why, is_done=is_done
        )
    counter.journal.record([correction_draft(f"undo-{number}", receipt.sale_id, correction)])
    counter.printing.look()
    counter.work()


@pytest.mark.parametrize(
    ("paid", "kind", "reasons"),
    [
        (CASH, None, ["cash given back"]),
        (CASH, TenderKind.CASH, ["cash refunded"]),
        (CHECK, TenderKind.CASH, ["cash refunded"]),
        (CHECK, None, []),
        (CASH, TenderKind.CHECK, []),
    ],
)
def test_cash_that_goes_back_opens_the_drawer_once(
    counter: Counter, paid: Tender, kind: TenderKind | None, reasons: list[str]
) -> None:
    number = counter.issue("s1", paid)
    counter.start()
    _undone(counter, number, kind)
    opened = [entry.body for entry in counter.journal.entries() if entry.kind is EntryKind.DRAWER_OPENED]
    assert [(body["reason"], body["receipt"]) for body in opened] == [(why, number) for why in reasons]
    assert counter.printer.pulses == len(reasons)
    counter.printing.look()
    counter.start().look()
    counter.work()
    assert counter.printer.pulses == len(reasons), "neither another look nor a start opens it again"
