"""Enrolling by a short code: once, for a while, by one asker; on both databases, by the till's own client."""

import threading
from collections.abc import AsyncIterator, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from datetime import timedelta

import httpx
import pytest

from cashier.domain.errors import InDoubt, Refused, TooBusy, Unavailable
from cashier.domain.invite_code import invite_code, shown
from cashier.gateway.postback import read_till_key
from cashier.hub.app import HubConfig
from cashier.hub.enrolment import (
    TRIES_MAX,
    Enrolled,
    ExpiredCode,
    OtherTill,
    TillRevoked,
    UsedCode,
    WrongCode,
    enrol,
    hub_address,
)
from cashier.hub.invites import InviteStore, NotRedeemed, Refusal
from cashier.hub.keys import invite_key
from cashier.hub.limits import Rate, Rates
from cashier.hub.serve import RunningHub
from cashier.hub.store import HubStore
from cashier.hub.tillkeys import KeyStore

from .conftest import MASTER, NOW, Clock, Database, Till
from .processes import hub_process

ENOUGH = Rate(burst=1_000_000, per_second=1_000_000)
NONCE, OTHER_NONCE = "n" * 32, "o" * 32
PUBLIC = "https://hub.example.org"
CODE, NEXT_CODE = invite_code(0x2B_7A31_90C4_55E1), invite_code(0x11_2233_4455_6677)


@pytest.fixture
def hub(db_url: str, clock: Clock) -> Iterator[RunningHub]:
    config = HubConfig(
        db_url,
        MASTER,
        rates=Rates(enrol_per_peer=ENOUGH, enrol_per_code=ENOUGH),
        public_url=PUBLIC,
    )
    with RunningHub(db_url, MASTER, clock, config=config) as running:
        yield running


@pytest.fixture
async def line() -> AsyncIterator[httpx.AsyncClient]:
    async with httpx.AsyncClient() as http:
        yield http


def invite(hub: RunningHub, code: str = CODE, till: str = "A", minutes: int = 30) -> str:
    """An invitation as `cashier hub invite` makes one; the code as it is read out."""
    hub.state.invites.invite("sampletown", till, code, minutes, hub.state.clock())
    return shown(code)


def generations(hub: RunningHub) -> list[tuple[int, bool]]:
    """The generations of till A's key, and whether something took over."""
    return [(key.generation, key.valid_until is not None) for key in hub.state.keys.listed()]


def figures(http: httpx.Client, hub: RunningHub) -> str:
    return http.get(f"{hub.url}/metrics").text


async def test_a_code_gives_a_till_its_key(
    line: httpx.AsyncClient, hub: RunningHub, http: httpx.Client
) -> None:
    code = invite(hub)
    assert generations(hub) == [], "an invitation alone changes nothing"
    told = await enrol(line, hub.url, code.lower().replace("-", " "), NONCE)
    assert (told.site, told.till, told.public_url) == ("sampletown", "A", PUBLIC)
    assert read_till_key(told.key.reveal())[1] == 1
    assert Till(hub.url, http, told.key.reveal()).pull() == []
    assert told.key.reveal() == hub.enrol("sampletown", "A"), "the key that the other verb prints"
    assert 'cashier_hub_enrolments_total{outcome="enrolled"} 1.0' in figures(http, hub)


async def test_the_code_of_an_enrolled_till_begins_a_new_generation_and_the_old_stays_good_for_30_days(
    line: httpx.AsyncClient, hub: RunningHub, http: httpx.Client, till: Till, clock: Clock
) -> None:
    told = await enrol(line, hub.url, invite(hub), NONCE)
    new = Till(hub.url, http, told.key.reveal())
    assert generations(hub) == [(1, True), (2, False)]
    assert (till.pull(), new.pull()) == ([], [])
    clock.at = NOW + timedelta(days=30)
    answer = http.get(till.pull_url, params={"wait": 0}, headers=till.headers)
    assert (answer.status_code, new.pull()) == (401, [])


async def test_the_same_asker_gets_the_same_answer_again(line: httpx.AsyncClient, hub: RunningHub) -> None:
    code = invite(hub)
    first = await enrol(line, hub.url, code, NONCE)
    again = await enrol(line, hub.url, code, NONCE)
    assert again == first and generations(hub) == [(1, False)]


async def test_another_asker_is_refused_and_it_is_an_alarm(
    line: httpx.AsyncClient, hub: RunningHub, http: httpx.Client, caplog: pytest.LogCaptureFixture
) -> None:
    code = invite(hub)
    await enrol(line, hub.url, code, NONCE)
    with pytest.raises(UsedCode, match="Somebody else has used this code"):
        await enrol(line, hub.url, code, OTHER_NONCE)
    assert generations(hub) == [(1, False)]
    assert 'cashier_hub_alarms_total{kind="invite_used_twice"} 1.0' in figures(http, hub)
    [warned] = [record.getMessage() for record in caplog.records if "once more" in record.getMessage()]
    assert "sampletown/A" in warned and code not in warned


async def test_a_code_ends(line: httpx.AsyncClient, hub: RunningHub, clock: Clock) -> None:
    code = invite(hub, minutes=5)
    clock.at = NOW + timedelta(minutes=5)
    with pytest.raises(ExpiredCode, match="The code for till A of site sampletown has expired"):
        await enrol(line, hub.url, code, NONCE)
    clock.at -= timedelta(milliseconds=1)
    first = await enrol(line, hub.url, code, NONCE)
    assert first == await enrol(line, hub.url, code, NONCE)
    clock.at = NOW + timedelta(minutes=5)
    with pytest.raises(ExpiredCode):
        await enrol(line, hub.url, code, NONCE)


async def test_a_code_that_is_none_is_refused(line: httpx.AsyncClient, hub: RunningHub) -> None:
    invite(hub)
    with pytest.raises(WrongCode, match="does not know this code"):
        await enrol(line, hub.url, shown(NEXT_CODE), NONCE)


async def test_a_newer_invitation_takes_the_place_of_one_nobody_redeemed(
    line: httpx.AsyncClient, hub: RunningHub
) -> None:
    old, other = invite(hub), invite(hub, invite_code(7), till="B")
    new = invite(hub, NEXT_CODE)
    with pytest.raises(WrongCode):
        await enrol(line, hub.url, old, NONCE)
    assert (await enrol(line, hub.url, new, NONCE)).till == "A"
    assert (await enrol(line, hub.url, other, NONCE)).till == "B", "another till's stays"


async def test_a_code_for_another_till_is_refused_and_stays_good(
    line: httpx.AsyncClient, hub: RunningHub
) -> None:
    code = invite(hub)
    with pytest.raises(OtherTill) as refused:
        await enrol(line, hub.url, code, NONCE, ("sampletown", "B"))
    assert "till A of site sampletown" in refused.value.user_text
    assert "till B of site sampletown" in refused.value.user_text
    assert generations(hub) == []
    assert (await enrol(line, hub.url, code, OTHER_NONCE, ("sampletown", "A"))).till == "A"


async def test_a_revoked_till_gets_no_key(line: httpx.AsyncClient, hub: RunningHub, till: Till) -> None:
    code = invite(hub)
    hub.state.keys.revoke("sampletown", "A")
    with pytest.raises(TillRevoked, match="for good"):
        await enrol(line, hub.url, code, NONCE)
    with pytest.raises(Refused, match="was revoked; give it a new name"):
        invite(hub, NEXT_CODE)


async def test_a_key_that_was_ended_is_not_given_out_once_more(
    line: httpx.AsyncClient, hub: RunningHub
) -> None:
    code = invite(hub)
    await enrol(line, hub.url, code, NONCE)
    hub.state.keys.revoke("sampletown", "A")
    with pytest.raises(TillRevoked):
        await enrol(line, hub.url, code, NONCE)


async def test_what_became_of_a_code_is_kept_for_30_days(
    hub: RunningHub, line: httpx.AsyncClient, clock: Clock, database: Database
) -> None:
    await enrol(line, hub.url, invite(hub), NONCE)
    clock.at = NOW + timedelta(days=29)
    invite(hub, NEXT_CODE)
    assert database.run("SELECT count(*) FROM invites") == [(2,)]
    clock.at = NOW + timedelta(days=31)
    invite(hub, invite_code(5))
    assert database.run("SELECT count(*) FROM invites") == [(1,)]


# --- guessing


def body(code: str = CODE, nonce: str = NONCE, **more: str | None) -> dict[str, str | None]:
    return {"code": code, "nonce": nonce, **more}


def test_one_address_may_try_only_so_many_codes(db_url: str, clock: Clock, http: httpx.Client) -> None:
    config = HubConfig(db_url, MASTER, rates=Rates(enrol_per_peer=Rate(3, 0.001), enrol_per_code=ENOUGH))
    with RunningHub(db_url, MASTER, clock, config=config) as hub:
        hub.state.invites.invite("sampletown", "A", CODE, 30, NOW)
        answers = [http.post(f"{hub.url}/enrol", json=body(invite_code(n))) for n in range(5)]
        assert [answer.status_code for answer in answers] == [403, 403, 403, 429, 429]
        assert int(answers[-1].headers["retry-after"]) > 900
        assert http.post(f"{hub.url}/enrol", json=body()).status_code == 429, "the right one, too"
        assert 'cashier_hub_limited_total{what="enrol"} 3.0' in figures(http, hub)


def test_one_code_may_be_brought_only_so_often_from_wherever(
    db_url: str, clock: Clock, http: httpx.Client
) -> None:
    rates = Rates(enrol_per_peer=Rate(1, 0.001), enrol_per_code=Rate(3, 0.001))
    config = HubConfig(db_url, MASTER, rates=rates, trust_proxy=True)
    with RunningHub(db_url, MASTER, clock, config=config) as hub:
        hub.state.invites.invite("sampletown", "A", CODE, 30, NOW)

        def bring(code: str, peer: int) -> int:
            headers = {"x-forwarded-for": f"203.0.113.{peer}"}
            return http.post(f"{hub.url}/enrol", json=body(code, "x" * 22), headers=headers).status_code

        assert [bring(CODE, peer) for peer in range(5)] == [200, 200, 200, 429, 429]
        assert bring(invite_code(3), 99) == 403, "another one is not held up by it"


def test_a_slip_is_never_looked_up(hub: RunningHub, http: httpx.Client) -> None:
    wrong = CODE[:-1] + ("0" if CODE[-1] != "0" else "1")
    invite(hub)
    answer = http.post(f"{hub.url}/enrol", json=body(wrong))
    assert (answer.status_code, answer.json()) == (403, {"detail": "wrong", "site": None, "till": None})
    assert answer.headers["cache-control"] == "no-store"


@pytest.mark.parametrize(
    "wrong",
    [
        {"nonce": "short"},
        {"nonce": "n" * 65},
        {"code": "7" * 65},
        {"site": "a/b", "till": "A"},
        {"more": "than that"},
    ],
)
def test_what_is_not_as_declared_is_refused(
    wrong: dict[str, str], hub: RunningHub, http: httpx.Client
) -> None:
    assert http.post(f"{hub.url}/enrol", json=body() | wrong).status_code == 422


# --- at the same moment, by several hub processes


def redeem_together(urls: tuple[str, str], code: str) -> list[int]:
    """Two askers bring one code to two hubs at the same moment; what each was answered."""
    together, answers = threading.Barrier(2), []

    def bring(url: str, nonce: str) -> None:
        with httpx.Client(timeout=30) as own:
            own.get(f"{url}/healthz")  # the line stands before the race begins
            together.wait()
            answers.append(own.post(f"{url}/enrol", json=body(code, nonce)).status_code)

    askers = [
        threading.Thread(target=bring, args=asker) for asker in zip(urls, (NONCE, OTHER_NONCE), strict=True)
    ]
    for asker in askers:
        asker.start()
    for asker in askers:
        asker.join()
    return sorted(answers)


def test_of_two_who_redeem_one_code_at_the_same_moment_one_gets_it(
    db_url: str, clock: Clock, long: bool
) -> None:
    """Two hubs over one database, each with its own connections; with --long two processes."""
    rounds = 30 if long else 4
    with ExitStack() as stack:
        if long:
            urls = tuple(stack.enter_context(hub_process(db_url))[1] for _ in range(2))
        else:
            config = HubConfig(db_url, MASTER, rates=Rates(enrol_per_peer=ENOUGH, enrol_per_code=ENOUGH))
            hubs = [RunningHub(db_url, MASTER, clock, config=config) for _ in range(2)]
            urls = tuple(stack.enter_context(hub).url for hub in hubs)
        for url in urls:
            # A hub makes its routes when they are first looked at; FastAPI silences a warning meanwhile by
            # what all threads share: two hubs of one process must not do it at once.
            assert httpx.get(f"{url}/openapi.json", timeout=30).status_code == 200
        store = stack.enter_context(HubStore(db_url))
        invites = InviteStore(store.engine, invite_key(MASTER))
        for number in range(rounds):
            # Another till each time: real processes have the limits that they have, by peer.
            invites.invite("sampletown", "A", invite_code(number), 30, NOW)
            answers = redeem_together((urls[0], urls[1]), invite_code(number))
            if long and 429 in answers:
                break
            assert answers == [200, 409]
        assert [key.generation for key in KeyStore(store.engine).listed()][:4] == [1, 2, 3, 4]


def test_an_invitation_that_is_replaced_while_it_is_redeemed_is_redeemed_or_wrong_never_both(
    db_url: str,
) -> None:
    with HubStore(db_url) as one, HubStore(db_url) as other, ThreadPoolExecutor(1) as beside:
        key = invite_key(MASTER)
        redeeming, inviting = InviteStore(one.engine, key), InviteStore(other.engine, key)
        given = 0
        for number in range(6):
            inviting.invite("sampletown", "A", invite_code(number), 30, NOW)
            redeemed = beside.submit(redeeming.redeem, invite_code(number), NONCE, None, NOW)
            inviting.invite("sampletown", "A", invite_code(1_000 + number), 30, NOW)
            try:
                assert redeemed.result(30).generation == given + 1
                given += 1
            except NotRedeemed as refused:
                assert refused.refusal is Refusal.WRONG
            assert len(KeyStore(one.engine).listed()) == given


# --- the till's client on bad lines


class Line(httpx.AsyncBaseTransport):
    """Answers, or raises what it is given, one after the other; what was asked is kept."""

    def __init__(self, *ends: httpx.Response | Exception) -> None:
        self.ends, self.asked = list(ends), list[bytes]()

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        self.asked.append(await request.aread())
        end = self.ends.pop(0)
        if isinstance(end, Exception):
            raise end
        return end


GOOD = {
    "site": "sampletown",
    "till": "A",
    "key": "k" * 42 + "A",
    "generation": 1,
    "public_url": "",
}


async def asked(*ends: httpx.Response | Exception) -> tuple[Enrolled, Line]:
    line = Line(*ends)
    async with httpx.AsyncClient(transport=line) as http:
        return await enrol(http, PUBLIC, CODE, NONCE), line


async def test_an_answer_that_was_lost_is_asked_for_again_with_the_same_nonce() -> None:
    told, line = await asked(
        httpx.ReadTimeout("late"), httpx.Response(503, json={"detail": "x"}), httpx.Response(200, json=GOOD)
    )
    assert told.till == "A" and len(line.asked) == TRIES_MAX and len(set(line.asked)) == 1


async def test_what_stays_lost_is_in_doubt() -> None:
    with pytest.raises(InDoubt, match="may have taken the code: try again here"):
        await asked(*[httpx.ReadError("cut")] * TRIES_MAX)


@pytest.mark.parametrize("error", [httpx.ConnectError("no"), httpx.ConnectTimeout("no")])
async def test_what_was_never_sent_is_asked_once(error: Exception) -> None:
    with pytest.raises(Unavailable, match=r"cannot be reached\. The code was not used"):
        await asked(error)


@pytest.mark.parametrize(
    ("answer", "kind", "says"),
    [
        (httpx.Response(429, headers={"retry-after": "30"}), TooBusy, "Try again in 30 seconds"),
        (httpx.Response(429), TooBusy, "Try again in a minute"),
        (
            httpx.Response(302, headers={"location": "https://elsewhere.example.org"}),
            Unavailable,
            "else than",
        ),
        (httpx.Response(200, text="<html>"), Unavailable, "Something else than a hub"),
        (httpx.Response(404, json={"detail": "Not Found"}), Refused, "no hub at this address"),
        (httpx.Response(403, json={"detail": "go away"}), Refused, "does not take this as it is"),
        (httpx.Response(200, json=GOOD | {"key": "short"}), Unavailable, "could not be read"),
        (httpx.Response(200, json=GOOD | {"till": "<b>"}), Unavailable, "could not be read"),
        (httpx.Response(410, json={"detail": "expired", "site": "<b>"}), ExpiredCode, r"till \? of site \?"),
    ],
)
async def test_what_other_answers_mean(answer: httpx.Response, kind: type[Exception], says: str) -> None:
    with pytest.raises(kind, match=says):
        await asked(answer)


@pytest.mark.parametrize(
    "address",
    [
        *("http://hub.example.org", "ftp://hub.example.org", "hub.example.org", "", "https://"),
        *("https://user:word@hub.example.org", "https://hub.example.org?x=1", "https://[", "https://h:x"),
        *("http://127.0.0.1.example.org", "http://10.0.0.1"),
    ],
)
async def test_a_code_goes_nowhere_but_over_tls_to_a_plain_address(address: str) -> None:
    line = Line()
    async with httpx.AsyncClient(transport=line) as http:
        with pytest.raises(Refused, match="https://"):
            await enrol(http, address, CODE, NONCE)
    assert line.asked == []


async def test_a_slip_in_the_code_goes_nowhere() -> None:
    line = Line()
    async with httpx.AsyncClient(transport=line) as http:
        with pytest.raises(Refused, match="in no code"):
            await enrol(http, PUBLIC, "U" + CODE[1:], NONCE)
    assert line.asked == []


def test_this_machine_needs_no_tls() -> None:
    for address in ("http://127.0.0.1:8400", "http://localhost:8400/", "http://[::1]:8400"):
        assert hub_address(address) == address.rstrip("/")


# --- what must not be seen


async def test_no_code_nonce_or_key_is_in_database_figures_logs_or_texts(
    line: httpx.AsyncClient,
    hub: RunningHub,
    http: httpx.Client,
    database: Database,
    caplog: pytest.LogCaptureFixture,
) -> None:
    caplog.set_level("DEBUG", "cashier")
    code = invite(hub)
    told = await enrol(line, hub.url, code, NONCE)
    errors = []
    for nonce, wrong in ((OTHER_NONCE, code), (OTHER_NONCE, shown(NEXT_CODE))):
        with pytest.raises(Refused) as refused:
            await enrol(line, hub.url, wrong, nonce)
        errors.append(refused.value)
    said = [
        database.content(),
        figures(http, hub),
        caplog.text,
        repr(told),
        str(told),
        repr(hub.state.invites),
        *map(repr, errors),
    ]
    for secret in (code, CODE, NONCE, told.key.reveal(), MASTER.decode(), invite_key(MASTER).hex()):
        assert not [text for text in said if secret in text]


def test_the_stores_hash_needs_the_hubs_secret(db_url: str, database: Database) -> None:
    with HubStore(db_url) as store:
        InviteStore(store.engine, invite_key(MASTER)).invite("sampletown", "A", CODE, 30, NOW)
        with pytest.raises(NotRedeemed):
            InviteStore(store.engine, invite_key(b"x" * 40)).redeem(CODE, NONCE, None, NOW)
