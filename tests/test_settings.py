"""Settings: one line a fault, the environment on top, nothing secret in them."""

import copy
import os
import re
import tomllib
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from cashier.domain.errors import Refused
from cashier.settings import Settings, check, faults_of, load
from cashier.till.config import Biller, Connection, Reader, ServiceFee
from cashier.till.trainees import TRAINING_TILL
from cashier.training import Servers, Training

TOML = """
site = "sampleton"
till = "A"
agency = "Town of Sampleton"
profile = "grancius"
schedule = "lakeland"
return_url = "https://permits.example.org/paid/"

[gateway]
hosts = ["pay.example.org"]

[hub]
url = "https://hub.example.org/"

[[billers]]
name = "town"
guid = "7c9e6679-7425-40de-944b-e07fc1f90ae7"
card_maximum = "5000"
return_site_name = "Town of Sampleton"
[billers.invoice_types]
6 = "Building"
93 = "Planning"
[billers.service_fee]
percent = "2.5"
minimum = "1.00"

[[readers]]
id = "lane"
label = "Lane 3000, counter 1"
emv_device_id = "LANE-1"
"""


@pytest.fixture(autouse=True)
def _no_variables(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in list(os.environ):
        if name.upper().startswith("CASHIER_"):
            monkeypatch.delenv(name)


@pytest.fixture
def file(tmp_path: Path) -> Path:
    path = tmp_path / "settings.toml"
    path.write_text(TOML, encoding="utf-8")
    return path


def _table() -> dict[str, Any]:
    return tomllib.loads(TOML)


def _reader(table: dict[str, Any], **keys: Any) -> None:
    table["readers"][0].update(connection="serial", **keys)


def _second_reader(table: dict[str, Any], **keys: Any) -> None:
    table["readers"].append(table["readers"][0] | keys)


def _changed(change: Callable[[dict[str, Any]], object]) -> dict[str, Any]:
    table = copy.deepcopy(_table())
    change(table)
    return table


def test_a_file_becomes_the_tills_plain_values(file: Path) -> None:
    settings = load(file)
    assert settings.hub.url == "https://hub.example.org"
    assert settings.gateway.base_url == "https://www.invoicecloud.com"
    assert (settings.training, settings.data_folder) == (False, None)
    gateway = settings.gateway
    assert (gateway.session_minutes, gateway.session_margin_minutes, gateway.quiet_seconds) == (30, 5, 20)
    config = settings.till_config(account_required=True)
    assert (config.site, config.till, config.agency, config.profile) == (
        "sampleton",
        "A",
        "Town of Sampleton",
        "grancius",
    )
    assert (config.return_url, config.account_required) == ("https://permits.example.org/paid", True)
    assert config.billers == (
        Biller(
            "town",
            {6: "Building", 93: "Planning"},
            "7c9e6679-7425-40de-944b-e07fc1f90ae7",
            500_000,  # type: ignore[arg-type]
            "Town of Sampleton",
            ServiceFee(250, 100),  # type: ignore[arg-type]
        ),
    )
    assert config.readers == (Reader("lane", "Lane 3000, counter 1", "LANE-1"),)


def test_a_reader_on_a_port_is_what_the_file_says() -> None:
    keys = {"bound_to": "0acd:0630:SN1", "family": "idtech_itp", "baud": 19_200, "rts_cts": True}
    table = _changed(lambda t: _reader(t, **keys) or t.update(scanner_prefix="~"))
    config = check(table, "t").till_config(account_required=False)
    (reader,) = config.readers
    assert reader == Reader(
        "lane",
        "Lane 3000, counter 1",
        "LANE-1",
        connection=Connection.SERIAL,
        **keys,  # type: ignore[arg-type]
    )
    assert config.scanner_prefix == "~"


def test_a_stripe_reader_needs_no_emv_device_id() -> None:
    table = _changed(lambda t: t["readers"][0].update(emv=False, emv_device_id="", connection="keyboard"))
    (reader,) = check(table, "t").till_config(account_required=False).readers
    assert (reader.emv_device_id, reader.connection) == ("", Connection.KEYBOARD)


@pytest.mark.parametrize(
    ("percent", "basis_points"), [("0", 0), ("2", 200), ("2.5", 250), ("2.05", 205), ("10.25", 1025)]
)
def test_a_percentage_becomes_basis_points(percent: str, basis_points: int) -> None:
    table = _changed(lambda t: t["billers"][0]["service_fee"].update(percent=percent))
    config = check(table, "t").till_config(account_required=False)
    assert config.billers[0].service_fee.basis_points == basis_points


def test_no_maximum_is_no_limit() -> None:
    table = _changed(lambda t: t["billers"][0].pop("card_maximum"))
    assert check(table, "t").till_config(account_required=False).billers[0].card_maximum_cents is None


def _biller(table: dict[str, Any], **changes: object) -> None:
    table["billers"][0].update(changes)


def _gateway(table: dict[str, Any], **changes: object) -> None:
    table["gateway"].update(changes)


def _add_biller(table: dict[str, Any], **changes: object) -> None:
    table["billers"].append(table["billers"][0] | changes)


FAULTS: list[tuple[str, Callable[[dict[str, Any]], object]]] = [
    ("site: is missing", lambda t: t.pop("site")),
    ("hub: is missing", lambda t: t.pop("hub")),
    ("hub.url: is missing", lambda t: t.update(hub={})),
    ("billers: is missing", lambda t: t.pop("billers")),
    ("billers[0].invoice_types: is missing", lambda t: t["billers"][0].pop("invoice_types")),
    ("colour: is not a setting", lambda t: t.update(colour="blue")),
    ("gateway.api_key: is not a setting", lambda t: _gateway(t, api_key="x")),
    ("billers[0].api_key: is not a setting", lambda t: _biller(t, api_key="x")),
    ("site: use small letters, digits and dashes", lambda t: t.update(site="Town Hall")),
    ("site: use small letters, digits and dashes", lambda t: t.update(site="x" * 33)),
    ("till: a till's code is one to four capital letters", lambda t: t.update(till="a1")),
    ("till: a till's code is one to four capital letters", lambda t: t.update(till="ABCDE")),
    ("agency: is missing", lambda t: t.update(agency="")),
    ("agency: is longer than 120 characters", lambda t: t.update(agency="x" * 121)),
    ("cashier: must be text, in quotes", lambda t: t.update(cashier=7)),
    ("return_url: is not a web address", lambda t: t.update(return_url="ftp://example.org")),
    ("return_url: must start with https://", lambda t: t.update(return_url="http://example.org")),
    ("gateway.base_url: is not a web address", lambda t: _gateway(t, base_url="www.example.org")),
    ("gateway.base_url: must start with https://", lambda t: _gateway(t, base_url="http://e.org")),
    ("gateway.base_url: is not a web address", lambda t: _gateway(t, base_url="https://[::1")),
    ("gateway.connect_seconds: must be more than 0", lambda t: _gateway(t, connect_seconds=0)),
    ("gateway.answer_seconds: must be at most 120", lambda t: _gateway(t, answer_seconds=121)),
    ("gateway.session_minutes: must be at least 1", lambda t: _gateway(t, session_minutes=0)),
    ("gateway.session_minutes: must be at most 1440", lambda t: _gateway(t, session_minutes=1441)),
    (
        "gateway.session_margin_minutes: must be at least 0",
        lambda t: _gateway(t, session_margin_minutes=-1),
    ),
    ("gateway.quiet_seconds: must be at least 1", lambda t: _gateway(t, quiet_seconds=0)),
    ("hub.postback_days: must be at most 365", lambda t: t["hub"].update(postback_days=366)),
    ("billers: needs at least one", lambda t: t.update(billers=[])),
    ("billers[0].card_maximum: is not an amount", lambda t: _biller(t, card_maximum="5,000")),
    ("billers[0].card_maximum: must be text, in quotes", lambda t: _biller(t, card_maximum=5000)),
    (
        "billers[0].service_fee.percent: is not a percentage",
        lambda t: _biller(t, service_fee={"percent": "2,5"}),
    ),
    (
        "billers[0].service_fee.percent: is not a percentage",
        lambda t: _biller(t, service_fee={"percent": "-1"}),
    ),
    ("billers[0].service_fee.minimum: is not an amount", lambda t: _biller(t, service_fee={"minimum": "x"})),
    ("billers[0].invoice_types: needs at least one", lambda t: _biller(t, invoice_types={})),
    (
        "billers[0].invoice_types.six: is not a whole number",
        lambda t: _biller(t, invoice_types={"six": "B"}),
    ),
    ("readers[0].id: use small letters", lambda t: t["readers"][0].update(id="Lane 1")),
    ("readers[0].emv: must be true or false", lambda t: t["readers"][0].update(emv="maybe")),
    (
        "readers[0].connection: is not one of 'gateway', 'keyboard' or 'serial'",
        lambda t: t["readers"][0].update(connection="bluetooth"),
    ),
    ("readers[0].family: is not a family of readers", lambda t: _reader(t, family="lane")),
    ("readers[0].baud: must be at least 300", lambda t: _reader(t, baud=0)),
    ("readers[0]: emv_device_id: a chip reader needs", lambda t: _reader(t, emv_device_id=" ")),
    ("readers[0]: it must read chips", lambda t: _reader(t, emv=False, swipe=False)),
    ("readers[0]: bound_to, family, baud and", lambda t: t["readers"][0].update(bound_to="COM5")),
    (
        "readers[0]: bound_to: its serial number could be a card number",
        lambda t: _reader(t, bound_to="0acd:0630:4111111111111111"),
    ),
    ("lock_after_minutes: is not a whole number", lambda t: t.update(lock_after_minutes="soon")),
    ("lock_after_minutes: is not a whole number", lambda t: t.update(lock_after_minutes=10.5)),
    ("lock_after_minutes: must be at least 0", lambda t: t.update(lock_after_minutes=-1)),
    ("lock_after_minutes: must be at most 480", lambda t: t.update(lock_after_minutes=481)),
    ("gateway.answer_seconds: is not a number", lambda t: _gateway(t, answer_seconds="long")),
    ("drawer.float: is not an amount such as 145.50", lambda t: t.update(drawer={"float": "much"})),
    ("drawer.soft_limit: is not an amount", lambda t: t.update(drawer={"soft_limit": "-1"})),
    ("drawer.hard_limit: must be text, in quotes", lambda t: t.update(drawer={"hard_limit": 2500})),
    ("drawer.variance_limit: is not an amount", lambda t: t.update(drawer={"variance_limit": ""})),
    ("drawer: soft_limit: is above hard_limit", lambda t: t.update(drawer={"soft_limit": "2500.01"})),
    ("drawer.denominations: must be a list", lambda t: t.update(drawer={"denominations": "1.00"})),
    ("drawer: must be a table of settings", lambda t: t.update(drawer="none")),
    ("backup.every_hours: must be at least 0.25", lambda t: t.update(backup={"every_hours": 0.1})),
    ("backup.folder: is not the path of a file", lambda t: t.update(backup={"folder": 7})),
    ("printer.usb_id: is not the id of a USB device", lambda t: t.update(printer={"usb_id": "printer"})),
    ("sso.biller: use small letters, digits and", lambda t: t.update(sso={"biller": "Town Hall"})),
    ("sso.css_url: must start with https://", lambda t: t.update(sso={"css_url": "http://x.example.org"})),
    ("scanner_prefix: is one sign", lambda t: t.update(scanner_prefix=";")),
    ("scanner_prefix: is one sign", lambda t: t.update(scanner_prefix="~~")),
    ("settings: two billers have the same name", lambda t: _add_biller(t, invoice_types={"7": "x"})),
    ("settings: two invoice types have the same", lambda t: _add_biller(t, name="other")),
    ("settings: two readers have the same", lambda t: t["readers"].append(t["readers"][0])),
    (
        "settings: two reader labels have the same",
        lambda t: t["readers"].append(t["readers"][0] | {"id": "b"}),
    ),
]


@pytest.mark.parametrize(
    ("line", "change"), FAULTS, ids=[f"{n}-{line[:30]}" for n, (line, _) in enumerate(FAULTS)]
)
def test_each_fault_is_one_line_of_file_key_and_reason(
    line: str, change: Callable[[dict[str, Any]], object]
) -> None:
    with pytest.raises(Refused) as refused:
        check(_changed(change), "till.toml")
    (fault,) = refused.value.faults
    assert fault.startswith(f"till.toml: {line}")
    assert "\n" not in fault


def test_every_fault_is_told_at_once() -> None:
    def spoil(table: dict[str, Any]) -> None:
        table.pop("site")
        table["till"] = "a"
        table["hub"]["url"] = "x"
        table["billers"][0]["card_maximum"] = "x"

    with pytest.raises(Refused) as refused:
        check(_changed(spoil), "till.toml")
    assert [fault.split(": ")[1] for fault in refused.value.faults] == [
        "site",
        "till",
        "hub.url",
        "billers[0].card_maximum",
    ]
    assert refused.value.user_text == "till.toml: 4 faults in the settings"


@pytest.mark.parametrize("secret", ["sk-live-0123456789", "4111111111111111"])
def test_a_fault_does_not_repeat_what_was_typed(secret: str) -> None:
    def spoil(table: dict[str, Any]) -> None:
        table["billers"][0].update(card_maximum=secret, api_key=secret, service_fee={"percent": secret})
        table["hub"]["url"] = secret
        table["till"] = secret

    with pytest.raises(Refused) as refused:
        check(_changed(spoil), "till.toml")
    assert len(refused.value.faults) >= 4
    assert secret not in "\n".join(refused.value.faults)


def _spoiled(value: Any, wrong: Any) -> Any:
    """A table of settings with something wrong in place of every single value."""
    if isinstance(value, dict):
        return {key: _spoiled(inside, wrong) for key, inside in value.items()}
    if isinstance(value, list):
        return [_spoiled(inside, wrong) for inside in value]
    return wrong


CANARY = "canary-5b1f"
WRONG: tuple[Any, ...] = (
    CANARY,
    CANARY * 1000,
    f"{CANARY}\n",
    "",
    7.5,
    -1,
    10**9,
    [CANARY],
    {"x": CANARY},
    [],
)


@pytest.mark.parametrize("wrong", WRONG, ids=[str(n) for n in range(len(WRONG))])
def test_every_fault_of_every_setting_is_told_in_plain_words(wrong: Any) -> None:
    readme = (Path(__file__).parent.parent / "README.md").read_text(encoding="utf-8")
    (block,) = re.findall(r"```toml\n(.*?)```", readme, re.DOTALL)
    whole = tomllib.loads(block)
    assert not faults_of(whole)
    faults = faults_of(_spoiled(whole, wrong))
    for key in whole:
        faults += faults_of(whole | {key: wrong})
    assert len(faults) > 30
    for fault in faults:
        said = f"{fault.key}: {fault.reason}"
        assert re.fullmatch(r"[a-zA-Z0-9_.\[\]-]+: [^\n]{10,150}", said), said
        assert CANARY not in said
        assert not re.search("Input|String|Value|pydantic|literal|function|pattern|match", said), said


@pytest.mark.parametrize(
    ("content", "reason"),
    [
        (b"site = ", "is not TOML: Invalid value"),
        (b'site = "a"\nsite = "b"\n', "is not TOML: Cannot overwrite a value (at line 2"),
        (b'site = "\xff"', "is not UTF-8 text"),
    ],
)
def test_what_is_no_toml_is_refused_with_the_file(file: Path, content: bytes, reason: str) -> None:
    file.write_bytes(content)
    with pytest.raises(Refused) as refused:
        load(file)
    assert refused.value.user_text.startswith(f"{file}: {reason}")
    assert "\n" not in refused.value.user_text


def test_no_file_says_what_to_do(tmp_path: Path) -> None:
    with pytest.raises(Refused, match=r"no settings file\. Start with --training"):
        load(tmp_path / "none.toml")
    with pytest.raises(Refused, match="cannot be read"):
        load(tmp_path)


def test_the_environment_goes_over_the_file(file: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("CASHIER_TILL", "QB")
    monkeypatch.setenv("CASHIER_GATEWAY__BASE_URL", "https://other.example.org")
    monkeypatch.setenv("CASHIER_HUB__POSTBACK_DAYS", "7")
    monkeypatch.setenv("CASHIER_BILLERS", '[{"name": "env", "invoice_types": {"7": "Other"}}]')
    settings = load(file)
    assert (settings.till, settings.gateway.base_url) == ("QB", "https://other.example.org")
    assert settings.gateway.hosts == ("pay.example.org",), "the rest of a table stays"
    assert (settings.hub.url, settings.hub.postback_days) == ("https://hub.example.org", 7)
    assert [biller.name for biller in settings.billers] == ["env"]


@pytest.mark.parametrize(
    ("name", "value", "fault"),
    [
        ("CASHIER_TILL", "qb", "till: a till's code"),
        ("CASHIER_HUB__POSTBACK_DAYS", "many", "hub.postback_days: is not a whole number"),
        ("CASHIER_GATEWAY__NONSENSE", "1", "gateway.nonsense: is not a setting"),
        ("CASHIER_BILLERS", "[not json", 'environment: error parsing value for field "billers"'),
    ],
)
def test_faults_of_the_environment_are_told_alike(
    file: Path, monkeypatch: pytest.MonkeyPatch, name: str, value: str, fault: str
) -> None:
    monkeypatch.setenv(name, value)
    with pytest.raises(Refused) as refused:
        load(file)
    (line,) = refused.value.faults
    assert fault in line
    assert "\n" not in line


def test_secrets_in_the_environment_are_no_settings(file: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("CASHIER_SECRET_API_KEY_TOWN", "planted-secret")
    monkeypatch.setenv("CASHIER_SECRET_TILL_KEY", "planted-secret")
    settings = load(file)
    for text in (repr(settings), str(settings), settings.model_dump_json()):
        assert "planted-secret" not in text


def test_training_is_led_astray_by_no_variable(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    training = Training(tmp_path)
    training.servers = Servers("http://127.0.0.1:1", "http://127.0.0.1:2", "key")
    for name, value in (
        ("CASHIER_GATEWAY__BASE_URL", "https://www.invoicecloud.com"),
        ("CASHIER_HUB__URL", "https://hub.example.org"),
        ("CASHIER_TRAINING", "false"),
        ("CASHIER_BILLERS", "[not json"),
        ("CASHIER_DATA_FOLDER", "/var/lib/cashier"),
    ):
        monkeypatch.setenv(name, value)
    settings = check(training.settings(), "training", environment=False)
    assert (settings.gateway.base_url, settings.hub.url) == ("http://127.0.0.1:1", "http://127.0.0.1:2")
    assert (settings.training, settings.data_folder) == (True, None)
    assert settings.till_config(account_required=True).training
    assert training.servers.till_key not in repr(settings).split("'")


@pytest.mark.parametrize("host", ["127.0.0.1", "localhost", "[::1]"])
def test_plain_http_is_for_this_machine_alone(host: str) -> None:
    table = _changed(lambda t: t["gateway"].update(base_url=f"http://{host}:8080/"))
    assert check(table, "t").gateway.base_url == f"http://{host}:8080"


def test_settings_cannot_be_changed_later(file: Path) -> None:
    settings = load(file)
    with pytest.raises(ValueError, match="frozen"):
        settings.till = "B"
    assert isinstance(settings, Settings)


def test_x6_no_till_that_takes_money_has_the_code_of_a_training_till(file: Path, tmp_path: Path) -> None:
    text = file.read_text()
    assert 'till = "' in text
    file.write_text(re.sub(r'^till = ".*"$', f'till = "{TRAINING_TILL}"', text, flags=re.MULTILINE))
    with pytest.raises(Refused) as refused:
        load(file)
    assert "TRAIN is the code of training tills only" in str(refused.value.faults)
    training = Training(tmp_path)
    training.servers = Servers("http://127.0.0.1:1", "http://127.0.0.1:2", "key")
    assert check(training.settings(), "training", environment=False).till == TRAINING_TILL
