"""`cashier day close`: the Z of a till whose window is closed."""

import datetime as dt
import json
from pathlib import Path

from tests.cli.conftest import Cashier, open_journal
from tests.helpers.journal_file import entries_in


def test_a_day_is_closed_once(home: Path, settings_file: Path, cashier: Cashier) -> None:
    first, second = (cashier("day", "close") for _ in range(2))
    assert (first.code, second.code, second.out) == (0, 2, b"")
    one = json.loads(first.out)
    assert (one["receipts"], one["total_cents"], one["carried"]) == ([], 0, [])
    tomorrow = dt.date.fromisoformat(one["business_date"]) + dt.timedelta(days=1)
    assert f"{tomorrow.isoformat()} has not begun" in second.err[0]


def test_a_held_journal_is_not_closed(home: Path, settings_file: Path, cashier: Cashier) -> None:
    file = home / "data" / "cashier" / "journal.db"
    with open_journal(file):
        ended = cashier("day", "close")
    assert (ended.code, ended.out) == (2, b"")
    assert "the first window" in ended.err[0]
    assert not entries_in(file)


def test_training_never_closes_the_real_day(home: Path, settings_file: Path, cashier: Cashier) -> None:
    ended = cashier("--training", "day", "close")
    assert (ended.code, ended.out) == (2, b"")
    assert not (home / "data" / "cashier" / "journal.db").exists()
