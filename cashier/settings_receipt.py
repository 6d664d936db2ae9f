"""The settings of what stands on the agency's papers: `[receipt]`."""

from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, Any, Literal

from pydantic import AfterValidator, BaseModel, BeforeValidator, ConfigDict, Discriminator, Field, Tag

from cashier.domain.agency_text import USUAL, AgencyText
from cashier.domain.scrub import scrub_card_numbers
from cashier.settings_faults import EITHER

#: What fits above and below a receipt without pushing away what it must say.
ADDRESS_LINES, ADDRESS_LENGTH = 4, 60
BELOW_LINES, BELOW_LENGTH = 6, 120
#: What an older version called a setting, and what it is called now.
MOVED = ((("printer", "logo"), ("receipt", "logo")),)
#: What older versions had and no version has any more: a file that says it opens as if it did not.
RETIRED = frozenset({"supervisors"})  # they are people of the till, with roles and PINs of their own

LanguageCode = Literal["en-US", "es-US", "fr-CA"]


def _line(text: str) -> str:
    # French typography has blanks that no line breaks at; paper has its own rule for lines.
    text = text.replace("\u00a0", " ").replace("\u202f", " ").strip()
    if not text:
        raise ValueError("is empty: leave the line out")
    if not text.isprintable():
        raise ValueError("has signs that cannot be printed: write it as one line")
    if scrub_card_numbers(text) != text:
        raise ValueError("has digits that could be a card number: put a word or a comma between its numbers")
    return text


def _given(path: Any) -> Any:
    return None if path == "" else path


def _kind(value: Any) -> str:
    return f"{EITHER}table" if isinstance(value, Mapping) else f"{EITHER}list"


AddressLine = Annotated[str, Field(max_length=ADDRESS_LENGTH), AfterValidator(_line)]
BelowLine = Annotated[str, Field(max_length=BELOW_LENGTH), AfterValidator(_line)]
BelowLines = Annotated[tuple[BelowLine, ...], Field(max_length=BELOW_LINES)]


class ReceiptSettings(BaseModel):
    """What stands on receipts beside what they must say.

    `address` are lines under the agency's name, `below` lines at the end, in place of "Thank you.": a list
    for every language, or a table of lists by language, in which the till's own must be. Both are recorded
    with each receipt, so that a copy says what the original said. `logo` is a PNG, JPEG or BMP file; one
    that cannot be read is left out of the paper, and `cashier doctor` says so.
    """

    model_config = ConfigDict(extra="forbid", frozen=True)

    address: Annotated[tuple[AddressLine, ...], Field(max_length=ADDRESS_LINES)] = ()
    below: Annotated[
        Annotated[BelowLines, Tag(f"{EITHER}list")]
        | Annotated[dict[LanguageCode, BelowLines], Tag(f"{EITHER}table")],
        Discriminator(_kind),
    ] = ()
    logo: Annotated[Path | None, BeforeValidator(_given)] = None

    def lacks(self, language: str) -> bool:
        """Whether there are lines at the end, and none in this language nor for every one."""
        return isinstance(self.below, Mapping) and bool(self.below) and language not in self.below

    def text(self, language: str) -> AgencyText:
        """As plain values, for a till of this language."""
        if not isinstance(self.below, Mapping):
            return AgencyText(self.address, ((USUAL, self.below),) if self.below else ())
        below = [(USUAL if code == language else code, lines) for code, lines in self.below.items()]
        return AgencyText(self.address, tuple(below))


def modern(table: Any) -> Any:
    """A table of settings with what an older version called otherwise in its new place, without RETIRED.

    Where both stand, the new one counts. What is no table of tables is left as it is.
    """
    if not isinstance(table, Mapping):
        return table
    made = {key: value for key, value in table.items() if key not in RETIRED}
    for (old, old_key), (new, new_key) in MOVED:
        there, target = made.get(old), made.get(new, {})
        if isinstance(there, Mapping) and old_key in there and isinstance(target, Mapping):
            made[old] = {key: value for key, value in there.items() if key != old_key}
            made[new] = {new_key: there[old_key], **target}
    return made
