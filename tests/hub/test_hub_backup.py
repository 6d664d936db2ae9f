"""The hub's database backed up while it serves, and restored: by the very commands of the README."""

import os
import re
import shlex
import shutil
import subprocess
from collections.abc import Callable
from pathlib import Path

import httpx
import pytest
import sqlalchemy as sa

from cashier.hub.serve import RunningHub
from cashier.hub_verbs import rotate
from tests.helpers.postgres import PostgresServer
from tests.helpers.site import two_tills

from .conftest import MASTER, Clock, Till
from .test_hub_journals import send

README = (Path(__file__).parents[2] / "README.md").read_text(encoding="utf-8")


def run(program: str, places: dict[str, str], server: PostgresServer | None = None) -> None:
    """The README's command of a program, with its places put here; with a server as that one's user."""
    (block,) = re.findall(r"\*\*Backing the hub up\*\*.*?```sh\n(.*?)```", README, re.DOTALL)
    (line,) = [line for line in block.splitlines() if line.startswith(f"{program} ")]
    for written, here in places.items():
        assert written in line
        line = line.replace(written, here)
    words = shlex.split(line, comments=True)
    if server is not None:
        words = [*server.as_user, str(server.programs / program), *words[1:]]
    done = subprocess.run(words, capture_output=True, text=True, check=False, cwd="/")
    assert done.returncode == 0, f"{line}: {done.stderr}"


@pytest.fixture
def back_up(backend: str, tmp_path: Path, request: pytest.FixtureRequest) -> Callable[[str, str], None]:
    """Backs one database up and restores it as another, which is not there yet or empty."""
    if backend == "sqlite":
        if shutil.which("sqlite3") is None:
            pytest.skip("no sqlite3 here")

        def by_sqlite(old: str, new: str) -> None:
            source, target = (url.removeprefix("sqlite:///") for url in (old, new))
            run("sqlite3", {"/var/lib/cashier/hub.db": source, "/mnt/second/hub.db": target})

        return by_sqlite
    server: PostgresServer = request.getfixturevalue("postgres")

    def by_postgres(old: str, new: str) -> None:
        file = str(server.folder / f"{os.getpid()}-hub.dump")
        places = {"/mnt/second/hub.dump": file}
        run("pg_dump", places | {"postgresql://hub@host/hub": old}, server)
        name = sa.make_url(new).database
        server.execute(f'DROP DATABASE "{name}"')  # it has the tables already
        server.execute(f'CREATE DATABASE "{name}"')
        run("pg_restore", places | {"postgresql://hub@host/hub": new}, server)

    return by_postgres


def test_a_backup_of_a_serving_hub_restores_to_a_hub_that_goes_on(
    new_db_url: Callable[[], str],
    back_up: Callable[[str, str], None],
    clock: Clock,
    http: httpx.Client,
) -> None:
    old_url, new_url = new_db_url(), new_db_url()
    rows = two_tills()[0].rows
    with RunningHub(old_url, MASTER, clock) as hub:
        till = Till(hub.url, http, hub.enrol("sampletown", "A"))
        assert send(till, rows[:2]).status_code == 200
        path = till.path()
        assert till.post(path) == 204
        back_up(old_url, new_url)
        assert send(till, rows[2:]).status_code == 200  # after the backup
        rotated = rotate(old_url, MASTER, "sampletown/A")
    with RunningHub(new_url, MASTER, clock) as hub:
        till = Till(hub.url, http, till.key_text)
        assert hub.enrol("sampletown", "A") == till.key_text, "no till needs a new key"
        assert [item["reference"] for item in till.pull()] == ["A-1"], "what waited still waits"
        assert hub.state.journals.kept("sampletown", "A").seq == 2
        lacking = send(till, rows[3:])
        assert (lacking.status_code, lacking.json()["detail"], lacking.json()["seq"]) == (409, "gap", 3)
        assert send(till, rows[1:]).status_code == 200
        assert hub.state.journals.kept("sampletown", "A").seq == len(rows)
        assert hub.state.journals.first_fault("sampletown", "A") is None
        assert hub.state.journals.alarms("sampletown", "A") == []
        assert rotate(new_url, MASTER, "sampletown/A") == rotated, "rotated once more it is the same key"
        assert till.post(path) == 204, "addresses that are out in the world are good"
