"""What the settings page works with: the settings file, the keyring, a test of a key, and an example request.

Plugged together here and not in `bootstrap`, which needs none of it to take a payment.
"""

import functools
import os
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from cashier.domain.accounts import Secret
from cashier.domain.errors import Refused
from cashier.domain.money import Cents
from cashier.domain.sale import Customer, Fee, Invoice, Permit, Sale
from cashier.till.administration_ports import Tools
from cashier.till.ports import CounterExtras

if TYPE_CHECKING:
    import datetime as dt

    import httpx

    from cashier.domain.settings_change import SettingFault
    from cashier.gateway.profiles import Profile
    from cashier.secrets import Secrets
    from cashier.settings import Settings
    from cashier.settings_file import SettingsFile
    from cashier.till.administration_ports import Examined

#: What the made-up sale of a preview costs.
EXAMPLE_CENTS = Cents(14_550)
_PAYER = Customer(
    account_number="J_200001",
    name="Robin Example",
    address="3 Sample Lane",
    city="Sampleton",
    state="FL",
    zip="33801",
    email="robin@example.org",
    display_account_number="J_200001",
)
_PERMIT = Permit("BLD-26-000012", "Re-roof")


class Keyring:
    """The secrets of a till as a page may see them: whether they are set, and never what they are."""

    def __init__(self, secrets: "Secrets") -> None:
        self._secrets = secrets

    def is_set(self, name: str) -> bool:
        """See SecretStore."""
        try:
            return bool(self._secrets.read(name))
        except Refused:
            return False

    def put(self, name: str, value: Secret) -> None:
        """See SecretStore."""
        if self._secrets.is_given(name):
            raise Refused(
                f"This machine's environment gives it ({self._secrets.variable(name)}), which goes before "
                "the keyring. Take it out of there first."
            )
        self._secrets.write(name, value.reveal())


def settings_file(file: Path) -> "SettingsFile":
    """A settings file as something that is changed."""
    from cashier.settings_file import SettingsFile

    return SettingsFile(file, os.environ, preview, functools.partial(unknown_names, file=file))


def unknown_names(settings: "Settings", *, file: Path) -> "tuple[SettingFault, ...]":
    """A profile that is none, and a fee schedule that is none or not in force today."""
    from cashier.clock import SystemClock
    from cashier.domain.settings_change import SettingFault

    faults = []
    if settings.profile not in _known():
        faults.append(SettingFault("profile", f"is unknown; there are {', '.join(sorted(_known()))}"))
    try:
        _in_force(settings.schedule, SystemClock().today(), file)
    except Refused as refused:
        faults += [SettingFault("schedule", line) for line in refused.faults]
    return tuple(faults)


@functools.lru_cache(maxsize=4)
def _in_force(name: str, date: "dt.date", file: Path) -> None:
    """Raises Refused, which is not kept: what is found once is not read again for each letter typed."""
    from cashier import paths
    from cashier.adapters import schedule_on

    schedule_on(name, date, paths.own_schedules(file))


def tools_of(file: Path, settings: "Settings", secrets: "Secrets", http: "httpx.AsyncClient") -> Tools:
    """The tools of a till that takes money. A typed key is tested over the till's own line."""

    async def test_key(biller: str, typed: Secret | None) -> None:
        from cashier.adapters import gateway_of

        keys = None if typed is None else typed.reveal
        await gateway_of(settings, secrets, http, api_key=keys).biller_status(biller)

    async def examine() -> "Sequence[Examined]":
        from cashier.doctor import examine

        return await examine(file, training=False)

    from cashier.enrolling import Enrolling

    enrol = Enrolling(file, os.environ).in_words
    return Tools(settings_file(file), Keyring(secrets), test_key, examine, enrol, trained)


def trained() -> bool | None:
    """Whether the journal of the last training session has a receipt; None while it cannot be read."""
    from cashier import paths
    from cashier.data_files import JOURNAL
    from cashier.domain.errors import CashierError
    from cashier.verbs import search_journal

    file = paths.data_folder(training=True) / JOURNAL
    try:
        return file.exists() and next(iter(search_journal([file], "", 1)), None) is not None
    except CashierError:
        return None


def preview(settings: "Settings") -> str:
    """The CPV2 request that a made-up sale would make. Raises Refused for an unknown profile.

    The payer, the permit and the fee are made up; the invoice type, the reader, the addresses and the names
    are those of the settings.
    """
    from cashier.gateway.cpv2 import number_invoices, request_text

    profile = profile_of(settings.profile)
    sale = number_invoices(_sale(settings, profile), profile, _PAYER.account_number)
    return request_text(sale, profile, _extras(settings))


@functools.cache
def _known() -> "Mapping[str, Profile]":
    from cashier.adapters import profiles

    return profiles()


def profile_of(name: str) -> "Profile":
    """A partner profile by name. Raises Refused when there is none."""
    try:
        return _known()[name]
    except KeyError:
        known = ", ".join(sorted(_known()))
        raise Refused(f"The profile {name!r} is unknown; there are: {known}.") from None


def _sale(settings: "Settings", profile: "Profile") -> Sale:
    """One fee of the first invoice type, or of the one that the profile always sends."""
    from cashier.clock import SystemClock

    today = SystemClock().today()
    offered = [type_id for biller in settings.billers for type_id in biller.invoice_types]
    fitting = [type_id for type_id in offered if not profile.type_ids or type_id in profile.type_ids]
    if not fitting:
        types = ", ".join(str(type_id) for type_id in sorted(profile.type_ids or ()))
        raise Refused(
            f"The profile {settings.profile} sends invoices of type {types} only, and no biller has that. "
            "Add it to a biller's invoice types."
        )
    fee = Fee("1", settings.billers[0].invoice_types.get(fitting[0], "Permit fee"), EXAMPLE_CENTS)
    invoice = Invoice("BLD-26-000012-1", fitting[0], today, today, (fee,), EXAMPLE_CENTS, False)
    return Sale(
        profile=settings.profile,
        customer=_PAYER,
        invoices=(invoice,),
        permit=_PERMIT,
        reference="J_200001",
        ticket="26-000012",
        return_url=settings.return_url,
        postback_url=settings.portal_url,
    )


def _extras(settings: "Settings") -> CounterExtras:
    reader = next(iter(settings.readers), None)
    hub = settings.hub.public_url or settings.hub.url
    biller = settings.billers[0]
    return CounterExtras(
        reference=f"{settings.till}-{'0' * 32}",
        postback_url=f"{hub}/pb/v1/{settings.site}/example",
        return_url=settings.return_url,
        cashier_name=settings.cashier,
        allow_emv=reader is not None and reader.emv,
        allow_swipe=reader is not None and reader.swipe,
        emv_device_id=(reader.emv_device_id or None) if reader else None,
        emv_location_id=(reader.emv_location_id or None) if reader else None,
        custom_return_site_name=biller.return_site_name,
    )
