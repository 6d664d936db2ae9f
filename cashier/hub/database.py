"""The hub's database: tables, connection settings, migrations.

Tables and queries are plain SQLAlchemy Core that SQLite and PostgreSQL both take. SQLite is what a single
office needs; its settings are the ones that lost no acknowledged commit when the power was cut before every
single write: a write-ahead log with full synchronisation.
"""

import importlib
import sys
from types import ModuleType
from typing import Any

import sqlalchemy as sa
from alembic import command
from alembic.config import Config
from alembic.runtime.migration import MigrationContext
from alembic.script import ScriptDirectory

from cashier.domain.errors import Refused

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
)


def open_database(url: str, busy_timeout_ms: int) -> sa.Engine:
    """A database of the newest schema, migrated if need be, with its settings checked.

    Raises Refused for a URL we cannot use, an SQLite too old, settings that did not take, and a database
    written by a newer version.
    """
    try:
        parsed = sa.make_url(url)
    except sa.exc.ArgumentError as error:
        raise Refused(
            "The hub's database address is not one such as sqlite:////var/lib/cashier/hub.db."
        ) from error
    if parsed.get_backend_name() != "sqlite" or parsed.database in (None, "", ":memory:"):
        raise Refused(
            "The hub keeps its data in an SQLite file: use an address such as sqlite:////folder/hub.db."
        )
    engine = _sqlite_engine(parsed, busy_timeout_ms)
    try:
        migrate(engine)
    except sa.exc.DBAPIError as error:
        engine.dispose()
        raise Refused(f"The hub's database {parsed.database} cannot be opened: {error.orig}.") from error
    except BaseException:
        engine.dispose()
        raise
    return engine


def migrate(engine: sa.Engine) -> None:
    """Bring the schema to the newest revision in one transaction. Raises Refused for an unknown one."""
    config = Config()
    config.set_main_option("script_location", "cashier.hub:migrations")
    known = {script.revision for script in ScriptDirectory.from_config(config).walk_revisions()}
    with engine.begin() as connection:
        current = MigrationContext.configure(connection).get_current_revision()
        if current is not None and current not in known:
            raise Refused(
                f"The hub's database has schema {current}, written by a newer version: update this one."
            )
        config.attributes["connection"] = connection
        command.upgrade(config, "head")


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
    engine = sa.create_engine(url, module=_sqlite_driver(), pool_size=1, max_overflow=0, hide_parameters=True)
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
            connection.execute(f"PRAGMA {name}={value}")
            (actual,) = connection.execute(f"PRAGMA {name}").fetchone()
            if actual != value:
                raise Refused(f"The hub's database did not take the setting {name}={value}, it has {actual}.")

    @sa.event.listens_for(engine, "begin")
    def begin(connection: sa.Connection) -> None:
        connection.exec_driver_sql("BEGIN IMMEDIATE")

    return engine
