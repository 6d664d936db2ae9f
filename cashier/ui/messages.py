"""Messages to the clerk: one at a time, never with exec(), which would stop everything else."""

from collections.abc import Callable

from PySide6.QtCore import Qt
from PySide6.QtWidgets import QMessageBox, QWidget

#: Messages that wait for the one on the screen to be read. More than these say nothing new.
WAITING_MAX = 4


class Messages:
    """What a window has to say, each in a box of its own that holds the window until it is read."""

    def __init__(self, window: QWidget) -> None:
        self._window = window
        self._box: QMessageBox | None = None
        self._waiting: list[tuple[str, str]] = []
        self._is_held = False

    def hold(self) -> None:
        """Keep what there is to say until somebody is there to read it; a box that is up is taken away."""
        self._is_held = True
        if self._box is not None:
            self._box.reject()

    def release(self) -> None:
        """Somebody is there."""
        self._is_held = False
        self._next()

    def tell(self, title: str, text: str) -> None:
        """Tell the clerk. While something else is on the screen it waits; nothing is told twice."""
        if self._box is not None or self._is_held:
            shown = self._box is not None and self._box.text() == text
            known = shown or (title, text) in self._waiting
            if not known and len(self._waiting) < WAITING_MAX:
                self._waiting.append((title, text))
            return
        box = self._make(title, text)
        box.setStandardButtons(QMessageBox.StandardButton.Ok)
        box.open()

    def ask(self, title: str, text: str, keep: str, go_on: str, act: Callable[[], object]) -> None:
        """Ask before something is put away; Enter and Esc keep it. Not asked while a message is up."""
        if self._box is not None or self._is_held:
            return
        box = self._make(title, text)
        keeping = box.addButton(keep, QMessageBox.ButtonRole.RejectRole)
        box.setDefaultButton(keeping)
        box.setEscapeButton(keeping)
        going = box.addButton(go_on, QMessageBox.ButtonRole.AcceptRole)
        box.finished.connect(lambda _result: act() if box.clickedButton() is going else None)
        box.open()

    def _make(self, title: str, text: str) -> QMessageBox:
        box = QMessageBox(QMessageBox.Icon.NoIcon, title, text, parent=self._window)
        box.setTextFormat(Qt.TextFormat.PlainText)
        box.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
        box.finished.connect(self._read)
        self._box = box
        return box

    def _read(self) -> None:
        """A message was read: the next one."""
        self._box = None
        self._next()

    def _next(self) -> None:
        if self._waiting and not self._is_held:
            self.tell(*self._waiting.pop(0))
