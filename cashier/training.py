"""Training: the sandbox and the hub as child processes on free loopback ports, with a folder of their own.

Each training session starts afresh: the sandbox forgets with its process, so the journal of an earlier
session could never be resolved.
"""

import secrets
import subprocess
import sys
import threading
from collections.abc import Sequence
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType
from typing import Any, Self

from cashier.domain.errors import Unavailable

SITE = "training"
TILL = "A"
API_KEY = "training-api-key"
#: The sandbox's own biller; it is compared with what its postbacks say.
BILLER_GUID = "5a2d0b0e-0000-4000-8000-7261696e0001"
WEB_SERVICE_KEY = "training-web-service-key"
SUPERVISOR, SUPERVISOR_PIN = "Robin Supervisor", "271828"
START_SECONDS = 60
STOP_SECONDS = 10


@dataclass(frozen=True)
class Servers:
    """Where the children listen, and the till's key at the hub."""

    sandbox_url: str
    hub_url: str
    till_key: str


class Training:
    """The children of one training session; they also end by themselves when this process does."""

    def __init__(self, folder: Path, sandbox_options: Sequence[str] = ()) -> None:
        self._folder = folder
        self._sandbox_options = sandbox_options
        self._stack = ExitStack()
        self.servers: Servers | None = None

    def __enter__(self) -> Self:
        self._folder.mkdir(parents=True, exist_ok=True, mode=0o700)
        for left in self._folder.glob("*.db*"):
            left.unlink()
        secret = self._folder / "hub-secret"
        secret.unlink(missing_ok=True)
        secret.touch(mode=0o600)
        secret.write_text(secrets.token_urlsafe(48), encoding="ascii")
        with ExitStack() as stack:
            sandbox = self._start(stack, "sandbox", "serve", "--port", "0", *self._sandbox_options)
            hub = self._start(
                stack,
                "hub",
                "serve",
                "--port",
                "0",
                "--db",
                f"sqlite:///{(self._folder / 'hub.db').resolve()}",
                "--secret-file",
                str(secret),
                "--enrol",
                f"{SITE}/{TILL}",
            )
            self.servers = Servers(
                sandbox_url=_said(sandbox, "listening"),
                till_key=_said(hub, "till-key"),
                hub_url=_said(hub, "listening"),
            )
            self._stack = stack.pop_all()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._stack.close()

    def _start(self, stack: ExitStack, *words: str) -> "subprocess.Popen[str]":
        child = subprocess.Popen(
            [sys.executable, "-m", "cashier", *words, "--exit-with-parent"],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
            encoding="utf-8",
            # Ctrl+C at the terminal is ours alone: the children stay until we are done with them.
            start_new_session=True,
        )
        stack.callback(_stop, child)
        return child

    def settings(self, overrides: dict[str, Any] | None = None) -> dict[str, Any]:
        """The settings of a training till, as a settings file would have them."""
        assert self.servers is not None
        return {
            "site": SITE,
            "till": TILL,
            "agency": "City of Sampleton (training)",
            "cashier": "Jo Example",
            "supervisors": [SUPERVISOR],
            "profile": "grancius",
            "schedule": "lakeland",
            "training": True,
            "return_url": "https://permits.example.org/paid",
            "gateway": {"base_url": self.servers.sandbox_url},
            "hub": {"url": self.servers.hub_url},
            "billers": [
                {
                    "name": "training",
                    "guid": BILLER_GUID,
                    "invoice_types": {
                        6: "Building Department",
                        39: "Police fees",
                        42: "Utility",
                        43: "Permits",
                        93: "Planning",
                        95: "Zoning",
                    },
                    "service_fee": {"percent": "2.5", "minimum": "1.00"},
                }
            ],
            "readers": [
                {
                    "id": "lane-3000",
                    "label": "Lane 3000, counter 1 (simulated)",
                    "emv_device_id": "TRAINING-LANE-3000",
                    "emv_location_id": "COUNTER-1",
                },
                {
                    "id": "swipe-1",
                    "label": "Keyboard swipe reader (simulated)",
                    "emv_device_id": "TRAINING-SWIPE",
                    "emv": False,
                },
            ],
            **(overrides or {}),
        }


def _said(child: "subprocess.Popen[str]", word: str) -> str:
    """The rest of the line that starts with a word, e.g. `listening http://127.0.0.1:40001`.

    Raises Unavailable when the child ends before it says so, or has not said so in time and is ended.
    """
    assert child.stdout is not None
    limit = threading.Timer(START_SECONDS, child.kill)
    limit.start()
    try:
        for line in child.stdout:
            name, _, rest = line.strip().partition(" ")
            if name == word:
                return rest
    finally:
        limit.cancel()
    raise Unavailable(f"The training server ended before it was ready (exit code {child.wait()}).")


def _stop(child: "subprocess.Popen[str]") -> None:
    """Close its standard input, which asks it to end; insist if it does not."""
    assert child.stdin is not None and child.stdout is not None
    child.stdin.close()
    try:
        child.wait(STOP_SECONDS)
    except subprocess.TimeoutExpired:
        child.kill()
        child.wait()
    child.stdout.close()
