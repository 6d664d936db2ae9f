"""The settings as they are being changed: a copy of what the file says, until it is saved or put away."""

import copy
from collections.abc import Mapping, Sequence
from typing import Any

#: Where a setting is: names of tables, and places in lists of tables.
Path = tuple[str | int, ...]


def path_text(path: Path) -> str:
    """A path as faults name it: `billers[0].card_maximum`."""
    text = ""
    for part in path:
        text += f"[{part}]" if isinstance(part, int) else f".{part}" if text else part
    return text


class SettingsDraft:
    """A table that is read and written by paths. Tables that hold nothing any more are taken out."""

    def __init__(self, table: Mapping[str, Any]) -> None:
        self._table: dict[str, Any] = copy.deepcopy(dict(table))

    @property
    def table(self) -> dict[str, Any]:
        """A copy of the whole."""
        return copy.deepcopy(self._table)

    def get(self, path: Path) -> Any:
        """What stands at a path; None for nothing."""
        found: Any = self._table
        for part in path:
            if isinstance(found, Mapping):
                found = found.get(str(part))
            elif isinstance(found, Sequence) and not isinstance(found, str) and isinstance(part, int):
                found = found[part] if part < len(found) else None
            else:
                return None
        return found

    def set(self, path: Path, value: Any) -> None:
        """Put a value at a path; None takes away what stands there."""
        _set(self._table, path, value)

    def items(self, key: str) -> list[Any]:
        """The items of a list of tables; empty for one that is not there."""
        found = self._table.get(key)
        return list(found) if isinstance(found, list) else []

    def add(self, key: str, item: Mapping[str, Any]) -> int:
        """Add an item to a list of tables; its place."""
        items = [*self.items(key), dict(item)]
        self._table[key] = items
        return len(items) - 1

    def remove(self, key: str, place: int) -> None:
        """Take an item out of a list of tables."""
        items = self.items(key)
        del items[place]
        self._table[key] = items


def _set(table: dict[str, Any], path: Path, value: Any) -> None:
    first, rest = str(path[0]), path[1:]
    if not rest:
        if value is None:
            table.pop(first, None)
        else:
            table[first] = value
        return
    if isinstance(rest[0], int):
        _set(table[first][rest[0]], rest[1:], value)
        return
    inside = table.get(first)
    if not isinstance(inside, dict):
        inside = {}
    _set(inside, rest, value)
    if inside:
        table[first] = inside
    else:
        table.pop(first, None)
