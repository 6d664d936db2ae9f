"""What the settings page asks for, section by section: keys of the settings file in a clerk's words.

Defaults are the settings' own, shown where nothing is typed. A test holds this table to the settings.
"""

from dataclasses import dataclass
from enum import Enum, auto


class Kind(Enum):
    """How a setting is typed."""

    TEXT = auto()
    AMOUNT = auto()
    WHOLE = auto()
    NUMBER = auto()
    FLAG = auto()
    CHOICE = auto()
    LIST = auto()  # texts with commas between them
    LINES = auto()  # texts, one a line


@dataclass(frozen=True)
class Field:
    """One setting: its key below the section's, what it is called, and what to know about it.

    `default` is what counts while nothing is set. With `blank_counts` empty text is a value of its own. With
    `only` the setting has a meaning only while another of its section has one of some values.
    """

    key: str
    name: str
    kind: Kind = Kind.TEXT
    says: str = ""
    default: str = ""
    choices: tuple[tuple[str | int, str], ...] = ()
    blank_counts: bool = False
    only: tuple[str, tuple[str, ...]] | None = None

    @property
    def path(self) -> tuple[str, ...]:
        """The key in its parts."""
        return tuple(self.key.split("."))


@dataclass(frozen=True)
class Section:
    """Settings that belong together. With `items` they are those of every item of that list of tables."""

    name: str
    says: str
    fields: tuple[Field, ...] = ()
    items: str = ""
    item: str = ""


PROFILES = (
    ("mcci", "MCCi"),
    ("cloudpermit", "CloudPermit"),
    ("grancius", "Grancius (SmartGov)"),
    ("leadsonline", "LeadsOnline / My360"),
    ("sagesgov", "SagesGov"),
)
#: Invoice types that Invoice Cloud has for permit counters (its contract, section 1); a biller may have more.
INVOICE_TYPES = (
    (6, "Building Department"),
    (39, "Police fees"),
    (42, "Utility"),
    (43, "Permits"),
    (93, "Planning"),
    (95, "Zoning"),
)
MISSING_TYPE = (
    "A type that is not in this list must first be added by Invoice Cloud for this biller. "
    "Then type its number and name here."
)

_LANGUAGES = (("en-US", "English"), ("es-US", "Español"), ("fr-CA", "Français"))
_DATES = "%m/%d/%Y, %m/%d/%Y %I:%M:%S %p, %Y-%m-%d"

# What only some connections of a reader, and some kinds of printers, need.
_SERIAL = ("connection", ("serial",))
_SYSTEM = ("printer.kind", ("pdf", "system"))
_NETWORK = ("printer.kind", ("network",))
_DEVICE = ("printer.kind", ("serial", "file"))
_USB = ("printer.kind", ("usb",))
_ROLL = ("printer.kind", ("network", "serial", "usb", "file"))

COUNTER = Section(
    "Counter",
    "Where this till stands and who owns it. Every counter of a site has a till code of its own.",
    (
        Field("agency", "Agency", says="Stands on every receipt, e.g. City of Sampleton."),
        Field("site", "Site", says="The site's short name at the hub: small letters, digits, dashes."),
        Field(
            "till", "Till code", says="One to four capital letters. Receipt numbers begin with it: A-000123."
        ),
        Field(
            "cashier",
            "Name for unattended work",
            says="Under this name verbs of the command line work.",
            default="Counter clerk",
        ),
        Field(
            "lock_after_minutes",
            "Lock the screen after",
            Kind.WHOLE,
            "Minutes without anybody at the till; 0 for never.",
            "10",
        ),
        Field(
            "scanner_prefix",
            "Sign before every barcode",
            says="What the counter's scanners send before each code, e.g. ~. Empty without scanners.",
        ),
    ),
)
PORTAL = Section(
    "Permit system",
    "Which partner system this till works for. It decides what the request to Invoice Cloud looks like.",
    (
        Field("profile", "Permit system", Kind.CHOICE, choices=PROFILES),
        Field("return_url", "Home page of the portal", says="Where “Return to Home Page” leads; https://…"),
        Field(
            "portal_url",
            "Payment notices go to",
            says="Where the portal hears of payments that name no address of their own; https://…",
        ),
    ),
)
FEES = Section(
    "Fees",
    "The fee schedule that this till charges by.",
    (Field("schedule", "Fee schedule", says="The name of a schedule, e.g. generic."),),
)
BILLERS = Section(
    "Billers",
    "Each biller's payment page at Invoice Cloud. Keys are written only: no page and no file shows them.",
    (
        Field(
            "name", "Short name", says="Small letters, digits, dashes. The biller's keys are kept under it."
        ),
        Field(
            "guid", "Biller GUID", says="Needed to ask Invoice Cloud about an invoice; not to take payments."
        ),
        Field(
            "card_maximum",
            "Most by card",
            Kind.AMOUNT,
            "The largest bill that is taken by card, e.g. 5000.00. Empty for no limit.",
        ),
        Field(
            "return_site_name",
            "Name on the return button",
            says="“Sign out and Return to …”. Empty for the biller's own name.",
        ),
        Field(
            "service_fee.percent",
            "Service fee by card, percent",
            says="What Invoice Cloud adds, e.g. 2.5: told to the payer before the page opens.",
            default="0",
        ),
        Field("service_fee.minimum", "Service fee at least", Kind.AMOUNT, default="0"),
    ),
    items="billers",
    item="biller",
)
READERS = Section(
    "Readers",
    "The card readers of this counter, as Invoice Cloud knows them. The till finds their ports.",
    (
        Field("label", "What clerks call it", says="e.g. Lane 3000, counter 1"),
        Field("id", "Short name", says="Small letters, digits, dashes."),
        Field(
            "emv_device_id",
            "EMV device id",
            says="What Invoice Cloud calls the reader. Chip readers need it.",
        ),
        Field("emv_location_id", "EMV location id"),
        Field("emv", "Reads chips", Kind.FLAG, default="true"),
        Field("swipe", "Reads stripes", Kind.FLAG, default="true"),
        Field(
            "connection",
            "How it is connected",
            Kind.CHOICE,
            default="gateway",
            choices=(
                ("gateway", "Invoice Cloud drives it"),
                ("keyboard", "It types, like a keyboard"),
                ("serial", "Serial port, or USB as one"),
            ),
        ),
        Field(
            "bound_to",
            "On port",
            says="vid:pid:serial, or a port such as COM5. Empty: chosen at the till.",
            only=_SERIAL,
        ),
        Field(
            "family",
            "Family",
            says="Which protocol it is asked by, e.g. idtech. Empty for none.",
            only=_SERIAL,
        ),
        Field("baud", "Baud", Kind.WHOLE, "Empty for the family's own.", only=_SERIAL),
        Field("rts_cts", "Handshake by RTS/CTS", Kind.FLAG, default="false", only=_SERIAL),
    ),
    items="readers",
    item="reader",
)
PRINTER = Section(
    "Printer",
    "How receipts are printed, and what opens the cash drawer.",
    (
        Field(
            "printer.kind",
            "Printer",
            Kind.CHOICE,
            default="pdf",
            choices=(
                ("pdf", "None: receipts are saved as PDF"),
                ("system", "A printer of this system"),
                ("network", "Receipt printer in the network"),
                ("serial", "Receipt printer on a serial port"),
                ("usb", "Receipt printer on USB"),
                ("file", "Receipt printer as a device file"),
            ),
        ),
        Field("printer.automatic", "Print by itself after a payment", Kind.FLAG, default="true"),
        Field("printer.language", "Language of receipts", Kind.CHOICE, default="en-US", choices=_LANGUAGES),
        Field(
            "printer.name", "Name in the system", says="Empty for the system's default printer.", only=_SYSTEM
        ),
        Field(
            "printer.page",
            "Page",
            Kind.CHOICE,
            default="letter",
            choices=(("letter", "Letter"), ("a4", "A4")),
            only=_SYSTEM,
        ),
        Field("printer.host", "Address in the network", only=_NETWORK),
        Field("printer.port", "Port in the network", Kind.WHOLE, default="9100", only=_NETWORK),
        Field("printer.device", "Port or device file", says="e.g. COM3, /dev/ttyUSB0", only=_DEVICE),
        Field("printer.baud", "Baud", Kind.WHOLE, default="19200", only=("printer.kind", ("serial",))),
        Field("printer.usb_id", "USB id", says="vendor:product, e.g. 04b8:0202", only=_USB),
        Field("printer.usb_in", "USB endpoint in", Kind.WHOLE, default="130", only=_USB),
        Field("printer.usb_out", "USB endpoint out", Kind.WHOLE, default="1", only=_USB),
        Field(
            "printer.model",
            "Model",
            says="A profile name of the printer library.",
            default="default",
            only=_ROLL,
        ),
        Field(
            "printer.columns",
            "Columns",
            Kind.WHOLE,
            "32 for 58 mm, 42 or 48 for 80 mm paper.",
            "42",
            only=_ROLL,
        ),
        Field(
            "printer.code_page",
            "Code page",
            Kind.CHOICE,
            default="CP858",
            choices=tuple((page, page) for page in ("CP437", "CP850", "CP858", "CP1252", "CP863")),
            only=_ROLL,
        ),
        Field(
            "printer.answers", "It answers when asked for its paper", Kind.FLAG, default="true", only=_ROLL
        ),
        Field("printer.answer_seconds", "Wait for its answer", Kind.NUMBER, "Seconds.", "10", only=_ROLL),
        Field(
            "printer.drawer_pin",
            "Drawer on pin",
            Kind.CHOICE,
            default="2",
            choices=((0, "no drawer"), (2, "2"), (5, "5")),
            only=_ROLL,
        ),
        Field(
            "printer.drawer_at_once", "Open the drawer before printing", Kind.FLAG, default="true", only=_ROLL
        ),
        Field("printer.cuts", "It cuts the paper", Kind.FLAG, default="true", only=_ROLL),
        Field("printer.slip_station", "It endorses checks", Kind.FLAG, default="false", only=_ROLL),
    ),
)
RECEIPT = Section(
    "Receipt",
    "What stands on receipts beside what they must say. A copy says what the receipt said.",
    (
        Field("receipt.logo", "Logo", says="A PNG, JPEG or BMP file. Empty for none."),
        Field(
            "receipt.address", "Under the agency's name", Kind.LINES, "Street, telephone, web: four lines."
        ),
        *(
            Field(
                f"receipt.below.{code}",
                f"At the end, {language}",
                Kind.LINES,
                "Thanks, how refunds are made: six lines. Empty: as in the till's own language.",
            )
            for code, language in _LANGUAGES
        ),
    ),
)
DRAWER = Section(
    "Drawer and limits",
    "What is held of the cash drawer. The largest bill by card is with each biller.",
    (
        Field(
            "drawer.float", "Opening float", Kind.AMOUNT, "Empty for none in particular.", blank_counts=True
        ),
        Field(
            "drawer.soft_limit",
            "Warn from",
            Kind.AMOUNT,
            "Cash in the drawer from which on the till warns. Empty for never.",
            "1000.00",
            blank_counts=True,
        ),
        Field(
            "drawer.hard_limit",
            "Take no cash from",
            Kind.AMOUNT,
            "Until two people have logged a drop. Empty for never.",
            "2500.00",
            blank_counts=True,
        ),
        Field(
            "drawer.variance_limit",
            "A count may be off by",
            Kind.AMOUNT,
            "More needs a supervisor.",
            "5.00",
        ),
        Field(
            "drawer.denominations",
            "Bills and coins",
            Kind.LIST,
            "Amounts with commas between them.",
            "100.00, 50.00, 20.00, 10.00, 5.00, 2.00, 1.00, 0.50, 0.25, 0.10, 0.05, 0.01",
        ),
    ),
)
HUB = Section(
    "Hub",
    "The hub hears Invoice Cloud's answers for every till of the site and keeps a copy of the journal.",
    (
        Field("hub.url", "Address from here", says="https://…"),
        Field("hub.public_url", "Address for Invoice Cloud", says="Empty when it is the same."),
        Field("hub.postback_days", "Days that answers may come late", Kind.WHOLE, default="45"),
    ),
)
MAIL = Section(
    "Mail",
    "The mail server that receipts are sent by. Without one they are printed or saved.",
    (
        Field("mail.host", "Server", says="Empty for no mail."),
        Field("mail.port", "Port", Kind.WHOLE, default="587"),
        Field(
            "mail.security",
            "Security",
            Kind.CHOICE,
            default="starttls",
            choices=(("tls", "TLS"), ("starttls", "STARTTLS"), ("none", "none")),
        ),
        Field("mail.sender", "Receipts come from", says="An e-mail address."),
        Field("mail.user", "User", says="Empty where the server asks for none."),
        Field("mail.answer_seconds", "Wait for its answer", Kind.NUMBER, "Seconds.", "20"),
    ),
)
ACCOUNTS = Section(
    "Customer accounts",
    "Customers' own accounts at Invoice Cloud, where the permit system has them.",
    (
        Field("sso.biller", "Biller", says="The short name of the biller whose they are. Empty for none."),
        Field("sso.minutes", "Signed on for at most", Kind.WHOLE, "Minutes.", "15"),
        Field("sso.css_url", "Style sheet of their pages", says="https://… Empty for Invoice Cloud's own."),
        Field("sso.return_url", "Their pages return to", says="https://… Empty for nowhere."),
        Field("sso.site_name", "Name on the return button"),
    ),
)
BACKUP = Section(
    "Backup",
    "Copies of the journal that this till makes while it is open. The hub's second copy is beside them.",
    (
        Field("backup.folder", "Folder", says="Best on another drive. Empty: beside the journal."),
        Field("backup.keep", "Keep", Kind.WHOLE, "How many; 0 for none.", "14"),
        Field("backup.every_hours", "One every", Kind.NUMBER, "Hours.", "12"),
    ),
)
GATEWAY = Section(
    "Invoice Cloud",
    "Where Invoice Cloud is and how long its page may take money. Change these only as its support says.",
    (
        Field("gateway.base_url", "Address", default="https://www.invoicecloud.com"),
        Field("gateway.hosts", "More hosts of its page", Kind.LIST, "With commas between them."),
        Field("gateway.connect_seconds", "Wait for the line", Kind.NUMBER, "Seconds.", "5"),
        Field("gateway.answer_seconds", "Wait for an answer", Kind.NUMBER, "Seconds.", "20"),
        Field("gateway.session_minutes", "The page takes money for", Kind.WHOLE, "Minutes.", "30"),
        Field("gateway.session_margin_minutes", "and a margin of", Kind.WHOLE, "Minutes.", "5"),
        Field(
            "gateway.quiet_seconds",
            "A decline is final after",
            Kind.WHOLE,
            "Seconds without another word, once the page is gone.",
            "20",
        ),
        *(
            Field(f"sso.paths.{name}", f"Path: {text}", default=default)
            for name, text, default in (
                ("users", "find a user", "/api/v1/remoteauth/users"),
                ("registration", "register", "/api/v1/remoteauth/register"),
                ("authenticate", "sign on", "/api/v1/remoteauth/authenticate"),
                ("customer_guid", "find a customer", "/api/v1/customer/RetrieveCustomerGuid"),
                ("accounts", "linked accounts", "/api/v1/remoteauth/accounts"),
                ("create", "create a customer", "/api/v1/customer/create"),
                ("password", "change the password", "/api/v1/remoteauth/password"),
                ("email", "change the e-mail address", "/api/v1/remoteauth/email"),
                ("link", "link an account", "/api/v1/remoteauth/link"),
                ("unregister", "unregister", "/api/v1/remoteauth/unregister"),
                ("connect", "open a customer's page", "/portal/sso/connect"),
            )
        ),
    ),
)
SETTLEMENT = Section(
    "Settlement file",
    "How Invoice Cloud's settlement file is written: the names of its columns, its dates and words.",
    (
        Field("settlement.columns.payment_guid", "Column: payment", default="PaymentGUID", blank_counts=True),
        Field(
            "settlement.columns.reference", "Column: reference", default="BillerReference", blank_counts=True
        ),
        Field("settlement.columns.invoice", "Column: invoice", default="InvoiceNumber", blank_counts=True),
        Field("settlement.columns.amount", "Column: amount", default="PaymentAmount"),
        Field("settlement.columns.fee", "Column: fee", default="ConvenienceFee", blank_counts=True),
        Field("settlement.columns.kind", "Column: charge or refund", blank_counts=True),
        Field("settlement.columns.date", "Column: date", default="PaymentDate", blank_counts=True),
        Field(
            "settlement.delimiter",
            "Between columns",
            Kind.CHOICE,
            default=",",
            choices=((",", "comma"), (";", "semicolon"), ("\t", "tab"), ("|", "bar")),
        ),
        Field(
            "settlement.encoding",
            "Encoding",
            Kind.CHOICE,
            default="auto",
            choices=(("auto", "find out"), ("utf-8", "UTF-8"), ("cp1252", "Windows-1252")),
        ),
        Field("settlement.date_formats", "Dates", Kind.LIST, "The first that fits counts.", _DATES),
        Field("settlement.charge_words", "A charge is called", Kind.LIST, default="charge, payment, sale"),
        Field(
            "settlement.refund_words",
            "A refund is called",
            Kind.LIST,
            default="refund, void, reversal, chargeback, return",
        ),
    ),
)

#: In the order in which a new till is set up; what is seldom changed is last.
SECTIONS = (
    COUNTER,
    PORTAL,
    BILLERS,
    FEES,
    HUB,
    READERS,
    PRINTER,
    RECEIPT,
    DRAWER,
    MAIL,
    ACCOUNTS,
    BACKUP,
    GATEWAY,
    SETTLEMENT,
)
#: Settings that no page changes: a till's data folder is moved by its IT people, training is no setting.
NOT_HERE = ("data_folder", "training")
