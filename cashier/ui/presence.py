"""Whether somebody is at the till: what a window does when they come, leave, lock it or just stay away."""

from collections.abc import Callable, Sequence

from PySide6.QtCore import QObject
from PySide6.QtGui import QCursor, QShortcut
from PySide6.QtWidgets import QApplication, QDialog, QMessageBox, QWidget

from cashier.domain.errors import CashierError
from cashier.till.people import PeopleView
from cashier.till.till import Till
from cashier.ui.cover import Cover, IdleWatch
from cashier.ui.messages import Messages
from cashier.ui.sign_in import Run
from cashier.ui.swipe_guard import SwipeGuard


class Presence(QObject):
    """For one window. `pages` is everything in it that only somebody who is signed in may use.

    `is_paying` tells whether a payment page stands: the payer is at work there, which cannot be seen.
    `leaving` is called before somebody leaves, `back` when somebody is there again.
    """

    def __init__(
        self,
        window: QWidget,
        pages: QWidget,
        shortcuts: Sequence[QShortcut],
        messages: Messages,
        guard: SwipeGuard,
        *,
        is_paying: Callable[[], bool],
        leaving: Callable[[], None],
        back: Callable[[], None],
    ) -> None:
        super().__init__(window)
        self._window, self._pages, self._shortcuts = window, pages, shortcuts
        self._messages, self._guard = messages, guard
        self._is_paying, self._leaving, self._back = is_paying, leaving, back
        self._till: Till | None = None
        self._focus_moves = 0
        self.cover: Cover | None = None
        self.idle = IdleWatch(self, self._seen, self.lock)
        guard.is_covered = lambda: self.is_away
        app = QApplication.instance()
        assert isinstance(app, QApplication)
        app.focusChanged.connect(self._focus_moved)

    def attach(self, till: Till, run: Run) -> None:
        """The till is there now."""
        self._till = till
        self.cover = Cover(self._window, till, run)
        self.idle.start(till.config.lock_after_s)

    @property
    def is_away(self) -> bool:
        """Whether the window is covered."""
        return self.cover is not None and not self.cover.isHidden()

    def show_people(self, people: PeopleView) -> None:
        """While nobody is there, the cover takes every key and click; the pages stay behind it."""
        if self.cover is None:
            return
        was_away = self.is_away
        if people.signed_in is None or people.is_locked:
            if not was_away:
                self._leave_dialogs()
                self._messages.hold()
                self._set_usable(False)
            self.cover.show_people(people, is_paying=self._is_paying())
        elif was_away:
            self._set_usable(True)
            self.cover.hide()
            self.idle.start(self.idle.limit_s)
            self._back()
            self._messages.release()

    def lock(self, idle_s: int = 0) -> None:
        """Ctrl+L, or nobody has been there for a while."""
        self._leave(lambda till: till.people.lock(idle_s))

    def sign_out(self) -> None:
        """Ctrl+Shift+L."""
        self._leave(lambda till: till.people.sign_out())

    def _leave(self, verb: Callable[[Till], None]) -> None:
        if self._till is None:
            return
        self._leaving()
        try:
            verb(self._till)
        except CashierError as error:
            self._messages.tell("Not recorded", error.user_text)

    def _set_usable(self, usable: bool) -> None:
        self._pages.setEnabled(usable)
        for shortcut in self._shortcuts:
            shortcut.setEnabled(usable)

    def _leave_dialogs(self) -> None:
        """What stands before the window would stand before the cover, too."""
        popup = QApplication.activePopupWidget()
        if popup is not None:
            popup.close()
        for dialog in self._window.findChildren(QDialog):
            if dialog.isVisible() and not isinstance(dialog, QMessageBox):
                dialog.reject()

    def _seen(self) -> object:
        """Something that changes with whatever a person does; None while the payer is at the payment page."""
        if self._is_paying():
            return None
        at = QCursor.pos()
        return at.x(), at.y(), self._guard.presses, self._focus_moves

    def _focus_moved(self, *_what: object) -> None:
        self._focus_moves += 1
