"""Receipts by e-mail: what a mail server gets, and what each way of failing is told as."""

import contextlib
import email
import email.policy
import socket
import threading
from collections.abc import Iterator

import pytest
from PySide6.QtWidgets import QApplication

from cashier.domain.receipt_text import receipt_paper
from cashier.paper.mailer import SmtpMailer
from cashier.till.ports import PrintOutcome, PrintResult
from tests.fakes.entries import make_receipt, make_sale


@pytest.fixture(autouse=True)
def _fonts(qapp: QApplication) -> None:
    """Painting text needs an application."""


class MailServer:
    """Speaks as much SMTP as a message needs. At the command `fails_at` it answers `answer`, or hangs up."""

    def __init__(self, fails_at: str = "", answer: bytes = b"") -> None:
        self.message = b""
        self.fails_at, self.answer = fails_at, answer
        self._socket = socket.create_server(("127.0.0.1", 0))
        self.port: int = self._socket.getsockname()[1]
        self._thread = threading.Thread(target=self._serve, daemon=True)
        self._thread.start()

    def close(self) -> None:
        with contextlib.suppress(OSError):
            self._socket.shutdown(socket.SHUT_RDWR)
        self._socket.close()
        self._thread.join(10)

    def _serve(self) -> None:
        with contextlib.suppress(OSError):
            connection, _address = self._socket.accept()
            with connection, connection.makefile("rwb") as stream:
                stream.write(b"220 mail.example.org\r\n")
                stream.flush()
                while line := stream.readline():
                    if not self._command(stream, line.split()[0].decode().upper()):
                        return

    def _command(self, stream: object, name: str) -> bool:
        if name == self.fails_at:
            stream.write(self.answer)  # type: ignore[attr-defined]
            stream.flush()  # type: ignore[attr-defined]
            return bool(self.answer)
        answer = {"DATA": b"354 go on\r\n", "QUIT": b"221 bye\r\n"}.get(name, b"250 ok\r\n")
        stream.write(answer)  # type: ignore[attr-defined]
        stream.flush()  # type: ignore[attr-defined]
        if name == "DATA":
            lines = []
            while (line := stream.readline()) != b".\r\n":  # type: ignore[attr-defined]
                lines.append(line[1:] if line.startswith(b"..") else line)
            self.message = b"".join(lines)
            if self.fails_at == "END":
                stream.write(self.answer)  # type: ignore[attr-defined]
                stream.flush()  # type: ignore[attr-defined]
                return bool(self.answer)
            stream.write(b"250 taken\r\n")  # type: ignore[attr-defined]
            stream.flush()  # type: ignore[attr-defined]
        return name != "QUIT"


@contextlib.contextmanager
def server(fails_at: str = "", answer: bytes = b"") -> Iterator[MailServer]:
    made = MailServer(fails_at, answer)
    try:
        yield made
    finally:
        made.close()


async def send(port: int, to: str = "robin@example.org", **changes: object) -> PrintResult:
    given: dict[str, object] = {
        "host": "127.0.0.1",
        "port": port,
        "security": "none",
        "sender": "permits@example.org",
        "user": "",
        "password": str,
        "timeout_s": 5,
    }
    mailer = SmtpMailer(**given | changes)  # type: ignore[arg-type]
    paper = receipt_paper(make_receipt("s1", make_sale()), str)
    return await mailer.send(to, "Receipt A-000001 of\r\nBcc: evil@example.org", "It is attached.", paper)


async def test_the_receipt_goes_as_a_pdf() -> None:
    with server() as there:
        assert (await send(there.port)).outcome is PrintOutcome.PRINTED
    message = email.message_from_bytes(there.message, policy=email.policy.default)
    assert (message["To"], message["From"]) == ("robin@example.org", "permits@example.org")
    assert message["Bcc"] is None
    [attached] = message.iter_attachments()
    assert attached.get_content_type() == "application/pdf"
    assert attached.get_content().startswith(b"%PDF")


@pytest.mark.parametrize(
    ("fails_at", "answer", "outcome"),
    [
        ("MAIL", b"550 no\r\n", PrintOutcome.NOT_PRINTED),
        ("RCPT", b"550 nobody here\r\n", PrintOutcome.NOT_PRINTED),
        ("RCPT", b"", PrintOutcome.NOT_PRINTED),
        ("DATA", b"451 later\r\n", PrintOutcome.NOT_PRINTED),
        ("END", b"552 too big\r\n", PrintOutcome.NOT_PRINTED),
        ("END", b"", PrintOutcome.UNKNOWN),
        ("QUIT", b"500 what\r\n", PrintOutcome.PRINTED),
        ("QUIT", b"", PrintOutcome.PRINTED),
    ],
)
async def test_each_way_of_failing_is_told_as_what_it_is(
    fails_at: str, answer: bytes, outcome: PrintOutcome
) -> None:
    with server(fails_at, answer) as there:
        result = await send(there.port)
    assert result.outcome is outcome, result.reason
    assert bool(result.reason) is (outcome is not PrintOutcome.PRINTED)


async def test_a_letter_goes_without_a_receipt() -> None:
    with server() as there:
        mailer = SmtpMailer(
            host="127.0.0.1",
            port=there.port,
            security="none",
            sender="permits@example.org",
            user="",
            password=str,
            timeout_s=5,
        )
        done = await mailer.write("robin@example.org", "Your code for\r\nBcc: evil@example.org", "ABC\n")
        assert done == PrintResult(PrintOutcome.PRINTED)
        message = email.message_from_bytes(there.message, policy=email.policy.default)
        assert (message["To"], message["Bcc"]) == ("robin@example.org", None)
        assert message.get_content().strip() == "ABC" and not message.is_multipart()  # type: ignore[attr-defined]
        refused = await mailer.write("robin@example.org\nBcc: evil@example.org", "x", "y")
        assert refused.outcome is PrintOutcome.NOT_PRINTED


async def test_a_server_that_is_not_there_got_nothing() -> None:
    with server() as there:
        pass
    assert (await send(there.port)).outcome is PrintOutcome.NOT_PRINTED


async def test_without_the_encryption_that_was_asked_for_nothing_is_sent() -> None:
    with server("STARTTLS", b"502 no\r\n") as there:
        result = await send(there.port, security="starttls", user="permits", password=lambda: "secret")
    assert result.outcome is PrintOutcome.NOT_PRINTED
    assert there.message == b""


@pytest.mark.parametrize("to", ["robin@example.org\nBcc: evil@example.org", "a@b\r\nc"])
async def test_an_address_cannot_carry_headers(to: str) -> None:
    with server() as there:
        assert (await send(there.port, to)).outcome is PrintOutcome.NOT_PRINTED
    assert there.message == b""
