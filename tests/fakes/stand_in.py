"""The rehearsal's StandIn without a sandbox: it remembers what it was asked for."""

from cashier.domain.errors import Unavailable
from cashier.till.rehearsal_cases import Case


class FakeStandIn:
    """`asked` has every case that was armed, None for disarming; `is_gone`: it does not answer."""

    def __init__(self) -> None:
        self.asked: list[Case | None] = []
        self.line_is_down = False
        self.is_gone = False
        self.restored = 0

    async def arm(self, case: Case | None) -> None:
        """See the port."""
        self._answer()
        self.asked.append(case)

    async def drop_line(self, *, down: bool) -> None:
        """See the port."""
        self._answer()
        self.line_is_down = down

    async def restore_customers(self) -> None:
        """See the port."""
        self._answer()
        self.restored += 1

    def _answer(self) -> None:
        if self.is_gone:
            raise Unavailable("The stand-in for Invoice Cloud does not answer.")
