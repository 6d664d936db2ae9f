"""Enrolling this till at its hub by a code: the question, the settings held against the answer, the keyring.

The key goes into the keyring and is shown nowhere. What could keep it from getting there is found before the
code is used up: a keyring that takes nothing, an environment that gives another key.
"""

import secrets
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from cashier.domain.errors import Refused
from cashier.domain.invite_code import read_invite_code
from cashier.secrets import TILL_KEY, Secrets

if TYPE_CHECKING:
    import httpx

    from cashier.settings import Settings

NONCE_BYTES = 24
#: How many codes the nonces of are kept in mind.
NONCES_MAX = 100


@dataclass(frozen=True)
class EnrolledTill:
    """A till whose key is in the keyring. `public_url` is empty where it is the hub's own address.

    `has_settings`: there are settings, and they agree; else `settings_lines` says what to write into them.
    """

    site: str
    till: str
    hub_url: str
    public_url: str
    has_settings: bool

    @property
    def text(self) -> str:
        """What happened, and from when on it counts: a window that is open goes on with the key it has."""
        return (
            f"This is till {self.till} of site {self.site} now. Its key is in the keyring, and is used from "
            "the next start on."
        )

    @property
    def settings_lines(self) -> tuple[str, ...]:
        """The lines of a settings file that this enrolment settles."""
        public = (f'public_url = "{self.public_url}"',) if self.public_url else ()
        names = (f'site = "{self.site}"', f'till = "{self.till}"')
        return (*names, "", "[hub]", f'url = "{self.hub_url}"', *public)


class Enrolling:
    """Redeems codes for the till of a settings file, or of a machine that has none yet.

    Keeps the nonce of each code for as long as it lives, so that the same code may be tried again after an
    answer was lost. `make_line` gives a new HTTP client, `nonce` an unguessable text.
    """

    def __init__(
        self,
        settings_file: Path,
        environ: Mapping[str, str],
        make_line: "Callable[[], httpx.AsyncClient] | None" = None,
        nonce: Callable[[], str] = lambda: secrets.token_urlsafe(NONCE_BYTES),
    ) -> None:
        self._file, self._environ = settings_file, environ
        self._make_line, self._nonce = make_line or _line, nonce
        self._nonces: dict[tuple[str, str], str] = {}

    def __repr__(self) -> str:
        return "Enrolling(…)"

    async def __call__(self, hub_url: str, code: str) -> EnrolledTill:
        """Enrol. Raises as `hub.enrolment.enrol`; Refused when settings, keyring or environment forbid it."""
        from cashier.hub.enrolment import enrol, hub_address

        address, signs = hub_address(hub_url), read_invite_code(code)
        settings = self._settings()
        self._refuse_elsewhere(settings, address)
        nonce = self._nonces.setdefault((address, signs), self._nonce())
        while len(self._nonces) > NONCES_MAX:
            self._nonces.pop(next(iter(self._nonces)))
        asker = (settings.site, settings.till) if settings else None
        async with self._make_line() as http:
            told = await enrol(http, address, signs, nonce, asker)
        if asker is not None and asker != (told.site, told.till):
            raise Refused(
                f"The hub says that this is till {told.till} of site {told.site}, and the settings here are "
                f"those of till {asker[1]} of site {asker[0]}. The key was not kept."
            )
        Secrets(told.site, told.till, self._environ).write(TILL_KEY, told.key.reveal())
        public = "" if told.public_url.rstrip("/") == address else told.public_url
        return EnrolledTill(told.site, told.till, address, public, has_settings=settings is not None)

    async def in_words(self, hub_url: str, code: str) -> str:
        """Enrol, and say what came of it, for a window. Raises as the call."""
        enrolled = await self(hub_url, code)
        if enrolled.has_settings:
            return enrolled.text
        lines = (enrolled.text, "These lines belong into the settings:", *enrolled.settings_lines)
        return "\n".join(lines)

    def _settings(self) -> "Settings | None":
        """The settings, or None where there are none yet. Raises Refused for a broken file."""
        if not self._file.exists():
            return None
        from cashier.settings import load

        return load(self._file)

    def _refuse_elsewhere(self, settings: "Settings | None", address: str) -> None:
        """Refuse where the key would not be used: found out before the code is."""
        if settings is not None and settings.training:
            raise Refused("The settings file is for training, whose till enrols by itself.")
        if settings is not None and settings.hub.url.rstrip("/") != address:
            raise Refused(
                f"The settings here name the hub {settings.hub.url}, and this is {address}. Nothing was "
                "changed, and the code is still good. Change hub.url in the settings first."
            )
        here = Secrets(settings.site if settings else "", settings.till if settings else "", self._environ)
        if here.is_given(TILL_KEY):
            raise Refused(
                f"This machine gives the till's key by its environment ({here.variable(TILL_KEY)}), which "
                "goes before the keyring. Take it out of there first; the code is still good."
            )
        here.check_keyring()


def _line() -> "httpx.AsyncClient":
    from cashier.gateway.transport import Timeouts, make_client

    try:
        return make_client(Timeouts())
    except (ImportError, ValueError) as error:
        raise Refused(
            "The proxy that this machine's environment names (ALL_PROXY, HTTPS_PROXY, HTTP_PROXY) is not one "
            "that can be used: it must start with http:// or https://."
        ) from error
