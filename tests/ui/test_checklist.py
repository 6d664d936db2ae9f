"""The checklist from a first set-up to live: every step verified, in plain words, with the way to mend it."""

from collections.abc import Callable

import pytest

from cashier.domain.accounts import Secret
from cashier.domain.errors import Refused, Unavailable
from cashier.domain.people import Role
from cashier.gateway.postback import till_key_to_text
from cashier.starting import Starting
from cashier.till.checklist import ALMOST, LIVE, Check, Checklist, CheckState, Section
from cashier.till.config import Reader
from cashier.till.ports import Plugged, ReaderTold
from cashier.till.printing import PrintConfig
from cashier.ui.checklist import ChecklistDialog, ChecklistPanel
from cashier.ui.rail import SETTINGS
from cashier.ui.settings_page import CHECKLIST
from tests.fakes.people import CLERK, CLERK_PIN, at_once
from tests.fakes.printer import FakePrinter
from tests.ui.machine import CHIP, SERIAL, Finding, Machine
from tests.ui.test_accessibility import nameless_in

DONE, TO_DO, FAULT, UNKNOWN = CheckState.DONE, CheckState.TO_DO, CheckState.FAULT, CheckState.UNKNOWN
KEY, TYPES, PEOPLE = (
    "Invoice Cloud takes the key of town",
    "Every invoice type of the fees has a biller",
    "An administrator and somebody else can sign in",
)
TRAINED, PRINTED, BACKUP = (
    "A training sale was made",
    "A test page was printed",
    "A backup of the journal exists",
)


@pytest.fixture
def ready(machine: Machine) -> Machine:
    """A machine where everything is done."""
    machine.outsides.secrets["api-key-town"] = Secret("a key")
    machine.readers = ()
    return machine


def look(machine: Machine) -> dict[str, Check]:
    """Open the till, without a window, and look at the list."""
    if not machine.tills:
        machine.open_alone()
    found: list[tuple[Check, ...]] = []

    async def look_once() -> None:
        found.append(await Checklist(machine.till).look())

    machine.loop.run_until_complete(look_once())
    assert len({check.title for check in found[0]}) == len(found[0])
    return {check.title: check for check in found[0]}


def state_of(machine: Machine, title: str) -> CheckState:
    return look(machine)[title].state


def test_everything_done_is_said_plainly(ready: Machine) -> None:
    checks = look(ready)
    left = {title for title, check in checks.items() if check.state is not DONE}
    assert left == {"A card reader is set up"}, "a till may have none"
    assert Checklist.verdict(tuple(checks.values())) == ALMOST
    assert Checklist.verdict([check for check in checks.values() if check.state is DONE]) == LIVE
    assert ready.outsides.asked_keys == ["town"], "the key was asked about for real"


@pytest.mark.parametrize(
    ("spoil", "title", "state", "section"),
    [
        (lambda m: setattr(m.outsides, "trained", False), TRAINED, TO_DO, Section.TRAINING),
        (lambda m: setattr(m.outsides, "trained", None), TRAINED, UNKNOWN, Section.TRAINING),
        (lambda m: m.outsides.secrets.clear(), KEY, TO_DO, Section.BILLERS),
        (lambda m: setattr(m.outsides, "key_error", Refused("no such key")), KEY, FAULT, Section.BILLERS),
        (lambda m: setattr(m.outsides, "key_error", Unavailable("no line")), KEY, UNKNOWN, Section.BILLERS),
        (
            lambda m: setattr(
                m.outsides, "findings", [Finding("backup", "warning", "none yet", "Make one.")]
            ),
            BACKUP,
            TO_DO,
            Section.BACKUP,
        ),
        (
            lambda m: setattr(m.outsides, "findings", [Finding("hub", "fault", "no", "Look at the line.")]),
            "The hub answers, and knows this till",
            FAULT,
            Section.HUB,
        ),
        (
            lambda m: setattr(
                m.outsides, "findings", [Finding("fee schedule", "warning", "made up", "Give.")]
            ),
            "The fee schedule is in force and has its own accounts",
            TO_DO,
            Section.FEES,
        ),
    ],
)
def test_what_is_missing_is_told_with_what_to_do_and_where(
    ready: Machine, spoil: Callable[[Machine], None], title: str, state: CheckState, section: Section
) -> None:
    spoil(ready)
    check = look(ready)[title]
    assert (check.state, check.section) == (state, section)
    assert check.do or state is UNKNOWN


def test_a_finding_that_has_no_words_yet_is_a_step_of_its_own(ready: Machine) -> None:
    ready.outsides.findings = [Finding("moon phase", "fault", "full", "Wait.")]
    check = look(ready)["moon phase"]
    assert (check.state, check.detail, check.do) == (FAULT, "moon phase: full", "Wait.")


def test_the_worst_of_what_belongs_together_counts(ready: Machine) -> None:
    ready.outsides.findings = [
        Finding("SQLite"),
        Finding("keyring", "warning", "none", "Log in."),
        Finding("payment page engine", "fault", "too old", "Update."),
    ]
    check = look(ready)["This computer is fit to be a till"]
    assert check.state is FAULT and check.do == "Log in. Update."
    assert "keyring: none" in check.detail and "SQLite" not in check.detail


def test_a_type_without_a_biller_is_a_fault_by_number(ready: Machine) -> None:
    types = {6: "Building", 43: "Permits", 95: "Zoning"}
    ready.types = types
    check = look(ready)[TYPES]
    assert check.state is FAULT and "93" in check.detail and "Invoice Cloud" in check.do


def test_one_person_alone_is_too_few(ready: Machine) -> None:
    ready.is_alone = True
    assert state_of(ready, PEOPLE) is TO_DO
    at_once(ready.till.people.add(CLERK, Role.CLERK, CLERK_PIN))
    assert state_of(ready, PEOPLE) is DONE


def test_a_reader_that_answers_has_said_what_it_is(ready: Machine) -> None:
    ready.readers = (SERIAL,)
    title = f"{SERIAL.label} answers"
    assert state_of(ready, title) is FAULT, "it is not plugged in"
    port = Plugged("/dev/ttyS9", "0acd:0630:1")
    ready.till.readers.are_plugged([port])
    ready.till.bind_reader(SERIAL.id, port.device)
    ready.reader_probe.answers[port.device] = ReaderTold("identified", is_known=True, model="Spectrum III")
    check = look(ready)[title]
    assert check.state is DONE and "Spectrum III" in check.detail
    ready.reader_probe.answers[port.device] = ReaderTold("no answer", is_known=False)
    assert state_of(ready, title) is FAULT


def test_a_reader_that_cannot_be_asked_is_settled_by_a_payment(ready: Machine) -> None:
    ready.readers = (CHIP,)
    check = look(ready)[f"{CHIP.label} answers"]
    assert check.state is UNKNOWN and "first card payment" in check.do


def test_a_test_page_is_printed_and_seen(ready: Machine) -> None:
    printer = FakePrinter()
    ready.prints = PrintConfig(printer=printer)
    ready.start()
    panel = ChecklistPanel(ready.window.run_beside)
    ready.qtbot.addWidget(panel)
    panel.attach(ready.till)
    panel.look()
    ready.turn()
    states = {check.title: check.state for check in panel.checks}
    assert states[PRINTED] is TO_DO
    panel.test_page.click()
    ready.turn()
    assert panel.note.text() == "The test page is printed."
    panel.again.click()
    ready.turn()
    assert {check.title: check.state for check in panel.checks}[PRINTED] is DONE


def test_without_a_printer_there_is_no_page_to_print(ready: Machine) -> None:
    assert state_of(ready, PRINTED) is DONE
    with pytest.raises(Refused):
        ready.loop.run_until_complete(Checklist(ready.till).print_test_page())


def test_who_may_not_change_settings_may_not_look(ready: Machine) -> None:
    ready.clerk = CLERK
    ready.start()
    panel = ChecklistPanel(ready.window.run_beside)
    ready.qtbot.addWidget(panel)
    panel.attach(ready.till)
    panel.look()
    ready.turn()
    assert "NOT CHECKED" in panel.banner.text and panel.rows == []
    assert ready.outsides.asked_keys == []


def test_the_way_there_is_a_button_and_check_again_looks_anew(ready: Machine) -> None:
    ready.outsides.findings = [Finding("backup", "warning", "none yet", "Make one.")]
    ready.start()
    panel = ChecklistPanel(ready.window.run_beside)
    ready.qtbot.addWidget(panel)
    panel.attach(ready.till)
    asked: list[Section] = []
    panel.section_asked.connect(asked.append)
    panel.show()
    panel.look()
    ready.turn()
    assert "NOT LIVE YET" in panel.banner.text
    [row] = [row for row in panel.rows if row.check.title == BACKUP]
    row.go.click()
    assert asked == [Section.BACKUP]
    assert all(row.go.isHidden() for row in panel.rows if row.check.state is DONE)
    ready.outsides.findings = [Finding("backup")]
    panel.again.click()
    ready.turn()
    assert "READY FOR LIVE" in panel.banner.text
    assert nameless_in(panel) == []


def test_the_dialog_looks_by_itself_and_leads_on(ready: Machine) -> None:
    ready.outsides.secrets.clear()
    ready.start()
    dialog = ChecklistDialog(ready.window, ready.till, ready.window.run_beside)
    dialog.open()
    ready.turn()
    assert dialog.panel.rows
    [row] = [row for row in dialog.panel.rows if row.check.title == KEY]
    row.go.click()
    assert not dialog.isVisible()


def test_readers_of_one_kind_are_told_apart(ready: Machine) -> None:
    ready.readers = (CHIP, Reader("second", "Lane 3000, counter 2", "DEVICE-9"))
    titles = [title for title in look(ready) if title.endswith("answers")]
    assert titles == ["Lane 3000, counter 1 answers", "Lane 3000, counter 2 answers"]


def test_the_settings_page_has_the_list_and_it_leads_to_its_sections(ready: Machine) -> None:
    ready.outsides.secrets.clear()
    ready.start()
    ready.window.show_page(SETTINGS)
    ready.window.settings.show_section(CHECKLIST)
    panel = ready.window.settings.checklist
    panel.look()
    ready.turn()
    [row] = [row for row in panel.rows if row.check.title == KEY]
    row.go.click()
    assert ready.window.settings.list.currentItem().text() == "Billers"


def test_every_section_that_a_step_leads_to_is_on_the_settings_page(ready: Machine) -> None:
    ready.start()
    ready.window.show_page(SETTINGS)
    found = ready.window.settings.list
    there = {found.item(row).text() for row in range(found.count())}
    assert {section.value for section in Section} - {Section.TRAINING.value} <= there


def test_training_is_one_press_away_and_the_till_comes_back_after_it(ready: Machine) -> None:
    ready.outsides.trained = False
    ready.start(Starting(ready.file, {"CASHIER_SECRET_TILL_KEY": till_key_to_text(bytes(32))}))
    ready.window.show_section(Section.TRAINING)
    ready.turn()
    assert ready.opened == ["till", "left", "training", "till"], "one after the other, never both"
    ready.window.status.leave_training.click()
    ready.turn()
    assert ready.opened[-1] == "till" and ready.window.is_training is False
