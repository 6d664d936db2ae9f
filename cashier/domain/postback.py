"""What Invoice Cloud's server says of a payment, as a value (Invoice Cloud contract, section 3)."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum


class Approved(StrEnum):
    """The `Approved` parameter: only the texts `True` and `False` say anything."""

    YES = "yes"
    NO = "no"
    UNCLEAR = "unclear"


@dataclass(frozen=True)
class Postback:
    """One postback after card-number scrubbing. Amounts are None when they could not be read.

    `faults` says in words what about the message itself is not as the contract has it.
    """

    approved: Approved
    biller_guid: str = ""
    biller_reference: str = ""
    invoice_number: str = ""
    payment_guid: str = ""
    payment_amount_cents: int | None = None
    convenience_fee_cents: int | None = None
    payment_date: str = ""
    payment_description: str = ""
    payment_type_id: str = ""
    payment_message: str = ""
    card_type: str = ""
    customer_name: str = ""
    customer_address: str = ""
    customer_city: str = ""
    customer_state: str = ""
    customer_zip: str = ""
    remote_ip: str = ""
    extra: Mapping[str, str] = field(default_factory=dict)
    faults: tuple[str, ...] = ()


@dataclass(frozen=True)
class DeliveredPostback:
    """A postback as the hub hands it over. The reference is the one bound into the address it came to.

    `id` is the hub's UUIDv7 of this delivery, and the id of the journal entry it becomes.
    """

    id: str
    received_at: str
    reference: str
    amount_cents: int
    postback: Postback
