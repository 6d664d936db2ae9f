"""What a receipt, a refund slip and a check's back say, as plain items: one content for every paper.

The members of a receipt follow WA BARS 3.6.1: agency, number, date and time, payer, purpose per permit,
amount, modes of payment, clerk, counter. The agency's own lines (`domain.agency_text`) stand under its name
and after everything else: none of those members gives way to them. A roll prints the items in columns
(`domain.columns`), a page paints them (`paper.receipt_page`).
"""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from enum import StrEnum
from itertools import groupby

from cashier.domain.corrections import Refund, Void
from cashier.domain.language import ENGLISH, Language
from cashier.domain.receipt import Receipt, Tender, TenderKind
from cashier.domain.scrub import scrub_card_numbers

#: A stored UTC stamp as the counter's local time.
LocalTime = Callable[[str], str]


class ItemKind(StrEnum):
    """What an item is."""

    TITLE = "title"  # the agency, in the middle and large
    CENTER = "center"  # in the middle
    NOTICE = "notice"  # must not be overlooked
    STAMP = "stamp"  # the word that matters most, with its amount
    STRUCK = "struck"  # the same of a receipt that was taken back: never like one that is paid
    FACT = "fact"  # a name and its value, which may be long
    LINE = "line"  # a text and an amount at the right
    HEAD = "head"  # the same, of what follows: never the last of its page
    SUM = "sum"  # the same, in bold
    SMALL = "small"  # what may be read, or not
    RULE = "rule"
    GAP = "gap"
    QR = "qr"  # `left` as a picture that a scanner reads
    SIGN = "sign"  # a line to sign on, and below it who signs


@dataclass(frozen=True)
class Item:
    """One item of a paper. `indent` is in steps."""

    kind: ItemKind
    left: str = ""
    right: str = ""
    indent: int = 0


@dataclass(frozen=True)
class Paper:
    """A document to print: its name, what it says and whether it is of a training session.

    `is_slip` is for the printer's slip station: the back of a check. `number` is the receipt's.
    `page` is how the pages of a long one are counted, with `number` and `count` to be filled in.
    """

    title: str
    items: tuple[Item, ...]
    training: bool = False
    is_slip: bool = False
    number: str = ""
    page: str = ENGLISH.words["page"]

    @property
    def heading(self) -> int:
        """The place of the agency's name among the items, where a logo stands; 0 without one."""
        return next((place for place, item in enumerate(self.items) if item.kind is ItemKind.TITLE), 0)


@dataclass(frozen=True)
class Marks:
    """What a print says of itself. `copy` 0 is the original; of a copy, who printed it and when (UTC text).

    `void` is what took the receipt back.
    """

    copy: int = 0
    by: str = ""
    at: str = ""
    void: Void | None = None


#: Of an original.
NO_MARKS = Marks()
_RULE, _GAP = Item(ItemKind.RULE), Item(ItemKind.GAP)


def receipt_paper(
    receipt: Receipt, local: LocalTime, language: Language = ENGLISH, marks: Marks = NO_MARKS
) -> Paper:
    """A receipt as paper."""
    word = language.word
    items = [
        *_marks(receipt, marks, local, language),
        *_agency(receipt),
        Item(ItemKind.CENTER, word("title")),
        _GAP,
        Item(
            ItemKind.STRUCK if marks.void else ItemKind.STAMP,
            _state(receipt, marks, language),
            language.money(receipt.paid_cents),
        ),
        *_head(receipt, local, language),
        _RULE,
        *_invoices(receipt, language),
        _RULE,
        Item(ItemKind.SUM, word("total"), language.amount(receipt.total_cents)),
    ]
    if receipt.paid_before_cents:
        items.append(Item(ItemKind.LINE, word("paid_before"), language.amount(receipt.paid_before_cents)))
    for tender in receipt.tenders:
        items += _tender(tender, language)
    if receipt.is_part:
        items.append(Item(ItemKind.SUM, word("still_due"), language.amount(receipt.due_cents)))
    if receipt.is_part or receipt.paid_before_cents:
        items += _allocation(receipt, language)
    items += [
        _RULE,
        Item(ItemKind.SMALL, word("counter", till=receipt.till, clerk=receipt.cashier)),
    ]
    if receipt.reference:
        items.append(Item(ItemKind.SMALL, word("reference", reference=receipt.reference)))
    below = [*_below(receipt, language)] or [Item(ItemKind.SMALL, word("thanks"))]
    items += [*below, Item(ItemKind.QR, receipt.number)]
    return Paper(
        f"{word('receipt')} {receipt.number}", _clean(items), receipt.training, number=receipt.number
    )


def _agency(receipt: Receipt) -> Iterator[Item]:
    """The agency's name, and its own lines under it."""
    yield Item(ItemKind.TITLE, receipt.agency)
    for text in receipt.text.address:
        yield Item(ItemKind.CENTER, text)
    if receipt.text.address:
        yield _GAP


def _below(receipt: Receipt, language: Language) -> Iterator[Item]:
    """The agency's own lines at the end."""
    lines = receipt.text.below_in(language.code)
    if lines:
        yield _GAP
    for text in lines:
        yield Item(ItemKind.SMALL, text)


def _clean(items: list[Item]) -> tuple[Item, ...]:
    """No number of a card, whatever it was typed or told into."""
    return tuple(
        Item(item.kind, scrub_card_numbers(item.left), scrub_card_numbers(item.right), item.indent)
        for item in items
    )


def _state(receipt: Receipt, marks: Marks, language: Language) -> str:
    if marks.void is not None:
        return language.word("void")
    return language.word("partly_paid" if receipt.is_part else "paid")


def _marks(receipt: Receipt, marks: Marks, local: LocalTime, language: Language) -> Iterator[Item]:
    """What stands above everything else: that this is training, a copy, or taken back."""
    word = language.word
    if receipt.training:
        yield Item(ItemKind.NOTICE, word("training"))
    if marks.void is not None:
        yield Item(ItemKind.NOTICE, word("void"))
        yield Item(ItemKind.FACT, word("voided"), marks.void.business_date)
        yield Item(
            ItemKind.FACT, word("reason"), " – ".join(filter(None, (marks.void.reason, marks.void.text)))
        )
        yield Item(ItemKind.FACT, word("requested_by"), marks.void.requester)
        yield Item(ItemKind.FACT, word("approved_by"), marks.void.approver)
        yield _GAP
    if marks.copy:
        yield Item(ItemKind.NOTICE, word("duplicate", copy=marks.copy))
        yield Item(ItemKind.FACT, word("printed_again"), f"{local(marks.at)} · {marks.by}")
        yield _GAP


def _head(receipt: Receipt, local: LocalTime, language: Language) -> Iterator[Item]:
    def fact(key: str, value: str) -> Item:
        return Item(ItemKind.FACT, language.word(key), value)

    yield fact("receipt", receipt.number)
    yield fact("date", local(receipt.at))
    yield fact("business_date", receipt.business_date)
    if receipt.belongs_to:
        yield fact("belongs_to", receipt.belongs_to)
    yield fact("received_from", receipt.customer.name)
    yield fact("account", receipt.customer.account_number)
    if receipt.permit is not None:
        yield fact("permit", receipt.permit.number)
        if receipt.permit.description:
            yield fact("purpose", receipt.permit.description)


def _invoices(receipt: Receipt, language: Language) -> Iterator[Item]:
    for invoice in receipt.invoices:
        name = language.word("invoice", number=invoice.number)
        yield Item(ItemKind.HEAD, name, language.amount(invoice.total_cents))
        for fee in invoice.fees:
            yield Item(ItemKind.LINE, fee.name, language.amount(fee.amount_cents), indent=1)
        yield _GAP


def _tender(tender: Tender, language: Language) -> Iterator[Item]:
    """One tender: its kind, of a card the brand alone, of a check its number."""
    word = language.word
    name = word(tender.kind.value)
    if tender.brand:
        name = f"{name} {tender.brand}"
    if tender.number:
        name = f"{name} {word('number', number=tender.number)}"
    yield Item(ItemKind.LINE, name, language.amount(tender.amount_cents))
    if tender.bank or tender.payer:
        said = " · ".join(filter(None, (tender.bank, tender.payer)))
        yield Item(ItemKind.SMALL, said, indent=1)
    if tender.message:
        yield Item(ItemKind.SMALL, tender.message, indent=1)
    if tender.received_cents:
        yield Item(ItemKind.LINE, word("received"), language.amount(tender.received_cents), indent=1)
        yield Item(ItemKind.LINE, word("change"), language.amount(tender.change_cents), indent=1)
    if tender.service_fee_cents:
        fee = language.amount(tender.service_fee_cents)
        whole = language.amount(tender.amount_cents + tender.service_fee_cents)
        yield Item(ItemKind.SMALL, word("service_fee", fee=fee, whole=whole), indent=1)


def _allocation(receipt: Receipt, language: Language) -> Iterator[Item]:
    """What a part payment paid of each invoice and GL account, and by which rule (behaviour S2)."""
    word = language.word
    yield _RULE
    yield Item(ItemKind.HEAD, word("applied"), language.amount(receipt.paid_cents))
    if receipt.permit is not None:
        yield Item(ItemKind.LINE, f"{word('permit')} {receipt.permit.number}")
    shares = receipt.fee_shares
    for number, of_invoice in groupby(shares, key=lambda share: share.invoice.number):
        listed = list(of_invoice)
        accounts: dict[str, int] = {}
        for share in listed:
            account = share.fee.gl_account
            accounts[account] = accounts.get(account, 0) + share.amount_cents
        whole = sum(accounts.values())
        yield Item(ItemKind.HEAD, word("invoice", number=number), language.amount(whole))
        for account, cents in accounts.items():
            name = word("gl_account", account=account or "–")
            yield Item(ItemKind.LINE, name, language.amount(cents), indent=1)
    yield Item(ItemKind.SMALL, word("rule"))


def refund_paper(
    receipt: Receipt,
    refund: Refund,
    at: str,
    local: LocalTime,
    language: Language = ENGLISH,
    marks: Marks = NO_MARKS,
) -> Paper:
    """What the payer is handed with a refund; `at` is the entry's time, UTC text (behaviour V4).

    The agency's lines are those of the receipt: its refund policy as it was when the money was taken.
    """
    word = language.word

    def fact(key: str, value: str) -> Item:
        return Item(ItemKind.FACT, word(key), value)

    whole = refund.amount_cents + refund.service_fee_cents
    reason = " – ".join(filter(None, (refund.reason, refund.text)))
    items = [
        *_marks(receipt, Marks(marks.copy, marks.by, marks.at), local, language),
        *_agency(receipt),
        Item(ItemKind.CENTER, word("refund_title")),
        _GAP,
        Item(
            ItemKind.STAMP, word("refund_done" if refund.is_done else "refund_asked"), language.money(whole)
        ),
        fact("original", receipt.number),
        fact("original_date", local(receipt.at)),
        fact("original_paid", language.amount(receipt.paid_cents)),
        fact("date", local(at)),
        fact("business_date", refund.business_date),
        fact("received_from", receipt.customer.name),
        *([fact("permit", receipt.permit.number)] if receipt.permit else []),
        fact("reason", reason),
        _RULE,
        Item(ItemKind.LINE, word(refund.kind.value), language.amount(refund.amount_cents)),
    ]
    if refund.service_fee_cents:
        items.append(Item(ItemKind.LINE, word("fee_refunded"), language.amount(refund.service_fee_cents)))
    elif receipt.service_fee_cents:
        items.append(Item(ItemKind.SMALL, word("fee_kept")))
    items.append(Item(ItemKind.SUM, word("total"), language.amount(whole)))
    if not refund.is_done:
        items.append(Item(ItemKind.SMALL, word("refund_later")))
    items += [
        _RULE,
        fact("requested_by", refund.requester),
        fact("approved_by", refund.approver),
        Item(ItemKind.SMALL, word("counter", till=receipt.till, clerk=refund.requester)),
        Item(ItemKind.SIGN, word("signature")),
        *_below(receipt, language),
        Item(ItemKind.QR, receipt.number),
    ]
    return Paper(
        f"{word('refund_title')} {receipt.number}", _clean(items), receipt.training, number=receipt.number
    )


def endorsement_paper(
    receipt: Receipt, tender: Tender, local: LocalTime, language: Language = ENGLISH
) -> Paper:
    """What goes on the back of a check or a money order. Raises ValueError for any other tender."""
    if tender.kind not in (TenderKind.CHECK, TenderKind.MONEY_ORDER):
        raise ValueError(f"{tender.kind} is not endorsed")
    word = language.word
    items = [
        *([Item(ItemKind.CENTER, word("training"))] if receipt.training else []),
        Item(ItemKind.CENTER, word("endorse")),
        Item(ItemKind.CENTER, receipt.agency),
        Item(ItemKind.CENTER, f"{word('receipt')} {receipt.number}"),
        Item(ItemKind.CENTER, f"{receipt.business_date} {language.money(tender.amount_cents)}"),
        Item(ItemKind.CENTER, word("counter", till=receipt.till, clerk=receipt.cashier)),
    ]
    name = word(tender.kind.value)
    return Paper(
        f"{name} {tender.number}".strip(),
        _clean(items),
        receipt.training,
        is_slip=True,
        number=receipt.number,
    )
