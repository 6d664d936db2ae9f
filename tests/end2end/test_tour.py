"""The tour, walked from its first picture to its last, over the real sandbox, hub and view."""

from collections.abc import Callable
from pathlib import Path

from PySide6.QtGui import QImage

from cashier.bootstrap import view_maker
from cashier.data_files import daybook_of
from cashier.sandbox.config import SandboxConfig
from cashier.settings import check
from cashier.ui.app import Opened
from cashier.ui.tour import PICTURES, Tour
from tests.end2end.conftest import Counter


def test_the_tour_walks_to_its_end_and_leaves_every_picture_it_promises(
    make_counter: Callable[..., Counter], tmp_path: Path
) -> None:
    # In one process and with a decline that stands for a second: `cashier tour` itself takes half a minute.
    counter = make_counter(SandboxConfig())
    counter.rehearses = True
    out, said = tmp_path / "tour", list[str]()
    out.mkdir()

    async def scenario(counter: Counter) -> None:
        settings = check(counter.table, "test", environment=False)
        opened = Opened(counter.till, view_maker(settings), daybook_of(settings), counter.rehearsal)
        await Tour(out, said.append).drive(counter.window, opened)

    counter.run(scenario)
    counter.verify()
    pictures = sorted(file.name for file in out.glob("*.png"))
    assert pictures == [f"{number:02d}-{name}.png" for number, name in enumerate(PICTURES, 1)]
    for name in pictures:
        assert not QImage(str(out / name)).isNull()
    summary = (out / "summary.md").read_text(encoding="utf-8")
    assert all(f"- {name}: " in summary for name in pictures)
    assert len(list(out.glob("*.pdf"))) == 5
    assert said[-1] == f"{len(PICTURES)} pictures and summary.md in {out}"
