"""`cashier day close`: the Z of a till whose window is closed."""

import datetime as dt
import json
from pathlib import Path

from cashier.journal.export import read_entries
from tests.cli.conftest import Cashier, open_journal


def test_each_close_is_of_a_day_of_its_own(home: Path, settings_file: Path, cashier: Cashier) -> None:
    first, second = (cashier("day", "close") for _ in range(2))
    assert (first.code, second.code) == (0, 0)
    one, two = json.loads(first.out), json.loads(second.out)
    assert (one["receipts"], one["total_cents"], one["carried"]) == ([], 0, [])
    day = dt.date.fromisoformat(one["business_date"])
    assert dt.date.fromisoformat(two["business_date"]) == day + dt.timedelta(days=1)


def test_a_held_journal_is_not_closed(home: Path, settings_file: Path, cashier: Cashier) -> None:
    file = home / "data" / "cashier" / "journal.db"
    with open_journal(file):
        ended = cashier("day", "close")
    assert (ended.code, ended.out) == (2, b"")
    assert "the first window" in ended.err[0]
    assert not list(read_entries(file))


def test_training_never_closes_the_real_day(home: Path, settings_file: Path, cashier: Cashier) -> None:
    ended = cashier("--training", "day", "close")
    assert (ended.code, ended.out) == (2, b"")
    assert not (home / "data" / "cashier" / "journal.db").exists()
