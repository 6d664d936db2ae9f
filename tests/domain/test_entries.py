"""Canonical JSON, times and the hash chain of journal entries."""

import datetime as dt
import hashlib
import json
from dataclasses import replace
from types import MappingProxyType

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cashier.domain.entries import (
    GENESIS,
    Break,
    StoredRow,
    canonical,
    entry_hash,
    first_break,
    utc_text,
)
from cashier.domain.postback import Approved, Postback
from cashier.domain.records import postback_to_json

_VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(),
    lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner),
    max_leaves=20,
)


def _chain(count: int) -> list[StoredRow]:
    rows: list[StoredRow] = []
    for seq in range(1, count + 1):
        row = StoredRow(
            seq,
            f"id-{seq}",
            "sale_recorded",
            "2026-02-03T15:04:05.123Z",
            "A",
            f"s{seq}",
            canonical({"n": seq}),
            rows[-1].hash if rows else GENESIS,
            "",
        )
        rows.append(_sealed(row))
    return rows


def _sealed(row: StoredRow) -> StoredRow:
    return replace(
        row,
        hash=entry_hash(
            seq=row.seq,
            id=row.id,
            kind=row.kind,
            at=row.at,
            till=row.till,
            subject=row.subject,
            body_text=row.body_text,
            previous=row.previous,
        ),
    )


def test_canonical_is_one_text() -> None:
    value = {"b": [1, None, True], "a": {"é": 'say "ü"\n'}}
    assert canonical(value) == '{"a":{"é":"say \\"ü\\"\\n"},"b":[1,null,true]}'
    assert canonical({"a": (1, 2)}) == '{"a":[1,2]}'


@given(_VALUES)
def test_canonical_says_the_same_after_a_round_trip(value: object) -> None:
    text = canonical(value)
    assert canonical(json.loads(text)) == text


@pytest.mark.parametrize("value", [1.5, {"a": [{"b": 0.0}]}, float("nan"), {1: "a"}, b"x", {"a": {1, 2}}])
def test_canonical_refuses_what_json_or_money_cannot_keep(value: object) -> None:
    with pytest.raises(TypeError):
        canonical(value)


@pytest.mark.parametrize("value", ["\ud800", {"a": ["\udfff"]}, {"\ud800": 1}])
def test_canonical_refuses_half_a_character(value: object) -> None:
    with pytest.raises(ValueError, match="surrogates"):
        canonical(value)


def test_the_hash_can_be_made_by_anyone_from_the_text() -> None:
    row = _chain(1)[0]
    text = '[1,"id-1","sale_recorded","2026-02-03T15:04:05.123Z","A","s1","{\\"n\\":1}","' + GENESIS + '"]'
    assert row.hash == hashlib.sha256(text.encode()).hexdigest()


def test_a_whole_chain_holds() -> None:
    assert first_break([]) is None
    assert first_break(_chain(5)) is None
    rows = _chain(5)
    assert first_break(rows[2:], previous=rows[1].hash, first_seq=3) is None


@pytest.mark.parametrize("column", ["id", "kind", "at", "till", "subject", "body_text", "previous", "hash"])
def test_a_change_of_any_column_is_named(column: str) -> None:
    rows = _chain(5)
    rows[2] = replace(rows[2], **{column: getattr(rows[2], column)[:-1] + "!"})
    broken = first_break(rows)
    assert broken is not None
    assert broken.seq == 3


def test_a_change_sealed_again_breaks_at_the_next() -> None:
    rows = _chain(5)
    rows[2] = _sealed(replace(rows[2], body_text='{"n":4}'))
    assert first_break(rows) == Break(4, "entry 4 does not follow the entry before it")


def test_missing_moved_and_foreign_rows_are_named() -> None:
    rows = _chain(5)
    assert first_break(rows[:2] + rows[3:]) == Break(3, "entry 3 is missing")
    assert first_break(rows[1:]) == Break(1, "entry 1 is missing")
    swapped = [rows[0], replace(rows[2], seq=2), replace(rows[1], seq=3), *rows[3:]]
    assert first_break(swapped) == Break(2, "entry 2 does not follow the entry before it")
    assert first_break([replace(rows[0], seq=0), *rows]) == Break(0, "entry 0 does not belong here")
    assert first_break([*rows, rows[4]]) == Break(5, "entry 5 does not belong here")


def test_damaged_text_never_hashes_like_the_text_it_was() -> None:
    (row,) = _chain(1)
    damaged = b'{"n":\xff}'.decode(errors="surrogateescape")
    assert first_break([replace(row, body_text=damaged)]) == Break(
        1, "entry 1 was changed after it was recorded"
    )


def test_utc_text_has_milliseconds_and_takes_only_aware_times() -> None:
    east = dt.timezone(dt.timedelta(hours=2))
    assert utc_text(dt.datetime(2026, 1, 2, 5, 4, 5, 123999, east)) == "2026-01-02T03:04:05.123Z"
    assert utc_text(dt.datetime(2026, 1, 2, tzinfo=dt.UTC)) == "2026-01-02T00:00:00.000Z"
    with pytest.raises(ValueError, match="zone"):
        utc_text(dt.datetime(2026, 1, 2))  # noqa: DTZ001


def test_a_postback_with_read_only_extras_becomes_plain_json() -> None:
    postback = Postback(Approved.YES, extra=MappingProxyType({"Extra": "1"}), faults=("odd",))
    body = json.loads(canonical(postback_to_json(postback)))
    assert (body["approved"], body["extra"], body["faults"]) == ("yes", {"Extra": "1"}, ["odd"])
