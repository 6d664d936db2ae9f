"""The settings' printer is the one that prints: each kind on its own line."""

from typing import Any

import pytest

from cashier.adapters import mailer_of, printer_of
from cashier.paper.escpos import EscposPrinter
from cashier.paper.mailer import SmtpMailer
from cashier.paper.page_printer import PagePrinter
from cashier.secrets import Secrets
from cashier.settings import Settings, check

TABLE: dict[str, Any] = {
    "site": "sampletown",
    "till": "A",
    "agency": "Sampletown",
    "profile": "mcci",
    "schedule": "lakeland",
    "hub": {"url": "https://hub.example.org"},
    "billers": [{"name": "town", "invoice_types": {6: "Building"}}],
}


def settings(**tables: dict[str, Any]) -> Settings:
    return check(TABLE | tables, "test", environment=False)


@pytest.mark.parametrize(
    ("printer", "made"),
    [
        ({}, None),
        ({"kind": "pdf"}, None),
        ({"kind": "system", "name": "Laser", "page": "a4"}, PagePrinter),
        ({"kind": "network", "host": "192.0.2.20"}, EscposPrinter),
        ({"kind": "serial", "device": "/dev/ttyUSB0", "columns": 32}, EscposPrinter),
        ({"kind": "usb", "usb_id": "04b8:0202"}, EscposPrinter),
        ({"kind": "file", "device": "/dev/usb/lp0", "answers": False}, EscposPrinter),
    ],
)
def test_each_kind_is_made(printer: dict[str, Any], made: type | None) -> None:
    found = printer_of(settings(printer=printer))
    assert (type(found) if found else None) is made


def test_mail_is_there_when_it_has_a_host() -> None:
    secrets = Secrets("sampletown", "A", {})
    assert mailer_of(settings(), secrets) is None
    mail = {"host": "smtp.example.org", "sender": "permits@example.org"}
    assert isinstance(mailer_of(settings(mail=mail), secrets), SmtpMailer)
