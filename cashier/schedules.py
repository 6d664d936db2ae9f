"""Fee schedules from TOML files: the whole file is checked, and every fault is told at once.

The format is described in `resources/schedules/README.md`. A faulty file is refused as a whole, one line
per fault: `FILE: fee[building-permit].tiers[2].up_to: reason`; places in lists are counted from 1. A file
that is not TOML is refused with the line.
"""

import datetime as dt
import tomllib
from collections import Counter
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from cashier.domain.errors import Refused
from cashier.domain.fees import Measure, Period, Schedule, ScheduledFee
from cashier.domain.money import Rounding
from cashier.domain.schedule_files import ScheduleFile, schedule_on
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


@dataclass(frozen=True, slots=True)
class FaultAt:
    """Where a fault is, from the top of the file (`fee`, 3, `tiers`, 1, `up_to`; counted from 0), and why."""

    where: tuple[str | int, ...]
    reason: str


def load_schedule(path: Path) -> Schedule:
    """The schedule in a TOML file, whole and checked.

    Raises Refused with every fault of the file, one line each, `FILE: place: reason`.
    """
    return parse_schedule(read_content(path), str(path), path.stem)


def parse_schedule(content: bytes, shown: str, stem: str | None) -> Schedule:
    """The schedule in a TOML file's content, whole and checked. Raises Refused like `load_schedule`.

    `shown` is what the file is called in faults. `stem` is its name without `.toml`, which must begin with
    the schedule's; None for a file that is to be brought in and may be called anything.
    """
    data = _toml(content, shown)
    schedule, faults = check_table(data, stem)
    if schedule is None:
        labels = _labels(data)
        told = tuple(f"{shown}: {_labelled(fault.where, labels)}: {fault.reason}" for fault in faults)
        raise Refused("\n".join(told), told)
    return schedule


def read_content(path: Path) -> bytes:
    """A schedule file's bytes. Raises Refused when it cannot be read or is too large."""
    try:
        with path.open("rb") as file:
            content = file.read(FILE_BYTES_MAX + 1)
    except OSError as error:
        raise Refused(f"{path}: cannot be read: {error.strerror or error}") from error
    if len(content) > FILE_BYTES_MAX:
        raise Refused(f"{path}: is larger than {FILE_BYTES_MAX // 1024 // 1024} MiB")
    return content


def check_table(data: Mapping[str, Any], stem: str | None = None) -> tuple[Schedule | None, list[FaultAt]]:
    """The schedule of a file's table, or everything wrong with it. `stem` as in `parse_schedule`."""
    header, found = read_header({name: value for name, value in data.items() if name != "fee"})
    faults = [FaultAt(where, reason) for where, reason in found]
    if header is not None and stem is not None and not _may_be(stem, header.name):
        faults.append(FaultAt(("name",), f"{header.name} must also begin the file's name"))
    measures = data.get("measures")
    names = measures.keys() if isinstance(measures, dict) else ()
    fees = _fees(data.get("fee"), names, faults)
    if faults or header is None:
        return None, faults
    known = {
        name: Measure(name, measure.label, measure.unit, measure.whole)
        for name, measure in header.measures.items()
    }
    schedule = Schedule(
        header.name,
        header.title,
        tuple(_scheduled(fee, known) for fee in fees),
        header.source or "",
        Period(header.effective_from, header.effective_until),
        tuple(header.ends),
    )
    return schedule, []


def _toml(content: bytes, shown: str) -> dict[str, Any]:
    try:
        return tomllib.loads(content.decode("utf-8"))
    except UnicodeDecodeError as error:
        line = content.count(b"\n", 0, error.start) + 1
        raise Refused(f"{shown}: line {line}: is not UTF-8 text") from error
    except tomllib.TOMLDecodeError as error:
        reason, _, place = str(error).rpartition(" (at ")
        raise Refused(f"{shown}: {place.removesuffix(')')}: {reason}") from error


def _fees(raw: object, measures: Iterable[str], faults: list[FaultAt]) -> list[AnyFee]:
    """The fees that can be read; everything wrong with any of them is added to `faults`."""
    tables = _tables(raw)
    if not isinstance(raw, list) or not tables or len(tables) != len(raw):
        faults.append(FaultAt(("fee",), "a schedule is a list of at least one [[fee]] table"))
    codes = {fee["code"] for fee in tables if is_code(fee.get("code"))}
    duplicates = duplicate_faults(tables)
    fees: list[AnyFee] = []
    for number, table in enumerate(tables):
        fee, found = read_fee(table)
        if fee is not None:
            fees.append(fee)
        found.extend(cross_faults(table, measures, codes))
        if number in duplicates:
            found.append(duplicates[number])
        told: dict[tuple[str | int, ...], str] = {}
        for where, reason in found:
            told.setdefault(where, reason)
        faults.extend(FaultAt(("fee", number, *where), reason) for where, reason in told.items())
    for code, (where, reason) in circular_faults(tables):
        number = next(number for number, fee in enumerate(tables) if fee.get("code") == code)
        faults.append(FaultAt(("fee", number, *where), reason))
    return fees


def _tables(raw: object) -> list[dict[str, Any]]:
    return [one for one in raw if isinstance(one, dict)] if isinstance(raw, list) else []


def _labels(data: Mapping[str, Any]) -> list[str]:
    """What each fee of a file is called in faults: its code, with its number where that does not tell."""
    fees = _tables(data.get("fee"))
    codes = Counter(fee["code"] for fee in fees if is_code(fee.get("code")))
    labels = []
    for number, fee in enumerate(fees):
        code = fee.get("code")
        label = f"#{number + 1}"
        if is_code(code):
            label = code if codes[code] == 1 else f"{code}#{number + 1}"
        labels.append(label)
    return labels


def _labelled(where: tuple[str | int, ...], labels: list[str]) -> str:
    if len(where) > 1 and where[0] == "fee" and isinstance(where[1], int):
        return f"fee[{labels[where[1]]}].{_place(where[2:])}"
    return _place(where)


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
    return tuple(read_file(path) for path in sorted(folder.glob("*.toml")))


def find(
    name: str, folder: Path, on: dt.date, own: Path | None = None, read: Callable[[Path], Found] | None = None
) -> Schedule:
    """The schedule of that name as it stands on a business date, from `NAME.toml` or `NAME-….toml` of the
    folder, or of the office's own. `read` reads a file, instead of `read_file`.

    Raises Refused as `domain.schedule_files.schedule_on` does.
    """
    others = sorted({path.stem for path, _ in schedule_paths(folder, own)})
    return schedule_on(name, schedule_files(folder, own, name, read), on, others)


def schedule_files(
    shipped: Path,
    own: Path | None = None,
    name: str | None = None,
    read: Callable[[Path], Found] | None = None,
) -> tuple[ScheduleFile, ...]:
    """The schedule files that count: those that ship with the till, and those of the office's own folder,
    which need not exist. With a name only those that may be of that schedule. `read` as in `find`."""
    paths = [(path, is_own) for path, is_own in schedule_paths(shipped, own) if _may_be(path.stem, name)]
    found = (((read or read_file)(path), is_own) for path, is_own in paths)
    return tuple(ScheduleFile(one.path.name, is_own, one.schedule, one.faults) for one, is_own in found)


def schedule_paths(shipped: Path, own: Path | None = None) -> list[tuple[Path, bool]]:
    """The files of both folders, and whether each is the office's own."""
    folders = [(shipped, False), *([(own, True)] if own is not None else [])]
    return [(path, is_own) for folder, is_own in folders for path in sorted(folder.glob("*.toml"))]


def read_file(path: Path) -> Found:
    """A schedule file, or why it is refused."""
    try:
        return Found(path, load_schedule(path))
    except Refused as refused:
        return Found(path, None, refused.faults)


def _may_be(stem: str, name: str | None) -> bool:
    return name is None or stem == name or stem.startswith(f"{name}-")
