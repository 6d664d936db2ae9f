"""What is wrong with a setting, in words for whoever types it: what was typed is never repeated."""

import re
from collections.abc import Callable, Iterator, Mapping
from typing import TYPE_CHECKING, Any

from cashier.domain.settings_change import SettingFault

if TYPE_CHECKING:
    from pydantic import ValidationError
    from pydantic_core import ErrorDetails

#: The key of a fault that is of no one setting.
WHOLE = "settings"
#: A reason that begins with the key that it is about.
_NAMED = re.compile(r"([a-z_]+(?:\.[a-z_]+)*): (.*)", re.DOTALL)
#: How pydantic marks that a key itself is wrong, not what stands under it.
_OF_KEY = "[key]"
#: How a setting that may be one of several things marks which of them was meant.
EITHER = "either:"
#: What is put into a place when a setting may be one of several things: of them the first is meant.
_ONE_OF = ("function-", "literal[", EITHER)

_NUMBER, _WHOLE_NUMBER = "is not a number", "is not a whole number"
_LIST, _TABLE = "must be a list", "must be a table of settings"
_WORDS: Mapping[str, str] = {
    "extra_forbidden": "is not a setting",
    "missing": "is missing",
    "int_parsing": _WHOLE_NUMBER,
    "int_parsing_size": _WHOLE_NUMBER,
    "int_type": _WHOLE_NUMBER,
    "int_from_float": _WHOLE_NUMBER,
    "float_parsing": _NUMBER,
    "float_type": _NUMBER,
    "finite_number": _NUMBER,
    "bool_parsing": "must be true or false",
    "bool_type": "must be true or false",
    "string_type": "must be text, in quotes",
    "string_unicode": "is not text that can be read",
    "string_pattern_mismatch": "is not written as it must be",
    "path_type": "is not the path of a file or folder",
    "list_type": _LIST,
    "tuple_type": _LIST,
    "dict_type": _TABLE,
    "mapping_type": _TABLE,
    "model_type": _TABLE,
    "model_attributes_type": _TABLE,
}


def _limit(context: Mapping[str, Any], name: str) -> str:
    """A limit as a person writes it: 5 for 5.0."""
    value = context[name]
    return str(int(value)) if isinstance(value, float) and value.is_integer() else str(value)


def _too_short(context: Mapping[str, Any]) -> str:
    least = _limit(context, "min_length")
    return "is missing" if least == "1" else f"is shorter than {least} characters"


_WITH_LIMIT: Mapping[str, Callable[[Mapping[str, Any]], str]] = {
    "greater_than": lambda context: f"must be more than {_limit(context, 'gt')}",
    "greater_than_equal": lambda context: f"must be at least {_limit(context, 'ge')}",
    "less_than": lambda context: f"must be less than {_limit(context, 'lt')}",
    "less_than_equal": lambda context: f"must be at most {_limit(context, 'le')}",
    "string_too_short": _too_short,
    "string_too_long": lambda context: f"is longer than {_limit(context, 'max_length')} characters",
    "too_short": lambda context: f"needs at least {_limit(context, 'min_length')}",
    "too_long": lambda context: f"has more than {_limit(context, 'max_length')} entries",
    "literal_error": lambda context: f"is not one of {context['expected']}",
    "enum": lambda context: f"is not one of {context['expected']}",
}


def faults_in(error: "ValidationError") -> Iterator[tuple[str, str]]:
    """Each fault as its key, such as `billers[0].card_maximum`, and its reason; one where one is meant."""
    alternatives: set[str] = set()
    for item in error.errors(include_url=False, include_input=False):
        key = key_of(item["loc"])
        if any(_is_alternative(part) for part in item["loc"]):
            if key in alternatives:
                continue
            alternatives.add(key)
        yield key, _reason(item)


def setting_faults(error: "ValidationError") -> tuple[SettingFault, ...]:
    """The same, each by its whole key: one of a table as a whole names the key in its reason."""
    return tuple(_whole(key, reason) for key, reason in faults_in(error))


def _whole(key: str, reason: str) -> SettingFault:
    named = _NAMED.fullmatch(reason)
    if named is None:
        return SettingFault(key, reason)
    return SettingFault(named[1] if key == WHOLE else f"{key}.{named[1]}", named[2])


def key_of(path: tuple[int | str, ...]) -> str:
    """A key as the settings file has it; WHOLE for the place of everything."""
    text = ""
    for part in path:
        if part == _OF_KEY or _is_alternative(part):
            continue
        text += f"[{part}]" if isinstance(part, int) else f".{part}" if text else part
    return text or WHOLE


def _is_alternative(part: int | str) -> bool:
    return isinstance(part, str) and part.startswith(_ONE_OF)


def _reason(item: "ErrorDetails") -> str:
    kind = item["type"]
    if kind in _WITH_LIMIT:
        return _WITH_LIMIT[kind](item["ctx"])
    return _WORDS.get(kind) or item["msg"].removeprefix("Value error, ")
