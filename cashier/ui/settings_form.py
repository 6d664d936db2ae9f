"""The form of one section: a row for each setting, its fault under it as it is typed."""

from collections.abc import Mapping
from typing import Any

from PySide6.QtCore import Signal
from PySide6.QtWidgets import (
    QCheckBox,
    QComboBox,
    QGridLayout,
    QLineEdit,
    QPlainTextEdit,
    QVBoxLayout,
    QWidget,
)

from cashier.ui.settings_draft import Path, SettingsDraft, path_text
from cashier.ui.settings_fields import Field, Kind, Section
from cashier.ui.theme import scaled, tabular
from cashier.ui.widgets import label, row

TEXT_MAX = 2000
FIELD_WIDTH, LABEL_WIDTH, LINES_HEIGHT = 420, 220, 96
#: What 100 pixels have come to where text is large.
LARGE = 150


def lines(wide: QWidget, *buttons: QWidget) -> QVBoxLayout:
    """A field and what is pressed beside it; below it where text is so large that both do not fit."""
    layout = QVBoxLayout()
    layout.setSpacing(4)
    if scaled(100) >= LARGE:
        layout.addWidget(wide)
        for button in buttons:
            layout.addLayout(row(button, 1))
    else:
        layout.addLayout(row(wide, *buttons, 1))
    return layout


def narrow(choice: QComboBox) -> QComboBox:
    """A box of choices that may be narrower than the longest of them."""
    choice.setSizeAdjustPolicy(QComboBox.SizeAdjustPolicy.AdjustToMinimumContentsLengthWithIcon)
    choice.setMinimumContentsLength(10)
    return choice


class FieldRow(QWidget):
    """One setting. What is typed goes into the draft at once, as far as it can be told what it is."""

    changed = Signal()

    def __init__(self, field: Field) -> None:
        super().__init__()
        self.field = field
        self._draft: SettingsDraft | None = None
        self._path: Path = ()
        self._loading = False
        #: Why it cannot stand as it is; empty when it can.
        self.reason = ""
        self.widget = self._made()
        self.widget.setAccessibleName(field.name)
        self.widget.setAccessibleDescription(field.says)
        self.name = label(field.name, wrap=True)
        self.name.setBuddy(self.widget)
        self.says = label(field.says, "soft", wrap=True)
        self.fault = label("", "fault", wrap=True)
        self.fault.hide()
        self._lay_out()

    def _lay_out(self) -> None:
        """The name beside the field; above it where text is so large that both do not fit."""
        is_large = scaled(100) >= LARGE
        self.widget.setMaximumWidth(scaled(FIELD_WIDTH))
        layout = QGridLayout(self)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.setHorizontalSpacing(12)
        layout.setVerticalSpacing(2)
        column = 0 if is_large else 1
        if not is_large:
            self.name.setFixedWidth(scaled(LABEL_WIDTH))
        layout.addWidget(self.name, 0, 0)
        for place, part in enumerate((self.widget, self.says, self.fault), column ^ 1):
            layout.addWidget(part, place, column)
        layout.setColumnStretch(column + 1, 1)
        layout.setColumnStretch(column, 100)

    def _made(self) -> QWidget:
        match self.field.kind:
            case Kind.FLAG:
                box = QCheckBox()
                box.toggled.connect(lambda _on: self._typed())
                return box
            case Kind.CHOICE:
                choice = narrow(QComboBox())
                for value, text in self.field.choices:
                    choice.addItem(text, value)
                choice.currentIndexChanged.connect(lambda _at: self._typed())
                return choice
            case Kind.LINES:
                lines = QPlainTextEdit()
                lines.setTabChangesFocus(True)
                lines.setFixedHeight(scaled(LINES_HEIGHT))
                lines.textChanged.connect(self._typed)
                return lines
        line = QLineEdit()
        line.setMaxLength(TEXT_MAX)
        if self.field.kind in (Kind.AMOUNT, Kind.WHOLE, Kind.NUMBER):
            line.setFont(tabular(line.font()))
        if not self.field.blank_counts:
            line.setPlaceholderText(self.field.default)
        line.textEdited.connect(lambda _text: self._typed())
        return line

    # -- the draft ---------------------------------------------------------------------------------------

    def load(self, draft: SettingsDraft, prefix: Path, fixed: Mapping[str, str]) -> None:
        """Show what the draft says; `fixed` has the keys that cannot be typed, each with why."""
        self._draft, self._path = draft, (*prefix, *self.field.path)
        self._loading = True
        given = draft.get(self._path)
        match self.widget:
            case QCheckBox() as box:
                box.setChecked(given is True if given is not None else self.field.default == "true")
            case QComboBox() as choice:
                self._choose(choice, self.field.default if given is None else given)
            case QPlainTextEdit() as lines:
                lines.setPlainText("\n".join(given) if isinstance(given, list) else str(given or ""))
            case QLineEdit() as line:
                line.setText(self._text_of(given))
                line.setCursorPosition(0)
        self._loading = False
        whole = ".".join(part for part in self._path if isinstance(part, str))
        why = next((why for key, why in fixed.items() if f"{whole}.".startswith(f"{key}.")), "")
        self.widget.setEnabled(not why)
        self.says.setText(why or self.field.says)
        self.says.setVisible(bool(self.says.text()))
        self.show_fault("")

    def _choose(self, choice: QComboBox, given: object) -> None:
        """A value that is no choice is shown as it stands: the fault beside it says what it is."""
        texts = [str(value) for value, _text in self.field.choices]
        while choice.count() > len(texts):
            choice.removeItem(choice.count() - 1)
        if str(given) not in texts:
            choice.addItem(str(given) or "–", given)
            choice.setCurrentIndex(choice.count() - 1)
        else:
            choice.setCurrentIndex(texts.index(str(given)))

    def _text_of(self, given: Any) -> str:
        if given is None:
            return self.field.default if self.field.blank_counts else ""
        if isinstance(given, list):
            return ", ".join(str(one) for one in given)
        return str(given)

    def _typed(self) -> None:
        if self._draft is None or self._loading:
            return
        self._draft.set(self._path, self._value())
        self.changed.emit()

    @property
    def shown_value(self) -> str:
        """What is chosen, as text; the default where nothing is."""
        given = self._draft.get(self._path) if self._draft is not None else None
        return self.field.default if given is None else str(given)

    def _value(self) -> Any:
        """What is typed, as the file has it; None to leave it to the default."""
        match self.widget:
            case QCheckBox() as box:
                return None if box.isChecked() == (self.field.default == "true") else box.isChecked()
            case QComboBox() as choice:
                value = choice.currentData()
                return None if str(value) == self.field.default else value
            case QPlainTextEdit() as lines:
                return [text.strip() for text in lines.toPlainText().splitlines() if text.strip()] or None
        assert isinstance(self.widget, QLineEdit)
        text = self.widget.text().strip()
        if self.field.blank_counts:
            return None if text == self.field.default else text
        if not text:
            return None
        match self.field.kind:
            case Kind.WHOLE if text.isascii() and text.lstrip("-").isdigit():
                return int(text)
            case Kind.NUMBER:
                return _number(text)
            case Kind.LIST:
                return [part.strip() for part in text.split(",") if part.strip()]
        return text

    def show_fault(self, reason: str) -> None:
        """Why this setting cannot stand as it is; empty when it can."""
        if reason != self.reason:
            self.reason = reason
            self.fault.setText(f"✕ {reason}" if reason else "")
            self.fault.setVisible(bool(reason))
            self.widget.setAccessibleDescription(reason or self.field.says)


def _number(text: str) -> object:
    """A number as the file has it; what is none stays text, and is told as a fault."""
    try:
        number = float(text)
    except ValueError:
        return text
    return int(number) if number.is_integer() else number


class SettingsForm(QWidget):
    """The rows of a section."""

    changed = Signal()

    def __init__(self, section: Section) -> None:
        super().__init__()
        self.rows = {field.key: FieldRow(field) for field in section.fields}
        self._prefix: Path = ()
        layout = QVBoxLayout(self)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.setSpacing(10)
        for one in self.rows.values():
            one.changed.connect(self._typed)
            layout.addWidget(one)

    def _typed(self) -> None:
        self._show_fitting()
        self.changed.emit()

    def _show_fitting(self) -> None:
        """Rows that other choices make pointless are hidden, unless something is wrong with them."""
        for one in self.rows.values():
            if one.field.only is not None:
                key, values = one.field.only
                one.setVisible(self.rows[key].shown_value in values or bool(one.reason))

    def load(self, draft: SettingsDraft, prefix: Path, fixed: Mapping[str, str]) -> None:
        """Show what the draft says at a place."""
        self._prefix = prefix
        for one in self.rows.values():
            one.load(draft, prefix, fixed)
        self._show_fitting()

    def show_faults(self, faults: Mapping[str, str]) -> set[str]:
        """Faults by whole key; those that have a row here are shown there and returned."""
        shown = set()
        for key, one in self.rows.items():
            path = path_text((*self._prefix, *key.split(".")))
            # A fault of one of a list's items belongs to the row of the list.
            found = [name for name in faults if name == path or name.startswith(f"{path}[")]
            one.show_fault("\n".join(faults[name] for name in found))
            shown.update(found)
        self._show_fitting()
        return shown

    def focus_fault(self) -> bool:
        """Put the focus where the first fault is; whether there is one."""
        for one in self.rows.values():
            if one.reason:
                one.widget.setFocus()
                return True
        return False
