"""Run as a program: record sales until killed, and say each one's receipt number once it is recorded."""

import sys
from pathlib import Path

from cashier.journal.store import SqliteJournal
from tests.fakes.entries import Drafts, FixedClock


def main(file: Path, name: str) -> None:
    with SqliteJournal(file, till="A", clock=FixedClock(), holder=f"recorder {name}") as journal:
        drafts = Drafts(name)
        number = 0
        while True:
            number += 1
            recorded = journal.record(drafts.paid_sale(f"{name}-{number}"))
            print(recorded[5].body["number"], recorded[-1].id, flush=True)


if __name__ == "__main__":
    main(Path(sys.argv[1]), sys.argv[2])
