"""Whatever a body says comes back as it was, and its chain holds."""

from pathlib import Path
from tempfile import TemporaryDirectory

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from cashier.domain.entries import Draft, EntryKind
from cashier.journal.store import SqliteJournal
from tests.fakes.entries import FixedClock
from tests.journal.conftest import Open

_VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(), inner, max_size=4),
    max_leaves=12,
)
_BODIES = st.dictionaries(st.text(), _VALUES, max_size=5)
_COMMITS = st.lists(st.lists(st.tuples(st.text(), _BODIES), max_size=3), max_size=4)


@settings(max_examples=60)
@given(_COMMITS)
def test_any_body_comes_back_and_verifies(commits: list[list[tuple[str, dict[str, object]]]]) -> None:
    with TemporaryDirectory() as folder:
        file = Path(folder) / "journal.db"
        expected: list[tuple[str, dict[str, object]]] = []
        with SqliteJournal(file, till="A", clock=FixedClock(), holder="a test") as journal:
            for commit in commits:
                first = len(expected)
                drafts = [
                    Draft(f"id-{first + n}", EntryKind.POSTBACK_UNMATCHED, subject, body)
                    for n, (subject, body) in enumerate(commit)
                ]
                assert journal.record(drafts) == journal.record(drafts)
                expected += commit
            assert journal.verify() is None
        with SqliteJournal(file, till="A", clock=FixedClock(), holder="a test") as journal:
            entries = list(journal.entries())
            assert [(entry.subject, entry.body) for entry in entries] == expected
            for subject in {subject for subject, _ in expected}:
                assert list(journal.entries(subject)) == [e for e in entries if e.subject == subject]


@pytest.mark.parametrize("bad", [1.5, "\ud800", b"bytes", {1: 2}, float("inf")])
def test_what_json_cannot_keep_is_never_half_written(open_journal: Open, bad: object) -> None:
    journal = open_journal()
    good = Draft("id-1", EntryKind.POSTBACK_UNMATCHED, "r", {"text": "kept"})
    with pytest.raises((TypeError, ValueError)):
        journal.record([good, Draft("id-2", EntryKind.POSTBACK_UNMATCHED, "r", {"text": bad})])
    assert list(journal.entries()) == []
    assert len(journal.record([good])) == 1
