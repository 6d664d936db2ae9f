"""The settings file as something that is changed: read, checked as typed, and written whole or not at all.

What an IT person has written by hand – comments, the order of keys – stays where it can (tomlkit).
"""

import contextlib
import copy
import os
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

import tomlkit
from tomlkit.container import Container
from tomlkit.items import AoT, Array, Table

from cashier.domain.errors import Refused, Unavailable
from cashier.domain.settings_change import SettingFault
from cashier.paper.whole import write_whole
from cashier.settings import Settings, check, faults_of, read_table
from cashier.settings_receipt import MOVED

#: Where the settings are kept with which the till has last started, beside the settings file.
LAST_GOOD = "settings.last-good.toml"
#: Settings of where this till is, which no other till's file changes.
OWN_KEYS = ("till", "data_folder", "training")
_PREFIX, _LEVELS = "CASHIER_", "__"
_SECRET = "CASHIER_SECRET_"


class SettingsFile:
    """One till's settings file. Raises Refused for what a person can mend, Unavailable for a disk."""

    def __init__(
        self,
        path: Path,
        environ: Mapping[str, str],
        preview: Callable[[Settings], str],
        unknown: Callable[[Settings], tuple[SettingFault, ...]] = lambda _settings: (),
    ) -> None:
        """`unknown` tells which names in right settings name nothing, such as a fee schedule that is none."""
        self.path = path
        self._environ = environ
        self._preview, self._unknown = preview, unknown
        self._read: str | None = None

    @property
    def where(self) -> str:
        """Where the file is, for people."""
        return str(self.path)

    def read(self) -> dict[str, Any]:
        """What the file says; nothing for one that is not there yet. It need not be right."""
        if not self.path.exists():
            self._read = None
            return {}
        with contextlib.suppress(UnicodeDecodeError, OSError):  # told by the reading below
            self._read = self.path.read_text(encoding="utf-8")
        return read_table(self.path)

    def faults(self, table: Mapping[str, Any]) -> tuple[SettingFault, ...]:
        """What keeps a table from being settings that a till can start with."""
        return faults_of(table) or self._unknown(check(dict(table), self.where))

    def effective(self, table: Mapping[str, Any]) -> dict[str, Any]:
        """A right table with the environment on top, as values of JSON; defaults are left out."""
        return check(dict(table), self.where).model_dump(mode="json", exclude_unset=True)

    def fixed(self) -> frozenset[str]:
        """Keys that the environment sets, such as `gateway.base_url`: the file is not asked for them."""
        names = (name for name in self._environ if name.startswith(_PREFIX) and not name.startswith(_SECRET))
        keys = (name.removeprefix(_PREFIX).lower().replace(_LEVELS, ".") for name in names)
        moved = {".".join(old): ".".join(new) for old, new in MOVED}
        return frozenset(moved.get(key, key) for key in keys)

    def preview(self, table: Mapping[str, Any]) -> str:
        """The request that a made-up sale would make under a right table. Raises Refused."""
        return self._preview(check(dict(table), self.where))

    def write(self, table: Mapping[str, Any]) -> None:
        """Put a right table in the file's place, as the owner's alone.

        Raises Refused when it is not right, or when somebody else has changed the file since it was read.
        """
        effective = self.effective(table)
        self.refuse_if_changed()
        document = tomlkit.parse(self._read) if self._read else tomlkit.document()
        _merge(document, table)
        text = tomlkit.dumps(document)
        written = tomlkit.parse(text).unwrap()
        if check(written, self.where).model_dump(mode="json", exclude_unset=True) != effective:
            raise AssertionError("what would be written is not what was checked")
        self._put(self.path, text)
        self._read = text

    def refuse_if_changed(self) -> None:
        """Raises Refused when somebody else has changed the file since it was read."""
        if self._read != self._now():
            raise Refused(
                f"{self.path} was changed by somebody else meanwhile. Nothing was saved. "
                "Open the settings anew."
            )

    def export(self, out: Path) -> None:
        """Write what is saved into a file for another till. It holds no secrets: settings have none."""
        document = tomlkit.document()
        _merge(document, self._saved())
        self._put(out, tomlkit.dumps(document))

    def import_from(self, file: Path) -> dict[str, Any]:
        """Another file's table with what is this till's own; unchecked. Raises Refused."""
        table, own = read_table(file), self._saved()
        for key in OWN_KEYS:
            table.pop(key, None)
            if key in own:
                table[key] = own[key]
        return table

    def _saved(self) -> dict[str, Any]:
        """What the file says now. What is being changed is still held against what was read for that."""
        return read_table(self.path) if self.path.exists() else {}

    # -- what has worked ---------------------------------------------------------------------------------

    @property
    def last_good(self) -> Path:
        """The settings with which the till has last started; they need not be there."""
        return self.path.with_name(LAST_GOOD)

    def keep_as_good(self) -> None:
        """The till has started with these settings. A disk that refuses keeps no till from starting."""
        with contextlib.suppress(OSError, Unavailable):
            text = self.path.read_text(encoding="utf-8")
            if not self.last_good.exists() or self.last_good.read_text(encoding="utf-8") != text:
                self._put(self.last_good, text)

    def go_back(self) -> Path:
        """Put the settings that have last worked in the place of a broken file, which is kept beside.

        Returns where the broken file is now. Raises Refused when there are none, or they are not right.
        """
        if not self.last_good.exists():
            raise Refused("This till has not started with any settings yet: there are none to go back to.")
        check(read_table(self.last_good), str(self.last_good))
        aside = self.path.with_name("settings.broken.toml")
        try:
            text = self.last_good.read_text(encoding="utf-8")
            if self.path.exists():
                write_whole(aside, lambda part: _copy(self.path, part))
        except OSError as error:
            raise Unavailable(f"{aside}: {error.strerror or error}. Nothing was changed.") from error
        self._put(self.path, text)
        return aside

    def _now(self) -> str | None:
        try:
            return self.path.read_text(encoding="utf-8")
        except FileNotFoundError:
            return None
        except (OSError, UnicodeDecodeError) as error:
            raise Unavailable(f"{self.path}: cannot be read: {error}. Nothing was saved.") from error

    def _put(self, path: Path, text: str) -> None:
        try:
            path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
            write_whole(path, lambda part: part.write_text(text, encoding="utf-8"))
        except OSError as error:
            raise Unavailable(f"{path}: {error.strerror or error}. Nothing was saved.") from error


def _copy(source: Path, target: Path) -> None:
    target.write_bytes(source.read_bytes())


# --- a table into a document ----------------------------------------------------------------------------


def _merge(into: Container | Table, wanted: Mapping[str, Any]) -> None:
    """Make a document say what a table says; what it says already is not touched."""
    for key in [key for key in into if key not in wanted or wanted[key] is None]:
        into.remove(key)
    for key, value in wanted.items():
        if value is None:
            continue
        name = str(key)
        there = into.get(name)
        if isinstance(value, Mapping):
            if not isinstance(there, Table):
                into[name] = there = tomlkit.table()
            _merge(there, {str(inside): one for inside, one in value.items()})
        elif _is_list_of_tables(value):
            _merge_list(into, name, value)
        elif not isinstance(there, AoT) and _plain(there) == _plain(value):
            continue
        else:
            into[name] = _plain(value)


def _merge_list(into: Container | Table, name: str, wanted: Sequence[Mapping[str, Any]]) -> None:
    there = into.get(name)
    if isinstance(there, AoT) and len(there) == len(wanted):
        for table, value in zip(there, wanted, strict=True):
            _merge(table, value)
        return
    kept: dict[object, Table] = {}
    if isinstance(there, AoT):
        kept = {_known_by(table.unwrap()): copy.deepcopy(table) for table in there}
    made = tomlkit.aot()
    for value in wanted:
        table = kept.pop(_known_by(value), None) or tomlkit.table()
        _merge(table, value)
        made.append(table)
    into[name] = made


def _known_by(table: Mapping[str, Any]) -> object:
    return table.get("name", table.get("id"))


def _is_list_of_tables(value: object) -> bool:
    return isinstance(value, list | tuple) and any(isinstance(one, Mapping) for one in value)


def _plain(value: Any) -> Any:
    """A value as a person would compare it: without where and how it is written."""
    if isinstance(value, Array | tuple):
        return [_plain(one) for one in value]
    unwrap = getattr(value, "unwrap", None)
    if unwrap is not None:
        return unwrap()
    return os.fspath(value) if isinstance(value, Path) else value
