"""A hub behind a bad line and the sandbox, a process of its own until its standard input ends.

    python -m tests.bench.office FOLDER SEED

Prints JSON: first where they are, then what the hub has and what became of the requests on the line.
"""

import json
import sys
from pathlib import Path

from cashier.hub.serve import RunningHub
from cashier.sandbox.config import SandboxConfig
from cashier.sandbox.serve import RunningSandbox
from cashier.training import SITE, TILL
from tests.helpers.bad_line import BadLine

MASTER = b"a master secret of tests, 32 bytes long or more"


def main(folder: Path, seed: int) -> None:
    with (
        RunningSandbox(SandboxConfig(late_s=None)) as sandbox,
        RunningHub(f"sqlite:///{folder}/hub.db", MASTER) as hub,
        BadLine(hub.url, seed) as line,
    ):
        key = hub.enrol(SITE, TILL)
        print(json.dumps({"sandbox_url": sandbox.url, "hub_url": line.url, "till_key": key}), flush=True)
        sys.stdin.read()
        kept, fault = hub.state.journals.kept(SITE, TILL), hub.state.journals.first_fault(SITE, TILL)
        print(json.dumps({"kept": kept.seq, "head": kept.hash, "fault": fault, "fates": dict(line.fates)}))


if __name__ == "__main__":
    main(Path(sys.argv[1]), int(sys.argv[2]))
