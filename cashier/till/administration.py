"""Changing the till's settings at the till: checked as typed, journalled with who, saved whole or not at all.

What is saved counts from the next start on, so that no payment begins under one rule and ends under another.
What was changed in the file itself is journalled by the start that finds it.
"""

from collections.abc import Callable
from pathlib import Path
from typing import Any

from cashier.domain.accounts import Secret
from cashier.domain.entries import Draft, EntryKind, Json
from cashier.domain.errors import CashierError, Refused
from cashier.domain.people import Permission
from cashier.domain.settings_change import (
    SETTINGS,
    Change,
    SettingFault,
    SettingsEntry,
    Source,
    change_body,
    changes,
    flatten,
    history,
    known,
)
from cashier.till.administration_ports import Examined, SettingsStore, Table, Tools
from cashier.till.identity import new_id
from cashier.till.people import People
from cashier.till.ports import Clock, Journal, Randomness

KINDS = (EntryKind.SETTINGS_CHANGED, EntryKind.SECRET_SET)
NOT_HERE = (
    "The settings of this till are not changed here: a training session brings its own with it. Close it, "
    "and open the till without training."
)
NOTHING = "Nothing is changed: the settings are as they were."
KEY_MAX = 4096
#: What the journal's numbers and the till's key are made with.
OWN = ("site", "till")
OWN_SAYS = (
    "The journal, its receipt numbers and the key at the hub are this till's. Set up another till for "
    "another code."
)
FIXED = "Set by this machine's environment; the file is not asked for it."
#: A secret that people choose: it may have any signs.
PASSWORDS = ("mail-password",)


class Administration:
    """The settings of one till. `tools` are None where there are none to change."""

    def __init__(
        self,
        clock: Clock,
        randomness: Randomness,
        journal: Journal,
        people: People,
        tools: Tools | None,
        changed: Callable[[], None],
    ) -> None:
        self._clock, self._randomness, self._journal = clock, randomness, journal
        self._people, self._tools, self._changed = people, tools, changed
        self._waits = False

    # -- looking -----------------------------------------------------------------------------------------

    @property
    def refusal(self) -> str:
        """Why nobody, or not who is signed in, may change settings here; empty when they may."""
        return NOT_HERE if self._tools is None else self._people.refusal(Permission.MANAGE_SETTINGS)

    @property
    def waits_for_start(self) -> bool:
        """Whether something was saved that counts from the next start on."""
        return self._waits

    @property
    def where(self) -> str:
        """Where the settings file is, for people."""
        return self._allowed().store.where

    def read(self) -> dict[str, Any]:
        """The settings as their file has them, to be changed. Raises Refused when one may not."""
        return self._allowed().store.read()

    def faults(self, table: Table) -> tuple[SettingFault, ...]:
        """What keeps a table from being settings, by key."""
        return self._allowed().store.faults(table)

    def changes(self, table: Table) -> tuple[Change, ...]:
        """What a right table would change."""
        return self._changes(self._allowed().store, table)

    def fixed(self) -> dict[str, str]:
        """Keys that cannot be changed here, each with why: the environment sets them, or the journal."""
        return dict.fromkeys(OWN, OWN_SAYS) | dict.fromkeys(self._allowed().store.fixed(), FIXED)

    def preview(self, table: Table) -> str:
        """The request that a made-up sale would make under a right table. Raises Refused."""
        return self._allowed().store.preview(table)

    def history(self) -> tuple[SettingsEntry, ...]:
        """Every change of the settings and every secret that was set, newest first."""
        self._allowed()
        return tuple(history(self._journal.entries_of(KINDS)))[::-1]

    async def examine(self) -> tuple[Examined, ...]:
        """Whether this till is fit for work, finding by finding."""
        return tuple(await self._allowed().examine())

    def has_trained(self) -> bool | None:
        """Whether the last training session on this machine has a receipt; None where that cannot be told."""
        return self._allowed().trained()

    # -- changing ----------------------------------------------------------------------------------------

    def save(self, table: Table) -> tuple[Change, ...]:
        """Journal what a table changes, and save it. Returns what was changed.

        Raises Refused, with every fault, and changes nothing then. Where the file cannot be written after
        all (Unavailable), the next start finds the file as it was, and journals that, too.
        """
        tools = self._allowed()
        if faults := tools.store.faults(table):
            lines = tuple(f"{fault.key}: {fault.reason}" for fault in faults)
            raise Refused("The settings are not saved:\n" + "\n".join(lines), lines)
        made = self._changes(tools.store, table)
        if not made:
            raise Refused(NOTHING)
        if any(one.key in OWN for one in made):
            raise Refused(f"The settings are not saved: another site or till code. {OWN_SAYS}")
        tools.store.refuse_if_changed()
        body = change_body(made, Source.PAGE, self._people.name)
        self._journal.record([self._draft(EntryKind.SETTINGS_CHANGED, body)])
        tools.store.write(table)
        self._waits = True
        self._changed()
        return made

    def export(self, out: Path) -> None:
        """Write the settings, without any secret, into a file."""
        self._allowed().store.export(out)

    def import_from(self, file: Path) -> dict[str, Any]:
        """Another file's settings, to be looked at and saved; unchecked."""
        return self._allowed().store.import_from(file)

    def has_secret(self, name: str) -> bool:
        """Whether a secret is set. What it is cannot be asked."""
        return self._allowed().secrets.is_set(name)

    def set_secret(self, name: str, value: Secret) -> None:
        """Keep a secret, and journal that it was set: by whom and when, never what.

        It is kept before it is journalled: an entry must not tell of a key that is not there.
        """
        tools = self._allowed()
        is_password = name in PASSWORDS
        text = value.reveal() if is_password else value.reveal().strip()
        if not text.strip():
            raise Refused("Nothing was typed. What was set stays as it was.")
        is_key = text.isascii() and " " not in text
        if len(text) > KEY_MAX or not text.isprintable() or not (is_key or is_password):
            raise Refused("This cannot be: it has signs in it that no key has. What was set stays as it was.")
        tools.secrets.put(name, Secret(text))
        self._note_secret(name)

    async def enrol(self, hub_url: str, code: str) -> str:
        """Enrol this till at its hub by a code; what came of it. The till's key is set by it.

        Raises Refused, Unavailable, InDoubt; the same code may then be tried again.
        """
        told = await self._allowed().enrol(hub_url, code)
        self._note_secret("till-key")
        return told

    async def test_key(self, biller: str, typed: Secret | None = None) -> None:
        """Ask the gateway whether a biller's key works: the one just typed, or the one that is set.

        Returning means that it works. Raises Refused, Unavailable, InDoubt. Nothing is kept.
        """
        await self._allowed().test_key(biller, typed)

    def _note_secret(self, name: str) -> None:
        body = {"who": self._people.name, "name": name}
        try:
            self._journal.record([self._draft(EntryKind.SECRET_SET, body)])
        except CashierError as error:
            text = f"It is set and counts, but the journal does not say so. {error.user_text}"
            raise type(error)(text) from error
        self._changed()

    def note_start(self, effective: Table) -> tuple[Change, ...]:
        """Journal what is different from what the journal knows: the file was changed by other means."""
        made = changes(self._known(), flatten(effective))
        if made:
            self._journal.record(
                [self._draft(EntryKind.SETTINGS_CHANGED, change_body(made, Source.FILE, ""))]
            )
        return made

    def _changes(self, store: SettingsStore, table: Table) -> tuple[Change, ...]:
        return changes(self._known(), flatten(store.effective(table)))

    def _known(self) -> dict[str, str]:
        return known(self._journal.entries_of((EntryKind.SETTINGS_CHANGED,)))

    def _allowed(self) -> Tools:
        if refusal := self.refusal:
            raise Refused(refusal)
        assert self._tools is not None
        return self._tools

    def _draft(self, kind: EntryKind, body: Json) -> Draft:
        return Draft(str(new_id(self._clock, self._randomness)), kind, SETTINGS, body)
