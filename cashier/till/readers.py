"""The card readers of a till: which is chosen, which port each stands on, and whether it is there.

What the clerk chose and what each reader is bound to is in the journal, so that the next start knows it. A
reader that is missing is never replaced by another one: the clerk chooses (behaviours D1 to D5). No port is
ever held open; whether a reader is there is told by the list of ports, again and again.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from enum import Enum, auto

from cashier.domain.entries import Draft, EntryKind, Json
from cashier.domain.errors import InDoubt, Refused, Unavailable
from cashier.till.config import Connection, Reader
from cashier.till.identity import new_id
from cashier.till.ports import Clock, Journal, Plugged, Randomness

SAY_WHICH = "Open the readers (Shift+F7) and say which it is."


class ReaderState(Enum):
    """Whether a reader can be used."""

    ELSEWHERE = auto()  # no port of this machine: the page or the gateway drives it
    CONNECTED = auto()
    MISSING = auto()
    AMBIGUOUS = auto()  # more than one looks like it
    UNBOUND = auto()  # nobody said yet which port it is
    LOOKING = auto()  # the ports were not listed yet


@dataclass(frozen=True)
class ReaderView:
    """A reader as the clerk sees it. `refusal` says why it cannot be used, or is empty."""

    reader: Reader
    state: ReaderState
    standing: str
    refusal: str
    device: str = ""


class CardReaders:
    """The readers that the settings name, and the ports that the machine has."""

    def __init__(
        self,
        readers: Sequence[Reader],
        clock: Clock,
        randomness: Randomness,
        journal: Journal,
        changed: Callable[[], None],
        lost: Callable[[Reader], None],
    ) -> None:
        self._readers = tuple(readers)
        self._clock, self._randomness, self._journal = clock, randomness, journal
        self._changed, self._lost = changed, lost
        self._plugged: tuple[Plugged, ...] | None = None
        self._places: dict[str, str] = {}
        selected = journal.last_of(EntryKind.READER_SELECTED)
        kept: Json = selected.body if selected else {"reader": None, "bindings": {}}
        self._is_chosen = selected is not None
        self._chosen: str | None = kept["reader"]
        #: What the clerk bound; it goes over the settings.
        self._bindings: dict[str, str] = dict(kept["bindings"])

    # -- looking -----------------------------------------------------------------------------------------

    @property
    def plugged(self) -> tuple[Plugged, ...]:
        """The ports there are now."""
        return self._plugged or ()

    def views(self) -> tuple[ReaderView, ...]:
        """Every reader of the settings, as it stands."""
        return tuple(self.view(reader) for reader in self._readers)

    def view(self, reader: Reader) -> ReaderView:
        """One reader, as it stands."""
        if reader.connection is Connection.KEYBOARD:
            return ReaderView(reader, ReaderState.ELSEWHERE, "types into the payment page", "")
        if reader.connection is Connection.GATEWAY:
            return ReaderView(reader, ReaderState.ELSEWHERE, "driven by Invoice Cloud", "")
        binding = self.binding(reader)
        if not binding:
            why = f"{reader.label} is not bound to a port yet. {SAY_WHICH}"
            return ReaderView(reader, ReaderState.UNBOUND, "no port yet", why)
        if self._plugged is None:
            why = f"{reader.label} is being looked for. Try again in a moment."
            return ReaderView(reader, ReaderState.LOOKING, "looking for it …", why)
        name = _named(binding)
        match self._found(binding):
            case (one,):
                return ReaderView(reader, ReaderState.CONNECTED, f"connected on {one.device}", "", one.device)
            case ():
                why = f"{reader.label} ({name}) is not connected. Plug it in, or choose another reader."
                return ReaderView(reader, ReaderState.MISSING, f"not connected ({name})", why)
            case found:
                ports = ", ".join(item.device for item in found)
                why = f"Two readers look like {reader.label} ({ports}). {SAY_WHICH}"
                return ReaderView(reader, ReaderState.AMBIGUOUS, f"one of {ports}", why)

    def binding(self, reader: Reader) -> str:
        """`vid:pid:serial` or a port's name; empty for none."""
        return self._bindings.get(reader.id, reader.bound_to)

    def bound_on(self, port: Plugged) -> Reader | None:
        """The reader that stands on a port."""
        return next((view.reader for view in self.views() if view.device == port.device), None)

    def refuse(self, reader: Reader | None) -> None:
        """Raise Refused when a reader cannot be used now. No reader at all is always possible."""
        if reader is not None and (refusal := self.view(reader).refusal):
            raise Refused(refusal)

    def of_id(self, reader_id: str | None) -> Reader | None:
        """The reader of an id."""
        return next((reader for reader in self._readers if reader.id == reader_id), None)

    def of_label(self, label: str) -> Reader | None:
        """The reader of a label; payments keep the label."""
        return next((reader for reader in self._readers if reader.label == label), None)

    def at_start(self) -> str | None:
        """The reader of a new sale: the one chosen last, there or not; else the only one there is."""
        if self._is_chosen and (self._chosen is None or self.of_id(self._chosen) is not None):
            return self._chosen
        return self._readers[0].id if len(self._readers) == 1 else None

    # -- choosing ----------------------------------------------------------------------------------------

    def choose(self, reader_id: str | None) -> None:
        """The clerk's choice; None is a card typed in by the payer. Raises Refused for an unknown reader."""
        if reader_id is not None and self.of_id(reader_id) is None:
            raise Refused("This reader is not set up at this till.")
        if self._is_chosen and reader_id == self._chosen:
            return
        self._select(reader_id, self._bindings)

    def bind(self, reader_id: str, device: str) -> None:
        """The clerk says that a reader is the one on a port, and chooses it.

        It is known by its USB ids and serial number from now on, wherever it is plugged in; by the port when
        it has no serial number or another one has the same. Raises Refused for an unknown reader or port.
        """
        reader = self.of_id(reader_id)
        if reader is None:
            raise Refused("This reader is not set up at this till.")
        if reader.connection is not Connection.SERIAL:
            raise Refused(f"{reader.label} has no port: {self.view(reader).standing}.")
        port = next((item for item in self.plugged if item.device == device), None)
        if port is None:
            raise Refused(f"There is nothing on {device} any more. Plug the reader in again.")
        alike = [item for item in self.plugged if item.usb_id == port.usb_id]
        binding = port.usb_id if port.usb_id and len(alike) == 1 else device
        # One port, one reader: whoever stood there before stands nowhere now.
        same = {binding, port.usb_id, device}
        others = {other.id: "" for other in self._readers if self.binding(other) in same}
        self._places.pop(reader_id, None)
        self._select(reader_id, {**self._bindings, **others, reader_id: binding})
        self._follow()

    def _select(self, reader_id: str | None, bindings: dict[str, str]) -> None:
        self._record(EntryKind.READER_SELECTED, {"reader": reader_id, "bindings": bindings})
        self._is_chosen, self._chosen, self._bindings = True, reader_id, bindings

    # -- the ports ---------------------------------------------------------------------------------------

    def are_plugged(self, plugged: Sequence[Plugged]) -> None:
        """The ports there are now. A reader that moved is followed, one that went away is told of."""
        before = {view.reader.id for view in self.views() if view.state is ReaderState.CONNECTED}
        self._plugged = tuple(plugged)
        self._follow()
        for view in self.views():
            if view.reader.id in before and view.state is not ReaderState.CONNECTED:
                self._lost(view.reader)
        self._changed()

    def _follow(self) -> None:
        """Record each reader that stands on another port than last time (behaviour D1)."""
        for view in self.views():
            known = self._places.get(view.reader.id)
            if not view.device or view.device == known:
                continue
            if known:
                body = {
                    "reader": view.reader.id,
                    "label": view.reader.label,
                    "binding": self.binding(view.reader),
                    "from": known,
                    "to": view.device,
                }
                try:
                    self._record(EntryKind.READER_MOVED, body)
                except (Unavailable, InDoubt):
                    continue  # told at the next list of ports, if the journal can be written then
            self._places[view.reader.id] = view.device

    def _found(self, binding: str) -> tuple[Plugged, ...]:
        return tuple(port for port in self.plugged if binding in (port.usb_id, port.device))

    def _record(self, kind: EntryKind, body: Json) -> None:
        self._journal.record([Draft(str(new_id(self._clock, self._randomness)), kind, "readers", body)])


def _named(binding: str) -> str:
    """A binding for a person: the serial number, or the port."""
    parts = binding.split(":", 2)
    return f"serial {parts[2]}" if len(parts) == 3 else binding
