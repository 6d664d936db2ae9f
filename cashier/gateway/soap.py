"""SOAP 1.1 and 1.2 as Invoice Cloud's web services speak it (Invoice Cloud contract, section 4).

Envelopes are built and read as trees, never as text. What comes in is not trusted: no document type, no
entities, no member told twice. Member names are matched in their exact case, whatever their namespace or
prefix is.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from types import MappingProxyType
from xml.etree.ElementTree import Element, ParseError, SubElement, tostring

from defusedxml.ElementTree import fromstring

SERVICES_PATH = "/portal/webservices/"
NAMESPACES = "https://www.invoicecloud.com/portal/webservices/"


class Version(StrEnum):
    """The two versions of the envelope."""

    V11 = "1.1"
    V12 = "1.2"

    @property
    def other(self) -> "Version":
        """The one to fall back to."""
        return Version.V12 if self is Version.V11 else Version.V11


_ENVELOPES: Mapping[Version, str] = MappingProxyType(
    {
        Version.V11: "http://schemas.xmlsoap.org/soap/envelope/",
        Version.V12: "http://www.w3.org/2003/05/soap-envelope",
    }
)
#: Faults that say "not in this version": by code, or by the words of a service that knows no such action.
_OTHER_VERSION_CODES = frozenset({"VersionMismatch", "MustUnderstand"})
_OTHER_VERSION_WORDS = re.compile(r"did not recognize .{0,200}SOAPAction", re.IGNORECASE | re.DOTALL)


class Unreadable(Exception):
    """The bytes are no answer of this operation."""


@dataclass(frozen=True)
class Operation:
    """One operation of one service, such as CloudInvoicing's ViewInvoiceByInvoiceNumber."""

    service: str
    name: str

    @property
    def path(self) -> str:
        """Below the gateway's base address."""
        return f"{SERVICES_PATH}{self.service}.asmx"

    @property
    def namespace(self) -> str:
        """Of the operation and its members."""
        return f"{NAMESPACES}{self.service}/"

    def headers(self, version: Version) -> dict[str, str]:
        """The headers that say which operation this is, in which version."""
        action = f'"{self.namespace}{self.name}"'
        if version is Version.V11:
            return {"Content-Type": "text/xml; charset=utf-8", "SOAPAction": action, "Accept": "text/xml"}
        media = "application/soap+xml"
        return {"Content-Type": f"{media}; charset=utf-8; action={action}", "Accept": f"{media}, text/xml"}

    def envelope(self, version: Version, members: Mapping[str, str]) -> bytes:
        """The request: `Req` with its members, in order. Values must be printable text."""
        soap, space = f"{{{_ENVELOPES[version]}}}", f"{{{self.namespace}}}"
        root = Element(f"{soap}Envelope")
        req = SubElement(SubElement(SubElement(root, f"{soap}Body"), f"{space}{self.name}"), f"{space}Req")
        for name, value in members.items():
            SubElement(req, f"{space}{name}").text = value
        written: bytes = tostring(root, encoding="utf-8", xml_declaration=True)
        return written

    def parse(self, body: bytes) -> "Result | Fault":
        """What an answer says, in either version. Raises Unreadable."""
        try:
            root = fromstring(body, forbid_dtd=True)
        except (ParseError, ValueError, LookupError) as error:  # LookupError: an encoding nobody knows
            raise Unreadable(type(error).__name__) from None
        if _local(root) != "Envelope":
            raise Unreadable("not an envelope")
        told = list(_required(root, "Body"))
        if len(told) != 1:
            raise Unreadable("the body does not hold one answer")
        if _local(told[0]) == "Fault":
            return _fault(told[0])
        if _local(told[0]) != f"{self.name}Response":
            raise Unreadable("the answer of another operation")
        return Result(_required(told[0], f"{self.name}Result"))


@dataclass(frozen=True)
class Result:
    """The members of an answer."""

    element: Element

    def text(self, name: str) -> str:
        """A member's text, trimmed; empty when it is nil or not there.

        Raises Unreadable when it is told twice or is no text.
        """
        member = _child(self.element, name)
        if member is None:
            return ""
        if len(member):
            raise Unreadable(f"{name} is no text")
        return (member.text or "").strip()


@dataclass(frozen=True)
class Fault:
    """A SOAP fault. `code` is its local name; `text` came from outside."""

    code: str
    text: str

    @property
    def is_of_version(self) -> bool:
        """Whether the service would rather have the other version."""
        return self.code in _OTHER_VERSION_CODES or bool(_OTHER_VERSION_WORDS.search(self.text))


def _fault(element: Element) -> Fault:
    """1.1 has `faultcode` and `faultstring`; 1.2 has `Code/Value` and `Reason/Text`."""
    code, text = _child(element, "faultcode"), _child(element, "faultstring")
    if code is None:
        code = _child(_required(element, "Code"), "Value")
        text = next(iter(_required(element, "Reason")), None)  # one a language: the first will do
    name = (code.text or "").strip() if code is not None else ""
    return Fault(name.rpartition(":")[2], (text.text or "").strip() if text is not None else "")


def _local(element: Element) -> str:
    return str(element.tag).rpartition("}")[2]


def _child(element: Element, name: str) -> Element | None:
    found = [child for child in element if _local(child) == name]
    if len(found) > 1:
        raise Unreadable(f"{name} is told twice")
    return found[0] if found else None


def _required(element: Element, name: str) -> Element:
    child = _child(element, name)
    if child is None:
        raise Unreadable(f"{name} is missing")
    return child
