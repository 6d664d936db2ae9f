"""The languages of paper that ship with the product, one TOML file each."""

import tomllib
from collections.abc import Mapping
from pathlib import Path

from cashier.domain.errors import Refused
from cashier.domain.language import ENGLISH, Language


def load_languages(folder: Path) -> Mapping[str, Language]:
    """Languages by code, English first. Raises Refused for a file that lacks a text or has one too many."""
    found = {ENGLISH.code: ENGLISH}
    for file in sorted(folder.glob("*.toml")):
        try:
            language = Language(**tomllib.loads(file.read_text(encoding="utf-8")))
        except (OSError, UnicodeDecodeError, tomllib.TOMLDecodeError, TypeError) as error:
            raise Refused(f"{file}: is not a language of paper: {error}") from None
        wrong = sorted(set(ENGLISH.words) ^ set(language.words))
        if wrong:
            raise Refused(f"{file}: the texts {', '.join(wrong)} are missing or not known")
        found[language.code] = language
    return found
