"""The house: who may import whom, and what may not be imported before the first paint."""

import json
import os
import subprocess
import sys
import tomllib
from pathlib import Path

import grimp
import pytest

ROOT = Path(__file__).parent.parent
PYPROJECT = ROOT / "pyproject.toml"

#: What each room may import of ours: the rooms themselves and what is listed. The hub's client is an adapter,
#: the rest of the hub is the service.
ALLOWED = {
    "cashier.domain": (),
    "cashier.till": ("cashier.domain",),
    "cashier.journal": ("cashier.domain", "cashier.till.ports"),
    "cashier.gateway": ("cashier.domain", "cashier.till.ports", "cashier.till.accounts_ports"),
    "cashier.readers": ("cashier.domain", "cashier.till.ports"),
    "cashier.paper": ("cashier.domain", "cashier.till.ports"),
    "cashier.hub.client": ("cashier.domain", "cashier.till.ports"),
    "cashier.hub.enrolment": ("cashier.domain", "cashier.hub.client"),
    "cashier.hub": ("cashier.domain", "cashier.gateway.postback"),
    "cashier.sandbox": (),
    # environment: the payment view refuses a real card page where Chromium would run without its sandbox.
    "cashier.ui": ("cashier.domain", "cashier.till", "cashier.paper", "cashier.environment"),
}

#: Standard library that rules do not need: time, chance, system, files, lines and loops come from outside.
NOT_IN_DOMAIN = {
    *(
        "time",
        "random",
        "secrets",
        "os",
        "sys",
        "io",
        "pathlib",
        "tempfile",
        "shutil",
        "socket",
        "ssl",
        "http",
    ),
    *("urllib", "sqlite3", "asyncio", "threading", "multiprocessing", "concurrent", "subprocess", "ctypes"),
}

#: Imported before the sale page is on screen, these would make it late.
LATE = {
    *("httpx", "httpcore", "ssl", "pydantic", "pydantic_settings", "sqlalchemy", "escpos", "sqlite_utils"),
    *("PIL", "qrcode", "usb", "smtplib", "cashier.paper.escpos", "cashier.paper.mailer"),
    *("pysqlite3", "sqlite3", "fastapi", "starlette", "uvicorn", "keyring", "structlog", "qtawesome"),
    *("PySide6.QtWebEngineCore", "PySide6.QtWebEngineWidgets", "cashier.bootstrap", "cashier.settings"),
}


@pytest.fixture(scope="module")
def graph() -> grimp.ImportGraph:
    return grimp.build_graph("cashier", include_external_packages=True, cache_dir=None)


def _inside(module: str, room: str) -> bool:
    return module == room or module.startswith(f"{room}.")


def _room(module: str) -> str | None:
    """The most particular room of ALLOWED that a module is in."""
    rooms = [room for room in ALLOWED if _inside(module, room)]
    return max(rooms, key=len, default=None)


@pytest.mark.parametrize("room", ALLOWED)
def test_a_room_imports_only_what_it_may(graph: grimp.ImportGraph, room: str) -> None:
    modules = [module for module in graph.modules if _room(module) == room]
    assert modules, f"{room} is gone: bring the table up to date"
    wrong = [
        f"{module} imports {imported}"
        for module in modules
        for imported in graph.find_modules_directly_imported_by(module)
        if _inside(imported, "cashier")
        and imported != "cashier"
        and _room(imported) != room
        and not any(_inside(imported, allowed) for allowed in ALLOWED[room])
    ]
    assert wrong == []


def test_domain_is_the_standard_library_without_clock_chance_system_or_line(graph: grimp.ImportGraph) -> None:
    imported = {
        outside
        for module in graph.modules
        if _inside(module, "cashier.domain")
        for outside in graph.find_modules_directly_imported_by(module)
        if not _inside(outside, "cashier")
    }
    assert imported <= sys.stdlib_module_names
    assert not imported & NOT_IN_DOMAIN


def test_the_contracts_of_the_project_hold() -> None:
    contracts = tomllib.loads(PYPROJECT.read_text(encoding="utf-8"))["tool"]["importlinter"]["contracts"]
    assert len(contracts) >= 10
    program = Path(sys.executable).with_name("lint-imports")
    run = subprocess.run(
        [program, "--config", PYPROJECT, "--no-cache"],
        cwd=ROOT,
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )
    assert run.returncode == 0, run.stdout + run.stderr
    assert f"Contracts: {len(contracts)} kept, 0 broken." in run.stdout


_FIRST_PAINT = """
import json, sys
from pathlib import Path
from cashier import paths
from cashier.ui import app, theme
from cashier.ui.window import MainWindow

application = app.make_application()
window = MainWindow(theme.put_on(application, paths.resources()), training=False)
window.show()
application.processEvents()
assert window.isVisible() and window.sale.isVisible(), "the sale page is on screen"
print(json.dumps(sorted(sys.modules)))
"""


def test_the_first_paint_needs_nothing_heavy() -> None:
    environment = {**os.environ, "QT_QPA_PLATFORM": "offscreen"}
    run = subprocess.run(
        [sys.executable, "-c", _FIRST_PAINT],
        cwd=ROOT,
        env=environment,
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )
    assert run.returncode == 0, run.stderr
    loaded = set(json.loads(run.stdout.splitlines()[-1]))
    assert "cashier.ui.sale_page" in loaded
    assert loaded & LATE == set()
