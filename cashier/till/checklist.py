"""The checklist from a first set-up to live: every step verified for real, in plain words, with what to do.

Nothing here is ticked off by hand. What cannot be verified from here says so, and what settles it.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum

from cashier.domain.entries import EntryKind
from cashier.domain.errors import CashierError, Refused
from cashier.domain.people import Role
from cashier.domain.receipt import Receipt
from cashier.domain.receipt_text import Item, ItemKind, Paper
from cashier.till.administration_ports import Examined
from cashier.till.config import Connection, Reader
from cashier.till.ports import PrintOutcome
from cashier.till.readers import ReaderState
from cashier.till.till import Till

TEST_PAGE = "Test page"
LIVE = "Everything is done: this till is ready to take payments."
ALMOST = "Everything that can be verified from here is done: this till is ready to take payments."


class CheckState(StrEnum):
    """How a step stands."""

    DONE = "done"
    TO_DO = "to do"
    FAULT = "fault"
    UNKNOWN = "cannot tell"


class Section(StrEnum):
    """The part of the settings page where a step is mended, by its name there; TRAINING is none of it."""

    TILL = "Counter"
    FEES = "Fees"
    BILLERS = "Billers"
    HUB = "Hub"
    READERS = "Readers"
    PRINTER = "Printer"
    PEOPLE = "People"
    MAIL = "Mail"
    BACKUP = "Backup"
    TRAINING = "Training"


@dataclass(frozen=True)
class Check:
    """One step: what it is, how it stands and why, what to do (empty for nothing), and where that is done."""

    title: str
    state: CheckState
    detail: str
    do: str = ""
    section: Section = Section.TILL


#: What an examination calls things, by how that begins; how a person does; and where they are mended.
_WORDS: tuple[tuple[tuple[str, ...], str, Section], ...] = (
    (
        ("versions", "SQLite", "payment page engine", "user and environment", "keyring"),
        "This computer is fit to be a till",
        Section.TILL,
    ),
    (("settings", "profile"), "The settings can stand", Section.TILL),
    (("fee schedule",), "The fee schedule is in force and has its own accounts", Section.FEES),
    (("secret till-key", "hub"), "The hub answers, and knows this till", Section.HUB),
    (("secret api-key",), "API keys are set", Section.BILLERS),
    (("secret pin-pepper",), "PINs can be checked", Section.PEOPLE),
    (("enquiry",), "Invoice Cloud can be asked what became of a payment", Section.BILLERS),
    (("mail",), "Receipts can be mailed", Section.MAIL),
    (("clock", "proxy"), "The clock is right, and the line is free", Section.TILL),
)
#: What is verified in another way here.
_ELSEWHERE = ("gateway, biller", "printer", "backup")
_STATES = {"ok": CheckState.DONE, "warning": CheckState.TO_DO, "fault": CheckState.FAULT}
_WORST = (CheckState.FAULT, CheckState.TO_DO, CheckState.UNKNOWN, CheckState.DONE)


class Checklist:
    """Verifies the steps of one till. Only who may change its settings may look."""

    def __init__(self, till: Till) -> None:
        self._till = till
        self._has_test_page = False

    async def look(self) -> tuple[Check, ...]:
        """Verify every step, in the order in which they are best done. Raises Refused when one may not."""
        admin = self._till.administration
        found = await admin.examine()
        return (
            self._training(),
            *_examined(found),
            *[await self._key(biller.name) for biller in self._till.config.billers],
            self._types(),
            *await self._readers(),
            self._printer(found),
            self._people(),
            _backup(found),
        )

    @staticmethod
    def verdict(checks: Sequence[Check]) -> str:
        """Whether the till can go live, in a sentence."""
        left = [check for check in checks if check.state in (CheckState.TO_DO, CheckState.FAULT)]
        if left:
            steps = "1 step is" if len(left) == 1 else f"{len(left)} steps are"
            return f"Not live yet: {steps} left."
        return ALMOST if any(check.state is CheckState.UNKNOWN for check in checks) else LIVE

    @property
    def has_printer(self) -> bool:
        """Whether a test page can be printed."""
        return self._till.printing.config.printer is not None

    async def print_test_page(self) -> str:
        """Print one; what came of it, in words."""
        if refusal := self._till.administration.refusal:
            raise Refused(refusal)
        printer = self._till.printing.config.printer
        if printer is None:
            raise Refused("There is no printer to print on: receipts are saved as PDF.")
        config = self._till.config
        paper = Paper(
            TEST_PAGE,
            (
                Item(ItemKind.TITLE, config.agency),
                Item(ItemKind.CENTER, f"{TEST_PAGE} of till {config.till}"),
                Item(ItemKind.CENTER, "No payment. This is no receipt."),
                Item(ItemKind.LINE, "An amount at the right", "1,234.56"),
            ),
            training=config.training,
        )
        result = await printer.print(paper)
        self._has_test_page = self._has_test_page or result.outcome is PrintOutcome.PRINTED
        if result.outcome is PrintOutcome.PRINTED:
            return "The test page is printed."
        return f"The test page is not printed for certain: {result.reason}."

    # -- steps ---------------------------------------------------------------------------------------------

    def _training(self) -> Check:
        title = "A training sale was made"
        made = self._till.administration.has_trained()
        if made:
            return Check(title, CheckState.DONE, "The last training session on this computer has a receipt.")
        if made is None:
            detail = "The journal of training cannot be read now."
            return Check(title, CheckState.UNKNOWN, detail, "Check again later.", Section.TRAINING)
        do = "Train: take one sale (Ctrl+G leads through it), and leave training again."
        detail = "No training session on this computer has a receipt."
        return Check(title, CheckState.TO_DO, detail, do, Section.TRAINING)

    async def _key(self, biller: str) -> Check:
        title = f"Invoice Cloud takes the key of {biller}"
        admin = self._till.administration
        if not admin.has_secret(f"api-key-{biller}"):
            do = "Type the API key that Invoice Cloud gave you."
            return Check(title, CheckState.TO_DO, "There is no API key yet.", do, Section.BILLERS)
        try:
            await admin.test_key(biller)
        except Refused as refused:
            do = "Type the key anew, or ask Invoice Cloud."
            return Check(title, CheckState.FAULT, refused.user_text, do, Section.BILLERS)
        except CashierError as error:
            do = "Look at the line, then check again."
            return Check(title, CheckState.UNKNOWN, error.user_text, do, Section.BILLERS)
        return Check(title, CheckState.DONE, "It was asked just now.", "", Section.BILLERS)

    def _types(self) -> Check:
        title = "Every invoice type of the fees has a biller"
        needed = {fee.type_id for fee in self._till.schedule.fees}
        offered = {type_id for biller in self._till.config.billers for type_id in biller.invoice_types}
        if lacking := sorted(needed - offered):
            numbers = ", ".join(map(str, lacking))
            detail = f"No biller has type {numbers}: fees of it cannot be charged."
            do = "Add it to a biller; one that Invoice Cloud does not list there must be added by them first."
            return Check(title, CheckState.FAULT, detail, do, Section.BILLERS)
        return Check(title, CheckState.DONE, f"{len(needed)} types, each with a biller.", "", Section.BILLERS)

    async def _readers(self) -> list[Check]:
        readers = self._till.config.readers
        if not readers:
            detail = "There is none: payers type their card into the payment page."
            do = "Add one, if cards are to be read."
            return [Check("A card reader is set up", CheckState.UNKNOWN, detail, do, Section.READERS)]
        paid = {self._reader_of(receipt) for receipt in self._till.receipts("") if receipt.reference}
        return [await self._reader(reader, has_paid=reader.label in paid) for reader in readers]

    async def _reader(self, reader: Reader, *, has_paid: bool) -> Check:
        title = f"{reader.label} answers"
        view = self._till.readers.view(reader)
        if view.state is ReaderState.CONNECTED and reader.family:
            try:
                told = await self._till.ask_reader(view.device, reader.family)
            except CashierError as error:
                return Check(
                    title, CheckState.UNKNOWN, error.user_text, "Check again later.", Section.READERS
                )
            if told.is_known:
                return Check(
                    title,
                    CheckState.DONE,
                    f"It says that it is {told.model or told.outcome}.",
                    "",
                    Section.READERS,
                )
            do = "Look at its cable and its family (Shift+F7)."
            return Check(title, CheckState.FAULT, f"It was asked: {told.outcome}.", do, Section.READERS)
        if reader.connection is Connection.SERIAL and view.state is not ReaderState.CONNECTED:
            do = "Plug it in, and say which it is (Shift+F7)."
            return Check(title, CheckState.FAULT, view.standing, do, Section.READERS)
        if has_paid:
            return Check(
                title, CheckState.DONE, "A card was charged by it at this till.", "", Section.READERS
            )
        do = "The first card payment with it shows. Its EMVDeviceID must be as Invoice Cloud has it."
        return Check(
            title, CheckState.UNKNOWN, f"It cannot be asked from here: {view.standing}.", do, Section.READERS
        )

    def _reader_of(self, receipt: Receipt) -> str:
        payment = self._till.payment(receipt.reference)
        return payment.reader if payment is not None else ""

    def _printer(self, found: Sequence[Examined]) -> Check:
        title = "A test page was printed"
        if not self.has_printer:
            return Check(
                title, CheckState.DONE, "There is no printer: receipts are saved as PDF.", "", Section.PRINTER
            )
        has_printed = next(self._till.entries_of((EntryKind.PRINTED,)), None) is not None
        one = next((one for one in found if one.what == "printer"), None)
        if one is not None and one.state != "ok":
            return Check(title, CheckState.FAULT, one.detail, one.do, Section.PRINTER)
        if self._has_test_page or has_printed:
            return Check(
                title, CheckState.DONE, "This printer has printed for this till.", "", Section.PRINTER
            )
        do = "Print one here, and look at it."
        return Check(title, CheckState.TO_DO, "Nothing was printed yet.", do, Section.PRINTER)

    def _people(self) -> Check:
        title = "An administrator and somebody else can sign in"
        active = self._till.people.view().active
        if any(one.role is Role.ADMINISTRATOR for one in active) and len(active) > 1:
            return Check(title, CheckState.DONE, f"{len(active)} people.", "", Section.PEOPLE)
        do = "Add whoever works at the counter (Ctrl+U). Some things need a second person."
        return Check(title, CheckState.TO_DO, f"{len(active)} of them is there.", do, Section.PEOPLE)


def _examined(found: Sequence[Examined]) -> list[Check]:
    """The examination, what belongs together as one step; what has no words yet is a step of its own."""
    checks = []
    left = [one for one in found if not one.what.startswith(_ELSEWHERE)]
    for begins, title, section in _WORDS:
        group = [one for one in left if one.what.startswith(begins)]
        left = [one for one in left if one not in group]
        if group:
            checks.append(_together(title, section, group))
    checks += [_together(one.what, Section.TILL, [one]) for one in left]
    return checks


def _together(title: str, section: Section, group: Sequence[Examined]) -> Check:
    states = [_STATES.get(one.state, CheckState.UNKNOWN) for one in group]
    state = next(worst for worst in _WORST if worst in states)
    wrong = [one for one in group if _STATES.get(one.state) is not CheckState.DONE]
    if not wrong:
        return Check(title, state, "; ".join(one.detail for one in group[:1]), "", section)
    detail = "; ".join(f"{one.what}: {one.detail}" for one in wrong)
    return Check(title, state, detail, " ".join(dict.fromkeys(one.do for one in wrong if one.do)), section)


def _backup(found: Sequence[Examined]) -> Check:
    title = "A backup of the journal exists"
    one = next((one for one in found if one.what == "backup"), None)
    if one is None:
        return Check(title, CheckState.UNKNOWN, "It was not looked for.", "Check again.", Section.BACKUP)
    return Check(title, _STATES.get(one.state, CheckState.UNKNOWN), one.detail, one.do, Section.BACKUP)
