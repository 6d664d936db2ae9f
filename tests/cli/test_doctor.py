"""`doctor`: all well on a real sandbox and hub; each thing that is wrong is named, with what to do."""

import json
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from cashier import environment
from cashier.hub.serve import RunningHub
from cashier.sandbox.serve import RunningSandbox
from cashier.training import API_KEY
from tests.helpers.escpos_emulator import Fault, printer_at

from .conftest import MASTER, Cashier

#: The test's own user and the schedules that ship with the till are not what these tests are about.
ALWAYS = {"fee schedule", *(["user and environment"] if environment.is_root() else [])}

SETTINGS = """
site = "sampletown"
till = "A"
agency = "Town of Sampleton"
profile = "grancius"
schedule = "lakeland"
training = true  # plain http is for training
[gateway]
base_url = "{gateway}"
connect_seconds = 1
[hub]
url = "{hub}"
[[billers]]
name = "building"
guid = "5a2d0b0e-0000-4000-8000-7261696e0001"
invoice_types = {{ 6 = "Building" }}
"""


@dataclass
class Finding:
    what: str
    state: str
    detail: str
    do: str


class Counter:
    """A settings file that points at a real sandbox and a real hub."""

    def __init__(self, file: Path, sandbox: RunningSandbox, hub: RunningHub) -> None:
        self.file, self.sandbox, self.hub = file, sandbox, hub
        self.write(sandbox.url, hub.url)

    def write(self, gateway: str, hub: str) -> None:
        self.file.write_text(SETTINGS.format(gateway=gateway, hub=hub))


@pytest.fixture
def counter(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Counter]:
    url = f"sqlite:///{tmp_path / 'hub.db'}"
    with RunningSandbox() as sandbox, RunningHub(url, MASTER.encode()) as hub:
        monkeypatch.setenv("CASHIER_SECRET_TILL_KEY", hub.enrol("sampletown", "A"))
        monkeypatch.setenv("CASHIER_SECRET_API_KEY_BUILDING", API_KEY)
        monkeypatch.setenv("CASHIER_SECRET_PIN_PEPPER", "a pepper of tests")
        monkeypatch.setenv("CASHIER_SECRET_WEB_SERVICE_KEY_BUILDING", sandbox.config.web_service_key)
        yield Counter(tmp_path / "settings.toml", sandbox, hub)


def examine(cashier: Cashier, *words: object) -> tuple[int, dict[str, Finding]]:
    ended = cashier(*words, "doctor", "--json")
    assert ended.err == ()
    findings = [Finding(**json.loads(line)) for line in ended.lines]
    assert len({finding.what for finding in findings}) == len(findings)
    for finding in findings:
        assert bool(finding.do) == (finding.state != "ok"), finding  # what is wrong comes with advice
    assert ended.code == any(finding.state == "fault" for finding in findings)
    return ended.code, {finding.what: finding for finding in findings}


def wrong(findings: dict[str, Finding]) -> set[str]:
    return {what for what, finding in findings.items() if finding.state != "ok"} - ALWAYS - {"keyring"}


def test_training_needs_nothing(cashier: Cashier) -> None:
    code, findings = examine(cashier, "--training")
    assert (code, {finding.state for finding in findings.values()}) == (0, {"ok"})
    assert {"versions", "SQLite", "payment page engine", "keyring"} <= set(findings)
    assert "Chromium" in findings["payment page engine"].detail


def test_all_is_well_on_a_real_gateway_and_hub(cashier: Cashier, counter: Counter) -> None:
    _, findings = examine(cashier, "--settings", counter.file)
    assert wrong(findings) == set()
    for what in ("gateway, biller building", "hub", "hub knows this till", "clock", "secret till-key"):
        assert findings[what].state == "ok"
    # The server writes its Date anew once a second, cut to whole seconds.
    assert findings["clock"].detail[:10] in ("within 0 s", "within 1 s", "within 2 s")


def test_a_pepper_that_is_not_there_is_a_warning(
    cashier: Cashier, counter: Counter, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("CASHIER_SECRET_PIN_PEPPER")
    _, findings = examine(cashier, "--settings", counter.file)
    assert wrong(findings) == {"secret pin-pepper"}
    assert "every PIN set anew" in findings["secret pin-pepper"].detail


def test_the_lines_say_the_same(cashier: Cashier, counter: Counter) -> None:
    ended = cashier("--settings", counter.file, "doctor")
    _, findings = examine(cashier, "--settings", counter.file)
    assert [line.split()[0] for line in ended.lines] == [finding.state for finding in findings.values()]
    for line, finding in zip(ended.lines, findings.values(), strict=True):
        assert finding.what in line
        assert ("→" in line) == bool(finding.do)


def test_a_machine_without_a_keyring_is_warned(cashier: Cashier, counter: Counter) -> None:
    _, findings = examine(cashier, "--settings", counter.file)
    assert findings["keyring"].state == "warning"


def test_old_backups_and_none_are_warned_of(
    cashier: Cashier, counter: Counter, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("CASHIER_DATA_FOLDER", str(tmp_path / "data"))
    (tmp_path / "data" / "backups").mkdir(parents=True)
    assert examine(cashier, "--settings", counter.file)[1]["backup"].state == "ok", "there is no journal"
    (tmp_path / "data" / "journal.db").touch()
    assert examine(cashier, "--settings", counter.file)[1]["backup"].detail == "none yet"
    (tmp_path / "data" / "backups" / "journal-A-20200101T000000Z.db").touch()
    old = examine(cashier, "--settings", counter.file)[1]["backup"]
    assert (old.state, old.do) == ("warning", "Look at [backup] and its drive.")
    monkeypatch.setenv("CASHIER_BACKUP__KEEP", "0")
    assert examine(cashier, "--settings", counter.file)[1]["backup"].detail == "none is kept"


def test_made_up_accounts_are_warned_of(cashier: Cashier, counter: Counter) -> None:
    _, findings = examine(cashier, "--settings", counter.file)
    assert findings["fee schedule"].state == "warning"
    assert "made-up GL accounts" in findings["fee schedule"].detail
    assert "SAMPLE-" in findings["fee schedule"].do


def test_a_gateway_that_is_gone(cashier: Cashier, counter: Counter) -> None:
    counter.sandbox.stop()
    code, findings = examine(cashier, "--settings", counter.file)
    lost = {"gateway, biller building", "enquiry, biller building", "clock"}
    assert (code, wrong(findings)) == (1, lost)
    assert findings["gateway, biller building"].state == "fault"
    assert findings["hub"].state == "ok"


def test_a_hub_that_is_gone(cashier: Cashier, counter: Counter) -> None:
    counter.write(counter.sandbox.url, "http://127.0.0.1:9")
    code, findings = examine(cashier, "--settings", counter.file)
    assert (code, wrong(findings)) == (1, {"hub", "hub knows this till"})


@pytest.mark.parametrize("key", ["A" * 43, "not a key at all"])
def test_a_wrong_till_key(
    key: str, cashier: Cashier, counter: Counter, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("CASHIER_SECRET_TILL_KEY", key)
    code, findings = examine(cashier, "--settings", counter.file)
    assert code == 1
    assert "hub knows this till" in wrong(findings)
    assert key not in json.dumps([finding.__dict__ for finding in findings.values()])


def test_a_wrong_api_key(cashier: Cashier, counter: Counter, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("CASHIER_SECRET_API_KEY_BUILDING", "wrong-api-key")
    code, findings = examine(cashier, "--settings", counter.file)
    assert (code, wrong(findings)) == (1, {"gateway, biller building"})
    assert "wrong-api-key" not in findings["gateway, biller building"].do


ENQUIRY = "enquiry, biller building"


def test_the_gateway_can_be_asked(cashier: Cashier, counter: Counter) -> None:
    _, findings = examine(cashier, "--settings", counter.file)
    assert (findings[ENQUIRY].state, findings[ENQUIRY].detail) == ("ok", "enquiry answers")
    assert counter.sandbox.enquiries() == 1


def test_refused_credentials_of_an_enquiry(
    cashier: Cashier, counter: Counter, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("CASHIER_SECRET_WEB_SERVICE_KEY_BUILDING", "wrong-web-service-key")
    code, findings = examine(cashier, "--settings", counter.file)
    assert (code, wrong(findings)) == (1, {ENQUIRY})
    assert (findings[ENQUIRY].state, findings[ENQUIRY].detail) == ("fault", "credentials refused")
    assert "wrong-web-service-key" not in findings[ENQUIRY].do


@pytest.mark.parametrize("without", ["the key", "the GUID"])
def test_enquiries_that_are_not_set_up_are_a_warning(
    without: str, cashier: Cashier, counter: Counter, monkeypatch: pytest.MonkeyPatch
) -> None:
    if without == "the key":
        monkeypatch.delenv("CASHIER_SECRET_WEB_SERVICE_KEY_BUILDING")
    else:
        lines = counter.file.read_text().splitlines()
        counter.file.write_text("\n".join(line for line in lines if not line.startswith("guid")))
    _, findings = examine(cashier, "--settings", counter.file)
    assert wrong(findings) == {ENQUIRY}
    assert findings[ENQUIRY].state == "warning"
    assert findings[ENQUIRY].detail == (
        "not set up: payments in doubt resolve by postback or a supervisor only"
    )
    assert "cashier secret set web-service-key-building" in findings[ENQUIRY].do
    assert counter.sandbox.enquiries() == 0


@pytest.mark.parametrize("fault", ["enquiry-500", "enquiry-garbage", "enquiry-429"])
def test_an_enquiry_without_a_clear_answer(fault: str, cashier: Cashier, counter: Counter) -> None:
    counter.sandbox.set_enquiry_fault(fault)
    code, findings = examine(cashier, "--settings", counter.file)
    assert (code, wrong(findings)) == (1, {ENQUIRY})
    assert findings[ENQUIRY].detail == "no clear answer"


def test_missing_secrets(cashier: Cashier, counter: Counter, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("CASHIER_SECRET_TILL_KEY")
    monkeypatch.delenv("CASHIER_SECRET_API_KEY_BUILDING")
    code, findings = examine(cashier, "--settings", counter.file)
    assert code == 1
    assert {"secret till-key", "secret api-key-building"} <= wrong(findings)
    assert "cashier secret set till-key" in findings["secret till-key"].do


@pytest.mark.parametrize(
    ("old", "new", "what"),
    [
        ('profile = "grancius"', 'profile = "nosuch"', "profile"),
        ('schedule = "lakeland"', 'schedule = "nosuch"', "fee schedule"),
        ('site = "sampletown"', 'site = "Sample Town"', "settings"),
        ('site = "sampletown"', "site = ", "settings"),
    ],
)
def test_settings_that_cannot_be_right(
    old: str, new: str, what: str, cashier: Cashier, counter: Counter
) -> None:
    counter.file.write_text(counter.file.read_text().replace(old, new))
    code, findings = examine(cashier, "--settings", counter.file)
    assert (code, findings[what].state) == (1, "fault")


def test_no_settings_at_all(cashier: Cashier) -> None:
    code, findings = examine(cashier)
    assert (code, findings["settings"].state) == (1, "fault")
    assert "no settings file" in findings["settings"].detail


def test_a_proxy_that_cannot_be_used(
    cashier: Cashier, counter: Counter, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("ALL_PROXY", "socks5://127.0.0.1:9")
    code, findings = examine(cashier, "--settings", counter.file)
    assert (code, wrong(findings)) == (1, {"proxy"})


def test_without_a_printer_receipts_are_saved(cashier: Cashier, counter: Counter) -> None:
    _, findings = examine(cashier, "--settings", counter.file)
    assert findings["printer"].state == findings["mail"].state == "ok"
    assert "saved as PDF" in findings["printer"].detail


@pytest.mark.parametrize(
    ("content", "state", "said"),
    [
        (None, "ok", "none: papers have the agency's name"),
        (b"no picture", "warning", "is not a picture of the kind PNG, JPEG or BMP"),
        (
            b"BM:\0\0\0\0\0\0\x006\0\0\0(\0\0\0\1\0\0\0\1\0\0\0\1\0\x18\0" + b"\0" * 28,
            "ok",
            "1 by 1 dots on paper",
        ),
    ],
)
def test_a_logo_is_looked_at(
    content: bytes | None, state: str, said: str, cashier: Cashier, counter: Counter, tmp_path: Path
) -> None:
    if content is not None:
        (tmp_path / "logo").write_bytes(content)
        with counter.file.open("a", encoding="utf-8") as file:
            file.write(f'[receipt]\nlogo = "{tmp_path / "logo"}"\n')
    _, findings = examine(cashier, "--settings", counter.file)
    assert findings["logo"].state == state and said in findings["logo"].detail
    assert ("[receipt]" in findings["logo"].do) is (state == "warning")


@pytest.mark.parametrize(
    ("fault", "state", "said"),
    [
        (Fault.NONE, "ok", "is ready"),
        (Fault.PAPER_OUT, "warning", "out of paper"),
        (None, "warning", "not reached"),
    ],
)
def test_a_printer_is_asked_how_it_is(
    fault: Fault | None, state: str, said: str, cashier: Cashier, counter: Counter
) -> None:
    with printer_at() as there:
        there.fault = fault or Fault.NONE
        table = f'[printer]\nkind = "network"\nhost = "127.0.0.1"\nport = {there.port}\nanswer_seconds = 1\n'
        mail = '[mail]\nhost = "smtp.example.org"\nsender = "a@example.org"\nuser = "a"\n'
        with counter.file.open("a", encoding="utf-8") as file:
            file.write(table + mail)
        if fault is None:
            there.close()
        _, findings = examine(cashier, "--settings", counter.file)
        assert there.roll.lines == [], "nothing is printed"
    assert findings["printer"].state == state
    assert said in findings["printer"].detail
    assert "mail-password" in findings["mail"].do


def test_the_offices_own_schedule_is_looked_at(cashier: Cashier, counter: Counter) -> None:
    folder = counter.file.parent / "schedules"
    folder.mkdir()
    (folder / "lakeland.toml").write_text(
        'name = "lakeland"\ntitle = "City"\n[[fee]]\ncode = "sign"\nname = "Sign permit"\nkind = "flat"\n'
        'amount = "40"\ntype_id = 6\ngl_account = "001"\n',
        encoding="utf-8",
    )
    finding = examine(cashier, "--settings", counter.file)[1]["fee schedule"]
    assert (finding.state, finding.detail) == ("ok", "lakeland: 1 fees")
    (folder / "lakeland-2027.toml").write_text("name = ", encoding="utf-8")
    finding = examine(cashier, "--settings", counter.file)[1]["fee schedule"]
    assert finding.state == "fault" and "lakeland-2027.toml" in finding.detail
