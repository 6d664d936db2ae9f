"""Colours from the token file into the style sheet, light or dark as the system asks."""

import re
import tomllib
from pathlib import Path

from PySide6.QtCore import Qt
from PySide6.QtGui import QColor, QFont, QGuiApplication, QPalette
from PySide6.QtWidgets import QApplication


class Theme:
    """One set of named colours, and the picture that goes with them."""

    def __init__(self, colors: dict[str, str]) -> None:
        self._colors = colors

    def color(self, name: str) -> QColor:
        """A colour by its token name."""
        return QColor(self._colors[name])

    def text(self, name: str) -> str:
        """A colour's text, for places that want text."""
        return self._colors[name]

    def fill(self, sheet: str) -> str:
        """A style sheet with every `@name` replaced. Raises KeyError for an unknown name."""
        return re.sub(r"@(\w+)", lambda match: self._colors[match[1]], sheet)


def load(resources: Path, dark: bool) -> Theme:
    """The light or the dark theme."""
    name = "dark" if dark else "light"
    with (resources / "styles" / "tokens.toml").open("rb") as file:
        colors = tomllib.load(file)[name]
    return Theme({**colors, "chevron": (resources / "icons" / f"chevron-{name}.svg").as_posix()})


def system_is_dark() -> bool:
    """Whether the system asks for dark."""
    return QGuiApplication.styleHints().colorScheme() is Qt.ColorScheme.Dark


def put_on(
    app: QApplication, resources: Path, *, dark: bool | None = None, text_scale: float | None = None
) -> Theme:
    """Style the whole application; dark and the size of text as the system asks unless given."""
    theme = load(resources, system_is_dark() if dark is None else dark)
    app.setStyle("Fusion")
    palette = app.palette()
    palette.setColor(QPalette.ColorRole.Window, theme.color("page"))
    palette.setColor(QPalette.ColorRole.Base, theme.color("card"))
    palette.setColor(QPalette.ColorRole.Text, theme.color("text"))
    palette.setColor(QPalette.ColorRole.WindowText, theme.color("text"))
    palette.setColor(QPalette.ColorRole.PlaceholderText, theme.color("text_soft"))
    palette.setColor(QPalette.ColorRole.Highlight, theme.color("accent"))
    palette.setColor(QPalette.ColorRole.HighlightedText, theme.color("accent_text"))
    app.setPalette(palette)
    app.setStyleSheet(theme.fill((resources / "styles" / "till.qss").read_text(encoding="utf-8")))
    return theme


def tabular(font: QFont) -> QFont:
    """The font with figures of one width, so that amounts stand in columns."""
    font.setFeature(QFont.Tag("tnum"), 1)
    return font
