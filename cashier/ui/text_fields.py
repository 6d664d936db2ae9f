"""Text fields, as they were before somebody, or something, typed into them."""

from dataclasses import dataclass, field

import shiboken6
from PySide6.QtWidgets import QAbstractSpinBox, QComboBox, QLineEdit, QPlainTextEdit, QTextEdit, QWidget

Field = QLineEdit | QPlainTextEdit | QTextEdit


@dataclass
class Before:
    """A text field as it was before a burst, and how many keys of the burst went into it."""

    editor: Field
    text: str | None = field(repr=False)
    """None for a password, which is not kept: it is wiped and asked for again."""
    start: int
    end: int
    was_modified: bool
    keys: int = 0

    def typed(self) -> str | None:
        """What the burst typed into the field, or None when the field made something else of it."""
        if self.text is None or not shiboken6.isValid(self.editor):
            return None
        added = _text(self.editor)[self.start : self.start + self.keys]
        is_all = self.text[: self.start] + added + self.text[self.end :] == _text(self.editor)
        return added if is_all and len(added) == self.keys else None

    def put_back(self) -> None:
        """The field as it was. Only setting a text forgets what could be undone; clear() can be undone."""
        if not self.keys or not shiboken6.isValid(self.editor):
            return
        if isinstance(self.editor, QLineEdit):
            self.editor.setText(self.text or "")
            self.editor.setModified(self.was_modified)
            self.editor.setCursorPosition(self.end)
            return
        self.editor.setPlainText(self.text or "")
        cursor = self.editor.textCursor()
        cursor.setPosition(self.end)
        self.editor.setTextCursor(cursor)


def field_of(widget: QWidget) -> Field | None:
    """The text field that a widget is or has; None for one that takes no text now."""
    found: QWidget | None = widget
    if isinstance(widget, QComboBox):
        found = widget.lineEdit()
    elif isinstance(widget, QAbstractSpinBox):
        found = widget.findChild(QLineEdit)
    if not isinstance(found, (QLineEdit, QPlainTextEdit, QTextEdit)) or found.isReadOnly():
        return None
    return found


def _text(editor: Field) -> str:
    return editor.text() if isinstance(editor, QLineEdit) else editor.toPlainText()


def before_a_key(editor: Field) -> Before:
    """A field as it is now; no key has gone into it yet."""
    if isinstance(editor, QLineEdit):
        text = editor.text() if editor.echoMode() is QLineEdit.EchoMode.Normal else None
        start = editor.selectionStart() if editor.hasSelectedText() else editor.cursorPosition()
        end = start + editor.selectionLength()
        return Before(editor, text, start, end, editor.isModified())
    cursor = editor.textCursor()
    return Before(editor, editor.toPlainText(), cursor.selectionStart(), cursor.selectionEnd(), False)
