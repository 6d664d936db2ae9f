"""The finance office's page at the hub: signed in or nothing, a site's day and who is unsynced, read only."""

import csv
import io
import re
from collections.abc import Iterator
from datetime import timedelta
from urllib.parse import urlencode

import httpx
import pytest

from cashier.domain.errors import Refused
from cashier.hub.app import HubConfig
from cashier.hub.finance import FinanceStore, session_holds, site_named
from cashier.hub.finance_routes import COOKIE, PER_PEER, WRONG
from cashier.hub.serve import RunningHub
from cashier.hub.store import HubStore
from cashier.hub_verbs import finance_office
from tests.helpers.site import two_tills

from .conftest import FORM_TYPE, MASTER, NOW, Clock, Database, Till
from .test_hub_journals import send

SITE, PASSWORD, DAY = "sampletown", "twelve wild geese <3", "2026-02-03"


@pytest.fixture
def hub(db_url: str, clock: Clock) -> Iterator[RunningHub]:
    config = HubConfig(db_url, MASTER, finance=finance_office())
    with RunningHub(db_url, MASTER, clock, config=config) as running:
        yield running


@pytest.fixture
def office(hub: RunningHub, till: Till, db_url: str) -> str:
    """The page's address. A and B have sent their day, C nothing; othertown has a till and no password."""
    a, b = two_tills()
    assert send(till, a.rows).status_code == 200
    other = Till(till.url, till.http, hub.enrol(SITE, "B"), till="B")
    assert send(other, b.rows).status_code == 200
    hub.enrol(SITE, "C")
    hub.enrol("othertown", "D")
    with HubStore(db_url) as beside:
        FinanceStore(beside.engine).set_password(SITE, PASSWORD, NOW)
    return f"{hub.url}/finance"


def sign_in(http: httpx.Client, office: str, site: str = SITE, password: str = PASSWORD) -> httpx.Response:
    form = urlencode({"site": site, "password": password}).encode()
    return http.post(f"{office}/sign-in", content=form, headers=FORM_TYPE)


def session(answer: httpx.Response) -> dict[str, str]:
    """The cookie as a browser sends it back: ours is not on TLS, so httpx would keep it to itself."""
    name, _, value = answer.headers["set-cookie"].split(";")[0].partition("=")
    assert name == COOKIE
    return {"cookie": f"{COOKIE}={value}"}


def text_of(answer: httpx.Response) -> str:
    return " ".join(re.sub(r"<[^>]+>", " ", answer.text.partition("<main>")[2]).split())


def test_finance_office_sees_totals_by_tender_till_deposit_and_the_unsynced_tills(
    http: httpx.Client, office: str
) -> None:
    answer = sign_in(http, office)
    assert (answer.status_code, answer.headers["location"]) == (303, "/finance")
    cookie = session(answer)
    page = http.get(office, params={"date": DAY}, headers=cookie)
    assert page.status_code == 200
    said = text_of(page)
    for wanted in (
        "UNSYNCED: 2 of 3 tills",
        "till C: the hub has nothing of it",
        "Cash 3 134.18",
        "Taken 5 398.36 5.61",
        "Till A: A-000001 to A-000003, 0 void, 0 missing 124.18 40.00 224.18 388.36",
        "Till B: B-000001 to B-000002, 1 void, 0 missing 10.00 0.00 0.00 10.00",
        "Deposit together, as counted 134.18 40.00 0.00 174.18",
        "By the receipts 134.18 40.00 0.00 174.18",
        "VOID B-000002",
        "A-B-p1 issued 224.18",
    ):
        assert wanted in said
    assert "Net 398.36" in said
    table = http.get(f"{office}/report.csv", params={"date": DAY}, headers=cookie)
    rows = list(csv.DictReader(io.StringIO(table.content.decode("utf-8-sig"))))
    assert len([row for row in rows if row["section"] == "tender"]) == 5
    assert table.headers["content-disposition"] == f'attachment; filename="receipts-{DAY}.csv"'
    today = http.get(office, headers=cookie)
    assert f"Daily receipts {DAY}" in today.text, "today's, when no date is named"


def test_finance_office_has_nothing_without_signing_in(
    http: httpx.Client, office: str, hub: RunningHub
) -> None:
    for headers in (
        {},
        {"cookie": f"{COOKIE}=nonsense"},
        {"cookie": f"{COOKIE}=99999999999.{'0' * 64}.{SITE}"},
    ):
        page = http.get(office, params={"date": DAY}, headers=headers)
        assert "Password" in page.text
        assert "A-00000" not in page.text
        table = http.get(f"{office}/report.csv", params={"date": DAY}, headers=headers)
        assert (table.status_code, table.content) == (303, b"")
    for site, password in ((SITE, "wrong password"), ("nowhere", PASSWORD), ("othertown", PASSWORD)):
        answer = sign_in(http, office, site, password)
        assert (answer.status_code, "set-cookie" in answer.headers) == (403, False)
        assert WRONG in answer.text, "the same, whatever of it is wrong"


def test_finance_office_session_is_of_one_site_ends_and_ends_with_the_password(
    http: httpx.Client, office: str, clock: Clock, db_url: str
) -> None:
    answer = sign_in(http, office)
    flags = {part.strip().lower() for part in answer.headers["set-cookie"].split(";")[1:]}
    assert {"httponly", "secure", "samesite=strict", "path=/finance"} <= flags
    cookie = session(answer)
    assert cookie["cookie"].endswith(f".{SITE}")
    forged = {"cookie": cookie["cookie"].removesuffix(SITE) + "othertown"}
    assert "Password" in http.get(office, headers=forged).text
    assert "Sign out" in http.get(office, headers=cookie).text
    clock.at = NOW + timedelta(hours=8)
    assert "Password" in http.get(office, headers=cookie).text
    clock.at = NOW
    with HubStore(db_url) as beside:
        store = FinanceStore(beside.engine)
        store.set_password(SITE, "another long password", NOW)
        assert "Password" in http.get(office, headers=cookie).text
        store.remove_password(SITE)
        with pytest.raises(Refused, match="has no password"):
            store.remove_password(SITE)
    out = http.post(f"{office}/sign-out", headers=cookie)
    assert (out.status_code, 'finance=""' in out.headers["set-cookie"]) == (303, True)


def test_finance_office_passwords_are_tried_only_so_often(http: httpx.Client, office: str) -> None:
    answers = [sign_in(http, office, password=f"wrong {n}") for n in range(int(PER_PEER.burst) + 1)]
    assert [answer.status_code for answer in answers] == [403] * int(PER_PEER.burst) + [429]
    assert int(answers[-1].headers["retry-after"]) > 0
    assert sign_in(http, office).status_code == 429, "the right one, too"


def test_finance_a_form_that_is_none_is_a_wrong_password_or_not_read(http: httpx.Client, office: str) -> None:
    for form in (b"", b"\xff\xfe=1", b"a&b&c&d=1&e=2&f=3", b"site=%00&password=x", b"site=" + b"a" * 3_000):
        answer = http.post(f"{office}/sign-in", content=form, headers=FORM_TYPE)
        assert (answer.status_code, WRONG in answer.text) == (403, True)
        cookie = f"{COOKIE}=1.{'0' * 64}.\x7f{form[:9].decode('latin-1')}".encode("latin-1")
        assert "Password" in http.get(office, headers=[(b"cookie", cookie)]).text
    long = http.post(f"{office}/sign-in", content=b"site=" + b"a" * 5_000, headers=FORM_TYPE)
    assert long.status_code == 413


def test_finance_pages_have_no_scripts_no_frames_and_no_cache(http: httpx.Client, office: str) -> None:
    cookie = session(sign_in(http, office))
    for page in (http.get(office), http.get(office, params={"date": DAY}, headers=cookie)):
        assert "<script" not in page.text
        policy = page.headers["content-security-policy"]
        assert "default-src 'none'" in policy and "frame-ancestors 'none'" in policy
        assert "script-src" not in policy and "unsafe" not in policy
        assert page.headers["cache-control"] == "no-store"


def test_finance_page_escapes_what_people_typed(http: httpx.Client, office: str) -> None:
    hostile = '"><script>alert(1)</script>'
    answer = sign_in(http, office, hostile)
    assert (answer.status_code, hostile in answer.text) == (403, False)
    page = http.get(office, params={"date": hostile}, headers=session(sign_in(http, office)))
    assert (page.status_code, "<script" in page.text) == (400, False)
    assert "is no date" in page.text


def test_finance_passwords_are_hashes_and_only_of_known_sites(
    office: str, database: Database, db_url: str
) -> None:
    content = database.content()
    assert PASSWORD not in content
    assert "$argon2id$" in content
    with HubStore(db_url) as beside:
        store = FinanceStore(beside.engine)
        with pytest.raises(Refused, match="12 to 200"):
            store.set_password(SITE, "too short", NOW)
        with pytest.raises(Refused, match="knows no till of a site nowhere"):
            store.set_password("nowhere", PASSWORD, NOW)


@pytest.mark.parametrize("cookie", ["", ".", "..", "x.y.z", "-1.a.b", "٣.a.b", "1" * 400])
def test_finance_no_nonsense_is_a_session(cookie: str) -> None:
    assert not session_holds(b"k" * 32, cookie, "hash", NOW)
    assert isinstance(site_named(cookie), str)


def test_finance_a_hub_without_it_has_no_such_page(db_url: str, http: httpx.Client) -> None:
    with RunningHub(db_url, MASTER) as bare:
        assert http.get(f"{bare.url}/finance").status_code == 404
