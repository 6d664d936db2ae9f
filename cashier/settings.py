"""Settings: one TOML file, environment on top, checked once. Secrets are not among them (see secrets.py).

Every key can be overridden by an environment variable: `CASHIER_` and the key in capitals, two underscores
between levels, e.g. `CASHIER_GATEWAY__BASE_URL`; a list or a whole table is given as JSON.
"""

import tomllib
from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, Any

from pydantic import AfterValidator, Field, ValidationError, model_validator
from pydantic_settings import (
    BaseSettings,
    EnvSettingsSource,
    InitSettingsSource,
    PydanticBaseSettingsSource,
    SettingsConfigDict,
    SettingsError,
)

from cashier.domain.errors import Refused
from cashier.domain.money import Cents, parse_cents
from cashier.domain.settings_change import SettingFault
from cashier.settings_faults import faults_in, setting_faults
from cashier.settings_receipt import ReceiptSettings, modern
from cashier.settings_tables import (
    BackupSettings,
    BillerSettings,
    DrawerSettings,
    GatewaySettings,
    HubSettings,
    MailSettings,
    PrinterSettings,
    ReaderSettings,
    SettlementSettings,
    SsoSettings,
)
from cashier.settings_types import (
    Name,
    ScannerPrefix,
    Strict,
    Text,
    TillCode,
    WebAddress,
    basis_points,
    not_empty,
)
from cashier.till.config import (
    Biller,
    DrawerRules,
    Reader,
    ServiceFee,
    TillConfig,
    Waits,
)
from cashier.till.trainees import TRAINING_TILL


class Settings(Strict):
    """All settings of a till.

    `portal_url` is where the permit portal hears of payments itself, when a sale names no address of its own.
    `cashier` is the name under which verbs of the command line work unattended; people sign in by their own.
    `lock_after_minutes` is how long nobody must have been there for the screen to be locked; 0 for never.
    `scanner_prefix` is the sign that the counter's barcode scanners send before every code.
    """

    site: Name
    till: TillCode
    agency: Text
    cashier: Text = "Counter clerk"
    profile: Name
    schedule: Text
    return_url: WebAddress | None = None
    portal_url: WebAddress | None = None
    lock_after_minutes: int = Field(default=10, ge=0, le=480)
    gateway: GatewaySettings = GatewaySettings()
    hub: HubSettings
    settlement: SettlementSettings = SettlementSettings()
    printer: PrinterSettings = PrinterSettings()
    receipt: ReceiptSettings = ReceiptSettings()
    drawer: DrawerSettings = DrawerSettings()
    mail: MailSettings = MailSettings()
    sso: SsoSettings = SsoSettings()
    backup: BackupSettings = BackupSettings()
    billers: Annotated[tuple[BillerSettings, ...], AfterValidator(not_empty)]
    readers: tuple[ReaderSettings, ...] = ()
    scanner_prefix: ScannerPrefix = ""
    training: bool = False
    data_folder: Path | None = None

    @model_validator(mode="before")
    @classmethod
    def _is_modern(cls, table: Any) -> Any:
        return modern(table)

    @model_validator(mode="after")
    def _lines_are_in_the_tills_language(self) -> "Settings":
        if self.receipt.lacks(self.printer.language):
            raise ValueError(f"receipt.below: lacks {self.printer.language}, the till's own language")
        return self

    @model_validator(mode="after")
    def _names_are_unique(self) -> "Settings":
        for what, names in (
            ("billers", [biller.name for biller in self.billers]),
            ("readers", [reader.id for reader in self.readers]),
            ("reader labels", [reader.label for reader in self.readers]),
            ("invoice types", [type_id for biller in self.billers for type_id in biller.invoice_types]),
        ):
            if len(set(names)) != len(names):
                raise ValueError(f"two {what} have the same name or number")
        if self.sso.biller and self.sso.biller not in [biller.name for biller in self.billers]:
            raise ValueError("sso.biller: names none of the billers")
        return self

    @model_validator(mode="after")
    def _numbers_of_training_are_apart(self) -> "Settings":
        if self.till == TRAINING_TILL and not self.training:
            raise ValueError(f"till: {TRAINING_TILL} is the code of training tills only")
        return self

    def till_config(self, *, account_required: bool) -> TillConfig:
        """These settings as the till's plain values."""
        return TillConfig(
            site=self.site,
            till=self.till,
            agency=self.agency,
            cashier=self.cashier,
            profile=self.profile,
            training=self.training,
            return_url=self.return_url,
            account_required=account_required,
            billers=tuple(_biller(biller) for biller in self.billers),
            readers=tuple(Reader(**reader.model_dump()) for reader in self.readers),
            lock_after_s=self.lock_after_minutes * 60,
            portal_url=self.portal_url,
            scanner_prefix=self.scanner_prefix,
            waits=Waits(
                session_s=self.gateway.session_minutes * 60,
                margin_s=self.gateway.session_margin_minutes * 60,
                quiet_s=self.gateway.quiet_seconds,
            ),
            drawer=_drawer(self.drawer),
            text=self.receipt.text(self.printer.language),
        )


class _OverEnvironment(Settings, BaseSettings):
    """The same settings, looked for in the environment as well.

    Not Settings itself: a BaseSettings reads the environment however it is made, `model_validate` included.
    """

    model_config = SettingsConfigDict(
        extra="forbid", frozen=True, env_prefix="CASHIER_", env_nested_delimiter="__"
    )

    @classmethod
    def settings_customise_sources(
        cls,
        settings_cls: type[BaseSettings],
        init_settings: PydanticBaseSettingsSource,
        env_settings: PydanticBaseSettingsSource,
        dotenv_settings: PydanticBaseSettingsSource,
        file_secret_settings: PydanticBaseSettingsSource,
    ) -> tuple[PydanticBaseSettingsSource, ...]:
        """The environment goes over what the file says."""
        assert isinstance(env_settings, EnvSettingsSource) and isinstance(init_settings, InitSettingsSource)
        return (env_settings, init_settings)


def _drawer(drawer: DrawerSettings) -> DrawerRules:
    def limit(text: str) -> Cents | None:
        return parse_cents(text) if text else None

    return DrawerRules(
        denominations=tuple(parse_cents(text) for text in drawer.denominations),
        float_cents=limit(drawer.float),
        soft_limit_cents=limit(drawer.soft_limit),
        hard_limit_cents=limit(drawer.hard_limit),
        variance_limit_cents=parse_cents(drawer.variance_limit),
    )


def _biller(biller: BillerSettings) -> Biller:
    return Biller(
        name=biller.name,
        guid=biller.guid,
        invoice_types=biller.invoice_types,
        card_maximum_cents=parse_cents(biller.card_maximum) if biller.card_maximum else None,
        return_site_name=biller.return_site_name,
        service_fee=ServiceFee(
            basis_points=basis_points(biller.service_fee.percent),
            minimum_cents=Cents(parse_cents(biller.service_fee.minimum)),
        ),
    )


def load(file: Path) -> Settings:
    """Settings of a TOML file with the environment on top.

    Raises Refused with one line per fault: file, key, reason. Values are not repeated in faults.
    """
    return check(read_table(file), str(file))


def read_table(file: Path) -> dict[str, Any]:
    """What a TOML file says, unchecked, by the names that settings have now.

    Raises Refused when it cannot be read or is not TOML.
    """
    try:
        table = tomllib.loads(file.read_text(encoding="utf-8"))
    except FileNotFoundError:
        raise Refused(
            f"{file}: no settings file. Start with --training, or write one as the README shows."
        ) from None
    except OSError as error:
        raise Refused(f"{file}: cannot be read: {error.strerror or error}") from None
    except UnicodeDecodeError:
        raise Refused(f"{file}: is not UTF-8 text") from None
    except tomllib.TOMLDecodeError as error:
        raise Refused(f"{file}: is not TOML: {error}") from None
    made: dict[str, Any] = modern(table)
    return made


def check(table: dict[str, Any], source: str, *, environment: bool = True) -> Settings:
    """Settings of a table. Raises Refused as `load` does.

    Without `environment` no variable of the environment counts: nothing may lead training astray.
    """
    try:
        return _OverEnvironment(**table) if environment else Settings.model_validate(table)
    except ValidationError as error:
        faults = tuple(f"{source}: {key}: {reason}" for key, reason in faults_in(error))
        raise Refused(f"{source}: {len(faults)} faults in the settings", faults) from None
    except SettingsError as error:
        raise Refused(f"environment: {error}") from None


def faults_of(table: Mapping[str, Any]) -> tuple[SettingFault, ...]:
    """Everything that keeps a table, with the environment on top, from being settings; by key."""
    try:
        _OverEnvironment(**table)
    except ValidationError as error:
        return setting_faults(error)
    except SettingsError as error:
        return (SettingFault("environment", str(error)),)
    return ()
