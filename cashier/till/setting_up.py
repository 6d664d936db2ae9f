"""The guide through a first set-up: what it asks, step by step, and what becomes of the answers.

Each step is held against the same rules as the settings file, of its own keys alone. Nothing is written
before the last step: then the secrets go into the keyring and the settings file is written whole. What a hub
gives for an enrolment code is kept at once, for a code is good only once.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Any, Protocol

from cashier.domain.accounts import Secret
from cashier.domain.errors import Refused
from cashier.domain.settings_change import SettingFault
from cashier.till.set_up_questions import (
    API_KEY,
    CODE_HINT,
    FIXED,
    HUB,
    INVOICE_TYPES,
    NO_PRINTER,
    NO_READER,
    OF_PRINTER,
    OF_READER,
    PRINTER,
    PRINTERS,
    READER,
    READER_ID,
    SCHEDULE_HINT,
    TILL_KEY,
    TYPE_NAME_MAX,
    Choice,
    Field,
    Kind,
    StepName,
)

_MISSING = "is missing"


class EnrolledTill(Protocol):
    """Which till this is now; its key is in the keyring."""

    @property
    def site(self) -> str:
        """The site's name."""

    @property
    def till(self) -> str:
        """The till's code."""

    @property
    def hub_url(self) -> str:
        """The hub's address from here."""

    @property
    def public_url(self) -> str:
        """Where Invoice Cloud reaches the hub, where that differs; else empty."""

    @property
    def text(self) -> str:
        """What happened, in a sentence."""


class SetUp(Protocol):
    """What the guide needs from outside. Raises Refused for what a person can mend; Unavailable, InDoubt."""

    @property
    def where(self) -> str:
        """Where the settings file will be, for people."""

    @property
    def profiles(self) -> tuple[Choice, ...]:
        """The permit systems."""

    @property
    def schedules(self) -> tuple[Choice, ...]:
        """The fee schedules in force today."""

    @property
    def enrols(self) -> bool:
        """Whether a till can be enrolled by a code here."""

    def faults(self, table: Mapping[str, Any]) -> tuple[SettingFault, ...]:
        """What keeps a table from being settings."""

    def unfit(self, table: Mapping[str, Any]) -> str:
        """Why the permit system could send no sale of these settings; empty when it could."""

    def key_fault(self, key: Secret) -> str:
        """Why a text is no till key; empty when it is one."""

    def has_secret(self, site: str, till: str, name: str) -> bool:
        """Whether this machine has a secret of a till already."""

    async def test_key(self, table: Mapping[str, Any], biller: str, key: Secret) -> None:
        """Ask Invoice Cloud whether an API key works; returning means that it does."""

    async def enrol(self, hub_url: str, code: str) -> EnrolledTill:
        """Redeem an enrolment code at a hub."""

    def save(self, table: Mapping[str, Any], secrets: Mapping[str, Secret]) -> None:
        """Keep the secrets, then write the settings file: not where a secret is refused."""


@dataclass
class Guide:
    """The answers so far. `texts` by the names of fields, `types` the invoice types that are ticked."""

    tools: SetUp
    texts: dict[str, str] = field(default_factory=dict)
    types: dict[int, str] = field(default_factory=dict)
    secrets: dict[str, Secret] = field(default_factory=dict, repr=False)
    enrolled: EnrolledTill | None = None
    _typed_types: bool = False

    def __post_init__(self) -> None:
        start = {"till": "A", "biller": "permits", "reader": NO_READER, "printer": NO_PRINTER}
        for name, text in start.items():
            self.texts.setdefault(name, text)
        for name, choices in (("profile", self.tools.profiles), ("schedule", self.tools.schedules)):
            if choices:
                self.texts.setdefault(name, choices[0].value)
        self._follow_schedule()

    # -- answering -----------------------------------------------------------------------------------------

    def answer(self, name: str, text: str) -> None:
        """What a field says now."""
        self.texts[name] = text.strip()
        if name == "schedule":
            self._follow_schedule()

    def keep_secret(self, name: str, secret: Secret) -> None:
        """What a field that nobody sees says now."""
        self.secrets[name] = Secret(secret.reveal().strip())

    def tick(self, type_id: int, name: str, *, on: bool) -> None:
        """Take an invoice type in, or out."""
        self._typed_types = True
        if on:
            self.types[type_id] = name
        else:
            self.types.pop(type_id, None)

    def add_type(self, number: str, name: str) -> None:
        """Take in a type that is not on the list. Raises Refused."""
        if re.fullmatch(r"[0-9]{1,6}", number.strip(), re.ASCII) is None or int(number) == 0:
            raise Refused("The number of an invoice type is one to six digits: Invoice Cloud tells it.")
        if not name.strip() or len(name.strip()) > TYPE_NAME_MAX:
            raise Refused("Type the name of the invoice type, too: it stands on receipts.")
        self.tick(int(number), name.strip(), on=True)

    async def test_key(self) -> None:
        """Whether the API key that was typed works. Raises Refused, Unavailable, InDoubt."""
        key = self.secrets.get(API_KEY, Secret(""))
        if not key:
            raise Refused("Type the API key first.")
        await self.tools.test_key(self.table(), self.texts.get("biller", ""), key)

    async def enrol(self, code: str) -> EnrolledTill:
        """Enrol at the hub: what the hub says of site and till goes over what was typed."""
        told = await self.tools.enrol(self.texts.get("hub", ""), code)
        self.enrolled = told
        self.texts |= {"site": told.site, "till": told.till, "hub": told.hub_url}
        if told.public_url:
            self.texts["public"] = told.public_url
        return told

    def save(self) -> None:
        """Write it all. Raises Refused with every fault, Unavailable."""
        table = self.table()
        if faults := self.tools.faults(table):
            raise Refused("\n".join(f"{fault.key}: {fault.reason}" for fault in faults))
        secrets = {}
        if key := self.secrets.get(API_KEY):
            secrets[f"{API_KEY}-{self.texts['biller']}"] = key
        if (key := self.secrets.get(TILL_KEY)) and not self._is_enrolled:
            secrets[TILL_KEY] = key
        self.tools.save(table, secrets)
        self.secrets.clear()

    # -- looking -------------------------------------------------------------------------------------------

    def table(self) -> dict[str, Any]:
        """The settings of the answers so far, as a settings file has them."""
        text = self.texts
        biller: dict[str, Any] = {
            "name": text.get("biller", ""),
            "invoice_types": {str(type_id): name for type_id, name in sorted(self.types.items())},
        }
        if maximum := text.get("maximum", ""):
            biller["card_maximum"] = maximum
        hub = {"url": text.get("hub", "")}
        if public := text.get("public", ""):
            hub["public_url"] = public
        table: dict[str, Any] = {
            "site": text.get("site", ""),
            "till": text.get("till", ""),
            "agency": text.get("agency", ""),
            "profile": text.get("profile", ""),
            "schedule": text.get("schedule", ""),
            "hub": hub,
            "billers": [biller],
        }
        if text["reader"] != NO_READER:
            table["readers"] = [self._reader()]
        if text["printer"] != NO_PRINTER:
            table["printer"] = self._printer()
        return table

    def fields(self, step: StepName) -> tuple[Field, ...]:
        """What a step asks, after the answers so far."""
        if step is StepName.PERMITS:
            return (
                Field("profile", "Permit system", "profile", "", Kind.CHOICE, self.tools.profiles),
                Field(
                    "schedule", "Fee schedule", "schedule", SCHEDULE_HINT, Kind.CHOICE, self.tools.schedules
                ),
            )
        if step is StepName.HUB:
            title = "Till key, where there is no code" if self.tools.enrols else "Till key"
            key = Field(TILL_KEY, title, "", self._key_hint(), Kind.SECRET)
            code = Field("code", "Enrolment code", "", CODE_HINT, Kind.CODE)
            return (HUB, *((code,) if self.tools.enrols else ()), key)
        if step is StepName.READER:
            return (READER, *OF_READER.get(self.texts["reader"], ()))
        if step is StepName.PRINTER:
            return (PRINTER, *OF_PRINTER.get(self.texts["printer"], ()))
        return FIXED.get(step, ())

    def faults(self, step: StepName) -> dict[str, str]:
        """What is wrong with the answers of a step, by field."""
        wrong = self._faults(step)
        blank = [name for name in wrong if not self.texts.get(name)]
        if blank:  # what is missing keeps other rules from being asked
            whole = replace(self, texts={**self.texts, **dict.fromkeys(blank, "x")})
            wrong = {**whole._faults(step), **wrong}
        return {asked.name: wrong[asked.name] for asked in self.fields(step) if asked.name in wrong}

    def _faults(self, step: StepName) -> dict[str, str]:
        found = self.tools.faults(self.table())
        wrong: dict[str, str] = {}
        for asked in self.fields(step):
            reason = self._secret_fault(asked) if asked.kind is Kind.SECRET else ""
            for fault in found:
                if asked.key and _is_of(fault.key, asked.key):
                    blank = asked.kind is not Kind.TYPES and not self.texts.get(asked.name)
                    reason = reason or (_MISSING if blank else fault.reason)
            if reason:
                wrong[asked.name] = reason
        return wrong

    @property
    def warnings(self) -> tuple[str, ...]:
        """What does not keep the till from opening, and is to be seen to."""
        told = []
        schedule = self._schedule()
        if lacking := sorted(schedule.types - self.types.keys()) if schedule else []:
            numbers = ", ".join(map(str, lacking))
            told.append(
                f"The fee schedule has fees of invoice type {numbers}, which the biller does not have."
            )
        if unfit := self.tools.unfit(self.table()):
            told.append(unfit)
        if not self.secrets.get(API_KEY) and not self._has(f"{API_KEY}-{self.texts['biller']}"):
            told.append("Without the API key no card can be taken; cash and checks can.")
        if self.texts["reader"] == NO_READER:
            told.append("Without a card reader payers type their card into the payment page.")
        return tuple(told)

    def summary(self) -> tuple[tuple[str, str], ...]:
        """What will be written, by name."""
        text = self.texts
        types = ", ".join(f"{type_id} {name}" for type_id, name in sorted(self.types.items()))
        key = self.secrets.get(API_KEY) or self._has(f"{API_KEY}-{text['biller']}")
        return (
            ("Till", f"{text.get('till', '')} of {text.get('site', '')}, {text.get('agency', '')}"),
            ("Permit system", self._title(self.tools.profiles, "profile")),
            ("Fee schedule", self._title(self.tools.schedules, "schedule")),
            ("Biller", f"{text['biller']}: {types}"),
            ("API key", "goes into the keyring" if key else "not given yet"),
            ("Hub", text.get("hub", "")),
            ("Card reader", text.get("label", "") if text["reader"] else "none"),
            ("Printer", PRINTERS[text["printer"]]),
            ("Settings file", self.tools.where),
        )

    # -- parts ---------------------------------------------------------------------------------------------

    def _reader(self) -> dict[str, Any]:
        text = self.texts
        swipes = text["reader"] == "keyboard"
        reader: dict[str, Any] = {
            "id": READER_ID,
            "label": text.get("label", ""),
            "connection": text["reader"],
            "emv": not swipes,
        }
        for name, key in (("device", "emv_device_id"), ("location", "emv_location_id")):
            if text.get(name) and not swipes:
                reader[key] = text[name]
        return reader

    def _printer(self) -> dict[str, Any]:
        text = self.texts
        kind = text["printer"]
        keys = [asked.name for asked in OF_PRINTER.get(kind, ())]
        return {"kind": kind} | {name.removeprefix("printer_"): text[name] for name in keys if text.get(name)}

    @property
    def _is_enrolled(self) -> bool:
        told = self.enrolled
        return told is not None and (told.site, told.till) == (self.texts.get("site"), self.texts.get("till"))

    def _has(self, name: str) -> bool:
        return self.tools.has_secret(self.texts.get("site", ""), self.texts.get("till", ""), name)

    def _secret_fault(self, asked: Field) -> str:
        """The API key can be given later; without its till key no till opens."""
        if asked.name != TILL_KEY or self._is_enrolled:
            return ""
        key = self.secrets.get(TILL_KEY)
        if key:
            return self.tools.key_fault(key)
        if self._has(TILL_KEY):
            return ""
        return f"{_MISSING}: enrol by a code, or type the key" if self.tools.enrols else _MISSING

    def _key_hint(self) -> str:
        if self._is_enrolled:
            return "This till is enrolled: its key is in the keyring. Nothing is to be typed here."
        return "As `cashier hub enrol` printed it. It goes into the keyring and is never shown again."

    def _schedule(self) -> Choice | None:
        return next((one for one in self.tools.schedules if one.value == self.texts.get("schedule")), None)

    def _follow_schedule(self) -> None:
        """Until somebody says otherwise, the biller has the types that the fees need."""
        schedule = self._schedule()
        if not self._typed_types and schedule is not None:
            self.types = {number: INVOICE_TYPES.get(number, "Fees") for number in sorted(schedule.types)}

    def _title(self, choices: tuple[Choice, ...], name: str) -> str:
        return next((one.title for one in choices if one.value == self.texts.get(name)), "")


def _is_of(key: str, setting: str) -> bool:
    """Whether a fault's key is a setting's, or of something in it."""
    return key == setting or key.startswith((f"{setting}.", f"{setting}["))
