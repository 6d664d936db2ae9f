"""Fee schedules as CSV, as spreadsheets write it: one row a fee, every fault with its line and column.

The format is described in `resources/schedules/README.md`. A file becomes the table that a TOML file would
have been, so that one set of rules checks both. `cashier.schedule_csv_writing` is the inverse.
"""

import csv
import datetime as dt
import io
import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from difflib import get_close_matches
from typing import Any

from cashier.domain.errors import Refused
from cashier.domain.fees import Schedule
from cashier.schedules import FaultAt, check_table

#: More fees than any counter has, with room for their tiers.
ROWS_MAX = 20_000
COLUMNS_MAX = 100
DELIMITERS = (",", ";")
#: Parts a list in one cell: `house|duplex`.
LIST_MARK = "|"

#: The rows before the column names: what stands in their first cell, and how many cells follow it.
HEAD = {"name": 1, "title": 1, "source": 1, "effective_from": 1, "effective_until": 1, "measure": 4}
MEASURE_MEMBERS = ("label", "unit", "whole")
#: Columns of a fee's first row alone, in the order in which they are written.
FEE_COLUMNS = (
    *("code", "name", "kind", "amount", "units", "included", "measure", "lowest", "step"),
    *("percent", "of", "minimum", "without_base", "type_id", "gl_account", "external_charge_code"),
    *("refundable", "category", "search_words", "rounding", "round_to", "effective_from", "effective_until"),
)
#: Columns of every row of a fee: a tier, or a price that switches with the quantity.
TIER_COLUMNS = ("over", "up_to", "base", "rate", "per", "counted_over")
PRICE_COLUMNS = ("up_to", "price")
ROW_COLUMNS = (*TIER_COLUMNS, "price")
COLUMNS = (*FEE_COLUMNS, *ROW_COLUMNS)

_THOUSANDS = re.compile(r"\d{1,3}(,\d{3})+(\.\d*)?", re.ASCII)
_US_DATE = re.compile(r"(\d{1,2})/(\d{1,2})/(\d{4})", re.ASCII)
_ISO_DATE = re.compile(r"\d{4}-\d{2}-\d{2}", re.ASCII)
_SHORTENED = re.compile(r"\d([.,]\d+)?E[+-]?\d+", re.ASCII | re.IGNORECASE)
_AS_TEXT = re.compile(r'="(.*)"', re.DOTALL)
#: A text that begins like a formula, marked as text.
_GUARDED = re.compile(r"'+[=+@-]")
_YES_NO = {"true": True, "yes": True, "y": True, "false": False, "no": False, "n": False}
#: What the checks say of a TOML file, and what it is in a spreadsheet.
_WORDS = (
    (" in quotes", ""),
    (", without quotes", ""),
    (": [measures] does not have it", ": there is no row `measure` of this name before the column names"),
    ("state either price or prices", "is missing: the price of each unit"),
    ("must be a list in [ ]", "must be a list such as house|duplex"),
    ("must be true or false", "must be yes or no"),
    ("a schedule is a list of at least one [[fee]] table", "there is no row of a fee"),
)


@dataclass(frozen=True, slots=True)
class _Cell:
    """Text in a cell; `line` counts from 1, `column` from 0."""

    line: int
    column: int
    text: str


@dataclass
class _Places:
    """Where each member of the table stands in the file, and what was wrong with the cells themselves."""

    shown: str
    cells: dict[tuple[str | int, ...], _Cell] = field(default_factory=dict)
    lines: dict[tuple[str | int, ...], int] = field(default_factory=dict)
    columns: dict[str, int] = field(default_factory=dict)
    faults: list[tuple[int, int, str]] = field(default_factory=list)

    def fault(self, line: int, column: int | None, reason: str, name: str = "") -> None:
        """One fault, in the words of a spreadsheet."""
        place = f"line {line}"
        if column is not None:
            place += f", column {letters(column)}"
        if name:
            place += f" ({name})" if column is not None else f", {name}"
        self.faults.append((line, -1 if column is None else column, f"{self.shown}: {place}: {reason}"))

    def told(self) -> tuple[str, ...]:
        """The faults in the order of the file, the first of each cell."""
        first: dict[tuple[int, int, str], str] = {}
        for line, column, text in self.faults:
            first.setdefault((line, column, "" if column >= 0 else text), text)
        return tuple(text for _, text in sorted(first.items(), key=lambda item: item[0]))

    def at(self, cell: _Cell, reason: str, name: str = "") -> None:
        """A fault of a cell."""
        self.fault(cell.line, cell.column, reason, name)

    def tell(self, found: FaultAt) -> None:
        """A fault of the table, at the cell it comes from, or at the row where the cell is missing."""
        reason = self._worded(found.reason)
        names = [part for part in found.where if isinstance(part, str)]
        name = names[-1] if names else ""
        for length in range(len(found.where), 0, -1):
            if (cell := self.cells.get(found.where[:length])) is not None:
                self.at(cell, reason, name)
                return
            if (line := self.lines.get(found.where[:length])) is not None:
                self.fault(line, self.columns.get(name), reason, name)
                return
        self.fault(1, None, reason, "" if name == "fee" else name)

    def _worded(self, reason: str) -> str:
        for there, here in _WORDS:
            reason = reason.replace(there, here)
        if reason.startswith("unknown member"):
            return "does not belong to a fee of this kind"

        def line_of(match: re.Match[str]) -> str:
            return f"the fee of line {self.lines[('fee', int(match[1]) - 1)]}"

        return re.sub(r"fee number (\d+)", line_of, reason)


def letters(column: int) -> str:
    """A column's letters, as spreadsheets show them: 0 is A, 26 is AA."""
    text = ""
    column += 1
    while column:
        column, rest = divmod(column - 1, 26)
        text = chr(ord("A") + rest) + text
    return text


def parse_csv(content: bytes, shown: str) -> Schedule:
    """The schedule in a CSV file's content, whole and checked.

    `shown` is what the file is called in faults. Raises Refused with every fault, one line each,
    `FILE: line 7, column D (amount): reason`, in the order of the file.
    """
    places = _Places(shown)
    data = _table(_rows(_text(content, shown), shown), places)
    schedule, found = check_table(data) if data is not None else (None, [])
    for one in found:
        places.tell(one)
    if schedule is None or places.faults:
        told = places.told()
        raise Refused("\n".join(told), told)
    return schedule


# --- text and rows ------------------------------------------------------------------------------------


def _text(content: bytes, shown: str) -> str:
    """The text, in UTF-8 with or without its mark, or in Windows-1252."""
    if content.startswith(b"PK"):
        raise Refused(f"{shown}: is a workbook; save the sheet as CSV UTF-8 first")
    if content.startswith((b"\xff\xfe", b"\xfe\xff")) or b"\0" in content:
        raise Refused(f"{shown}: is not UTF-8 or Windows-1252 text; save it as CSV UTF-8")
    try:
        return content.decode("utf-8-sig")
    except UnicodeDecodeError:
        pass
    try:
        return content.decode("cp1252")
    except UnicodeDecodeError as error:
        line = content.count(b"\n", 0, error.start) + 1
        raise Refused(f"{shown}: line {line}: is neither UTF-8 nor Windows-1252 text") from error


def _rows(text: str, shown: str) -> list[list[_Cell]]:
    """The cells with something in them, row by row, parted by whichever sign finds column names."""
    first, _, rest = text.partition("\n")
    skipped = 0
    if re.fullmatch(r"sep=.\r?", first, re.IGNORECASE):
        text, skipped = rest, 1
    refusal: Refused | None = None
    found: list[list[_Cell]] = []
    for delimiter in DELIMITERS:
        try:
            found = list(_split(text, delimiter, skipped, shown))
        except Refused as refused:
            refusal = refusal or refused
            continue
        if any(_is_names(row) for row in found):
            return found
    if refusal is not None:
        raise refusal
    raise Refused(
        f"{shown}: has no row of column names: one cell of it must be `code`, parted from the next by a "
        "comma or a semicolon"
    )


def _split(text: str, delimiter: str, skipped: int, shown: str) -> Iterator[list[_Cell]]:
    reader = csv.reader(io.StringIO(text, newline=""), delimiter=delimiter, strict=True)
    before = 0
    while True:
        try:
            row = next(reader, None)
        except csv.Error as error:
            raise Refused(f"{shown}: line {reader.line_num + skipped}: {error}") from error
        if row is None:
            return
        line, before = before + 1 + skipped, reader.line_num
        cells = [_Cell(line, number, _plain(cell)) for number, cell in enumerate(row)]
        cells = [cell for cell in cells if cell.text]
        if cells and line > ROWS_MAX:
            raise Refused(f"{shown}: has more than {ROWS_MAX:,} lines")
        if cells and cells[-1].column >= COLUMNS_MAX:
            raise Refused(f"{shown}: line {line}: has more than {COLUMNS_MAX} columns")
        yield cells


def _plain(text: str) -> str:
    """A cell without what spreadsheets put around it: blanks, `="00123"`, `'=` for a text that begins so."""
    text = text.replace("\xa0", " ").strip()
    if match := _AS_TEXT.fullmatch(text):
        return match[1].strip()
    return text[1:] if _GUARDED.match(text) else text


def _name(text: str) -> str:
    return re.sub(r"[\s-]+", "_", text.casefold())


def _is_names(row: Sequence[_Cell]) -> bool:
    """Whether a row has the column names: `code` among several, and not a head's `name,code`."""
    if len(row) < 2 or all(_name(cell.text) != "code" for cell in row):
        return False
    return len(row) > HEAD.get(_name(row[0].text), 0) + 1


# --- the table ----------------------------------------------------------------------------------------


def _table(rows: Sequence[list[_Cell]], places: _Places) -> dict[str, Any] | None:
    """What a TOML file would say; None when the columns cannot be told."""
    start = next(number for number, row in enumerate(rows) if _is_names(row))
    data = _head([row for row in rows[:start] if row], places)
    of_head = len(places.faults)
    names = _columns(rows[start], places)
    if len(places.faults) > of_head:
        # Without its columns nothing of a row can be judged; what is wrong with the head can.
        head_only = check_table(data)[1]
        for one in head_only:
            if one.where[0] != "fee":
                places.tell(one)
        return None
    data["fee"] = _fees([row for row in rows[start + 1 :] if row], names, places)
    return data


def _head(rows: Sequence[list[_Cell]], places: _Places) -> dict[str, Any]:
    data: dict[str, Any] = {}
    for first, *rest in rows:
        key = _name(first.text)
        if first.column or key not in HEAD:
            near = get_close_matches(key, HEAD, 1)
            hint = f"; did you mean {near[0]}?" if near else ""
            places.at(first, f"{first.text[:24]!r} begins no row before the column names{hint}")
            continue
        by_column = {cell.column: cell for cell in rest}
        for cell in rest:
            if cell.column > HEAD[key]:
                places.at(cell, f"does not belong to a row `{key}`")
        if key == "measure":
            _measure(first, by_column, data, places)
        elif (key,) in places.lines:
            places.at(first, f"{key} is stated twice")
        else:
            places.lines[(key,)] = first.line
            if 1 in by_column:
                _put(data, (key,), key, by_column[1], places)
    return data


def _measure(first: _Cell, cells: Mapping[int, _Cell], data: dict[str, Any], places: _Places) -> None:
    named = cells.get(1)
    if named is None:
        places.fault(first.line, 1, "is missing: the measure's name, such as square_feet")
        return
    measures = data.setdefault("measures", {})
    if named.text in measures:
        places.at(named, f"measure {named.text[:40]} is stated twice")
        return
    where = ("measures", named.text)
    measures[named.text] = {}
    places.cells[where] = named
    for column, member in enumerate(MEASURE_MEMBERS, start=2):
        if (cell := cells.get(column)) is None:
            if member != "whole":
                places.fault(first.line, column, "is missing", member)
                measures[named.text][member] = "?"
        else:
            _put(measures[named.text], (*where, member), member, cell, places)


def _columns(row: Sequence[_Cell], places: _Places) -> dict[int, str]:
    names: dict[int, str] = {}
    for cell in row:
        name = _name(cell.text)
        if name not in COLUMNS:
            near = get_close_matches(name, COLUMNS, 1)
            hint = f"; did you mean {near[0]}?" if near else ""
            places.at(cell, f"unknown column {cell.text[:24]!r}{hint}")
        elif name in places.columns:
            places.at(cell, f"column {name} is there twice")
        else:
            names[cell.column] = name
            places.columns[name] = cell.column
    return names


def _fees(rows: Sequence[list[_Cell]], names: Mapping[int, str], places: _Places) -> list[dict[str, Any]]:
    """Rows with a code begin a fee; rows without one go on with the fee before them."""
    groups: list[list[dict[str, _Cell]]] = []
    for row in rows:
        cells: dict[str, _Cell] = {}
        for cell in row:
            if cell.column in names:
                cells[names[cell.column]] = cell
            else:
                places.at(cell, "stands in a column without a name")
        if not cells:
            continue
        own = [name for name in cells if name not in ROW_COLUMNS]
        if own or not groups:
            groups.append([cells])
        else:
            groups[-1].append(cells)
    return [_fee(number, group, places) for number, group in enumerate(groups)]


def _fee(number: int, group: Sequence[Mapping[str, _Cell]], places: _Places) -> dict[str, Any]:
    first = group[0]
    line = next(iter(first.values())).line
    places.lines[("fee", number)] = line
    if "code" not in first and first.keys() - ROW_COLUMNS:
        # Rather a fee whose code was forgotten than one more row of the fee before it.
        places.fault(
            line, places.columns["code"], "is missing; a further row of a fee has only a tier or a price"
        )
    table: dict[str, Any] = {}
    for name, cell in first.items():
        if name not in ROW_COLUMNS:
            _put(table, ("fee", number, name), name, cell, places)
    match table.get("kind"):
        case "tiered":
            _put_rows(table, number, "tiers", TIER_COLUMNS, group, places)
        case "per_unit" if len(group) == 1 and "up_to" not in first:
            for name in ROW_COLUMNS:
                if name in first:
                    _put(table, ("fee", number, name), name, first[name], places)
        case "per_unit":
            _put_rows(table, number, "prices", PRICE_COLUMNS, group, places)
        case _:
            for cells in group:
                for name in ROW_COLUMNS:
                    if name in cells:
                        places.at(cells[name], "does not belong to a fee of this kind", name)
    return table


def _put_rows(
    table: dict[str, Any],
    number: int,
    member: str,
    columns: Sequence[str],
    group: Sequence[Mapping[str, _Cell]],
    places: _Places,
) -> None:
    """The rows of one fee as a list of tables."""
    items: list[dict[str, Any]] = []
    for cells in group:
        item: dict[str, Any] = {}
        where = ("fee", number, member, len(items))
        for name in ROW_COLUMNS:
            if name in cells and name not in columns:
                places.at(cells[name], "does not belong to a fee of this kind", name)
            elif name in cells:
                kind = "count" if member == "prices" and name == "up_to" else name
                _put(item, (*where, name), kind, cells[name], places)
        if item:
            places.lines[where] = next(iter(cells.values())).line
            items.append(item)
    if items:
        table[member] = items


# --- one cell -----------------------------------------------------------------------------------------


def _put(
    table: dict[str, Any], where: tuple[str | int, ...], name: str, cell: _Cell, places: _Places
) -> None:
    """A cell's value as TOML would have it; what cannot be read stays text, for the checks to refuse."""
    places.cells[where] = cell
    if name in _NEVER_SHORTENED and _SHORTENED.fullmatch(cell.text):
        places.at(
            cell,
            f"{cell.text} is a number that the spreadsheet has shortened; type it anew in a column of text",
            name,
        )
    table[str(where[-1])] = _READ.get(name, str)(cell.text)


def _money(text: str) -> str:
    """`$1,234.50` is `1234.50`."""
    plain = text.removeprefix("$").strip()
    if _THOUSANDS.fullmatch(plain):
        plain = plain.replace(",", "")
    return plain.removesuffix(".") if plain[:-1].isdecimal() else plain


def _count(text: str) -> int | str:
    plain = _money(text)
    return int(plain) if plain.isascii() and plain.isdecimal() and len(plain) < 16 else text


def _yes_no(text: str) -> bool | str:
    return _YES_NO.get(text.casefold(), text)


def _day(text: str) -> dt.date | str:
    """A date as 2027-01-01 or, as spreadsheets in the United States write it, 1/1/2027."""
    try:
        if match := _US_DATE.fullmatch(text):
            return dt.date(int(match[3]), int(match[1]), int(match[2]))
        return dt.date.fromisoformat(text) if _ISO_DATE.fullmatch(text) else text
    except ValueError:
        return text


def _percentage(text: str) -> str:
    return text.removesuffix("%").strip()


def _several(text: str) -> list[str]:
    return [part.strip() for part in text.split(LIST_MARK) if part.strip()]


_READ: Mapping[str, Callable[[str], Any]] = {
    **dict.fromkeys(("amount", "minimum", "base", "rate", "price"), _money),
    **dict.fromkeys(("over", "up_to", "per", "counted_over", "lowest"), _money),
    **dict.fromkeys(("type_id", "included", "count"), _count),
    **dict.fromkeys(("refundable", "whole"), _yes_no),
    **dict.fromkeys(("effective_from", "effective_until"), _day),
    **dict.fromkeys(("kind", "step", "without_base", "rounding", "round_to"), _name),
    **dict.fromkeys(("of", "search_words"), _several),
    "percent": _percentage,
}
_NEVER_SHORTENED = frozenset({"code", "gl_account", "external_charge_code", "type_id"})
