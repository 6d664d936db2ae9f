"""Readers that come and go, through the real watcher of ports, window, view, sandbox and journal."""

from dataclasses import replace

from cashier.domain.payment import PaymentState
from cashier.readers.discovery import PortInfo
from cashier.till.readers import ReaderState
from cashier.ui.payer import until
from tests.end2end.conftest import VISA, Counter

PORT = PortInfo("COM5", 0x0ACD, 0x0630, "SN1", None, "Stripe reader")
READER = {
    "id": "mag",
    "label": "Stripe reader, window 1",
    "emv_device_id": "MAG-1",
    "connection": "serial",
    "bound_to": "0acd:0630:SN1",
}


async def _stands(counter: Counter, state: ReaderState, device: str = "") -> None:
    def stands() -> bool:
        chosen = counter.till.snapshot().draft.reader
        return chosen is not None and (chosen.state, chosen.device) == (state, device)

    await until(stands, f"the reader {state.name} {device}")


def test_d4_a_reader_unplugged_in_a_payment_leaves_it_in_doubt_until_the_fact(counter: Counter) -> None:
    counter.overrides["readers"] = [READER]
    counter.ports = [PORT]

    async def scenario(counter: Counter) -> None:
        await _stands(counter, ReaderState.CONNECTED, "COM5")
        counter.fill()
        payer = await counter.open_page()
        counter.ports = []
        await counter.state(PaymentState.IN_DOUBT)
        assert "reader_lost" in counter.events()
        assert "failed" not in counter.window.payment.banner.text.casefold()
        await payer.pay_by_typing(VISA)
        await counter.state(PaymentState.APPROVED)
        counter.paid_once()

    counter.run(scenario)
    counter.verify()


def test_d1_a_replugged_reader_takes_the_next_payment_on_its_new_port(counter: Counter) -> None:
    counter.overrides["readers"] = [READER]
    counter.ports = [PORT]

    async def scenario(counter: Counter) -> None:
        await _stands(counter, ReaderState.CONNECTED, "COM5")
        counter.ports = []
        await _stands(counter, ReaderState.MISSING)
        counter.fill()
        assert "not connected" in counter.till.snapshot().draft.card_refusal
        counter.ports = [replace(PORT, device="COM7")]
        await _stands(counter, ReaderState.CONNECTED, "COM7")
        assert counter.kinds().count("reader_moved") == 1
        payer = await counter.open_page()
        await payer.pay_by_typing(VISA)
        await counter.state(PaymentState.APPROVED)

    counter.run(scenario)
    counter.verify()
