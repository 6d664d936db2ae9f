"""Colours and sizes: everything can be read, in light and in dark, at twice the size of text."""

import re
import tomllib
from collections.abc import Iterator

import pytest
from PySide6.QtCore import QPoint, Qt
from PySide6.QtGui import QColor, QImage, QPalette
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QAbstractScrollArea, QApplication, QLabel, QLineEdit, QPushButton, QWidget

from cashier import paths
from cashier.domain.entries import Break
from cashier.ui import theme
from cashier.ui.rail import DESK, PAYMENT, RECEIPTS, SALE
from cashier.ui.widgets import ElidedLabel
from tests.ui.desk import Desk

STYLES = paths.resources() / "styles"
#: Text on what it stands on. Everything that is not disabled is here.
PAIRS = (
    ("text", "page"),
    ("text", "card"),
    ("text", "field"),
    ("text", "accent_soft"),
    ("text", "waiting_soft"),
    ("text", "refused_soft"),
    ("text_soft", "page"),
    ("text_soft", "card"),
    ("text_soft", "field"),
    ("text_soft", "accent_soft"),
    ("accent", "card"),
    ("accent", "accent_soft"),
    ("accent_text", "accent"),
    ("accent_text", "accent_hover"),
    ("waiting", "card"),
    ("waiting", "waiting_soft"),
    ("waiting", "accent_soft"),
    ("refused", "card"),
    ("refused", "refused_soft"),
    ("rail_text", "rail"),
    ("rail_text", "rail_hover"),
)
#: Lines that say where the focus is, and what is a field, on what they are drawn on.
LINES = (("focus", "card"), ("focus", "page"), ("focus", "field"))


def luminance(color: QColor) -> float:
    """Relative luminance as WCAG 2.2 defines it."""

    def linear(part: float) -> float:
        return part / 12.92 if part <= 0.04045 else ((part + 0.055) / 1.055) ** 2.4

    red, green, blue = (linear(part) for part in (color.redF(), color.greenF(), color.blueF()))
    return 0.2126 * red + 0.7152 * green + 0.0722 * blue


def contrast(one: QColor, other: QColor) -> float:
    """The contrast ratio of WCAG 2.2, 1 to 21."""
    light, dark = sorted((luminance(one), luminance(other)), reverse=True)
    return (light + 0.05) / (dark + 0.05)


def test_the_measure_of_contrast_is_right() -> None:
    assert contrast(QColor("black"), QColor("white")) == pytest.approx(21)
    assert contrast(QColor("#767676"), QColor("white")) == pytest.approx(4.54, abs=0.01)


@pytest.mark.parametrize("dark", [False, True])
@pytest.mark.parametrize(("text", "ground"), PAIRS)
def test_text_can_be_read(dark: bool, text: str, ground: str) -> None:
    colors = theme.load(paths.resources(), dark)
    assert contrast(colors.color(text), colors.color(ground)) >= 4.5


@pytest.mark.parametrize("dark", [False, True])
@pytest.mark.parametrize(("line", "ground"), LINES)
def test_the_focus_can_be_seen(dark: bool, line: str, ground: str) -> None:
    colors = theme.load(paths.resources(), dark)
    assert contrast(colors.color(line), colors.color(ground)) >= 3


def test_both_themes_have_the_same_colours_and_no_green() -> None:
    tokens = tomllib.loads((STYLES / "tokens.toml").read_text(encoding="utf-8"))
    assert tokens["light"].keys() == tokens["dark"].keys()
    for colors in tokens.values():
        for name, text in colors.items():
            color = QColor(text)
            assert color.isValid(), name
            assert not (80 <= color.hue() <= 170 and color.saturation() > 60), name


def test_the_style_sheet_uses_tokens_and_every_token_is_used() -> None:
    sheet = (STYLES / "till.qss").read_text(encoding="utf-8")
    tokens = tomllib.loads((STYLES / "tokens.toml").read_text(encoding="utf-8"))["light"]
    assert set(re.findall(r"@(\w+)", sheet)) - {"chevron"} <= tokens.keys()
    assert set(re.findall(r"#[0-9a-f]{3,6}\b", sheet)) <= {"#ffffff"}  # on the rail, blue in both
    for dark in (False, True):
        assert "@" not in theme.load(paths.resources(), dark).fill(sheet)


# -- painted -------------------------------------------------------------------------------------------------


def pages(desk: Desk) -> Iterator[str]:
    """Every page in turn, with something on it."""
    desk.fill("planning-application", "right-of-way", "copies")
    desk.till.choose_reader("lane-3000")
    yield "sale"
    desk.window.pay()
    desk.settle()
    yield "page"
    desk.decline()
    yield "declined"
    desk.window.payment.stop_waiting()
    yield "closed"
    desk.wait(desk.config.waits.quiet_s + 1)
    yield "declined for good"
    desk.window.show_page(SALE)
    desk.window.pay()
    desk.settle()
    desk.window.payment.stop_waiting()
    yield "in doubt"
    desk.window.show_page(DESK)
    desk.settle()
    yield "desk"
    desk.vouch()
    desk.find_what_nobody_expected()
    desk.settle()
    yield "desk, vouched"
    desk.window.desk.matters.list.setFocus()
    yield "desk, matter"
    desk.window.show_page(PAYMENT)
    yield "vouched"
    desk.till.integrity.verified(Break(17, "its hash is not the one that was recorded"))
    yield "broken"
    desk.approve()
    yield "paid"
    desk.window.show_page(RECEIPTS)
    yield "receipts"


def colors_of(image: QImage) -> dict[str, int]:
    """How often each colour is in every third pixel."""
    counts: dict[str, int] = {}
    for x in range(0, image.width(), 3):
        for y in range(0, image.height(), 3):
            name = QColor(image.pixel(x, y)).name()
            counts[name] = counts.get(name, 0) + 1
    return counts


@pytest.mark.parametrize("dark", [False, True])
def test_both_themes_are_painted_as_their_tokens_say(desk: Desk, dark: bool) -> None:
    desk.config = desk.config_with(training=False)  # no watermark over the colours
    desk.start(dark=dark)
    for name in pages(desk):
        desk.lay_out()
        picture = desk.window.grab().toImage()
        counts = colors_of(picture)
        most = sorted(counts, key=lambda color: -counts[color])[:5]
        assert desk.theme.text("page") in most, name
        assert desk.theme.text("rail") in most, name
        if name != "receipts":
            assert desk.theme.text("card") in most, name
        for notes in (desk.window.sale.notes, desk.window.payment.facts):
            if notes.isVisible():
                inside = notes.mapTo(desk.window, QPoint(notes.width() - 3, notes.height() - 6))
                assert QColor(picture.pixel(inside)).name() == desk.theme.text("card"), name


@pytest.mark.parametrize("dark", [False, True])
def test_messages_and_tips_follow_the_theme(desk: Desk, dark: bool) -> None:
    desk.start(dark=dark)
    desk.key(Qt.Key.Key_F1)
    [box] = desk.boxes
    [text] = [label for label in box.findChildren(QLabel) if "Ctrl+1" in label.text()]
    ground = QColor(box.grab().toImage().pixel(QPoint(2, 2)))
    assert contrast(text.palette().color(QPalette.ColorRole.WindowText), ground) >= 4.5
    desk.read_messages()


def test_a_placeholder_can_be_read(desk: Desk) -> None:
    desk.start()
    field = desk.window.sale.fields["name"]
    counts = colors_of(field.grab().toImage().scaled(field.size() * 3))
    assert desk.theme.text("text_soft") in counts


@pytest.mark.parametrize(("size", "text_scale"), [((1080, 700), 1.0), ((1360, 860), 1.0), ((1360, 860), 2.0)])
def test_nothing_is_cut_off(desk: Desk, size: tuple[int, int], text_scale: float) -> None:
    desk.start(size, text_scale=text_scale)
    for name in pages(desk):
        desk.lay_out()
        assert desk.window.width() == size[0], name
        check_texts(desk, name, text_scale)
        for button in desk.window.findChildren(QPushButton):
            if button.isVisible():
                seen = button.visibleRegion().boundingRect()
                assert seen == button.rect(), f"{name}: {button.text()!r} is cut off"


def check_texts(desk: Desk, name: str, text_scale: float) -> None:
    """Every text of the window has the room that it needs."""
    for label in desk.labels():
        if label.isVisible() and not isinstance(label, ElidedLabel) and label.objectName() != "key":
            assert _fits(label, text_scale), f"{name}: {label.text()!r} in {label.size()}"
            height = label.visibleRegion().boundingRect().height()
            assert height > 12 or _is_scrolled(label) or not label.text(), f"{name}: {label.text()!r}"
    for button in desk.window.findChildren(QPushButton):
        if button.isVisible():
            assert button.width() >= button.fontMetrics().horizontalAdvance(button.text()), name
            assert button.height() >= button.fontMetrics().height(), name


def _is_scrolled(widget: QWidget | None) -> bool:
    while widget is not None:
        if isinstance(widget, QAbstractScrollArea):
            return widget.verticalScrollBar().maximum() > 0
        widget = widget.parentWidget()
    return False


def _fits(label: QLabel, text_scale: float) -> bool:
    metrics, text = label.fontMetrics(), label.text()
    if not label.wordWrap():
        return label.width() + 1 >= max(metrics.horizontalAdvance(line) for line in text.split("\n"))
    if text_scale > 1 and " " not in text:
        return True  # the payment's reference: long, and selectable with the mouse
    box = metrics.boundingRect(0, 0, label.width(), 10_000, int(Qt.TextFlag.TextWordWrap), text)
    return label.height() + 2 >= box.height()


def test_larger_text_makes_larger_rows(desk: Desk) -> None:
    desk.start(text_scale=2.0)
    assert QApplication.font().pixelSize() == 28
    offers = desk.window.sale.fees.offers
    assert offers.visualItemRect(offers.item(0)).height() == 80
    for widget in (desk.window.sale.pay, desk.window.sale.fields["name"], desk.window.rail.buttons[0]):
        assert widget.height() >= 2 * 38


def test_the_size_of_text_is_the_systems(qapp: QApplication) -> None:
    assert 1.0 <= theme.system_text_scale() <= 2.0


def test_touch_targets_are_large_enough(desk: Desk) -> None:
    desk.start((1080, 700))
    for _ in pages(desk):
        for kind in (QPushButton, QLineEdit):
            for widget in desk.window.findChildren(kind):
                if widget.isVisible():
                    assert widget.height() >= 38, widget.accessibleName()


def test_the_focus_is_always_to_be_seen(desk: Desk) -> None:
    """Each widget that Tab reaches looks different with the focus than without."""
    desk.start()
    desk.fill("planning-application", "right-of-way")
    first = desk.focus
    seen = 0
    while seen == 0 or desk.focus is not first:
        widget = desk.focus
        there = _picture(widget)
        QTest.keyClick(widget, Qt.Key.Key_Tab)
        assert there != _picture(widget), widget.accessibleName()
        seen += 1
        assert seen < 40
    assert seen == 19


def _picture(widget: QWidget) -> QImage:
    return widget.grab().toImage()
