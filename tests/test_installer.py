"""The scripts of the two commands, on machines of every kind, with stand-ins for the system's tools."""

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent
SCRIPTS = (
    "installer/run.sh",
    "installer/test.sh",
    "installer/system.sh",
    "installer/remove.sh",
    "installer/before_removal.sh",
    "installer/debian/prerm",
    "installer/debian/postrm",
    ".ci/run",
)
NEEDED = ("bash", "dirname", "grep", "sort", "cat", "mkdir", "env", "rm", "chmod")

pytestmark = pytest.mark.skipif(
    sys.platform != "linux" or shutil.which("bash") is None, reason="for Debian and Ubuntu"
)


@pytest.mark.parametrize("script", SCRIPTS)
def test_bash_reads_it(script: str) -> None:
    subprocess.run(["bash", "-n", str(ROOT / script)], check=True)


@pytest.mark.skipif(shutil.which("shellcheck") is None, reason="no shellcheck here")
def test_shellcheck_finds_nothing() -> None:
    words = ["shellcheck", "-x", "-P", "SCRIPTDIR", *SCRIPTS]
    checked = subprocess.run(words, cwd=ROOT, capture_output=True, text=True, check=False)
    assert checked.stdout == ""


class Machine:
    """A checkout on a made-up machine. Every tool that is called writes its name and words into `calls`."""

    def __init__(self, folder: Path) -> None:
        self.root = folder / "a checkout"  # with a space, as some have
        self.tools = folder / "tools"
        self.said = folder / "calls"
        self.tools.mkdir()
        shutil.copytree(ROOT / "installer", self.root / "installer")
        for name in NEEDED:
            (self.tools / name).symlink_to(shutil.which(name) or name)
        self.packages({"ca-certificates"}, missing=set())
        self.quiet("apt-cache", "exit 0")
        self.tool("apt-get", "exit 0")
        self.tool("uv", '[ "$1" != --version ] || echo "uv 0.9.5 (abc 2026-01-01)"')
        self.tool("python3", "exit 1")
        self.tool("xvfb-run", "exit 0")
        self.user(root=True)
        self.python()

    def tool(self, name: str, script: str) -> None:
        """A tool of the machine. A `--version` is a question, and not noted."""
        noted = f'case "$*" in *--version*) ;; *) echo "{name} $*" >> "{self.said}" ;; esac'
        self._write(self.tools / name, f"{noted}\n{script}")

    def quiet(self, name: str, script: str) -> None:
        self._write(self.tools / name, script)

    def python(self) -> None:
        """The environment's interpreter, as `uv sync` leaves it."""
        self._write(self.root / ".venv" / "bin" / "python", f'echo "python $*" >> "{self.said}"')

    @staticmethod
    def _write(file: Path, script: str) -> None:
        file.parent.mkdir(parents=True, exist_ok=True)
        file.unlink(missing_ok=True)
        file.write_text(f"#!/bin/bash\n{script}\n")
        file.chmod(0o755)

    def user(self, *, root: bool, sudo: str = "exit 1") -> None:
        self.quiet("id", f"echo {0 if root else 1000}")
        self.tool("sudo", sudo)

    def packages(self, installed: set[str], *, missing: set[str], t64: bool = False) -> None:
        """What dpkg-query says: everything but `missing` is installed."""
        names = "|".join(missing) or "none"
        listed = "echo libapt-pkg6.0t64" if t64 else "exit 1"
        self.quiet(
            "dpkg-query",
            f'for last; do :; done; case "$last" in "*t64") {listed} ;; {names}) exit 1 ;; '
            "*) echo installed ;; esac",
        )

    def run(self, script: str, *words: str, **environ: str) -> "subprocess.CompletedProcess[str]":
        return subprocess.run(
            [str(self.tools / "bash"), str(self.root / "installer" / script), *words],
            env={"PATH": str(self.tools), "HOME": str(self.root), **environ},
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            check=False,
        )

    @property
    def calls(self) -> list[str]:
        return self.said.read_text().splitlines() if self.said.exists() else []


@pytest.fixture
def machine(tmp_path: Path) -> Machine:
    return Machine(tmp_path)


def test_with_everything_there_nothing_is_installed(machine: Machine) -> None:
    ended = machine.run("test.sh", "-k", "a name")
    assert (ended.returncode, ended.stderr) == (0, "")
    assert machine.calls == [
        "uv sync --quiet --locked",
        "python -m ruff check cashier tests",
        "python -m ruff format --check cashier tests",
        "python -m mypy cashier",
        "python -m pytest -n 2 --dist loadfile --no-loadscope-reorder --max-worker-restart 0 -k a name",
    ]


def test_as_root_apt_installs_what_is_missing(machine: Machine) -> None:
    machine.packages(set(), missing={"xvfb", "libxcb-shape0"})
    ended = machine.run("test.sh")
    assert ended.returncode == 0
    assert ended.stderr == "Installing system packages: libxcb-shape0 xvfb\n"
    assert machine.calls[:2] == [
        "apt-get update -qq",
        "apt-get install -y -qq --no-install-recommends libxcb-shape0 xvfb",
    ]


@pytest.mark.parametrize(("script", "wanted"), [("test.sh", True), ("run.sh", False)])
def test_postgresql_is_for_the_tests_alone(script: str, wanted: bool, machine: Machine) -> None:
    machine.packages(set(), missing={"postgresql"})
    assert machine.run(script).returncode == 0
    install = "apt-get install -y -qq --no-install-recommends postgresql"
    assert (install in machine.calls) is wanted


def test_sudo_installs_it_too(machine: Machine) -> None:
    machine.packages(set(), missing={"xvfb"})
    machine.user(root=False, sudo='[ "$1" = -n ] || "$@"')
    assert machine.run("test.sh").returncode == 0
    assert "apt-get install -y -qq --no-install-recommends xvfb" in machine.calls


@pytest.mark.parametrize("script", ["run.sh", "test.sh"])
def test_without_rights_the_exact_command_is_asked_for(script: str, machine: Machine) -> None:
    machine.packages(set(), missing={"xvfb", "libasound2", "libasound2t64"})
    machine.user(root=False)
    ended = machine.run(script)
    assert ended.returncode == 1
    assert ended.stderr.splitlines() == [
        "Ask an administrator to run this once, then start again:",
        "    sudo apt-get update && sudo apt-get install -y --no-install-recommends libasound2 xvfb",
    ]
    assert not [call for call in machine.calls if call.startswith(("apt-get", "uv", "python"))]


@pytest.mark.parametrize("lists", [True, False])
def test_a_renamed_package_goes_by_its_new_name_on_a_newer_system(lists: bool, machine: Machine) -> None:
    machine.packages(set(), missing={"libasound2", "libasound2t64"}, t64=True)
    if lists:
        machine.quiet("apt-cache", 'if [ "$2" = libasound2t64 ]; then echo libasound2t64; fi')
    assert machine.run("test.sh").returncode == 0
    assert "apt-get install -y -qq --no-install-recommends libasound2t64" in machine.calls


def test_apt_that_fails_ends_it(machine: Machine) -> None:
    machine.packages(set(), missing={"xvfb"})
    machine.tool("apt-get", "exit 100")
    ended = machine.run("test.sh")
    assert (ended.returncode, machine.calls) == (1, ["apt-get update -qq"])
    assert ended.stderr.endswith("apt-get update failed.\n")


@pytest.mark.parametrize("uv", ["missing", "too old", "a shim that fails"])
def test_without_a_usable_uv_one_is_installed_beside_the_environment(uv: str, machine: Machine) -> None:
    if uv == "missing":
        (machine.tools / "uv").unlink()
    else:
        machine.tool("uv", "echo uv 0.2.11" if uv == "too old" else "exit 127")
    own = machine.root / ".venv-uv" / "bin"
    pip = f"""mkdir -p "$3/bin"
printf '#!/bin/bash\\necho "pip $*" >> "{machine.said}"\\n' > "$3/bin/python"
printf '#!/bin/bash\\necho "own uv $*" >> "{machine.said}"\\n' > "$3/bin/uv"
/bin/chmod +x "$3/bin/python" "$3/bin/uv"
"""
    machine.tool("python3", pip)
    assert machine.run("test.sh").returncode == 0
    assert machine.calls[:3] == [
        f"python3 -m venv {own.parent}",
        "pip -m pip install --quiet --disable-pip-version-check uv>=0.5",
        "own uv sync --quiet --locked",
    ]
    machine.said.unlink()
    assert machine.run("test.sh").returncode == 0
    assert machine.calls[0] == "own uv sync --quiet --locked"  # once is enough


def test_an_environment_that_cannot_be_made_ends_it(machine: Machine) -> None:
    machine.tool("uv", 'if [ "$1" = --version ]; then echo uv 0.9.5; else exit 2; fi')
    ended = machine.run("run.sh")
    assert (ended.returncode, ended.stderr) == (1, "Setting up the Python environment failed.\n")


@pytest.mark.parametrize("display", ["DISPLAY", "WAYLAND_DISPLAY"])
def test_run_opens_the_window_in_training(display: str, machine: Machine) -> None:
    assert machine.run("run.sh", "--fault", "decline", **{display: ":0"}).returncode == 0
    assert machine.calls[-1] == "python -m cashier --training --fault decline"


XVFB = "xvfb-run --auto-servernum --server-args=-screen 0 1440x900x24"


def test_run_without_a_display_makes_the_tour(machine: Machine) -> None:
    ended = machine.run("run.sh")
    tour = machine.root / "tour"
    assert (ended.returncode, machine.calls[-1]) == (
        0,
        f"{XVFB} {machine.root}/.venv/bin/python -m cashier tour {tour}",
    )
    assert str(tour) in ended.stderr


def test_run_without_a_display_passes_arguments_on(machine: Machine) -> None:
    machine.run("run.sh", "doctor")
    assert machine.calls[-1] == f"{XVFB} {machine.root}/.venv/bin/python -m cashier --training doctor"


def test_a_tour_that_fails_says_why(machine: Machine) -> None:
    machine.tool("xvfb-run", "echo what went wrong >&2; exit 7")
    ended = machine.run("run.sh")
    assert (ended.returncode, ended.stderr) == (7, "what went wrong\n")


def test_ci_runs_exactly_the_readmes_command(machine: Machine) -> None:
    shutil.copytree(ROOT / ".ci", machine.root / ".ci")
    environ = {"PATH": f"{machine.tools}", "HOME": os.devnull}
    ended = subprocess.run(["bash", str(machine.root / ".ci" / "run")], env=environ, check=False)
    assert ended.returncode == 0
    assert (
        machine.calls[-1]
        == "python -m pytest -n 2 --dist loadfile --no-loadscope-reorder --max-worker-restart 0"
    )


# -- removal -----------------------------------------------------------------------------------------------


@pytest.fixture
def till(machine: Machine) -> Machine:
    """A machine on which a user, not root, has a till with a journal."""
    machine.user(root=False)
    for name in ("config/cashier/settings.toml", "data/cashier/journal.db"):
        file = machine.root / name
        file.parent.mkdir(parents=True)
        file.write_text("of value")
    return machine


def remove(machine: Machine, *words: str, **environ: str) -> "subprocess.CompletedProcess[str]":
    return machine.run("remove.sh", *words, XDG_CONFIG_HOME=str(machine.root / "config"), **environ)


def test_o7_removal_keeps_the_journal_first_and_takes_only_the_environment(till: Machine) -> None:
    ended = remove(till, "/mnt/kept")
    assert ended.returncode == 0
    settings = f"{till.root}/config/cashier/settings.toml"
    assert till.calls == [f"python -m cashier --settings {settings} retire /mnt/kept"]
    assert not (till.root / ".venv").exists()
    assert (till.root / "data/cashier/journal.db").read_text() == "of value"
    assert (till.root / "config/cashier/settings.toml").exists()
    assert "where they were" in ended.stderr


@pytest.mark.parametrize("code", [1, 2])
def test_o7_removal_warns_and_stops_while_something_is_open_or_was_not_kept(till: Machine, code: int) -> None:
    python = till.root / ".venv" / "bin" / "python"
    till._write(python, f"echo '12 entries not sent to the hub'\nexit {code}")
    ended = remove(till)
    assert ended.returncode == 1
    assert "12 entries not sent to the hub" in ended.stderr
    assert "Not removed: something above is still open" in ended.stderr
    assert python.exists()
    anyway = remove(till, CASHIER_REMOVE_ANYWAY="1")
    assert (anyway.returncode, python.exists()) == (0, False)
    assert "Going on all the same" in anyway.stderr
    assert (till.root / "data/cashier/journal.db").exists(), "never the data"


def test_o7_without_a_till_or_an_environment_there_is_nothing_to_keep(machine: Machine) -> None:
    machine.user(root=False)
    assert remove(machine).returncode == 0
    assert machine.calls == []
    assert remove(machine).returncode == 0, "and twice is once"


def package(machine: Machine, *words: str) -> "subprocess.CompletedProcess[str]":
    """The package's prerm, with its places in this machine's folder."""
    script = (machine.root / "installer/debian/prerm").read_text()
    for place in ("/usr/bin/cashier", "/usr/lib/cashier/before_removal.sh", "/var/backups/cashier"):
        assert place in script
        script = script.replace(place, f'"{machine.root}{place}"')
    moved = machine.root / "prerm"
    moved.write_text(script)
    return subprocess.run(
        [str(machine.tools / "bash"), str(moved), *words],
        env={"PATH": str(machine.tools), "HOME": "/root"},
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        check=False,
    )


def test_o7_the_package_looks_after_every_users_till_as_that_user(machine: Machine) -> None:
    program = machine.root / "usr/bin/cashier"
    machine._write(program, f'echo "cashier $*" >> "{machine.said}"')
    place = machine.root / "usr/lib/cashier/before_removal.sh"
    place.parent.mkdir(parents=True)
    shutil.copy(ROOT / "installer" / "before_removal.sh", place)
    homes = {name: machine.root / "home" / name for name in ("kim", "pat", "nobody")}
    for name in ("kim", "pat"):
        settings = homes[name] / ".config/cashier/settings.toml"
        settings.parent.mkdir(parents=True)
        settings.touch()
    listed = "\n".join(f"{name}:x:1:1:A name:{home}:/bin/sh" for name, home in homes.items())
    machine.quiet("getent", f"printf '%s\\n' '{listed}'")
    machine.quiet("chown", "exit 0")
    machine.tool("runuser", 'shift 3; exec "$@"')
    assert package(machine, "upgrade", "2.0").returncode == 0
    assert machine.calls == [], "an upgrade loses nothing"
    assert package(machine, "remove").returncode == 0
    kept = machine.root / "var/backups/cashier"
    asked = [call for call in machine.calls if call.startswith("cashier ")]
    assert asked == [
        f"cashier --settings {homes[name]}/.config/cashier/settings.toml retire {kept}/{name}"
        for name in ("kim", "pat")
    ]
    assert [call.split()[2] for call in machine.calls if call.startswith("runuser ")] == ["kim", "pat"]
    machine._write(program, 'case "$*" in *pat*) exit 1 ;; esac')
    assert package(machine, "remove").returncode == 1, "one till that is not ready keeps the package"


def test_o7_purging_the_package_deletes_no_data() -> None:
    for name in ("prerm", "postrm"):
        assert "rm " not in (ROOT / "installer" / "debian" / name).read_text()
    ended = subprocess.run(
        ["bash", str(ROOT / "installer/debian/postrm"), "purge"], capture_output=True, text=True, check=False
    )
    assert (ended.returncode, "Journals stay" in ended.stderr) == (0, True)
