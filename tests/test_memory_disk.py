"""Where the tests' own files are."""

import tempfile
from pathlib import Path

import pytest

from tests.helpers import memory_disk


def test_a_disk_that_is_not_there_has_no_room(tmp_path: Path) -> None:
    assert not memory_disk.has_room(tmp_path / "nowhere")


def test_what_is_set_already_is_left_alone(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("TMPDIR", str(tmp_path))
    before = tempfile.gettempdir()
    assert memory_disk.use() is None
    assert tempfile.gettempdir() == before
