"""Holds: which payment may charge an invoice, decided by the database alone."""

import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from datetime import timedelta

import httpx
import pytest

from cashier.domain.errors import Discrepancy, Held, Refused, Unavailable
from cashier.domain.money import Cents
from cashier.domain.payment import InvoiceShare
from cashier.hub.holds import INVOICES_MAX, Announcement, HeldPayment, HoldStore
from cashier.hub.serve import RunningHub
from cashier.hub.store import HubStore

from .conftest import NOW, Database, Till

SINCE = "2026-02-03T09:00:00.000Z"
BODY = {
    "biller": "building",
    "amount_cents": 14500,
    "invoices": [{"number": "BU5-6", "amount_cents": 14500}],
    "portal": None,
}


def payment(reference: str = "A-1", till: str = "A", *numbers: str, **changes: object) -> Announcement:
    shares = tuple(InvoiceShare(number, Cents(100)) for number in numbers or ("BU5-6",))
    made = Announcement("sampletown", till, reference, "building", 100 * len(shares), shares)
    return replace(made, **changes)  # type: ignore[arg-type]


@pytest.fixture
def store(db_url: str) -> Iterator[HoldStore]:
    with HubStore(db_url) as hub_store:
        yield HoldStore(hub_store.engine)


# --- the store


def test_announcing_again_is_the_same(store: HoldStore) -> None:
    for later in range(3):
        store.announce(payment(), NOW + timedelta(hours=later))
    assert store.held("sampletown", "A") == [HeldPayment("sampletown", "A", "A-1", SINCE)]
    assert store.announced("sampletown", "A", "A-1") == payment()


def test_the_order_of_invoices_says_nothing(store: HoldStore) -> None:
    store.announce(payment("A-1", "A", "1", "2"), NOW)
    store.announce(payment("A-1", "A", "2", "1"), NOW)


@pytest.mark.parametrize("number", ["BU5-6", "bu5-6", "Bu5-6"])
@pytest.mark.parametrize("till", ["A", "B"])
def test_an_invoice_in_doubt_cannot_be_paid_again_at_any_till(
    store: HoldStore, till: str, number: str
) -> None:
    store.announce(payment(), NOW)
    other = payment("B-1", till, "free", number)
    with pytest.raises(Held) as caught:
        store.announce(other, NOW + timedelta(minutes=5))
    held = caught.value
    assert (held.invoice, held.till, held.reference, held.since) == ("BU5-6", "A", "A-1", SINCE)
    # Nothing of it is stored: not the payment, and not the invoice that was free.
    assert store.announced("sampletown", till, "B-1") is None
    store.announce(payment("C-1", "C", "free"), NOW)


@pytest.mark.parametrize(
    "other",
    [
        payment("B-1", "B", site="othertown"),
        payment("B-1", "B", biller="planning"),
        payment("B-1", "B", "BU5-60"),
        payment("B-1", "B", "BU5 6"),
    ],
)
def test_other_sites_billers_and_invoices_are_free(store: HoldStore, other: Announcement) -> None:
    store.announce(payment(), NOW)
    store.announce(other, NOW)


@pytest.mark.parametrize(
    "other",
    [
        payment(amount_cents=101),
        payment(biller="planning"),
        payment("A-1", "A", "other"),
        payment(invoices=(InvoiceShare("BU5-6", Cents(99)),)),
        payment(portal_url="https://portal.example.org/pb"),
        payment(portal_url="https://portal.example.org/pb", portal_reference="J_1|2"),
    ],
)
def test_the_same_id_with_other_content_is_an_alarm(store: HoldStore, other: Announcement) -> None:
    store.announce(payment(), NOW)
    with pytest.raises(Discrepancy):
        store.announce(other, NOW)
    assert store.announced("sampletown", "A", "A-1") == payment()
    store.settled("sampletown", "A", "A-1", "DECLINED", NOW)
    with pytest.raises(Discrepancy):
        store.announce(other, NOW)


@pytest.mark.parametrize("outcome", ["APPROVED", "DECLINED", "ABANDONED"])
def test_settling_gives_the_invoices_back(store: HoldStore, outcome: str, database: Database) -> None:
    store.announce(payment(), NOW)
    for _ in range(2):
        assert store.settled("sampletown", "A", "A-1", outcome, NOW + timedelta(minutes=1)) is True
    assert store.held("sampletown", "A") == []
    store.announce(payment("B-1", "B"), NOW + timedelta(minutes=2))
    assert [held.reference for held in store.all_held()] == ["B-1"]
    rows = database.run("SELECT reference, since, ended_at FROM holds ORDER BY seq")
    assert rows == [  # nothing is deleted
        ("A-1", SINCE, "2026-02-03T09:01:00.000Z"),
        ("B-1", "2026-02-03T09:02:00.000Z", None),
    ]
    (kept,) = database.run("SELECT outcome, settled_at FROM payments WHERE reference = 'A-1'")
    assert kept == (outcome, "2026-02-03T09:01:00.000Z")


def test_settling_what_was_never_announced(store: HoldStore) -> None:
    store.announce(payment(), NOW)
    assert store.settled("sampletown", "A", "A-2", "APPROVED", NOW) is False
    assert store.settled("sampletown", "B", "A-1", "APPROVED", NOW) is False  # another till's is not its own
    assert store.settled("othertown", "A", "A-1", "APPROVED", NOW) is False
    with pytest.raises(Refused, match="no outcome"):
        store.settled("sampletown", "A", "A-1", "OPEN", NOW)
    assert len(store.all_held()) == 1


def test_a_settled_payment_that_is_open_again_takes_its_invoices_again(store: HoldStore) -> None:
    """The payer tries another card on the page of a declined payment."""
    store.announce(payment("A-1", "A", "1", "2"), NOW)
    store.settled("sampletown", "A", "A-1", "DECLINED", NOW)
    store.announce(payment("A-1", "A", "1", "2"), NOW + timedelta(minutes=1))
    with pytest.raises(Held):
        store.announce(payment("B-1", "B", "2"), NOW)
    store.settled("sampletown", "A", "A-1", "DECLINED", NOW)
    store.announce(payment("B-1", "B", "2"), NOW)
    with pytest.raises(Held, match="till B"):
        store.announce(payment("A-1", "A", "1", "2"), NOW)
    assert [held.reference for held in store.all_held()] == ["B-1"]


def test_a_person_releases_with_a_reason(store: HoldStore, database: Database) -> None:
    store.announce(payment(), NOW)
    with pytest.raises(Refused, match="reason"):
        store.release("sampletown", "A-1", "  ", NOW)
    with pytest.raises(Refused, match="holds an invoice"):
        store.release("othertown", "A-1", "till A burnt", NOW)
    released = store.release("sampletown", "A-1", " till A burnt ", NOW + timedelta(days=1))
    assert released == [HeldPayment("sampletown", "A", "A-1", SINCE)]
    with pytest.raises(Refused, match="holds an invoice"):
        store.release("sampletown", "A-1", "again", NOW)
    kept = database.run("SELECT released_at, release_reason, outcome FROM payments")
    assert kept == [("2026-02-04T09:00:00.000Z", "till A burnt", None)]
    store.announce(payment("B-1", "B"), NOW)


def test_twice_the_same_invoice_in_one_payment_is_held_once(store: HoldStore) -> None:
    store.announce(payment("A-1", "A", "x-1", "X-1"), NOW)
    with pytest.raises(Held):
        store.announce(payment("B-1", "B", "x-1"), NOW)


@pytest.mark.parametrize(
    ("number", "again"),
    [
        ("ß" * 50, "SS" * 50),
        ("ΐ" * 100, "ΐ" * 100),  # 300 characters once it is casefolded
        ("한국-1", "한국-1"),
        ("O'Neil; DROP TABLE holds", "o'neil; drop table holds"),
        ("x" * 100, "X" * 100),
    ],
    ids=["sharp s", "iota", "hangul", "quote", "long"],
)
def test_numbers_of_every_kind(store: HoldStore, number: str, again: str) -> None:
    store.announce(payment("A-1", "A", number), NOW)
    with pytest.raises(Held):
        store.announce(payment("B-1", "B", again), NOW)


@pytest.mark.parametrize(
    "changes",
    [
        {"invoices": ()},
        {"invoices": tuple(InvoiceShare(str(n), Cents(1)) for n in range(INVOICES_MAX + 1))},
        {"invoices": (InvoiceShare("", Cents(1)),)},
        {"invoices": (InvoiceShare("a\0b", Cents(1)),)},
        {"invoices": (InvoiceShare("a\ud800b", Cents(1)),)},
        {"invoices": (InvoiceShare("x" * 101, Cents(1)),)},
        {"invoices": (InvoiceShare("x", Cents(-1)),)},
        {"amount_cents": 1_000_000_000},
        {"biller": ""},
        {"reference": "x" * 121},
        {"portal_reference": "without a url"},
        {"portal_url": "x" * 2001},
    ],
)
def test_what_cannot_be_announced(changes: dict[str, object]) -> None:
    with pytest.raises(Refused):
        payment(**changes)


@pytest.mark.parametrize("round_", range(5))
def test_of_many_that_come_at_once_one_wins(db_url: str, backend: str, round_: int) -> None:
    """Each with an engine of its own, as hub processes have; invoices in opposite orders."""
    tills = ["A", "B", "C", "D"]
    start = threading.Barrier(len(tills))

    def race(till: str) -> str:
        numbers = [f"{round_}-{n}" for n in range(8)]
        wanted = payment(f"{till}-1", till, *(numbers if till in "AC" else reversed(numbers)))
        with HubStore(db_url) as hub_store:
            store = HoldStore(hub_store.engine)
            start.wait(30)
            try:
                store.announce(wanted, NOW)
            except Held as held:
                return f"held by {held.till}"
            return f"won {till}"

    with ThreadPoolExecutor(len(tills)) as pool:
        ended = sorted(pool.map(race, tills))
    (winner,) = [text.removeprefix("won ") for text in ended if text.startswith("won ")]
    assert ended == [f"held by {winner}"] * 3 + [f"won {winner}"]


def test_the_same_announcement_many_times_at_once_is_one(db_url: str, database: Database) -> None:
    start = threading.Barrier(4)

    def race(_: int) -> None:
        with HubStore(db_url) as hub_store:
            start.wait(30)
            HoldStore(hub_store.engine).announce(payment(), NOW)

    with ThreadPoolExecutor(4) as pool:
        list(pool.map(race, range(4)))
    assert database.run("SELECT count(*) FROM holds") == [(1,)]


def test_broken_storage_is_unavailable(store: HoldStore, database: Database) -> None:
    database.run("ALTER TABLE holds RENAME TO away")
    for call in (
        lambda: store.announce(payment(), NOW),
        lambda: store.held("sampletown", "A"),
        lambda: store.all_held(),
    ):
        with pytest.raises(Unavailable):
            call()
    database.run("ALTER TABLE away RENAME TO holds")
    store.announce(payment(), NOW)


# --- the routes


@pytest.fixture
def other(till: Till, hub: RunningHub) -> Till:
    return Till(till.url, till.http, hub.enrol("sampletown", "B"), till="B")


def url_of(till: Till, *parts: str) -> str:
    return "/".join((f"{till.url}/till/v1/{till.site}/{till.till}/payments", *parts))


def announce(till: Till, reference: str, **changes: object) -> httpx.Response:
    return till.http.put(url_of(till, reference), json=BODY | changes, headers=till.headers)


def settle(till: Till, reference: str, outcome: object = "APPROVED") -> httpx.Response:
    return till.http.post(url_of(till, reference, "settled"), json={"outcome": outcome}, headers=till.headers)


def held(till: Till) -> object:
    return till.http.get(url_of(till), headers=till.headers).json()


def test_the_life_of_a_hold(till: Till, other: Till) -> None:
    for _ in range(2):
        answer = announce(till, "A-1")
        assert (answer.status_code, answer.json()) == (200, {"held": True})
    answer = announce(other, "B-1")
    assert (answer.status_code, answer.json()) == (
        409,
        {
            "detail": "held",
            "holder": {"till": "A", "reference": "A-1", "since": SINCE, "invoice": "BU5-6"},
        },
    )
    assert held(till) == {"held": [{"reference": "A-1", "since": SINCE}]}
    assert held(other) == {"held": []}
    for _ in range(2):
        answer = settle(till, "A-1")
        assert (answer.status_code, answer.json()) == (200, {"settled": True})
    assert held(till) == {"held": []}
    assert announce(other, "B-1").status_code == 200


def test_other_content_is_told_and_counted(till: Till) -> None:
    assert announce(till, "A-1").status_code == 200
    answer = announce(till, "A-1", amount_cents=14501)
    assert (answer.status_code, answer.json()) == (409, {"detail": "other content", "holder": None})
    figures = till.http.get(till.url + "/metrics").text
    assert 'cashier_hub_alarms_total{kind="other_content"} 1.0' in figures


def test_a_portal_is_kept(till: Till, hub: RunningHub) -> None:
    portal = {"url": "https://portal.example.org/pb?x=1", "reference": "J_1|2"}
    assert announce(till, "A-1", portal=portal).status_code == 200
    kept = hub.state.holds.announced("sampletown", "A", "A-1")
    assert kept is not None
    assert (kept.portal_url, kept.portal_reference) == (portal["url"], portal["reference"])


def test_a_payment_of_another_till_is_not_ones_own(till: Till, other: Till) -> None:
    assert announce(till, "A-1").status_code == 200
    assert settle(other, "A-1").status_code == 404
    key_of_b = {"authorization": other.headers["authorization"]}
    answer = till.http.post(url_of(till, "A-1", "settled"), json={"outcome": "APPROVED"}, headers=key_of_b)
    assert answer.status_code == 401
    assert till.http.put(url_of(till, "A-2"), json=BODY, headers=key_of_b).status_code == 401
    assert till.http.get(url_of(till), headers=key_of_b).status_code == 401


@pytest.mark.parametrize(
    "changes",
    [
        {"amount_cents": "14500"},
        {"amount_cents": 14500.5},
        {"amount_cents": -1},
        {"amount_cents": 10**9},
        {"biller": ""},
        {"biller": None},
        {"invoices": []},
        {"invoices": [{"number": "x"}]},
        {"invoices": [{"number": "a\u0000b", "amount_cents": 1}]},
        {"invoices": [{"number": "x", "amount_cents": 1, "more": 1}]},
        {"portal": {"url": "ftp://x.example.org"}},
        {"portal": {"url": "https://x.example.org/a b"}},
        {"portal": {"reference": "x"}},
        {"more": 1},
    ],
)
def test_bodies_that_are_not_as_declared(till: Till, changes: dict[str, object]) -> None:
    answer = announce(till, "A-1", **changes)
    assert answer.status_code == 422, answer.text
    assert list(answer.json()) == ["detail"]
    assert held(till) == {"held": []}


@pytest.mark.parametrize("outcome", ["OPEN", "approved", "", None, 1])
def test_outcomes_that_are_none(till: Till, outcome: object) -> None:
    assert announce(till, "A-1").status_code == 200
    assert settle(till, "A-1", outcome).status_code == 422
    assert held(till) == {"held": [{"reference": "A-1", "since": SINCE}]}


def test_a_body_that_is_too_large(till: Till) -> None:
    answer = till.http.put(url_of(till, "A-1"), content=b"x" * 70_000, headers=till.headers)
    assert answer.status_code == 413


def test_broken_storage_is_503(till: Till, database: Database) -> None:
    database.run("ALTER TABLE holds RENAME TO away")
    assert announce(till, "A-1").status_code == 503
    assert till.http.get(url_of(till), headers=till.headers).status_code == 503
    database.run("ALTER TABLE away RENAME TO holds")
    assert announce(till, "A-1").status_code == 200


def test_a_restart_keeps_holds(till: Till, hub: RunningHub, db_url: str) -> None:
    assert announce(till, "A-1").status_code == 200
    with RunningHub(db_url, b"a master secret for tests only, 40 bytes") as again:
        assert [item.reference for item in again.state.holds.all_held()] == ["A-1"]
