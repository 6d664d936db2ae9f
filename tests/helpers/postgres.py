"""A real PostgreSQL for tests: started once, on a socket in a folder of its own, a database for each test.

    with PostgresServer.started() as server:
        with server.database() as url:                   # empty
            ...
        with server.database(template="other") as url:   # a copy of another one of this server
            ...

The programs are those of Debian's package `postgresql`. PostgreSQL refuses to run as root, so root runs it as
user `postgres`. Every setting that makes a commit durable is PostgreSQL's own: nothing is switched off.
"""

import os
import pwd
import shutil
import subprocess
import tempfile
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from itertools import count
from pathlib import Path
from typing import Self

import psycopg

START_TIMEOUT_S = 60
CONNECTIONS_MAX = 60
USER = "postgres"
NOT_INSTALLED = (
    "PostgreSQL is not installed, and the hub is tested on it: run installer/test.sh, "
    "or `sudo apt-get install -y --no-install-recommends postgresql`."
)


class PostgresMissing(Exception):
    """The programs, or the user that they are to run as, are not on this machine."""


def find_programs(places: Sequence[Path] | None = None) -> Path:
    """The folder of `initdb` and `pg_ctl`: Debian's newest, else that of the PATH. Raises PostgresMissing."""
    if places is None:
        debian = Path("/usr/lib/postgresql").glob("*/bin")
        places = sorted(debian, key=lambda place: float(place.parent.name), reverse=True)
        if (found := shutil.which("pg_ctl")) is not None:
            places.append(Path(found).resolve().parent)
    for place in places:
        if all((place / name).exists() for name in ("initdb", "pg_ctl", "postgres")):
            return place
    raise PostgresMissing(NOT_INSTALLED)


@dataclass
class PostgresServer:
    """A server that listens on a Unix socket in its folder, and nowhere else."""

    folder: Path
    programs: Path
    as_user: list[str] = field(default_factory=list)
    _numbers: Iterator[int] = field(default_factory=lambda: count(1), repr=False)

    @classmethod
    @contextmanager
    def started(cls) -> Iterator[Self]:
        """A new server while the block lasts; nothing of it is left afterwards."""
        programs = find_programs()
        # Not below pytest's folders: the path of a socket is short, and user postgres must get there.
        folder = Path(tempfile.mkdtemp(prefix="cashier-pg-"))
        as_user: list[str] = []
        try:
            if os.geteuid() == 0:
                try:
                    user = pwd.getpwnam(USER)
                except KeyError:
                    raise PostgresMissing(f"There is no user {USER}. {NOT_INSTALLED}") from None
                os.chown(folder, user.pw_uid, user.pw_gid)
                as_user = ["setpriv", f"--reuid={USER}", f"--regid={user.pw_gid}", "--init-groups"]
            server = cls(folder, programs, as_user)
            server._run(
                *("initdb", "--pgdata", str(server._data), "--username", USER, "--auth", "trust"),
                *("--encoding", "UTF8", "--locale", "C", "--no-sync"),
            )
            server.start()
            try:
                yield server
            finally:
                server.stop("immediate")
        finally:
            shutil.rmtree(folder)

    @property
    def _data(self) -> Path:
        return self.folder / "data"

    def start(self) -> None:
        """Start it and wait until it answers; after `stop("immediate")` it repairs itself first."""
        options = f"-k {self.folder} -c listen_addresses= -c max_connections={CONNECTIONS_MAX}"
        log = self.folder / "log"
        try:
            self._pg_ctl("start", "--log", str(log), "--options", options)
        except subprocess.CalledProcessError as error:
            raise AssertionError(f"{error.stdout}\n{log.read_text() if log.exists() else ''}") from error

    def stop(self, mode: str) -> None:
        """Stop it, `immediate` as a crash would. Does nothing when it is stopped."""
        if (self._data / "postmaster.pid").exists():
            self._pg_ctl("stop", "--mode", mode)

    def url(self, database: str) -> str:
        """The address of a database for the hub."""
        return f"postgresql://{USER}@/{database}?host={self.folder}"

    @contextmanager
    def database(self, template: str = "template1") -> Iterator[str]:
        """The address of a new database, dropped at the end."""
        name = self.create(template=template)
        try:
            yield self.url(name)
        finally:
            self.drop(name)

    def create(self, name: str | None = None, template: str = "template1") -> str:
        """Make a database, a copy of `template`; its name."""
        name = name or f"test_{next(self._numbers)}"
        self.execute(f'CREATE DATABASE "{name}" TEMPLATE "{template}"')
        return name

    def drop(self, name: str) -> None:
        """Drop a database, whoever is still connected."""
        self.execute(f'DROP DATABASE "{name}" WITH (FORCE)')

    def execute(self, statement: str, database: str = "postgres") -> list[tuple[object, ...]]:
        """Run a statement by itself, as the superuser; its rows, if it has any."""
        parameters = {"host": str(self.folder), "user": USER, "dbname": database}
        with psycopg.connect(autocommit=True, **parameters) as connection:  # type: ignore[arg-type]
            cursor = connection.execute(statement.encode())
            return cursor.fetchall() if cursor.description else []

    def _pg_ctl(self, verb: str, *words: str) -> None:
        # Output into a file: the server inherits it, and a pipe would never end.
        with (self.folder / "pg_ctl").open("w+") as said:
            done = self._started(
                ["pg_ctl", verb, "--pgdata", str(self._data), "--wait", "-t", str(START_TIMEOUT_S), *words],
                said.fileno(),
            )
            said.seek(0)
            if done.returncode:
                raise subprocess.CalledProcessError(done.returncode, f"pg_ctl {verb}", said.read())

    def _run(self, *words: str) -> None:
        done = self._started(list(words), subprocess.PIPE)
        if done.returncode:
            raise AssertionError(f"{words[0]}: {done.stdout}")

    def _started(self, words: list[str], output: int) -> "subprocess.CompletedProcess[str]":
        program, *rest = words
        return subprocess.run(
            [*self.as_user, str(self.programs / program), *rest],
            cwd=self.folder,
            env={"PATH": os.environ.get("PATH", ""), "LC_ALL": "C", "TZ": "UTC"},
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=subprocess.STDOUT,
            text=True,
            timeout=2 * START_TIMEOUT_S,
            check=False,
        )
