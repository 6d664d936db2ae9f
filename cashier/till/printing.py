"""The print queue behind the commit (behaviours R4, R6, R7): a sale never waits for paper.

Every print is in the journal before the printer hears of it, and so is what came of it. One that may have
printed is never printed again unasked; the clerk says what lies in the printer, and the second print says
DUPLICATE. One that certainly did not print waits, with those behind it, until somebody tries again.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from pathlib import Path

from cashier.domain.entries import Draft, Entry, EntryKind, utc_text
from cashier.domain.errors import InDoubt, Refused, Unavailable
from cashier.domain.language import ENGLISH, Language
from cashier.domain.prints import (
    DOUBTED,
    PRINT_KINDS,
    TILL_ENDED,
    Print,
    PrintState,
    PrintWhat,
    kind_of,
    next_copy,
    open_prints,
    print_body,
)
from cashier.domain.receipt import TenderKind, receipt_number
from cashier.domain.receipt_text import LocalTime, Marks, Paper
from cashier.till.approval import checked_reason
from cashier.till.cash_back import CashBack
from cashier.till.config import TillConfig
from cashier.till.identity import new_id
from cashier.till.papers import Papers, said_of
from cashier.till.ports import Clock, Journal, Mailer, Printer, PrintOutcome, PrintResult, Randomness
from cashier.till.rescued import Rescued

#: Prints that may wait. More than these and nobody looks after the printer.
WAITING_MAX = 50
#: Receipts that are printed after one look at the journal: those of a moment, not of a week.
CATCH_UP_MAX = 20
CASH_TAKEN = "cash taken"
_OUTCOMES = {
    PrintOutcome.PRINTED: PrintState.PRINTED,
    PrintOutcome.NOT_PRINTED: PrintState.FAILED,
    PrintOutcome.UNKNOWN: PrintState.UNKNOWN,
}


@dataclass(frozen=True)
class PrintConfig:
    """How a counter prints. `automatic`: every receipt is printed when it is issued.

    `printer` and `mailer` are None where none is set up. `clerk` tells who is at the till, where that is not
    always the same person. `local` tells a stored UTC stamp as the counter's time. `logo` is for papers that
    are saved as files; printer and mailer have their own.
    """

    local: LocalTime = str
    clerk: Callable[[], str] | None = None
    printer: Printer | None = None
    mailer: Mailer | None = None
    languages: Mapping[str, Language] | None = None
    language: str = ENGLISH.code
    automatic: bool = False
    logo: Path | None = None


@dataclass(frozen=True)
class PrintsView:
    """What the window shows: prints that wait or failed, prints that may have printed, and a word for now."""

    waiting: tuple[Print, ...]
    unknown: tuple[Print, ...]
    message: str


class Printing:
    """Prints, one after the other."""

    def __init__(
        self,
        config: PrintConfig,
        counter: TillConfig,
        clock: Clock,
        randomness: Randomness,
        journal: Journal,
        rescued: Rescued | None = None,
    ) -> None:
        import asyncio  # not before the first paint

        self.config = config
        self._till = counter.till
        self._clerk = config.clerk or (lambda: counter.cashier)
        self._clock = clock
        self._randomness = randomness
        self._journal = journal
        self.papers = Papers(journal, config.local, config.languages or {}, config.language, rescued)
        self._listeners: list[Callable[[], None]] = []
        self._bell = asyncio.Event()
        self._message = ""
        self._open = {item.id: item for item in open_prints(map(journal.last_of, PRINT_KINDS))}
        self._start = self._newest_sequence()
        self._seen = self._start - (1 if self._is_newest_unasked() else 0)
        last = journal.last_of(EntryKind.TENDER_TAKEN)
        self._tender_seq = last.seq if last else 0
        self._cash_back = CashBack(journal)
        self._kicks: list[tuple[str, str]] = []
        self._kicked: set[str] = set()

    # -- looking -------------------------------------------------------------------------------------------

    def subscribe(self, listener: Callable[[], None]) -> None:
        """Be told that a new view is worth a look."""
        self._listeners.append(listener)

    def view(self) -> PrintsView:
        """What waits for the printer, or for a person."""
        items = tuple(self._open.values())
        return PrintsView(
            waiting=tuple(item for item in items if item.state is not PrintState.UNKNOWN),
            unknown=tuple(item for item in items if item.state is PrintState.UNKNOWN),
            message=self._message,
        )

    def prints(self, number: str) -> tuple[Print, ...]:
        """Every print of a receipt."""
        return self.papers.prints(number)

    def paper(self, number: str, language: str = "") -> Paper:
        """A receipt as its original. Raises Refused for one that is not there."""
        return self.papers.of_receipt(number, language, Marks())

    # -- asking --------------------------------------------------------------------------------------------

    def ask(
        self, number: str, language: str = "", what: PrintWhat = PrintWhat.RECEIPT, of: str = "", to: str = ""
    ) -> Print:
        """Print a receipt, or what belongs to it; the first is the original, each later one a DUPLICATE.

        In the journal when it returns, at the printer later. Raises Refused: no printer, no such receipt, or
        a print of the same that waits or of which it is not known whether it printed.
        """
        if (self.config.mailer if what is PrintWhat.MAIL else self.config.printer) is None:
            name, where = ("mail server", "[mail]") if what is PrintWhat.MAIL else ("printer", "[printer]")
            raise Refused(f"No {name} is set up at this till. See {where} in the settings.")
        if what is PrintWhat.MAIL and ("@" not in to or any(sign.isspace() for sign in to.strip())):
            raise Refused("That is not an e-mail address.")
        number = self.papers.receipt(number).number
        for item in self._open.values():
            if (item.receipt, item.what, item.of) == (number, what, of):
                if item.state is PrintState.UNKNOWN:
                    raise Refused(f"First say whether the last print of {number} came out.")
                raise Refused(f"{number} waits for the printer already. Try again there.")
        if len(self._open) >= WAITING_MAX:
            raise Refused(f"{WAITING_MAX} prints wait already. Look after the printer first.")
        item = self._made(number, language, what, of, to)
        self.papers.of_print(item)  # what cannot be made is refused before it is asked for
        self._record(item)
        self.try_again()  # whoever prints now has looked after the printer, or will hear that it needs it
        return item

    def save(
        self,
        number: str,
        language: str,
        write: Callable[[Paper], None],
        what: PrintWhat = PrintWhat.RECEIPT,
        of: str = "",
    ) -> Print:
        """A receipt or a refund slip into a file: a print like every other, the next one says DUPLICATE.

        `write` writes the file and raises OSError when it cannot; that is raised here again.
        """
        item = self._made(self.papers.receipt(number).number, language, what, of, "")
        paper = self.papers.of_print(item)
        self._record(item)
        try:
            write(paper)
        except OSError:
            self._record(replace(item, state=PrintState.PUT_AWAY, reason="the file was not written"))
            raise
        self._record(replace(item, state=PrintState.PRINTED, reason="saved as a file"))
        return item

    def _made(self, number: str, language: str, what: PrintWhat, of: str, to: str) -> Print:
        made = self.prints(number)
        last = made[-1].language if made else ""  # the payer's own, once it was chosen
        return Print(
            id=str(new_id(self._clock, self._randomness)),
            receipt=number,
            what=what,
            copy=self.papers.next_copy(number, what, of),
            by=self._clerk(),
            at=utc_text(self._clock.now()),
            language=self.papers.language(language or last).code,
            of=of,
            to=to.strip(),
        )

    def try_again(self) -> None:
        """Print what waits: the paper is in, the printer is on."""
        for item in list(self._open.values()):
            if item.state is PrintState.FAILED:
                self._open[item.id] = replace(item, state=PrintState.WAITING)
        self._message = ""
        self._bell.set()
        self._changed()

    def seen(self) -> None:
        """The clerk has read the message."""
        self._tell("")

    def put_away(self, print_id: str) -> None:
        """Nobody wants this print any more; one at the printer cannot be called back. Raises Refused."""
        item = self._open_print(print_id)
        if item.state is PrintState.STARTED:
            raise Refused("It is at the printer already.")
        self._message = ""
        reason = DOUBTED if item.state is PrintState.UNKNOWN else "put away by the clerk"
        self._record(replace(item, state=PrintState.PUT_AWAY, reason=reason))

    def came_out(self, print_id: str) -> None:
        """The clerk saw that a print came out."""
        item = self._unknown(print_id)
        self._record(replace(item, state=PrintState.PRINTED, reason="the clerk saw it"))

    def print_again(self, print_id: str) -> Print:
        """It did not come out, or not whole: it is printed again, and says DUPLICATE all the same."""
        item = self._unknown(print_id)
        self._record(replace(item, state=PrintState.PUT_AWAY, reason=DOUBTED))
        return self.ask(item.receipt, item.language, item.what, item.of, item.to)

    def _unknown(self, print_id: str) -> Print:
        item = self._open_print(print_id)
        if item.state is not PrintState.UNKNOWN:
            raise Refused("What came of this print is known.")
        self._message = ""
        return item

    def _open_print(self, print_id: str) -> Print:
        item = self._open.get(print_id)
        if item is None:
            raise Refused("This print is over.")
        return item

    # -- the drawer ----------------------------------------------------------------------------------------

    async def open_drawer(self, reason: str) -> None:
        """Open the drawer without a sale; who and why goes into the journal first. Raises Refused."""
        if self.config.printer is None:
            raise Refused("No printer with a drawer is set up at this till.")
        reason = checked_reason(reason, "reason")
        self._record_drawer({"reason": reason, "by": self._clerk(), "receipt": ""})
        result = await self.config.printer.open_drawer()
        if result.outcome is not PrintOutcome.PRINTED:
            raise Refused(f"The drawer did not open: {result.reason}. Open it with its key.")

    def _record_drawer(self, body: Mapping[str, str]) -> None:
        entry_id = str(new_id(self._clock, self._randomness))
        self._journal.record([Draft(entry_id, EntryKind.DRAWER_OPENED, "drawer", dict(body))])

    # -- beside the till -----------------------------------------------------------------------------------

    def look(self) -> None:
        """Something changed at the till: cash opens the drawer, new receipts are printed where that is set.

        Called with every change; nothing here writes or waits, the worker does.
        """
        entry = self._journal.last_of(EntryKind.TENDER_TAKEN)
        if entry is not None and entry.seq > self._tender_seq:
            self._tender_seq = entry.seq
            self._kick_for(entry)
        if given_back := self._cash_back.look():
            self._kicks += given_back
            self._bell.set()
        if self._newest_sequence() > self._seen:
            self._bell.set()

    def _kick_for(self, entry: Entry) -> None:
        tender = entry.body.get("tender", entry.body)
        if tender.get("kind") == TenderKind.CASH.value:
            self._kicked.add(str(tender.get("id", "")))
            self._kicks.append((CASH_TAKEN, str(entry.body.get("receipt", ""))))
            self._bell.set()

    def _newest_sequence(self) -> int:
        entry = self._journal.last_of(EntryKind.RECEIPT_ISSUED)
        return int(entry.body["number"].rpartition("-")[2]) if entry else 0

    def _is_newest_unasked(self) -> bool:
        """Whether the till ended between a receipt and its print, where all receipts are printed."""
        issued = self._journal.last_of(EntryKind.RECEIPT_ISSUED)
        asked = self._journal.last_of(EntryKind.PRINT_ASKED)
        return self.config.automatic and bool(issued and asked and issued.seq > asked.seq)

    async def run(self) -> None:
        """Work until cancelled: the drawer first, then what waits for the printer, in order."""
        while True:
            self._bell.clear()
            await self.work()
            await self._bell.wait()

    async def work(self) -> None:
        """Do what there is to do now."""
        try:
            await self._take_in()
            while (item := self._next()) is not None:
                await self._do(item)
        except (Unavailable, InDoubt) as error:
            self._tell(f"Not printed: {error.user_text}")

    async def _take_in(self) -> None:
        """The drawer for new cash, and prints of new receipts."""
        newest = self._newest_sequence()
        first, self._seen = max(self._seen + 1, newest - CATCH_UP_MAX + 1), newest
        receipts = []
        for sequence in range(first, newest + 1):
            receipt = self._journal.receipt(receipt_number(self._till, sequence))
            if receipt is None:
                continue
            receipts.append(receipt)
            cash = [tender for tender in receipt.tenders if tender.kind is TenderKind.CASH]
            # Never for cash that was taken before this start: nobody stands at the drawer then.
            if sequence > self._start and any(not one.id or one.id not in self._kicked for one in cash):
                self._kicks.append((CASH_TAKEN, receipt.number))
        await self._kick()
        for receipt in receipts:
            if self.config.automatic and self.config.printer is not None:
                try:
                    self.ask(receipt.number)
                except Refused as refused:
                    self._tell(f"{receipt.number} is not printed: {refused.user_text} The payment stands.")

    async def _kick(self) -> None:
        kicks, self._kicks = self._kicks, []
        if self.config.printer is None:
            return
        for reason, receipt in kicks:
            self._record_drawer({"reason": reason, "by": self._clerk(), "receipt": receipt})
            result = await self.config.printer.open_drawer()
            if result.outcome is not PrintOutcome.PRINTED:
                self._tell(f"The drawer did not open: {result.reason}. Open it with its key.")

    def _next(self) -> Print | None:
        """The oldest print that waits; mail does not wait for paper, nor paper for mail."""
        for by_mail in (False, True):
            for item in self._open.values():
                if (item.what is PrintWhat.MAIL) is not by_mail:
                    continue
                if item.state is PrintState.FAILED:
                    break  # those behind it wait with it
                if item.state is PrintState.WAITING:
                    return item
        return None

    async def _do(self, item: Print) -> None:
        others = (one for one in self.prints(item.receipt) if one.id != item.id)
        item = replace(item, copy=max(item.copy, next_copy(others, item.what, item.of)))
        try:
            paper = self.papers.of_print(item)
        except Refused as refused:
            self._record(replace(item, state=PrintState.FAILED, reason=refused.user_text))
            return
        from asyncio import CancelledError

        self._record(replace(item, state=PrintState.STARTED, reason=""))
        try:
            result = await self._deliver(item, paper)
        except CancelledError:
            # The till ends: nobody hears what comes of it any more.
            self._record(replace(item, state=PrintState.UNKNOWN, reason=TILL_ENDED))
            raise
        self._record(replace(item, state=_OUTCOMES[result.outcome], reason=result.reason))
        self._tell(said_of(item, result))

    async def _deliver(self, item: Print, paper: Paper) -> PrintResult:
        if item.what is not PrintWhat.MAIL:
            if self.config.printer is None:
                return PrintResult(PrintOutcome.NOT_PRINTED, "no printer is set up at this till")
            return await self.config.printer.print(paper)
        if self.config.mailer is None:
            return PrintResult(PrintOutcome.NOT_PRINTED, "no mail is set up at this till")
        subject, text = self.papers.mail_of(item)
        return await self.config.mailer.send(item.to, subject, text, paper)

    def _record(self, item: Print) -> None:
        """A print moved: journal first, then here, with no wait between."""
        moved = {**self._open, item.id: item}  # each in its place: they are printed in order
        entry_id = str(new_id(self._clock, self._randomness))
        body = print_body(item, moved.values())
        self._journal.record([Draft(entry_id, kind_of(item.state), item.receipt, body)])
        self._open = {one.id: one for one in moved.values() if one.state.is_open}
        self._changed()

    def _tell(self, message: str) -> None:
        self._message = message
        self._changed()

    def _changed(self) -> None:
        for listener in self._listeners:
            listener()
