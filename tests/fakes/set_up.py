"""What the guide through a first set-up works with, in memory; settings are held against the real rules."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from cashier.domain.accounts import Secret
from cashier.domain.errors import CashierError
from cashier.domain.settings_change import SettingFault
from cashier.gateway.postback import till_key_to_text
from cashier.settings import Settings
from cashier.till.set_up_questions import Choice

KEY = till_key_to_text(bytes(range(32)))


@dataclass(frozen=True)
class Enrolled:
    """What a hub says of a code."""

    site: str = "hubtown"
    till: str = "C"
    hub_url: str = "https://hub.example.org"
    public_url: str = ""
    text: str = "This is till C of site hubtown now; its key is in the keyring."


@dataclass
class FakeSetUp:
    """The SetUp port. What was asked and saved is kept, keys as they came."""

    where: str = "/made/up/settings.toml"
    profiles: tuple[Choice, ...] = (Choice("grancius", "Grancius (SmartGov)"), Choice("mcci", "MCCi"))
    schedules: tuple[Choice, ...] = (
        Choice("generic", "Sampletown", frozenset({6, 43})),
        Choice("police", "Police", frozenset({39})),
    )
    enrols: bool = True
    error: CashierError | None = None
    known: set[str] = field(default_factory=set)
    tested: list[tuple[str, str]] = field(default_factory=list)
    codes: list[tuple[str, str]] = field(default_factory=list)
    saved: list[tuple[dict[str, Any], dict[str, str]]] = field(default_factory=list)

    def faults(self, table: Mapping[str, Any]) -> tuple[SettingFault, ...]:
        """See SetUp: the real rules, without this machine's environment."""
        from pydantic import ValidationError

        from cashier.settings_faults import setting_faults

        try:
            Settings.model_validate(dict(table))
        except ValidationError as error:
            return setting_faults(error)
        return ()

    def unfit(self, table: Mapping[str, Any]) -> str:
        """See SetUp."""
        return "MCCi sends type 42 only." if table["profile"] == "mcci" else ""

    def key_fault(self, key: Secret) -> str:
        """See SetUp."""
        return "" if key.reveal() == KEY else "is no till key"

    def has_secret(self, site: str, till: str, name: str) -> bool:
        """See SetUp."""
        return f"{site}/{till}/{name}" in self.known

    async def test_key(self, table: Mapping[str, Any], biller: str, key: Secret) -> None:
        """See SetUp."""
        self.tested.append((biller, key.reveal()))
        if self.error is not None:
            raise self.error

    async def enrol(self, hub_url: str, code: str) -> Enrolled:
        """See SetUp."""
        self.codes.append((hub_url, code))
        if self.error is not None:
            raise self.error
        return Enrolled(hub_url=hub_url)

    def save(self, table: Mapping[str, Any], secrets: Mapping[str, Secret]) -> None:
        """See SetUp."""
        if self.error is not None:
            raise self.error
        self.saved.append((dict(table), {name: secret.reveal() for name, secret in secrets.items()}))
