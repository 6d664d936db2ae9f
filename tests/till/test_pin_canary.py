"""PIN, pepper and hash: planted, used in every way, and then looked for wherever they must not be."""

import io
import logging
from pathlib import Path

import pytest
from pydantic import SecretStr

from cashier import logs
from cashier.domain.errors import CashierError
from cashier.domain.people import Permission, Role
from cashier.journal.export import export_entries, export_receipts
from cashier.journal.store import SqliteJournal
from cashier.people import ArgonPins
from cashier.till.people import People
from tests.fakes.clock import MovingClock, SeededRandomness

#: Of digits that no id, hash or time has by chance.
BOSS_PIN, CLERK_PIN, NEW_PIN, WRONG_PIN = "902846175093", "837465920184", "748392650173", "650172839465"
PEPPER = "planted-pepper-of-a-test"


async def _use(people: People, said: list[str]) -> None:
    """Everything that takes a PIN, with what it says and raises."""

    async def refused(work: object) -> None:
        try:
            await work  # type: ignore[misc]
        except CashierError as error:
            said.extend((str(error), repr(error), error.user_text))
        else:
            raise AssertionError("not refused")

    await refused(people.create_first("Robin Boss", BOSS_PIN + "9"))
    await people.create_first("Robin Boss", BOSS_PIN)
    kim = await people.add("Kim Clerk", Role.CLERK, CLERK_PIN)
    await refused(people.add("Lee Clerk", Role.CLERK, WRONG_PIN + "x"))
    await people.set_pin(kim.id, NEW_PIN)
    people.lock()
    await refused(people.sign_in("Robin Boss", WRONG_PIN))
    await people.sign_in("Robin Boss", BOSS_PIN)
    people.sign_out()
    for _ in range(6):
        await refused(people.sign_in("Kim Clerk", CLERK_PIN))
    await people.sign_in("Robin Boss", BOSS_PIN)
    await people.set_pin(kim.id, CLERK_PIN)
    people.sign_out()
    await people.sign_in("Kim Clerk", CLERK_PIN)
    await refused(people.approve("Robin Boss", WRONG_PIN, Permission.APPROVE_VOID, "void of A-000001"))
    await people.approve("Robin Boss", BOSS_PIN, Permission.APPROVE_VOID, "void of A-000001")
    await people.change_own_pin(CLERK_PIN, NEW_PIN)
    said.extend((repr(people), repr(people.view()), repr(people.signed_in)))


async def test_a2_neither_pin_nor_pepper_nor_hash_is_anywhere_but_where_it_belongs(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG)
    file, said = tmp_path / "journal.db", []
    level = logging.getLogger("cashier").level
    stop = logs.set_up(tmp_path / "till.log")
    pins = ArgonPins(lambda: SecretStr(PEPPER), light=True)
    try:
        with SqliteJournal(file, till="A", clock=MovingClock(), holder="a test") as journal:
            people = People(
                "Unattended",
                MovingClock(),
                SeededRandomness(),
                journal,
                pins,
                lambda: logging.debug("changed"),
            )
            await _use(people, said)
            hashes = [journal.pin_hash(person.id) for person in people.view().everybody]
            said += [repr(journal), repr(pins), *(repr(entry) for entry in journal.entries())]
            assert journal.verify() is None
    finally:
        stop()
        logging.getLogger("cashier").setLevel(level)
    exported, receipts = io.StringIO(), io.StringIO()
    export_entries(file, exported)
    export_receipts(file, receipts)
    said += [exported.getvalue(), receipts.getvalue(), caplog.text]
    said += [log.read_text(encoding="utf-8") for log in tmp_path.glob("*.log*")]
    assert all(str(stored).startswith("$argon2id$") for stored in hashes)
    for secret in (BOSS_PIN, CLERK_PIN, NEW_PIN, WRONG_PIN, PEPPER, "$argon2", *hashes):
        assert [text for text in said if str(secret) in text] == []
    kept = b"".join(found.read_bytes() for found in tmp_path.iterdir() if found.is_file())
    for secret in (BOSS_PIN, CLERK_PIN, NEW_PIN, WRONG_PIN, PEPPER):
        assert secret.encode() not in kept
    assert b"$argon2id$" in kept, "the search finds what is there"
