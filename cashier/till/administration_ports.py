"""What changing the settings needs from outside: their file, the place of secrets, and who tests a key."""

from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol

from cashier.domain.accounts import Secret
from cashier.domain.settings_change import SettingFault

#: Settings as the file has them: texts, numbers, flags, lists and tables.
Table = Mapping[str, Any]


class SettingsStore(Protocol):
    """The settings file. Raises Refused for what a person can mend, Unavailable when the disk refuses."""

    @property
    def where(self) -> str:
        """Where the file is, for people."""

    def read(self) -> dict[str, Any]:
        """What the file says, unchecked; nothing when it is not there."""

    def faults(self, table: Table) -> tuple[SettingFault, ...]:
        """What keeps a table from being settings, by key; nothing for a right one."""

    def effective(self, table: Table) -> dict[str, Any]:
        """What a right table comes to with the environment on top; defaults are left out."""

    def fixed(self) -> frozenset[str]:
        """Keys that the environment sets: changing them in the file changes nothing."""

    def preview(self, table: Table) -> str:
        """The request that a made-up sale would make under a right table."""

    def refuse_if_changed(self) -> None:
        """Raises Refused when somebody else has changed the file since it was read."""

    def write(self, table: Table) -> None:
        """Put a right table in the place of what was read last, whole or not at all."""

    def export(self, out: Path) -> None:
        """Write what is saved into another file."""

    def import_from(self, file: Path) -> dict[str, Any]:
        """Another file's table, unchecked, with what is this till's own."""


class SecretStore(Protocol):
    """The system's keyring. What is in it is never read for showing."""

    def is_set(self, name: str) -> bool:
        """Whether there is a secret of this name."""

    def put(self, name: str, value: Secret) -> None:
        """Keep a secret, in place of an earlier. Raises Refused when there is no place for it."""


class KeyTest(Protocol):
    """Asks the gateway whether a biller's API key works: the one that is set, or one just typed."""

    def __call__(self, biller: str, typed: Secret | None) -> Awaitable[None]:
        """Returns when it works. Raises Refused, Unavailable, InDoubt."""


#: What is examined, how it stands and what to do: `cashier doctor` in the window.
Examination = Callable[[], Awaitable[Sequence["Examined"]]]


class Examined(Protocol):
    """One finding of the examination."""

    @property
    def what(self) -> str:
        """What was looked at."""

    @property
    def state(self) -> str:
        """ok, warning or fault."""

    @property
    def detail(self) -> str:
        """How it is."""

    @property
    def do(self) -> str:
        """What to do about it; empty for nothing."""


@dataclass(frozen=True)
class Tools:
    """What a till's settings are changed with.

    `enrol` redeems a hub's code, by its address, and says in a sentence what came of it.
    `trained` tells whether the last training session on this machine has a receipt; None: it cannot be told.
    """

    store: SettingsStore
    secrets: SecretStore
    test_key: KeyTest
    examine: Examination
    enrol: Callable[[str, str], Awaitable[str]]
    trained: Callable[[], bool | None] = lambda: None
