"""A real hub on a real socket, with a clock that stands still, and one enrolled till."""

from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from urllib.parse import urlencode

import httpx
import pytest

from cashier.gateway.postback import PostbackClaims, mint_path, till_key_from_text
from cashier.hub.serve import RunningHub

MASTER = b"a master secret for tests only, 40 bytes"
NOW = datetime(2026, 2, 3, 9, 0, tzinfo=UTC)
PAID = {"BillerReference": "A-1", "InvoiceNumber": "700001", "Approved": "True", "PaymentAmount": "245.50"}
FORM = urlencode(PAID).encode()
FORM_TYPE = {"content-type": "application/x-www-form-urlencoded"}


@dataclass
class Clock:
    """Stands still until it is told otherwise."""

    at: datetime = NOW

    def __call__(self) -> datetime:
        return self.at


@dataclass
class Till:
    """A till as the hub sees it: makes addresses, pulls, acknowledges."""

    url: str
    http: httpx.Client
    key_text: str
    site: str = "sampletown"
    till: str = "A"
    made: int = 0
    headers: dict[str, str] = field(init=False)

    def __post_init__(self) -> None:
        self.headers = {"authorization": f"Bearer {self.key_text}"}

    def path(self, reference: str = "A-1", **changes: object) -> str:
        self.made += 1
        claims: dict[str, object] = {
            "site": self.site,
            "till": self.till,
            "reference": reference,
            "amount_cents": 24550,
            "expires_at": NOW + timedelta(days=30),
            "nonce": f"{self.made:022d}",
        }
        return mint_path(PostbackClaims(**claims | changes), till_key_from_text(self.key_text))  # type: ignore[arg-type]

    def post(self, path: str, form: bytes = FORM) -> int:
        return self.http.post(self.url + path, content=form, headers=FORM_TYPE).status_code

    @property
    def pull_url(self) -> str:
        return f"{self.url}/till/v1/{self.site}/{self.till}/postbacks"

    def pull(self, wait: float = 0, limit: int = 50) -> list[dict[str, str]]:
        answer = self.http.get(self.pull_url, params={"wait": wait, "limit": limit}, headers=self.headers)
        assert answer.status_code == 200, answer.text
        rows: list[dict[str, str]] = answer.json()["postbacks"]
        return rows

    def ack(self, *ids: str) -> int:
        answer = self.http.post(f"{self.pull_url}/ack", json={"ids": ids}, headers=self.headers)
        assert answer.status_code == 200, answer.text
        return int(answer.json()["acknowledged"])


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def db_url(tmp_path: Path) -> str:
    return f"sqlite:///{tmp_path}/hub.db"


@pytest.fixture
def http() -> Iterator[httpx.Client]:
    with httpx.Client(timeout=30) as client:
        yield client


@pytest.fixture
def hub(db_url: str, clock: Clock) -> Iterator[RunningHub]:
    with RunningHub(db_url, MASTER, clock) as running:
        yield running


@pytest.fixture
def till(hub: RunningHub, http: httpx.Client) -> Till:
    return Till(hub.url, http, hub.enrol("sampletown", "A"))
