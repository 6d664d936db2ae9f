"""Settings files as earlier versions had them, frozen: each still opens and means what it said.

They are the examples of the README of their time, oldest first. None is ever changed; a version that changes
what a setting is adds the file of its time.
"""

import itertools
import os
import tomllib
from pathlib import Path

import pytest

from cashier import paths
from cashier.adapters import profiles, schedule_on
from cashier.clock import SystemClock
from cashier.domain.settings_change import flatten
from cashier.gateway.postback import till_key_to_text
from cashier.settings import Settings, load, read_table
from cashier.settings_receipt import RETIRED
from cashier.starting import Starting

FILES = sorted((Path(__file__).parent / "data" / "settings").glob("*.toml"))


@pytest.fixture(autouse=True)
def _no_variables(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in list(os.environ):
        if name.upper().startswith("CASHIER_"):
            monkeypatch.delenv(name)


def test_there_is_one_of_every_shape_that_settings_had() -> None:
    assert len(FILES) >= 8
    keys = [set(flatten(tomllib.loads(file.read_text(encoding="utf-8")))) for file in FILES]
    assert all(earlier != later for earlier, later in itertools.pairwise(keys))


@pytest.mark.parametrize("file", FILES, ids=lambda file: file.stem)
def test_a_settings_file_from_an_older_version_still_opens(file: Path) -> None:
    settings = load(file)
    assert settings.profile in profiles()
    assert schedule_on(settings.schedule, SystemClock().today()).fees
    environ = {"CASHIER_SECRET_TILL_KEY": till_key_to_text(bytes(32))}
    assert Starting(file, environ).look() is None


@pytest.mark.parametrize("file", FILES, ids=lambda file: file.stem)
def test_a_settings_file_from_an_older_version_means_what_it_said(file: Path) -> None:
    said = flatten(read_table(file))
    means = flatten(load(file).model_dump(mode="json"))
    assert said, "the file says something"
    assert {key: _number(means.get(key, "")) for key in said} == {key: _number(said[key]) for key in said}


def _number(text: str) -> str:
    """A number as a person reads it: seconds may be written 5 or 5.0."""
    return text.removesuffix(".0")


def test_only_what_is_retired_is_passed_over() -> None:
    named = {key for file in FILES for key in tomllib.loads(file.read_text(encoding="utf-8"))}
    assert named - Settings.model_fields.keys() == RETIRED, "each retired setting is in a file of its time"


def test_every_setting_that_an_older_file_names_is_in_the_readme_of_today() -> None:
    readme = (paths.resources().parent / "README.md").read_text(encoding="utf-8")
    for file in FILES:
        for key in read_table(file):
            assert key in readme, f"{file.name}: {key}"
