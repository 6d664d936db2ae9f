"""Processes of the product beside a counter: the till behind its window, and the program's verbs."""

import json
import subprocess
import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from subprocess import PIPE
from typing import IO, Any

from tests.end2end.conftest import Counter

ROOT = Path(__file__).parents[2]
WAIT_S = 60

Process = subprocess.Popen[str]


@contextmanager
def started(
    environ: Mapping[str, str], *words: object, out: int | IO[str] = PIPE, err: int | IO[str] = PIPE
) -> Iterator[Process]:
    """A process of this interpreter. Whatever still runs at the end is killed."""
    process = subprocess.Popen(
        [sys.executable, "-W", "error", *map(str, words)],
        cwd=environ["HOME"],
        env={**environ, "PYTHONPATH": str(ROOT)},
        stdin=PIPE,
        stdout=out,
        stderr=err,
        text=True,
    )
    try:
        yield process
    finally:
        process.kill()
        process.communicate()


@contextmanager
def till_process(counter: Counter, environ: Mapping[str, str], scenario: str) -> Iterator[Process]:
    """The counter's till as a process of its own (see `till_process`)."""
    with started(environ, *till_words(environ, counter.table, counter.secrets, scenario)) as process:
        yield process


def till_words(
    environ: Mapping[str, str], table: dict[str, Any], secrets: dict[str, str], scenario: str
) -> tuple[object, ...]:
    """The words that start a till as a process of its own."""
    plan = Path(environ["HOME"]) / "plan.json"
    plan.write_text(json.dumps({"table": table, "secrets": secrets, "scenario": scenario}))
    return ("-m", "tests.end2end.till_process", plan)


def said(process: Process, word: str) -> str:
    """The rest of the line that starts with a word. Fails when the process ends without it."""
    assert process.stdout is not None
    for line in process.stdout:
        first, _, rest = line.rstrip("\n").partition(" ")
        if first == word:
            return rest
    raise AssertionError(process.communicate()[1])


def cashier(environ: Mapping[str, str], *words: object) -> tuple[int, str, str]:
    """The program itself, run to its end: exit code, standard output, standard error."""
    with started(environ, "-m", "cashier", *words) as process:
        out, err = process.communicate(timeout=WAIT_S)
        return process.returncode, out, err
