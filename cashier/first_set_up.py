"""What the guide through a first set-up works with: settings file, keyring, Invoice Cloud and hub."""

from collections.abc import Awaitable, Callable, Mapping
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any

from cashier import paths
from cashier.domain.accounts import Secret
from cashier.domain.errors import Refused
from cashier.domain.settings_change import SettingFault
from cashier.till.set_up_questions import Choice
from cashier.till.setting_up import EnrolledTill

if TYPE_CHECKING:
    from cashier.settings import Settings

#: Redeems an enrolment code at a hub, by its address; the till's key is in the keyring then.
Enrol = Callable[[str, str], Awaitable[EnrolledTill]]
#: What is not answered yet when a key is tested: nothing of it is asked or kept.
REST: Mapping[str, Any] = {
    "site": "site",
    "till": "A",
    "agency": "Agency",
    "profile": "grancius",
    "schedule": "generic",
    "hub": {"url": "https://hub.example.org"},
}


class FirstSetUp:
    """The SetUp port for one settings file. `rest` is what a key that is tested does not depend on."""

    def __init__(
        self,
        file: Path,
        environ: Mapping[str, str],
        enrol: Enrol | None = None,
        rest: Mapping[str, Any] = REST,
    ) -> None:
        self._file, self._environ, self._enrol, self._rest = file, environ, enrol, rest

    @property
    def where(self) -> str:
        """See SetUp."""
        return str(self._file)

    @property
    def enrols(self) -> bool:
        """See SetUp."""
        return self._enrol is not None

    @cached_property
    def profiles(self) -> tuple[Choice, ...]:
        """See SetUp."""
        from cashier.adapters import profiles

        found = (Choice(name, profile.title) for name, profile in profiles().items())
        return tuple(sorted(found, key=lambda choice: choice.title.casefold()))

    @cached_property
    def schedules(self) -> tuple[Choice, ...]:
        """See SetUp. A schedule whose file is faulty, or that is not in force today, is not offered."""
        from cashier.adapters import schedule_on
        from cashier.clock import SystemClock
        from cashier.schedules import available

        today, found = SystemClock().today(), {}
        own = paths.own_schedules(self._file)
        for one in (*available(paths.resources() / "schedules"), *available(own)):
            if one.schedule is None or one.schedule.name in found:
                continue
            try:
                schedule = schedule_on(one.schedule.name, today, own)
            except Refused:
                continue
            types = frozenset(fee.type_id for fee in schedule.fees)
            found[schedule.name] = Choice(schedule.name, schedule.title, types)
        return tuple(found.values())

    def faults(self, table: Mapping[str, Any]) -> tuple[SettingFault, ...]:
        """See SetUp."""
        from cashier.settings import faults_of

        return faults_of(table)

    def unfit(self, table: Mapping[str, Any]) -> str:
        """See SetUp."""
        from cashier.administering import preview
        from cashier.settings import check, faults_of

        if faults_of(table):
            return ""
        try:
            preview(check(dict(table), self.where))
        except Refused as refused:
            return refused.user_text
        return ""

    def key_fault(self, key: Secret) -> str:
        """See SetUp."""
        from cashier.gateway.postback import read_till_key

        try:
            read_till_key(key.reveal())
        except (Refused, ValueError):
            return "is no till key: copy it whole, as the hub printed it"
        return ""

    def has_secret(self, site: str, till: str, name: str) -> bool:
        """See SetUp."""
        from cashier.secrets import Secrets

        try:
            return bool(Secrets(site, till, self._environ).read(name).get_secret_value())
        except Refused:
            return False

    async def test_key(self, table: Mapping[str, Any], biller: str, key: Secret) -> None:
        """See SetUp."""
        from cashier.adapters import gateway_of, line_of
        from cashier.secrets import Secrets
        from cashier.settings import check

        given = {name: value for name, value in table.items() if name == "billers"}
        settings: Settings = check({**self._rest, **given}, self.where)
        secrets = Secrets(settings.site, settings.till, {})
        async with line_of(settings) as http:
            await gateway_of(settings, secrets, http, api_key=key.reveal).biller_status(biller)

    async def enrol(self, hub_url: str, code: str) -> EnrolledTill:
        """See SetUp."""
        if self._enrol is None:
            raise Refused("A till cannot be enrolled by a code here. Type its till key.")
        return await self._enrol(hub_url, code)

    def save(self, table: Mapping[str, Any], secrets: Mapping[str, Secret]) -> None:
        """See SetUp. Raises Refused, too, when a settings file is there by now."""
        from cashier.administering import settings_file
        from cashier.secrets import Secrets
        from cashier.settings import check

        store = settings_file(self._file)
        if store.read():
            raise Refused(
                f"{self._file} is there by now: somebody else has set this till up. Nothing was saved."
            )
        settings = check(dict(table), self.where)
        keyring = Secrets(settings.site, settings.till, self._environ)
        for name, secret in secrets.items():
            keyring.write(name, secret.reveal())
        store.write(table)
