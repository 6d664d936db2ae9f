"""The same PDF for the same paper: Qt writes the clock's time into it, and we the paper's own."""

import datetime as dt
import re

_DATE = re.compile(rb"(\(D:)(\d{14})([^)]*)(\))")
_XMP = re.compile(rb'(xmp:(?:CreateDate|ModifyDate|MetadataDate)=")([^"]*)(")')
_ID = re.compile(rb"(/ID \[ ?)((?:<[0-9a-f]+>\s*)+)(\])", re.I)
_UUID = re.compile(rb"(uuid:)([0-9a-f-]{36})")


def dated(pdf: bytes, stamp: str) -> bytes:
    """The bytes of a PDF with the time `stamp` (UTC text) in place of the time it was written at.

    Every part keeps its length, so that the places that the file's end lists stay where they are.
    """
    moment = dt.datetime.fromisoformat(stamp).astimezone(dt.UTC)
    short, iso = moment.strftime("%Y%m%d%H%M%S").encode(), moment.strftime("%Y-%m-%dT%H:%M:%S").encode()

    def zone(text: bytes) -> bytes:
        return re.sub(rb"\d", b"0", text).replace(b"-", b"+")

    def of_info(found: "re.Match[bytes]") -> bytes:
        return found[1] + short + zone(found[3]) + found[4]

    def of_xmp(found: "re.Match[bytes]") -> bytes:
        return found[1] + (iso + zone(found[2][19:]))[: len(found[2])] + found[3]

    pdf = _XMP.sub(of_xmp, _DATE.sub(of_info, pdf))
    pdf = _ID.sub(lambda found: found[1] + re.sub(rb"[0-9a-fA-F]", b"0", found[2]) + found[3], pdf)
    return _UUID.sub(lambda found: found[1] + re.sub(rb"[0-9a-f]", b"0", found[2]), pdf)
