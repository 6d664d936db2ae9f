"""The quarantine: what fits no payment is kept for a person, bounded, and marks nothing paid."""

import base64
import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from urllib.parse import urlencode

import httpx
import pytest

from cashier.domain.errors import Refused, Unavailable
from cashier.domain.money import Cents
from cashier.domain.payment import InvoiceShare
from cashier.gateway.postback import parse_postback
from cashier.hub.app import HubConfig
from cashier.hub.holds import Announcement
from cashier.hub.quarantine import KEPT_MAX_BYTES, QuarantineStore, Unproven, misfit, reads_like_a_postback
from cashier.hub.serve import RunningHub
from cashier.hub.store import HubStore
from tests.helpers.tls import tls

from .conftest import FORM, FORM_TYPE, MASTER, NOW, PAID, Clock, Database, Till

TWO = Announcement(
    "sampletown",
    "A",
    "A-1",
    "building",
    30000,
    (InvoiceShare("700001", Cents(24550)), InvoiceShare("700002", Cents(5450))),
)
WRONG = "/pb/v1/sampletown/wrong"


def form(**changes: str) -> bytes:
    return urlencode(PAID | changes).encode()


def listed(till: Till) -> list[dict[str, str]]:
    answer = till.http.get(f"{till.url}/till/v1/{till.site}/{till.till}/quarantine", headers=till.headers)
    assert answer.status_code == 200, answer.text
    items: list[dict[str, str]] = answer.json()["quarantined"]
    return items


def counted(till: Till, kind: str) -> float:
    figures = httpx.get(f"{till.url}/metrics").text
    lines = [
        line
        for line in figures.splitlines()
        if line.startswith(f'cashier_hub_quarantined_total{{kind="{kind}"')
    ]
    return sum(float(line.split()[-1]) for line in lines)


# --- misfits: proven, delivered, and kept besides


@pytest.mark.parametrize(
    "changes",
    [
        {},
        {"InvoiceNumber": "700002", "PaymentAmount": "54.50"},
        {"InvoiceNumber": "700001,700002", "PaymentAmount": "300.00"},
        {"InvoiceNumber": "700002; 700001", "PaymentAmount": "300"},
        {"InvoiceNumber": "700001", "PaymentAmount": "300.00"},  # one message for all, naming some
        {"Approved": "False", "PaymentAmount": "0.00"},
        {"Approved": "False", "PaymentAmount": ""},
    ],
)
def test_what_fits_is_not_quarantined(till: Till, hub: RunningHub, changes: dict[str, str]) -> None:
    hub.state.holds.announce(TWO, NOW)
    assert till.post(till.path("A-1"), form(**changes)) == 204
    assert listed(till) == []
    assert len(till.pull()) == 1


@pytest.mark.parametrize(
    ("changes", "reason"),
    [
        ({"BillerReference": "A-2"}, "names another payment reference"),
        ({"BillerReference": ""}, "names another payment reference"),
        ({"BillerReference": "a-1"}, "names another payment reference"),
        ({"InvoiceNumber": "700003"}, "names an invoice that was not announced"),
        ({"InvoiceNumber": "700001,700003"}, "names an invoice that was not announced"),
        ({"InvoiceNumber": ""}, "names an invoice that was not announced"),
        ({"PaymentAmount": "245.49"}, "reports 245.49; 300.00 were announced"),
        ({"PaymentAmount": "300.01"}, "reports 300.01; 300.00 were announced"),
        ({"PaymentAmount": "245,50"}, "gives no amount that can be read"),
        ({"Approved": "true"}, "says neither approved nor declined"),
        ({"Approved": "False", "InvoiceNumber": "x"}, "names an invoice that was not announced"),
    ],
)
def test_a_misfit_is_delivered_and_kept(
    till: Till, hub: RunningHub, changes: dict[str, str], reason: str
) -> None:
    hub.state.holds.announce(TWO, NOW)
    sent = form(**changes)
    assert till.post(till.path("A-1"), sent) == 204
    (row,) = till.pull()
    (item,) = listed(till)
    said = PAID | changes
    assert item == {
        "id": row["id"],
        "received_at": "2026-02-03T09:00:00.000Z",
        "reason": reason,
        "reference": said["BillerReference"],
        "invoice": said["InvoiceNumber"],
        "amount": said["PaymentAmount"] if reason != "gives no amount that can be read" else "",
        "till": "A",
    }
    assert base64.b64decode(row["body"]) == sent
    assert counted(till, "misfit") == 1
    assert hub.state.quarantine.item(row["id"]).postback_id == row["id"]


def test_a_payment_that_was_never_announced_is_for_the_till_to_judge(till: Till) -> None:
    assert till.post(till.path("A-1"), form(PaymentAmount="1.00")) == 204
    assert listed(till) == []


def test_a_number_that_looks_like_a_cards_is_compared_masked(till: Till, hub: RunningHub) -> None:
    number = "4111111111111111"
    announced = Announcement("sampletown", "A", "A-1", "b", 24550, (InvoiceShare(number, Cents(24550)),))
    hub.state.holds.announce(announced, NOW)
    assert till.post(till.path("A-1"), form(InvoiceNumber=number)) == 204
    assert listed(till) == []


def test_misfits_of_one_commit(db_url: str, clock: Clock) -> None:
    """Many at once share a commit; each is judged against its own payment."""
    with RunningHub(db_url, MASTER, clock) as hub, httpx.Client(verify=tls()) as http:
        till = Till(hub.url, http, hub.enrol("sampletown", "A"))
        paths = []
        for number in range(24):
            share = InvoiceShare("700001", Cents(24550 if number % 2 else 1))
            reference = f"A-{number}"
            hub.state.holds.announce(
                Announcement("sampletown", "A", reference, f"b{number}", share.amount_cents, (share,)), NOW
            )
            paths.append((till.path(reference), form(BillerReference=reference)))
        with ThreadPoolExecutor(8) as pool:
            assert set(pool.map(lambda pair: till.post(*pair), paths)) == {204}
        misfits = {item["reference"] for item in listed(till)}
    assert misfits == {f"A-{number}" for number in range(0, 24, 2)}


def test_a_misfit_is_kept_with_its_postback_or_not_at_all(
    till: Till, hub: RunningHub, database: Database
) -> None:
    hub.state.holds.announce(TWO, NOW)
    database.run("ALTER TABLE quarantine RENAME TO away")
    assert till.post(till.path("A-1"), form(PaymentAmount="1.00")) == 503
    assert till.pull() == []
    database.run("ALTER TABLE away RENAME TO quarantine")
    assert till.post(till.path("A-1"), form(PaymentAmount="1.00")) == 204
    assert len(listed(till)) == len(till.pull()) == 1


def test_judging_alone() -> None:
    def judged(**changes: str) -> str:
        return misfit(TWO, parse_postback(form(**changes), b""))

    assert judged() == ""
    assert judged(InvoiceNumber="700001,700001") == ""  # the same twice is once
    assert judged(InvoiceNumber="700001,") == "names an invoice that was not announced"


# --- unproven: never delivered


def test_what_reads_like_a_postback_is_kept_at_a_wrong_address(till: Till) -> None:
    assert till.post(WRONG) == 404
    (item,) = listed(till)
    assert item == {
        "id": item["id"],
        "received_at": "2026-02-03T09:00:00.000Z",
        "reason": "came to an address that is not one of ours",
        "reference": "A-1",
        "invoice": "700001",
        "amount": "245.50",
        "till": "",
    }
    assert till.pull() == []
    assert counted(till, "unproven") == 1


def test_an_expired_address_says_whose_it_was(till: Till) -> None:
    assert till.post(till.path("A-9", expires_at=NOW - timedelta(days=1))) == 404
    (item,) = listed(till)
    assert (item["reason"], item["till"]) == ("came to an address that has expired", "A")


def test_every_404_looks_the_same(till: Till) -> None:
    answers = [
        till.http.post(till.url + path, content=content, headers=FORM_TYPE)
        for path in (WRONG, "/pb/v1/nowhere/x", till.path(expires_at=NOW), till.path(generation=9))
        for content in (FORM, b"x=y")
    ]
    assert {answer.status_code for answer in answers} == {404}
    assert {answer.content for answer in answers} == {b""}
    assert len({tuple(sorted(set(answer.headers) - {"date"})) for answer in answers}) == 1


@pytest.mark.parametrize(
    "content",
    [
        b"",
        b"x=y",
        b"Approved=True",
        b"InvoiceNumber=1",
        b"Approved=&InvoiceNumber=",
        b"<html>",
        b"a=1&" * 101,
    ],
)
def test_what_reads_like_nothing_is_only_counted(till: Till, content: bytes) -> None:
    assert till.post(WRONG, content) == 404
    assert listed(till) == []
    assert httpx.get(f"{till.url}/healthz").json()["wrong_tokens"] == 1


def test_a_body_of_another_kind_is_not_read(till: Till) -> None:
    headers = {"content-type": "text/plain"}
    assert till.http.post(till.url + WRONG, content=FORM, headers=headers).status_code == 404
    assert listed(till) == []
    assert (
        till.http.post(f"{till.url}{WRONG}?{FORM.decode()}", content=FORM, headers=headers).status_code == 404
    )
    assert len(listed(till)) == 1


def test_the_same_again_is_counted_not_kept(till: Till, hub: RunningHub) -> None:
    for _ in range(3):
        assert till.post(WRONG) == 404
    (item,) = hub.state.quarantine.open_items("sampletown")
    assert item.times == 3
    assert (counted(till, "unproven"), counted(till, "repeated")) == (1, 2)
    hub.state.quarantine.close(item.id, "asked the gateway", NOW)
    assert till.post(WRONG) == 404  # after a person has seen to it, it is news again
    assert len(listed(till)) == 1


def test_a_site_sees_its_own(till: Till, hub: RunningHub) -> None:
    other = Till(till.url, till.http, hub.enrol("othertown", "A"), site="othertown")
    assert till.post("/pb/v1/othertown/wrong") == 404
    assert till.post("/pb/v1/%00%ff%20/wrong") == 404
    assert listed(till) == []
    assert len(listed(other)) == 1
    assert [item.site for item in hub.state.quarantine.listed()] == ["othertown", ""]


def test_no_card_number_is_kept(till: Till, hub: RunningHub, database: Database) -> None:
    card = "4111 1111 1111 1111"
    told = form(Note=card, InvoiceNumber=card, BillerReference=card)
    assert till.post(WRONG, told) == 404
    assert till.http.post(f"{till.url}{WRONG}?{told.decode()}").status_code == 404
    assert len(hub.state.quarantine.listed()) == 2
    content = database.content()
    assert "4111" not in content
    assert content.count("card number removed") >= 2


def test_what_is_kept_is_bounded(till: Till, hub: RunningHub) -> None:
    assert till.post(WRONG, form(Note="x" * 10_000)) == 404
    (item,) = hub.state.quarantine.listed()
    assert item.body is not None
    assert len(item.body) == KEPT_MAX_BYTES


def test_beyond_its_size_it_is_only_counted(db_url: str, clock: Clock) -> None:
    config = HubConfig(db_url, MASTER, quarantine_max=3)
    with RunningHub(db_url, MASTER, clock, config=config) as hub, httpx.Client(verify=tls()) as http:
        till = Till(hub.url, http, hub.enrol("sampletown", "A"))
        for number in range(5):
            assert till.post(WRONG, form(BillerReference=f"A-{number}")) == 404
        assert [item["reference"] for item in listed(till)] == ["A-0", "A-1", "A-2"]
        assert counted(till, "full") == 2
        # A misfit is proven: it is never crowded out.
        hub.state.holds.announce(TWO, NOW)
        assert till.post(till.path("A-1"), form(PaymentAmount="1.00")) == 204
        assert len(listed(till)) == 4
        hub.state.quarantine.close(listed(till)[0]["id"], "seen to", NOW)
        assert till.post(WRONG, form(BillerReference="A-9")) == 404
        assert listed(till)[-1]["reference"] == "A-9"


def test_broken_storage_is_503_so_that_it_comes_again(till: Till, database: Database) -> None:
    database.run("ALTER TABLE quarantine RENAME TO away")
    assert till.post(WRONG) == 503
    assert till.post(WRONG, b"x=y") == 404  # nothing to be kept
    database.run("ALTER TABLE away RENAME TO quarantine")
    assert till.post(WRONG) == 404
    assert len(listed(till)) == 1


# --- the store


@pytest.fixture
def store(db_url: str) -> Iterator[QuarantineStore]:
    with HubStore(db_url) as hub_store:
        yield QuarantineStore(hub_store.engine)


def keep(store: QuarantineStore, name: str, content: bytes = FORM) -> None:
    said = reads_like_a_postback(b"", content)
    assert said is not None
    store.keep(Unproven(name, "sampletown", "", "reason", b"", content), said, NOW)


def test_a_person_closes_with_a_reason(store: QuarantineStore, database: Database) -> None:
    keep(store, "one")
    for reason in ("", "  ", "x" * 501, "a\0b"):
        with pytest.raises(Refused, match="reason"):
            store.close("one", reason, NOW)
    store.close("one", " asked the gateway about 4111 1111 1111 1111 ", NOW + timedelta(days=1))
    with pytest.raises(Refused, match="closed already"):
        store.close("one", "again", NOW)
    with pytest.raises(Refused, match="not in the quarantine"):
        store.close("two", "what", NOW)
    with pytest.raises(Refused, match="not in the quarantine"):
        store.item("two")
    assert store.listed() == []
    (item,) = store.listed(closed=True)
    assert (item.closed_at, item.close_reason) == (
        "2026-02-04T09:00:00.000Z",
        "asked the gateway about [card number removed]",
    )
    assert database.run("SELECT count(*) FROM quarantine") == [(1,)]


def test_the_same_from_two_processes_at_once_is_kept_once(db_url: str, database: Database) -> None:
    start = threading.Barrier(4)

    def race(number: int) -> None:
        with HubStore(db_url) as hub_store:
            start.wait(30)
            keep(QuarantineStore(hub_store.engine), f"id-{number}")

    with ThreadPoolExecutor(4) as pool:
        list(pool.map(race, range(4)))
    assert database.run("SELECT count(*), sum(times) FROM quarantine") == [(1, 4)]


def test_storage_that_fails_is_unavailable(store: QuarantineStore, database: Database) -> None:
    database.run("ALTER TABLE quarantine RENAME TO away")
    for call in (store.listed, lambda: store.item("x"), lambda: keep(store, "x")):
        with pytest.raises(Unavailable):
            call()
