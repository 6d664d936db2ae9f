"""No entry is recorded that the hub could not take, and none is refused once money was taken."""

import json
from dataclasses import replace

import pytest

from cashier.domain.entries import EntryKind, canonical
from cashier.domain.errors import Refused
from cashier.domain.money import Cents
from cashier.domain.receipt import Tender, TenderKind
from cashier.domain.records import receipt_to_json, sale_to_json
from cashier.domain.sale import Fee
from cashier.domain.sizes import ENTRY_MAX_BYTES, SALE_MAX_BYTES, refuse_oversize
from cashier.gateway.salefile import SALE_FILE_MAX_BYTES
from cashier.hub.journal_api import JOURNAL_MAX_BYTES
from tests.fakes.entries import make_receipt, make_sale

#: Characters that take most on the line for what they take in the journal.
DEAREST = ('"', "\\", "\n", "\x00", "\x7f", "é", "\U0001f4b5")


def _body(character: str) -> str:
    """The largest text of a body that has nothing but this character."""
    one = len(canonical(character).encode()) - 2
    text = canonical({"r": character * ((ENTRY_MAX_BYTES - 10) // one)})
    refuse_oversize(EntryKind.DRAWER_OPENED, text)
    return text


@pytest.mark.parametrize("character", DEAREST, ids=ascii)
def test_the_hub_takes_the_largest_entry_that_is_recorded(character: str) -> None:
    around = {"seq": 2**63 - 1, "id": "x" * 64, "kind": "k" * 64, "till": "t" * 32, "subject": '"' * 400}
    wire = {"entries": [around | {"body": _body(character), "previous": "0" * 64, "hash": "0" * 64}]}
    # As httpx writes it.
    sent = json.dumps(wire, ensure_ascii=False, separators=(",", ":"), allow_nan=False)
    assert len(sent.encode()) < JOURNAL_MAX_BYTES


def test_one_byte_more_is_refused_with_what_to_do() -> None:
    text = canonical({"r": "x" * (ENTRY_MAX_BYTES - 8)})
    refuse_oversize(EntryKind.DRAWER_OPENED, text)
    with pytest.raises(Refused, match=r"1537 KiB, at most 1536\. Nothing was recorded"):
        refuse_oversize(EntryKind.DRAWER_OPENED, text + " ")
    with pytest.raises(Refused, match="Take its invoices as several sales"):
        refuse_oversize(EntryKind.SALE_RECORDED, " " * (SALE_MAX_BYTES + 1))


def test_the_receipt_of_the_largest_sale_is_never_refused() -> None:
    """A receipt comes after the money: what it says beside its sale has room in every case."""
    sale = make_sale()
    left = SALE_MAX_BYTES - len(canonical(sale_to_json(sale)).encode())
    one = len(canonical(sale_to_json(replace(sale, invoices=()))).encode())
    fee = Fee("F" * 100, "\U0001f4b5" * 200, Cents(1), "C" * 100)
    invoice = replace(sale.invoices[0], fees=(fee,) * (left // (len(canonical(fee.__dict__).encode()) + 1)))
    sale = replace(sale, invoices=(invoice,))
    text = canonical(sale_to_json(sale))
    refuse_oversize(EntryKind.SALE_RECORDED, text)
    assert len(text.encode()) > SALE_MAX_BYTES * 0.99 > one
    drawer = tuple(
        Tender(
            TenderKind.CHECK, Cents(1), id=f"{number:036d}", number="9" * 40, bank="b" * 200, payer="p" * 200
        )
        for number in range(200)
    )
    receipt = replace(make_receipt("s" * 36, sale), tenders=drawer, agency="a" * 200, cashier="c" * 200)
    body = receipt_to_json(receipt) | {"number": "A-000001"}
    refuse_oversize(EntryKind.RECEIPT_ISSUED, canonical(body))


def test_every_sale_file_fits() -> None:
    assert SALE_FILE_MAX_BYTES < SALE_MAX_BYTES
