"""What the hub does when its storage fails, and what it demands of it."""

from pathlib import Path

import httpx
import pysqlite3
import pytest
from alembic.autogenerate import compare_metadata
from alembic.runtime.migration import MigrationContext

from cashier.domain.errors import Refused, Unavailable
from cashier.hub.app import HubConfig
from cashier.hub.database import metadata, open_database
from cashier.hub.serve import RunningHub, enrol
from cashier.hub.store import HubStore

from .conftest import MASTER, NOW, Clock, Till


def run_sql(path: Path, statement: str) -> None:
    line = pysqlite3.connect(str(path), isolation_level=None)
    try:
        line.execute(statement)
    finally:
        line.close()


def test_broken_storage_is_503_and_mended_storage_is_204(till: Till, tmp_path: Path) -> None:
    assert till.post(till.path("A-1")) == 204
    run_sql(tmp_path / "hub.db", "ALTER TABLE postbacks RENAME TO away")
    assert till.post(till.path("A-2")) == 503
    assert till.http.get(till.url + "/healthz").status_code == 503
    assert till.http.get(till.pull_url, headers=till.headers).status_code == 503
    assert (
        till.http.post(f"{till.pull_url}/ack", json={"ids": ["x"]}, headers=till.headers).status_code == 503
    )
    run_sql(tmp_path / "hub.db", "ALTER TABLE away RENAME TO postbacks")
    assert till.post(till.path("A-3")) == 204
    assert [row["reference"] for row in till.pull()] == ["A-1", "A-3"]


def test_a_full_disk_is_503(till: Till, tmp_path: Path) -> None:
    """A trigger stands in for the disk that refuses the write."""
    run_sql(
        tmp_path / "hub.db",
        "CREATE TRIGGER full BEFORE INSERT ON postbacks BEGIN SELECT RAISE(FAIL, 'disk full'); END",
    )
    assert till.post(till.path()) == 503
    run_sql(tmp_path / "hub.db", "DROP TRIGGER full")
    assert till.pull() == []
    assert till.post(till.path()) == 204


def test_a_locked_database_is_503_after_the_busy_time(db_url: str, clock: Clock, tmp_path: Path) -> None:
    config = HubConfig(db_url, MASTER, busy_timeout_ms=50)
    with RunningHub(db_url, MASTER, clock, config=config) as hub, httpx.Client() as http:
        till = Till(hub.url, http, hub.enrol("sampletown", "A"))
        line = pysqlite3.connect(str(tmp_path / "hub.db"), isolation_level=None)
        line.execute("BEGIN EXCLUSIVE")
        assert till.post(till.path()) == 503
        line.close()
        assert till.post(till.path()) == 204


def test_a_revoked_till(till: Till, db_url: str, tmp_path: Path) -> None:
    assert till.post(till.path()) == 204
    run_sql(tmp_path / "hub.db", "UPDATE tills SET revoked = 1")
    assert till.post(till.path()) == 404
    assert till.http.get(till.pull_url, headers=till.headers).status_code == 401
    with pytest.raises(Refused, match="revoked"):
        enrol(db_url, MASTER, "sampletown", "A", Clock())


def test_settings_are_what_they_must_be(db_url: str) -> None:
    engine = open_database(db_url, busy_timeout_ms=1234)
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


def test_migrations_make_the_tables_that_the_code_uses(db_url: str) -> None:
    engine = open_database(db_url, busy_timeout_ms=1000)
    with engine.connect() as line:
        assert compare_metadata(MigrationContext.configure(line), metadata) == []
    engine.dispose()


def test_a_newer_schema_is_refused_and_left_alone(db_url: str, tmp_path: Path) -> None:
    HubStore(db_url).close()
    run_sql(tmp_path / "hub.db", "UPDATE alembic_version SET version_num = '9999'")
    before = (tmp_path / "hub.db").read_bytes()
    with pytest.raises(Refused, match=r"schema 9999, written by a newer version"):
        HubStore(db_url)
    assert (tmp_path / "hub.db").read_bytes() == before


@pytest.mark.parametrize(
    "url",
    [
        "",
        "nonsense",
        "sqlite://",
        "sqlite:///:memory:",
        "postgresql://localhost/hub",
        "sqlite:////no/such/folder/h.db",
    ],
)
def test_addresses_that_cannot_be_used(url: str) -> None:
    with pytest.raises(Refused):
        HubStore(url)


def test_a_file_that_is_no_database(tmp_path: Path) -> None:
    (tmp_path / "hub.db").write_bytes(b"not a database, but long enough to look at" * 100)
    with pytest.raises(Refused, match="cannot be opened"):
        HubStore(f"sqlite:///{tmp_path}/hub.db")


def test_enrolling_twice_gives_the_same_key(db_url: str) -> None:
    first = enrol(db_url, MASTER, "sampletown", "A", Clock())
    assert enrol(db_url, MASTER, "sampletown", "A", Clock()) == first
    assert enrol(db_url, MASTER, "sampletown", "B", Clock()) != first
    assert len(first) == 43


def test_no_secret_is_in_the_database(till: Till, tmp_path: Path) -> None:
    assert till.post(till.path()) == 204
    for file in tmp_path.glob("hub.db*"):
        content = file.read_bytes()
        assert MASTER not in content
        assert till.key_text.encode() not in content


@pytest.mark.parametrize(("site", "till"), [("", "A"), ("a/b", "A"), ("s", "A|1"), ("s", "")])
def test_names_that_cannot_be_enrolled(db_url: str, site: str, till: str) -> None:
    with pytest.raises(Refused):
        enrol(db_url, MASTER, site, till, Clock())


def test_store_errors_name_no_customer(db_url: str, tmp_path: Path) -> None:
    """What goes into the log on a failure carries no parameters."""
    with HubStore(db_url) as store:
        run_sql(tmp_path / "hub.db", "DROP TABLE tills")
        with pytest.raises(Unavailable) as caught:
            store.enrol("secret-site", "A", NOW)
    assert "secret-site" not in f"{caught.value} {caught.value.__cause__}"
