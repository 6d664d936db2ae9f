"""The process environment Qt and Chromium may see; used before anything of Qt is imported.

A variable in the clerk's session is enough to open Chromium's remote debugger on a card page, to write the
TLS session keys to a file, or to load a foreign plugin into the till. So the entry point cleans the
environment first, and the payment view asks again before it opens a real card page.

Nothing here reads `os.environ` by itself: the caller passes the mapping.
"""

import os
import sys
from collections.abc import Mapping, MutableMapping

DISABLE_SANDBOX = "QTWEBENGINE_DISABLE_SANDBOX"
WEBENGINE_PREFIX = "QTWEBENGINE"
TLS_KEY_LOG = "SSLKEYLOGFILE"
FOREIGN_PLUGIN_PATHS = frozenset({"QT_PLUGIN_PATH", "QML2_IMPORT_PATH"})


def clean(environ: MutableMapping[str, str], *, training: bool = False, is_root: bool = False) -> None:
    """Delete what could open or redirect Qt WebEngine, in place, and pin the Qt binding.

    Must run before the first PySide6 import: Qt reads most of these once. Chromium's sandbox cannot work for
    root, so for root **in training** (containers, tests: no card is ever real there) it is switched off.
    Outside training nothing is switched off, and `card_page_refusal` refuses the page instead.
    """
    for name in [name for name in environ if _opens_the_engine(name) or name.upper() in FOREIGN_PLUGIN_PATHS]:
        del environ[name]
    environ["QT_API"] = "pyside6"
    if training and is_root:
        environ[DISABLE_SANDBOX] = "1"


def allow_training(environ: MutableMapping[str, str], *, is_root: bool) -> None:
    """A training session is about to begin in a process that was not started for one; see `clean`."""
    if is_root:
        environ[DISABLE_SANDBOX] = "1"


def forbid_crash_dumps() -> None:
    """No crash of this process, or of one that it starts, leaves a dump: what a payer typed could be in it.

    Windows writes none by itself unless the machine's administrator has it do so.
    """
    if sys.platform != "win32":
        import resource

        resource.setrlimit(resource.RLIMIT_CORE, (0, 0))


def is_root() -> bool:
    """Whether this process has root's rights. Windows has no such user; there the sandbox always works."""
    return hasattr(os, "geteuid") and os.geteuid() == 0


def card_page_refusal(environ: Mapping[str, str], *, training: bool, is_root: bool) -> str | None:
    """Why a payment page must not be opened in this process, fit for a clerk's eyes; None when it may be.

    A real card page is opened neither as root (no sandbox) nor in an environment that `clean` would change.
    The text names variables, never their values.
    """
    if training:
        return None
    if is_root:
        return (
            "Card payments are off: the till was started as the system administrator. "
            "No money was taken. Start it as a normal user."
        )
    found = sorted(name for name in environ if _opens_the_engine(name))
    if found:
        return (
            f"Card payments are off: the setting {', '.join(found)} weakens the payment page. "
            "No money was taken. Remove it and start the till again."
        )
    return None


def _opens_the_engine(name: str) -> bool:
    # Names of variables ignore case on Windows, hence upper().
    return name.upper().startswith(WEBENGINE_PREFIX) or name.upper() == TLS_KEY_LOG
