"""The same PDF for the same paper: Qt writes the clock's time into it, and we the paper's own."""

import datetime as dt
import re

from PySide6.QtCore import QBuffer

_DATE = re.compile(rb"\(D:(\d{14}[^)]*)\)")
_XMP = re.compile(rb'xmp:(?:CreateDate|ModifyDate|MetadataDate)="([^"]*)"')
_ID = re.compile(rb"/ID \[ ?((?:<[0-9a-fA-F]+>\s*)+)\]")
_UUID = re.compile(rb"uuid:([0-9a-f-]{36})")


def finished(buffer: QBuffer, stamp: str) -> bytearray:
    """What Qt has written into a buffer, `dated`; the buffer is emptied, since it may be large."""
    pdf = bytearray(buffer.data().data())
    buffer.close()
    buffer.setData(b"")
    dated(pdf, stamp)
    return pdf


def dated(pdf: bytearray, stamp: str) -> None:
    """Put the time `stamp` (UTC text) in the place of the time that a PDF was written at.

    Every part keeps its length, so that the places that the file's end lists stay where they are.
    """
    moment = dt.datetime.fromisoformat(stamp).astimezone(dt.UTC)
    short, iso = moment.strftime("%Y%m%d%H%M%S").encode(), moment.strftime("%Y-%m-%dT%H:%M:%S").encode()

    def of_info(text: bytes) -> bytes:
        return short + _zone(text[len(short) :])

    def of_xmp(text: bytes) -> bytes:
        return iso + _zone(text[len(iso) :])

    for pattern, made in ((_DATE, of_info), (_XMP, of_xmp), (_ID, _zeros), (_UUID, _zeros)):
        for found in list(pattern.finditer(pdf)):
            start, end = found.span(1)
            pdf[start:end] = made(bytes(found[1]))


def _zone(text: bytes) -> bytes:
    """Greenwich's, in as many characters as another's."""
    return re.sub(rb"\d", b"0", text).replace(b"-", b"+")


def _zeros(text: bytes) -> bytes:
    return re.sub(rb"[0-9a-fA-F]", b"0", text)
