"""Fee schedules from TOML files: the whole file is checked, and every fault is told at once.

The format is described in `resources/schedules/README.md`. A faulty file is refused as a whole, one line
per fault: `FILE: fee[building-permit].tiers[2].up_to: reason`; places in lists are counted from 1. A file
that is not TOML is refused with the line.
"""

import datetime as dt
import tomllib
from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from cashier.domain.errors import Refused
from cashier.domain.fees import Measure, Period, Schedule, ScheduledFee, in_force
from cashier.domain.money import Rounding
from cashier.schedule_file import (
    AnyFee,
    circular_faults,
    cross_faults,
    duplicate_faults,
    is_code,
    read_fee,
    read_header,
)

#: About 10,000 fees.
FILE_BYTES_MAX = 4 * 1024 * 1024


def load_schedule(path: Path) -> Schedule:
    """The schedule in a TOML file, whole and checked.

    Raises Refused with every fault of the file, one line each, `FILE: place: reason`.
    """
    data = _toml(path)
    raw_fees = data.pop("fee", None)
    header, found = read_header(data)
    faults = [f"{path}: {_place(where)}: {reason}" for where, reason in found]
    if header is not None and path.stem != header.name and not path.stem.startswith(f"{header.name}-"):
        faults.append(f"{path}: name: {header.name} must also begin the file's name")
    measures = data.get("measures")
    names = measures.keys() if isinstance(measures, dict) else ()
    fees = _fees(path, raw_fees, names, faults)
    if faults or header is None:
        raise Refused("\n".join(faults), tuple(faults))
    known = {
        name: Measure(name, measure.label, measure.unit, measure.whole)
        for name, measure in header.measures.items()
    }
    return Schedule(
        header.name,
        header.title,
        tuple(_scheduled(fee, known) for fee in fees),
        header.source or "",
        Period(header.effective_from, header.effective_until),
    )


def _toml(path: Path) -> dict[str, Any]:
    def refused(reason: str) -> Refused:
        return Refused(f"{path}: {reason}")

    try:
        with path.open("rb") as file:
            content = file.read(FILE_BYTES_MAX + 1)
    except OSError as error:
        raise refused(f"cannot be read: {error.strerror or error}") from error
    if len(content) > FILE_BYTES_MAX:
        raise refused(f"is larger than {FILE_BYTES_MAX // 1024 // 1024} MiB")
    try:
        return tomllib.loads(content.decode("utf-8"))
    except UnicodeDecodeError as error:
        line = content.count(b"\n", 0, error.start) + 1
        raise refused(f"line {line}: is not UTF-8 text") from error
    except tomllib.TOMLDecodeError as error:
        reason, _, place = str(error).rpartition(" (at ")
        raise refused(f"{place.removesuffix(')')}: {reason}") from error


def _fees(path: Path, raw: object, measures: Iterable[str], faults: list[str]) -> list[AnyFee]:
    """The fees that can be read; everything wrong with any of them is added to `faults`."""
    tables = [one for one in raw if isinstance(one, dict)] if isinstance(raw, list) else []
    if not isinstance(raw, list) or not tables or len(tables) != len(raw):
        faults.append(f"{path}: fee: a schedule is a list of at least one [[fee]] table")
    codes = Counter(fee["code"] for fee in tables if is_code(fee.get("code")))
    duplicates = duplicate_faults(tables)
    fees: list[AnyFee] = []
    for number, table in enumerate(tables):
        fee, found = read_fee(table)
        if fee is not None:
            fees.append(fee)
        found.extend(cross_faults(table, measures, codes))
        if number in duplicates:
            found.append(duplicates[number])
        code = table.get("code")
        label = f"#{number + 1}"
        if is_code(code):
            label = code if codes[code] == 1 else f"{code}#{number + 1}"
        told: dict[str, str] = {}
        for where, reason in found:
            told.setdefault(_place(where), reason)
        faults.extend(f"{path}: fee[{label}].{place}: {reason}" for place, reason in told.items())
    for code, (where, reason) in circular_faults(tables):
        faults.append(f"{path}: fee[{code}].{_place(where)}: {reason}")
    return fees


def _place(where: Iterable[str | int]) -> str:
    parts = (f"[{p + 1}]" if isinstance(p, int) else f".{p if p.isprintable() else repr(p)}" for p in where)
    return "".join(parts).removeprefix(".")


def _scheduled(fee: AnyFee, measures: Mapping[str, Measure]) -> ScheduledFee:
    return ScheduledFee(
        code=fee.code,
        name=fee.name,
        rule=fee.rule(measures),
        type_id=fee.type_id,
        gl_account=fee.gl_account,
        external_charge_code=fee.external_charge_code,
        refundable=fee.refundable,
        category=fee.category or "",
        search_words=tuple(fee.search_words),
        rounding=Rounding(fee.rounding),
        round_to_cents=100 if fee.round_to == "dollar" else 1,
        period=Period(fee.effective_from, fee.effective_until),
    )


# --- a folder of files --------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Found:
    """A schedule file: what it holds, or why it is refused."""

    path: Path
    schedule: Schedule | None
    faults: tuple[str, ...] = ()


def available(folder: Path) -> tuple[Found, ...]:
    """Every `*.toml` of the folder by file name, faulty ones with their faults."""
    return tuple(_found(path) for path in sorted(folder.glob("*.toml")))


def find(name: str, folder: Path, on: dt.date) -> Schedule:
    """The schedule of that name as it stands on a business date, from `NAME.toml` or `NAME-….toml`.

    Raises Refused when there is none, when none is in force then, when two are, and when a file of that
    name is faulty, for it might be the one that holds.
    """
    paths = [p for p in sorted(folder.glob("*.toml")) if p.stem == name or p.stem.startswith(f"{name}-")]
    found = [_found(path) for path in paths]
    if faults := tuple(fault for one in found for fault in one.faults):
        raise Refused("\n".join(faults), faults)
    named = [one for one in found if one.schedule is not None and one.schedule.name == name]
    if not named:
        others = ", ".join(sorted({path.stem for path in folder.glob("*.toml")})) or "none"
        raise Refused(f"there is no fee schedule {name[:40]!r}; there are: {others}")
    holding = [one for one in named if one.schedule is not None and one.schedule.period.covers(on)]
    match [one.schedule for one in holding]:
        case [Schedule() as schedule]:
            return in_force(schedule, on)
        case []:
            periods = "; ".join(str(one.schedule.period) for one in named if one.schedule is not None)
            raise Refused(f"fee schedule {name} is not in force on {on}, but {periods}")
        case _:
            files = ", ".join(one.path.name for one in holding)
            raise Refused(f"fee schedule {name} is stated twice for {on}: {files}")


def _found(path: Path) -> Found:
    try:
        return Found(path, load_schedule(path))
    except Refused as refused:
        return Found(path, None, refused.faults)
