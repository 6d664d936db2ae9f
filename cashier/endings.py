"""How the command line ends: an exit code, and one line on standard error for each fault.

Exit codes: 0 done, 1 not done, 2 bad input and nothing half-done, 3 in doubt. Only a bug leaves a trace.
"""

import contextlib
import io
import math
import sys
from typing import Any

import click

from cashier.domain.errors import CashierError, InDoubt, Refused


class Verbs(click.Group):
    """The top of the command line: runs a verb and ends the process as this module says."""

    def main(self, *args: Any, **extra: Any) -> Any:
        """Run the verb. Never returns: raises SystemExit."""
        if isinstance(sys.stdout, io.TextIOWrapper):
            # What we print is UTF-8 on every system; damaged text of a journal must not stop its output.
            sys.stdout.reconfigure(encoding="utf-8", errors="backslashreplace")
        sys.exit(self._code(*args, **extra))

    def _code(self, *args: Any, **extra: Any) -> int:
        try:
            code = super().main(*args, **{**extra, "standalone_mode": False})
        except Refused as refused:
            return _end(2, *refused.faults)
        except InDoubt as doubt:
            return _end(3, f"in doubt: {doubt.user_text}")
        except CashierError as error:
            return _end(1, error.user_text)
        except click.exceptions.NoArgsIsHelpError as asked:
            asked.show()
            return 2
        except click.UsageError as fault:
            where = fault.ctx.command_path if fault.ctx else "cashier"
            return _end(2, f"{where}: {fault.format_message()} See --help.")
        except click.Abort:
            return _end(1, "Stopped.")
        except OSError as error:
            _drop_unwritten()
            place = f"{error.filename}: " if error.filename else ""
            return _end(1, f"{place}{error.strerror or error}")
        return code if isinstance(code, int) else 0


def _end(code: int, *faults: str) -> int:
    for fault in faults:
        click.echo(" ".join(fault.splitlines()), err=True)
    return code


def _drop_unwritten() -> None:
    """What standard output does not take would be tried again, and end the process with a code of its own."""
    try:
        sys.stdout.flush()
    except OSError:
        with contextlib.suppress(OSError):
            sys.stdout.close()


class Seconds(click.FloatRange):
    """An option's seconds, from 0 to a day."""

    name = "seconds"

    def __init__(self) -> None:
        super().__init__(0, 86_400)

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> float:
        """The number. Not a number is in no range, yet passes the comparisons of one."""
        number = float(super().convert(value, param, ctx))
        if math.isnan(number):
            self.fail(f"{value!r} is not a number of seconds.", param, ctx)
        return number
