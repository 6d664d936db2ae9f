"""What the guide through a first set-up asks: its steps, their questions and choices, as tables."""

from collections.abc import Mapping
from dataclasses import dataclass
from enum import Enum, StrEnum, auto

#: Invoice types that Invoice Cloud has for permit counters, by number.
INVOICE_TYPES: Mapping[int, str] = {
    6: "Building Department",
    39: "Police fees",
    42: "Utility",
    43: "Permits",
    93: "Planning",
    95: "Zoning",
}
MISSING_TYPE = (
    "A type that is not listed must be added to your biller by Invoice Cloud first: ask them for its number. "
    "Then type number and name here."
)
TYPE_NAME_MAX = 120
TILL_KEY, API_KEY = "till-key", "api-key"
READER_ID = "reader-1"
#: What a reader's and a printer's answers are when there is none.
NO_READER, NO_PRINTER = "", "pdf"


class Kind(Enum):
    """How a question is answered."""

    TEXT = auto()
    SECRET = auto()
    CHOICE = auto()
    TYPES = auto()
    CODE = auto()  # an enrolment code, redeemed at once


class StepName(StrEnum):
    """The steps in order."""

    TILL = "The till"
    PERMITS = "Permits and fees"
    BILLER = "Invoice Cloud"
    HUB = "The hub"
    READER = "Card reader"
    PRINTER = "Printer"
    READY = "Ready"


STEPS = tuple(StepName)


@dataclass(frozen=True)
class Choice:
    """One of several answers. `types` are the invoice types of a fee schedule."""

    value: str
    title: str
    types: frozenset[int] = frozenset()


@dataclass(frozen=True)
class Field:
    """One question. `key` is the setting that it is, empty for a secret or a code."""

    name: str
    title: str
    key: str = ""
    hint: str = ""
    kind: Kind = Kind.TEXT
    choices: tuple[Choice, ...] = ()


SCHEDULE_HINT = "What fees there are and what they cost. The GL accounts of a shipped one are to be replaced."
CODE_HINT = (
    "Twelve letters and digits, from who looks after the hub. Used at once: it is good for one till, once."
)
HUB = Field("hub", "Address of the hub", "hub.url", "https://… It hears from Invoice Cloud what was paid.")
READERS = {
    NO_READER: "None for now",
    "gateway": "A terminal that Invoice Cloud drives",
    "serial": "A chip reader on USB or a serial port",
    "keyboard": "A swipe reader that types like a keyboard",
}
READER = Field(
    "reader",
    "How the card reader is connected",
    "",
    "Further readers are added later under Settings.",
    Kind.CHOICE,
    tuple(Choice(value, title) for value, title in READERS.items()),
)
_LABEL = Field(
    "label", "What people call it", "readers[0].label", "As the clerk chooses it: Lane 3000, counter 1"
)
_CHIP = (
    _LABEL,
    Field(
        "device",
        "What Invoice Cloud calls it",
        "readers[0].emv_device_id",
        "Its EMVDeviceID. Ask Invoice Cloud: the serial number on the case is a hint, no more.",
    ),
    Field("location", "Its location, if it has one", "readers[0].emv_location_id", "Its EMVLocationID"),
)
OF_READER: Mapping[str, tuple[Field, ...]] = {"gateway": _CHIP, "serial": _CHIP, "keyboard": (_LABEL,)}
PRINTERS = {
    NO_PRINTER: "None: receipts are saved as PDF",
    "system": "A printer of this computer",
    "network": "A receipt printer on the network",
    "usb": "A receipt printer on USB",
    "serial": "A receipt printer on a serial port",
}
PRINTER = Field(
    "printer",
    "How receipts are printed",
    "printer.kind",
    "",
    Kind.CHOICE,
    tuple(Choice(value, title) for value, title in PRINTERS.items()),
)
OF_PRINTER: Mapping[str, tuple[Field, ...]] = {
    "system": (
        Field(
            "printer_name",
            "Its name",
            "printer.name",
            "As this computer lists it; leave it blank for the usual one.",
        ),
    ),
    "network": (
        Field("printer_host", "Its address", "printer.host", "192.0.2.20, or its name on the network"),
    ),
    "usb": (
        Field(
            "printer_usb_id",
            "Its USB id",
            "printer.usb_id",
            "Two numbers, such as 04b8:0202; lsusb lists them.",
        ),
    ),
    "serial": (Field("printer_device", "Its port", "printer.device", "COM3, or /dev/ttyUSB0"),),
}
FIXED: Mapping[StepName, tuple[Field, ...]] = {
    StepName.TILL: (
        Field("agency", "Agency", "agency", "As it stands on receipts: Town of Sampleton"),
        Field(
            "site",
            "Site",
            "site",
            "One word for this office, as the hub knows it: small letters, digits, dashes",
        ),
        Field("till", "Till", "till", "This counter's letters: A. Receipts are numbered A-000001."),
    ),
    StepName.BILLER: (
        Field(
            "biller",
            "Name of the biller",
            "billers[0].name",
            "One word for your Invoice Cloud biller, for here",
        ),
        Field("types", "Invoice types of the biller", "billers[0].invoice_types", MISSING_TYPE, Kind.TYPES),
        Field(
            "maximum",
            "Most that one card payment may be, if there is a limit",
            "billers[0].card_maximum",
            "Such as 5000.00, as Invoice Cloud set it up",
        ),
        Field(
            API_KEY,
            "API key",
            "",
            "From Invoice Cloud. It goes into the keyring and is never shown again.",
            Kind.SECRET,
        ),
    ),
}
