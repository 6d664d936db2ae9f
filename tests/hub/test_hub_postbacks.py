"""The public side: what is stored, what is answered (Invoice Cloud contract, section 3)."""

import base64
import socket
import string
from collections.abc import Callable
from datetime import timedelta
from uuid import UUID

import httpx
import pytest

from cashier.hub.app import HubConfig
from cashier.hub.serve import RunningHub
from tests.helpers.tls import tls

from .conftest import FORM, FORM_TYPE, MASTER, NOW, Clock, Database, Till


def raw(row: dict[str, str]) -> tuple[bytes, bytes]:
    return base64.b64decode(row["query"]), base64.b64decode(row["body"])


def wrong_tokens(till: Till) -> int:
    return int(till.http.get(till.url + "/healthz").json()["wrong_tokens"])


@pytest.mark.parametrize(("query", "body"), [(b"", FORM), (FORM, b""), (b"BillerReference=A-1", FORM)])
def test_stored_byte_for_byte(till: Till, query: bytes, body: bytes) -> None:
    path = till.path("A-1")
    answer = till.http.post(
        f"{till.url}{path}?{query.decode()}", content=body, headers=FORM_TYPE if body else {}
    )
    assert (answer.status_code, answer.content) == (204, b"")
    (row,) = till.pull()
    assert raw(row) == (query, body)
    assert row["content_type"] == ("application/x-www-form-urlencoded" if body else "")
    assert (row["reference"], row["amount_cents"], row["scrubbed"]) == ("A-1", 24550, False)
    assert row["received_at"] == "2026-02-03T09:00:00.000Z"
    assert UUID(row["id"]).version == 7


def test_odd_but_valid_bytes_are_kept(till: Till) -> None:
    odd = b"CustomerName=Jos\xe9+%e9%E9&a=%zz&Approved=True&&b"
    assert till.post(till.path(), odd) == 204
    assert raw(till.pull()[0]) == (b"", odd)


def test_every_delivery_is_a_row_oldest_first(till: Till, clock: Clock) -> None:
    first, second = till.path("A-1"), till.path("A-2")
    for path in (first, second, first):
        assert till.post(path) == 204
        clock.at -= timedelta(seconds=10)  # the order is that of arrival, whatever the clock says
    rows = till.pull()
    assert [row["reference"] for row in rows] == ["A-1", "A-2", "A-1"]
    assert len({row["id"] for row in rows}) == 3


def test_every_forged_character_is_404_and_counted(till: Till) -> None:
    path = till.path()
    prefix = len("/pb/v1/")
    forged = 0
    for place in range(prefix, len(path)):
        if path[place] == "/":
            continue
        other = next(char for char in string.ascii_letters if char != path[place])
        assert till.post(path[:place] + other + path[place + 1 :]) == 404, place
        forged += 1
    assert wrong_tokens(till) == forged
    assert till.pull() == []
    assert till.post(path) == 204


def test_expired_other_site_other_tills_key_unknown_till(till: Till, hub: RunningHub, clock: Clock) -> None:
    other = Till(till.url, till.http, hub.enrol("sampletown", "B"), till="B")
    elsewhere = Till(till.url, till.http, hub.enrol("othertown", "A"), site="othertown")
    token = till.path().rpartition("/")[2]
    wrong = [
        till.path(expires_at=NOW),
        f"/pb/v1/othertown/{token}",
        f"/pb/v1/nowhere/{token}",
        other.path(till="A"),
        elsewhere.path(site="sampletown"),
        till.path(generation=2),
        "/pb/v1/sampletown/x",
        "/pb/v1/sampletown/%00%ff.",
    ]
    for path in wrong:
        assert till.post(path) == 404
    assert wrong_tokens(till) == len(wrong)
    good = till.path()
    clock.at = NOW + timedelta(days=30)
    assert till.post(good) == 404
    assert till.pull() == other.pull() == elsewhere.pull() == []


def test_a_proven_token_of_a_till_that_was_never_enrolled(
    till: Till, hub: RunningHub, new_db_url: Callable[[], str]
) -> None:
    """The key can be derived for any name; only the table says who is enrolled."""
    with RunningHub(new_db_url(), MASTER) as elsewhere:
        stranger = Till(till.url, till.http, elsewhere.enrol("sampletown", "Z"), till="Z")
        assert till.post(stranger.path()) == 404
        assert wrong_tokens(till) == 1
        answer = till.http.get(stranger.pull_url, headers=stranger.headers)
        assert answer.status_code == 401


@pytest.mark.parametrize(
    ("query", "body", "content_type", "status"),
    [
        ("", b"", None, 400),
        ("", b"", "application/x-www-form-urlencoded", 400),
        ("", b"just-a-word", "application/x-www-form-urlencoded", 400),
        ("", b'{"Approved": "True"}', "application/json", 415),
        ("Approved=True", b"--x\r\n", "multipart/form-data; boundary=x", 415),
        ("", b'{"Approved": "a=b"}', "application/x-www-form-urlencoded", 400),
        ("", b"Approved=\x00True", None, 400),
        ("", b"a=1&" * 101, "application/x-www-form-urlencoded", 400),
        ("", b"a=" + b"x" * 16_383, "application/x-www-form-urlencoded", 413),
        ("", b"a=" + b"x" * 2_000_000, "application/x-www-form-urlencoded", 413),
        ("a=" + "x" * 16_383, b"", None, 414),
    ],
)
def test_garbage_is_4xx_and_nothing_is_stored(
    till: Till, query: str, body: bytes, content_type: str | None, status: int
) -> None:
    headers = {"content-type": content_type} if content_type else {}
    answer = till.http.post(f"{till.url}{till.path()}?{query}", content=body, headers=headers)
    assert answer.status_code == status
    assert till.pull() == []


def test_the_largest_body_is_taken(till: Till) -> None:
    body = b"a=" + b"x" * (16 * 1024 - 2)
    answer = till.http.post(
        till.url + till.path(),
        content=body,
        headers={"content-type": "Application/X-WWW-form-urlencoded; charset=utf-8"},
    )
    assert answer.status_code == 204
    assert raw(till.pull()[0])[1] == body


def test_a_body_without_length_is_capped_too(till: Till) -> None:
    chunks = (b"a=" + b"x" * 8_000 for _ in range(3))
    answer = till.http.post(till.url + till.path(), content=chunks, headers=FORM_TYPE)
    assert answer.status_code == 413


@pytest.mark.parametrize("method", ["GET", "PUT", "DELETE"])
def test_only_post(till: Till, method: str) -> None:
    assert till.http.request(method, till.url + till.path()).status_code == 405


NOTE = b"Approved=True&Note=%5Bcard+number+removed%5D"


@pytest.mark.parametrize(
    ("form", "clean"),
    [
        (b"Approved=True&Note=4111111111111111", NOTE),
        (b"Approved=True&Note=4111+1111+1111+1111", NOTE),
        (b"Approved=True&Note=4111%201111-1111%2D1111", NOTE),
        (b"Approved=True&Note=%34%31%31%31111111111111", NOTE),
        (b"Approved=True&n4111111111111111=x", b"Approved=True&n%5Bcard+number+removed%5D=x"),
        (b"Approved=True&4111111111111111", b"Approved=True&%5Bcard+number+removed%5D="),
    ],
)
def test_no_card_number_is_ever_stored(till: Till, form: bytes, clean: bytes, database: Database) -> None:
    assert till.post(till.path(), form) == 204
    assert till.http.post(f"{till.url}{till.path()}?{form.decode()}").status_code == 204
    in_body, in_query = till.pull()
    assert (raw(in_body), in_body["scrubbed"]) == ((b"", clean), True)
    assert (raw(in_query), in_query["scrubbed"]) == ((clean, b""), True)
    contents = [database.content().encode()]
    assert b"card" in contents[0]
    if database.is_sqlite:
        contents += [file.read_bytes() for file in database.file.parent.glob("hub.db*")]
    for content in contents:
        assert form not in content
        assert b"4111111111111111" not in content


def test_a_card_number_in_the_content_type(till: Till) -> None:
    headers = {"content-type": "application/x-www-form-urlencoded; x=4111111111111111"}
    assert till.http.post(till.url + till.path(), content=FORM, headers=headers).status_code == 204
    assert till.pull()[0]["content_type"] == "application/x-www-form-urlencoded; x=[card number removed]"


def test_scrubbing_keeps_the_other_bytes(till: Till) -> None:
    assert till.post(till.path(), b"CustomerName=Jos%E9&Note=4111111111111111") == 204
    assert raw(till.pull()[0])[1] == b"CustomerName=Jos%E9&Note=%5Bcard+number+removed%5D"


def test_a_body_that_dawdles(db_url: str, clock: Clock) -> None:
    config = HubConfig(db_url, MASTER, body_timeout_s=0.05)
    with RunningHub(db_url, MASTER, clock, config=config) as hub, httpx.Client(verify=tls()) as http:
        till = Till(hub.url, http, hub.enrol("sampletown", "A"))
        host, port = hub.url.removeprefix("http://").split(":")
        with socket.create_connection((host, int(port)), timeout=10) as line:
            head = f"POST {till.path()} HTTP/1.1\r\nHost: x\r\nContent-Length: 100\r\n\r\nApproved="
            line.sendall(head.encode())
            assert line.recv(4096).startswith(b"HTTP/1.1 408 ")
