"""The README says what is there: verbs, settings, links, commands; nothing tracked names our machines."""

import re
import subprocess
from collections.abc import Iterator
from pathlib import Path

import click
import pytest
from pydantic import BaseModel

from cashier.cli import cli
from cashier.settings import Settings

ROOT = Path(__file__).parent.parent
README = (ROOT / "README.md").read_text(encoding="utf-8")
RUN, TEST = "bash installer/run.sh", "bash installer/test.sh"


def verbs(group: click.Group) -> Iterator[tuple[str, str]]:
    """Every verb that can be run, as its group's name and its own."""
    for name, command in group.commands.items():
        if isinstance(command, click.Group):
            yield from ((name, verb) for verb in command.commands)
        else:
            yield ("", name)


def settings_keys(model: type[BaseModel]) -> Iterator[str]:
    """Every key of a settings file, those of its tables too."""
    for name, member in model.model_fields.items():
        yield name
        parts = (member.annotation, *getattr(member.annotation, "__args__", ()))
        for part in parts:
            if isinstance(part, type) and issubclass(part, BaseModel):
                yield from settings_keys(part)


@pytest.mark.parametrize(("group", "verb"), [*verbs(cli)])
def test_every_verb_is_in_the_table(group: str, verb: str) -> None:
    rows = [line for line in README.splitlines() if line.startswith(f"| `cashier {group or verb}")]
    assert rows
    assert any(re.search(rf"\b{verb}\b", row.split("|")[1]) for row in rows)


def test_every_setting_is_explained() -> None:
    keys = set(settings_keys(Settings))
    assert {"base_url", "postback_days", "emv_device_id", "minimum"} <= keys  # the tables were looked into
    missing = [key for key in sorted(keys) if not re.search(rf"\b{key}\b", README)]
    assert missing == []


def test_the_readmes_settings_file_is_one(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    from cashier.settings import load

    monkeypatch.delenv("CASHIER_TRAINING", raising=False)
    (block,) = re.findall(r"```toml\n(.*?)```", README, re.DOTALL)
    file = tmp_path / "settings.toml"
    file.write_text(block, encoding="utf-8")
    assert load(file).billers[0].invoice_types == {6: "Building", 93: "Planning"}


def test_every_link_and_picture_is_there() -> None:
    targets = re.findall(r"\]\(([^)#]+)", README)
    assert "resources/pictures/till.png" in targets
    local = [target for target in targets if "://" not in target]
    assert [target for target in local if not (ROOT / target).exists()] == []


def test_the_two_commands_are_the_ones_that_exist() -> None:
    (block,) = re.findall(r"## Two commands\n.*?```sh\n(.*?)```", README, re.DOTALL)
    assert [line.partition("#")[0].strip() for line in block.splitlines()] == [RUN, TEST]
    for command in (RUN, TEST):
        assert (ROOT / command.removeprefix("bash ")).is_file()
    steps = (ROOT / ".ci" / "run").read_text(encoding="utf-8").splitlines()
    assert steps[-1] == TEST


def test_every_figure_to_watch_is_one_of_the_hubs() -> None:
    from cashier.hub.metrics import Counts, HubMetrics

    text = HubMetrics().text(Counts(*[0] * len(Counts.__dataclass_fields__)))
    told = {line.split()[2] for line in text.decode().splitlines() if line.startswith("# TYPE")}
    watched = set(re.findall(r"`(cashier_hub_\w+)`", README))
    assert len(watched) > 6
    assert watched <= told


def test_nothing_tracked_names_our_machines() -> None:
    try:
        listed = subprocess.run(
            ["git", "ls-files", "-co", "--exclude-standard", "-z"], cwd=ROOT, capture_output=True, check=True
        ).stdout
    except (OSError, subprocess.CalledProcessError):
        pytest.skip("not a git checkout")
    # In parts, or this file would name them too.
    places = ["/wo" + "rk/", "../sha" + "red", "/ro" + "ot/", "/ho" + "me/", "sha" + "red/contract"]
    found = [
        (name.decode(), place)
        for name in listed.split(b"\0")
        if name and (ROOT / name.decode()).is_file()
        for place in places
        if place.encode() in (ROOT / name.decode()).read_bytes()
    ]
    assert found == []
