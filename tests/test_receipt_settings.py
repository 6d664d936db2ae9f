"""`[receipt]`: own lines and a logo, checked, bounded, and found where older files have them."""

import tomllib
from pathlib import Path
from typing import Any

import pytest

from cashier.adapters import printing_of
from cashier.domain.agency_text import NO_TEXT, AgencyText
from cashier.domain.errors import Refused
from cashier.secrets import Secrets
from cashier.settings import Settings, check, faults_of, load
from cashier.settings_file import SettingsFile

TOML = """
site = "sampletown"
till = "A"
agency = "Sampletown"
profile = "mcci"
schedule = "lakeland"

[hub]
url = "https://hub.example.org"

[[billers]]
name = "town"
invoice_types = { 6 = "Building" }

"""
OLDER = TOML + '[printer]\nkind = "pdf"\nlogo = "/etc/cashier/older.png"  # drawn by hand\n'


def table(**tables: dict[str, Any]) -> dict[str, Any]:
    return tomllib.loads(TOML) | tables


def settings(**tables: dict[str, Any]) -> Settings:
    return check(table(**tables), "test", environment=False)


def text_of(receipt: dict[str, Any], language: str = "en-US") -> AgencyText:
    made = settings(receipt=receipt, printer={"language": language})
    return made.till_config(account_required=False).text


def test_without_it_there_are_no_lines() -> None:
    assert settings().till_config(account_required=False).text == NO_TEXT
    assert text_of({"address": [], "below": []}) == NO_TEXT


def test_one_list_is_for_every_language() -> None:
    text = text_of({"address": [" 3 Sample Lane "], "below": ["Goodbye.", "Come\u00a0again."]})
    assert text.address == ("3 Sample Lane",)
    assert text.below_in("en-US") == text.below_in("fr-CA") == ("Goodbye.", "Come again.")


def test_a_table_is_by_language_and_the_tills_own_stands_in() -> None:
    text = text_of({"below": {"en-US": ["Goodbye."], "es-US": ["Adiós."]}}, "es-US")
    lines = {code: text.below_in(code) for code in ("en-US", "es-US", "fr-CA")}
    assert lines == {"en-US": ("Goodbye.",), "es-US": ("Adiós.",), "fr-CA": ("Adiós.",)}


@pytest.mark.parametrize(
    ("receipt", "fault"),
    [
        ({"address": ["x"] * 5}, "receipt.address: has more than 4 entries"),
        ({"address": ["x" * 61]}, "receipt.address[0]: is longer than 60 characters"),
        ({"address": ["x", " "]}, "receipt.address[1]: is empty: leave the line out"),
        ({"address": ["3 Sample Lane\nSampletown"]}, "receipt.address[0]: has signs that cannot be printed"),
        ({"address": ["\x1bp\x00"]}, "receipt.address[0]: has signs that cannot be printed"),
        ({"address": ["4111 1111 1111 1111"]}, "receipt.address[0]: has digits that could be a card number"),
        ({"address": "3 Sample Lane"}, "receipt.address: must be a list"),
        ({"address": [7]}, "receipt.address[0]: must be text, in quotes"),
        ({"below": ["x"] * 7}, "receipt.below: has more than 6 entries"),
        ({"below": ["x" * 121]}, "receipt.below[0]: is longer than 120 characters"),
        ({"below": "Goodbye."}, "receipt.below: must be a list"),
        ({"below": {"en-US": ["a", "4111111111111111"]}}, "receipt.below.en-US[1]: has digits that could be"),
        ({"below": {"en-US": "Goodbye."}}, "receipt.below.en-US: must be a list"),
        ({"below": {"en-US": ["a"], "de-DE": ["b"]}}, "receipt.below.de-DE: is not one of 'en-US', 'es-US'"),
        ({"below": {"fr-CA": ["a"]}}, "receipt.below: lacks en-US, the till's own language"),
        ({"logo": 7}, "receipt.logo: is not the path of a file"),
        ({"colour": "blue"}, "receipt.colour: is not a setting"),
    ],
)
def test_what_cannot_be_printed_is_refused_with_its_key(receipt: dict[str, Any], fault: str) -> None:
    (found,) = faults_of(table(receipt=receipt))
    assert f"{found.key}: {found.reason}".startswith(fault)
    assert "4111" not in found.reason and "Sample" not in found.reason


def test_the_environment_can_set_the_lines(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("CASHIER_RECEIPT__ADDRESS", '["4 Other Lane"]')
    monkeypatch.setenv("CASHIER_RECEIPT__BELOW", '{"en-US": ["Goodbye."]}')
    text = check(table(receipt={"address": ["3 Sample Lane"]}), "t").till_config(account_required=False).text
    assert (text.address, text.below_in("en-US")) == (("4 Other Lane",), ("Goodbye.",))


# -- the logo, and where it was ------------------------------------------------------------------------------


def test_a_settings_file_of_an_older_version_still_opens(tmp_path: Path) -> None:
    file = tmp_path / "settings.toml"
    file.write_text(OLDER, encoding="utf-8")
    made = load(file)
    assert made.receipt.logo == Path("/etc/cashier/older.png")
    assert printing_of(made, Secrets("sampletown", "A", {})).logo == made.receipt.logo


def test_an_older_variable_of_the_environment_still_counts(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("CASHIER_PRINTER__LOGO", "/etc/cashier/older.png")
    assert check(table(), "t").receipt.logo == Path("/etc/cashier/older.png")


def test_the_new_key_counts_where_both_are() -> None:
    both = settings(printer={"logo": "/older.png", "columns": 48}, receipt={"logo": "/newer.png"})
    assert (both.receipt.logo, both.printer.columns) == (Path("/newer.png"), 48)
    assert settings(receipt={"logo": ""}).receipt.logo is None


def test_a_table_that_is_none_is_told_as_such() -> None:
    (fault,) = faults_of(table() | {"printer": "logo"})
    assert (fault.key, fault.reason) == ("printer", "must be a table of settings")
    faults = faults_of(table(printer={"logo": "/a.png"}) | {"receipt": "logo"})
    assert [fault.key for fault in faults] == ["printer.logo", "receipt"]


def test_saving_an_older_file_writes_the_logo_where_it_belongs_now(tmp_path: Path) -> None:
    path = tmp_path / "settings.toml"
    path.write_text(OLDER, encoding="utf-8")
    file = SettingsFile(path, {}, lambda _settings: "")
    changed = file.read() | {"agency": "Sampletown Building"}
    assert changed["receipt"] == {"logo": "/etc/cashier/older.png"} and "logo" not in changed["printer"]
    file.write(changed)
    written = tomllib.loads(path.read_text(encoding="utf-8"))
    assert (written["receipt"], written["printer"]) == ({"logo": "/etc/cashier/older.png"}, {"kind": "pdf"})
    assert load(path).receipt.logo == Path("/etc/cashier/older.png")


def test_a_fault_is_refused_as_in_every_file(tmp_path: Path) -> None:
    path = tmp_path / "settings.toml"
    path.write_text(TOML + '[receipt]\naddress = ["4111 1111 1111 1111"]\n', encoding="utf-8")
    with pytest.raises(Refused) as refused:
        load(path)
    (fault,) = refused.value.faults
    assert fault.startswith(f"{path}: receipt.address[0]: has digits") and "4111" not in fault
