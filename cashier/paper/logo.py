"""The agency's logo: read from its file, bounded, and never a reason for a paper not to come out.

It is of the paper and not of the receipt: no entry names it, and a copy has the logo of the day it is
printed. The daily report has none, for a closed day's report is the same to the byte whatever comes later.
"""

from pathlib import Path

from PySide6.QtCore import QBuffer, QByteArray, QIODevice, QSize, Qt
from PySide6.QtGui import QImage, QImageReader, QPainter

#: What a file may be, before anything of it is decoded.
BYTES_MAX, SIDE_MAX = 4_000_000, 2000
#: What is kept of it: sharp at 300 dots an inch in the room that a page has for it.
KEPT = QSize(900, 240)
FORMATS = {"png": "PNG", "jpeg": "JPEG", "jpg": "JPEG", "bmp": "BMP"}


def read_logo(file: Path) -> QImage:
    """A logo on white, no larger than KEPT. Raises ValueError with the reason, in words for people."""
    try:
        with file.open("rb") as stream:
            data = stream.read(BYTES_MAX + 1)
    except OSError as error:
        raise ValueError(f"{file}: {error.strerror or error}") from None
    if len(data) > BYTES_MAX:
        raise ValueError(f"{file} is larger than {BYTES_MAX // 1_000_000} MB")
    buffer = QBuffer()
    buffer.setData(QByteArray(data))
    buffer.open(QIODevice.OpenModeFlag.ReadOnly)
    reader = QImageReader(buffer)
    if bytes(reader.format().data()).decode("ascii", "replace") not in FORMATS:
        raise ValueError(f"{file} is not a picture of the kind PNG, JPEG or BMP")
    size = reader.size()
    if size.isEmpty():
        raise ValueError(f"{file} is damaged: it has no size")
    if max(size.width(), size.height()) > SIDE_MAX:
        raise ValueError(f"{file} is not a picture of at most {SIDE_MAX} by {SIDE_MAX} dots")
    reader.setAutoTransform(True)
    image = reader.read()
    if image.isNull():
        raise ValueError(f"{file} is damaged: {reader.errorString()}")
    return _on_white(fitted(image, KEPT))


def fitted(image: QImage, room: QSize) -> QImage:
    """A picture made as small as the room; one that is smaller stays as it is."""
    if image.width() <= room.width() and image.height() <= room.height():
        return image
    keep, smooth = Qt.AspectRatioMode.KeepAspectRatio, Qt.TransformationMode.SmoothTransformation
    return image.scaled(room.expandedTo(QSize(1, 1)), keep, smooth)


def _on_white(image: QImage) -> QImage:
    """What is see-through is paper."""
    made = QImage(image.size(), QImage.Format.Format_RGB32)
    made.fill(Qt.GlobalColor.white)
    painter = QPainter(made)
    painter.drawImage(0, 0, image)
    painter.end()
    return made


class Logo:
    """A logo of the settings, or none: read when it is first needed, and again when its file has changed."""

    def __init__(self, file: Path | None) -> None:
        self._file = file
        self._seen: tuple[int, int] | None = None
        self._image: QImage | None = None
        self._fault = ""
        self._told = ""

    def image(self) -> QImage | None:
        """The picture; None where there is none or it cannot be read."""
        if self._file is None:
            return None
        try:
            state = self._file.stat()
            seen = (state.st_mtime_ns, state.st_size)
            if seen != self._seen or self._image is None:
                self._image, self._seen = read_logo(self._file), seen
        except (OSError, ValueError) as error:
            self._image, self._fault = None, _said(error, self._file)
        else:
            self._fault = self._told = ""
        return self._image

    @property
    def fault(self) -> str:
        """Why it was left out the last time, or empty."""
        return self._fault

    def news(self) -> str:
        """The same as a sentence for the clerk, once: papers come out without it, and each one is a paper."""
        if not self._fault or self._fault == self._told:
            return ""
        self._told = self._fault
        return f"The logo was left out: {self._fault}. Papers go without it; see [receipt] in the settings."


def _said(error: OSError | ValueError, file: Path) -> str:
    return f"{file}: {error.strerror}" if isinstance(error, OSError) else str(error)
