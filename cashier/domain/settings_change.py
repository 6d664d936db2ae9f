"""What a change of the settings says in the journal, and what the journal knows of the settings by then.

Settings are told apart by keys such as `hub.url` and `billers[main].invoice_types[6]`, their values by the
text that a person would write. Secrets are no settings: that one was set is recorded, never what it is.
"""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import Any

from cashier.domain.entries import Entry, EntryKind, Json
from cashier.domain.scrub import scrub_card_numbers

#: What entries about the settings are about.
SETTINGS = "settings"
#: What the items of a list of tables are known by, the first that they have.
_NAMES = ("name", "id")


class Source(StrEnum):
    """How settings came to be as they are. Persisted by name."""

    PAGE = "page"  # an administrator changed them at the till
    FILE = "file"  # they were different when the till started


@dataclass(frozen=True)
class SettingFault:
    """A setting that cannot stand as it is: its key as the settings file has it, and why."""

    key: str
    reason: str


@dataclass(frozen=True)
class Change:
    """One setting before and after; None for one that was, or is, left to its default."""

    key: str
    before: str | None
    after: str | None


def flatten(table: Mapping[str, Any]) -> dict[str, str]:
    """Every value of a table of settings as text, by key."""
    return dict(_flat("", table))


def _flat(key: str, value: Any) -> Iterator[tuple[str, str]]:
    match value:
        case Mapping():
            for name, inside in value.items():
                # Invoice types are named by numbers, everything else by a word.
                part = f"[{name}]" if str(name).isdecimal() else f".{name}"
                yield from _flat(f"{key}{part}" if key else str(name), inside)
        case list() | tuple() if any(isinstance(one, Mapping) for one in value):
            for place, one in enumerate(value):
                names = (one[name] for name in _NAMES if isinstance(one, Mapping) and name in one)
                yield from _flat(f"{key}[{next(names, place)}]", one)
        case list() | tuple():
            yield key, ", ".join(_text(one) for one in value)
        case None:
            pass  # a setting that is None is one that is not set
        case _:
            yield key, _text(value)


def _text(value: object) -> str:
    return str(value).lower() if isinstance(value, bool) else scrub_card_numbers(str(value))


def changes(before: Mapping[str, str], after: Mapping[str, str]) -> tuple[Change, ...]:
    """What differs between two flattened tables, by key."""
    keys = sorted(before.keys() | after.keys())
    pairs = ((key, before.get(key), after.get(key)) for key in keys)
    return tuple(Change(key, old, new) for key, old, new in pairs if old != new)


def change_body(made: Iterable[Change], source: Source, who: str) -> Json:
    """A SETTINGS_CHANGED entry's body. `who` is empty for nobody at the till."""
    told = [{"key": one.key, "before": one.before, "after": one.after} for one in made]
    return {"source": source.value, "who": who, "changes": told}


@dataclass(frozen=True)
class SettingsEntry:
    """A line of the settings' history: a change of settings, or a secret that was set (`secret`)."""

    at: str
    source: Source
    who: str
    changes: tuple[Change, ...] = ()
    secret: str = ""


def history(entries: Iterable[Entry]) -> Iterator[SettingsEntry]:
    """What the journal says about the settings, in its order; entries about other matters are left out."""
    for entry in entries:
        body = entry.body
        if entry.kind is EntryKind.SETTINGS_CHANGED:
            made = tuple(Change(one["key"], one["before"], one["after"]) for one in body["changes"])
            yield SettingsEntry(entry.at, Source(body["source"]), body["who"], made)
        elif entry.kind is EntryKind.SECRET_SET:
            yield SettingsEntry(entry.at, Source.PAGE, body["who"], secret=body["name"])


def known(entries: Iterable[Entry]) -> dict[str, str]:
    """The settings as the journal knows them: every change after the other, on nothing."""
    found: dict[str, str] = {}
    for line in history(entries):
        for change in line.changes:
            if change.after is None:
                found.pop(change.key, None)
            else:
                found[change.key] = change.after
    return found
