"""The settings file as something that is changed: whole or not at all, and what IT has written stays."""

import tomllib
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cashier.administering import Keyring, preview, settings_file
from cashier.domain.accounts import Secret
from cashier.domain.errors import Refused, Unavailable
from cashier.secrets import Secrets
from cashier.settings import check
from cashier.settings_file import LAST_GOOD, SettingsFile
from tests.fakes.administration import SETTINGS


@pytest.fixture
def file(tmp_path: Path) -> SettingsFile:
    path = tmp_path / "settings.toml"
    path.write_text(SETTINGS, encoding="utf-8")
    return SettingsFile(path, {}, preview)


def test_what_is_not_changed_stays_as_it_was_written(file: SettingsFile) -> None:
    file.write(file.read())
    assert file.path.read_text(encoding="utf-8") == SETTINGS


def test_a_change_leaves_comments_and_order(file: SettingsFile) -> None:
    table = file.read()
    table["agency"] = "City of Sampleton"
    table["lock_after_minutes"] = 5
    table["billers"][0]["service_fee"] = {"percent": "2.5"}
    file.write(table)
    text = file.path.read_text(encoding="utf-8")
    assert tomllib.loads(text) == table
    assert "# The counter at the main entrance." in text and "# as on the letterhead" in text
    assert "# The town's own biller." in text
    assert text.index("lock_after_minutes") < text.index("[hub]")


def test_items_are_added_renamed_and_removed(file: SettingsFile) -> None:
    table = file.read()
    table["billers"].insert(0, {"name": "police", "invoice_types": {"39": "Police fees"}})
    table["readers"] = []
    file.write(table)
    assert file.read() == table
    del table["billers"][1]
    file.write(table)
    assert file.read() == table


def test_a_table_that_is_not_right_is_not_written(file: SettingsFile) -> None:
    table = file.read()
    table["billers"][0]["card_maximum"] = "a lot"
    assert [fault.key for fault in file.faults(table)] == ["billers[0].card_maximum"]
    with pytest.raises(Refused, match="faults"):
        file.write(table)
    assert file.path.read_text(encoding="utf-8") == SETTINGS


def test_a_fault_of_a_whole_table_names_its_key(file: SettingsFile) -> None:
    table = file.read()
    table["drawer"]["soft_limit"] = "9000.00"
    [fault] = file.faults(table)
    assert (fault.key, fault.reason) == ("drawer.soft_limit", "is above hard_limit")


def test_what_somebody_else_has_changed_meanwhile_is_not_overwritten(file: SettingsFile) -> None:
    table = file.read()
    theirs = SETTINGS.replace("500.00", "600.00")
    file.path.write_text(theirs, encoding="utf-8")
    with pytest.raises(Refused, match="somebody else"):
        file.write(table | {"agency": "Mine"})
    assert file.path.read_text(encoding="utf-8") == theirs


def test_a_first_file_is_made(tmp_path: Path) -> None:
    file = SettingsFile(tmp_path / "new" / "settings.toml", {}, preview)
    assert file.read() == {}
    table = tomllib.loads(SETTINGS)
    file.write(table)
    assert file.read() == table
    assert file.path.stat().st_mode & 0o077 == 0


def test_a_disk_that_refuses_leaves_the_file_as_it_was(tmp_path: Path) -> None:
    folder = tmp_path / "there"
    folder.mkdir()
    path = folder / "settings.toml"
    path.write_text(SETTINGS, encoding="utf-8")
    file = SettingsFile(path, {}, preview)
    table = file.read()
    (folder / "settings.toml.part").mkdir()  # nothing can be written beside it
    with pytest.raises(Unavailable, match="Nothing was saved"):
        file.write(table | {"agency": "Another"})
    assert path.read_text(encoding="utf-8") == SETTINGS


def test_what_the_environment_sets_is_told(file: SettingsFile) -> None:
    environ = {"CASHIER_GATEWAY__BASE_URL": "x", "CASHIER_SECRET_TILL_KEY": "y", "HOME": "/"}
    assert SettingsFile(file.path, environ, preview).fixed() == {"gateway.base_url"}


def test_an_export_is_read_by_another_till_which_keeps_what_is_its_own(
    file: SettingsFile, tmp_path: Path
) -> None:
    out = tmp_path / "out.toml"
    file.export(out)
    theirs = tmp_path / "b" / "settings.toml"
    theirs.parent.mkdir()
    theirs.write_text(SETTINGS.replace('till = "A"', 'till = "B"'), encoding="utf-8")
    table = SettingsFile(theirs, {}, preview).import_from(out)
    assert table == file.read() | {"till": "B"}


@pytest.mark.parametrize("profile", ["mcci", "cloudpermit", "grancius", "leadsonline", "sagesgov"])
def test_the_preview_is_the_profiles_own_request(file: SettingsFile, profile: str) -> None:
    types = {"6": "Building", "39": "Police", "43": "Permits"}
    table = file.read() | {"profile": profile, "billers": [{"name": "town", "invoice_types": types}]}
    shown = file.preview(table)
    assert '"Robin Example"' in shown and '"EMVDeviceID": "LANE-1"' in shown
    expected = {"leadsonline": ": 39", "sagesgov": ": 43", "grancius": ': "6"'}.get(profile, ": 6")
    assert any(f'"{member}"{expected}' in shown for member in ("TypeID", "TypeId"))


def test_a_profile_whose_type_no_biller_has_is_told(file: SettingsFile) -> None:
    with pytest.raises(Refused, match="39"):
        file.preview(file.read() | {"profile": "leadsonline"})


# -- what has worked -----------------------------------------------------------------------------------


def test_the_settings_that_last_worked_come_back_and_the_broken_file_is_kept(file: SettingsFile) -> None:
    file.keep_as_good()
    file.path.write_text("site = [", encoding="utf-8")
    aside = file.go_back()
    assert file.path.read_text(encoding="utf-8") == SETTINGS
    assert aside.read_text(encoding="utf-8") == "site = ["


def test_without_settings_that_worked_there_is_no_going_back(file: SettingsFile) -> None:
    with pytest.raises(Refused, match="has not started"):
        file.go_back()
    file.path.with_name(LAST_GOOD).write_text("site = 1", encoding="utf-8")
    with pytest.raises(Refused):
        file.go_back()
    assert file.path.read_text(encoding="utf-8") == SETTINGS


# -- any change ------------------------------------------------------------------------------------------

_texts = st.text(st.characters(codec="utf-8", categories=("L", "N", "P", "Zs")), min_size=1, max_size=20)
_biller = st.fixed_dictionaries(
    {
        "name": st.sampled_from(["town", "police", "b-1"]),
        "invoice_types": st.dictionaries(
            st.integers(1, 99).map(str), _texts.filter(str.strip), min_size=1, max_size=3
        ),
    },
    optional={
        "card_maximum": st.sampled_from(["1.00", "2500.00"]),
        "service_fee": st.fixed_dictionaries({"percent": st.sampled_from(["0", "2.5"])}),
    },
)
_tables = st.fixed_dictionaries(
    {
        "site": st.just("sampleton"),
        "till": st.sampled_from(["A", "BC"]),
        "agency": _texts,
        "profile": st.just("mcci"),
        "schedule": st.just("generic"),
        "hub": st.fixed_dictionaries(
            {"url": st.just("https://hub.example.org")}, optional={"postback_days": st.integers(1, 365)}
        ),
        "billers": st.lists(
            _biller,
            min_size=1,
            max_size=3,
            unique_by=(lambda one: one["name"], lambda one: tuple(one["invoice_types"])),
        ),
    },
    optional={
        "lock_after_minutes": st.integers(0, 480),
        "scanner_prefix": st.sampled_from(["~", "#"]),
        "drawer": st.fixed_dictionaries({}, optional={"float": st.sampled_from(["", "100.00"])}),
        "training": st.booleans(),
    },
)


@given(_tables, _tables)
def test_any_right_table_follows_any_other(
    tmp_path_factory: pytest.TempPathFactory, first: dict[str, Any], second: dict[str, Any]
) -> None:
    file = SettingsFile(tmp_path_factory.mktemp("settings") / "settings.toml", {}, preview)
    for table in (first, second, first):
        file.read()
        if file.faults(table):  # two billers may share a type
            continue
        file.write(table)
        assert check(file.read(), "written") == check(table, "wanted")


def test_exporting_and_importing_do_not_make_a_stale_change_fresh(file: SettingsFile, tmp_path: Path) -> None:
    table = file.read()
    theirs = SETTINGS.replace("500.00", "600.00")
    file.path.write_text(theirs, encoding="utf-8")  # an IT person, meanwhile
    file.export(tmp_path / "out.toml")
    file.import_from(tmp_path / "out.toml")
    with pytest.raises(Refused, match="somebody else"):
        file.write(table | {"agency": "Mine"})
    assert file.path.read_text(encoding="utf-8") == theirs


def test_a_profile_or_a_fee_schedule_that_is_none_is_a_fault(file: SettingsFile) -> None:
    known = settings_file(file.path)
    assert known.faults(known.read()) == ()
    wrong = known.read() | {"profile": "none", "schedule": "nowhere"}
    assert [fault.key for fault in known.faults(wrong)] == ["profile", "schedule"]
    with pytest.raises(Refused, match="environment gives it"):
        Keyring(Secrets("s", "A", {"CASHIER_SECRET_TILL_KEY": "x"})).put("till-key", Secret("y"))
