"""The hub's verbs for a person: enrolling, keys, quarantine, status, release, and the server's options."""

import json
import re
import sqlite3
from collections.abc import Callable
from contextlib import closing
from datetime import UTC, datetime, timedelta
from pathlib import Path
from urllib.parse import urlencode

import httpx
import pytest

from cashier.domain.money import Cents
from cashier.domain.payment import InvoiceShare
from cashier.gateway.postback import PostbackClaims, mint_path, read_till_key
from cashier.hub.finance import FinanceStore, fits
from cashier.hub.holds import Announcement, HoldStore
from cashier.hub.journals import JournalStore
from cashier.hub.keys import anchor_key
from cashier.hub.store import HubStore
from tests.contracts.test_copy_contract import rows_of

from .conftest import MASTER, WAIT_S, Cashier, Ended, process, tree
from .test_server_verbs import db_url, hub_words, listening

FORM = urlencode(
    {"BillerReference": "A-1", "InvoiceNumber": "BU5-6", "Approved": "True", "PaymentAmount": "1.00"}
).encode()
FORM_TYPE = {"content-type": "application/x-www-form-urlencoded"}


@pytest.fixture
def hub(cashier: Cashier, tmp_path: Path, secret_file: Path) -> Callable[..., Ended]:
    """Runs a hub verb on this test's database; those that need the secret are given it."""

    def run(*words: object) -> Ended:
        secret = ("--secret-file", secret_file) if words[0] == "enrol" or "rotate" in words else ()
        return cashier("hub", *words, "--db", db_url(tmp_path), *secret)

    return run


def announce(
    folder: Path, reference: str, site: str = "town", till: str = "A", number: str = "BU5-6"
) -> None:
    with HubStore(db_url(folder)) as store:
        share = InvoiceShare(number, Cents(100))
        wanted = Announcement(site, till, reference, "building", 100, (share,))
        HoldStore(store.engine).announce(wanted, datetime(2026, 2, 3, 9, tzinfo=UTC))


def post(url: str, key_text: str, form: bytes = FORM, reference: str = "A-1") -> int:
    key, generation = read_till_key(key_text)
    claims = PostbackClaims(
        site="town",
        till="A",
        reference=reference,
        amount_cents=100,
        expires_at=datetime.now(UTC) + timedelta(days=1),
        nonce="0" * 22,
        generation=generation,
    )
    return httpx.post(
        url + mint_path(claims, key), content=form, headers=FORM_TYPE, trust_env=False
    ).status_code


# --- enrolling


@pytest.mark.parametrize("till", ["town/A", "t/ABCD", "town-2/ZZ", "0town/B"])
def test_names_that_a_tills_settings_take(till: str, hub: Callable[..., Ended]) -> None:
    ended = hub("enrol", till)
    assert (ended.code, ended.err) == (0, ())
    assert re.fullmatch(r"[A-Za-z0-9_-]{43}", ended.lines[0])


@pytest.mark.parametrize(
    ("till", "told"),
    [
        ("Town/A", "site 'Town': use small letters, digits and dashes, at most 32"),
        ("to_wn/A", "site 'to_wn': use small letters, digits and dashes, at most 32"),
        ("_town/A", "site '_town': use small letters, digits and dashes, at most 32"),
        (f"{'t' * 33}/A", "site 'ttt"),
        ("town/a", "till 'a': a till's code is one to four capital letters"),
        ("town/A1", "till 'A1': a till's code is one to four capital letters"),
        ("town/ABCDE", "till 'ABCDE': a till's code is one to four capital letters"),
        ("town/", "till '': a till's code is one to four capital letters"),
        ("town", "'town' is not SITE/TILL"),
    ],
)
def test_names_that_no_tills_settings_take(
    till: str, told: str, hub: Callable[..., Ended], tmp_path: Path, secret_file: Path
) -> None:
    before = tree(tmp_path)
    ended = hub("enrol", till)
    assert (ended.code, ended.out, len(ended.err)) == (2, b"", 1)
    assert ended.err[0].startswith(told)
    assert tree(tmp_path) == before


# --- keys


def test_the_life_of_a_key(hub: Callable[..., Ended]) -> None:
    (first,) = hub("enrol", "town/A").lines
    (second,) = hub("keys", "rotate", "town/A").lines
    assert second != first
    assert second.endswith(".2")
    assert hub("enrol", "town/A").lines == [second]
    one, two = hub("keys", "list").lines
    assert re.fullmatch(r"town/A  1  since \S+Z  good until \S+Z", one)
    assert re.fullmatch(r"town/A  2  since \S+Z  good", two)
    listed = [json.loads(line) for line in hub("keys", "list", "--json").lines]
    assert [(key["generation"], key["revoked"]) for key in listed] == [(1, False), (2, False)]
    enrolled, until = (datetime.fromisoformat(listed[0][name]) for name in ("enrolled_at", "valid_until"))
    assert timedelta(days=30) <= until - enrolled < timedelta(days=30, minutes=1)
    assert hub("keys", "revoke", "town/A").lines == ["town/A: 2 keys revoked"]
    assert [line.split()[-1] for line in hub("keys", "list").lines] == ["revoked", "revoked"]
    for words in (("enrol", "town/A"), ("keys", "rotate", "town/A")):
        ended = hub(*words)
        assert (ended.code, ended.out) == (2, b"")
        assert "was revoked" in ended.err[0]
    told = "".join(line for words in (("list",), ("list", "--json")) for line in hub("keys", *words).lines)
    assert first not in told
    assert second[:43] not in told


@pytest.mark.parametrize("verb", ["rotate", "revoke"])
@pytest.mark.parametrize("till", ["town/Z", "town", "t|own/A", "/"])
def test_keys_of_nobody(verb: str, till: str, hub: Callable[..., Ended]) -> None:
    assert hub("enrol", "town/A").code == 0
    ended = hub("keys", verb, till)
    assert (ended.code, ended.out, len(ended.err)) == (2, b"", 1)


def test_a_slip_of_the_pen_makes_no_database(hub: Callable[..., Ended], tmp_path: Path) -> None:
    before = tree(tmp_path)
    for words in (
        ("status",),
        ("keys", "list"),
        ("keys", "rotate", "town/A"),
        ("keys", "revoke", "town/A"),
        ("quarantine", "list"),
        ("quarantine", "show", "x"),
        ("quarantine", "close", "x", "--reason", "y"),
        ("release", "A-1", "--reason", "y"),
    ):
        ended = hub(*words)
        assert (ended.code, ended.out, len(ended.err)) == (2, b"", 1), words
        assert "no hub's database" in ended.err[0]
    assert [path for path in tree(tmp_path) if path.name != "hub-secret"] == [
        path for path in before if path.name != "hub-secret"
    ]


# --- holds


def test_status_and_release(hub: Callable[..., Ended], tmp_path: Path) -> None:
    assert hub("enrol", "town/A").code == 0
    assert hub("status").lines == [
        "tills       1",
        "pending     0",
        "held        0",
        "quarantine  0",
        "relay       0 waiting, 0 dead",
    ]
    announce(tmp_path, "A-1")
    held = {"site": "town", "till": "A", "reference": "A-1", "since": "2026-02-03T09:00:00.000Z"}
    assert hub("status").lines[2:4] == ["held        1", "  town/A  A-1  since 2026-02-03T09:00:00.000Z"]
    (line,) = hub("status", "--json").lines
    assert json.loads(line) == {
        "tills": 1,
        "pending": 0,
        "oldest_pending": None,
        "held": [held],
        "quarantine": 0,
        "relay": {"waiting": 0, "oldest_at": None, "dead": 0},
    }
    ended = hub("release", "A-1", "--reason", "till A burnt")
    assert (ended.code, ended.lines) == (0, ["A-1 of till town/A holds nothing any more"])
    ended = hub("release", "A-1", "--reason", "till A burnt")
    assert (ended.code, ended.err) == (2, ("No payment 'A-1' holds an invoice.",))
    announce(tmp_path, "B-1", till="B")


@pytest.mark.parametrize(
    ("words", "told"),
    [
        (("release", "A-1"), "Missing option '--reason'"),
        (("release", "A-1", "--reason", " "), "reason"),
        (("release", "A-2", "--reason", "x"), "No payment 'A-2' holds an invoice."),
        (("release", "A-1", "--reason", "x", "--site", "city"), "No payment 'A-1' holds an invoice."),
        (("quarantine", "close", "x"), "Missing option '--reason'"),
        (("quarantine", "close", "x", "--reason", "y"), "'x' is not in the quarantine"),
        (("quarantine", "show", "x"), "'x' is not in the quarantine."),
    ],
)
def test_what_cannot_be_done(
    words: tuple[str, ...], told: str, hub: Callable[..., Ended], tmp_path: Path
) -> None:
    assert hub("enrol", "town/A").code == 0
    announce(tmp_path, "A-1")
    ended = hub(*words)
    assert (ended.code, ended.out, len(ended.err)) == (2, b"", 1)
    assert told in ended.err[0]
    assert hub("status").lines[2] == "held        1"


def test_the_same_reference_at_two_sites(hub: Callable[..., Ended], tmp_path: Path) -> None:
    assert hub("enrol", "town/A").code == 0
    announce(tmp_path, "A-1")
    announce(tmp_path, "A-1", site="city")
    ended = hub("release", "A-1", "--reason", "x")
    assert (ended.code, ended.out) == (2, b"")
    assert "--site" in ended.err[0]
    assert hub("release", "A-1", "--reason", "x", "--site", "city").code == 0
    assert hub("status").lines[3] == "  town/A  A-1  since 2026-02-03T09:00:00.000Z"


# --- with a hub that runs


def test_the_quarantine_of_a_running_hub(
    hub: Callable[..., Ended], tmp_path: Path, secret_file: Path
) -> None:
    log = tmp_path / "access.log"
    options = ("--exit-with-parent", "--trust-proxy", "--access-log", log)
    with process(*hub_words(tmp_path, secret_file, *options)) as started:
        url = listening(started)
        (key,) = hub("enrol", "town/A").lines
        announce(tmp_path, "A-1")
        assert post(url, key) == 204
        misfit = urlencode({"BillerReference": "A-1", "InvoiceNumber": "BU5-6", "Approved": "True"}).encode()
        assert post(url, key, misfit + b"&PaymentAmount=1.01") == 204
        hub("keys", "revoke", "town/A")
        for _ in range(2):
            assert post(url, key) == 404
        _, pending, _, _, quarantined, _ = hub("status").lines
        assert pending.startswith("pending     2, the oldest since 20")
        assert quarantined == "quarantine  2"
        first, second = hub("quarantine", "list").lines
        assert "town/A  A-1  BU5-6  1.01  reports 1.01; 1.00 were announced" in first
        assert "made with a till key that is good no more (2 times)" in second
        item = json.loads("\n".join(hub("quarantine", "show", second.split()[0]).lines))
        assert (item["body"], item["times"], item["till"]) == (FORM.decode(), 2, "A")
        ended = hub("quarantine", "close", item["id"], "--reason", "paid by cash")
        assert (ended.code, ended.lines) == (0, [f"{item['id']} is closed"])
        assert len(hub("quarantine", "list").lines) == 1
        members = [json.loads(line) for line in hub("quarantine", "list", "--closed", "--json").lines]
        assert [one["close_reason"] for one in members] == [None, "paid by cash"]
        assert hub("quarantine", "list", "--closed").lines[1].endswith("closed: paid by cash")
        out, err = started.communicate(timeout=WAIT_S)
        assert (started.returncode, out, err) == (0, "", "")
    lines = [json.loads(line) for line in log.read_text().splitlines()]
    assert [(line["route"], line["status"]) for line in lines] == [
        ("/pb/v1/{site}/{token}", status) for status in (204, 204, 404, 404)
    ]


def test_an_access_log_that_cannot_be(cashier: Cashier, tmp_path: Path, secret_file: Path) -> None:
    ended = cashier(*hub_words(tmp_path, secret_file, "--access-log", tmp_path / "no" / "such" / "folder"))
    assert (ended.code, ended.out, len(ended.err)) == (2, b"", 1)
    assert "cannot be written" in ended.err[0]


def test_the_access_log_on_standard_error(tmp_path: Path, secret_file: Path) -> None:
    options = ("--exit-with-parent", "--access-log", "-")
    with process(*hub_words(tmp_path, secret_file, *options)) as started:
        url = listening(started)
        assert httpx.get(f"{url}/healthz", trust_env=False).status_code == 200
        out, err = started.communicate(timeout=WAIT_S)
    assert (started.returncode, out) == (0, "")
    (line,) = err.splitlines()
    assert (json.loads(line)["route"], json.loads(line)["peer"]) == ("/healthz", "127.0.0.1")


# -- the second copies -------------------------------------------------------------------------------------


def test_the_second_copies_are_listed_and_verified(
    cashier: Cashier, hub: Callable[..., Ended], tmp_path: Path, secret_file: Path
) -> None:
    hub("enrol", "town/A")
    assert hub("copies").lines == []
    rows = rows_of(120)
    now = datetime(2026, 2, 3, 9, tzinfo=UTC)
    with HubStore(db_url(tmp_path)) as store:
        journals = JournalStore(store.engine, anchor_key(MASTER.encode()))
        journals.keep("town", "A", rows[:100], "A", now)
        journals.keep("town", "A", rows[100:], "A", now)
        journals.keep("town", "A", rows_of(1, prefix="other"), "B", now)
    (line, alarm) = hub("copies").lines
    assert line == ("town/A  120 entries, 1 anchors, 0 scrubbed, 1 alarms, last 2026-02-03T09:00:00.000Z")
    assert alarm.startswith("  alarm: entry 1, another entry has this number, 1 times since 2026-02-03T09")
    assert alarm.endswith("sent by till B")
    words = ("copies", "--verify", "--secret-file", secret_file)
    verified = hub(*words)
    assert (verified.code, verified.lines[0].split()[-1]) == (0, "holds")
    with closing(sqlite3.connect(tmp_path / "hub.db")) as connection:
        connection.execute("UPDATE journal_entries SET subject = 'other' WHERE seq = 9")
        connection.commit()
    broken = hub(*words, "--json")
    (told,) = json.loads(broken.lines[0])["copies"]
    assert (broken.code, told["holds"], told["alarms"][0]["seq"]) == (1, False, 1)


# --- the finance office


def test_the_finance_offices_password_is_asked_for_twice_set_and_removed(
    hub: Callable[..., Ended], cashier: Cashier, tmp_path: Path
) -> None:
    hub("enrol", "town/A")
    words = ("hub", "finance", "set-password", "town", "--db", db_url(tmp_path))
    secret = "twelve wild geese"
    ended = cashier(*words, text=f"{secret}\n{secret}\n")
    assert ended.code == 0
    assert "town: the finance office signs in at /finance" in ended.out.decode()
    assert secret.encode() not in ended.out
    with HubStore(db_url(tmp_path)) as store:
        stored = FinanceStore(store.engine).hash_of("town")
    assert fits(stored, secret)
    assert not fits(stored, "twelve wild geesf")
    short = cashier(*words, text="short\nshort\n")
    assert (short.code, "12 to 200 characters" in short.err[-1]) == (2, True)
    unknown = hub("finance", "set-password", "nowhere", "--password", secret)
    assert (unknown.code, "knows no till of a site nowhere" in unknown.err[-1]) == (2, True)
    assert hub("finance", "remove", "town").code == 0
    assert hub("finance", "remove", "town").code == 2
    with HubStore(db_url(tmp_path)) as store:
        assert FinanceStore(store.engine).hash_of("town") is None


def test_the_hub_that_is_served_has_the_finance_offices_page(
    hub: Callable[..., Ended], tmp_path: Path, secret_file: Path
) -> None:
    with process(*hub_words(tmp_path, secret_file)) as started:
        page = httpx.get(f"{listening(started)}/finance", trust_env=False)
    assert (page.status_code, "Daily receipts for the finance office" in page.text) == (200, True)
