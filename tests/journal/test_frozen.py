"""Journals of every schema that was ever released open, verify and say what they said."""

import shutil
from pathlib import Path

import pytest

from cashier.domain.entries import EntryKind
from cashier.domain.outbox import Owed
from cashier.domain.payment import PaymentState
from cashier.domain.people import PEOPLE, fold_people
from cashier.journal.schema import SCHEMA_VERSION
from cashier.journal.store import SqliteJournal
from cashier.journal.verify import verify_file
from tests.fakes.entries import Drafts, FixedClock
from tests.journal.frozen.make_journal import write

FROZEN = Path(__file__).parent / "frozen"

#: Number of entries and hash of the last, by schema version. Never changes.
HEADS = {
    1: (20, "929ac4e8ad478a63b5cb08f0acfd7d1854399ca22e623c3bb64ad3859b943cb0"),
    2: (22, "5a62597fbab154822bd66e4b9498fc689e2c108460e7f413e99b62a9d623db34"),
    3: (23, "de94523ade14f2dcd2b7b8ec741f793a7fb756516018e63a1c3f1a8c1ca8d8a2"),
    4: (25, "c8b1b48c7f87a0ae9d25639aaba62e880f057ae68159dabfe2d61c3a5d10dac0"),
    5: (25, "c8b1b48c7f87a0ae9d25639aaba62e880f057ae68159dabfe2d61c3a5d10dac0"),
}


@pytest.fixture(params=sorted(HEADS))
def version(request: pytest.FixtureRequest) -> int:
    return int(request.param)


@pytest.fixture
def copy(version: int, tmp_path: Path) -> Path:
    return Path(shutil.copy(FROZEN / f"journal-{version}.db", tmp_path / "journal.db"))


def test_every_schema_has_its_frozen_journal() -> None:
    assert sorted(HEADS) == list(range(1, SCHEMA_VERSION + 1))


def test_a_frozen_journal_verifies_before_any_migration(copy: Path, version: int) -> None:
    found = verify_file(copy)
    assert (found.entries, found.head, found.broken) == (*HEADS[version], None)


def test_a_frozen_journal_opens_and_goes_on(copy: Path, version: int) -> None:
    with SqliteJournal(copy, till="A", clock=FixedClock(), holder="a test") as journal:
        assert [receipt.number for receipt in journal.search("", 9)] == ["A-000002", "A-000001"]
        assert [receipt.number for receipt in journal.search("sam bld-26", 9)] == ["A-000002"]
        (payment,) = journal.unsettled_payments()
        assert (payment.id, payment.state, payment.reviews) == (
            "p3",
            PaymentState.IN_DOUBT,
            ("another amount",),
        )
        second = journal.payment("A-p2")
        assert second is not None
        assert (second.state, second.declines) == (PaymentState.APPROVED, ("insufficient funds",))
        assert journal.sent(Owed.ENTRIES) == (25 if version > 4 else 0), "what was never sent is owed"
        assert journal.sent(Owed.NOTICES) == (0 if version > 4 else HEADS[version][0]), "no old news"
        assert [anchor.seq for anchor in journal.anchors()] == ([25] if version > 4 else [])
        (entry,) = journal.record([Drafts("new").receipt("s3")])
        assert entry.body["number"] == "A-000003"
        open_matters = [matter.body["reason"] for matter in journal.open_matters()]
        assert open_matters == (["another amount", "unknown"] if version == 1 else ["unknown"])
        assert journal.charged_reference("G-1") == "A-p-s1"
        closed = journal.last_of(EntryKind.DAY_CLOSED)
        assert (closed is None) is (version == 1)
        assert (journal.last_of(EntryKind.READER_SELECTED) is None) is (version < 3)
        people = fold_people(journal.entries(PEOPLE)).persons
        assert [person.name for person in people.values()] == (["Kim Clerk"] if version > 3 else [])
        assert journal.pin_hash("p-kim") == ("hash" if version > 3 else None)
        journal.rebuild()
        assert journal.pin_hash("p-kim") == ("hash" if version > 3 else None), "no entry could tell it again"
        assert journal.verify() is None


def test_the_maker_still_makes_the_current_one(tmp_path: Path) -> None:
    made = tmp_path / "made.db"
    write(made)
    assert verify_file(made).head == HEADS[SCHEMA_VERSION][1]
