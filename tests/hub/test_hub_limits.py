"""Limits: who knocks too often is told to wait; a proven postback never is."""

from dataclasses import dataclass, replace

import httpx
import pytest

from cashier.hub.access import peer_of
from cashier.hub.app import HubConfig, create_hub
from cashier.hub.limits import Buckets, Limits, Rate, Rates, network_of
from cashier.hub.serve import RunningHub

from .conftest import FORM, FORM_TYPE, MASTER, Clock, Till

NONE = Rate(burst=0, per_second=0.001)


@dataclass
class Seconds:
    """A monotonic clock that stands still until it is told otherwise."""

    at: float = 1_000.0

    def __call__(self) -> float:
        return self.at


# --- the bucket


def test_a_burst_then_a_rate() -> None:
    seconds = Seconds()
    bucket = Buckets(Rate(burst=3, per_second=0.5), seconds)
    assert [bucket.take("a") for _ in range(5)] == [0, 0, 0, 2, 2]
    seconds.at += 1.9
    assert bucket.take("a") == 1
    seconds.at += 0.1
    assert [bucket.take("a") for _ in range(2)] == [0, 2]
    seconds.at += 1_000
    assert [bucket.take("a") for _ in range(4)] == [0, 0, 0, 2]  # never more than the burst


def test_what_is_told_to_wait_suffices() -> None:
    seconds = Seconds()
    bucket = Buckets(Rate(burst=1, per_second=0.03), seconds)
    assert bucket.take("a") == 0
    seconds.at += bucket.take("a")
    assert bucket.take("a") == 0


def test_everyone_has_a_bucket() -> None:
    bucket = Buckets(Rate(burst=1, per_second=1), Seconds())
    assert [bucket.take(key) for key in ("a", "b", "a", "b")] == [0, 0, 1, 1]


def test_a_clock_that_goes_back_gives_nothing() -> None:
    seconds = Seconds()
    bucket = Buckets(Rate(burst=1, per_second=1), seconds)
    assert bucket.take("a") == 0
    seconds.at -= 100
    assert bucket.take("a") == 1


def test_memory_is_bounded_and_the_oldest_is_forgotten() -> None:
    bucket = Buckets(Rate(burst=1, per_second=0.001), Seconds(), buckets_max=100)
    for number in range(1_000):
        assert bucket.take(number) == 0
    assert len(bucket) == 100
    assert bucket.take(950) > 0  # still known
    assert bucket.take(5) == 0  # forgotten


def test_one_network_is_one_peer() -> None:
    assert network_of("203.0.113.7") == "203.0.113.7"
    assert network_of("2001:db8:1:2::1") == network_of("2001:db8:1:2:ffff::9") == "2001:db8:1:2::/64"
    assert network_of("2001:db8:1:3::1") != network_of("2001:db8:1:2::1")
    assert network_of("::ffff:203.0.113.7") == "203.0.113.7"
    assert network_of("testclient") == "testclient"


def test_wrong_ones_do_not_use_up_what_is_open_to_all() -> None:
    limits = Limits(Rates(wrong=Rate(5, 0.1), wrong_per_peer=Rate(2, 0.1)), Seconds())
    answers = [limits.wrong(f"203.0.113.{number // 2}") for number in range(10)]
    assert [bool(wait) for wait in answers] == [False] * 5 + [True] * 5
    assert [bool(limits.wrong("203.0.113.0")) for _ in range(2)] == [True, True]
    assert limits.open("203.0.113.0") == limits.till("s", "A") == 0


# --- the peer


@pytest.mark.parametrize(
    ("hops", "trust", "peer"),
    [
        ([], False, "192.0.2.1"),
        ([], True, "192.0.2.1"),
        (["203.0.113.7"], False, "192.0.2.1"),
        (["203.0.113.7"], True, "203.0.113.7"),
        (["198.51.100.1, 203.0.113.7"], True, "203.0.113.7"),  # only the last hop is the proxy's own word
        (["198.51.100.1", "203.0.113.7"], True, "203.0.113.7"),
        (["203.0.113.7, "], True, "192.0.2.1"),
        (["nonsense"], True, "192.0.2.1"),
        (["\xff\xfe" * 1_000], True, "192.0.2.1"),
        (["2001:db8::1"], True, "2001:db8::1"),
        (["[2001:db8::1]"], True, "2001:db8::1"),
    ],
)
def test_who_asks(hops: list[str], trust: bool, peer: str) -> None:
    headers = [(b"x-forwarded-for", hop.encode("latin-1")) for hop in hops]
    scope = {"type": "http", "client": ("192.0.2.1", 50_000), "headers": headers}
    assert peer_of(scope, trust) == peer
    assert peer_of(scope | {"client": None}, False) == ""


# --- the hub


def retry_after(answer: httpx.Response) -> int:
    assert answer.status_code == 429, answer.status_code
    return int(answer.headers["retry-after"])


def wrong(till: Till, **headers: str) -> httpx.Response:
    return till.http.post(f"{till.url}/pb/v1/sampletown/wrong", content=FORM, headers=FORM_TYPE | headers)


def figure(till: Till, name: str) -> float:
    lines = httpx.get(f"{till.url}/metrics").text.splitlines()
    return sum(float(line.split()[-1]) for line in lines if line.startswith(f"{name} "))


def limited_hub(db_url: str, clock: Clock, rates: Rates, trust_proxy: bool = False) -> RunningHub:
    """A hub for which no time goes by: how long the requests take fills no bucket."""
    config = HubConfig(db_url, MASTER, rates=rates, trust_proxy=trust_proxy)
    return RunningHub(db_url, MASTER, clock, config=config, monotonic=Seconds())


def test_wrong_addresses_are_told_to_wait_and_proven_postbacks_never_are(
    db_url: str, clock: Clock, http: httpx.Client
) -> None:
    rates = Rates(wrong_per_peer=Rate(3, 0.01), per_till=NONE)
    with limited_hub(db_url, clock, rates) as hub:
        till = Till(hub.url, http, hub.enrol("sampletown", "A"))
        answers = [wrong(till) for _ in range(5)]
        assert [answer.status_code for answer in answers] == [404, 404, 404, 429, 429]
        assert retry_after(answers[-1]) == 100
        for number in range(20):
            assert till.post(till.path(f"A-{number}")) == 204
        assert figure(till, 'cashier_hub_limited_total{what="wrong_token"}') == 2
        assert figure(till, "cashier_hub_wrong_tokens_total") == 5


def test_wrong_keys_are_told_to_wait(db_url: str, clock: Clock, http: httpx.Client) -> None:
    with limited_hub(db_url, clock, Rates(wrong_per_peer=Rate(3, 0.01))) as hub:
        till = Till(hub.url, http, hub.enrol("sampletown", "A"))
        answers = [http.get(till.pull_url, headers={"authorization": f"Bearer {n}"}) for n in range(5)]
        assert [answer.status_code for answer in answers] == [401, 401, 401, 429, 429]
        assert retry_after(answers[-1]) == 100
        assert till.pull() == []  # the right key, from the same peer
        assert figure(till, "cashier_hub_wrong_keys_total") == 5


def test_a_till_that_asks_too_often(db_url: str, clock: Clock, http: httpx.Client) -> None:
    with limited_hub(db_url, clock, Rates(per_till=Rate(3, 0.01))) as hub:
        till = Till(hub.url, http, hub.enrol("sampletown", "A"))
        other = Till(hub.url, http, hub.enrol("sampletown", "B"), till="B")
        for _ in range(3):
            assert till.pull() == []
        assert retry_after(http.get(till.pull_url, headers=till.headers)) == 100
        assert other.pull() == []
        assert till.post(till.path()) == 204


@pytest.mark.parametrize("path", ["/healthz", "/metrics", "/openapi.json"])
def test_open_routes(db_url: str, clock: Clock, http: httpx.Client, path: str) -> None:
    with limited_hub(db_url, clock, Rates(open_per_peer=Rate(3, 0.01))) as hub:
        answers = [http.get(hub.url + path) for _ in range(4)]
        assert [answer.status_code for answer in answers] == [200, 200, 200, 429]
        assert retry_after(answers[-1]) == 100


def test_behind_a_proxy_each_peer_has_its_own_limit(db_url: str, clock: Clock, http: httpx.Client) -> None:
    rates = Rates(wrong_per_peer=Rate(1, 0.01))
    with limited_hub(db_url, clock, rates, trust_proxy=True) as hub:
        till = Till(hub.url, http, hub.enrol("sampletown", "A"))
        for peer, status in (("203.0.113.1", 404), ("203.0.113.1", 429), ("203.0.113.2", 404)):
            # What the peer itself claims to have come from does not help it.
            forwarded = {"x-forwarded-for": f"198.51.100.{status % 200}, {peer}"}
            assert wrong(till, **forwarded).status_code == status
    with limited_hub(db_url, clock, rates) as hub:
        till = replace(till, url=hub.url)
        answers = [wrong(till, **{"x-forwarded-for": f"203.0.113.{n}"}).status_code for n in range(2)]
        assert answers == [404, 429]


def test_the_limits_refill_by_the_clock_that_is_given(db_url: str, clock: Clock) -> None:
    seconds = Seconds()
    config = HubConfig(db_url, MASTER, rates=Rates(wrong_per_peer=Rate(1, 0.1)))
    hub = create_hub(config, clock, lambda count: bytes(count), seconds).state.hub
    try:
        assert [hub.limits.wrong("x") for _ in range(2)] == [0, 10]
        seconds.at += 10
        assert hub.limits.wrong("x") == 0
    finally:
        hub.store.close()
