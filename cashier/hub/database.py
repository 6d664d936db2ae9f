"""The hub's database: tables, connection settings, migrations.

Tables and queries are plain SQLAlchemy Core that SQLite and PostgreSQL both take. SQLite is what a single
office needs; its settings are the ones that lost no acknowledged commit when the power was cut before every
single write: a write-ahead log with full synchronisation. PostgreSQL serves many offices, and several hub
processes at once; it must synchronise every commit too, and answers within a bounded time or not at all.

A PostgreSQL address may hold a password, which is in no text of ours: addresses are shown as host and name.
"""

import importlib
import sys
import time
from functools import cache
from types import ModuleType
from typing import Any

import sqlalchemy as sa
from alembic import command
from alembic.config import Config
from alembic.runtime.migration import MigrationContext
from alembic.script import ScriptDirectory

from cashier.domain.errors import Refused, Unavailable

#: Older ones can corrupt a write-ahead log when it is reset.
SQLITE_MIN_VERSION = (3, 51, 3)

metadata = sa.MetaData()

#: Who may talk to the hub. No key is stored: it is derived from the master secret and the generation.
tills = sa.Table(
    "tills",
    metadata,
    sa.Column("site", sa.String(32), primary_key=True),
    sa.Column("till", sa.String(32), primary_key=True),
    sa.Column("generation", sa.Integer, primary_key=True, autoincrement=False),
    sa.Column("enrolled_at", sa.String(24), nullable=False),
    sa.Column("revoked", sa.Boolean, nullable=False),
    # Set when a newer generation took over: UTC text until which this one is still good.
    sa.Column("valid_until", sa.String(24), nullable=True),
)

#: Every valid postback as it came, each on a row of its own. `seq` is the order of arrival.
postbacks = sa.Table(
    "postbacks",
    metadata,
    sa.Column(
        "seq", sa.BigInteger().with_variant(sa.Integer, "sqlite"), primary_key=True, autoincrement=True
    ),
    sa.Column("id", sa.String(36), nullable=False, unique=True),
    sa.Column("site", sa.String(32), nullable=False),
    sa.Column("till", sa.String(32), nullable=False),
    sa.Column("generation", sa.Integer, nullable=False),
    sa.Column("reference", sa.String(120), nullable=False),
    sa.Column("amount_cents", sa.BigInteger, nullable=False),
    sa.Column("expires_at", sa.String(24), nullable=False),
    sa.Column("nonce", sa.String(64), nullable=False),
    sa.Column("received_at", sa.String(24), nullable=False),
    sa.Column("content_type", sa.String(100), nullable=False),
    sa.Column("query", sa.LargeBinary, nullable=False),
    sa.Column("body", sa.LargeBinary, nullable=False),
    sa.Column("scrubbed", sa.Boolean, nullable=False),
    sa.Column("acknowledged_at", sa.String(24), nullable=True),
    sa.ForeignKeyConstraint(
        ["site", "till", "generation"],
        ["tills.site", "tills.till", "tills.generation"],
        name="fk_postbacks_tills",
    ),
    sa.Index("ix_postbacks_pending", "site", "till", "acknowledged_at", "seq"),
    sa.Index("ix_postbacks_received", "site", "received_at"),
    sa.Index("ix_postbacks_payment", "site", "till", "reference"),
)


#: The oldest PostgreSQL that still gets repairs.
POSTGRESQL_MIN_VERSION = 13
#: Between two tries of a setting that SQLite does not wait for itself.
BUSY_PAUSE_S = 0.01
#: Storage work that may run at once on PostgreSQL beside the group commits, and connections kept or at most.
STORE_THREADS = 4
POOL_SIZE = STORE_THREADS + 1
POOL_OVERFLOW_MAX = 3
POOL_WAIT_S = 5
POOL_RECYCLE_S = 1_800
STATEMENT_TIMEOUT_MS = 10_000
#: How long a hub waits at its start for another one that migrates, and how long a migration may take.
MIGRATION_TIMEOUT_MS = 60_000
#: Of the advisory lock that migrations run under: the letters "hub" as a number.
MIGRATION_LOCK = 0x687562
#: Connection parameters that an address may override. A dead line is noticed within a minute.
CONNECTION_PARAMETERS = {
    "application_name": "cashier hub",
    "connect_timeout": 5,
    "keepalives_idle": 30,
    "keepalives_interval": 10,
    "keepalives_count": 3,
    "tcp_user_timeout": 15_000,
}


def good_key(now_text: str | sa.BindParameter[str]) -> sa.ColumnElement[bool]:
    """The rows of `tills` whose key may be used at a time, given as UTC text."""
    return sa.and_(
        tills.c.revoked.is_(False), sa.or_(tills.c.valid_until.is_(None), tills.c.valid_until > now_text)
    )


def open_database(url: str, busy_timeout_ms: int) -> sa.Engine:
    """A database of the newest schema, migrated if need be, with its settings checked.

    `busy_timeout_ms` is how long a statement waits for another one's lock. Raises Refused for a URL we cannot
    use, an SQLite or PostgreSQL too old, settings that did not take, and a database written by a newer
    version; Unavailable when PostgreSQL does not answer.
    """
    try:
        parsed = sa.make_url(url)
    except (sa.exc.ArgumentError, ValueError):
        # From None: the error may repeat what it could not read.
        raise Refused(
            "The hub's database address is not one such as sqlite:////var/lib/cashier/hub.db "
            "or postgresql://hub:password@db.example.org/hub."
        ) from None
    if parsed.drivername in ("postgresql", "postgresql+psycopg"):
        engine = _postgresql_engine(parsed, busy_timeout_ms)
    elif parsed.get_backend_name() == "sqlite" and parsed.database not in (None, "", ":memory:"):
        engine = _sqlite_engine(parsed, busy_timeout_ms)
    else:
        raise Refused(
            "The hub keeps its data in an SQLite file or in PostgreSQL: use an address such as "
            "sqlite:////folder/hub.db or postgresql://hub:password@db.example.org/hub."
        )
    try:
        migrate(engine)
    except sa.exc.DBAPIError as error:
        engine.dispose()
        why = _without(parsed.password, error.orig)
        text = f"The hub's database {shown(parsed)} cannot be opened: {why}."
        # From None: what the driver says is in the text, cleaned.
        if is_postgresql(engine) and isinstance(error, sa.exc.OperationalError):
            raise Unavailable(text) from None
        raise Refused(text) from None
    except BaseException:
        engine.dispose()
        raise
    return engine


def one_at_a_time(connection: sa.Connection, what: str) -> None:
    """Wait until no other transaction has asked for `what`, and keep it until this one ends.

    For what is read first and written later. On SQLite all transactions are one at a time.
    """
    if is_postgresql(connection.engine):
        connection.execute(sa.select(sa.func.pg_advisory_xact_lock(sa.func.hashtextextended(what, 0))))


def is_postgresql(engine: sa.Engine) -> bool:
    """Whether other processes may be at work on this database, too."""
    return engine.dialect.name == "postgresql"


def shown(url: sa.URL) -> str:
    """A database as it may be named in a text: an SQLite file, or PostgreSQL's host and database."""
    if url.get_backend_name() == "sqlite":
        return url.database or ""
    return f"{url.database or ''} at {url.host or url.query.get('host') or 'this machine'}"


def _without(password: str | None, error: object) -> str:
    text = " ".join(str(error).split()).rstrip(".")
    return text.replace(password, "***") if password else text


def migrate(engine: sa.Engine) -> None:
    """Bring the schema to the newest revision in one transaction. Raises Refused for an unknown one.

    Several processes may do so at once: one migrates, the others wait for it.
    """
    newest, known = _revisions()
    with engine.begin() as connection:
        if is_postgresql(engine):
            for name in ("lock_timeout", "statement_timeout"):
                connection.exec_driver_sql(f"SET LOCAL {name} = {MIGRATION_TIMEOUT_MS}")
            connection.execute(sa.select(sa.func.pg_advisory_xact_lock(MIGRATION_LOCK)))
        current = MigrationContext.configure(connection).get_current_revision()
        if current is not None and current not in known:
            raise Refused(
                f"The hub's database has schema {current}, written by a newer version: update this one."
            )
        if current != newest:
            config = _migrations()
            config.attributes["connection"] = connection
            command.upgrade(config, "head")


def _migrations() -> Config:
    config = Config()
    config.set_main_option("script_location", "cashier.hub:migrations")
    return config


@cache
def _revisions() -> tuple[str | None, frozenset[str]]:
    """The newest revision, and all that this version knows: each is a module that is run to be read."""
    scripts = ScriptDirectory.from_config(_migrations())
    return scripts.get_current_head(), frozenset(script.revision for script in scripts.walk_revisions())


def _sqlite_driver() -> ModuleType:
    """pysqlite3 where it is installed, else Python's own. Raises Refused when its SQLite is too old."""
    try:
        driver = importlib.import_module("pysqlite3.dbapi2")
    except ModuleNotFoundError:
        driver = importlib.import_module("sqlite3.dbapi2")
    if driver.sqlite_version_info < SQLITE_MIN_VERSION:
        needed = ".".join(map(str, SQLITE_MIN_VERSION))
        raise Refused(f"SQLite {driver.sqlite_version} is too old, {needed} is needed: install pysqlite3.")
    return driver


def _sqlite_engine(url: sa.URL, busy_timeout_ms: int) -> sa.Engine:
    # One connection: there is one writer. Parameters are hidden because errors are logged.
    driver = _sqlite_driver()
    engine = sa.create_engine(url, module=driver, pool_size=1, max_overflow=0, hide_parameters=True)
    settings = {
        "busy_timeout": busy_timeout_ms,
        "journal_mode": "wal",
        "synchronous": 2,  # FULL
        "foreign_keys": 1,
        "trusted_schema": 0,
        "cell_size_check": 1,
    }
    if sys.platform == "darwin":
        settings |= {"fullfsync": 1, "checkpoint_fullfsync": 1}

    @sa.event.listens_for(engine, "connect")
    def settle(connection: Any, _record: object) -> None:
        # The driver's own transaction control is off: it would commit schema changes one by one.
        connection.isolation_level = None
        for name, value in settings.items():
            _set(driver, connection, name, value, busy_timeout_ms)
            (actual,) = connection.execute(f"PRAGMA {name}").fetchone()
            if actual != value:
                raise Refused(f"The hub's database did not take the setting {name}={value}, it has {actual}.")

    @sa.event.listens_for(engine, "begin")
    def begin(connection: sa.Connection) -> None:
        connection.exec_driver_sql("BEGIN IMMEDIATE")

    return engine


def _set(driver: Any, connection: Any, name: str, value: object, busy_timeout_ms: int) -> None:
    """Set one of SQLite's settings, waiting for others at work on the file as any statement does.

    A new file that several processes open at once becomes a write-ahead log in one of them; SQLite refuses
    the others at once, whatever their busy time is.
    """
    until = time.monotonic() + busy_timeout_ms / 1000
    while True:
        try:
            connection.execute(f"PRAGMA {name}={value}")
            return
        except driver.OperationalError as error:
            if error.sqlite_errorcode != driver.SQLITE_BUSY or time.monotonic() > until:
                raise
            time.sleep(BUSY_PAUSE_S)


def connection_parameters(url: sa.URL) -> dict[str, Any]:
    """Our own connection parameters, without those that the address sets itself."""
    return {name: value for name, value in CONNECTION_PARAMETERS.items() if name not in url.query}


def _postgresql_engine(url: sa.URL, busy_timeout_ms: int) -> sa.Engine:
    if "@" in (url.host or ""):
        raise Refused("The hub's database address has an @ too many: write %40 for one in the password.")
    engine = sa.create_engine(
        url.set(drivername="postgresql+psycopg"),
        connect_args=connection_parameters(url),
        pool_size=POOL_SIZE,
        max_overflow=POOL_OVERFLOW_MAX,
        pool_timeout=POOL_WAIT_S,
        pool_recycle=POOL_RECYCLE_S,
        pool_pre_ping=True,
        hide_parameters=True,
    )
    settings = {
        "synchronous_commit": "on",
        "TimeZone": "UTC",
        "client_encoding": "UTF8",
        "statement_timeout": str(STATEMENT_TIMEOUT_MS),
        "idle_in_transaction_session_timeout": str(STATEMENT_TIMEOUT_MS),
        "lock_timeout": str(busy_timeout_ms),
    }
    # Not ours to set, but without them an answered postback can be lost, or a name cannot be kept.
    demanded = {"fsync": "on", "full_page_writes": "on", "server_encoding": "UTF8"}

    @sa.event.listens_for(engine, "connect")
    def settle(connection: Any, _record: object) -> None:
        version = connection.info.server_version
        if version < POSTGRESQL_MIN_VERSION * 10_000:
            raise Refused(f"PostgreSQL {version // 10_000} is too old, {POSTGRESQL_MIN_VERSION} is needed.")
        for name, value in settings.items():
            connection.execute("SELECT set_config(%s, %s, false)", (name, value))
        rows = connection.execute(
            "SELECT name, setting FROM pg_settings WHERE name = ANY(%s)", ([*settings, *demanded],)
        )
        actual = dict(rows.fetchall())
        connection.commit()
        for name, value in (settings | demanded).items():
            if actual.get(name) != value:
                raise Refused(f"The hub's database needs {name}={value}, it has {actual.get(name)}.")

    return engine
