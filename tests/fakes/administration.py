"""A settings file in a folder of the test's, a keyring in memory, and a gateway that knows some keys."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

from cashier.administering import preview
from cashier.domain.accounts import Secret
from cashier.domain.errors import Refused
from cashier.settings_file import SettingsFile
from cashier.till.administration_ports import Examined, Tools

SETTINGS = """\
# The counter at the main entrance.
site = "sampleton"
till = "A"
agency = "Town of Sampleton"  # as on the letterhead
profile = "mcci"
schedule = "generic"

[hub]
url = "https://hub.example.org"

[drawer]
soft_limit = "500.00"

# The town's own biller.
[[billers]]
name = "town"
card_maximum = "5000.00"

[billers.invoice_types]
6 = "Building Department"
93 = "Planning"

[[readers]]
id = "lane"
label = "Lane 3000, counter 1"
emv_device_id = "LANE-1"
"""


class FakeSecrets:
    """See SecretStore. `locked` refuses, as a keyring that is locked does."""

    def __init__(self) -> None:
        self.kept: dict[str, str] = {}
        self.locked = False

    def is_set(self, name: str) -> bool:
        return name in self.kept

    def put(self, name: str, value: Secret) -> None:
        if self.locked:
            raise Refused("This machine's keyring does not take secrets: it is locked")
        self.kept[name] = value.reveal()


@dataclass(frozen=True)
class FakeFinding:
    """See Examined."""

    what: str
    state: str
    detail: str
    do: str = ""


@dataclass
class FakeAdministration:
    """What the settings of a test's till are changed with: `tools`."""

    folder: Path
    text: str = SETTINGS
    environ: Mapping[str, str] = field(default_factory=dict)
    #: Keys that the gateway knows.
    good_keys: tuple[str, ...] = ("good-key",)
    findings: tuple[FakeFinding, ...] = ()

    def __post_init__(self) -> None:
        self.path = self.folder / "settings.toml"
        if self.text:
            self.path.write_text(self.text, encoding="utf-8")
        self.secrets = FakeSecrets()
        #: Hub addresses and codes that were redeemed.
        self.enrolled: list[tuple[str, str]] = []
        self.file = SettingsFile(self.path, self.environ, preview)
        self.tools = Tools(self.file, self.secrets, self._test_key, self._examine, self._enrol)

    async def _test_key(self, biller: str, typed: Secret | None) -> None:
        key = typed.reveal() if typed else self.secrets.kept.get(f"api-key-{biller}", "")
        if key not in self.good_keys:
            raise Refused("Invoice Cloud does not know this key. No money was taken. Ask your administrator.")

    async def _enrol(self, hub_url: str, code: str) -> str:
        self.enrolled.append((hub_url, code))
        return "This is till A of site sampleton now."

    async def _examine(self) -> tuple[Examined, ...]:
        return self.findings
