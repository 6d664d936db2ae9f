"""The values that settings are made of, each checked by itself. A fault never repeats the value."""

import re
from collections.abc import Sized
from typing import Annotated, TypeVar

from pydantic import AfterValidator, BaseModel, ConfigDict, Field

from cashier.domain.errors import Refused
from cashier.domain.money import parse_cents
from cashier.till.config import SCANNER_PREFIXES
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


def basis_points(percent: str) -> int:
    """Hundredths of a percent."""
    found = _PERCENT.fullmatch(percent)
    if found is None:
        raise ValueError("is not a percentage such as 2.5")
    return int(found[1]) * 100 + int((found[2] or "0").ljust(2, "0"))


def _percent(text: str) -> str:
    basis_points(text)
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


def not_empty(items: _Items) -> _Items:
    """Items, at least one."""
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


class Strict(BaseModel):
    """A table that has no other keys, and does not change."""

    model_config = ConfigDict(extra="forbid", frozen=True)
