"""The settings page through its widgets: checked as typed, saved whole, and keys shown nowhere."""

import tomllib
from pathlib import Path
from typing import get_args

import pytest
from PySide6.QtCore import Qt
from PySide6.QtWidgets import QComboBox, QLabel, QLineEdit, QPlainTextEdit, QTableWidget, QWidget

from cashier.domain.entries import EntryKind
from cashier.domain.invite_code import invite_code, shown
from cashier.settings import Settings
from cashier.settings_tables import SsoPathSettings
from cashier.ui.rail import SETTINGS
from cashier.ui.settings_blocks import IS_SET, NOT_SET, KeyBlock
from cashier.ui.settings_fields import NOT_HERE, SECTIONS, Field, Kind
from cashier.ui.settings_form import FieldRow, SettingsForm
from cashier.ui.settings_items import SettingsItems
from cashier.ui.settings_page import HISTORY, SettingsPage
from tests.fakes.administration import FakeAdministration
from tests.fakes.people import CLERK, SUPERVISOR
from tests.ui.desk import Desk

CANARY = "canary-5f0e7c1d9b"


@pytest.fixture
def fake(desk: Desk, tmp_path: Path) -> FakeAdministration:
    made = FakeAdministration(tmp_path)
    desk.tools, desk.clerk = made.tools, SUPERVISOR
    return made


def opened(desk: Desk) -> SettingsPage:
    desk.start()
    effective = desk.tools.store.effective(desk.tools.store.read()) if desk.tools else {}
    desk.till.administration.note_start(effective)
    desk.key(Qt.Key.Key_8, Qt.KeyboardModifier.ControlModifier)
    assert desk.window.pages.currentIndex() == SETTINGS
    return desk.window.settings


def field(page: SettingsPage, section: str, key: str) -> FieldRow:
    page.show_section(section)
    form = page.forms[section]
    return (form.form if isinstance(form, SettingsItems) else form).rows[key]


def typed(desk: Desk, row: FieldRow, text: str) -> None:
    assert isinstance(row.widget, QLineEdit)
    row.widget.setFocus()
    row.widget.selectAll()
    if text:
        desk.type(text)
    else:
        desk.key(Qt.Key.Key_Delete)
    desk.qtbot.waitUntil(lambda: not desk.window.settings._check.isActive())


def press_save(desk: Desk) -> str:
    desk.key(Qt.Key.Key_S, Qt.KeyboardModifier.ControlModifier)
    return desk.window.settings.told.text()


# -- the table of settings ------------------------------------------------------------------------------


def _model_keys(model: type, prefix: str = "") -> set[str]:
    found: set[str] = set()
    for name, info in model.model_fields.items():  # type: ignore[attr-defined]
        inner = next((one for one in (info.annotation, *get_args(info.annotation)) if _is_model(one)), None)
        found |= _model_keys(inner, f"{prefix}{name}.") if inner else {f"{prefix}{name}"}
    return found


def _is_model(kind: object) -> bool:
    return isinstance(kind, type) and hasattr(kind, "model_fields")


def _all_fields() -> list[tuple[str, Field]]:
    return [
        (f"{section.items}.{one.key}" if section.items else one.key, one)
        for section in SECTIONS
        for one in section.fields
    ]


def test_every_setting_has_its_field_and_no_field_is_without_a_setting() -> None:
    fields = {key.partition(".below.")[0] for key, _one in _all_fields()}
    fields = {"receipt.below" if key == "receipt" else key for key in fields} | {
        "billers.invoice_types",
        *NOT_HERE,
    }
    assert fields == _model_keys(Settings)


def test_defaults_and_choices_are_those_of_the_settings() -> None:
    base = Settings.model_validate(
        tomllib.loads(
            'site="a"\ntill="A"\nagency="A"\nprofile="mcci"\nschedule="g"\n[hub]\nurl="https://h.example.org"\n'
            '[[billers]]\nname="b"\ninvoice_types={6="B"}\n[[readers]]\nid="r"\nlabel="R"\nemv_device_id="E"\n'
        )
    ).model_dump(mode="json")
    for key, one in _all_fields():
        value: object = base
        for part in key.split("."):
            value = value[0] if isinstance(value, list) and value else value
            value = value[part] if isinstance(value, dict) else ()
        shown = ", ".join(value) if isinstance(value, list | tuple) else value
        if one.default or isinstance(value, bool):
            expected = str(shown).lower() if isinstance(shown, bool) else str(shown)
            assert one.default in (expected, expected.removesuffix(".0")), key
        if one.kind is Kind.CHOICE:
            assert str(value) in [str(choice) for choice, _text in one.choices], key


def test_the_paths_of_single_sign_on_are_all_there() -> None:
    names = {key.removeprefix("sso.paths.") for key, _one in _all_fields() if key.startswith("sso.paths.")}
    assert names == set(SsoPathSettings.model_fields)


# -- the page ------------------------------------------------------------------------------------------------


def test_the_page_is_built_when_it_is_first_shown(desk: Desk, fake: FakeAdministration) -> None:
    desk.start()
    assert not desk.window.settings.forms


def test_a_clerk_is_told_who_may_change_settings(desk: Desk, fake: FakeAdministration) -> None:
    desk.clerk = CLERK
    page = opened(desk)
    assert "Ask an administrator" in page.refused.text() and page.refused.isVisible()
    assert not page.forms


def test_what_is_typed_is_checked_as_it_is_typed_and_saved_by_keyboard(
    desk: Desk, fake: FakeAdministration
) -> None:
    page = opened(desk)
    row = field(page, "Drawer and limits", "drawer.soft_limit")
    typed(desk, row, "75o")
    assert "not an amount" in row.fault.text() and row.fault.isVisible()
    assert page.list.item(page._names.index("Drawer and limits")).text().endswith("✕ 1")
    assert "Nothing was saved" in press_save(desk)
    assert fake.path.read_text() == fake.text
    typed(desk, row, "750.00")
    assert not row.fault.isVisible()
    assert "saved" in press_save(desk)
    assert fake.file.read()["drawer"] == {"soft_limit": "750.00"}


def test_nothing_is_half_saved(desk: Desk, fake: FakeAdministration) -> None:
    page = opened(desk)
    typed(desk, field(page, "Counter", "agency"), "City of Sampleton")
    typed(desk, field(page, "Hub", "hub.url"), "http://hub.example.org")
    page.show_section("Counter")
    press_save(desk)
    assert fake.path.read_text() == fake.text
    assert page._names[page.list.currentRow()] == "Hub", "it leads to the fault"
    assert desk.focus is field(page, "Hub", "hub.url").widget


def test_empty_text_is_the_default_or_no_limit(desk: Desk, fake: FakeAdministration) -> None:
    page = opened(desk)
    typed(desk, field(page, "Drawer and limits", "drawer.hard_limit"), "")
    typed(desk, field(page, "Billers", "card_maximum"), "")
    press_save(desk)
    table = fake.file.read()
    assert table["drawer"]["hard_limit"] == "" and "card_maximum" not in table["billers"][0]


def test_choosing_a_permit_system_shows_its_request(desk: Desk, fake: FakeAdministration) -> None:
    page = opened(desk)
    row = field(page, "Permit system", "profile")
    assert '"AllowPartialPayments"' in page.preview.text.toPlainText()
    assert isinstance(row.widget, QComboBox)
    row.widget.setCurrentIndex(row.widget.findData("grancius"))
    desk.qtbot.waitUntil(lambda: '"ACHServiceFee"' in page.preview.text.toPlainText())
    row.widget.setCurrentIndex(row.widget.findData("sagesgov"))
    desk.qtbot.waitUntil(lambda: "type 43" in page.preview.text.toPlainText())


def test_only_the_rows_of_the_chosen_printer_are_shown(desk: Desk, fake: FakeAdministration) -> None:
    page = opened(desk)
    row = field(page, "Printer", "printer.kind")
    host = field(page, "Printer", "printer.host")
    assert not host.isVisible()
    assert isinstance(row.widget, QComboBox)
    row.widget.setCurrentIndex(row.widget.findData("network"))
    assert host.isVisible()
    desk.qtbot.waitUntil(lambda: "needs it" in host.fault.text())


def test_a_biller_is_added_with_types_from_the_list(desk: Desk, fake: FakeAdministration) -> None:
    page = opened(desk)
    page.show_section("Billers")
    items = page.forms["Billers"]
    assert isinstance(items, SettingsItems)
    items.add.click()
    typed(desk, items.form.rows["name"], "police")
    page.types.offered.setCurrentIndex(page.types.offered.findText("39", Qt.MatchFlag.MatchStartsWith))
    page.types.add.click()
    assert "added by Invoice Cloud" in " ".join(one.text() for one in page.types.findChildren(QLabel))
    assert "saved" in press_save(desk)
    assert fake.file.read()["billers"][1] == {"name": "police", "invoice_types": {"39": "Police fees"}}


def test_a_biller_without_types_is_told_where_they_stand(desk: Desk, fake: FakeAdministration) -> None:
    page = opened(desk)
    page.show_section("Billers")
    while page.types.table.rowCount():
        page.types.table.setCurrentCell(0, 0)
        page.types.remove.click()
    desk.qtbot.waitUntil(lambda: page.types.fault.text() == "needs at least one")
    assert "Nothing was saved" in press_save(desk)


def test_what_is_typed_stays_until_somebody_else_is_there(desk: Desk, fake: FakeAdministration) -> None:
    page = opened(desk)
    row = field(page, "Counter", "agency")
    typed(desk, row, "City of Sampleton")
    desk.key(Qt.Key.Key_1, Qt.KeyboardModifier.ControlModifier)
    desk.key(Qt.Key.Key_8, Qt.KeyboardModifier.ControlModifier)
    assert isinstance(row.widget, QLineEdit) and row.widget.text() == "City of Sampleton"
    page.discard.click()
    assert row.widget.text() == "Town of Sampleton"


def test_what_the_environment_sets_cannot_be_typed(desk: Desk, tmp_path: Path) -> None:
    fake = FakeAdministration(tmp_path, environ={"CASHIER_LOCK_AFTER_MINUTES": "3"})
    desk.tools, desk.clerk = fake.tools, SUPERVISOR
    row = field(opened(desk), "Counter", "lock_after_minutes")
    assert not row.widget.isEnabled() and "environment" in row.says.text()


def test_another_tills_file_is_shown_before_it_is_saved(desk: Desk, fake: FakeAdministration) -> None:
    page = opened(desk)
    theirs = fake.folder / "theirs.toml"
    theirs.write_text(fake.text.replace('till = "A"', 'till = "B"').replace("500.00", "900.00"))
    page.import_from(theirs)
    assert page.imported.rowCount() == 1 and "one setting" in page.files_told.text()
    assert fake.path.read_text() == fake.text
    press_save(desk)
    assert fake.file.read()["till"] == "A" and fake.file.read()["drawer"]["soft_limit"] == "900.00"


def test_a_faulty_file_is_told_with_its_faults(desk: Desk, fake: FakeAdministration) -> None:
    page = opened(desk)
    theirs = fake.folder / "theirs.toml"
    theirs.write_text(fake.text.replace("agency", "agenzy"))
    page.import_from(theirs)
    assert "agenzy: is not a setting" in page.files_told.text()
    page.import_from(fake.folder / "none.toml")
    assert "none.toml" in page.files_told.text()


# -- keys ------------------------------------------------------------------------------------------------


def key_block(page: SettingsPage, name: str = "API key") -> KeyBlock:
    page.show_section("Billers")
    return page.keys[name]


def test_a_key_is_tested_then_saved_and_never_shown(desk: Desk, fake: FakeAdministration) -> None:
    block = key_block(opened(desk))
    assert block.told.text() == NOT_SET
    block.field.setFocus()
    desk.type("bad-key")
    block.test.click()
    desk.settle()
    assert "does not know" in block.told.text() and not fake.secrets.kept
    block.field.clear()
    desk.type("good-key")
    block.test.click()
    desk.settle()
    assert "works" in block.told.text() and not fake.secrets.kept
    block.save.click()
    assert fake.secrets.kept == {"api-key-town": "good-key"} and not block.field.text()
    desk.window.settings.refresh()
    desk.window.settings._reload()
    assert block.told.text() == IS_SET


def _texts(widget: QWidget) -> str:
    found = [label.text() for label in widget.findChildren(QLabel)]
    found += [line.displayText() + line.placeholderText() for line in widget.findChildren(QLineEdit)]
    found += [box.toPlainText() for box in widget.findChildren(QPlainTextEdit)]
    for table in widget.findChildren(QTableWidget):
        items = (table.item(at, column) for at in range(table.rowCount()) for column in range(8))
        found += [item.text() + item.toolTip() for item in items if item is not None]
    found += [one.accessibleName() + one.accessibleDescription() for one in widget.findChildren(QWidget)]
    return "\n".join(found)


@pytest.mark.parametrize("name", ["API key", "Web service key", "Till key", "Mail password"])
def test_no_key_comes_out_of_the_page_again(
    desk: Desk, fake: FakeAdministration, name: str, capfd: pytest.CaptureFixture[str]
) -> None:
    """Canary: not in a text, a picture, the journal, a file, a log or a repr."""
    page = opened(desk)
    section = {"Till key": "Hub", "Mail password": "Mail"}.get(name, "Billers")
    page.show_section(section)
    block = page.keys[name]
    block.field.setFocus()
    desk.type(CANARY)
    block.save.setFocus()  # no cursor that blinks in one picture and not in the other
    desk.grab(fake.folder / "typed.png")
    assert CANARY not in _texts(desk.window)
    block.field.setText("x" * len(CANARY))
    desk.grab(fake.folder / "other.png")
    assert (fake.folder / "typed.png").read_bytes() == (fake.folder / "other.png").read_bytes()
    block.field.setText(CANARY)
    block.test.click()
    desk.settle()
    block.field.setText(CANARY)
    block.save.click()
    assert CANARY in fake.secrets.kept.values()
    assert not block.field.text() and not block.field.isUndoAvailable()
    page.export_to(fake.folder / "out.toml")
    page.show_section(HISTORY)
    assert CANARY not in _texts(desk.window)
    assert CANARY not in repr(vars(page)) + repr(vars(block)) + repr(desk.till.administration.history())
    for file in fake.folder.rglob("*"):
        assert not file.is_file() or CANARY.encode() not in file.read_bytes(), file
    assert desk.till._journal.last_of(EntryKind.SECRET_SET) is not None
    assert CANARY not in "".join(capfd.readouterr())


def test_a_typed_key_is_forgotten_when_its_section_or_the_page_is_left(
    desk: Desk, fake: FakeAdministration
) -> None:
    page = opened(desk)
    for leave in (lambda: page.show_section("Hub"), lambda: desk.window.show_page(0)):
        block = key_block(page)
        block.field.setText(CANARY)
        leave()
        desk.window.refresh()
        assert not block.field.text()
        desk.window.show_page(SETTINGS)


def test_every_control_has_a_name(desk: Desk, fake: FakeAdministration) -> None:
    page = opened(desk)
    for form in page.forms.values():
        inner = form.form if isinstance(form, SettingsItems) else form
        assert isinstance(inner, SettingsForm)
        assert all(row.widget.accessibleName() for row in inner.rows.values())


def test_at_twice_the_size_of_text_nothing_is_wider_than_the_page(
    desk: Desk, fake: FakeAdministration
) -> None:
    desk.start((1080, 700), text_scale=2.0)
    desk.window.show_page(SETTINGS)
    page = desk.window.settings
    for name in page._names:
        if name == "Fees":  # prices before and after are a wide table: it is scrolled
            continue
        page.show_section(name)
        desk.lay_out()
        area = page.sections.currentWidget()
        inside = area.widget()  # type: ignore[attr-defined]
        assert inside.minimumSizeHint().width() <= area.viewport().width(), name  # type: ignore[attr-defined]


def test_lines_of_the_receipt_are_typed_one_a_line_and_by_language(desk: Desk, tmp_path: Path) -> None:
    fake = FakeAdministration(tmp_path)
    fake.path.write_text(fake.text + '\n[receipt]\nbelow = ["Thank you, neighbor."]\n')
    desk.tools, desk.clerk = fake.tools, SUPERVISOR
    page = opened(desk)
    english, spanish = (field(page, "Receipt", f"receipt.below.{code}").widget for code in ("en-US", "es-US"))
    assert isinstance(english, QPlainTextEdit) and isinstance(spanish, QPlainTextEdit)
    assert english.toPlainText() == "Thank you, neighbor." and not spanish.toPlainText()
    spanish.setPlainText("Gracias, vecino.\n\nSin devoluciones después de 30 días.\n")
    assert "saved" in press_save(desk)
    assert fake.file.read()["receipt"]["below"] == {
        "en-US": ["Thank you, neighbor."],
        "es-US": ["Gracias, vecino.", "Sin devoluciones después de 30 días."],
    }


def test_the_till_is_enrolled_at_its_hub_by_a_code(desk: Desk, fake: FakeAdministration) -> None:
    page = opened(desk)
    page.show_section("Hub")
    assert page.enrolment.address.text() == "https://hub.example.org"
    code = shown(invite_code(0x2B_7A31_90C4_55E1))
    page.enrolment.code.setFocus()
    desk.type(code)
    desk.key(Qt.Key.Key_Return)
    desk.settle()
    assert fake.enrolled == [("https://hub.example.org", code)]
    assert page.enrolment.code.text() == ""
    entry = desk.till._journal.last_of(EntryKind.SECRET_SET)
    assert entry is not None and entry.body == {"who": SUPERVISOR, "name": "till-key"}


@pytest.mark.parametrize("who", [CLERK, SUPERVISOR])
def test_the_rail_leads_to_the_settings_only_who_may_change_them(
    desk: Desk, fake: FakeAdministration, who: str
) -> None:
    desk.clerk = who
    desk.start()
    assert desk.window.rail.buttons[SETTINGS].isVisible() is (who == SUPERVISOR)


def test_what_the_environment_sets_as_a_whole_cannot_be_typed_in_its_parts(
    desk: Desk, tmp_path: Path
) -> None:
    environ = {"CASHIER_DRAWER": "{}", "CASHIER_READERS": "[]"}
    fake = FakeAdministration(tmp_path, environ=environ)
    desk.tools, desk.clerk = fake.tools, SUPERVISOR
    page = opened(desk)
    for section, key in (("Drawer and limits", "drawer.soft_limit"), ("Readers", "label")):
        assert not field(page, section, key).widget.isEnabled()
    code = field(page, "Counter", "till")
    assert not code.widget.isEnabled() and "Set up another till" in code.says.text()


def test_a_biller_without_a_name_has_no_keys(desk: Desk, fake: FakeAdministration) -> None:
    fake.secrets.kept["api-key-town"] = "good-key"
    page = opened(desk)
    block = key_block(page)
    assert block.told.text() == IS_SET
    items = page.forms["Billers"]
    assert isinstance(items, SettingsItems)
    typed(desk, items.form.rows["name"], "city")
    assert block.told.text() == NOT_SET, "keys are kept under the name"
    typed(desk, items.form.rows["name"], "")
    block.field.setText("good-key")
    block.save.click()
    assert "short name first" in block.told.text()
    assert fake.secrets.kept == {"api-key-town": "good-key"}
