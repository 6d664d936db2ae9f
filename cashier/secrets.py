"""Secrets of a till: never in a file of ours, never in a `repr`.

They live in the system's keyring under the service `cashier/<site>/<till>`. A machine without one (a server,
a container) gives them by environment: `CASHIER_SECRET_TILL_KEY`, `CASHIER_SECRET_API_KEY_<BILLER>`,
`CASHIER_SECRET_WEB_SERVICE_KEY_<BILLER>`, `CASHIER_SECRET_PIN_PEPPER`. PINs are not among them.
"""

from collections.abc import Mapping

from pydantic import SecretStr

from cashier.domain.errors import Refused

TILL_KEY = "till-key"
MAIL_PASSWORD = "mail-password"
#: What the hashes of PINs are made with. Made by the first start; without it every PIN must be set anew.
PIN_PEPPER = "pin-pepper"

#: What is written to see whether the keyring takes anything.
_PROBE = "probe"


def api_key_name(biller: str) -> str:
    """The keyring's name of a biller's API key."""
    return f"api-key-{biller}"


def web_service_key_name(biller: str) -> str:
    """The keyring's name of a biller's web service key, with which the gateway is asked about invoices."""
    return f"web-service-key-{biller}"


class Secrets:
    """Reads and writes the secrets of one till."""

    def __init__(self, site: str, till: str, environ: Mapping[str, str]) -> None:
        self._service = f"cashier/{site}/{till}"
        self._environ = environ

    def read(self, name: str) -> SecretStr:
        """A secret by name. Raises Refused when it is nowhere, saying where it belongs."""
        variable = self.variable(name)
        given = self._environ.get(variable)
        if given:
            return SecretStr(given)
        value = self._from_keyring(name)
        if value is None:
            raise Refused(
                f"The secret {name!r} is missing. Set it with `cashier secret set {name}`, "
                f"or give it as {variable}."
            )
        return SecretStr(value)

    def write(self, name: str, value: str) -> None:
        """Keep a secret in the keyring. Raises Refused when this machine has none."""
        import keyring
        import keyring.errors

        try:
            keyring.set_password(self._service, name, value)
        except keyring.errors.KeyringError as error:
            raise Refused(f"This machine's keyring does not take secrets: {error}") from None

    def variable(self, name: str) -> str:
        """The environment's name of a secret."""
        return "CASHIER_SECRET_" + name.upper().replace("-", "_")

    def is_given(self, name: str) -> bool:
        """Whether the environment gives a secret; then the keyring is not asked for it."""
        return bool(self._environ.get(self.variable(name)))

    def check_keyring(self) -> None:
        """Write something that is no secret, and take it out again. Raises Refused when that cannot be."""
        import keyring
        import keyring.errors

        self.write(_PROBE, "probe")
        try:
            keyring.delete_password(self._service, _PROBE)
        except keyring.errors.KeyringError as error:
            raise Refused(f"This machine's keyring does not take secrets: {error}") from None

    def _from_keyring(self, name: str) -> str | None:
        import keyring
        import keyring.errors

        try:
            return keyring.get_password(self._service, name)
        except keyring.errors.KeyringError:
            return None  # no keyring here: the caller says what to do
