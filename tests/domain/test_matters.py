"""What opens a matter for a person, and what closes it."""

import pytest

from cashier.domain.entries import Entry, EntryKind, Json
from cashier.domain.matters import closes_matter, opens_matter


def _entry(kind: EntryKind, body: Json) -> Entry:
    return Entry(1, "e1", kind, "2026-02-03T15:04:05.123Z", "A", "p1", body, "", "")


@pytest.mark.parametrize(
    ("kind", "body", "opens"),
    [
        (EntryKind.DISCREPANCY_FOUND, {"reason": "odd"}, True),
        (EntryKind.POSTBACK_UNMATCHED, {"reason": "unknown"}, True),
        (EntryKind.PAYMENT_TOLD, {"event": "needs_review", "state": "IN_DOUBT"}, True),
        (EntryKind.PAYMENT_TOLD, {"event": "needs_review", "state": "APPROVED"}, False),
        (EntryKind.PAYMENT_TOLD, {"event": "needs_review", "state": "VOUCHED"}, False),
        (EntryKind.PAYMENT_TOLD, {"event": "confirmed_paid", "state": "APPROVED"}, False),
        (EntryKind.PAYMENT_VOUCHED, {"event": "vouched_paid", "state": "VOUCHED"}, False),
        (EntryKind.MATTER_SEEN, {"matter": "e0"}, False),
    ],
)
def test_what_opens_a_matter(kind: EntryKind, body: Json, opens: bool) -> None:
    assert opens_matter(_entry(kind, body)) is opens


@pytest.mark.parametrize(
    ("kind", "body", "closed"),
    [
        (EntryKind.MATTER_SEEN, {"matter": "e0"}, "e0"),
        (EntryKind.PAYMENT_TOLD, {"matter": "e0"}, "e0"),
        (EntryKind.POSTBACK_REPEATED, {"matter": "e0"}, "e0"),
        (EntryKind.PAYMENT_TOLD, {}, None),
        (EntryKind.DISCREPANCY_FOUND, {"matter": "e0"}, None),
    ],
)
def test_what_closes_a_matter(kind: EntryKind, body: Json, closed: str | None) -> None:
    assert closes_matter(_entry(kind, body)) == closed
