"""What the hub does when its storage fails, and what it demands of it."""

from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from itertools import count
from pathlib import Path
from threading import Barrier

import httpx
import pytest
from alembic.autogenerate import compare_metadata
from alembic.runtime.migration import MigrationContext

from cashier.domain.errors import CashierError, Refused, Unavailable
from cashier.hub.app import HubConfig
from cashier.hub.database import metadata, open_database
from cashier.hub.serve import RunningHub, enrol
from cashier.hub.store import HubStore
from tests.helpers.postgres import PostgresMissing, PostgresServer, find_programs
from tests.helpers.tls import tls

from .conftest import MASTER, NOW, Clock, Database, Till, wait_until

#: For something that takes a moment: who waits for others that failed shall not wait for ever.
WAIT_S = 60
#: A trigger stands in for the disk that refuses the write.
FULL_DISK = {
    "sqlite": (
        "CREATE TRIGGER full_disk BEFORE INSERT ON postbacks BEGIN SELECT RAISE(FAIL, 'disk full'); END",
        "DROP TRIGGER full_disk",
    ),
    "postgresql": (
        """CREATE FUNCTION refuse() RETURNS trigger LANGUAGE plpgsql AS
               $$ BEGIN RAISE EXCEPTION 'no space' USING ERRCODE = 'disk_full'; END $$;
           CREATE TRIGGER full_disk BEFORE INSERT ON postbacks FOR EACH ROW EXECUTE FUNCTION refuse()""",
        "DROP TRIGGER full_disk ON postbacks",
    ),
}
LOCK = {"sqlite": "BEGIN EXCLUSIVE", "postgresql": "BEGIN; LOCK TABLE postbacks IN ACCESS EXCLUSIVE MODE"}


def test_broken_storage_is_503_and_mended_storage_is_204(till: Till, database: Database) -> None:
    assert till.post(till.path("A-1")) == 204
    database.run("ALTER TABLE postbacks RENAME TO away")
    assert till.post(till.path("A-2")) == 503
    assert till.http.get(till.url + "/healthz").status_code == 503
    assert till.http.get(till.pull_url, headers=till.headers).status_code == 503
    assert (
        till.http.post(f"{till.pull_url}/ack", json={"ids": ["x"]}, headers=till.headers).status_code == 503
    )
    database.run("ALTER TABLE away RENAME TO postbacks")
    assert till.post(till.path("A-3")) == 204
    assert [row["reference"] for row in till.pull()] == ["A-1", "A-3"]


def test_a_full_disk_is_503(till: Till, database: Database, backend: str) -> None:
    fill, make_room = FULL_DISK[backend]
    database.run(fill)
    assert till.post(till.path()) == 503
    database.run(make_room)
    assert till.pull() == []
    assert till.post(till.path()) == 204


def test_a_locked_database_is_503_after_the_busy_time(
    db_url: str, clock: Clock, database: Database, backend: str
) -> None:
    config = HubConfig(db_url, MASTER, busy_timeout_ms=50)
    with RunningHub(db_url, MASTER, clock, config=config) as hub, httpx.Client(verify=tls()) as http:
        till = Till(hub.url, http, hub.enrol("sampletown", "A"))
        with database.line() as line:
            line.exec_driver_sql(LOCK[backend])
            assert till.post(till.path()) == 503
        assert till.post(till.path()) == 204


def test_a_revoked_till(till: Till, db_url: str, database: Database) -> None:
    assert till.post(till.path()) == 204
    database.run("UPDATE tills SET revoked = true")
    assert till.post(till.path()) == 404
    assert till.http.get(till.pull_url, headers=till.headers).status_code == 401
    with pytest.raises(Refused, match="revoked"):
        enrol(db_url, MASTER, "sampletown", "A", Clock())


def test_settings_of_sqlite(tmp_path: Path) -> None:
    engine = open_database(f"sqlite:///{tmp_path}/hub.db", busy_timeout_ms=1234)
    with engine.connect() as line:
        settings = {
            name: line.exec_driver_sql(f"PRAGMA {name}").scalar()
            for name in (
                "journal_mode",
                "synchronous",
                "foreign_keys",
                "trusted_schema",
                "cell_size_check",
                "busy_timeout",
            )
        }
        version = line.exec_driver_sql("SELECT sqlite_version()").scalar_one()
    engine.dispose()
    assert settings == {
        "journal_mode": "wal",
        "synchronous": 2,
        "foreign_keys": 1,
        "trusted_schema": 0,
        "cell_size_check": 1,
        "busy_timeout": 1234,
    }
    assert tuple(map(int, version.split("."))) >= (3, 51, 3)


def test_settings_of_postgresql_whatever_the_database_says(postgres: PostgresServer) -> None:
    with postgres.database() as url:
        name = url.partition("?")[0].rpartition("/")[2]
        for setting in ("synchronous_commit = off", "timezone = 'America/Halifax'", "statement_timeout = 0"):
            postgres.execute(f'ALTER DATABASE "{name}" SET {setting}')
        engine = open_database(url, busy_timeout_ms=1234)
        with engine.connect() as line:
            settings = {
                name: line.exec_driver_sql(f"SHOW {name}").scalar()
                for name in (
                    "synchronous_commit",
                    "timezone",
                    "statement_timeout",
                    "lock_timeout",
                    "idle_in_transaction_session_timeout",
                    "application_name",
                )
            }
        engine.dispose()
    assert settings == {
        "synchronous_commit": "on",
        "timezone": "UTC",
        "statement_timeout": "10s",
        "lock_timeout": "1234ms",
        "idle_in_transaction_session_timeout": "10s",
        "application_name": "cashier hub",
    }


def test_a_postgresql_that_does_not_synchronise_is_refused(postgres: PostgresServer) -> None:
    with postgres.database() as url:
        try:
            postgres.execute("ALTER SYSTEM SET full_page_writes = off")
            postgres.execute("SELECT pg_reload_conf()")
            wait_until(lambda: postgres.execute("SHOW full_page_writes") == [("off",)])
            with pytest.raises(Refused, match="needs full_page_writes=on, it has off"):
                open_database(url, 1000)
        finally:
            postgres.execute("ALTER SYSTEM RESET full_page_writes")
            postgres.execute("SELECT pg_reload_conf()")
            wait_until(lambda: postgres.execute("SHOW full_page_writes") == [("on",)])


def test_migrations_make_the_tables_that_the_code_uses(db_url: str) -> None:
    engine = open_database(db_url, busy_timeout_ms=1000)
    with engine.connect() as line:
        assert compare_metadata(MigrationContext.configure(line), metadata) == []
    engine.dispose()


@pytest.fixture
def empty_databases(
    backend: str, tmp_path: Path, request: pytest.FixtureRequest
) -> Iterator[Callable[[], str]]:
    """Gives the address of another database without any table at each call."""
    if backend == "sqlite":
        files = count()
        yield lambda: f"sqlite:///{tmp_path}/empty{next(files)}.db"
        return
    server: PostgresServer = request.getfixturevalue("postgres")
    with ExitStack() as stack:
        yield lambda: stack.enter_context(server.database())


def test_many_that_start_at_once_migrate_once(empty_databases: Callable[[], str]) -> None:
    """Many times: four that open a new SQLite file were refused about every twentieth time."""

    def start(url: str, together: Barrier) -> None:
        together.wait(WAIT_S)
        HubStore(url).close()

    with ThreadPoolExecutor(4) as pool:
        for _ in range(20):
            url, together = empty_databases(), Barrier(4)
            for started in [pool.submit(start, url, together) for _ in range(4)]:
                started.result(WAIT_S)
            assert len(Database(url).run("SELECT version_num FROM alembic_version")) == 1


def test_a_newer_schema_is_refused_and_left_alone(db_url: str, database: Database) -> None:
    HubStore(db_url).close()
    database.run("UPDATE alembic_version SET version_num = '9999'")
    before = database.content()
    with pytest.raises(Refused, match=r"schema 9999, written by a newer version"):
        HubStore(db_url)
    assert database.content() == before


@pytest.mark.parametrize(
    "url",
    [
        "",
        "nonsense",
        "sqlite://",
        "sqlite:///:memory:",
        "sqlite:////no/such/folder/h.db",
        "postgresql+psycopg2://localhost/hub",
        "postgresql://localhost:port/hub",
        "mysql://localhost/hub",
    ],
)
def test_addresses_that_cannot_be_used(url: str) -> None:
    with pytest.raises(Refused):
        HubStore(url)


@pytest.mark.parametrize(
    ("url", "error"),
    [
        ("postgresql://hub:pass-word@127.0.0.1:1/hub", Unavailable),
        ("postgresql://hub:pass-word@/hub?host=/no/such/folder", Unavailable),
        ("postgresql://hub:pass@pass-word@127.0.0.1:1/hub", Refused),
        ("postgresql://hub:pass-word@127.0.0.1:pass-word/hub", Refused),
        ("postgresql+other://hub:pass-word@127.0.0.1/hub", Refused),
        ("postgres//hub:pass-word@127.0.0.1/hub", Refused),
        ("postgresql://hub:pass-word@/hub?host=/no&sslmode=pass-word", Unavailable),
        ("postgresql://hub:pass-word@/hub?host=/no&pass-word=1", Refused),
    ],
)
def test_the_password_is_in_no_text(url: str, error: type[CashierError]) -> None:
    with pytest.raises(error) as caught:
        HubStore(url)
    shown: list[object] = [caught.value, caught.value.__cause__]
    assert "pass-word" not in "".join(f"{one} {one!r}" for one in shown)
    assert "pass-word" not in repr(HubConfig(url, MASTER))


def test_a_file_that_is_no_database(tmp_path: Path) -> None:
    (tmp_path / "hub.db").write_bytes(b"not a database, but long enough to look at" * 100)
    with pytest.raises(Refused, match="cannot be opened"):
        HubStore(f"sqlite:///{tmp_path}/hub.db")


def test_enrolling_twice_gives_the_same_key(db_url: str) -> None:
    first = enrol(db_url, MASTER, "sampletown", "A", Clock())
    assert enrol(db_url, MASTER, "sampletown", "A", Clock()) == first
    assert enrol(db_url, MASTER, "sampletown", "B", Clock()) != first
    assert len(first) == 43


def test_no_secret_is_in_the_database(till: Till, database: Database) -> None:
    assert till.post(till.path()) == 204
    content = database.content()
    assert "sampletown" in content
    assert MASTER.decode() not in content
    assert till.key_text not in content
    if database.is_sqlite:
        for file in database.file.parent.glob("hub.db*"):
            assert MASTER not in file.read_bytes()
            assert till.key_text.encode() not in file.read_bytes()


@pytest.mark.parametrize(("site", "till"), [("", "A"), ("a/b", "A"), ("s", "A|1"), ("s", "")])
def test_names_that_cannot_be_enrolled(db_url: str, site: str, till: str) -> None:
    with pytest.raises(Refused):
        enrol(db_url, MASTER, site, till, Clock())


def test_store_errors_name_no_customer(db_url: str, database: Database) -> None:
    """What goes into the log on a failure carries no parameters."""
    with HubStore(db_url) as store:
        database.run("DROP TABLE tills" + ("" if database.is_sqlite else " CASCADE"))
        with pytest.raises(Unavailable) as caught:
            store.enrol("secret-site", "A", NOW)
    assert "secret-site" not in f"{caught.value} {caught.value.__cause__}"


def test_where_postgresql_is_missing_the_tests_say_what_to_do(tmp_path: Path) -> None:
    with pytest.raises(PostgresMissing, match=r"run installer/test\.sh"):
        find_programs([tmp_path])


def test_several_tills_enrolled_at_once(new_db_url: Callable[[], str]) -> None:
    """Two administrators enrol the same till at the same moment: one key, no error."""
    url = new_db_url()
    together = Barrier(4)

    def enrolled() -> str:
        with HubStore(url) as store:
            together.wait(WAIT_S)
            return str(store.enrol("sampletown", "A", NOW))

    with ThreadPoolExecutor(4) as pool:
        assert [one.result() for one in [pool.submit(enrolled) for _ in range(4)]] == ["1"] * 4
