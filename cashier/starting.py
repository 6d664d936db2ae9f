"""Looking before the till is opened: settings, profile, fees and till key, each fault by file and key.

Nothing here opens the journal or any line: what is found keeps the till closed, and the journal as it was.
"""

from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING

from cashier import paths
from cashier.domain.errors import CashierError, Refused
from cashier.till.setting_up import SetUp
from cashier.till.starting import NOT_OPENED, UNTOUCHED, StartFault, Trouble

if TYPE_CHECKING:
    from cashier.first_set_up import Enrol
    from cashier.settings import Settings

KEYRING = "keyring"
_UNKNOWN_KEY = "is not a setting"
_NEWER = (
    "is not a setting of this version. It is misspelt, or a newer version of the program has written it: "
    "mend it, or update the program."
)


class Starting:
    """One machine's till before it is open. `enrol` redeems enrolment codes, where that can be done."""

    def __init__(self, file: Path, environ: Mapping[str, str], enrol: "Enrol | None" = None) -> None:
        self._file, self._environ, self._enrol = file, environ, enrol

    def is_new(self) -> bool:
        """See StartDesk."""
        return not self._file.exists() and self._journal() is None and not self._last_good()

    def look(self) -> Trouble | None:
        """See StartDesk."""
        if not self._file.exists():
            return self._lost()
        faults = self._faults()
        if not faults:
            return None
        return Trouble("The till is not started", UNTOUCHED, faults, self._last_good())

    def trouble_of(self, error: CashierError) -> Trouble:
        """See StartDesk."""
        lines = error.faults if isinstance(error, Refused) else (error.user_text,)
        faults = tuple(StartFault("", "", line) for line in lines)
        return Trouble("The till could not be started", NOT_OPENED, faults, "")

    def go_back(self) -> str:
        """See StartDesk."""
        from cashier.administering import settings_file

        was_there = self._file.exists()
        aside = settings_file(self._file).go_back()
        kept = f" The settings that did not work are kept in {aside}." if was_there else ""
        return f"The settings that last worked are in place again.{kept}"

    def set_up(self) -> SetUp:
        """See StartDesk."""
        from cashier.first_set_up import FirstSetUp

        return FirstSetUp(self._file, self._environ, self._enrol)

    # -- parts ---------------------------------------------------------------------------------------------

    def _lost(self) -> Trouble:
        """There is no settings file, and yet this was a till."""
        journal = self._journal()
        there = f" The till's journal is there: {journal}." if journal else ""
        reason = (
            f"there is no settings file.{there} Put the file back from a backup, or from another till of the "
            "site with this till's own `site` and `till`. A journal that was lost is built anew by `cashier "
            "journal restore`, once the settings are there."
        )
        fault = StartFault(str(self._file), "", reason)
        return Trouble("The settings of this till are gone", UNTOUCHED, (fault,), self._last_good())

    def _journal(self) -> Path | None:
        """The journal, where it is as far as can be told without settings."""
        from cashier.data_files import JOURNAL

        given = self._environ.get("CASHIER_DATA_FOLDER")
        file = (Path(given) if given else paths.data_folder(training=False)) / JOURNAL
        return file if file.exists() else None

    def _last_good(self) -> str:
        """The settings that last worked, where they could be gone back to; those there are others."""
        from cashier.administering import settings_file

        good = settings_file(self._file).last_good
        try:
            text = good.read_bytes()
            now = self._file.read_bytes() if self._file.exists() else b""
        except OSError:
            return ""
        return "" if text == now else str(good)

    def _faults(self) -> tuple[StartFault, ...]:
        from cashier.settings import check, faults_of, read_table

        where = str(self._file)
        try:
            table = read_table(self._file)
        except Refused as refused:
            return (StartFault(where, "", refused.user_text.removeprefix(f"{where}: ")),)
        if found := faults_of(table):
            return tuple(
                StartFault("environment", "", fault.reason)
                if fault.key == "environment"
                else StartFault(where, fault.key, _NEWER if fault.reason == _UNKNOWN_KEY else fault.reason)
                for fault in found
            )
        settings = check(table, where)
        if settings.training:
            reason = "belongs to training sessions. Take it out, or train instead."
            return (StartFault(where, "training", reason),)
        return (*self._names(settings), *self._key(settings))

    def _names(self, settings: "Settings") -> tuple[StartFault, ...]:
        """A profile or a fee schedule that is none."""
        from cashier.administering import unknown_names

        faults = unknown_names(settings, file=self._file)
        return tuple(StartFault(str(self._file), fault.key, fault.reason) for fault in faults)

    def _key(self, settings: "Settings") -> tuple[StartFault, ...]:
        """The till's key at the hub, missing or none; without it no card payment could be confirmed."""
        from cashier.gateway.postback import read_till_key
        from cashier.secrets import TILL_KEY, Secrets

        secrets = Secrets(settings.site, settings.till, self._environ)
        try:
            read_till_key(secrets.read(TILL_KEY).get_secret_value())
        except (Refused, ValueError) as error:
            reason = error.user_text if isinstance(error, Refused) else "is no till key"
            return (StartFault(KEYRING, TILL_KEY, reason),)
        return ()
