"""Who is at the till, and what they may do: signing in, locking the screen, and the second person.

Everything that needs a permission asks `require`, and everything that needs a second person asks `approve`.
Wrong PINs are counted in the journal, so that a restart forgets none; the wait after too many is measured by
the monotonic clock from the last one or from this start, whichever is later, so that neither a restart nor a
changed wall clock shortens it.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from enum import StrEnum

from cashier.domain.entries import Draft, Entry, EntryKind, Json
from cashier.domain.errors import InDoubt, Refused
from cashier.domain.people import (
    PEOPLE,
    PERMISSIONS,
    ROSTER_KINDS,
    WRONG_MAX,
    Permission,
    Person,
    Role,
    Roster,
    check_pin,
    checked_name,
    could_be_pin,
    fold_people,
    name_key,
    step,
    wait_after,
)
from cashier.till.identity import new_id
from cashier.till.ports import Clock, PeopleJournal, PinHasher, Randomness

#: The id of who works unattended: a verb of the command line, under the name of the settings.
UNATTENDED = "unattended"
NOBODY = "Nobody is signed in at this till. Sign in first."
LOCKED = "The till is locked. Unlock it first."


class Method(StrEnum):
    """How somebody came to be at the till. Persisted by name."""

    PIN = "pin"
    UNATTENDED = "unattended"


@dataclass(frozen=True)
class PeopleView:
    """Who is at the till, and who could be: active people by name. `everybody` has the others, too."""

    signed_in: Person | None
    is_locked: bool
    is_first_start: bool
    active: tuple[Person, ...]
    everybody: tuple[Person, ...]


class People:
    """The people of one till. `default_name` is the name under which an unattended verb works."""

    def __init__(
        self,
        default_name: str,
        clock: Clock,
        randomness: Randomness,
        journal: PeopleJournal,
        hasher: PinHasher,
        changed: Callable[[], None],
    ) -> None:
        import asyncio  # it brings in ssl, which nothing before the first paint may

        self._default_name = default_name
        self._clock = clock
        self._randomness = randomness
        self._journal = journal
        self._hasher = hasher
        self._changed = changed
        self._folded: Roster | None = None
        self._started_s = clock.monotonic()
        self._refused_s: dict[str, float] = {}
        self._at_till: Person | None = None
        self._is_locked = False
        # One PIN is compared at a time: many at once would all be within the number that is allowed.
        self._comparing = asyncio.Lock()

    @property
    def _roster(self) -> Roster:
        """Everybody, as the journal has it; read again after a record whose outcome was not known."""
        if self._folded is None:
            self._folded = fold_people(self._journal.entries(PEOPLE))
        return self._folded

    # -- looking -----------------------------------------------------------------------------------------

    def view(self) -> PeopleView:
        """Who is at the till, and who could be."""
        return PeopleView(
            signed_in=self.signed_in,
            is_locked=self._is_locked,
            is_first_start=not self._roster.persons,
            active=self._roster.active,
            everybody=tuple(self._roster.persons.values()),
        )

    @property
    def signed_in(self) -> Person | None:
        """Who is signed in, as they are now; None for nobody."""
        person = self._at_till
        if person is None or person.id == UNATTENDED:
            return person
        return self._roster.of_id(person.id)

    @property
    def name(self) -> str:
        """Who is signed in, for papers and entries; empty for nobody."""
        person = self.signed_in
        return person.name if person else ""

    def refusal(self, permission: Permission) -> str:
        """Why something is not allowed now, or empty."""
        person = self.signed_in
        if person is None:
            return NOBODY
        if self._is_locked:
            return LOCKED
        if not person.may(permission):
            who = "a supervisor" if permission in PERMISSIONS[Role.SUPERVISOR] else "an administrator"
            return f"{person.name} may not {permission.value} here. Ask {who}."
        return ""

    def require(self, permission: Permission) -> Person:
        """Who is signed in, who may do it. Raises Refused when nobody is, or may not."""
        refusal = self.refusal(permission)
        if refusal:
            raise Refused(refusal)
        person = self.signed_in
        assert person is not None
        return person

    def approvers(self, permission: Permission) -> tuple[str, ...]:
        """Names of those who could approve something for whoever is signed in."""
        asker = name_key(self.name)
        return tuple(
            one.name for one in self._roster.who_may(permission) if one.pin_id and name_key(one.name) != asker
        )

    # -- signing in --------------------------------------------------------------------------------------

    async def sign_in(self, name: str, pin: str) -> Person:
        """Sign in; at a locked till unlock it, or, as a supervisor, take it over.

        Raises Refused: for a wrong PIN, in a wait after too many, while somebody else is signed in.
        """
        person = self._may_come(name)
        accepted = await self._prove(person, pin, f"This is not the PIN of {person.name}.")
        person = self._may_come(name)
        here = self.signed_in
        drafts = [*accepted]
        if here is not None and here.id == person.id:
            drafts.append(self._draft(EntryKind.SCREEN_UNLOCKED, person.id, {"person": person.id}))
        else:
            if here is not None:
                body = {"person": here.id, "name": here.name, "taken_over_by": person.id}
                drafts.append(self._draft(EntryKind.SIGNED_OUT, here.id, body))
            drafts.append(self._signed_in(person, Method.PIN))
        self._record(drafts)
        self._at_till, self._is_locked = person, False
        self._changed()
        return person

    def _may_come(self, name: str) -> Person:
        """The person of a name, who may come to the till as it stands."""
        person = self._roster.named(name)
        if person is None or not person.is_active:
            raise Refused("Nobody of this name may sign in at this till.")
        here = self.signed_in
        if here is not None and not self._is_locked:
            raise Refused(f"{here.name} is signed in. Sign out first.")
        if here is not None and here.id != person.id and not person.may(Permission.TAKE_OVER):
            raise Refused(f"{here.name} has locked this till. {here.name} or a supervisor can unlock it.")
        return person

    def unattended(self) -> Person:
        """Sign in the one who works without being there: a verb of the command line. Raises Refused."""
        if self.signed_in is not None:
            raise Refused(f"{self.name} is signed in. Sign out first.")
        person = Person(UNATTENDED, self._default_name, Role.CLERK)
        self._record([self._signed_in(person, Method.UNATTENDED)])
        self._at_till, self._is_locked = person, False
        self._changed()
        return person

    def sign_out(self) -> None:
        """Sign out whoever is signed in, locked or not. What is on the till stays as it is."""
        person = self.signed_in
        if person is None:
            return
        # A disk that is full keeps nobody at the till.
        self._at_till, self._is_locked = None, False
        body = {"person": person.id, "name": person.name}
        self._record_of([self._draft(EntryKind.SIGNED_OUT, person.id, body)])

    def lock(self, idle_s: int = 0) -> None:
        """Lock the screen; payments under way go on. `idle_s` says for how long nobody had been there."""
        person = self.signed_in
        if person is None or self._is_locked:
            return
        self._is_locked = True
        body = {"person": person.id, "idle_s": idle_s}
        self._record_of([self._draft(EntryKind.SCREEN_LOCKED, person.id, body)])

    # -- the second person -------------------------------------------------------------------------------

    async def approve(
        self, name: str, pin: str, permission: Permission, what: str, requester: Person | None = None
    ) -> Person:
        """A second person approves what the one who is signed in (or `requester`) asks for; journalled.

        `what` says what is approved, in the words of its verb and without anything secret. Raises Refused.
        """
        asker = requester or self._require_anybody()
        approver = self._approver(name, permission, asker)
        accepted = await self._prove(approver, pin, "This is not the supervisor's PIN.")
        if requester is None and self._require_anybody().id != asker.id:
            raise Refused("Somebody else has signed in meanwhile. Ask again.")
        approver = self._approver(name, permission, asker)
        body = {
            "person": approver.id,
            "name": approver.name,
            "permission": permission.name,
            "what": what,
            "requester": asker.id,
            "requester_name": asker.name,
        }
        self._record([*accepted, self._draft(EntryKind.PERMISSION_USED, approver.id, body)])
        return approver

    def _require_anybody(self) -> Person:
        person = self.signed_in
        if person is None:
            raise Refused(NOBODY)
        if self._is_locked:
            raise Refused(LOCKED)
        return person

    def _approver(self, name: str, permission: Permission, asker: Person) -> Person:
        approver = self._roster.named(name)
        is_asker = approver is not None and approver.id == asker.id
        if is_asker or name_key(name) == name_key(asker.name):
            raise Refused("The supervisor must be a second person, not the clerk who asks.")
        if approver is None or not approver.may(permission):
            raise Refused("Choose a supervisor of this till.")
        return approver

    # -- managing people ---------------------------------------------------------------------------------

    async def create_first(self, name: str, pin: str) -> Person:
        """Create the first administrator and sign them in: only while nobody was ever added.

        Raises Refused.
        """
        self._refuse_unless_first()
        name = checked_name(name)
        check_pin(pin, Role.ADMINISTRATOR)
        person_id, pin_id = self._new_id(), self._new_id()
        hashed = await self._hasher.hashed(pin_id, pin)
        self._refuse_unless_first()
        person = Person(person_id, name, Role.ADMINISTRATOR, pin_id=pin_id)
        drafts = [
            self._added(person, by=person_id),
            self._pin_set(person, by=person_id),
            self._signed_in(person, Method.PIN),
        ]
        self._record_pin(drafts, person_id, hashed)
        self._at_till, self._is_locked = person, False
        self._changed()
        return person

    def _refuse_unless_first(self) -> None:
        if self._roster.persons:
            raise Refused("There are people at this till already. An administrator adds others.")

    async def add(self, name: str, role: Role, pin: str) -> Person:
        """Add a person with a PIN, as an administrator. Raises Refused."""
        name = self._new_name(name)
        check_pin(pin, role)
        self.require(Permission.MANAGE_PEOPLE)
        person_id, pin_id = self._new_id(), self._new_id()
        hashed = await self._hasher.hashed(pin_id, pin)
        by = self.require(Permission.MANAGE_PEOPLE)
        person = Person(person_id, self._new_name(name), role, pin_id=pin_id)
        self._record_pin([self._added(person, by.id), self._pin_set(person, by.id)], person_id, hashed)
        self._changed()
        return person

    def change(
        self,
        person_id: str,
        *,
        name: str | None = None,
        role: Role | None = None,
        is_active: bool | None = None,
    ) -> Person:
        """Change a person, as an administrator. One who rises from clerk needs a new PIN. Raises Refused.

        Nobody takes the right to manage people from themselves, and so never from the last administrator.
        """
        by = self.require(Permission.MANAGE_PEOPLE)
        person = self._roster.of_id(person_id)
        wanted = Person(
            person.id,
            person.name if name is None else self._new_name(name, person),
            role or person.role,
            person.is_active if is_active is None else is_active,
        )
        if not wanted.may(Permission.MANAGE_PEOPLE):
            if self._roster.is_last_administrator(person):
                raise Refused(
                    f"{person.name} is the last administrator of this till. Make somebody else one first."
                )
            if person.id == by.id:
                raise Refused("Another administrator must do that: nobody takes it from themselves.")
        body = {
            "person": person.id,
            "name": wanted.name,
            "role": wanted.role.value,
            "is_active": wanted.is_active,
            "by": by.id,
        }
        self._record([self._draft(EntryKind.PERSON_CHANGED, PEOPLE, body)])
        self._changed()
        return self._roster.of_id(person_id)

    async def set_pin(self, person_id: str, pin: str) -> None:
        """Give a person a new PIN, as an administrator; it ends a wait after wrong ones. Raises Refused."""
        self.require(Permission.MANAGE_PEOPLE)
        await self._set_pin(person_id, pin, lambda: self.require(Permission.MANAGE_PEOPLE))

    async def set_lost_pin(self, person_id: str, pin: str) -> None:
        """Give an administrator a PIN where no PIN is known any more: the journal was rebuilt from the hub.

        Raises Refused while anybody has one.
        """
        roster = self._roster
        if any(self._journal.pin_hash(person) is not None for person in roster.persons):
            raise Refused("There are PINs at this till. Say which administrator does it: --by NAME.")
        person = roster.of_id(person_id)
        if not (person.is_active and person.may(Permission.MANAGE_PEOPLE)):
            raise Refused(f"{person.name} is no administrator of this till.")
        await self._set_pin(person_id, pin, lambda: roster.of_id(person_id))

    async def change_own_pin(self, old: str, new: str) -> None:
        """Change the PIN of whoever is signed in, who knows the old one. Raises Refused."""
        person = self._require_anybody()
        check_pin(new, person.role)
        self._record(await self._prove(person, old, "This is not your PIN."))
        await self._set_pin(person.id, new, self._require_anybody)

    async def _set_pin(self, person_id: str, pin: str, by: Callable[[], Person]) -> None:
        person = self._roster.of_id(person_id)
        check_pin(pin, person.role)
        pin_id = self._new_id()
        hashed = await self._hasher.hashed(pin_id, pin)
        asker, role = by(), self._roster.of_id(person_id).role
        check_pin(pin, role)
        wanted = Person(person.id, person.name, role, pin_id=pin_id)
        self._record_pin([self._pin_set(wanted, asker.id)], person.id, hashed)
        self._refused_s.pop(person.id, None)
        self._changed()

    def _new_name(self, name: str, person: Person | None = None) -> str:
        name = checked_name(name)
        known = self._roster.named(name)
        if known is not None and known != person:
            raise Refused(f"There is somebody called {known.name} at this till already.")
        return name

    # -- PINs --------------------------------------------------------------------------------------------

    async def _prove(self, person: Person, pin: str, refusal: str) -> list[Draft]:
        """Compare a PIN; what is to be recorded with that which it is for, in the same commit.

        Raises Refused for a wrong one, which is counted, and in a wait after too many.
        """
        async with self._comparing:
            person = self._roster.of_id(person.id)
            self._refuse_waiting(person)
            stored = self._journal.pin_hash(person.id)
            if not person.pin_id or stored is None:
                raise Refused(f"{person.name} has no PIN at this till. An administrator sets one.")
            fits = could_be_pin(pin) and await self._hasher.fits(person.pin_id, stored, pin)
            now = self._roster.of_id(person.id)
            if (now.pin_id, now.is_active) != (person.pin_id, True):
                raise Refused("This person was changed meanwhile. Try again.")
            if fits:
                body = {"person": person.id}
                return [self._draft(EntryKind.PIN_ACCEPTED, PEOPLE, body)] if now.wrong else []
            self._refused_s[person.id] = self._clock.monotonic()
            wrong = now.wrong + 1
            self._record([self._draft(EntryKind.PIN_REFUSED, PEOPLE, {"person": person.id, "wrong": wrong})])
            raise Refused(f"{refusal}{_after_wrong(wrong)}")

    def _refuse_waiting(self, person: Person) -> None:
        since_s = self._refused_s.get(person.id, self._started_s)
        left_s = since_s + wait_after(person.wrong) - self._clock.monotonic()
        if left_s > 0:
            raise Refused(
                f"Too many wrong PINs. Wait {_seconds(int(left_s) + 1)}, or have an administrator set a "
                "new PIN."
            )

    # -- recording ---------------------------------------------------------------------------------------

    def _added(self, person: Person, by: str) -> Draft:
        body = {"person": person.id, "name": person.name, "role": person.role.value, "by": by}
        return self._draft(EntryKind.PERSON_ADDED, PEOPLE, body)

    def _pin_set(self, person: Person, by: str) -> Draft:
        return Draft(person.pin_id, EntryKind.PIN_SET, PEOPLE, {"person": person.id, "by": by})

    def _signed_in(self, person: Person, method: Method) -> Draft:
        body = {
            "person": person.id,
            "name": person.name,
            "role": person.role.value,
            "method": method.value,
        }
        return self._draft(EntryKind.SIGNED_IN, person.id, body)

    def _record(self, drafts: Sequence[Draft]) -> None:
        if drafts:
            self._take(lambda: self._journal.record(drafts))

    def _record_of(self, drafts: Sequence[Draft]) -> None:
        """Record what has happened already: it is shown, whatever becomes of the record."""
        try:
            self._record(drafts)
        finally:
            self._changed()

    def _record_pin(self, drafts: Sequence[Draft], person: str, hashed: str) -> None:
        self._take(lambda: self._journal.record_pin(drafts, person, hashed))

    def _take(self, record: Callable[[], Sequence[Entry]]) -> None:
        """Record, and have the roster follow."""
        roster = self._roster
        try:
            entries = record()
        except InDoubt:
            self._folded = None
            raise
        for entry in entries:
            if entry.kind in ROSTER_KINDS:
                roster = step(roster, entry)
        self._folded = roster

    def _draft(self, kind: EntryKind, subject: str, body: Json) -> Draft:
        return Draft(self._new_id(), kind, subject, body)

    def _new_id(self) -> str:
        return str(new_id(self._clock, self._randomness))


def _after_wrong(wrong: int) -> str:
    if wrong < WRONG_MAX:
        return ""
    return f" Too many were wrong: wait {_seconds(wait_after(wrong))}, then try again."


def _seconds(count: int) -> str:
    return "1 second" if count == 1 else f"{count} seconds"
