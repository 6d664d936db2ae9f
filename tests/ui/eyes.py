"""What is up on a window."""

from PySide6.QtWidgets import QDialog, QMessageBox, QWidget


def boxes_on(window: QWidget) -> list[QMessageBox]:
    """Message boxes that are up."""
    return [box for box in window.findChildren(QMessageBox) if box.isVisible()]


def dialogs_on(window: QWidget) -> list[QDialog]:
    """Dialogs that are up, but for message boxes."""
    found = window.findChildren(QDialog)
    return [one for one in found if one.isVisible() and not isinstance(one, QMessageBox)]
