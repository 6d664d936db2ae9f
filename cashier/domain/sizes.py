"""How large an entry may be, so that the hub can always take it as it stands.

On the line every quotation mark and backslash of an entry's text is written twice: twice ENTRY_MAX_BYTES, and
what stands around it, is less than the body that the hub reads (`hub.journal_api.JOURNAL_MAX_BYTES`; a test
holds the two together). What is paid for is held to less, because it is said once more, with its tenders, by
the receipt, and money must never wait for an entry that is too large.
"""

from cashier.domain.entries import EntryKind
from cashier.domain.errors import Refused

#: The canonical text of an entry's body, in UTF-8.
ENTRY_MAX_BYTES = 1536 * 1024
#: Of a sale: more than any sale file has, and half a mebibyte less than its receipt may have.
SALE_MAX_BYTES = 1024 * 1024


def refuse_oversize(kind: EntryKind, text: str) -> None:
    """Raise Refused for the body of an entry that is about to be recorded and is too large."""
    size = len(text.encode())
    if kind is EntryKind.SALE_RECORDED and size > SALE_MAX_BYTES:
        raise Refused(
            f"This sale is too large to be recorded: {_kib(size)} KiB, at most {_kib(SALE_MAX_BYTES)}. "
            "Nothing was recorded and nothing is charged. Take its invoices as several sales."
        )
    if size > ENTRY_MAX_BYTES:
        raise Refused(
            f"This is too large to be recorded: {_kib(size)} KiB, at most {_kib(ENTRY_MAX_BYTES)}. Nothing "
            "was recorded. Shorten what was typed or pasted and try again."
        )


def _kib(size: int) -> int:
    return -(-size // 1024)
