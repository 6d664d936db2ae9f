"""The tables of a settings file, one a topic: gateway, hub, billers, readers, printer and the others."""

from pathlib import Path
from typing import Annotated, Literal

from pydantic import AfterValidator, Field, model_validator

from cashier.domain.money import format_cents, parse_cents
from cashier.domain.scrub import scrub_card_numbers
from cashier.domain.shift import DENOMINATIONS
from cashier.settings_receipt import LanguageCode
from cashier.settings_types import (
    Amount,
    ColumnName,
    DateFormat,
    FamilyName,
    Name,
    OptionalAmount,
    Percent,
    Strict,
    Text,
    UsbId,
    WebAddress,
    WebPath,
    not_empty,
)
from cashier.till.config import (
    Connection,
)


class GatewaySettings(Strict):
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


class HubSettings(Strict):
    """The postback hub: its address from here, and the address Invoice Cloud reaches it by."""

    url: WebAddress
    public_url: WebAddress | None = None
    postback_days: int = Field(default=45, ge=1, le=365)


class ServiceFeeSettings(Strict):
    """The fee Invoice Cloud adds for a card, to tell the payer before the page opens."""

    percent: Percent = "0"
    minimum: Amount = "0"


class BillerSettings(Strict):
    """One biller's payment page: its invoice types and limits. Its keys are in the keyring.

    With its `guid` and its web service key the gateway can be asked about an invoice.
    """

    name: Name
    guid: str = Field(default="", max_length=64)
    invoice_types: Annotated[dict[int, Text], AfterValidator(not_empty)]
    card_maximum: Amount | None = None
    return_site_name: str | None = Field(default=None, max_length=80)
    service_fee: ServiceFeeSettings = ServiceFeeSettings()


class ReaderSettings(Strict):
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


class SettlementColumnSettings(Strict):
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


class SettlementSettings(Strict):
    """How the gateway's settlement file is written. All of it is assumed."""

    columns: SettlementColumnSettings = SettlementColumnSettings()
    delimiter: Literal[",", ";", "\t", "|"] = ","
    encoding: Literal["auto", "utf-8", "cp1252"] = "auto"
    date_formats: Annotated[tuple[DateFormat, ...], AfterValidator(not_empty)] = (
        "%m/%d/%Y",
        "%m/%d/%Y %I:%M:%S %p",
        "%Y-%m-%d",
    )
    charge_words: tuple[Text, ...] = ("charge", "payment", "sale")
    refund_words: tuple[Text, ...] = ("refund", "void", "reversal", "chargeback", "return")


class PrinterSettings(Strict):
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


class DrawerSettings(Strict):
    """What is held of the cash drawer; "" for no limit.

    `float` is what it should start with; whoever opens the shift types what is there. From `soft_limit` of
    cash on the till warns; from `hard_limit` on it takes no cash until two people have logged a drop. A count
    that is off by more than `variance_limit` needs a supervisor. `denominations` are its bills and coins.
    """

    float: OptionalAmount = ""
    soft_limit: OptionalAmount = "1000.00"
    hard_limit: OptionalAmount = "2500.00"
    variance_limit: Amount = "5.00"
    denominations: Annotated[tuple[Amount, ...], AfterValidator(not_empty)] = tuple(
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


class MailSettings(Strict):
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


class SsoPathSettings(Strict):
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


class SsoSettings(Strict):
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


class BackupSettings(Strict):
    """Backups of the journal: the newest `keep` of them, one every `every_hours`; none for `keep = 0`.

    `folder` is best on another drive; without one it is `backups` beside the journal.
    """

    folder: Path | None = None
    keep: int = Field(default=14, ge=0, le=1000)
    every_hours: float = Field(default=12, ge=0.25, le=168)
