"""What the till knows of its counter: checked settings, as plain values."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from enum import StrEnum

from cashier.domain.agency_text import NO_TEXT, AgencyText
from cashier.domain.errors import Refused
from cashier.domain.money import Cents, Rounding, format_dollars, percent_exact, round_exact
from cashier.domain.shift import DENOMINATIONS

#: What a barcode scanner may be set to send before every code: signs that people do not type fast, that no
#: card has among its tracks, and that are on every keyboard.
SCANNER_PREFIXES = frozenset("!\"#$&'()*,-./:<>@[\\]_`{|}~")


class Connection(StrEnum):
    """How a card reader is connected."""

    GATEWAY = "gateway"  # Invoice Cloud drives the terminal; this machine sees nothing of it
    KEYBOARD = "keyboard"  # it types into the payment page
    SERIAL = "serial"  # a serial port, real or over USB, that this machine sees


@dataclass(frozen=True)
class Reader:
    """A card reader that the hosted page can drive.

    `emv_device_id` and `emv_location_id` are what Invoice Cloud calls it and where it stands. One on a
    serial port is known by `bound_to`, `vid:pid:serial` or the port's name, until the clerk says otherwise;
    `family`, `baud` and `rts_cts` are how to ask what it is.
    """

    id: str
    label: str
    emv_device_id: str = ""
    emv_location_id: str = ""
    emv: bool = True
    swipe: bool = True
    connection: Connection = Connection.GATEWAY
    bound_to: str = ""
    family: str = ""
    baud: int | None = None
    rts_cts: bool = False


@dataclass(frozen=True)
class ServiceFee:
    """The service fee that the gateway adds for a card: a percentage with a minimum, rounded half up."""

    basis_points: int = 0
    minimum_cents: Cents = Cents(0)

    def of(self, amount_cents: int) -> Cents:
        """The fee in cents for an amount; nothing for nothing."""
        if amount_cents <= 0:
            return Cents(0)
        exact = percent_exact(amount_cents, self.basis_points)
        return Cents(max(round_exact(exact, Rounding.HALF_UP), self.minimum_cents))


@dataclass(frozen=True)
class Biller:
    """One biller's payment page settings (Invoice Cloud contract, section 1).

    `invoice_types` maps the biller's Invoice Cloud type ids to names for people; `card_maximum_cents` is
    the largest total payable by card, None for no limit.
    """

    name: str
    invoice_types: Mapping[int, str]
    guid: str = ""
    card_maximum_cents: Cents | None = None
    return_site_name: str | None = None
    service_fee: ServiceFee = ServiceFee()

    def card_refusal(self, due_cents: int) -> str:
        """Why the card cannot take what is due, and what to do; empty when it can (behaviour F1)."""
        maximum = self.card_maximum_cents
        if maximum is None or due_cents <= maximum:
            return ""
        return (
            f"This biller takes at most {format_dollars(maximum)} by card; this sale comes to "
            f"{format_dollars(Cents(due_cents))}. Take {format_dollars(Cents(due_cents - maximum))} or more "
            "in cash or by check first, then the rest by card."
        )


@dataclass(frozen=True)
class Waits:
    """How long things must stand before they count, in seconds.

    `session_s` is the life of a hosted page, in which it may still take money, and `margin_s` is added to it.
    `quiet_s` is how long a page must be gone before a declined card is taken to be the last word.
    """

    session_s: float = 30 * 60
    margin_s: float = 5 * 60
    quiet_s: float = 20


@dataclass(frozen=True)
class DrawerRules:
    """What is held of the drawer, in cents; None for no limit.

    From `soft_limit_cents` of cash on the till warns, from `hard_limit_cents` on it takes none until a drop
    is logged by two people. A count that is off by more than `variance_limit_cents` needs a supervisor.
    `float_cents` is what the drawer should start with, to be confirmed by whoever opens it.
    """

    denominations: tuple[int, ...] = DENOMINATIONS
    float_cents: Cents | None = None
    soft_limit_cents: Cents | None = Cents(100_000)
    hard_limit_cents: Cents | None = Cents(250_000)
    variance_limit_cents: Cents = Cents(500)


@dataclass(frozen=True)
class ProfileRules:
    """What the partner's request shape leaves room for.

    `numbers_end_in_type`: its invoice numbers end in a dash and the invoice type. `type_ids` are the only
    invoice types it sends, None for any.
    """

    several_invoices: bool = True
    partial_payments: bool = True
    numbers_end_in_type: bool = False
    type_ids: frozenset[int] | None = None


@dataclass(frozen=True)
class AccountsConfig:
    """Customers' accounts at Invoice Cloud: whose, for how long somebody stays signed on, in seconds.

    `refusal` is why this till has none, or empty. `agency` is who asks, in letters.
    """

    biller: str = ""
    life_s: float = 15 * 60
    refusal: str = "This permit system has no customer accounts at Invoice Cloud."
    agency: str = ""


@dataclass(frozen=True)
class TillConfig:
    """One till at one counter.

    `cashier` is the name under which an unattended verb works. `lock_after_s` is how long nobody must have
    been there for the screen to be locked; 0 for never. `text` are the agency's own lines on paper.
    """

    site: str
    till: str
    agency: str
    cashier: str
    profile: str
    billers: tuple[Biller, ...]
    training: bool = False
    return_url: str | None = None
    account_required: bool = False
    readers: tuple[Reader, ...] = ()
    portal_url: str | None = None
    scanner_prefix: str = ""
    lock_after_s: float = 0
    waits: Waits = Waits()
    rules: ProfileRules = ProfileRules()
    drawer: DrawerRules = DrawerRules()
    accounts: AccountsConfig = AccountsConfig()
    text: AgencyText = NO_TEXT

    def biller_of(self, type_ids: Iterable[int]) -> Biller:
        """The biller that takes these invoice types. Raises Refused when none takes them all."""
        wanted = frozenset(type_ids)
        for biller in self.billers:
            if wanted <= biller.invoice_types.keys():
                return biller
        known = {type_id for biller in self.billers for type_id in biller.invoice_types}
        missing = sorted(wanted - known)
        if missing:
            raise Refused(
                f"Invoice type {missing[0]} is not set up for any biller. Invoice Cloud must add it to the "
                "biller, then it can be chosen in the settings."
            )
        raise Refused("These fees belong to different billers. Take them as separate sales.")

    def biller(self, name: str) -> Biller:
        """A biller by name. Raises Refused when it is no longer set up."""
        for biller in self.billers:
            if biller.name == name:
                return biller
        raise Refused(f"The biller {name!r} is not set up at this till.")

    def type_name(self, type_id: int) -> str:
        """An invoice type's name for people."""
        for biller in self.billers:
            if type_id in biller.invoice_types:
                return biller.invoice_types[type_id]
        return f"Type {type_id}"
