"""Supervisors with PINs in memory."""

import asyncio

from cashier.domain.errors import Refused

SUPERVISOR, PIN = "Robin Supervisor", "271828"


class FakeApprovers:
    """Knows one supervisor."""

    async def approve(self, name: str, pin: str) -> None:
        """See the port."""
        await asyncio.sleep(0)
        if (name, pin) != (SUPERVISOR, PIN):
            raise Refused("This is not the supervisor's PIN.")
