"""The environment is cleaned of what opens Chromium, and the sandbox is off for root in training only."""

import os
import subprocess
import sys

import pytest

from cashier import environment

HOSTILE = {
    "QTWEBENGINE_REMOTE_DEBUGGING": "0.0.0.0:9222",
    "QTWEBENGINE_CHROMIUM_FLAGS": "--no-sandbox",
    "QTWEBENGINE_DISABLE_SANDBOX": "1",
    "QTWEBENGINEPROCESS_PATH": "/tmp/evil",
    "SSLKEYLOGFILE": "/tmp/keys",
    "QT_PLUGIN_PATH": "/tmp/plugins",
    "QML2_IMPORT_PATH": "/tmp/qml",
}
HARMLESS = {"PATH": "/usr/bin", "QT_QPA_PLATFORM": "offscreen", "LANG": "C.UTF-8"}


@pytest.mark.parametrize("is_root", [False, True])
def test_the_product_deletes_what_opens_chromium_and_adds_only_the_binding(is_root: bool) -> None:
    environ = {**HOSTILE, **HARMLESS, "QT_API": "pyqt5"}
    environment.clean(environ, is_root=is_root)
    assert environ == {**HARMLESS, "QT_API": "pyside6"}


def test_names_are_found_in_any_case_as_windows_takes_them() -> None:
    environ = {"qtwebengine_remote_debugging": "9222", "SslKeyLogFile": "x", "Qt_Plugin_Path": "x"}
    environment.clean(environ)
    assert environ == {"QT_API": "pyside6"}


def test_the_sandbox_is_switched_off_for_root_in_training_only() -> None:
    for training in (False, True):
        for is_root in (False, True):
            environ: dict[str, str] = {}
            environment.clean(environ, training=training, is_root=is_root)
            assert (environment.DISABLE_SANDBOX in environ) == (training and is_root)


def test_cleaning_twice_changes_nothing_more() -> None:
    environ = {**HOSTILE, **HARMLESS}
    environment.clean(environ, training=True, is_root=True)
    once = dict(environ)
    environment.clean(environ, training=True, is_root=True)
    assert environ == once


def test_a_real_card_page_is_refused_as_root_and_allowed_to_a_normal_user() -> None:
    refusal = environment.card_page_refusal(HARMLESS, training=False, is_root=True)
    assert refusal is not None
    assert "No money was taken" in refusal
    assert environment.card_page_refusal(HARMLESS, training=False, is_root=False) is None


@pytest.mark.parametrize("name", [name for name in HOSTILE if name.startswith(("QTWEBENGINE", "SSL"))])
def test_a_real_card_page_is_refused_in_a_dirty_environment_naming_no_value(name: str) -> None:
    environ = {**HARMLESS, name: HOSTILE[name]}
    refusal = environment.card_page_refusal(environ, training=False, is_root=False)
    assert refusal is not None
    assert name in refusal
    assert HOSTILE[name] not in refusal.split()


def test_training_pages_open_in_any_case() -> None:
    assert environment.card_page_refusal(HOSTILE, training=True, is_root=True) is None


def test_a_cleaned_environment_is_not_refused() -> None:
    environ = {**HOSTILE, **HARMLESS}
    environment.clean(environ)
    assert environment.card_page_refusal(environ, training=False, is_root=False) is None


@pytest.mark.skipif(not hasattr(os, "geteuid"), reason="no root on this platform")
def test_root_is_known_by_the_effective_user() -> None:
    assert environment.is_root() == (os.geteuid() == 0)


def test_the_module_loads_nothing_of_qt() -> None:
    # It runs before any Qt import, or cleaning would come too late.
    code = "import sys, cashier.environment; print([name for name in sys.modules if 'PySide' in name])"
    found = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert found.stdout.strip() == "[]"
