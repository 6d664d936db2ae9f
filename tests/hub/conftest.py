"""A real hub on a real socket, with a clock that stands still, and one enrolled till.

Every test that asks for a database runs twice: on SQLite and on PostgreSQL.
"""

import shutil
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from itertools import count
from pathlib import Path
from urllib.parse import urlencode

import httpx
import pysqlite3
import pytest
import sqlalchemy as sa

from cashier.gateway.postback import PostbackClaims, mint_path, till_key_from_text
from cashier.hub.serve import RunningHub
from cashier.hub.store import HubStore
from tests.helpers.postgres import PostgresServer
from tests.helpers.tls import tls

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


def wait_until(condition: Callable[[], bool], timeout_s: float = 10.0) -> None:
    """Look again and again until it is so. Fails when it is not within the time."""
    deadline = time.monotonic() + timeout_s
    pause = threading.Event()
    while not condition():
        assert time.monotonic() < deadline, "condition not reached"
        pause.wait(0.005)


@pytest.fixture
def clock() -> Clock:
    return Clock()


@dataclass
class Database:
    """The hub's database as an administrator sees it, beside the hub."""

    url: str

    @property
    def is_sqlite(self) -> bool:
        return self.url.startswith("sqlite:")

    @property
    def file(self) -> Path:
        return Path(self.url.removeprefix("sqlite:///"))

    @contextmanager
    def line(self) -> Iterator[sa.Connection]:
        """A connection of its own that commits each statement by itself."""
        engine = (
            sa.create_engine(self.url, module=pysqlite3.dbapi2)
            if self.is_sqlite
            else sa.create_engine(sa.make_url(self.url).set(drivername="postgresql+psycopg"))
        )
        try:
            with engine.connect().execution_options(isolation_level="AUTOCOMMIT") as connection:
                yield connection
        finally:
            engine.dispose()

    def run(self, statement: str) -> list[tuple[object, ...]]:
        """Run one statement; its rows, if it has any."""
        with self.line() as connection:
            result = connection.exec_driver_sql(statement)
            return [tuple(row) for row in result] if result.returns_rows else []

    def content(self) -> str:
        """Every row of every table, as text."""
        with self.line() as connection:
            tables = sorted(sa.inspect(connection).get_table_names())
            return "\n".join(
                f"{table}: {tuple(row)}"
                for table in tables
                for row in connection.execute(sa.text(f'SELECT * FROM "{table}"'))
            )


@pytest.fixture(params=["sqlite", "postgresql"])
def backend(request: pytest.FixtureRequest) -> str:
    """The kind of database that a test runs on: each runs on both."""
    return str(request.param)


@pytest.fixture(scope="session")
def postgres_template(postgres: PostgresServer) -> str:
    """The name of a database with the newest schema, to be copied."""
    name = postgres.create("hub_template")
    HubStore(postgres.url(name)).close()
    return name


@pytest.fixture(scope="session")
def sqlite_template(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A file with the newest schema, closed, to be copied."""
    file = tmp_path_factory.mktemp("hub-template") / "hub.db"
    HubStore(f"sqlite:///{file}").close()
    assert [found.name for found in file.parent.iterdir()] == [file.name]
    return file


@pytest.fixture
def new_db_url(backend: str, tmp_path: Path, request: pytest.FixtureRequest) -> Iterator[Callable[[], str]]:
    """Gives the address of another database of the same kind at each call. They are gone after the test."""
    if backend == "sqlite":
        newest: Path = request.getfixturevalue("sqlite_template")
        files = count()

        def copied() -> str:
            file = shutil.copyfile(newest, tmp_path / f"hub{next(files) or ''}.db")
            return f"sqlite:///{file}"

        yield copied
        return
    server: PostgresServer = request.getfixturevalue("postgres")
    template: str = request.getfixturevalue("postgres_template")
    with ExitStack() as stack:
        yield lambda: stack.enter_context(server.database(template))


@pytest.fixture
def db_url(new_db_url: Callable[[], str]) -> str:
    return new_db_url()


@pytest.fixture
def database(db_url: str) -> Database:
    """The database of `db_url`, without the hub."""
    return Database(db_url)


@pytest.fixture
def http() -> Iterator[httpx.Client]:
    with httpx.Client(verify=tls(), timeout=30) as client:
        yield client


@pytest.fixture
def hub(db_url: str, clock: Clock) -> Iterator[RunningHub]:
    with RunningHub(db_url, MASTER, clock) as running:
        yield running


@pytest.fixture
def till(hub: RunningHub, http: httpx.Client) -> Till:
    return Till(hub.url, http, hub.enrol("sampletown", "A"))
