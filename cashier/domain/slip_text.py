"""What a slip says, for every paper: a page or a roll as PDF (`paper.slip_page`), or a receipt printer."""

from cashier.domain.language import ENGLISH
from cashier.domain.money import format_dollars
from cashier.domain.receipt_text import Item, ItemKind, LocalTime, Paper
from cashier.domain.scrub import scrub_card_numbers
from cashier.domain.slip import Slip, SlipKind

#: What each says first, and its PDF's title.
WORDS = {
    SlipKind.UNDER_VERIFICATION: ("PAYMENT UNDER VERIFICATION", "DO NOT PAY AGAIN"),
    SlipKind.NO_CHARGE: ("NO CHARGE WAS TAKEN",),
    SlipKind.WAITING: ("NOT PAID", "YOUR PERMIT FEES ARE WAITING"),
}
MEANING = {
    SlipKind.UNDER_VERIFICATION: "A card payment was started for what is named below. Whether money was "
    "taken is being checked with Invoice Cloud, the card service. Please do not pay it again – not here, not "
    "online and not by other means – until this office has told you the result.",
    SlipKind.NO_CHARGE: "The card payment named below has ended. No money was taken by it.",
    SlipKind.WAITING: "Cards could not be taken when you were here, and no money was taken. This office "
    "keeps what is named below for you: come back to pay, or be called when cards work again.",
}
EVIDENCE = {
    SlipKind.UNDER_VERIFICATION: "What Invoice Cloud said last",
    SlipKind.NO_CHARGE: "How this is known",
    SlipKind.WAITING: "Why it waits",
}
STARTED = {
    SlipKind.UNDER_VERIFICATION: "Started",
    SlipKind.NO_CHARGE: "Started",
    SlipKind.WAITING: "Waiting since",
}
LAST = {
    SlipKind.UNDER_VERIFICATION: "This is not a receipt. If the payment is confirmed, there will be one. "
    "Keep this slip: the reference finds your payment.",
    SlipKind.NO_CHARGE: "This is not a receipt.",
    SlipKind.WAITING: "This is not a receipt. Keep this slip: the reference finds your fees. They are priced "
    "anew when you pay.",
}


def title_of(slip: Slip) -> str:
    """What the paper says, in one line."""
    return " – ".join(WORDS[slip.kind])


def invoices_word(slip: Slip) -> str:
    """What its invoices are called."""
    return "Invoice" if len(slip.invoices) == 1 else "Invoices"


def evidence_text(slip: Slip) -> str:
    """The evidence as a sentence begins."""
    return f"{slip.evidence[:1].upper()}{slip.evidence[1:]}"


def slip_paper(slip: Slip, local: LocalTime) -> Paper:
    """A slip as a receipt printer prints it. It has no receipt number, and nothing to scan."""
    facts = [("Payer", slip.payer), ("Permit", slip.permit), (invoices_word(slip), ", ".join(slip.invoices))]
    items = [
        *([Item(ItemKind.CENTER, ENGLISH.word("training"))] if slip.training else []),
        Item(ItemKind.TITLE, slip.agency),
        *(Item(ItemKind.CENTER, text) for text in slip.address),
        Item(ItemKind.GAP),
        *(Item(ItemKind.NOTICE, words) for words in WORDS[slip.kind]),
        Item(ItemKind.GAP),
        Item(ItemKind.SMALL, MEANING[slip.kind]),
        Item(ItemKind.RULE),
        Item(ItemKind.SUM, "Amount", format_dollars(slip.amount_cents)),
        *(Item(ItemKind.FACT, name, value) for name, value in facts if value),
        Item(ItemKind.FACT, STARTED[slip.kind], local(slip.started_at)),
        Item(ItemKind.FACT, "Reference", slip.reference),
        Item(ItemKind.RULE),
        Item(ItemKind.FACT, EVIDENCE[slip.kind], evidence_text(slip)),
        *([Item(ItemKind.SMALL, local(slip.evidence_at))] if slip.evidence_at else []),
        Item(ItemKind.RULE),
        Item(ItemKind.SMALL, f"Printed {local(slip.printed_at)} · Till {slip.till} · {slip.cashier}"),
        Item(ItemKind.SMALL, LAST[slip.kind]),
    ]
    clean = tuple(
        Item(item.kind, scrub_card_numbers(item.left), scrub_card_numbers(item.right)) for item in items
    )
    return Paper(title_of(slip), clean, slip.training)
