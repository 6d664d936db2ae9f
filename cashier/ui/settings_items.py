"""Settings that are a list – billers, readers: which there are, and the form of the one that is chosen."""

from collections.abc import Mapping
from typing import Any

from PySide6.QtCore import Signal
from PySide6.QtWidgets import QListWidget, QVBoxLayout, QWidget

from cashier.ui.settings_draft import SettingsDraft
from cashier.ui.settings_fields import Section
from cashier.ui.settings_form import SettingsForm
from cashier.ui.theme import scaled
from cashier.ui.widgets import Button, row

LIST_HEIGHT = 110
#: What a new item is made of, by the list's key.
NEW: Mapping[str, Mapping[str, Any]] = {
    "billers": {"name": "", "invoice_types": {}},
    "readers": {"id": "", "label": "", "emv": False},
}


class SettingsItems(QWidget):
    """The items of a section, and one form for whichever is chosen. `below` stands under the form."""

    changed = Signal()
    chosen = Signal()

    def __init__(self, section: Section, below: QWidget | None = None) -> None:
        super().__init__()
        self.section = section
        self._draft: SettingsDraft | None = None
        self._fixed: Mapping[str, str] = {}
        self._loading = False
        self.list = QListWidget()
        self.list.setAccessibleName(section.name)
        self.list.setFixedHeight(scaled(LIST_HEIGHT))
        self.list.currentRowChanged.connect(lambda _at: self._show_chosen())
        self.add = Button("Add", f"Add a {section.item}")
        self.remove = Button("Remove", f"Remove this {section.item}")
        self.add.clicked.connect(lambda _checked=False: self._add())
        self.remove.clicked.connect(lambda _checked=False: self._remove())
        self.form = SettingsForm(section)
        self.form.changed.connect(self._typed)
        self.below = below
        layout = QVBoxLayout(self)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.setSpacing(10)
        layout.addWidget(self.list)
        layout.addLayout(row(self.add, self.remove, 1))
        layout.addWidget(self.form)
        if below is not None:
            layout.addWidget(below)

    @property
    def place(self) -> int:
        """Which is chosen; -1 for none."""
        return self.list.currentRow()

    @property
    def item(self) -> dict[str, Any]:
        """The one that is chosen; empty for none."""
        items = self._draft.items(self.section.items) if self._draft else []
        return dict(items[self.place]) if 0 <= self.place < len(items) else {}

    def load(self, draft: SettingsDraft, fixed: Mapping[str, str]) -> None:
        """Show a draft's items; the one that was chosen stays chosen."""
        self._draft, self._fixed = draft, fixed
        place = max(self.place, 0)
        self._loading = True
        self.list.clear()
        self.list.addItems([_name_of(one) for one in draft.items(self.section.items)])
        self.list.setCurrentRow(min(place, self.list.count() - 1))
        self._loading = False
        self._show_chosen()

    def _show_chosen(self) -> None:
        if self._loading or self._draft is None:
            return
        there = self.place >= 0
        for part in (self.form, self.below):
            if part is not None:
                part.setVisible(there)
        self.remove.setEnabled(there)
        if there:
            self.form.load(self._draft, (self.section.items, self.place), self._fixed)
        self.chosen.emit()

    def _typed(self) -> None:
        if self.place >= 0:
            self.list.currentItem().setText(_name_of(self.item))
        self.changed.emit()

    def _add(self) -> None:
        assert self._draft is not None
        place = self._draft.add(self.section.items, NEW[self.section.items])
        self.load(self._draft, self._fixed)
        self.list.setCurrentRow(place)
        next(iter(self.form.rows.values())).widget.setFocus()
        self.changed.emit()

    def _remove(self) -> None:
        assert self._draft is not None
        if self.place >= 0:
            self._draft.remove(self.section.items, self.place)
            self.load(self._draft, self._fixed)
            self.changed.emit()

    def show_faults(self, faults: Mapping[str, str]) -> set[str]:
        """See SettingsForm; each item of the list says whether it has a fault."""
        for place in range(self.list.count()):
            item = (self._draft.items(self.section.items) if self._draft else [])[place]
            prefix = f"{self.section.items}[{place}]"
            has_fault = any(key.startswith(prefix) for key in faults)
            self.list.item(place).setText(f"✕ {_name_of(item)}" if has_fault else _name_of(item))
        return self.form.show_faults(faults) if self.place >= 0 else set()


def _name_of(item: Mapping[str, Any]) -> str:
    return str(item.get("label") or item.get("name") or item.get("id") or "new")
