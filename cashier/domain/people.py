"""The people of a till: who may do what, and what makes a PIN one.

People are a fold over the entries whose subject is PEOPLE. No entry carries a PIN or a hash of one: the
journal is copied and handed to auditors.
"""

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from enum import StrEnum
from itertools import pairwise

from cashier.domain.entries import Entry, EntryKind, Json
from cashier.domain.errors import Discrepancy, Refused
from cashier.domain.scrub import scrub_card_numbers

#: The subject of every entry that people are folded from.
PEOPLE = "people"
#: Kinds that tell who somebody is, and what became of their PIN.
ROSTER_KINDS = frozenset(
    {
        EntryKind.PERSON_ADDED,
        EntryKind.PERSON_CHANGED,
        EntryKind.PIN_SET,
        EntryKind.PIN_REFUSED,
        EntryKind.PIN_ACCEPTED,
    }
)
#: Every kind that is about people, with those that tell what somebody did.
PEOPLE_KINDS = ROSTER_KINDS | {
    EntryKind.SIGNED_IN,
    EntryKind.SIGNED_OUT,
    EntryKind.SCREEN_LOCKED,
    EntryKind.SCREEN_UNLOCKED,
    EntryKind.PERMISSION_USED,
}

#: A person's name: as it stands on receipts.
NAME_MIN, NAME_MAX = 2, 60
PIN_MAX = 12
#: Wrong PINs in a row after which there is a wait, and how long it is at first and at most, in seconds.
WRONG_MAX = 5
WAIT_FIRST_S = 60
WAIT_MAX_S = 3600

_DIGITS = re.compile(r"[0-9]+", re.ASCII)


class Role(StrEnum):
    """What somebody is at the counter. Persisted by name."""

    CLERK = "clerk"
    SUPERVISOR = "supervisor"
    ADMINISTRATOR = "administrator"


class Permission(StrEnum):
    """What somebody may do. Persisted by name.

    The verbs that need a second person have two: the one to ask for it, and the one to approve it.
    """

    TAKE_PAYMENTS = "take payments"
    TAKE_PART_PAYMENTS = "take part payments"
    OPEN_SHIFT = "open a shift"
    CLOSE_SHIFT = "close a shift"
    PAY_IN_OUT = "pay in and out"
    DROP = "drop cash"
    VOID = "void a receipt"
    REFUND = "refund"
    SEE_EXPECTED_TOTALS = "see expected totals"
    REOPEN_DAY = "reopen a day"
    PRINT_REPORTS = "print reports"
    APPROVE_VOID = "approve a void"
    APPROVE_REFUND = "approve a refund"
    APPROVE_VARIANCE = "approve a variance"
    APPROVE_DROP = "approve a drop"
    APPROVE_VOUCH = "approve what the portal shows"
    APPROVE_BREAK = "acknowledge a break of the journal"
    TAKE_OVER = "take over a locked till"
    MANAGE_PEOPLE = "manage people"
    MANAGE_SETTINGS = "manage settings"


_CLERK = frozenset(
    {
        Permission.TAKE_PAYMENTS,
        Permission.TAKE_PART_PAYMENTS,
        Permission.OPEN_SHIFT,
        Permission.CLOSE_SHIFT,
        Permission.PAY_IN_OUT,
        Permission.DROP,
        Permission.VOID,
        Permission.REFUND,
    }
)
_SUPERVISOR = _CLERK | {
    Permission.SEE_EXPECTED_TOTALS,
    Permission.REOPEN_DAY,
    Permission.PRINT_REPORTS,
    Permission.APPROVE_VOID,
    Permission.APPROVE_REFUND,
    Permission.APPROVE_VARIANCE,
    Permission.APPROVE_DROP,
    Permission.APPROVE_VOUCH,
    Permission.APPROVE_BREAK,
    Permission.TAKE_OVER,
}
#: The one table of who may do what.
PERMISSIONS: Mapping[Role, frozenset[Permission]] = {
    Role.CLERK: _CLERK,
    Role.SUPERVISOR: _SUPERVISOR,
    Role.ADMINISTRATOR: _SUPERVISOR | {Permission.MANAGE_PEOPLE, Permission.MANAGE_SETTINGS},
}

#: The least number of digits of a PIN.
PIN_MIN: Mapping[Role, int] = {Role.CLERK: 4, Role.SUPERVISOR: 6, Role.ADMINISTRATOR: 6}


@dataclass(frozen=True)
class Person:
    """One person. `pin_id` is the entry that set their PIN, or empty; `wrong` counts wrong PINs in a row."""

    id: str
    name: str
    role: Role
    is_active: bool = True
    pin_id: str = ""
    wrong: int = 0

    def may(self, permission: Permission) -> bool:
        """Whether the table allows it."""
        return self.is_active and permission in PERMISSIONS[self.role]


@dataclass(frozen=True)
class Roster:
    """Everybody who was ever added, by id, in the order they were."""

    persons: Mapping[str, Person] = field(default_factory=dict)

    def of_id(self, person_id: str) -> Person:
        """Raises Refused for a person whom nobody added."""
        person = self.persons.get(person_id)
        if person is None:
            raise Refused("This person is not known at this till.")
        return person

    def named(self, name: str) -> Person | None:
        """The person of a name; case and blanks around it do not matter."""
        key = name_key(name)
        return next((person for person in self.persons.values() if name_key(person.name) == key), None)

    @property
    def active(self) -> tuple[Person, ...]:
        """Who may sign in, by name."""
        found = (person for person in self.persons.values() if person.is_active)
        return tuple(sorted(found, key=lambda person: name_key(person.name)))

    def who_may(self, permission: Permission) -> tuple[Person, ...]:
        """Active people whom the table allows something, by name."""
        return tuple(person for person in self.active if person.may(permission))

    def is_last_administrator(self, person: Person) -> bool:
        """Whether without this one nobody could manage people any more."""
        managers = [one.id for one in self.who_may(Permission.MANAGE_PEOPLE) if one.pin_id]
        return managers == [person.id]


def fold_people(entries: Iterable[Entry]) -> Roster:
    """The roster that entries of the subject PEOPLE describe, in order. Raises Discrepancy."""
    roster = Roster()
    for entry in entries:
        roster = step(roster, entry)
    return roster


def step(roster: Roster, entry: Entry) -> Roster:
    """The roster after one more entry. Raises Discrepancy when it does not follow from those before it."""
    body = entry.body
    person_id = str(body["person"])
    known = roster.persons.get(person_id)
    if entry.kind is EntryKind.PERSON_ADDED:
        if known is not None:
            raise Discrepancy(f"Entry {entry.seq} adds person {person_id} a second time.")
        person = Person(person_id, body["name"], Role(body["role"]))
    elif known is None:
        raise Discrepancy(f"Entry {entry.seq} is about person {person_id}, who was never added.")
    else:
        person = _after(known, entry, body)
    return Roster({**roster.persons, person_id: person})


def _after(person: Person, entry: Entry, body: Json) -> Person:
    match entry.kind:
        case EntryKind.PERSON_CHANGED:
            role = Role(body["role"])
            # A short PIN does not go along into a role that asks for a long one.
            keeps_pin = PIN_MIN[role] <= PIN_MIN[person.role]
            return replace(
                person,
                name=body["name"],
                role=role,
                is_active=body["is_active"],
                pin_id=person.pin_id if keeps_pin else "",
            )
        case EntryKind.PIN_SET:
            return replace(person, pin_id=entry.id, wrong=0)
        case EntryKind.PIN_REFUSED:
            return replace(person, wrong=person.wrong + 1)
        case EntryKind.PIN_ACCEPTED:
            return replace(person, wrong=0)
        case _:
            raise Discrepancy(f"Entry {entry.seq} ({entry.kind}) cannot be about people.")


def name_key(name: str) -> str:
    """Names that differ by case or blanks alone are one."""
    return " ".join(name.split()).casefold()


def checked_name(name: str) -> str:
    """A person's name on one line. Raises Refused for one that no receipt could carry."""
    name = " ".join(name.split())
    if not NAME_MIN <= len(name) <= NAME_MAX or not name.isprintable():
        raise Refused(f"A name has {NAME_MIN} to {NAME_MAX} characters.")
    if scrub_card_numbers(name) != name:
        raise Refused("The name has a card number in it. Card numbers are never kept here.")
    return name


def check_pin(pin: str, role: Role) -> None:
    """Raise Refused, never repeating it, for a PIN that is too short, too long or too easy to guess."""
    least = PIN_MIN[role]
    if _DIGITS.fullmatch(pin) is None or not least <= len(pin) <= PIN_MAX:
        article = "An" if role is Role.ADMINISTRATOR else "A"
        raise Refused(f"{article} {role.value}'s PIN is {least} to {PIN_MAX} digits.")
    steps = {(int(after) - int(before)) % 10 for before, after in pairwise(pin)}
    if len(steps) == 1 and steps <= {0, 1, 9}:
        raise Refused("This PIN is too easy to guess: not one digit throughout, and not a run such as 1234.")
    if pin[:2] * 2 == pin:
        raise Refused("This PIN is too easy to guess: not the same two digits twice.")


def could_be_pin(pin: str) -> bool:
    """Whether a text is worth comparing with a PIN at all."""
    return _DIGITS.fullmatch(pin) is not None and len(pin) <= PIN_MAX


def wait_after(wrong: int) -> int:
    """How long nobody can try again after so many wrong PINs in a row, in seconds."""
    if wrong < WRONG_MAX:
        return 0
    # At most ten doublings: the number may grow without bound, the wait may not.
    return min(WAIT_FIRST_S << min(wrong - WRONG_MAX, 10), WAIT_MAX_S)
