"""Card numbers are taken out of every text that came from outside, before it is stored, shown or logged.

A naive pattern finds too little and too much. The rule here, in two parts:

1. **What is a card number.** Every run of 13 or more digits, the digits joined directly or by one space,
   tab, line end or dash; in it every window of 13 to 19 digits that passes the Luhn test. Letters around a
   run do not protect it (`PAN4111…exp` is still a card number). All digits of all such windows go: nothing
   of the number stays.
2. **What is not.** About one in ten random digit windows passes Luhn, so identifiers in hexadecimal would be
   hurt by chance, and a payment whose reference was altered can no longer be proven. Three shapes that nobody
   writes a card number in are therefore left alone, each as a whole word (no letter or digit beside it):
   - our own reference, a till code, a dash and the 32 hex digits of a UUIDv7 (version and variant digit in
     place), even when all 32 happen to be decimal digits: about three in a million are;
   - a GUID in its groups of 8-4-4-4-12 hex digits (Invoice Cloud's `PaymentGUID` and `BillerGUID`);
   - a word of 32 or more hex digits with at least one letter among them (digests, GUIDs without dashes).

A purely numeric identifier of 13 or more digits may still be masked; that is why ours contain letters.
"""

import re
from collections.abc import Iterator

MASK = "[card number removed]"

PAN_MIN_DIGITS = 13
PAN_MAX_DIGITS = 19

_SEPARATOR = r"[\s\-\u2010-\u2015]?"
_DIGITS_ALIKE = bytes.maketrans(b"0123456789", b"0000000000")
_ASCII_JOINTS = b"-" + bytes(code for code in range(128) if chr(code).isspace())
_RUN_ALIKE = b"0" * PAN_MIN_DIGITS
_RUN = re.compile(rf"\d(?:{_SEPARATOR}\d){{{PAN_MIN_DIGITS - 1},}}")
_IDENTIFIER = re.compile(
    r"(?<![^\W_])(?:"
    r"[A-Za-z][A-Za-z0-9]{0,6}-[0-9a-f]{12}7[0-9a-f]{3}[89ab][0-9a-f]{15}"
    r"|[0-9a-fA-F]{8}-[0-9a-fA-F]{4}-[0-9a-fA-F]{4}-[0-9a-fA-F]{4}-[0-9a-fA-F]{12}"
    r"|(?=[0-9]*[a-fA-F])[0-9a-fA-F]{32,}"
    r")(?![^\W_])",
    re.ASCII,
)


def may_hold_card_number(text: bytes) -> bool:
    """Whether scrubbing could change this text in UTF-8, or any part of it. No is certain, yes is not.

    Much cheaper than scrubbing: all digits are made the same and every joint is dropped, and then a run is
    thirteen of the same character. Text that is not ASCII may have digits of other scripts.
    """
    return not text.isascii() or _RUN_ALIKE in text.translate(_DIGITS_ALIKE, _ASCII_JOINTS)


def scrub_card_numbers(text: str) -> str:
    """`text` with `[card number removed]` in place of every card number (rules in the module docstring).

    Scrubbing twice changes nothing more. The time taken is linear in the length of the text.
    """
    parts: list[str] = []
    at = 0
    for identifier in _IDENTIFIER.finditer(text):
        parts.append(_RUN.sub(_mask_run, text[at : identifier.start()]))
        parts.append(identifier.group())
        at = identifier.end()
    parts.append(_RUN.sub(_mask_run, text[at:]))
    return "".join(parts)


def _mask_run(run: re.Match[str]) -> str:
    text = run.group()
    places = [place for place, char in enumerate(text) if char.isdecimal()]
    parts: list[str] = []
    at = 0
    for start, end in _card_spans([int(text[place]) for place in places]):
        parts += [text[at : places[start]], MASK]
        at = places[end - 1] + 1
    parts.append(text[at:])
    return "".join(parts)


def _card_spans(digits: list[int]) -> Iterator[tuple[int, int]]:
    """Merged half-open spans of `digits` covered by windows of 13 to 19 digits that pass the Luhn test.

    The Luhn test doubles every second digit from the right, the last one not; prefix sums for both ways of
    choosing "every second" make each window a subtraction.
    """
    sums = ([0], [0])
    for place, digit in enumerate(digits):
        doubled = digit * 2 - 9 if digit > 4 else digit * 2
        for parity in (0, 1):
            sums[parity].append(sums[parity][-1] + (doubled if place % 2 == parity else digit))
    merged_start = merged_end = -1
    for start in range(len(digits) - PAN_MIN_DIGITS + 1):
        ends = range(start + PAN_MIN_DIGITS, min(start + PAN_MAX_DIGITS, len(digits)) + 1)
        passing = [end for end in ends if (sums[end % 2][end] - sums[end % 2][start]) % 10 == 0]
        if not passing:
            continue
        if start > merged_end:
            if merged_end > 0:
                yield merged_start, merged_end
            merged_start = start
        merged_end = max(merged_end, passing[-1])
    if merged_end > 0:
        yield merged_start, merged_end
