"""What the till needs from the outside, as protocols. Each has a real adapter and a small real fake.

One contract suite a port (tests/contracts) runs against both.
"""

import datetime as dt
from collections.abc import Awaitable, Callable, Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import TYPE_CHECKING, Any, Protocol

from cashier.domain.enquiry import FoundCustomer, FoundInvoice, InvoiceStatus
from cashier.domain.entries import Break, Draft, Entry, EntryKind, StoredRow
from cashier.domain.outbox import Acknowledged, Anchor, Kept, Outage, Owed
from cashier.domain.payment import InvoiceShare, Payment, PaymentState
from cashier.domain.postback import DeliveredPostback
from cashier.domain.receipt import Receipt
from cashier.domain.receipt_text import Paper
from cashier.domain.sale import Sale

if TYPE_CHECKING:
    from cashier.till.accounts_ports import CustomerAccounts, Letters
    from cashier.till.administration_ports import Tools
    from cashier.till.schedule_ports import ScheduleShelf


class Clock(Protocol):
    """Time comes in as an argument."""

    def now(self) -> dt.datetime:
        """Aware UTC."""

    def today(self) -> dt.date:
        """The local calendar date at the counter."""

    def monotonic(self) -> float:
        """Seconds, for durations only."""


class Randomness(Protocol):
    """Random bits come in as an argument, too."""

    def bits(self, count: int) -> int:
        """A number of `count` unguessable random bits."""


class Journal(Protocol):
    """The one truth. `record` is one commit; what it returns is on disk."""

    def record(self, drafts: Sequence[Draft]) -> tuple[Entry, ...]:
        """Append in one commit, numbering RECEIPT_ISSUED drafts gaplessly within it.

        The same id with the same kind, subject and body is the earlier entry again (nothing is written);
        the same id with other content raises Discrepancy and nothing is written.
        Raises Unavailable when the disk refuses: then nothing was recorded; InDoubt when that cannot be
        told until the journal is opened again; Refused, and nothing is written, for what is too large
        (`domain.sizes`).
        """

    def entry(self, entry_id: str) -> Entry | None:
        """The entry of an id."""

    def open_matters(self) -> tuple[Entry, ...]:
        """Entries that a person has still to see to, oldest first (`domain.matters`)."""

    def charged_reference(self, payment_guid: str) -> str | None:
        """The reference of the payment that confirmed this charge of the gateway first."""

    def last_of(self, kind: EntryKind) -> Entry | None:
        """The newest entry of a kind."""

    def payment(self, reference: str) -> Payment | None:
        """The payment of a gateway reference, folded from its entries."""

    def unsettled_payments(self) -> tuple[Payment, ...]:
        """Payments that no fact has ended (`domain.payment.UNSETTLED`), oldest first."""

    def payments_of_sale(self, sale_id: str) -> tuple[Payment, ...]:
        """Every attempt to pay a sale by card, oldest first."""

    def payments_of_invoice(self, number: str) -> tuple[Payment, ...]:
        """Every attempt to pay an invoice by card, on whichever sale, oldest first."""

    def sale(self, sale_id: str) -> Sale | None:
        """A recorded sale."""

    def receipt(self, number: str) -> Receipt | None:
        """A receipt by its number."""

    def receipts_of_sale(self, sale_id: str) -> tuple[Receipt, ...]:
        """The receipts of a sale, oldest first: more than one after partial payments."""

    def receipts_of_day(self, business_date: str) -> tuple[Receipt, ...]:
        """The receipts of a business date (ISO), oldest first."""

    def search(self, text: str, limit: int) -> tuple[Receipt, ...]:
        """Receipts matching a text as typed, newest first: number, payer, permit, invoice, amount, date.

        An empty text gives the newest receipts.
        """

    def entries(self, subject: str | None = None) -> Iterator[Entry]:
        """Entries in order, of one subject or all."""

    def entries_of(self, kinds: Collection[EntryKind], after: int = 0) -> Iterator[Entry]:
        """Entries of some kinds after a sequence number, in order, without a walk over the others."""

    def verify(self) -> Break | None:
        """The first entry at which the chain does not hold, or None."""


class RescuedJournal(Protocol):
    """Another till's journal as it stands beside this till's own. What is asked raises as reading does."""

    @property
    def till(self) -> str:
        """Whose it is."""

    def search(self, text: str, limit: int) -> tuple[Receipt, ...]:
        """See `Journal`."""

    def receipt(self, number: str) -> Receipt | None:
        """See `Journal`."""

    def entries(self, subject: str) -> Iterator[Entry]:
        """See `Journal`."""

    def entries_of(self, kinds: Collection[EntryKind], after: int = 0) -> Iterator[Entry]:
        """See `Journal`."""


class Daybook(Protocol):
    """What reports are made of, on one view of the journal. One thread's, which need not be the till's."""

    def receipts(self, first: str, last: str) -> Iterator[Receipt]:
        """Receipts of business dates from first to last (ISO), in the order they were issued, one by one."""

    def receipt(self, number: str) -> Receipt | None:
        """A receipt by its number."""

    def entries_of(self, kinds: Collection[EntryKind]) -> Iterator[Entry]:
        """See `Journal`."""

    def unsettled_payments(self) -> tuple[Payment, ...]:
        """See `Journal`."""

    def open_matters(self) -> tuple[Entry, ...]:
        """See `Journal`."""


@dataclass(frozen=True)
class CounterExtras:
    """What a counter adds to the partner's own request shape (Invoice Cloud contract, section 1).

    `reference` is the till's unique gateway reference and `postback_url` its own secret address. With
    `is_signed_on` the request has the place for the payer's token, and not the token.
    """

    reference: str
    postback_url: str
    return_url: str | None
    cashier_name: str | None
    allow_emv: bool = False
    allow_swipe: bool = False
    emv_device_id: str | None = None
    emv_location_id: str | None = None
    custom_return_site_name: str | None = None
    is_signed_on: bool = False


class Gateway(Protocol):
    """Invoice Cloud."""

    def number_invoices(self, sale: Sale, fallback_stem: str) -> Sale:
        """The sale with every invoice numbered by the profile's rule.

        A profile whose invoice numbers are the permit system's own (`given`) has no rule: an unnumbered
        invoice then gets `<fallback_stem>-<type id>`.
        """

    def emv_refusal(self, sale: Sale) -> str | None:
        """Why the chip reader cannot be used for this sale, or None when it can."""

    def request(self, sale: Sale, extras: CounterExtras | None) -> str:
        """The exact CPV2 request text. With `extras` None it has the partner's exact shape.

        Raises Refused with one fault a line.
        """

    def launch(self, request: str, biller: str, token: str | None = None) -> Awaitable[str]:
        """Register the invoices with a biller; the address of the hosted page.

        Takes no money and may be repeated. `token` is that of a payer who is signed on: it takes its place in
        a request that has one, on its way out, and is kept nowhere.

        Raises Refused (the service said no, with its message), Unavailable (never sent), InDoubt (sent,
        no clear answer).
        """

    def reach(self) -> Awaitable[None]:
        """Returns when the gateway answers anything at all. Raises Unavailable when it is not reached."""

    def portal(self, sale: Sale, fallback: str | None) -> "Portal | None":
        """Where the sale's permit portal wants to hear of its payments itself, or None.

        `fallback` is the address to use for a sale that names none.
        """


class PostbackFeed(Protocol):
    """The hub, from the till's side."""

    def mint_url(self, reference: str, amount_cents: int) -> str:
        """A PostBackURL with an unguessable path bound to this payment."""

    def pull(self, wait_s: float) -> Awaitable[Sequence[DeliveredPostback]]:
        """Unacknowledged postbacks, oldest first; waits up to `wait_s` seconds for the first.

        Raises Unavailable when the hub does not answer, Refused when it does not know this till.
        """

    def acknowledge(self, ids: Sequence[str]) -> Awaitable[None]:
        """Tell the hub that these are in the journal."""


class Enquiry(Protocol):
    """The gateway's answer when it is asked about an invoice (Invoice Cloud contract, section 4)."""

    def can_ask(self, biller: str) -> bool:
        """Whether this biller's GUID and web service key are set up."""

    def ask(self, invoice_number: str, biller: str) -> Awaitable[InvoiceStatus]:
        """What the gateway knows of one invoice. Changes nothing and may be repeated.

        Raises Refused (the credentials are not set or refused), TooBusy (asked to wait), Unavailable
        (never sent), InDoubt (sent, no clear answer).
        """

    def find_invoice(self, biller: str, number: str) -> Awaitable[FoundInvoice | None]:
        """An invoice to be retrieved; None: the gateway knows of none. Changes nothing. Errors as `ask`."""

    def find_customer(self, biller: str, account: str) -> Awaitable[FoundCustomer | None]:
        """A customer's record; None: the gateway knows of none. Changes nothing. Errors as `ask`."""


@dataclass(frozen=True)
class Portal:
    """The permit portal's own postback address, and its own reference where its relay must restore it."""

    url: str
    reference: str | None = None


@dataclass(frozen=True)
class Quarantined:
    """A message that fits no payment, kept at the hub for a person. `received_at` is UTC text."""

    id: str
    received_at: str
    reason: str
    reference: str
    invoice: str
    amount: str
    till: str


class Holds(Protocol):
    """What all tills of a site agree on through the hub: which payment holds which invoice.

    A sale that was put aside holds its given invoices the same way, under a reference of its own
    (`ids.held_reference`), and gives them back as ABANDONED.
    """

    def announce(
        self,
        reference: str,
        biller: str,
        amount_cents: int,
        invoices: Sequence[InvoiceShare],
        portal: Portal | None,
    ) -> Awaitable[None]:
        """Hold the invoices of a payment before it is launched. The same again is the same.

        Raises Held when another unsettled payment holds one of them, Discrepancy when the reference was
        announced with other content, Unavailable (never sent), InDoubt (no answer; may be repeated).
        """

    def settled(self, reference: str, outcome: PaymentState) -> Awaitable[None]:
        """Give a settled payment's invoices back. May be repeated. Errors as `announce`, but for Held."""

    def held(self) -> Awaitable[Sequence[str]]:
        """References of this till's payments that hold invoices now. Raises Unavailable."""

    def quarantined(self) -> Awaitable[Sequence[Quarantined]]:
        """Messages of this site that fit no payment and that no person has seen to. Raises Unavailable."""


class PinStore(Protocol):
    """Where the hashes of PINs are kept: beside the journal's entries, in none of them."""

    def record_pin(self, drafts: Sequence[Draft], person: str, pin_hash: str) -> tuple[Entry, ...]:
        """As `Journal.record`, with the hash of a person's PIN in the same commit, in place of an earlier."""

    def pin_hash(self, person: str) -> str | None:
        """The hash of a person's PIN."""


class OutboxJournal(Protocol):
    """A journal as the outbox works on it: what is owed to the hub is what stands after what was sent."""

    def head(self) -> Kept:
        """The last entry."""

    def rows_after(self, seq: int, limit: int) -> tuple[StoredRow, ...]:
        """Entries after a sequence number exactly as they stand, in order."""

    def sent(self, what: Owed) -> int:
        """The last entry that was told, or that needed no telling; 0 for none."""

    def mark_sent(self, what: Owed, seq: int, anchors: Iterable[Anchor] = ()) -> None:
        """Go on after this entry from now on, and keep the hub's anchors. May go back.

        Raises Unavailable when it may not have been kept: then the same is sent once more, which is harmless.
        """

    def anchors(self) -> tuple[Anchor, ...]:
        """The anchors that the hub has given, in order."""

    def outage(self) -> Outage | None:
        """The outage that is not over, or whose outcome was not told; None without one."""

    def mark_outage(self, outage: Outage | None) -> None:
        """Keep it over a restart, or with None forget it. Raises Unavailable when it may not have been."""

    def receipts_after(self, seq: int) -> int:
        """How many receipts were issued after an entry."""


class PeopleJournal(Journal, PinStore, OutboxJournal, Protocol):
    """A till's own journal: it keeps hashes of PINs, too, and what was told to the hub."""


class SecondCopy(Protocol):
    """The hub as the keeper of a second copy of every till's journal, and as the portals' messenger.

    Everything may be repeated: the same again is the same.
    """

    def kept(self, till: str) -> Awaitable[Kept]:
        """How far the copy of a till's journal goes. Raises Unavailable, Refused."""

    def keep(self, till: str, rows: Sequence[StoredRow]) -> Awaitable[Acknowledged]:
        """Keep entries of a till's journal, in order; what is answered is on disk there.

        Raises Gap when entries before them are lacking, Forked when the copy says something else, NotTaken
        for too much at once or what it never takes, Unavailable (never sent), InDoubt (no answer), Refused
        (not this till's).
        """

    def keep_place(self, till: str, row: StoredRow) -> Awaitable[Acknowledged]:
        """Keep the place of an entry in the chain, number, id and hash, without what it says.

        For one that the copy does not take, however it is sent: it is among the refused of every answer from
        then on, and the chain goes on behind it. Raises as `keep`.
        """

    def notify(
        self, till: str, notice_id: str, url: str, kind: str, data: Mapping[str, Any]
    ) -> Awaitable[None]:
        """Have a portal told of what no gateway tells it of. `notice_id` is a UUIDv7.

        `till` is whose notice it is: what that till has told before its disk was rescued here is the same.

        Raises Discrepancy when the id was used with other content, Refused when it is not one that a portal
        can be told, Unavailable and InDoubt as `keep`.
        """


class PinHasher(Protocol):
    """Makes and compares hashes of PINs.

    `context` is the id of the entry that sets the PIN: the hash of another PIN, or of an earlier one, put in
    its place fits nothing.
    """

    def hashed(self, context: str, pin: str) -> Awaitable[str]:
        """The hash of a PIN. Raises Refused when this machine lacks the secret it is made with."""

    def fits(self, context: str, stored: str, pin: str) -> Awaitable[bool]:
        """Whether a hash is that of the PIN. Raises Refused as `hashed` does."""


@dataclass(frozen=True)
class Plugged:
    """A serial port with something on it. `usb_id` is `vid:pid:serial`, None where there is no serial number.

    `title` is what its USB ids suggest that it is, `family` the family of commands it may answer.
    """

    device: str
    usb_id: str | None = None
    serial: str = ""
    title: str = ""
    family: str | None = None


@dataclass(frozen=True)
class ReaderTold:
    """What came of asking a reader what it is. `outcome` is a word or two; `clear_tracks` None is unknown."""

    outcome: str
    is_known: bool
    model: str = ""
    serial: str = ""
    firmware: str = ""
    clear_tracks: bool | None = None


class ReaderProbe(Protocol):
    """Asks card readers on serial ports what they are, with harmless commands."""

    def families(self) -> Mapping[str, str]:
        """The families that can be asked: names, and what a person calls them."""

    def announces(self, family: str) -> str:
        """What asking does that can be seen on the reader, or empty."""

    def ask(self, device: str, family: str, baud: int | None, rts_cts: bool) -> Awaitable[ReaderTold]:
        """Ask what is on a port, which is closed again within 3 s. Raises nothing."""


class PrintOutcome(StrEnum):
    """What came of a print, as far as it is known."""

    PRINTED = "printed"
    NOT_PRINTED = "not_printed"
    UNKNOWN = "unknown"


@dataclass(frozen=True)
class PrintResult:
    """What came of it, why if it did not, and the signs that the printer could tell by their numbers only.

    `note` is what the clerk should know although it printed, in sentences, or empty.
    """

    outcome: PrintOutcome
    reason: str = ""
    lost: str = ""
    note: str = ""


class Printer(Protocol):
    """A receipt printer with a drawer at it. Nothing of it is waited for by a sale. Raises nothing."""

    def print(self, paper: Paper) -> Awaitable[PrintResult]:
        """Print a document. NOT_PRINTED only when it is certain that nothing was."""

    def open_drawer(self) -> Awaitable[PrintResult]:
        """Open the drawer, whether there is paper or not."""

    def check(self) -> Awaitable[PrintResult]:
        """Whether it could print now. Prints nothing."""


class Mailer(Protocol):
    """Sends receipts by e-mail. Raises nothing."""

    def send(self, to: str, subject: str, text: str, paper: Paper) -> Awaitable[PrintResult]:
        """Send a document. PRINTED once the server took it; NOT_PRINTED only when it certainly did not."""


@dataclass(frozen=True)
class Outside:
    """Everything outside that a till talks to, and what compares PINs.

    `accounts` is None where customers have none at the gateway, `letters` where there is no mail server,
    `administration` where the settings are not changed at the till, `schedules` where the office has no fee
    schedules of its own. `rescued` gives the journals of other tills that were rescued to this one.
    """

    gateway: Gateway
    feed: PostbackFeed
    holds: Holds
    enquiry: Enquiry
    pin_hasher: PinHasher
    reader_probe: ReaderProbe
    accounts: "CustomerAccounts | None" = None
    letters: "Letters | None" = None
    second_copy: SecondCopy | None = None
    administration: "Tools | None" = None
    schedules: "ScheduleShelf | None" = None
    rescued: Callable[[], Sequence[RescuedJournal]] = tuple
