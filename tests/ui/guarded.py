"""A window with one of everything that takes keys, and a swipe guard over it."""

from PySide6.QtWidgets import (
    QApplication,
    QComboBox,
    QLineEdit,
    QListWidget,
    QPlainTextEdit,
    QPushButton,
    QSpinBox,
    QVBoxLayout,
    QWidget,
)
from pytestqt.qtbot import QtBot

from cashier.ui.swipe_guard import SwipeGuard
from tests.ui.keyboards import PAN, Keyboard, Ticks

WAIT_MS = 10_000
HAND_MS = 60
CODE = "CSGN-26-000012"


class Form:
    """A window with one of everything that takes keys, its guard, and what happened."""

    def __init__(self, qtbot: QtBot) -> None:
        self.qtbot = qtbot
        self.ticks = Ticks()
        self.keyboard = Keyboard(self.ticks)
        self.window = QWidget()
        self.sealed: QWidget | None = None
        self.search = QLineEdit()
        self.line, self.password, self.long = QLineEdit(), QLineEdit(), QPlainTextEdit()
        self.password.setEchoMode(QLineEdit.EchoMode.Password)
        self.spin, self.choice, self.editable = QSpinBox(), QComboBox(), QComboBox()
        self.spin.setRange(0, 999_999_999)
        self.editable.setEditable(True)
        self.rows, self.button = QListWidget(), QPushButton("Pay")
        for many in (self.choice, self.editable, self.rows):
            many.addItems(["none", "4111", "Bravo", "%"])
        self.editable.setCurrentText("none")
        self.pressed: list[bool] = []
        self.button.clicked.connect(lambda checked=False: self.pressed.append(checked))
        box = QVBoxLayout(self.window)
        for widget in self.everything():
            box.addWidget(widget)
        self.guard = SwipeGuard(
            self.window, sealed=lambda: self.sealed, search=self.to_search, pace=self.ticks
        )
        self.swiped, self.lost = 0, 0
        self.guard.swiped.connect(self._count_swipe)
        self.guard.scan_lost.connect(self._count_lost)
        qtbot.addWidget(self.window)
        with qtbot.waitActive(self.window, timeout=WAIT_MS):
            self.window.show()
            self.window.activateWindow()

    def everything(self) -> tuple[QWidget, ...]:
        return (
            *(self.search, self.line, self.password, self.long, self.spin),
            *(self.choice, self.editable, self.rows, self.button),
        )

    def to_search(self) -> QLineEdit:
        self.search.setFocus()
        return self.search

    def _count_swipe(self) -> None:
        self.swiped += 1

    def _count_lost(self) -> None:
        self.lost += 1

    def state(self) -> list[object]:
        """Everything that keys can change."""
        return [
            *(field.text() for field in (self.search, self.line, self.password)),
            *(self.long.toPlainText(), self.spin.text(), self.choice.currentText()),
            *(self.editable.currentText(), self.rows.currentRow(), len(self.pressed)),
        ]


PLACES = ("search", "line", "password", "long", "spin", "choice", "editable", "rows", "button")


def focus(form: Form, place: str) -> QWidget:
    widget: QWidget = getattr(form, place)
    widget.setFocus()
    assert QApplication.focusWidget() is widget
    return widget


def holds_card(text: str) -> bool:
    """Whether a text has six digits in a row of the test card in it."""
    return any(PAN[at : at + 6] in text for at in range(len(PAN) - 5))
