"""How the gateway tells: postbacks, one an invoice or one for all, twice, late, never; and what else arrives.

A postback is sent again until it is answered 204.
"""

import asyncio
from collections.abc import Callable, Iterable
from typing import TYPE_CHECKING
from urllib.parse import urlencode

from tests.simulation.gateway import BILLERS, Charge, Gateway, Session

if TYPE_CHECKING:
    from tests.simulation.hub import SimHub
    from tests.simulation.network import Line

#: Published test card numbers, as careless people write them. Not one may be found anywhere afterwards.
CANARIES = ("4111111111111111", "4111 1111 1111 1111", "4111-1111-1111-1111", "5500005555555559")
AGAIN_S = (5.0, 30.0, 120.0, 600.0, 3600.0)
LIES = ("amount", "reference", "biller", "invoice", "unclear", "token", "garbage", "other", "guid")

Parameters = dict[str, str]


class Teller:
    """The part of the gateway that sends postbacks to the hub."""

    def __init__(self, gateway: Gateway, hub: "SimHub", line: "Line") -> None:
        self._gateway = gateway
        self._hub = hub
        self._line = line
        self._world = gateway.world
        gateway.teller = self

    # -- what is told -------------------------------------------------------------------------------------

    def tell_approved(self, charge: Charge) -> None:
        """Tell of a charge."""
        world, session = self._world, charge.session
        if len(charge.amounts) > 1 and world.chance(world.scenario.told_each):
            groups = [[number] for number in charge.amounts]
        else:
            groups = [list(charge.amounts)]
        fee = charge.fee_cents
        for numbers in groups:
            parameters = self._parameters(session, numbers) | {
                "Approved": "True",
                "PaymentGUID": charge.guid,
                "PaymentAmount": _amount(sum(charge.amounts[number] for number in numbers)),
                "ConvenienceFee": _amount(fee),
                "PaymentMessage": charge.message,
                "CardType": charge.card,
            }
            fee = 0
            self._send(session.postback_path, parameters, _noted(charge.heard, numbers))
        if world.chance(world.faults.forged):
            self._forge(charge)

    def tell_declined(self, session: Session, amounts: dict[str, int]) -> None:
        """Tell of a card that was refused."""
        parameters = self._parameters(session, list(amounts)) | {
            "Approved": "False",
            "PaymentGUID": self._world.new_guid(),
            "PaymentAmount": _amount(sum(amounts.values())),
            "PaymentMessage": "DECLINED - DO NOT HONOR",
            "CardType": "VISA",
        }
        self._send(session.postback_path, parameters, lambda: None)

    def _parameters(self, session: Session, numbers: list[str]) -> Parameters:
        world = self._world
        named = numbers if world.chance(0.8) or len(numbers) < 2 else numbers[:1]
        parameters = {
            "BillerGUID": BILLERS[session.biller],
            "PaymentDate": world.clock.now().strftime("%m/%d/%Y %I:%M:%S %p"),
            "InvoiceNumber": ",".join(named),
            "CustomerName": session.payer,
            "PaymentTypeID": "1",
            "BillerReference": session.reference,
            "ConvenienceFee": "0.00",
            "RemoteIP": "203.0.113.7",
        }
        if world.chance(world.scenario.canary):
            canary = world.random.choice(CANARIES)
            place = world.random.choice(
                ("CustomerName", "CustomerAddress", "PaymentDescription", "Memo", canary)
            )
            parameters[place] = f"{parameters.get(place, '')} {canary} exp 12/29".strip()
        return parameters

    # -- how it is told -----------------------------------------------------------------------------------

    def _send(self, path: str, parameters: Parameters, heard: Callable[[], None]) -> None:
        world, faults = self._world, self._world.scenario
        body = urlencode(parameters).encode()
        if world.chance(faults.never_told):
            world.note(f"gateway: will never tell of {parameters['BillerReference'][:14]}")
            return
        delay = world.random.expovariate(1 / 2)
        if world.chance(faults.told_late):
            delay = world.random.uniform(30, 6 * 3600)
        if world.chance(faults.told_days_late):
            delay = world.random.uniform(86_400, 3 * 86_400)
        world.spawn(self._deliver(path, body, delay, heard), "postback")
        if world.chance(faults.told_twice):
            again = delay + world.random.choice((0.0, 0.5, 60.0, 7200.0))
            world.spawn(self._deliver(path, body, again, heard), "postback again")

    async def _deliver(self, path: str, body: bytes, delay: float, heard: Callable[[], None]) -> None:
        world = self._world
        await world.sleep_or_calm(delay)
        for wait in (*AGAIN_S, *AGAIN_S[-1:] * 10_000):
            status = await self.post(path, body)
            if status == 204:
                heard()
                return
            if status in (400, 404, 413, 415):
                world.note(f"gateway: its postback was answered {status}")
            await world.sleep_or_calm(wait)

    async def post(self, path: str, body: bytes, query: bytes = b"") -> int | None:
        """One request to the hub; None when no answer came."""
        world, line = self._world, self._line
        await asyncio.sleep(world.latency_s())
        if line.down or world.chance(world.faults.lost_request):
            return None
        status = await self._hub.post(path, body, query)
        await asyncio.sleep(world.latency_s())
        if line.down or world.chance(world.faults.lost_answer):
            return None
        return status

    # -- what is not true ---------------------------------------------------------------------------------

    def _forge(self, charge: Charge) -> None:
        """Send something that looks like this charge and is not true, or is nonsense."""
        world, session = self._world, charge.session
        said = self._parameters(session, list(charge.amounts)) | {
            "Approved": "True",
            "PaymentGUID": charge.guid,
            "PaymentAmount": _amount(charge.total),
            "PaymentMessage": charge.message,
        }
        path, other = session.postback_path, self._other(session)
        match world.random.choice(LIES):
            case "amount":
                said |= {"PaymentAmount": _amount(session.total + 100), "PaymentGUID": world.new_guid()}
            case "reference":
                said |= {"BillerReference": f"{session.till}-0000", "PaymentGUID": world.new_guid()}
            case "biller":
                said |= {"BillerGUID": world.new_guid(), "PaymentGUID": world.new_guid()}
            case "unclear":
                approved = world.random.choice(("true", "Yes", "1", ""))
                said |= {"Approved": approved, "PaymentGUID": world.new_guid()}
            case "invoice":
                said |= {"InvoiceNumber": "BP26-99999-6", "PaymentGUID": world.new_guid()}
            case "token":
                said |= {"PaymentGUID": world.new_guid()}
                path = path[:-1] + ("A" if path[-1] != "A" else "B")
            case "garbage":
                noise = bytes(world.random.randrange(256) for _ in range(200))
                world.spawn(self.post(path, noise), "garbage")
                return
            case "other" if other:
                path = other.postback_path
            case "guid" if other:
                world.spawn(self._reuse_guid(charge, other), "reused guid")
                return
        world.note(f"somebody: forges a postback for {session.reference[:14]}")
        world.spawn(self.post(path, urlencode(said).encode()), "forged")

    def _other(self, session: Session) -> Session | None:
        others = [item for item in self._gateway.sessions.values() if item.till == session.till][-6:]
        return self._world.random.choice([item for item in others if item is not session] or [None])

    async def _reuse_guid(self, charge: Charge, other: Session) -> None:
        """Tell a charge a second time, for another payment: once the till must know the first."""
        world = self._world
        await world.sleep_or_calm(3600)
        if charge.heard >= set(charge.amounts) and not other.charges:
            said = self._parameters(other, list(other.amounts)) | {
                "InvoiceNumber": ",".join(other.amounts),
                "Approved": "True",
                "PaymentGUID": charge.guid,
                "PaymentAmount": _amount(other.total),
                "ConvenienceFee": "0.00",
            }
            world.note(f"gateway: tells {charge.guid[:8]} for {other.reference[:14]}, too")
            await self.post(other.postback_path, urlencode(said).encode())


def _noted(heard: set[str], numbers: Iterable[str]) -> Callable[[], None]:
    numbers = tuple(numbers)
    return lambda: heard.update(numbers)


def _amount(cents: int) -> str:
    return f"{cents // 100}.{cents % 100:02d}"
