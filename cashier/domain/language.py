"""The languages that a payer's paper is written in: words and amounts, as data.

English is the source, here; the others are files (`resources/languages`) with a word for each of its keys.
"""

from collections.abc import Mapping
from dataclasses import dataclass


@dataclass(frozen=True)
class Language:
    """One language of paper. `before` and `after` stand around the digits of an amount with its currency."""

    code: str
    name: str
    words: Mapping[str, str]
    decimal: str = "."
    group: str = ","
    before: str = ""
    after: str = ""

    def word(self, key: str, **values: object) -> str:
        """A text by its key, filled in. Raises KeyError for a key that no text has."""
        return self.words[key].format(**values)

    def amount(self, cents: int) -> str:
        """`1,234.50`, or `1 234,50`, as this language writes it."""
        whole = f"{abs(cents) // 100:,}".replace(",", self.group)
        sign = "-" if cents < 0 else ""
        return f"{sign}{whole}{self.decimal}{abs(cents) % 100:02d}"

    def money(self, cents: int) -> str:
        """The same with its currency where the language writes it: `$1,234.50`, or `1 234,50 $`."""
        sign = "-" if cents < 0 else ""
        return f"{sign}{self.before}{self.amount(abs(cents))}{self.after}"


WORDS: Mapping[str, str] = {
    "title": "Payment receipt",
    "paid": "PAID",
    "partly_paid": "PARTLY PAID",
    "void": "VOID",
    "duplicate": "DUPLICATE {copy}",
    "training": "TRAINING – NOT A RECEIPT",
    "receipt": "Receipt",
    "date": "Date",
    "business_date": "Business date",
    "printed_again": "Printed again",
    "belongs_to": "Started on the closed day",
    "received_from": "Received from",
    "account": "Account",
    "permit": "Permit",
    "purpose": "For",
    "invoice": "Invoice {number}",
    "total": "Total",
    "paid_before": "Paid before",
    "still_due": "Still due",
    "card": "Card",
    "bank": "Bank account",
    "cash": "Cash",
    "check": "Check",
    "money_order": "Money order",
    "number": "No. {number}",
    "received": "Cash received",
    "change": "Change",
    "service_fee": "Service fee of the card service {fee}, charged in all {whole}",
    "applied": "What this payment paid",
    "gl_account": "GL {account}",
    "rule": "Part payments go to the invoices in the order shown, and on each invoice to its fees in "
    "that order.",
    "counter": "Till {till} · {clerk}",
    "reference": "Payment reference {reference}",
    "thanks": "Thank you.",
    "voided": "Voided",
    "reason": "Reason",
    "approved_by": "Approved by",
    "requested_by": "Requested by",
    "refund_title": "Refund",
    "refund_done": "REFUNDED",
    "refund_asked": "REFUND REQUESTED",
    "refund_later": "The card service gives the money back to the card. This slip is not the money.",
    "original": "Of receipt",
    "original_date": "Receipt of",
    "original_paid": "Paid then",
    "refunded_by": "Refunded by",
    "fee_refunded": "Service fee given back",
    "fee_kept": "The service fee of the card service is not refunded.",
    "signature": "Payer's signature",
    "endorse": "FOR DEPOSIT ONLY",
    "page": "page {number} of {count}",
    "mail_subject": "Receipt {number} of {agency}",
    "mail_text": "The receipt {number} of {agency} is attached.",
}
ENGLISH = Language("en-US", "English", WORDS)
