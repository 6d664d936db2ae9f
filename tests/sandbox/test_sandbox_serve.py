"""Running the sandbox: a free port, telling its address, and stopping by event, signal, end of input."""

import signal
import socket
import subprocess
import sys
import threading

import httpx
import pytest

from cashier.sandbox.config import SandboxConfig
from cashier.sandbox.serve import RunningSandbox, serve

from .conftest import WAIT_S

PROGRAM = """
from cashier.sandbox.config import SandboxConfig
from cashier.sandbox.serve import serve
serve("127.0.0.1", 0, SandboxConfig(), lambda url: print(url, flush=True), exit_with_parent=True)
print("stopped", flush=True)
"""


def test_serve_announces_a_free_port_and_stops_by_event() -> None:
    announced: list[str] = []
    listening, stop = threading.Event(), threading.Event()

    def announce(url: str) -> None:
        announced.append(url)
        listening.set()

    thread = threading.Thread(target=serve, args=("127.0.0.1", 0, SandboxConfig(), announce, stop))
    thread.start()
    assert listening.wait(WAIT_S)
    (url,) = announced
    assert httpx.get(url, trust_env=False).status_code == 200
    stop.set()
    thread.join(WAIT_S)
    assert not thread.is_alive()
    with pytest.raises(httpx.ConnectError):
        httpx.get(url, trust_env=False)


def test_a_taken_port_is_an_error() -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken, pytest.raises(OSError, match="in use"):
        serve("127.0.0.1", taken.getsockname()[1], SandboxConfig(), print)


@pytest.mark.parametrize("how", ["end of input", "SIGTERM"])
def test_a_process_ends_with_its_parent_or_a_signal(how: str) -> None:
    with subprocess.Popen(
        [sys.executable, "-W", "error", "-c", PROGRAM],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    ) as process:
        assert process.stdin and process.stdout and process.stderr
        url = process.stdout.readline().strip()
        assert httpx.get(url, trust_env=False).status_code == 200
        if how == "SIGTERM":
            process.send_signal(signal.SIGTERM)
        else:
            process.stdin.close()
        assert process.wait(WAIT_S) == (-signal.SIGTERM if how == "SIGTERM" else 0)
        assert process.stdout.read().strip() == ("" if how == "SIGTERM" else "stopped")
        assert process.stderr.read() == ""


def test_two_sandboxes_share_nothing() -> None:
    with RunningSandbox(SandboxConfig(fault=None)) as one, RunningSandbox() as other:
        one.set_fault("decline")
        assert one.url != other.url
        assert other.control.get("/sandbox/fault").json() == {"fault": None, "times": None}


def test_the_sandbox_imports_nothing_of_ours() -> None:
    program = (
        "import sys, cashier.sandbox.serve\n"
        "print([m for m in sys.modules if m.startswith('cashier.') "
        "and not m.startswith('cashier.sandbox')], [m for m in sys.modules if m.startswith('PySide6')])"
    )
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[] []"
