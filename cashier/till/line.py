"""The line of the till: whether the hub and the gateway both answer, by asking them (behaviour O6)."""

from dataclasses import dataclass

from cashier.till.snapshot import LineState


@dataclass
class Line:
    """What was heard last of the hub and of the gateway."""

    hub: LineState = LineState.UNKNOWN
    gateway: LineState = LineState.UNKNOWN

    @property
    def state(self) -> LineState:
        """Both together: a card payment needs both."""
        for state in (LineState.OFFLINE, LineState.UNKNOWN):
            if state in (self.hub, self.gateway):
                return state
        return LineState.ONLINE

    @property
    def fault(self) -> str:
        """Why cards cannot be taken, or empty."""
        if self.hub is LineState.OFFLINE:
            return "the postback hub does not answer, so a payment could not be confirmed"
        if self.gateway is LineState.OFFLINE:
            return "Invoice Cloud is not reached"
        return ""
