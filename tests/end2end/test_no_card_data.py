"""Behaviour A2: a card number that goes in anywhere is in no file, no log and no message of ours.

Everything runs as a process of its own, with every folder that it may write to, and all that it prints, below
one folder, which is searched at the end.
"""

import base64
import re
import threading
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import quote, unquote_plus, unquote_to_bytes, urlencode

import httpx
import pytest

from cashier.data_files import JOURNAL
from cashier.domain.scrub import MASK
from cashier.hub.quarantine import QuarantineStore
from cashier.hub.store import HubStore
from cashier.training import SITE, TILL, Servers, Training, secrets_of
from tests.end2end.processes import Process, started, till_words
from tests.end2end.till_process import CARD, CARDS
from tests.helpers.journal_file import entries_in
from tests.hub.portal import Portal

FORM = "application/x-www-form-urlencoded"
PATIENCE_S = 60.0


def holds_card(content: bytes) -> bool:
    """Whether the test card's number is in these bytes: plain, grouped, url-encoded, base64 or UTF-16."""
    number = CARD.encode()
    plain = (content, unquote_to_bytes(content.replace(b"+", b" ")))
    if any(number in re.sub(rb"[\s\x00._-]", b"", text) for text in plain):
        return True
    return any(_base64_core(number, offset) in content for offset in range(3))


def _base64_core(text: bytes, offset: int) -> bytes:
    """What base64 makes of a text that starts at a place, without what its neighbours have a part in."""
    encoded = base64.b64encode(bytes(offset) + text)
    return encoded[-(-offset * 8 // 6) : (offset + len(text)) * 8 // 6]


@pytest.mark.parametrize(
    "written",
    [
        *(card.encode() for card in CARDS),
        b"a%3D4111+1111+1111+1111&b",
        b"".join(b"%%%02X" % digit for digit in CARD.encode()),
        CARD.encode("utf-16"),
        *(base64.b64encode(b"x" * offset + CARD.encode() + b"&more=") for offset in range(3)),
    ],
)
def test_the_search_finds_what_it_looks_for(written: bytes) -> None:
    assert holds_card(b"before " + written + b" after")


def test_the_search_finds_nothing_else() -> None:
    assert not holds_card(b"5111111111111111 411111111111111 " + base64.b64encode(b"5111111111111111"))


@dataclass
class Run:
    """The processes of one site. All they print is in files."""

    environ: Mapping[str, str]
    folder: Path

    @contextmanager
    def process(self, name: str, *words: object) -> Iterator[Process]:
        """Start one; its output goes to `<name>.out` and `<name>.err`."""
        with (
            (self.folder / f"{name}.out").open("w") as out,
            (self.folder / f"{name}.err").open("w") as err,
            started(self.environ, *words, out=out, err=err) as running,
        ):
            yield running

    def said(self, name: str, word: str, running: Process) -> str:
        """The rest of a line that starts with a word, once it is there."""

        def line() -> str | None:
            assert running.poll() is None, (self.folder / f"{name}.err").read_text()
            found = re.search(rf"^{word} (.*)\n", (self.folder / f"{name}.out").read_text(), re.MULTILINE)
            return found[1] if found else None

        return wait_for(line)


def wait_for(look: Callable[[], str | None]) -> str:
    """Look again and again until there is something."""
    end, pause = time.monotonic() + PATIENCE_S, threading.Event()
    while (found := look()) is None:
        assert time.monotonic() < end, "waited in vain"
        pause.wait(0.02)
    return found


def test_a2_a_card_number_goes_in_everywhere_and_stays_nowhere(
    tmp_path: Path, environ: Mapping[str, str]
) -> None:
    run = Run(environ, tmp_path)
    data, database = tmp_path / "till", f"sqlite:///{tmp_path / 'hub.db'}"
    secret = tmp_path / "hub-secret"
    secret.touch(mode=0o600)
    secret.write_text("a master secret of tests, 32 bytes long or more")
    serve = ("-m", "cashier", "hub", "serve", "--port", 0, "--db", database, "--secret-file", secret)
    with (
        Portal() as portal,
        run.process("sandbox", "-m", "cashier", "sandbox", "serve", "--port", 0) as sandbox,
        run.process(
            "hub",
            *serve,
            *("--enrol", f"{SITE}/{TILL}", "--access-log", tmp_path / "access.log"),
            *("--portal-host", portal.netloc, "--portal-training"),
        ) as hub,
        httpx.Client(trust_env=False) as http,
    ):
        gateway_url = run.said("sandbox", "listening", sandbox)
        hub_url, till_key = run.said("hub", "listening", hub), run.said("hub", "till-key", hub)
        for server in (sandbox, hub):
            limits = Path(f"/proc/{server.pid}/limits").read_text()
            assert re.search(r"^Max core file size +0 +0 ", limits, re.MULTILINE), (
                "a crash would leave a dump"
            )
        training = Training(data)
        training.servers = Servers(gateway_url, hub_url, till_key)
        table = training.settings({"data_folder": str(data), "portal_url": portal.url})
        secrets = secrets_of(till_key)
        with run.process("till", *till_words(environ, table, secrets, "card_numbers")) as till:
            reference = run.said("till", "open", till)
            post_everywhere(http, postback_url(data / JOURNAL, reference), reference)
            run.said("till", "done", till)
            wait_for(lambda: "all" if len(portal.received) > len(CARDS) else None)
        for running in (hub, sandbox):
            running.terminate()
            running.wait(PATIENCE_S)
    assert not any(holds_card(request.target + request.body) for request in portal.received)
    check_that_it_came_in(run, database, data / JOURNAL)
    files = [file for file in tmp_path.rglob("*") if file.is_file()]
    assert {"journal.db", "till.log", "hub.db", "access.log", "till.out", "till.err"} <= {
        file.name for file in files
    }
    assert not [file for file in files if holds_card(file.read_bytes())]
    assert not any(holds_card(str(file).encode()) for file in tmp_path.rglob("*"))


def postback_url(journal: Path, reference: str) -> str:
    """Where the gateway was told to send a payment's postbacks."""
    [request] = [
        entry.body["request"]
        for entry in entries_in(journal)
        if entry.body.get("reference") == reference and "request" in entry.body
    ]
    [url] = [word for word in request.split('"') if "/pb/v1/" in word]
    return str(url)


def post_everywhere(http: httpx.Client, url: str, reference: str) -> None:
    """Messages with the number in every part that a message has, to the right address and to wrong ones."""
    wrong = f"{url[:-3]}abc"
    for number in CARDS:
        told = {
            "Approved": "True",
            "BillerReference": reference,
            "InvoiceNumber": number,
            "PaymentAmount": "1.00",
            "PaymentGUID": number,
            "CustomerName": f"Robin {number}",
            "PaymentMessage": f"APPROVED {number}",
            "CardType": number,
            f"x{number}": number,
        }
        for address, status in ((url, 204), (wrong, 404), (f"{wrong}{quote(number)}", 404)):
            for query, body in ((told, {}), ({}, told)):
                answer = http.post(
                    address, params=query or None, content=urlencode(body), headers={"Content-Type": FORM}
                )
                assert (answer.status_code, holds_card(answer.content)) == (status, False)
        for content_type in ("text/plain", f"text/{number.replace(' ', '')}"):
            answer = http.post(url, content=number, headers={"Content-Type": content_type})
            assert (answer.status_code, holds_card(answer.content)) == (415, False)
        answer = http.post(url, content=f"{number}", headers={"Content-Type": f"{FORM}; pan={number}"})
        assert answer.status_code in (204, 400)
        base = url.partition("/pb/v1/")[0]
        for path in (f"/pb/v1/{quote(number)}/x", f"/till/v1/{SITE}/{TILL}/payments/{quote(number)}"):
            http.put(base + path, headers={"Authorization": f"Bearer {number}"}, json={"biller": number})


def check_that_it_came_in(run: Run, database: str, journal: Path) -> None:
    """That nothing was found means something only because all of it was there."""
    refused = re.findall(r"^refused .*", (run.folder / "till.out").read_text(), re.MULTILINE)
    assert len(refused) == 5 * len(CARDS) + 2 * len(CARDS)
    entries = entries_in(journal)
    assert [entry.kind.value for entry in entries].count("receipt_issued") == 1
    told = [entry for entry in entries if entry.body.get("event") == "needs_review"]
    assert len(told) >= 2 * len(CARDS)
    assert all(MASK in str(entry.body["postback"]) for entry in told)
    with HubStore(database) as store:
        items = QuarantineStore(store.engine).listed()
    unproven = [
        unquote_plus((item.query + item.body).decode())
        for item in items
        if item.query is not None and item.body is not None
    ]
    # Scrubbed, they are all alike: one in a query, one in a body, however often they came.
    assert len(unproven) == 2 and all(MASK in text for text in unproven)
    assert len(items) > len(unproven)
