"""Small shared pieces of the pages."""

from PySide6.QtCore import QEvent, QObject, QPointF, QRectF, QSize, Qt, Signal
from PySide6.QtGui import (
    QAccessible,
    QAccessibleAnnouncementEvent,
    QFont,
    QKeyEvent,
    QPainter,
    QPaintEvent,
    QResizeEvent,
)
from PySide6.QtWidgets import (
    QFrame,
    QHBoxLayout,
    QLabel,
    QLayout,
    QLineEdit,
    QPushButton,
    QScrollArea,
    QSizePolicy,
    QToolButton,
    QVBoxLayout,
    QWidget,
)

from cashier.till.words import Standing, Tone
from cashier.ui.theme import Theme, scaled, tabular

#: What goes with the colour of a tone, for those who cannot tell colours.
SIGNS = {Tone.CALM: "●", Tone.WAITING: "◷", Tone.PAID: "✓", Tone.REFUSED: "✕"}
#: Longer than any name, number or address that is searched for.
SEARCH_MAX = 100


class Button(QPushButton):
    """A button that Enter presses, like Space, and that a key held down presses once.

    Qt repeats a button's click while Enter is held: the second would press whatever comes next.
    """

    def __init__(self, text: str, name: str = "") -> None:
        super().__init__(text)
        self.setAutoDefault(True)
        self.setAccessibleName(name or text.split("   ")[0])

    def keyPressEvent(self, event: QKeyEvent) -> None:
        """See above."""
        if event.isAutoRepeat() and event.key() in (Qt.Key.Key_Return, Qt.Key.Key_Enter, Qt.Key.Key_Space):
            return
        super().keyPressEvent(event)


def search_field(name: str, hint: str) -> QLineEdit:
    """A large field to search by, with a button that clears it."""
    field = QLineEdit()
    field.setObjectName("search")
    field.setAccessibleName(name)
    field.setPlaceholderText(hint)
    field.setMaxLength(SEARCH_MAX)
    field.setClearButtonEnabled(True)
    for button in field.findChildren(QToolButton):
        button.setAccessibleName("Clear the search")
    return field


def typed(event: QKeyEvent) -> str:
    """The printable text of a key press; nothing for a space, a control key or a shortcut."""
    plain = (
        Qt.KeyboardModifier.ShiftModifier
        | Qt.KeyboardModifier.KeypadModifier
        | Qt.KeyboardModifier.GroupSwitchModifier
    )
    text = event.text()
    return text if text.isprintable() and text.strip() and not event.modifiers() & ~plain else ""


def announce(widget: QWidget, text: str) -> None:
    """Have a screen reader say a text now; nothing happens where none listens."""
    QAccessible.updateAccessibility(QAccessibleAnnouncementEvent(widget, text))


def label(text: str = "", kind: str = "", *, wrap: bool = False) -> QLabel:
    """A label; `kind` is its style sheet name. Text is never taken for markup."""
    made = QLabel(text)
    made.setTextFormat(Qt.TextFormat.PlainText)
    made.setObjectName(kind)
    made.setWordWrap(wrap)
    return made


def amount_label(kind: str = "amount") -> QLabel:
    """A right-aligned label with figures of one width."""
    made = label("0.00", kind)
    made.setFont(tabular(made.font()))
    made.setAlignment(Qt.AlignmentFlag.AlignRight | Qt.AlignmentFlag.AlignVCenter)
    return made


def card(layout: QLayout | None = None) -> QFrame:
    """A white box with a thin line around it."""
    frame = QFrame()
    frame.setObjectName("card")
    if layout is not None:
        layout.setContentsMargins(16, 12, 16, 12)
        frame.setLayout(layout)
    return frame


class Shrinking(QScrollArea):
    """A widget as high as it needs to be; where there is no room it is scrolled, and Tab goes to it for that.

    With `height_max` it takes what it needs up to that many pixels, whatever room there is.
    """

    def __init__(self, inside: QWidget, height_max: int | None = None) -> None:
        super().__init__()
        self._inside = inside
        self._height_max = height_max
        self.setObjectName("shrinking")
        self.setAccessibleName("Details")
        self.setFrameShape(QFrame.Shape.NoFrame)
        self.setWidgetResizable(True)
        self.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        self.setSizePolicy(QSizePolicy.Policy.Preferred, QSizePolicy.Policy.Maximum)
        self.setFocusPolicy(Qt.FocusPolicy.NoFocus)
        self.verticalScrollBar().rangeChanged.connect(self._range_changed)
        self.setWidget(inside)
        for part in (inside, self.viewport()):
            part.setAutoFillBackground(False)  # Qt has just turned it on

    def _range_changed(self, _least: int, most: int) -> None:
        self.setFocusPolicy(Qt.FocusPolicy.StrongFocus if most else Qt.FocusPolicy.NoFocus)

    def sizeHint(self) -> QSize:
        """The height its texts need at the width there is."""
        hint, width = self._inside.sizeHint(), self.width()
        wraps = self._inside.hasHeightForWidth()
        return QSize(hint.width(), self._inside.heightForWidth(width) if wraps else hint.height())

    def minimumSizeHint(self) -> QSize:
        """A line of text."""
        return QSize(0, min(self.sizeHint().height(), scaled(24)))

    def resizeEvent(self, event: QResizeEvent) -> None:
        """Another width needs another height."""
        super().resizeEvent(event)
        if event.size().width() != event.oldSize().width():
            self._fit()

    def eventFilter(self, watched: QObject, event: QEvent) -> bool:
        """Another text does, too."""
        done = super().eventFilter(watched, event)
        if event.type() is QEvent.Type.LayoutRequest and watched is self._inside:
            self._fit()
        return done

    def _fit(self) -> None:
        if self._height_max is None:
            self.updateGeometry()
        else:
            self.setFixedHeight(min(self.sizeHint().height(), self._height_max))


def fit_height(window: QWidget) -> None:
    """Be as high as the texts need at the window's width; Qt leaves what wraps out of account."""
    layout = window.layout()
    assert layout is not None
    layout.activate()
    wraps = layout.hasHeightForWidth()
    needed = layout.totalHeightForWidth(window.width()) if wraps else layout.totalSizeHint().height()
    window.setFixedHeight(needed)


def row(*parts: QWidget | int, spacing: int = 8) -> QHBoxLayout:
    """Widgets side by side; a number is a stretch."""
    layout = QHBoxLayout()
    layout.setSpacing(spacing)
    for part in parts:
        if isinstance(part, int):
            layout.addStretch(part)
        else:
            layout.addWidget(part)
    return layout


class ElidedLabel(QLabel):
    """A label that ends in … when there is no room, and says the whole in its tool tip."""

    def __init__(self, text: str, kind: str = "") -> None:
        super().__init__(text)
        self.setTextFormat(Qt.TextFormat.PlainText)
        self.setObjectName(kind)
        self.setToolTip(text)
        self.setMinimumWidth(40)

    def setText(self, text: str) -> None:
        """Another text."""
        super().setText(text)
        self.setToolTip(text)

    def paintEvent(self, _event: QPaintEvent) -> None:
        """Paint as much of the text as fits."""
        painter = QPainter(self)
        text = self.fontMetrics().elidedText(self.text(), Qt.TextElideMode.ElideRight, self.width())
        painter.setPen(self.palette().windowText().color())
        painter.drawText(self.rect(), Qt.AlignmentFlag.AlignVCenter | Qt.AlignmentFlag.AlignLeft, text)
        painter.end()

    def minimumSizeHint(self) -> QSize:
        """It may become as narrow as it must."""
        return QSize(40, super().minimumSizeHint().height())


class Banner(QFrame):
    """Where the money stands, in a word and a sentence; its tone has a colour, a sign and the word."""

    #: The new standing, once, as it is said to a screen reader.
    changed = Signal(str)

    def __init__(self) -> None:
        super().__init__()
        self._word = label("", "word", wrap=True)
        self._sentence = label("", "sentence", wrap=True)
        layout = QVBoxLayout(self)
        layout.setContentsMargins(16, 12, 16, 12)
        layout.setSpacing(4)
        layout.addWidget(self._word)
        layout.addWidget(self._sentence)

    def show_standing(self, standing: Standing) -> None:
        """Show a standing; a screen reader says a new one once."""
        text = f"{standing.word}. {standing.sentence}"
        if self.accessibleName() == text:
            return
        self.setAccessibleName(text)
        self.setObjectName(f"banner-{standing.tone.value}")
        self.style().unpolish(self)
        self.style().polish(self)
        for child in (self._word, self._sentence):
            self.style().unpolish(child)
            self.style().polish(child)
        self._word.setText(f"{SIGNS[standing.tone]}  {standing.word.upper()}")
        self._sentence.setText(standing.sentence)
        announce(self, text)
        self.changed.emit(text)

    def forget(self) -> None:
        """There is no standing: the next one is new, whatever it says."""
        self.setAccessibleName("")

    @property
    def text(self) -> str:
        """Word and sentence, as a person reads them."""
        return f"{self._word.text()} {self._sentence.text()}"


class FaultBar(QFrame):
    """A red bar across the window: something that nobody may overlook, and the one thing to do about it."""

    pressed = Signal()

    def __init__(self, act: str) -> None:
        super().__init__()
        self.setObjectName("fault-bar")
        self._text = label("", "", wrap=True)
        self.button = Button(act)
        self.button.clicked.connect(lambda _checked=False: self.pressed.emit())
        layout = QHBoxLayout(self)
        layout.setContentsMargins(16, 8, 16, 8)
        layout.setSpacing(16)
        layout.addWidget(self._text, 1)
        layout.addWidget(self.button)
        self.hide()

    def show_fault(self, text: str) -> None:
        """Say it, or be gone; a screen reader says it once."""
        if text and self.accessibleName() != text:
            announce(self, text)
        self.setAccessibleName(text)
        self._text.setText(f"✕  {text}")
        self.setVisible(bool(text))

    @property
    def text(self) -> str:
        """What it says; empty while it is away."""
        return self.accessibleName()


class Watermark(QWidget):
    """TRAINING across the pages; it takes no key and no click."""

    def __init__(self, parent: QWidget, theme: Theme, text: str = "TRAINING") -> None:
        super().__init__(parent)
        self._theme = theme
        self._text = text
        self.setAttribute(Qt.WidgetAttribute.WA_TransparentForMouseEvents)
        self.setFocusPolicy(Qt.FocusPolicy.NoFocus)
        parent.installEventFilter(self)

    def eventFilter(self, watched: QObject, event: QEvent) -> bool:
        """Keep to the parent's size."""
        if event.type() is QEvent.Type.Resize and isinstance(watched, QWidget):
            self.resize(watched.size())
            self.raise_()
        return False

    def paintEvent(self, _event: QPaintEvent) -> None:
        """Paint the word, pale, across the middle."""
        painter = QPainter(self)
        font = QFont(self.font())
        font.setPixelSize(max(60, self.width() // 6))
        font.setBold(True)
        painter.setFont(font)
        painter.setOpacity(0.06)
        painter.setPen(self._theme.color("text"))
        painter.translate(QPointF(self.rect().center()))
        painter.rotate(-24)
        size = max(self.width(), self.height())
        painter.drawText(QRectF(-size, -size / 2, 2 * size, size), Qt.AlignmentFlag.AlignCenter, self._text)
        painter.end()
