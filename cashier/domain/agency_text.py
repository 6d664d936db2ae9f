"""What an agency has printed beside what every receipt must say: lines under its name, and lines at the end.

Both are part of the receipt, recorded with it. An auditor holds a copy beside the original, and a payer may
rely on the refund policy that stood on theirs: a copy, a copy marked VOID and the slip of a refund say what
the receipt said when it was issued, whatever the settings say by then. Every language is recorded, for a
copy may be asked for in another one. The logo is not part of it: that is how the paper looks.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

#: The lines at the end that stand where a language has none of its own: those of the till's language.
USUAL = ""


@dataclass(frozen=True)
class AgencyText:
    """An agency's own lines. `address` stands under its name, `below` at the end, by a language's code."""

    address: tuple[str, ...] = ()
    below: tuple[tuple[str, tuple[str, ...]], ...] = ()

    def below_in(self, language: str) -> tuple[str, ...]:
        """The lines at the end in a language, by its code; the usual ones where it has none of its own."""
        known = dict(self.below)
        return known.get(language, known.get(USUAL, ()))

    def to_json(self) -> dict[str, Any]:
        """Members of a journal entry; none for an agency that has no lines."""
        body = {"address": list(self.address), "below": {code: list(lines) for code, lines in self.below}}
        return {name: value for name, value in body.items() if value}

    @classmethod
    def from_json(cls, body: Mapping[str, Any]) -> "AgencyText":
        """The inverse of to_json."""
        below = tuple((code, tuple(lines)) for code, lines in body.get("below", {}).items())
        return cls(tuple(body.get("address", ())), below)


#: Of an agency without lines of its own, and of every receipt of earlier versions.
NO_TEXT = AgencyText()
