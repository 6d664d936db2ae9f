"""A connection that fails at a chosen statement, before or after SQLite has carried it out."""

from typing import Any

from cashier.journal.sqlite import sqlite3


class Faults:
    """Opens connections that fail as told, once each. `statements` is everything that was executed.

    `then` are faults that come in `before` only after one struck.
    """

    def __init__(self) -> None:
        self.statements: list[str] = []
        self.before: dict[str, BaseException] = {}
        self.after: dict[str, BaseException] = {}
        self.then: dict[str, BaseException] = {}
        self.opened = 0

    def connect(self, uri: str) -> sqlite3.Connection:
        """Takes the place of `cashier.journal.sqlite.connect`."""
        self.opened += 1

        connection = sqlite3.connect(uri, uri=True, timeout=0.1, factory=_Connection)
        connection.faults = self
        return connection

    def strike(self, where: dict[str, BaseException], sql: str) -> None:
        """Raise the error set for the start of this statement, once."""
        for start in list(where):
            if sql.startswith(start):
                error = where.pop(start)
                self.before |= self.then
                self.then = {}
                raise error


class _Connection(sqlite3.Connection):
    faults: Faults

    def execute(self, sql: str, *args: Any) -> Any:
        self.faults.statements.append(sql)
        self.faults.strike(self.faults.before, sql)
        cursor = super().execute(sql, *args)
        self.faults.strike(self.faults.after, sql)
        return cursor


def driver_error(code: int, text: str) -> sqlite3.OperationalError:
    """An error as the driver raises it."""
    error = sqlite3.OperationalError(text)
    error.sqlite_errorcode = code
    return error
