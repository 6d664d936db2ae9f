"""Writes fee schedules as CSV, for who wants to start from one that is there in a spreadsheet."""

import csv
import datetime as dt
import io
import re
from collections.abc import Iterator, Mapping
from typing import Any

from cashier.domain.errors import Refused
from cashier.domain.fees import Schedule
from cashier.schedule_csv import COLUMNS, HEAD, LIST_MARK, MEASURE_MEMBERS
from cashier.schedule_toml import fee_table, head_table, measure_table, measures_of_schedule

#: What a spreadsheet takes for a formula.
_FORMULA = re.compile(r"'*[=+@-]")


def csv_text(schedule: Schedule) -> str:
    """A schedule as CSV text, with the columns that it needs. `parse_csv` reads the same schedule from it,
    but for `ends`, which is the doing of whoever brings a file in."""
    out = io.StringIO(newline="")
    csv.writer(out).writerows([_guarded(cell) for cell in row] for row in csv_rows(schedule))
    return out.getvalue()


def csv_rows(schedule: Schedule) -> Iterator[list[str]]:
    """The rows of `csv_text`."""
    for name, value in head_table(schedule).items():
        if name in HEAD:
            yield [name, _cell(value)]
    for measure in measures_of_schedule(schedule).values():
        members = measure_table(measure)
        yield ["measure", measure.name, *(_cell(members.get(name, "")) for name in MEASURE_MEMBERS)]
    rows = [row for fee in schedule.fees for row in _flat(fee_table(fee))]
    columns = [name for name in COLUMNS if any(name in row for row in rows)]
    yield []
    yield columns
    for row in rows:
        yield [row.get(name, "") for name in columns]


def _flat(fee: Mapping[str, Any]) -> list[dict[str, str]]:
    """A fee's first row and those that go on with it."""
    items = [one for name in ("tiers", "prices") for one in fee.get(name, ())]
    rows = [{name: _cell(value) for name, value in item.items()} for item in items] or [{}]
    own = {name: _cell(value) for name, value in fee.items() if name not in ("tiers", "prices")}
    return [own | rows[0], *rows[1:]]


def _cell(value: object) -> str:
    match value:
        case bool():
            return "yes" if value else "no"
        case list():
            if any(LIST_MARK in str(one) for one in value):
                raise Refused(f"a CSV file cannot keep {LIST_MARK} in a list such as {value}")
            return LIST_MARK.join(map(str, value))
        case dt.date():
            return value.isoformat()
    return str(value)


def _guarded(text: str) -> str:
    """A text that a spreadsheet would take for a formula, marked as text."""
    return f"'{text}" if _FORMULA.match(text) else text
