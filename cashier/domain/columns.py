"""Paper of so many columns: the items of a document as rows of text, for a receipt printer or a terminal.

Nothing is cut off: what does not fit goes on in the next row, amounts stay whole and at the right. Texts are
spelled before they are laid out, with what the printer's code page has (`spelled`).
"""

import unicodedata
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from cashier.domain.receipt_text import Item, ItemKind

#: What says the same with signs that every code page has.
_SAME = {
    "–": "-",
    "—": "-",
    "−": "-",
    "‐": "-",
    "‑": "-",
    "…": "...",
    "·": "-",
    "•": "*",
    "×": "x",
    "‘": "'",
    "’": "'",
    "‚": ",",
    "“": '"',
    "”": '"',
    "„": '"',
    "«": '"',
    "»": '"',
    "‹": "'",
    "›": "'",
    "\u00a0": " ",
    "\u202f": " ",
    "\u2009": " ",
    "№": "No.",
    "º": "o",
    "ª": "a",
    "€": "EUR",
    "£": "GBP",
    "Œ": "OE",
    "œ": "oe",
    "Æ": "AE",
    "æ": "ae",
    "Ø": "O",
    "ø": "o",
    "Ł": "L",
    "ł": "l",
    "Đ": "D",
    "đ": "d",
    "ß": "ss",
    "ı": "i",
    "Þ": "Th",
    "þ": "th",
    "Ð": "D",
    "ð": "d",
    "™": "(TM)",
    "®": "(R)",
    "©": "(C)",
    "°": " deg ",
    "½": "1/2",
    "¼": "1/4",
    "¾": "3/4",
    "²": "2",
    "³": "3",
}
#: Below this a paper has too few columns for a name and an amount beside it.
WIDTH_MIN = 20
_INDENT = 2


@dataclass(frozen=True)
class Row:
    """One row. A large one has half as many columns; `qr` is what its picture says, in place of text."""

    text: str = ""
    bold: bool = False
    large: bool = False
    center: bool = False
    qr: str = ""


#: Whether the printer has a sign.
Has = Callable[[str], bool]


def has_code_page(name: str) -> Has:
    """Whether a code page has a sign. Raises LookupError for a code page that is not known."""
    "".encode(name)

    def has(sign: str) -> bool:
        try:
            sign.encode(name)
        except UnicodeEncodeError:
            return False
        return True

    return has


def spelled(text: str, has: Has) -> tuple[str, str]:
    """A text with the signs that a printer has, and the signs that had to be told by their numbers.

    The rule: a sign that the printer has stays, accents and all; else what says the same (a table); else the
    letter without its accents; else its number, `[U+5C0F]`, which loses nothing and is told to the clerk.
    Control signs – ESC begins a printer's commands – and signs without width are left out.
    """
    said, lost = [], []
    for sign in unicodedata.normalize("NFC", text):
        category = unicodedata.category(sign)
        if category == "Cf":
            continue
        if category in ("Cc", "Zl", "Zp"):
            said.append(" ")
        elif has(sign):
            said.append(sign)
        elif (same := _spell(sign, has)) is not None:
            said.append(same)
        else:
            said.append(f"[U+{ord(sign):04X}]")
            lost.append(sign)
    return "".join(said), "".join(lost)


def _spell(sign: str, has: Has) -> str | None:
    """The same with other signs, or None."""
    same = _SAME.get(sign)
    if same is None:
        parts = unicodedata.normalize("NFKD", sign)
        same = "".join(_SAME.get(part, part) for part in parts if not unicodedata.combining(part))
    return same if same and all(has(part) for part in same) else None


def spelled_items(items: Sequence[Item], has: Has) -> tuple[tuple[Item, ...], str]:
    """Items as a printer spells them, and every sign that had to be told by its number, once."""
    spelled_, lost = [], ""
    for item in items:
        left, lost_left = spelled(item.left, has)
        right, lost_right = spelled(item.right, has)
        spelled_.append(Item(item.kind, left, right, item.indent))
        lost += lost_left + lost_right
    return tuple(spelled_), "".join(dict.fromkeys(lost))


def lay_out(items: Sequence[Item], width: int) -> tuple[Row, ...]:
    """Items in rows of `width` columns. Raises ValueError for fewer than WIDTH_MIN."""
    if width < WIDTH_MIN:
        raise ValueError(f"{width} columns are too few")
    rows: list[Row] = []
    for item in items:
        rows += _rows(item, width)
    return tuple(rows)


def _rows(item: Item, width: int) -> list[Row]:
    match item.kind:
        case ItemKind.TITLE:
            # In large letters where they break no word and take no more than two rows, else in bold ones.
            lines = wrapped(item.left, width // 2)
            large = len(lines) <= 2 and all(len(word) <= width // 2 for word in item.left.split())
            lines = lines if large else wrapped(item.left, width)
            return [Row(line, bold=True, large=large, center=True) for line in lines]
        case ItemKind.CENTER:
            return [Row(line, center=True) for line in wrapped(item.left, width)]
        case ItemKind.NOTICE:
            frame = "*" * width
            middle = [Row(line, bold=True, center=True) for line in wrapped(item.left, width - 4)]
            return [Row(frame, bold=True), *middle, Row(frame, bold=True)]
        case ItemKind.STAMP | ItemKind.STRUCK:
            return [Row("=" * width), *_pair(item, width, bold=True), Row("=" * width)]
        case ItemKind.FACT:
            return _fact(item, width)
        case ItemKind.LINE | ItemKind.HEAD:
            return _pair(item, width, bold=item.kind is ItemKind.HEAD)
        case ItemKind.SUM:
            return _pair(item, width, bold=True)
        case ItemKind.SMALL:
            return [Row(" " * (item.indent * _INDENT) + line) for line in _indented(item, width)]
        case ItemKind.RULE:
            return [Row("-" * width)]
        case ItemKind.GAP:
            return [Row()]
        case ItemKind.QR:
            return [Row(qr=item.left), *(Row(line, center=True) for line in wrapped(item.left, width))]
        case ItemKind.SIGN:
            return [Row(), Row(), Row("_" * width), Row(item.left[:width])]


def _indented(item: Item, width: int) -> list[str]:
    return wrapped(item.left, width - item.indent * _INDENT)


def _pair(item: Item, width: int, *, bold: bool = False) -> list[Row]:
    """A text and an amount at the right of its last row; an amount that finds no room gets a row."""
    blank = " " * (item.indent * _INDENT)
    if not item.right:
        return [Row(blank + line, bold=bold) for line in _indented(item, width)]
    room = width - len(blank) - len(item.right) - 1
    lines = wrapped(item.left, room) if room >= 8 else [*_indented(item, width), ""]
    *before, last = [blank + line for line in lines]
    end = last + item.right.rjust(width - len(last))
    return [
        *(Row(line, bold=bold) for line in before),
        *(Row(part, bold=bold) for part in _chunks(end, width)),
    ]


def _chunks(text: str, width: int) -> list[str]:
    return [text[start : start + width] for start in range(0, len(text), width)] or [""]


def _fact(item: Item, width: int) -> list[Row]:
    """A name and its value at the right; a value that is too long goes on below, indented."""
    if len(item.left) + 1 + len(item.right) <= width:
        return [Row(item.left + item.right.rjust(width - len(item.left)))]
    rows = [Row(line) for line in wrapped(item.left, width)]
    return rows + [Row(line.rjust(width)) for line in wrapped(item.right, width - _INDENT)]


def wrapped(text: str, width: int) -> list[str]:
    """A text in lines of `width` signs at most, broken between words, and within one that is too long.

    One line at least, empty for an empty text.
    """
    lines = [""]
    # At blanks alone: an amount has none, but for one at which it is not broken.
    for word in filter(None, text.split(" ")):
        if lines[-1] and len(lines[-1]) + 1 + len(word) <= width:
            lines[-1] += f" {word}"
            continue
        if lines[-1]:
            lines.append("")
        *full, rest = _chunks(word, width)
        lines[-1:] = [*full, rest]
    return lines


def plain_text(rows: Sequence[Row], width: int) -> str:
    """Rows as a terminal shows them; a picture is told in brackets."""
    lines = []
    for row in rows:
        if row.qr:
            lines.append(f"[QR {row.qr}]".center(width).rstrip())
        else:
            lines.append((row.text.center(width) if row.center else row.text).rstrip())
    return "\n".join(lines)
