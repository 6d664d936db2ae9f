"""The short code by which a till enrols at its hub: how it is made, read and shown while it is typed.

Eleven signs of Crockford's base32 carry 55 random bits, the twelfth is a check: a polynomial over the field
of 32 elements, as in a barcode. It finds every one wrong sign and every two that changed places, wherever
they stand, so that a slip is told at once and no hub is asked.
"""

from cashier.domain.errors import Refused

#: Crockford's base32: no I, L, O and U, which are read or heard as something else.
ALPHABET = "0123456789ABCDEFGHJKMNPQRSTVWXYZ"
#: What people write instead, and what it is then.
_MEANT = str.maketrans("ILO", "110")
#: What may stand between the signs; the long dashes come out of letters and mails.
_BETWEEN = frozenset(" -_.\t\u00a0\u2010\u2011\u2012\u2013\u2014")
#: How long a code may be good. Long enough to walk to the till, short enough to be worth nothing soon.
INVITE_MINUTES_MAX = 24 * 60
DATA_CHARS = 11
CODE_CHARS = DATA_CHARS + 1
CODE_BITS = 5 * DATA_CHARS
_GROUP = 4
#: x⁵ + x² + 1, by which x makes all 31 elements but zero: so no two places weigh the same.
_FIELD = 0b100101


def invite_code(bits: int) -> str:
    """The code of 55 random bits, without dashes. Raises ValueError for more or fewer than there can be."""
    if not 0 <= bits < 1 << CODE_BITS:
        raise ValueError(f"not {CODE_BITS} bits")
    data = "".join(ALPHABET[bits >> 5 * place & 31] for place in reversed(range(DATA_CHARS)))
    return data + ALPHABET[_shifted(_sum(data))]


def shown(code: str) -> str:
    """A code, or its beginning, in groups of four: `7KQ4-M2XD-9RT2`."""
    return "-".join(code[at : at + _GROUP] for at in range(0, len(code), _GROUP))


def signs_of(text: str) -> str:
    """The signs of what was typed: capital letters, without what stands between, as they were meant."""
    return "".join(sign for sign in text.upper() if sign not in _BETWEEN).translate(_MEANT)


def as_typed(text: str) -> str:
    """What was typed so far, in groups; no more signs than a code has."""
    return shown(signs_of(text)[:CODE_CHARS])


def fault_of(text: str) -> str:
    """Why this is not a code, in words; empty for one, and for what may still become one."""
    signs = signs_of(text)
    for sign in signs:
        if sign not in ALPHABET:
            return f"{sign} is in no code. Compare it with what was written down."
    if len(signs) > CODE_CHARS:
        return f"A code has {CODE_CHARS} letters and digits; here are {len(signs)}."
    if len(signs) == CODE_CHARS and _sum(signs):
        return "A letter or digit is wrong. Compare the code with what was written down."
    return ""


def is_whole(text: str) -> bool:
    """Whether this is a code with all its signs, and its check is right."""
    return len(signs_of(text)) == CODE_CHARS and not fault_of(text)


def read_invite_code(text: str) -> str:
    """The code of what was typed, without dashes. Raises Refused, without repeating it."""
    if fault := fault_of(text):
        raise Refused(fault)
    signs = signs_of(text)
    if len(signs) < CODE_CHARS:
        raise Refused(f"A code has {CODE_CHARS} letters and digits; here are {len(signs)}.")
    return signs


def _sum(signs: str) -> int:
    """The polynomial of the signs at x: 0 for a whole code."""
    total = 0
    for sign in signs:
        total = _shifted(total) ^ ALPHABET.index(sign)
    return total


def _shifted(element: int) -> int:
    """An element times x."""
    element <<= 1
    return element ^ _FIELD if element & 32 else element
