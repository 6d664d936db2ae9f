"""Receipts and letters by e-mail: SMTP in a thread, over TLS, a receipt as a PDF.

What came of it is told as honestly as of a print: once the message's last byte is under way and no answer
comes, it may have been sent.
"""

import asyncio
import email.policy
import smtplib
import ssl
from collections.abc import Callable
from dataclasses import replace
from email.message import EmailMessage
from pathlib import Path
from typing import Literal

from cashier.domain.receipt_text import Paper
from cashier.paper.logo import Logo
from cashier.paper.pen import pages_bytes
from cashier.paper.receipt_page import write_marked
from cashier.till.ports import PrintOutcome, PrintResult

Security = Literal["tls", "starttls", "none"]


class SmtpMailer:
    """One mail server. `password` is read at each sending and kept nowhere."""

    def __init__(
        self,
        *,
        host: str,
        port: int,
        security: Security,
        sender: str,
        user: str,
        password: Callable[[], str],
        timeout_s: float,
        context: ssl.SSLContext | None = None,
        logo: Path | None = None,
    ) -> None:
        self._host, self._port, self._security = host, port, security
        self._sender, self._user, self._password = sender, user, password
        self._timeout_s, self._context = timeout_s, context
        self._logo = Logo(logo)

    async def send(self, to: str, subject: str, text: str, paper: Paper) -> PrintResult:
        """See the port."""
        return await asyncio.to_thread(self._send, to, subject, text, paper)

    async def write(self, to: str, subject: str, text: str) -> PrintResult:
        """See Letters: a plain letter, without a receipt."""
        return await asyncio.to_thread(self._write, to, subject, text)

    def _write(self, to: str, subject: str, text: str) -> PrintResult:
        message = self._letter(to, subject, text)
        return message if isinstance(message, PrintResult) else self._deliver(to, message)

    def _letter(self, to: str, subject: str, text: str) -> EmailMessage | PrintResult:
        message = EmailMessage()
        try:
            message["From"], message["To"] = self._sender, to
            message["Subject"] = " ".join(subject.split())
        except ValueError:
            return PrintResult(PrintOutcome.NOT_PRINTED, f"{to[:80]!r} is not an e-mail address")
        message.set_content(text)
        return message

    def _send(self, to: str, subject: str, text: str, paper: Paper) -> PrintResult:
        message = self._letter(to, subject, text)
        if isinstance(message, PrintResult):
            return message
        logo = self._logo.image()
        data = pages_bytes(
            lambda pen: write_marked(pen, paper, logo), title=paper.title, foot=paper.title, count=paper.page
        )
        name = f"{paper.title.replace(' ', '-')}.pdf"
        message.add_attachment(data, maintype="application", subtype="pdf", filename=name)
        result = self._deliver(to, message)
        if result.outcome is PrintOutcome.PRINTED:
            return replace(result, note=self._logo.news())
        return result

    def _deliver(self, to: str, message: EmailMessage) -> PrintResult:
        is_sending = is_sent = False
        try:
            with self._server() as server:
                if self._user:
                    server.login(self._user, self._password())
                server.ehlo_or_helo_if_needed()
                for code, said in (server.mail(self._sender), server.rcpt(to)):
                    if not 200 <= code < 300:
                        return _refused(code, said)
                lines = message.as_bytes(policy=email.policy.SMTP)
                is_sending = True
                code, said = server.data(lines)
                is_sending = False
                if code != 250:
                    return _refused(code, said)
                is_sent = True
        except smtplib.SMTPDataError as error:
            return _refused(error.smtp_code, error.smtp_error)
        except smtplib.SMTPAuthenticationError:
            return PrintResult(PrintOutcome.NOT_PRINTED, "the mail server refused the name or password")
        except (OSError, smtplib.SMTPException) as error:
            if is_sent:  # a goodbye that goes wrong takes nothing back
                return PrintResult(PrintOutcome.PRINTED)
            if is_sending:
                return PrintResult(
                    PrintOutcome.UNKNOWN, "the mail server took the message and did not answer"
                )
            return PrintResult(PrintOutcome.NOT_PRINTED, f"the mail server is not reached: {_word(error)}")
        return PrintResult(PrintOutcome.PRINTED)

    def _server(self) -> smtplib.SMTP:
        context = self._context or ssl.create_default_context()
        if self._security == "tls":
            return smtplib.SMTP_SSL(self._host, self._port, timeout=self._timeout_s, context=context)
        server = smtplib.SMTP(self._host, self._port, timeout=self._timeout_s)
        if self._security == "starttls":
            try:
                server.starttls(context=context)
            except BaseException:
                server.close()
                raise
        return server


def _refused(code: int, said: bytes | str) -> PrintResult:
    text = said.decode("ascii", "replace") if isinstance(said, bytes) else said
    return PrintResult(PrintOutcome.NOT_PRINTED, f"the mail server refused it ({code} {text[:120]})")


def _word(error: Exception) -> str:
    return (error.strerror if isinstance(error, OSError) else None) or type(error).__name__
