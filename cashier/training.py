"""Training: the sandbox and the hub as child processes on free loopback ports, with a folder of their own.

Each training session starts afresh: the sandbox forgets with its process, so the journal of an earlier
session could never be resolved.
"""

import secrets
import subprocess
import sys
import threading
from collections.abc import Iterator, Sequence
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType
from typing import TYPE_CHECKING, Any, Self

from cashier.domain.errors import Refused, Unavailable
from cashier.domain.money import Cents
from cashier.till.people import People
from cashier.till.trainees import CLERK, TRAINEES, TRAINING_TILL

if TYPE_CHECKING:
    from cashier.readers.discovery import PortInfo
    from cashier.till.till import Till

SITE = "training"
TILL = TRAINING_TILL
API_KEY = "training-api-key"
#: The sandbox's own biller; it is compared with what its postbacks say.
BILLER_GUID = "5a2d0b0e-0000-4000-8000-7261696e0001"
WEB_SERVICE_KEY = "training-web-service-key"
#: Readers simulated on serial ports: family, USB ids, and what they are.
EMULATED = (
    ("idtech_itp", 0x0ACD, 0x0630, "ID TECH Spectrum III"),
    ("verifone_vipa", 0x11CA, 0x0300, "Verifone P400"),
)
#: What the drawer of a training shift starts with.
FLOAT_CENTS = Cents(20_000)
#: The partner profiles that can be trained with, and the fee schedule that goes with each one's types.
SCHEDULES = {
    "grancius": "lakeland",
    "mcci": "lakeland",
    "cloudpermit": "lakeland",
    "sagesgov": "generic",
    "leadsonline": "police",
}
START_SECONDS = 60
STOP_SECONDS = 10


@dataclass(frozen=True)
class Servers:
    """Where the children listen, and the till's key at the hub."""

    sandbox_url: str
    hub_url: str
    till_key: str


def secrets_of(till_key: str) -> dict[str, str]:
    """The secrets of a training till, as its environment would give them."""
    return {
        "CASHIER_SECRET_API_KEY_TRAINING": API_KEY,
        "CASHIER_SECRET_WEB_SERVICE_KEY_TRAINING": WEB_SERVICE_KEY,
        "CASHIER_SECRET_PIN_PEPPER": "training-pin-pepper",
        "CASHIER_SECRET_TILL_KEY": till_key,
    }


def with_profile(profile: str) -> dict[str, Any]:
    """What another partner's profile changes of a training till's settings; Refused for an unknown one.

    `leadsonline` is the one whose customers have accounts.
    """
    if profile not in SCHEDULES:
        names = ", ".join(sorted(SCHEDULES))
        raise Refused(f"{profile[:40]!r} is no profile to train with; there are: {names}.")
    changes: dict[str, Any] = {"profile": profile, "schedule": SCHEDULES[profile]}
    # Its page is closed by the postback alone, and has no way home.
    return changes | ({"return_url": None} if profile == "leadsonline" else {})


async def staff(people: People) -> None:
    """Let the trainees be there, and sign the clerk in: a training session asks for no PIN at its start."""
    if people.view().is_first_start:
        first, *others = TRAINEES
        await people.create_first(first.name, first.pin)
        for trainee in others:
            await people.add(trainee.name, trainee.role, trainee.pin)
        people.sign_out()
    if people.signed_in is None:
        await people.sign_in(CLERK.name, CLERK.pin)


async def begin(till: "Till") -> None:
    """Let the trainees be there, the clerk signed in, and a shift open: a session asks for nothing first."""
    await staff(till.people)
    shift = till.shifts.view()
    if shift is None or shift.is_closed:
        till.shifts.open(FLOAT_CENTS)


class Training:
    """The children of one training session; they also end by themselves when this process does."""

    def __init__(self, folder: Path, sandbox_options: Sequence[str] = ()) -> None:
        self._folder = folder
        self._sandbox_options = sandbox_options
        self._stack = ExitStack()
        self.servers: Servers | None = None
        self._ports: tuple[PortInfo, ...] = ()

    def __enter__(self) -> Self:
        from cashier.clock import SystemClock
        from cashier.rehearsal import seed

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
            seed(self.servers.sandbox_url, SystemClock().today())
            self._ports = tuple(_plugged_in(stack)) if sys.platform != "win32" else ()
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

    def ports(self) -> "tuple[PortInfo, ...] | None":
        """The serial ports of this machine, and the simulated readers'."""
        from cashier.readers.discovery import list_ports

        listed = list_ports()
        return None if listed is None else (*listed, *self._ports)

    def settings(self, overrides: dict[str, Any] | None = None) -> dict[str, Any]:
        """The settings of a training till, as a settings file would have them."""
        assert self.servers is not None
        return {
            "site": SITE,
            "till": TILL,
            "agency": "City of Sampleton (training)",
            "cashier": CLERK.name,
            "lock_after_minutes": 0,
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
                    "connection": "keyboard",
                    "emv": False,
                },
                *(_serial_reader(port) for port in self._ports),
            ],
            "sso": {"biller": "training"},
            **(overrides or {}),
        }


def _plugged_in(stack: ExitStack) -> "Iterator[PortInfo]":
    """Simulated readers on ports of their own for as long as the stack. Windows has no such ports."""
    from cashier.readers.discovery import PortInfo
    from cashier.sandbox.readers import RunningReader

    for family, vid, pid, title in EMULATED:
        reader = stack.enter_context(RunningReader(family))
        yield PortInfo(reader.port, vid, pid, f"SIM-{family}", None, f"{title} (simulated)")


def _serial_reader(port: "PortInfo") -> dict[str, Any]:
    family = str(port.serial_number).removeprefix("SIM-")
    return {
        "id": family.replace("_", "-"),
        "label": port.description,
        "emv_device_id": f"TRAINING-{family.upper()}",
        "connection": "serial",
        "bound_to": port.usb_id,
        "family": family,
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
