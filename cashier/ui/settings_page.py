"""Settings, for administrators: sections on the left, the form of one on the right, saved together or not.

The page is built when it is first shown: a till starts without it. Everything is checked as it is typed, and
stays until it is saved, put away, or somebody else is at the till. Keys are no settings: each is saved by
itself, and shown nowhere.
"""

import contextlib
from collections.abc import Callable, Mapping
from pathlib import Path

from PySide6.QtCore import Qt, QTimer, Signal
from PySide6.QtGui import QKeySequence, QShortcut
from PySide6.QtWidgets import (
    QFileDialog,
    QFrame,
    QHBoxLayout,
    QListWidget,
    QScrollArea,
    QStackedWidget,
    QVBoxLayout,
    QWidget,
)

from cashier.domain.accounts import Secret
from cashier.domain.errors import CashierError, Refused
from cashier.till.checklist import Section as ChecklistSection
from cashier.till.till import Till
from cashier.ui.checklist import ChecklistPanel
from cashier.ui.enrolment_section import EnrolmentSection
from cashier.ui.schedule_section import ScheduleSection
from cashier.ui.settings_blocks import (
    ChangesTable,
    HistoryBlock,
    KeyBlock,
    PreviewBlock,
    Run,
    TypesBlock,
    say,
    shown,
)
from cashier.ui.settings_draft import SettingsDraft
from cashier.ui.settings_fields import BILLERS, FEES, HUB, MAIL, PORTAL, SECTIONS, Section
from cashier.ui.settings_form import SettingsForm
from cashier.ui.settings_items import SettingsItems
from cashier.ui.theme import Theme, scaled
from cashier.ui.widgets import Button, label, row

LIST_WIDTH, LIST_WIDTH_MAX, PAGE_WIDTH = 210, 270, 760
CHECK_MS = 120
PEOPLE, FILES, HISTORY, CHECKLIST = "People", "Export and import", "Changes", "Checklist"
_SAYS = {
    PEOPLE: "Who may sign in at this till, and as what. Everybody changes their own PIN with Ctrl+U.",
    FILES: "The settings as a file, for another till. No key, no PIN and no password is in it.",
    CHECKLIST: "From a first set-up to live: each step is verified for real when you ask for it.",
    HISTORY: "Every change of the settings, newest first, as the journal has it.",
}


class SettingsPage(QWidget):
    """The settings of this till."""

    people_asked = Signal()
    #: The checklist leads to a section of this page, or to training.
    section_asked = Signal(ChecklistSection)

    def __init__(self, theme: Theme, run: Run) -> None:
        super().__init__()
        self._theme, self._run = theme, run
        self._till: Till | None = None
        self._draft: SettingsDraft | None = None
        self._faults: dict[str, str] = {}
        self._who = ""
        #: Whose keys are spoken of.
        self._keys_of = ""
        self._check = QTimer(self, singleShot=True, interval=CHECK_MS)
        self._check.timeout.connect(self._look)
        self.refused = label("", "title", wrap=True)
        self.forms: dict[str, SettingsForm | SettingsItems] = {}
        self.keys: dict[str, KeyBlock] = {}
        self._names: list[str] = []
        self.whole = QStackedWidget()
        layout = QVBoxLayout(self)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.addWidget(self.whole)
        self._add_refusal()
        shortcut = QShortcut(QKeySequence("Ctrl+S"), self)
        shortcut.setAutoRepeat(False)
        shortcut.setContext(Qt.ShortcutContext.WidgetWithChildrenShortcut)
        shortcut.activated.connect(self.save_all)

    # -- building ----------------------------------------------------------------------------------------

    def _make_frame(self) -> None:
        """What stands around the sections."""
        self.list = QListWidget()
        self.list.setAccessibleName("Sections of the settings")
        self.list.setFixedWidth(min(scaled(LIST_WIDTH), LIST_WIDTH_MAX))
        self.list.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        self.list.currentRowChanged.connect(self._show_section)
        self.sections = QStackedWidget()
        self.preview, self.types, self.history = PreviewBlock(), TypesBlock(), HistoryBlock()
        self.told = label("", "soft", wrap=True)
        self.save = Button("Save   Ctrl+S", "Save the settings")
        self.save.setObjectName("primary")
        self.save.clicked.connect(lambda _checked=False: self.save_all())
        self.discard = Button("Put away", "Put away what was typed")
        self.discard.clicked.connect(lambda _checked=False: self._reload())

    def _build(self) -> None:
        self._make_frame()
        for section in SECTIONS:
            self._add(section.name, section.says, *self._parts(section))
        self._add(PEOPLE, _SAYS[PEOPLE], row(self._button("People …", self.people_asked.emit), 1))
        self._add(FILES, _SAYS[FILES], self._files())
        self._add(HISTORY, _SAYS[HISTORY], self.history)
        self.checklist = ChecklistPanel(self._run, scrolls=False)
        self.checklist.section_asked.connect(self.section_asked)
        assert self._till is not None
        self.checklist.attach(self._till)
        self._add(CHECKLIST, _SAYS[CHECKLIST], self.checklist)
        right = QVBoxLayout()
        right.setContentsMargins(24, 20, 24, 12)
        right.setSpacing(10)
        right.addWidget(self.sections, 1)
        right.addWidget(self.told)
        right.addLayout(row(self.save, self.discard, 1))
        whole = QWidget()
        both = QHBoxLayout(whole)
        both.setContentsMargins(0, 0, 0, 0)
        both.setSpacing(0)
        both.addWidget(self.list)
        both.addLayout(right, 1)
        self.whole.addWidget(whole)
        self.list.setCurrentRow(0)

    def _add_refusal(self) -> None:
        refusal = QWidget()
        alone = QVBoxLayout(refusal)
        alone.setContentsMargins(24, 20, 24, 20)
        alone.addWidget(self.refused)
        alone.addStretch()
        self.whole.addWidget(refusal)

    def _parts(self, section: Section) -> list[QWidget]:
        form: SettingsForm | SettingsItems
        if section is BILLERS:
            form = SettingsItems(section, self._biller_parts())
            form.chosen.connect(self._show_biller)
        elif section.items:
            form = SettingsItems(section)
        else:
            form = SettingsForm(section)
        form.changed.connect(self._check.start)
        self.forms[section.name] = form
        parts: list[QWidget] = [form]
        if section is PORTAL:
            parts.append(self.preview)
        if section is FEES:
            assert self._till is not None
            parts.append(ScheduleSection(self._theme, self._run, self._till.schedules))
        if section is HUB:
            assert self._till is not None
            self.enrolment = EnrolmentSection(self._till.administration.enrol, self._run)
            self.enrolment.enrolled.connect(lambda: self.keys["Till key"].refresh())
            parts.append(self.enrolment)
            parts.append(self._key("Till key", lambda: "till-key", counts="the next start"))
        if section is MAIL:
            parts.append(self._key("Mail password", lambda: "mail-password"))
        return parts

    def _biller_parts(self) -> QWidget:
        parts = QWidget()
        layout = QVBoxLayout(parts)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.setSpacing(12)
        self.types.changed.connect(self._types_typed)
        layout.addWidget(self.types)
        layout.addWidget(self._key("API key", lambda: f"api-key-{self._named_biller()}", test=True))
        layout.addWidget(self._key("Web service key", lambda: f"web-service-key-{self._named_biller()}"))
        return parts

    def _key(
        self, name: str, secret: Callable[[], str], *, test: bool = False, counts: str = "now"
    ) -> KeyBlock:
        def save(value: Secret) -> None:
            assert self._till is not None
            self._till.administration.set_secret(secret(), value)
            self.history.show_history(self._till.administration.history())

        async def ask(typed: Secret | None) -> None:
            assert self._till is not None
            await self._till.administration.test_key(self._named_biller(), typed)

        def is_set() -> bool:
            with contextlib.suppress(Refused):  # a biller without a name has no keys
                return self._till is not None and self._till.administration.has_secret(secret())
            return False

        self.keys[name] = KeyBlock(name, is_set, save, self._run, ask if test else None, counts)
        return self.keys[name]

    def _files(self) -> QWidget:
        self.files_told = label("", "soft", wrap=True)
        self.imported = ChangesTable("What the file would change")
        self.imported.hide()
        part = QWidget()
        layout = QVBoxLayout(part)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.setSpacing(10)
        export = self._button("Export …", self._ask_export)
        layout.addLayout(row(export, self._button("Import …", self._ask_import), 1))
        layout.addWidget(self.files_told)
        layout.addWidget(self.imported, 1)
        return part

    @staticmethod
    def _button(text: str, act: Callable[[], object]) -> Button:
        button = Button(text)
        button.clicked.connect(lambda _checked=False: act())
        return button

    def _add(self, name: str, says: str, *parts: "QWidget | QHBoxLayout") -> None:
        inside = QWidget()
        inside.setMaximumWidth(scaled(PAGE_WIDTH))
        layout = QVBoxLayout(inside)
        layout.setContentsMargins(0, 0, 12, 0)
        layout.setSpacing(14)
        layout.addWidget(label(name, "title", wrap=True))
        layout.addWidget(label(says, "soft", wrap=True))
        for part in parts:
            layout.addWidget(part) if isinstance(part, QWidget) else layout.addLayout(part)
        layout.addStretch()
        area = QScrollArea()
        area.setObjectName("shrinking")
        area.setFrameShape(QFrame.Shape.NoFrame)
        area.setWidgetResizable(True)
        area.setFocusPolicy(Qt.FocusPolicy.NoFocus)
        area.setWidget(inside)
        self.sections.addWidget(area)
        self._names.append(name)
        self.list.addItem(name)

    # -- showing -----------------------------------------------------------------------------------------

    def attach(self, till: Till) -> None:
        """The till is there."""
        self._till = till
        self.refresh()

    def refresh(self) -> None:
        """Show the page to whoever may change settings; who is another has not typed what was typed."""
        if self._till is None or not self.isVisible():
            self.forget()
            return
        administration = self._till.administration
        refusal = administration.refusal
        if not refusal and not self._names:
            self._build()
        self.whole.setCurrentIndex(0 if refusal else 1)
        who = self._till.people.name
        if refusal or who != self._who:
            self._draft, self._who = None, who
            self.forget()
        if refusal:
            self.refused.setText(refusal)
        elif self._draft is None:
            self._reload()

    def focus_start(self) -> None:
        """The page is shown."""
        self.refresh()
        if self._names:
            self.list.setFocus()

    def forget(self) -> None:
        """Take typed keys out of their fields."""
        for key in self.keys.values():
            key.forget()

    def show_section(self, name: str) -> None:
        """Bring a section up by its name."""
        self.list.setCurrentRow(self._names.index(name))

    def _show_section(self, place: int) -> None:
        self.forget()
        self.sections.setCurrentIndex(place)
        if self._names[place : place + 1] == [CHECKLIST] and not self.checklist.checks:
            self.checklist.look()

    @property
    def _biller(self) -> str:
        form = self.forms[BILLERS.name]
        assert isinstance(form, SettingsItems)
        return str(form.item.get("name", ""))

    def _named_biller(self) -> str:
        """The chosen biller, whose keys are kept under its name. Raises Refused while it has none."""
        form = self.forms[BILLERS.name]
        assert isinstance(form, SettingsItems)
        if not self._biller or f"{BILLERS.items}[{form.place}].name" in self._faults:
            raise Refused("Give the biller its short name first: its keys are kept under it.")
        return self._biller

    def _reload(self) -> None:
        """What the file says, in place of what was typed."""
        assert self._till is not None
        try:
            table = self._till.administration.read()
        except CashierError as error:
            say(self.told, error.user_text, fault=True)
            return
        self._show(SettingsDraft(table))
        say(self.told, "")
        self.history.show_history(self._till.administration.history())

    def _show(self, draft: SettingsDraft) -> None:
        assert self._till is not None
        self._draft = draft
        below = draft.get(("receipt", "below"))
        if isinstance(below, list):
            # Lines for every language are the same as lines in the till's own, to which the others fall back.
            draft.set(("receipt", "below"), {draft.get(("printer", "language")) or "en-US": below})
        fixed = self._till.administration.fixed()
        for form in self.forms.values():
            if isinstance(form, SettingsItems):
                form.load(draft, fixed)
            else:
                form.load(draft, (), fixed)
        for name in ("Till key", "Mail password"):
            self.keys[name].refresh()
        self.enrolment.address.setText(str(draft.get(("hub", "url")) or ""))
        self._look()

    def _show_biller(self) -> None:
        """Another biller is chosen: its types and its keys."""
        form = self.forms[BILLERS.name]
        if isinstance(form, SettingsItems) and form.item:
            self.types.load(form.item.get("invoice_types"))
            self._refresh_keys()
            self._check.start()

    def _refresh_keys(self) -> None:
        """Another biller, or another name: other keys."""
        self._keys_of = self._biller
        for name in ("API key", "Web service key"):
            self.keys[name].refresh()

    def _types_typed(self, types: Mapping[str, str]) -> None:
        form = self.forms[BILLERS.name]
        assert isinstance(form, SettingsItems) and self._draft is not None
        self._draft.set((BILLERS.items, form.place, "invoice_types"), dict(types))
        self._check.start()

    # -- checking and saving -----------------------------------------------------------------------------

    def _look(self) -> None:
        """Check what is typed, and say of every fault where it is."""
        if self._draft is None or self._till is None or self._till.administration.refusal:
            return
        administration, table = self._till.administration, self._draft.table
        self._faults = {}
        for fault in administration.faults(table):
            earlier = self._faults.get(fault.key)
            self._faults[fault.key] = f"{earlier}\n{fault.reason}" if earlier else fault.reason
        seen: set[str] = set()
        for place, name in enumerate(self._names):
            form = self.forms.get(name)
            here = form.show_faults(self._faults) if form is not None else set()
            here |= self._faults_of_items(name)
            seen |= here
            self.list.item(place).setText(f"{name}   ✕ {len(here)}" if here else name)
        if self._biller != self._keys_of:
            self._refresh_keys()
        elsewhere = [f"{key}: {reason}" for key, reason in self._faults.items() if key not in seen]
        say(self.told, "\n".join(elsewhere), fault=True)
        if not self._faults:
            self.preview.show_request(lambda: administration.preview(table))

    def _faults_of_items(self, name: str) -> set[str]:
        """The faults of a list's other items, and of the chosen biller's types, which have no row."""
        form = self.forms.get(name)
        if not isinstance(form, SettingsItems):
            return set()
        found = {key for key in self._faults if key.startswith(f"{form.section.items}[")}
        if form.section is BILLERS:
            types = f"{BILLERS.items}[{form.place}].invoice_types"
            self.types.show_fault("\n".join(self._faults[key] for key in found if key.startswith(types)))
        return found

    def save_all(self) -> None:
        """Save everything that was typed, on every section; nothing while anything is wrong."""
        if self._draft is None or self._till is None:
            return
        self._check.stop()
        self._look()
        if self._faults:
            count = len(self._faults)
            faults = "one setting is" if count == 1 else f"{count} settings are"
            say(self.told, f"Nothing was saved: {faults} not right yet.", fault=True)
            self._lead_to_fault()
            return
        try:
            made = self._till.administration.save(self._draft.table)
        except CashierError as error:
            say(self.told, error.user_text, fault=True)
            return
        self._show(SettingsDraft(self._till.administration.read()))
        self.imported.hide()
        self.files_told.setText("")
        settings = "One setting is" if len(made) == 1 else f"{len(made)} settings are"
        say(self.told, f"{settings} saved. They count when the till starts anew.")
        self.history.show_history(self._till.administration.history())

    def _lead_to_fault(self) -> None:
        for name, form in self.forms.items():
            if isinstance(form, SettingsForm):
                found = any(row.reason for row in form.rows.values())
            else:
                found = bool(self._faults_of_items(name))
            if found:
                self.show_section(name)
                inner = form if isinstance(form, SettingsForm) else form.form
                if not inner.focus_fault():
                    form.setFocus()
                return

    # -- files -------------------------------------------------------------------------------------------

    def _ask_export(self) -> None:
        dialog = self._file_dialog("Export the settings", QFileDialog.AcceptMode.AcceptSave)
        dialog.selectFile("settings.toml")
        dialog.fileSelected.connect(lambda name: self.export_to(Path(name)))
        dialog.open()

    def _ask_import(self) -> None:
        dialog = self._file_dialog("Import settings", QFileDialog.AcceptMode.AcceptOpen)
        dialog.setFileMode(QFileDialog.FileMode.ExistingFile)
        dialog.fileSelected.connect(lambda name: self.import_from(Path(name)))
        dialog.open()

    def _file_dialog(self, title: str, mode: QFileDialog.AcceptMode) -> QFileDialog:
        dialog = QFileDialog(self, title, "", "Settings (*.toml)")
        dialog.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
        dialog.setAcceptMode(mode)
        dialog.setDefaultSuffix("toml")
        return dialog

    def export_to(self, out: Path) -> None:
        """Write the settings as they are saved, without any key, into a file."""
        assert self._till is not None
        try:
            self._till.administration.export(out)
        except CashierError as error:
            say(self.files_told, error.user_text, fault=True)
        else:
            say(self.files_told, f"The settings are in {out}. No key is in it.")

    def import_from(self, file: Path) -> None:
        """Take another file's settings into the forms, to be looked at and saved; show what they change."""
        assert self._till is not None
        try:
            table = self._till.administration.import_from(file)
        except CashierError as error:
            say(self.files_told, error.user_text, fault=True)
            return
        self._show(SettingsDraft(table))
        if self._faults:
            lines = "\n".join(f"{key}: {reason}" for key, reason in self._faults.items())
            say(self.files_told, f"{file.name} cannot be saved as it is:\n{lines}", fault=True)
            self.imported.hide()
            return
        made = self._till.administration.changes(table)
        self.imported.setRowCount(0)
        for change in made:
            self.imported.add(*shown(change))
        self.imported.setVisible(bool(made))
        count = "nothing" if not made else "one setting" if len(made) == 1 else f"{len(made)} settings"
        say(self.files_told, f"{file.name} would change {count}. Nothing is saved yet: Save does.")
