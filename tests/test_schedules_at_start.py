"""A till that starts has the office's own schedules, and finishes what an import left behind."""

import datetime as dt
import os
from pathlib import Path

import pytest

from cashier.adapters import schedule_folders, schedule_imports
from cashier.bootstrap import opener
from cashier.clock import SystemClock
from cashier.data_files import journal_of, real_settings
from cashier.domain.entries import EntryKind
from cashier.paths import own_schedules
from cashier.schedule_shelf import ScheduleFolders
from tests.till.test_schedule_import import ROBIN, BadDisk, Killed, text

#: Nobody listens there: the till starts off line.
SETTINGS = """
site = "sampletown"
till = "A"
agency = "Town of Sampleton"
profile = "mcci"
schedule = "town"
data_folder = "{folder}"
[gateway]
base_url = "https://127.0.0.1:9"
[hub]
url = "https://127.0.0.1:9"
[[billers]]
name = "building"
invoice_types = {{ 6 = "Building" }}
"""


@pytest.fixture
def settings_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    for name in [name for name in os.environ if name.startswith("CASHIER_")]:
        monkeypatch.delenv(name)
    monkeypatch.setenv("CASHIER_SECRET_TILL_KEY", "A" * 43)
    monkeypatch.setenv("CASHIER_SECRET_PIN_PEPPER", "a pepper of tests")
    file = tmp_path / "settings.toml"
    file.write_text(SETTINGS.format(folder=(tmp_path / "data").as_posix()), encoding="utf-8")
    own_schedules(file).mkdir()
    (own_schedules(file) / "town.toml").write_text(text("effective_from = 2025-01-01"), encoding="utf-8")
    return file


async def price_at_start(settings_file: Path) -> str:
    async with opener(training=False, settings_file=settings_file)() as opened:
        (row,) = [row for row in opened.till.schedules.view() if row.state == "in force" and row.is_used]
        assert row.is_own
        return opened.till.quick_price("permit")


async def test_a_till_charges_by_the_offices_own_schedule(settings_file: Path) -> None:
    assert await price_at_start(settings_file) == "100.00"


@pytest.mark.parametrize(("step", "price", "imports"), [(2, "100.00", 0), (3, "120.00", 1)])
async def test_a_start_settles_what_a_killed_import_left(
    settings_file: Path, step: int, price: str, imports: int
) -> None:
    settings, today = real_settings(settings_file), SystemClock().today()
    new = settings_file.parent / "new.toml"
    new.write_text(text(permit="120"), encoding="utf-8")
    shipped = schedule_folders(None)._shipped
    shelf = ScheduleFolders(shipped, own_schedules(settings_file), BadDisk(step, Killed))
    with journal_of(settings) as journal, pytest.raises(Killed):
        importing = schedule_imports(shelf, settings)
        importing.apply(importing.plan(new, today - dt.timedelta(days=1)), journal, ROBIN)
    assert [path.suffix for path in own_schedules(settings_file).iterdir()].count(".ready") == 1
    assert await price_at_start(settings_file) == price
    assert not list(own_schedules(settings_file).glob("*.ready"))
    with journal_of(settings) as journal:
        assert len(list(journal.entries_of((EntryKind.SCHEDULE_IMPORTED,)))) == imports
