"""Settings: one TOML file, environment on top, checked once. Secrets are not among them (see secrets.py).

Every key can be overridden by an environment variable: `CASHIER_` and the key in capitals, two underscores
between levels, e.g. `CASHIER_GATEWAY__BASE_URL`; a list or a whole table is given as JSON.
"""

import re
import tomllib
from collections.abc import Mapping, Sized
from pathlib import Path
from typing import Annotated, Any, Literal, TypeVar

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, ValidationError, model_validator
from pydantic_settings import (
    BaseSettings,
    EnvSettingsSource,
    InitSettingsSource,
    PydanticBaseSettingsSource,
    SettingsConfigDict,
    SettingsError,
)

from cashier.domain.errors import Refused
from cashier.domain.money import Cents, format_cents, parse_cents
from cashier.domain.scrub import scrub_card_numbers
from cashier.domain.settings_change import SettingFault
from cashier.domain.shift import DENOMINATIONS
from cashier.settings_faults import WHOLE, faults_in
from cashier.settings_receipt import LanguageCode, ReceiptSettings, modern
from cashier.till.config import (
    SCANNER_PREFIXES,
    Biller,
    Connection,
    DrawerRules,
    Reader,
    ServiceFee,
    TillConfig,
    Waits,
)
from cashier.till.trainees import TRAINING_TILL

_NAME = re.compile(r"[a-z0-9][a-z0-9-]{0,31}", re.ASCII)
_Items = TypeVar("_Items", bound=Sized)
_PERCENT = re.compile(r"(\d{1,2})(?:\.(\d{1,2}))?", re.ASCII)


def _amount(text: str) -> str:
    try:
        parse_cents(text)
    except Refused:
        raise ValueError("is not an amount such as 145.50") from None
    return text


def _percent(text: str) -> str:
    if _PERCENT.fullmatch(text) is None:
        raise ValueError("is not a percentage such as 2.5")
    return text


def _name(text: str) -> str:
    if _NAME.fullmatch(text) is None:
        raise ValueError("use small letters, digits and dashes, at most 32")
    return text


def _till_code(text: str) -> str:
    if text != TRAINING_TILL and re.fullmatch(r"[A-Z]{1,4}", text, re.ASCII) is None:
        raise ValueError("a till's code is one to four capital letters")
    return text


def _date_format(text: str) -> str:
    import datetime as dt

    day = dt.datetime(2031, 11, 28)  # noqa: DTZ001 (a day, not a moment)
    try:
        found = dt.datetime.strptime(day.strftime(text), text)  # noqa: DTZ007
    except ValueError:
        found = None
    if found is None or found.date() != day.date():
        raise ValueError("is not a date format such as %m/%d/%Y")
    return text


def _web_address(text: str) -> str:
    from urllib.parse import urlsplit

    try:
        parts = urlsplit(text)
    except ValueError:
        raise ValueError("is not a web address") from None
    loopback = parts.hostname in ("127.0.0.1", "localhost", "::1")
    if not parts.hostname or parts.scheme not in ("https", "http"):
        raise ValueError("is not a web address")
    if parts.scheme == "http" and not loopback:
        raise ValueError("must start with https://")
    return text.rstrip("/")


def _web_path(text: str) -> str:
    if re.fullmatch(r"(/[A-Za-z0-9._~-]+)+", text, re.ASCII) is None:
        raise ValueError("is not a path such as /api/v1/customer")
    return text


def _not_empty(items: _Items) -> _Items:
    # Not pydantic's min_length: a faulty item is not counted there and would be a second fault.
    if not items:
        raise ValueError("needs at least one")
    return items


def _scanner_prefix(sign: str) -> str:
    if sign and sign not in SCANNER_PREFIXES:
        raise ValueError("is one sign, such as ~ or #: no letter, no digit, none of %;+?=^")
    return sign


def _usb_id(text: str) -> str:
    if text and re.fullmatch(r"[0-9a-f]{4}:[0-9a-f]{4}", text, re.ASCII | re.IGNORECASE) is None:
        raise ValueError("is not the id of a USB device such as 04b8:0202")
    return text


def _family(name: str) -> str:
    if name:
        from cashier.readers.families import FAMILIES  # needed by few tills

        names = [family.name for family in FAMILIES]
        if name not in names:
            raise ValueError(f"is not a family of readers; there are {', '.join(names)}")
    return name


Amount = Annotated[str, AfterValidator(_amount)]
OptionalAmount = Annotated[str, AfterValidator(lambda text: _amount(text) if text else text)]
Percent = Annotated[str, AfterValidator(_percent)]
Name = Annotated[str, AfterValidator(_name)]
TillCode = Annotated[str, AfterValidator(_till_code)]
WebAddress = Annotated[str, AfterValidator(_web_address)]
WebPath = Annotated[str, AfterValidator(_web_path), Field(max_length=200)]
ScannerPrefix = Annotated[str, AfterValidator(_scanner_prefix)]
UsbId = Annotated[str, AfterValidator(_usb_id)]
FamilyName = Annotated[str, AfterValidator(_family)]
Text = Annotated[str, Field(min_length=1, max_length=120)]
ColumnName = Annotated[str, Field(max_length=120)]
DateFormat = Annotated[str, AfterValidator(_date_format)]


class _Strict(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class GatewaySettings(_Strict):
    """Where Invoice Cloud is, and for how long its hosted page may still take money.

    `hosts` are the hosts its hosted page may show beside the base address's. "Not paid" and "not found" are
    final only `session_minutes` plus `session_margin_minutes` after the page was opened; a decline only when
    it has stood for `quiet_seconds` after the page is gone.
    """

    base_url: WebAddress = "https://www.invoicecloud.com"
    hosts: tuple[str, ...] = ()
    connect_seconds: float = Field(default=5, gt=0, le=60)
    answer_seconds: float = Field(default=20, gt=0, le=120)
    session_minutes: int = Field(default=30, ge=1, le=1440)
    session_margin_minutes: int = Field(default=5, ge=0, le=240)
    quiet_seconds: int = Field(default=20, ge=1, le=600)


class HubSettings(_Strict):
    """The postback hub: its address from here, and the address Invoice Cloud reaches it by."""

    url: WebAddress
    public_url: WebAddress | None = None
    postback_days: int = Field(default=45, ge=1, le=365)


class ServiceFeeSettings(_Strict):
    """The fee Invoice Cloud adds for a card, to tell the payer before the page opens."""

    percent: Percent = "0"
    minimum: Amount = "0"


class BillerSettings(_Strict):
    """One biller's payment page: its invoice types and limits. Its keys are in the keyring.

    With its `guid` and its web service key the gateway can be asked about an invoice.
    """

    name: Name
    guid: str = Field(default="", max_length=64)
    invoice_types: Annotated[dict[int, Text], AfterValidator(_not_empty)]
    card_maximum: Amount | None = None
    return_site_name: str | None = Field(default=None, max_length=80)
    service_fee: ServiceFeeSettings = ServiceFeeSettings()


class ReaderSettings(_Strict):
    """A card reader that the hosted page drives.

    `connection` is "gateway" for a terminal that Invoice Cloud drives, "keyboard" for a swipe reader that
    types, "serial" for one on a serial port or on USB as one. The last is known by `bound_to`, its
    `vid:pid:serial` or its port, unless it is bound at the till. A chip reader needs its `emv_device_id`.
    """

    id: Name
    label: Text
    emv_device_id: str = Field(default="", max_length=120)
    emv_location_id: str = Field(default="", max_length=60)
    emv: bool = True
    swipe: bool = True
    connection: Connection = Connection.GATEWAY
    bound_to: str = Field(default="", max_length=200)
    family: FamilyName = ""
    baud: int | None = Field(default=None, ge=300, le=921_600)
    rts_cts: bool = False

    @model_validator(mode="after")
    def _fits(self) -> "ReaderSettings":
        if self.emv and not self.emv_device_id.strip():
            raise ValueError("emv_device_id: a chip reader needs what Invoice Cloud calls it; or emv = false")
        if not self.emv and not self.swipe:
            raise ValueError("it must read chips (emv) or stripes (swipe), or both")
        on_port = (self.bound_to, self.family, self.baud, self.rts_cts)
        if self.connection is not Connection.SERIAL and any(on_port):
            raise ValueError('bound_to, family, baud and rts_cts need connection = "serial"')
        if scrub_card_numbers(self.bound_to) != self.bound_to:
            raise ValueError("bound_to: its serial number could be a card number; bind it by its port")
        return self


class SettlementColumnSettings(_Strict):
    """What the gateway's settlement file calls its columns; empty for one that it does not have.

    Assumed: no contract names them. These are the names of the same things in a postback.
    """

    payment_guid: ColumnName = "PaymentGUID"
    reference: ColumnName = "BillerReference"
    invoice: ColumnName = "InvoiceNumber"
    amount: Text = "PaymentAmount"
    fee: ColumnName = "ConvenienceFee"
    kind: ColumnName = ""
    date: ColumnName = "PaymentDate"

    @model_validator(mode="after")
    def _a_charge_can_be_told(self) -> "SettlementColumnSettings":
        if not self.payment_guid and not self.reference:
            raise ValueError("payment_guid or reference must name a column")
        return self


class SettlementSettings(_Strict):
    """How the gateway's settlement file is written. All of it is assumed."""

    columns: SettlementColumnSettings = SettlementColumnSettings()
    delimiter: Literal[",", ";", "\t", "|"] = ","
    encoding: Literal["auto", "utf-8", "cp1252"] = "auto"
    date_formats: Annotated[tuple[DateFormat, ...], AfterValidator(_not_empty)] = (
        "%m/%d/%Y",
        "%m/%d/%Y %I:%M:%S %p",
        "%Y-%m-%d",
    )
    charge_words: tuple[Text, ...] = ("charge", "payment", "sale")
    refund_words: tuple[Text, ...] = ("refund", "void", "reversal", "chargeback", "return")


class PrinterSettings(_Strict):
    """How receipts are printed.

    `kind` is "pdf" where a file is asked for each time; "system" for a printer of the system, by `name` (the
    default for ""), on `page`; else a receipt printer: "network" (`host`, `port`), "serial" (`device`,
    `baud`), "usb" (`usb_id`, `usb_in`, `usb_out`) or "file" (`device`). `columns` are 32 for 58 mm, 42 or 48
    for 80 mm. With `answers` it is asked for its paper before and whether it has printed after each receipt.
    """

    kind: Literal["pdf", "system", "network", "serial", "usb", "file"] = "pdf"
    automatic: bool = True
    language: LanguageCode = "en-US"
    name: str = Field(default="", max_length=200)
    page: Literal["letter", "a4"] = "letter"
    host: str = Field(default="", max_length=200)
    port: int = Field(default=9100, ge=1, le=65535)
    device: str = Field(default="", max_length=200)
    baud: int = Field(default=19200, ge=300, le=921_600)
    usb_id: UsbId = ""
    usb_in: int = Field(default=0x82, ge=0, le=255)
    usb_out: int = Field(default=0x01, ge=0, le=255)
    model: Text = "default"
    columns: int = Field(default=42, ge=24, le=64)
    code_page: Literal["CP437", "CP850", "CP858", "CP1252", "CP863"] = "CP858"
    answers: bool = True
    answer_seconds: float = Field(default=10, gt=0, le=60)
    drawer_pin: Literal[0, 2, 5] = 2
    drawer_at_once: bool = True
    cuts: bool = True
    slip_station: bool = False

    @model_validator(mode="after")
    def _is_whole(self) -> "PrinterSettings":
        needed = {"network": "host", "serial": "device", "usb": "usb_id", "file": "device"}.get(self.kind)
        if needed and not getattr(self, needed):
            raise ValueError(f'{needed}: kind = "{self.kind}" needs it')
        if self.kind == "file" and self.answers:
            raise ValueError('answers: a printer of kind "file" is written to only; set answers = false')
        return self


class DrawerSettings(_Strict):
    """What is held of the cash drawer; "" for no limit.

    `float` is what it should start with; whoever opens the shift types what is there. From `soft_limit` of
    cash on the till warns; from `hard_limit` on it takes no cash until two people have logged a drop. A count
    that is off by more than `variance_limit` needs a supervisor. `denominations` are its bills and coins.
    """

    float: OptionalAmount = ""
    soft_limit: OptionalAmount = "1000.00"
    hard_limit: OptionalAmount = "2500.00"
    variance_limit: Amount = "5.00"
    denominations: Annotated[tuple[Amount, ...], AfterValidator(_not_empty)] = tuple(
        format_cents(cents) for cents in DENOMINATIONS
    )

    @model_validator(mode="after")
    def _fits(self) -> "DrawerSettings":
        soft, hard = self.soft_limit, self.hard_limit
        if soft and hard and parse_cents(soft) > parse_cents(hard):
            raise ValueError("soft_limit: is above hard_limit")
        pieces = [parse_cents(text) for text in self.denominations]
        if 0 in pieces or len(set(pieces)) != len(pieces):
            raise ValueError("denominations: each is named once, and none is zero")
        return self


class MailSettings(_Strict):
    """The mail server that receipts go by; none for an empty `host`. Its password is in the keyring."""

    host: str = Field(default="", max_length=200)
    port: int = Field(default=587, ge=1, le=65535)
    security: Literal["tls", "starttls", "none"] = "starttls"
    sender: str = Field(default="", max_length=200)
    user: str = Field(default="", max_length=200)
    answer_seconds: float = Field(default=20, gt=0, le=120)

    @model_validator(mode="after")
    def _is_whole(self) -> "MailSettings":
        if self.host and "@" not in self.sender:
            raise ValueError("sender: the address that receipts come from is missing")
        if self.user and self.security == "none":
            raise ValueError("security: a password is never sent in the clear")
        return self


class SsoPathSettings(_Strict):
    """Where Invoice Cloud's calls of single sign-on are, behind the base address.

    Assumed, all but `customer_guid`: a biller's own integration documentation corrects them here.
    """

    users: WebPath = "/api/v1/remoteauth/users"
    registration: WebPath = "/api/v1/remoteauth/register"
    authenticate: WebPath = "/api/v1/remoteauth/authenticate"
    customer_guid: WebPath = "/api/v1/customer/RetrieveCustomerGuid"
    accounts: WebPath = "/api/v1/remoteauth/accounts"
    create: WebPath = "/api/v1/customer/create"
    password: WebPath = "/api/v1/remoteauth/password"
    email: WebPath = "/api/v1/remoteauth/email"
    link: WebPath = "/api/v1/remoteauth/link"
    unregister: WebPath = "/api/v1/remoteauth/unregister"
    connect: WebPath = "/portal/sso/connect"


class SsoSettings(_Strict):
    """Customers' accounts at Invoice Cloud: the biller whose they are; none for an empty `biller`.

    They need a profile that has them. A customer stays signed on for `minutes` at most. `css_url`,
    `return_url` and `site_name` are what their own pages are told; empty for nothing.
    """

    biller: Name | Literal[""] = ""
    minutes: int = Field(default=15, ge=1, le=60)
    css_url: WebAddress | Literal[""] = ""
    return_url: WebAddress | Literal[""] = ""
    site_name: str = Field(default="", max_length=80)
    paths: SsoPathSettings = SsoPathSettings()


class BackupSettings(_Strict):
    """Backups of the journal: the newest `keep` of them, one every `every_hours`; none for `keep = 0`.

    `folder` is best on another drive; without one it is `backups` beside the journal.
    """

    folder: Path | None = None
    keep: int = Field(default=14, ge=0, le=1000)
    every_hours: float = Field(default=12, ge=0.25, le=168)


class Settings(_Strict):
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
    billers: Annotated[tuple[BillerSettings, ...], AfterValidator(_not_empty)]
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
    whole, part = _PERCENT.fullmatch(biller.service_fee.percent).groups()  # type: ignore[union-attr]
    return Biller(
        name=biller.name,
        guid=biller.guid,
        invoice_types=biller.invoice_types,
        card_maximum_cents=parse_cents(biller.card_maximum) if biller.card_maximum else None,
        return_site_name=biller.return_site_name,
        service_fee=ServiceFee(
            basis_points=int(whole) * 100 + int((part or "0").ljust(2, "0")),
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
        return tuple(_fault(key, reason) for key, reason in faults_in(error))
    except SettingsError as error:
        return (SettingFault("environment", str(error)),)
    return ()


def _fault(key: str, reason: str) -> SettingFault:
    """A fault by its whole key: one of a table as a whole names the key in its reason."""
    named = re.fullmatch(r"([a-z_]+(?:\.[a-z_]+)*): (.*)", reason, re.DOTALL)
    if named is None:
        return SettingFault(key, reason)
    whole = named[1] if key == WHOLE else f"{key}.{named[1]}"
    return SettingFault(whole, named[2])
