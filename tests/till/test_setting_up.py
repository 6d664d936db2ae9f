"""The guide through a first set-up: each step by the settings' own rules, nothing written before the end."""

import pytest

from cashier.domain.accounts import Secret
from cashier.domain.errors import Refused
from cashier.settings import Settings
from cashier.till.set_up_questions import API_KEY, INVOICE_TYPES, TILL_KEY, StepName
from cashier.till.setting_up import Guide
from tests.fakes.people import at_once
from tests.fakes.set_up import KEY, FakeSetUp

STEPS = [step for step in StepName if step is not StepName.READY]


def answered(tools: FakeSetUp | None = None, **texts: str) -> Guide:
    """A guide whose every step is right, but for what is given."""
    guide = Guide(tools or FakeSetUp())
    whole = {"agency": "Town of Sampleton", "site": "town", "hub": "https://hub.example.org", **texts}
    for name, text in whole.items():
        guide.answer(name, text)
    guide.keep_secret(TILL_KEY, Secret(KEY))
    return guide


def test_a_new_guide_asks_for_what_cannot_be_guessed() -> None:
    guide = Guide(FakeSetUp())
    assert {step: set(guide.faults(step)) for step in STEPS} == {
        StepName.TILL: {"agency", "site"},
        StepName.PERMITS: set(),
        StepName.BILLER: set(),
        StepName.HUB: {"hub", TILL_KEY},
        StepName.READER: set(),
        StepName.PRINTER: set(),
    }


def test_answers_become_settings_and_secrets() -> None:
    tools = FakeSetUp()
    guide = answered(
        tools, maximum="5000.00", reader="gateway", label="Lane 3000", device="EMV-1", location="L1"
    )
    guide.answer("printer", "network")
    guide.answer("printer_host", "192.0.2.20")
    guide.keep_secret(API_KEY, Secret("  an-api-key  "))
    guide.save()
    [(table, secrets)] = tools.saved
    assert secrets == {"till-key": KEY, "api-key-permits": "an-api-key"}
    settings = Settings.model_validate(table)
    assert (settings.site, settings.till, settings.agency) == ("town", "A", "Town of Sampleton")
    assert settings.billers[0].invoice_types == {6: "Building Department", 43: "Permits"}
    assert settings.billers[0].card_maximum == "5000.00"
    assert (settings.readers[0].label, settings.readers[0].emv_device_id) == ("Lane 3000", "EMV-1")
    assert (settings.printer.kind, settings.printer.host) == ("network", "192.0.2.20")
    assert KEY not in repr(table) and "an-api-key" not in repr(table)


def test_nothing_is_saved_with_a_fault_and_every_fault_is_told() -> None:
    tools = FakeSetUp()
    guide = answered(tools, site="Not A Name", hub="ftp://x")
    with pytest.raises(Refused) as refused:
        guide.save()
    assert "site: use small letters" in refused.value.user_text and "hub.url" in refused.value.user_text
    assert tools.saved == []


@pytest.mark.parametrize(
    ("step", "name", "text", "reason"),
    [
        (StepName.TILL, "till", "a7", "capital letters"),
        (StepName.TILL, "site", "", "is missing"),
        (StepName.BILLER, "maximum", "lots", "amount"),
        (StepName.BILLER, "biller", "My Biller", "small letters"),
        (StepName.HUB, "hub", "http://hub.example.org", "https://"),
        (StepName.PRINTER, "printer_usb_id", "nothing", "04b8:0202"),
    ],
)
def test_each_step_is_held_against_the_rules_of_its_own_keys(
    step: StepName, name: str, text: str, reason: str
) -> None:
    guide = answered(printer="usb", **{name: text})
    assert reason in guide.faults(step)[name]
    assert [other for other in STEPS if other not in (step, StepName.PRINTER) and guide.faults(other)] == []


def test_a_biller_needs_a_type() -> None:
    guide = answered()
    for number in list(guide.types):
        guide.tick(number, "", on=False)
    assert guide.faults(StepName.BILLER) == {"types": "needs at least one"}


def test_a_chip_reader_needs_what_invoice_cloud_calls_it() -> None:
    guide = answered(reader="serial", label="Spectrum")
    assert guide.faults(StepName.READER) == {"device": "is missing"}
    guide.answer("label", "")
    assert guide.faults(StepName.READER) == {"label": "is missing", "device": "is missing"}, "both at once"
    guide.answer("label", "Swipe reader")
    guide.answer("reader", "keyboard")
    assert guide.faults(StepName.READER) == {}


def test_what_is_asked_follows_from_the_answers() -> None:
    guide = answered()
    assert [asked.name for asked in guide.fields(StepName.READER)] == ["reader"]
    guide.answer("reader", "gateway")
    assert [asked.name for asked in guide.fields(StepName.READER)] == [
        "reader",
        "label",
        "device",
        "location",
    ]
    guide.answer("reader", "")
    assert "readers" not in guide.table(), "a reader that was thought better of is not written"


def test_the_types_of_the_fee_schedule_are_ticked_until_somebody_says_otherwise() -> None:
    guide = answered()
    assert set(guide.types) == {6, 43}
    guide.answer("schedule", "police")
    assert guide.types == {39: INVOICE_TYPES[39]}
    guide.tick(6, INVOICE_TYPES[6], on=True)
    guide.answer("schedule", "generic")
    assert set(guide.types) == {6, 39}, "what a person has said stays"
    assert any("43" in warning for warning in guide.warnings), "and what is missing then is told"


def test_a_type_of_ones_own_takes_a_number_and_a_name() -> None:
    guide = answered()
    for number, name in (("", "Fire"), ("0", "Fire"), ("7a", "Fire"), ("1234567", "Fire"), ("12", " ")):
        with pytest.raises(Refused):
            guide.add_type(number, name)
    guide.add_type(" 12 ", " Fire marshal ")
    assert guide.types[12] == "Fire marshal"
    assert guide.faults(StepName.BILLER) == {}


def test_the_step_of_the_hub_needs_a_key_that_is_one() -> None:
    guide = answered()
    guide.keep_secret(TILL_KEY, Secret("no-key"))
    assert guide.faults(StepName.HUB) == {TILL_KEY: "is no till key"}


def test_a_key_that_the_machine_has_already_is_not_asked_for() -> None:
    guide = answered(FakeSetUp(known={"town/A/till-key", "town/A/api-key-permits"}))
    guide.keep_secret(TILL_KEY, Secret(""))
    assert guide.faults(StepName.HUB) == {}
    assert not any("API key" in warning for warning in guide.warnings)


def test_enrolling_takes_over_what_the_hub_says() -> None:
    tools = FakeSetUp()
    guide = answered(tools)
    guide.keep_secret(TILL_KEY, Secret(""))
    at_once(guide.enrol("7KQ4-M2XD-9RTB"))
    assert tools.codes == [("https://hub.example.org", "7KQ4-M2XD-9RTB")]
    assert (guide.texts["site"], guide.texts["till"]) == ("hubtown", "C")
    assert guide.faults(StepName.HUB) == {}
    guide.save()
    assert "till-key" not in tools.saved[0][1], "it is in the keyring already"


def test_the_key_of_another_till_does_not_do() -> None:
    guide = answered()
    guide.keep_secret(TILL_KEY, Secret(""))
    at_once(guide.enrol("7KQ4-M2XD-9RTB"))
    guide.answer("till", "D")
    assert TILL_KEY in guide.faults(StepName.HUB)


def test_an_api_key_is_tested_as_it_was_typed() -> None:
    tools = FakeSetUp()
    guide = answered(tools)
    with pytest.raises(Refused):
        at_once(guide.test_key())
    guide.keep_secret(API_KEY, Secret("key-1"))
    at_once(guide.test_key())
    assert tools.tested == [("permits", "key-1")]


def test_what_is_still_to_be_seen_to_is_told() -> None:
    guide = answered(profile="mcci")
    assert {"MCCi sends type 42 only."} < set(guide.warnings)
    assert any("API key" in warning for warning in guide.warnings)


def test_keys_show_nowhere() -> None:
    guide = answered()
    guide.keep_secret(API_KEY, Secret("CANARY-1"))
    guide.keep_secret(TILL_KEY, Secret("CANARY-2"))
    said = repr(guide), repr(guide.summary()), repr(guide.warnings), repr(guide.table())
    assert not any("CANARY" in text for text in said)
