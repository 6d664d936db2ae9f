"""The hub's second copies on both databases: what is stored, refused, sealed, read back and found out."""

import json
import logging
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import asdict, replace
from typing import Any

import httpx
import pytest

from cashier.domain.entries import EntryKind, StoredRow
from cashier.domain.outbox import Kept
from cashier.hub.journal_api import JOURNAL_MAX_BYTES
from cashier.hub.journals import CopyStands, JournalStore
from cashier.hub.keys import anchor_key
from cashier.hub.serve import RunningHub
from cashier.hub.store import HubStore
from tests.contracts.test_copy_contract import chained, rows_of
from tests.fakes.entries import Drafts, FixedClock
from tests.fakes.journal import MemoryJournal
from tests.helpers.site import two_tills

from .conftest import MASTER, NOW, Clock, Database, Till

CARD = "4111111111111111"
SPACED = "4111 1111 1111 1111"
SITE = "sampletown"


def told(rows: Sequence[StoredRow]) -> dict[str, Any]:
    """Entries as a till puts them on the wire."""
    entries = []
    for row in rows:
        members = asdict(row)
        members["body"] = members.pop("body_text")
        entries.append(members)
    return {"entries": entries}


def url(till: Till, *parts: str) -> str:
    return "/".join((f"{till.url}/till/v1/{till.site}/{till.till}/journal", *parts))


def send(till: Till, rows: Sequence[StoredRow], **params: str) -> httpx.Response:
    return till.http.post(url(till), json=told(rows), params=params, headers=till.headers)


def speaking(*bodies: dict[str, Any]) -> tuple[StoredRow, ...]:
    """A journal of entries that say these things."""
    journal, drafts = MemoryJournal("A", FixedClock()), Drafts()
    for body in bodies:
        journal.record([drafts.draft(EntryKind.DRAWER_OPENED, "drawer", body)])
    return journal.rows_after(0, len(bodies))


@pytest.fixture
def store(database: Database, till: Till) -> Iterator[JournalStore]:
    """The copies beside the hub that runs."""
    with HubStore(database.url) as beside:
        yield JournalStore(beside.engine, anchor_key(MASTER))


def test_what_is_sent_is_read_back_byte_for_byte(till: Till) -> None:
    rows = speaking({"reason": "Größe\n\u0000 \U0001f4b5", "n": [1, None, True]}, {"a": {"b": "c"}})
    assert send(till, rows).json()["kept"] == {"seq": 2, "hash": rows[1].hash}
    answer = till.http.get(url(till), headers=till.headers).json()["entries"]
    assert [{**entry, "refused": None} for entry in told(rows)["entries"]] == answer
    page = till.http.get(url(till), params={"after": 1, "limit": 1}, headers=till.headers).json()["entries"]
    assert [entry["seq"] for entry in page] == [2]
    assert till.http.get(url(till), params={"after": 2}, headers=till.headers).json() == {"entries": []}


def test_o3_a_till_that_can_send_no_more_of_it_sends_its_place(
    till: Till, store: JournalStore, database: Database
) -> None:
    rows = speaking({"reason": "small"}, {"reason": "large"}, {"reason": "after"})
    sent = told(rows)
    sent["entries"][1] |= {"subject": "", "body": "", "withheld": True}
    for _ in range(2):
        answer = till.http.post(url(till), json=sent, headers=till.headers).json()
        assert answer["kept"] == {"seq": 3, "hash": rows[2].hash}
        assert [(one["seq"], one["owner"]) for one in answer["refused"]] == [(2, "supervisor")]
    assert store.first_fault(SITE, "A") is None
    assert [(row.seq, row.body_text, bool(why)) for row, why in store.entries(SITE, "A", 1, 9)] == [
        (2, "{}", True),
        (3, rows[2].body_text, False),
    ]
    whole = send(till, rows).json()
    assert [one["seq"] for one in whole["refused"]] == [2], "it stays what it is, and is named"
    assert '"large"' not in database.content()


def test_a_page_of_large_entries_is_short_and_the_next_goes_on(till: Till) -> None:
    rows = speaking(*({"reason": f"{number}" + "x" * 1_500_000} for number in range(7)))
    for row in rows:
        assert send(till, [row]).status_code == 200
    found: list[str] = []
    pages = 0
    while page := till.http.get(url(till), params={"after": len(found)}, headers=till.headers).json()[
        "entries"
    ]:
        found += [entry["hash"] for entry in page]
        pages += 1
    assert (found, pages) == ([row.hash for row in rows], 2)


def test_only_the_tills_own_key_reads_it_and_only_its_site_writes(till: Till, hub: RunningHub) -> None:
    send(till, rows_of(2))
    stranger = Till(till.url, till.http, hub.enrol("othertown", "A"), site="othertown")
    neighbour = Till(till.url, till.http, hub.enrol(SITE, "B"), till="B")
    wrong = replace(till, key_text=neighbour.key_text)
    for method, where in (
        ("GET", url(till)),
        ("GET", url(till, "kept")),
        ("GET", url(till, "anchors")),
        ("POST", url(till)),
        ("POST", url(till, "anchors", "check")),
    ):
        assert till.http.request(method, where, headers=wrong.headers).status_code == 401
        assert till.http.request(method, where).status_code == 401
    assert till.http.get(url(stranger), headers=stranger.headers).json() == {"entries": []}
    assert till.http.get(url(neighbour), headers=neighbour.headers).json() == {"entries": []}
    kept = till.http.get(url(neighbour, "kept"), params={"of": "A"}, headers=neighbour.headers).json()
    assert kept["seq"] == 2, "a neighbour may rescue a dead till's disk"
    for answer in (
        till.http.get(url(stranger, "kept"), params={"of": "B"}, headers=stranger.headers),
        send(stranger, rows_of(2, till="B"), of="B"),
    ):
        assert answer.status_code == 404


def test_all_counters_a_till_reads_its_own_sites_entries_and_no_others(till: Till, hub: RunningHub) -> None:
    neighbour = Till(till.url, till.http, hub.enrol(SITE, "B"), till="B")
    stranger = Till(till.url, till.http, hub.enrol("othertown", "D"), site="othertown", till="D")
    a, _ = two_tills()
    assert send(till, a.rows).status_code == 200
    for asking in (till, neighbour):
        found = asking.http.get(
            url(asking, "report"), params={"of": "A", "limit": 500}, headers=asking.headers
        ).json()
        kinds = [entry["kind"] for entry in found["entries"]]
        assert kinds == [row.kind for row in a.rows if row.kind != "pin_set"]
        listed = asking.http.get(url(asking, "tills"), headers=asking.headers).json()["tills"]
        assert [(one["till"], one["entries"]) for one in listed] == [("A", len(a.rows)), ("B", 0)]
    listed = till.http.get(url(stranger, "tills"), headers=stranger.headers).json()["tills"]
    assert [one["till"] for one in listed] == ["D"]
    other = till.http.get(url(stranger, "report"), params={"of": "A"}, headers=stranger.headers)
    assert other.status_code == 404
    for what in ("tills", "report"):
        assert till.http.get(url(till, what)).status_code == 401
        assert till.http.get(url(till, what), headers=stranger.headers).status_code == 401


def test_all_counters_a_revoked_till_and_its_contradictions_are_told(
    till: Till, hub: RunningHub, database: Database
) -> None:
    hub.enrol(SITE, "B")
    send(till, rows_of(2))
    assert send(till, rows_of(2, prefix="other")).status_code == 409
    database.run("UPDATE tills SET revoked = TRUE WHERE till = 'B'")
    a, b = till.http.get(url(till, "tills"), headers=till.headers).json()["tills"]
    assert (a["alarms"], a["is_revoked"], a["last_at"]) == (1, False, "2026-02-03T09:00:00.000Z")
    assert (b["alarms"], b["is_revoked"], b["last_at"]) == (0, True, "")


def test_o3_an_entry_with_a_card_number_is_kept_without_it_and_told_again(
    till: Till, database: Database, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG)
    rows = speaking(
        {"reason": "fine"},
        {
            "reason": f"card {CARD[:4]} {CARD[4:8]} {CARD[8:12]} {CARD[12:]}",
            "n": int(CARD),
            "amount_cents": 5,
        },
        {"reason": "fine, too"},
    )
    first = send(till, rows).json()
    assert [(one["seq"], one["id"], one["owner"]) for one in first["refused"]] == [
        (2, rows[1].id, "supervisor")
    ]
    assert first["kept"]["seq"] == 3, "it blocks nothing"
    assert send(till, rows).json() == first
    content = database.content() + caplog.text
    assert CARD not in content.replace(" ", "")
    (_, kept, _) = till.http.get(url(till), headers=till.headers).json()["entries"]
    assert json.loads(kept["body"])["amount_cents"] == 5
    assert (kept["hash"], kept["refused"]) == (rows[1].hash, first["refused"][0]["reason"])


@pytest.mark.parametrize("body", ["", "no json", "[1]", f'"{CARD}"', f"{{{CARD}"])
def test_a_body_that_is_none_is_kept_as_text_without_card_numbers(
    till: Till, database: Database, body: str
) -> None:
    (row,) = chained([replace(speaking({})[0], body_text=body)])
    answer = send(till, [row]).json()
    assert [one["seq"] for one in answer["refused"]] == [1]
    assert CARD not in database.content()


@pytest.mark.parametrize("member", ["id", "subject"])
def test_a_card_number_anywhere_else_is_not_stored_either(
    till: Till, database: Database, member: str
) -> None:
    (row,) = chained([replace(speaking({})[0], **{member: CARD})])
    answer = send(till, [row])
    assert answer.status_code == (409 if member == "id" else 200)
    assert CARD not in database.content()


def test_o4_an_alarm_is_stored_once_and_counted(
    till: Till, clock: Clock, store: JournalStore, hub: RunningHub
) -> None:
    rows = rows_of(3)
    send(till, rows)
    altered = chained((rows[0], replace(rows[1], body_text='{"reason":"other"}'), rows[2]))
    for hour in (10, 11):
        clock.at = NOW.replace(hour=hour)
        answer = send(till, altered)
        assert answer.status_code == 409
        assert answer.json() == {"detail": "fork", "seq": 2, "reason": "the same id with other content"}
    (alarm,) = store.alarms(SITE, "A")
    assert (alarm["seq"], alarm["times"], alarm["kept_hash"]) == (2, 2, rows[1].hash)
    assert (alarm["first_at"], alarm["last_at"]) == ("2026-02-03T10:00:00.000Z", "2026-02-03T11:00:00.000Z")
    assert 'cashier_hub_alarms_total{kind="journal"} 2.0' in till.http.get(f"{till.url}/metrics").text
    assert till.http.get(url(till, "kept"), headers=till.headers).json()["hash"] == rows[2].hash


def test_a_gap_is_no_alarm(till: Till, store: JournalStore) -> None:
    rows = rows_of(5)
    answer = send(till, rows[3:])
    assert (answer.status_code, answer.json()["detail"], answer.json()["seq"]) == (409, "gap", 1)
    assert store.alarms(SITE, "A") == []


@pytest.mark.parametrize(
    "spoilt",
    [
        {"entries": []},
        {"entries": "x"},
        {},
        {"entries": [{"seq": 1}]},
    ],
)
def test_what_is_no_batch_is_422(till: Till, spoilt: object) -> None:
    assert till.http.post(url(till), json=spoilt, headers=till.headers).status_code == 422


@pytest.mark.parametrize(
    "members", [{"seq": 0}, {"hash": "x"}, {"at": "4111111111111111aaaa"}, {"kind": "K"}, {"more": 1}]
)
def test_what_is_no_entry_is_422(till: Till, members: dict[str, object]) -> None:
    batch = told(rows_of(1))
    batch["entries"][0] |= members
    assert till.http.post(url(till), json=batch, headers=till.headers).status_code == 422


def test_too_much_is_413_and_a_large_entry_is_not(till: Till) -> None:
    assert send(till, speaking({"reason": "x" * 1_000_000})).status_code == 200
    much = b"x" * (JOURNAL_MAX_BYTES + 1)
    assert till.http.post(url(till), content=much, headers=till.headers).status_code == 413


def test_anchors_are_this_hubs_and_nobody_elses(till: Till, hub: RunningHub) -> None:
    rows = rows_of(201)
    for first in range(0, 201, 100):
        send(till, rows[first : first + 100])
    anchors = till.http.get(url(till, "anchors"), headers=till.headers).json()["anchors"]
    assert [(one["seq"], one["hash"]) for one in anchors] == [(100, rows[99].hash), (200, rows[199].hash)]
    later = till.http.get(url(till, "anchors"), params={"after": 100}, headers=till.headers).json()
    assert later["anchors"] == anchors[1:]
    mine = [{name: one[name] for name in ("seq", "hash", "seal")} for one in anchors]
    forged = [mine[0], {**mine[1], "hash": rows[0].hash}, {**mine[1], "seq": 300, "seal": "0" * 64}]
    assert check(till, mine) == []
    assert check(till, forged) == [200, 300]
    neighbour = Till(till.url, till.http, hub.enrol(SITE, "B"), till="B")
    assert check(neighbour, mine) == [100, 200], "another till's anchors are not its own"


def check(till: Till, anchors: Sequence[dict[str, Any]]) -> list[int]:
    answer = till.http.post(
        url(till, "anchors", "check"), json={"anchors": list(anchors)}, headers=till.headers
    )
    wrong: list[int] = answer.json()["wrong"]
    return wrong


def test_the_same_batch_from_many_lines_at_once_is_kept_once(
    till: Till, database: Database, store: JournalStore
) -> None:
    rows = rows_of(40)
    with ThreadPoolExecutor(6) as pool:
        answers = list(pool.map(lambda _number: send(till, rows), range(12)))
    assert {answer.status_code for answer in answers} == {200}
    assert database.run("SELECT count(*) FROM journal_entries") == [(40,)]
    assert store.first_fault(SITE, "A") is None


def test_a_copy_that_was_edited_in_the_database_is_found_out(
    till: Till, database: Database, store: JournalStore
) -> None:
    rows = rows_of(120)
    send(till, rows[:100])
    send(till, rows[100:])
    assert store.first_fault(SITE, "A") is None
    database.run("UPDATE journal_anchors SET seal = hash")
    fault = store.first_fault(SITE, "A")
    assert fault is not None
    assert (fault.seq, fault.reason) == (100, "its anchor does not fit it")
    database.run("UPDATE journal_entries SET body = '{}' WHERE seq = 7")
    fault = store.first_fault(SITE, "A")
    assert fault is not None
    assert fault.seq == 7
    database.run("DELETE FROM journal_entries WHERE seq = 5")
    fault = store.first_fault(SITE, "A")
    assert fault is not None
    assert fault.seq == 6


def test_the_copies_are_listed(till: Till, hub: RunningHub, store: JournalStore) -> None:
    assert store.listed() == []
    rows = speaking(*[{"reason": f"r{number}"} for number in range(99)], {"reason": CARD})
    send(till, rows)
    send(till, rows_of(1, prefix="other"))
    neighbour = Till(till.url, till.http, hub.enrol(SITE, "B"), till="B")
    send(till, rows_of(2, till="B"), of="B")
    assert store.listed() == [
        CopyStands(SITE, "A", 100, rows[-1].hash, "2026-02-03T09:00:00.000Z", 1, 1, 1),
        CopyStands(SITE, "B", 2, rows_of(2, till="B")[1].hash, "2026-02-03T09:00:00.000Z", 0, 0, 0),
    ]
    assert store.kept(SITE, "B") == Kept(2, rows_of(2, till="B")[1].hash)
    assert till.http.get(url(neighbour, "kept"), headers=neighbour.headers).json()["seq"] == 2


def test_storage_that_fails_is_503(till: Till, database: Database) -> None:
    database.run("ALTER TABLE journal_entries RENAME TO away")
    assert send(till, rows_of(1)).status_code == 503
    database.run("ALTER TABLE away RENAME TO journal_entries")
    assert send(till, rows_of(1)).status_code == 200
