"""What whoever sends letters promises, run against the fake and the mailer before a mail server."""

import email
import email.policy
from collections.abc import Iterator
from typing import Protocol

import pytest

from cashier.paper.mailer import SmtpMailer
from cashier.till.accounts_ports import Letters
from cashier.till.ports import PrintOutcome, PrintResult
from tests.fakes.accounts import FakeLetters
from tests.paper.test_mailer import MailServer


class World(Protocol):
    """Somebody who sends, and what arrived: address, subject, text."""

    letters: Letters

    def arrived(self) -> list[tuple[str, str, str]]: ...
    def refuse(self) -> None: ...


class FakeWorld:
    def __init__(self) -> None:
        self.fake = FakeLetters()
        self.letters: Letters = self.fake

    def arrived(self) -> list[tuple[str, str, str]]:
        return self.fake.sent

    def refuse(self) -> None:
        self.fake.outcome = PrintResult(PrintOutcome.NOT_PRINTED, "the mail server refused it")


class RealWorld:
    def __init__(self, server: MailServer) -> None:
        self._server = server
        self.letters: Letters = SmtpMailer(
            host="127.0.0.1",
            port=server.port,
            security="none",
            sender="permits@example.org",
            user="",
            password=str,
            timeout_s=5,
        )

    def arrived(self) -> list[tuple[str, str, str]]:
        message = email.message_from_bytes(self._server.message, policy=email.policy.default)
        text = message.get_content().replace("\r\n", "\n")  # type: ignore[attr-defined]
        return [(str(message["To"]), str(message["Subject"]), text)]

    def refuse(self) -> None:
        self._server.fails_at, self._server.answer = "RCPT", b"550 nobody here\r\n"


@pytest.fixture(params=["fake", "real"])
def world(request: pytest.FixtureRequest) -> Iterator[World]:
    if request.param == "fake":
        yield FakeWorld()
        return
    server = MailServer()
    yield RealWorld(server)
    server.close()


async def test_a_letter_arrives_as_it_was_written(world: World) -> None:
    letter = ("robin@example.org", "Your code for Town of Sampleton", "First line\n\nABCDEFGHJK\n")
    assert (await world.letters.write(*letter)).outcome is PrintOutcome.PRINTED
    assert world.arrived() == [letter]


async def test_a_refused_letter_says_so_and_why(world: World) -> None:
    world.refuse()
    result = await world.letters.write("nobody@example.org", "Your code", "ABC\n")
    assert result.outcome is PrintOutcome.NOT_PRINTED and result.reason
