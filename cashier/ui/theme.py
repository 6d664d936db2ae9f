"""Colours from the token file into the style sheet, light or dark as the system asks."""

import re
import sys
import tomllib
from pathlib import Path

from PySide6.QtCore import Qt
from PySide6.QtGui import QColor, QFont, QFontDatabase, QFontInfo, QGuiApplication, QPalette
from PySide6.QtWidgets import QApplication

#: The size of ordinary text, pixels; all other sizes of the style sheet and the pages go by it.
TEXT_PX = 14
#: The system font's usual size in pixels. Where it is larger, its user has asked for larger text.
_USUAL_PX = {"win32": 12, "darwin": 13}
_USUAL_PX_ELSEWHERE = 15
_TEXT_SCALE_MAX = 2.0
_SCALED = re.compile(r"((?:font-size|min-height): )(\d+)px")


_PALETTE = {
    QPalette.ColorRole.Window: "page",
    QPalette.ColorRole.WindowText: "text",
    QPalette.ColorRole.Base: "card",
    QPalette.ColorRole.AlternateBase: "page",
    QPalette.ColorRole.Text: "text",
    QPalette.ColorRole.PlaceholderText: "text_soft",
    QPalette.ColorRole.Button: "card",
    QPalette.ColorRole.ButtonText: "text",
    QPalette.ColorRole.ToolTipBase: "card",
    QPalette.ColorRole.ToolTipText: "text",
    QPalette.ColorRole.Highlight: "accent",
    QPalette.ColorRole.HighlightedText: "accent_text",
}


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


def scaled(pixels: int) -> int:
    """A size in pixels that holds text, at the size of text that `put_on` has set."""
    return round(pixels * max(QApplication.font().pixelSize(), TEXT_PX) / TEXT_PX)


def system_text_scale() -> float:
    """How much larger than usual the system asks text to be, from 1.0 to 2.0."""
    font = QFontInfo(QFontDatabase.systemFont(QFontDatabase.SystemFont.GeneralFont))
    usual = _USUAL_PX.get(sys.platform, _USUAL_PX_ELSEWHERE)
    return min(max(font.pixelSize() / usual, 1.0), _TEXT_SCALE_MAX)


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
    scale = system_text_scale() if text_scale is None else text_scale
    app.setStyle("Fusion")
    font = QFontDatabase.systemFont(QFontDatabase.SystemFont.GeneralFont)
    font.setPixelSize(round(TEXT_PX * scale))
    app.setFont(font)
    palette = app.palette()
    for role, name in _PALETTE.items():
        palette.setColor(role, theme.color(name))
    app.setPalette(palette)
    sheet = theme.fill((resources / "styles" / "till.qss").read_text(encoding="utf-8"))
    app.setStyleSheet(_SCALED.sub(lambda match: f"{match[1]}{round(int(match[2]) * scale)}px", sheet))
    return theme


def tabular(font: QFont) -> QFont:
    """The font with figures of one width, so that amounts stand in columns."""
    font.setFeature(QFont.Tag("tnum"), 1)
    return font
