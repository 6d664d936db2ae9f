"""`cashier people`: who may work at a till, without its window. PINs are read, never given as arguments."""

import json
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.cli.conftest import Cashier, Ended, open_journal, process
from tests.fakes.keyring import MemoryKeyring, memory_keyring
from tests.helpers.journal_file import entries_in

BOSS, BOSS_PIN = "Robin Boss", "271828"


@pytest.fixture
def ring() -> Iterator[MemoryKeyring]:
    with memory_keyring() as made:
        yield made


@pytest.fixture
def till(settings_file: Path, ring: MemoryKeyring, cashier: Cashier) -> Cashier:
    """A till with its administrator."""
    ended = cashier("people", "add", BOSS, "--role", "administrator", text=f"{BOSS_PIN}\n")
    assert (ended.code, ended.lines) == (0, [f"{BOSS} is added as administrator"])
    return cashier


def add(till: Cashier, name: str, role: str, pin: str, by_pin: str = BOSS_PIN, by: str = BOSS) -> Ended:
    return till("people", "add", name, "--role", role, "--by", by, text=f"{by_pin}\n{pin}\n")


def listed(till: Cashier) -> dict[str, tuple[str, str]]:
    rows = [json.loads(line) for line in till("people", "list", "--json").lines]
    return {row["name"]: (row["role"], row["state"]) for row in rows}


def test_people_are_added_changed_and_listed(till: Cashier) -> None:
    assert add(till, "Kim Clerk", "clerk", "2718").code == 0
    assert till("people", "list").lines == [
        "Robin Boss  administrator  may sign in",
        "Kim Clerk  clerk  may sign in",
    ]
    assert till("people", "deactivate", "kim clerk", "--by", BOSS, text=f"{BOSS_PIN}\n").code == 0
    assert listed(till)["Kim Clerk"] == ("clerk", "deactivated")
    assert till("people", "activate", "Kim Clerk", "--by", BOSS, text=f"{BOSS_PIN}\n").code == 0
    ended = till("people", "set-pin", "Kim Clerk", "--by", BOSS, text=f"{BOSS_PIN}\n5772\n")
    assert (ended.code, ended.lines) == (0, ["Kim Clerk has a new PIN"])
    assert listed(till)["Kim Clerk"] == ("clerk", "may sign in")


def test_the_first_is_an_administrator(settings_file: Path, ring: MemoryKeyring, cashier: Cashier) -> None:
    ended = cashier("people", "add", "Kim Clerk", "--role", "clerk", text="2718\n")
    assert ended.code == 2 and "--role administrator" in ended.err[0]
    ended = cashier("people", "add", BOSS, "--role", "administrator", text="2718\n")
    assert ended.code == 2 and "6 to 12 digits" in ended.err[0]
    assert cashier("people", "list").lines == []


@pytest.mark.parametrize(
    ("words", "text", "why"),
    [
        (("add", "Lee", "--role", "clerk"), "2718\n", "--by NAME"),
        (("add", "Lee", "--role", "clerk", "--by", "Nobody"), "2718\n", "is called 'Nobody'"),
        (
            ("add", "Lee", "--role", "clerk", "--by", BOSS),
            "161803\n2718\n",
            "This is not the PIN of Robin Boss.",
        ),
        (("add", "Lee", "--role", "clerk", "--by", BOSS), f"{BOSS_PIN}\n1234\n", "too easy to guess"),
        (("add", "Lee", "--role", "clerk", "--by", BOSS), f"{BOSS_PIN}\n", "4 to 12 digits"),
        (("add", "Lee", "--role", "king", "--by", BOSS), "", "'king'"),
        (("deactivate", BOSS, "--by", BOSS), f"{BOSS_PIN}\n", "last administrator"),
        (("set-pin", "Nobody", "--by", BOSS), f"{BOSS_PIN}\n2718\n", "is called 'Nobody'"),
    ],
)
def test_what_is_refused(till: Cashier, words: tuple[str, ...], text: str, why: str) -> None:
    ended = till("people", *words, text=text)
    assert (ended.code, ended.lines) == (2, [])
    assert why in ended.err[0]
    assert list(listed(till)) == [BOSS]


def test_a_clerk_is_no_administrator(till: Cashier) -> None:
    add(till, "Kim Clerk", "clerk", "2718")
    ended = add(till, "Lee", "clerk", "5772", by_pin="2718", by="Kim Clerk")
    assert ended.code == 2 and "no administrator" in ended.err[0]


def test_wrong_pins_at_the_command_line_count_over_its_starts(till: Cashier) -> None:
    for _ in range(5):
        assert "This is not the PIN" in add(till, "Lee", "clerk", "5772", by_pin="161803").err[0]
    assert "Too many wrong PINs" in add(till, "Lee", "clerk", "5772").err[0]


def test_while_the_window_is_open_it_is_refused(till: Cashier, home: Path) -> None:
    with open_journal(home / "data" / "cashier" / "journal.db"):
        for words in (("list",), ("add", "Lee", "--role", "clerk", "--by", BOSS)):
            ended = till("people", *words, text=f"{BOSS_PIN}\n2718\n")
            assert ended.code == 2 and "in use by the first window" in ended.err[0]


def test_training_has_its_own(till: Cashier) -> None:
    ended = till("--training", "people", "list")
    assert ended.code == 2 and "Leave out --training" in ended.err[0]


def test_a_machine_without_a_keyring_says_where_the_pepper_belongs(settings_file: Path) -> None:
    with process("people", "add", BOSS, "--role", "administrator") as started:
        _, err = started.communicate(f"{BOSS_PIN}\n", timeout=60)
    assert started.returncode == 2
    assert "CASHIER_SECRET_PIN_PEPPER" in err
    assert BOSS_PIN not in err


def test_neither_pin_nor_pepper_nor_hash_is_in_the_journals_entries_or_its_export(
    till: Cashier, ring: MemoryKeyring, home: Path, tmp_path: Path
) -> None:
    add(till, "Kim Clerk", "clerk", "2718")
    [pepper] = ring.kept.values()
    exported = till("journal", "export").out.decode()
    entries = repr(entries_in(home / "data" / "cashier" / "journal.db"))
    for text in (exported, entries):
        assert "Kim Clerk" in text
        for secret in (pepper, "$argon2", f'"{BOSS_PIN}"', f"'{BOSS_PIN}'"):
            assert secret not in text
