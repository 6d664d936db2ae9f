"""The card readers of a till: plugged in, moved, missing, alike, unplugged in the middle of a payment."""

import asyncio
from collections.abc import Callable
from dataclasses import replace

import pytest

from cashier.domain.entries import EntryKind
from cashier.domain.errors import Refused, Unavailable
from cashier.domain.payment import PaymentEvent, PaymentState
from cashier.till.config import Connection, Reader
from cashier.till.ports import Plugged, ReaderTold
from cashier.till.readers import ReaderState, ReaderView
from cashier.till.snapshot import LineState
from tests.till.conftest import CONFIG, LANE, Desk

S, E = PaymentState, PaymentEvent

MAG = Reader(
    "mag",
    "Stripe reader, window 1",
    "MAG-1",
    connection=Connection.SERIAL,
    bound_to="0acd:0630:SN1",
    baud=9600,
)
CHIP = Reader("chip", "Chip reader, window 2", "CHIP-1", connection=Connection.SERIAL, family="verifone_vipa")
TYPING = Reader("typing", "Typing reader", emv=False, connection=Connection.KEYBOARD)

MAG_1 = Plugged("COM5", "0acd:0630:SN1", "SN1", "ID TECH Spectrum III", "idtech_itp")
MAG_2 = Plugged("COM6", "0acd:0630:SN2", "SN2", "ID TECH Spectrum III", "idtech_itp")
PLAIN = Plugged("COM1", title="RS-232")


@pytest.fixture
def desk(make_desk: Callable[..., Desk]) -> Desk:
    return make_desk(readers=(MAG, CHIP, TYPING))


def _plug(desk: Desk, *ports: Plugged) -> None:
    desk.till.readers.are_plugged(ports)


def _view(desk: Desk, reader: Reader = MAG) -> ReaderView:
    return desk.till.readers.view(reader)


def _restart(desk: Desk) -> None:
    desk.restart(desk.till.config)


def _refusal(desk: Desk) -> str:
    return desk.till.snapshot().draft.card_refusal


# -- where a reader is -------------------------------------------------------------------------------------


def test_d1_a_reader_on_another_port_is_followed_without_a_question(desk: Desk) -> None:
    _plug(desk, MAG_1)
    desk.till.choose_reader("mag")
    _plug(desk)
    _plug(desk, replace(MAG_1, device="COM7"))
    assert (_view(desk).state, _view(desk).device) == (ReaderState.CONNECTED, "COM7")
    desk.fill()
    assert _refusal(desk) == ""
    (moved,) = desk.entries(EntryKind.READER_MOVED)
    assert moved.body == {
        "reader": "mag",
        "label": MAG.label,
        "binding": "0acd:0630:SN1",
        "from": "COM5",
        "to": "COM7",
    }


def test_d1_a_move_that_the_disk_has_no_room_for_is_recorded_at_the_next_look(desk: Desk) -> None:
    _plug(desk, MAG_1)
    desk.journal.disk_full = True
    _plug(desk, replace(MAG_1, device="COM7"))
    assert _view(desk).device == "COM7"
    desk.journal.disk_full = False
    _plug(desk, replace(MAG_1, device="COM7"), PLAIN)
    (moved,) = desk.entries(EntryKind.READER_MOVED)
    assert (moved.body["from"], moved.body["to"]) == ("COM5", "COM7")


def test_d1_a_port_that_flaps_is_one_reader_on_one_port(desk: Desk) -> None:
    for _ in range(5):
        _plug(desk, MAG_1)
        _plug(desk)
    _plug(desk, MAG_1)
    assert _view(desk).state is ReaderState.CONNECTED
    assert desk.entries(EntryKind.READER_MOVED, EntryKind.READER_SELECTED) == []


def test_d2_a_missing_reader_is_never_replaced_by_another(desk: Desk) -> None:
    _plug(desk, MAG_1)
    desk.till.choose_reader("mag")
    _restart(desk)
    _plug(desk, MAG_2)
    draft = desk.till.snapshot().draft
    assert draft.reader is not None
    assert (draft.reader.reader, draft.reader.state) == (MAG, ReaderState.MISSING)
    desk.fill()
    assert (
        _refusal(desk)
        == "Stripe reader, window 1 (serial SN1) is not connected. Plug it in, or choose another reader."
    )


async def test_d2_no_card_payment_is_begun_with_a_missing_reader(desk: Desk) -> None:
    _plug(desk, MAG_2)
    desk.till.choose_reader("mag")
    desk.fill()
    with pytest.raises(Refused, match="not connected"):
        await desk.till.pay_by_card()
    assert desk.entries(EntryKind.PAYMENT_ISSUED) == []
    desk.till.choose_reader("typing")
    await desk.till.pay_by_card()
    assert desk.state() is S.OPEN


async def test_d2_a_payment_is_not_tried_again_with_a_reader_that_went(desk: Desk) -> None:
    _plug(desk, MAG_1)
    desk.till.choose_reader("mag")
    desk.gateway.errors.append(Unavailable("Invoice Cloud did not answer."))
    desk.fill()
    with pytest.raises(Unavailable):
        await desk.till.pay_by_card()
    _plug(desk)
    with pytest.raises(Refused, match="not connected"):
        await desk.till.try_again()
    _plug(desk, MAG_1)
    await desk.till.try_again()
    assert desk.state() is S.OPEN


def test_d2_another_reader_on_the_same_port_is_not_the_saved_one(desk: Desk) -> None:
    _plug(desk, MAG_1)
    _plug(desk, replace(MAG_2, device="COM5"))
    assert _view(desk).state is ReaderState.MISSING


def test_the_choice_outlives_a_restart_and_goes_before_the_only_reader(
    make_desk: Callable[..., Desk],
) -> None:
    desk = make_desk(readers=(TYPING,))
    desk.till.choose_reader(None)
    _restart(desk)
    assert desk.till.snapshot().draft.reader is None


def test_a_choice_made_again_is_not_recorded_again(desk: Desk) -> None:
    for _ in range(3):
        desk.till.choose_reader("typing")
    desk.till.new_sale()
    assert len(desk.entries(EntryKind.READER_SELECTED)) == 1
    draft = desk.till.snapshot().draft
    assert draft.reader is not None
    assert draft.reader.reader == TYPING


def test_a_chosen_reader_that_the_settings_name_no_more_leaves_none_chosen(desk: Desk) -> None:
    desk.till.choose_reader("typing")
    desk.restart(replace(desk.till.config, readers=(MAG, CHIP)))
    assert desk.till.snapshot().draft.reader is None


# -- two of the same kind ----------------------------------------------------------------------------------


async def test_d3_of_two_identical_readers_each_window_keeps_its_own(desk: Desk) -> None:
    _plug(desk, MAG_2, MAG_1)
    desk.till.choose_reader("mag")
    assert _view(desk).device == "COM5"
    desk.reader_probe.answers["COM6"] = ReaderTold("identified", is_known=True, serial="SN2")
    told = await desk.till.ask_reader("COM6", "idtech_itp")
    assert told.serial == "SN2"


def test_d3_readers_without_a_serial_number_are_kept_apart_by_their_port(desk: Desk) -> None:
    twin = Plugged("COM8", None, "", "FTDI")
    _plug(desk, replace(twin, device="COM7"), twin)
    desk.till.bind_reader("chip", "COM8")
    assert _view(desk, CHIP).device == "COM8"
    _plug(desk, replace(twin, device="COM7"))
    assert _view(desk, CHIP).state is ReaderState.MISSING


def test_d3_two_with_one_serial_number_are_a_question(desk: Desk) -> None:
    _plug(desk, MAG_1, replace(MAG_1, device="COM6"))
    assert _view(desk).state is ReaderState.AMBIGUOUS
    assert "Two readers look like Stripe reader, window 1 (COM5, COM6)" in _view(desk).refusal
    desk.till.bind_reader("mag", "COM6")
    assert (_view(desk).state, _view(desk).device) == (ReaderState.CONNECTED, "COM6")


# -- unplugged while a payer pays --------------------------------------------------------------------------


async def test_d4_a_reader_unplugged_in_a_payment_leaves_it_in_doubt(desk: Desk) -> None:
    _plug(desk, MAG_1)
    desk.till.choose_reader("mag")
    await desk.open_page()
    _plug(desk)
    assert desk.state() is S.IN_DOUBT
    assert desk.kinds()[-1] == "reader_lost"
    view = desk.till.snapshot().payment
    assert view is not None
    assert "reader was unplugged" in view.standing.sentence
    desk.approve()
    assert desk.state() is S.APPROVED


async def test_d4_another_readers_plug_says_nothing_of_the_payment(desk: Desk) -> None:
    _plug(desk, MAG_1, PLAIN)
    desk.till.bind_reader("chip", "COM1")
    desk.till.choose_reader("mag")
    await desk.open_page()
    _plug(desk, MAG_1)
    assert desk.state() is S.OPEN


async def test_d4_a_disk_that_is_full_just_then_leaves_the_doubt_to_the_restart(desk: Desk) -> None:
    _plug(desk, MAG_1)
    desk.till.choose_reader("mag")
    await desk.open_page()
    desk.journal.disk_full = True
    _plug(desk)
    desk.journal.disk_full = False
    payment = desk.payment.reference
    _restart(desk)
    found = desk.till.payment(payment)
    assert found is not None
    assert found.state is S.IN_DOUBT


# -- the next morning --------------------------------------------------------------------------------------


async def test_d5_a_reader_that_slept_over_night_is_there_again_without_a_restart(desk: Desk) -> None:
    _plug(desk, MAG_1)
    desk.till.choose_reader("mag")
    desk.clock.advance(14 * 3600)
    _plug(desk)  # the hub of the USB ports fell asleep
    _plug(desk, MAG_1)
    await desk.open_page()
    assert desk.state() is S.OPEN


# -- binding and asking ------------------------------------------------------------------------------------


def test_a_reader_is_bound_by_its_usb_id_and_chosen(desk: Desk) -> None:
    _plug(desk, MAG_2)
    desk.till.bind_reader("chip", "COM6")
    (selected,) = desk.entries(EntryKind.READER_SELECTED)
    assert selected.body == {"reader": "chip", "bindings": {"chip": "0acd:0630:SN2"}}
    _restart(desk)
    _plug(desk, replace(MAG_2, device="COM9"))
    draft = desk.till.snapshot().draft
    assert draft.reader is not None
    assert (draft.reader.reader, draft.reader.device) == (CHIP, "COM9")


def test_a_port_stands_for_one_reader_only(desk: Desk) -> None:
    _plug(desk, MAG_1)
    desk.till.bind_reader("chip", "COM5")
    assert _view(desk).state is ReaderState.UNBOUND
    assert _view(desk, CHIP).device == "COM5"
    assert desk.till.readers.bound_on(MAG_1) == CHIP


@pytest.mark.parametrize(
    ("reader", "device", "why"),
    [
        ("nobody", "COM5", "not set up"),
        ("typing", "COM5", "Typing reader has no port: types into the payment page"),
        ("mag", "COM99", "nothing on COM99"),
    ],
)
def test_what_cannot_be_bound_is_refused_and_nothing_recorded(
    desk: Desk, reader: str, device: str, why: str
) -> None:
    _plug(desk, MAG_1)
    with pytest.raises(Refused, match=why):
        desk.till.bind_reader(reader, device)
    assert desk.entries(EntryKind.READER_SELECTED) == []


def test_what_the_journal_cannot_keep_is_not_chosen(desk: Desk) -> None:
    _plug(desk, MAG_1)
    desk.journal.disk_full = True
    for verb in (lambda: desk.till.choose_reader("mag"), lambda: desk.till.bind_reader("chip", "COM5")):
        with pytest.raises(Unavailable, match="disk is full"):
            verb()
    assert desk.till.snapshot().draft.reader is None
    assert _view(desk, CHIP).state is ReaderState.UNBOUND


def test_the_standing_of_each_kind_is_said(desk: Desk) -> None:
    assert [view.state for view in desk.till.readers.views()] == [
        ReaderState.LOOKING,
        ReaderState.UNBOUND,
        ReaderState.ELSEWHERE,
    ]
    _plug(desk, MAG_1)
    assert [view.standing for view in desk.till.readers.views()] == [
        "connected on COM5",
        "no port yet",
        "types into the payment page",
    ]
    assert desk.till.readers.view(LANE).standing == "driven by Invoice Cloud"


async def test_asking_uses_the_line_of_the_reader_that_stands_there(desk: Desk) -> None:
    _plug(desk, MAG_1, PLAIN)
    desk.restart(replace(CONFIG, readers=(replace(MAG, family="idtech_itp", rts_cts=True),)))
    _plug(desk, MAG_1, PLAIN)
    await desk.till.ask_reader("COM5", "idtech_itp")
    await desk.till.ask_reader("COM5", "verifone_vipa")
    await desk.till.ask_reader("COM1", "idtech_itp")
    assert desk.reader_probe.asked == [
        ("COM5", "idtech_itp", 9600, True),
        ("COM5", "verifone_vipa", None, False),
        ("COM1", "idtech_itp", None, False),
    ]


@pytest.mark.parametrize(
    "doubt",
    [
        lambda desk: None,
        lambda desk: _plug(desk),
        lambda desk: desk.till.line_is(LineState.OFFLINE),
        lambda desk: desk.hint(E.PAGE_FAILED),
    ],
    ids=["open", "reader lost", "line lost", "page failed"],
)
async def test_no_reader_is_asked_while_a_page_may_stand(desk: Desk, doubt: Callable[[Desk], None]) -> None:
    _plug(desk, MAG_1)
    desk.till.choose_reader("mag")
    await desk.open_page()
    doubt(desk)
    with pytest.raises(Refused, match="page"):
        await desk.till.ask_reader("COM5", "idtech_itp")
    assert desk.reader_probe.asked == []
    desk.hint(E.PAGE_CLOSED)
    await desk.till.ask_reader("COM5", "idtech_itp")
    assert len(desk.reader_probe.asked) == 1


async def test_no_payment_is_begun_while_a_reader_is_asked(desk: Desk) -> None:
    _plug(desk, MAG_1)
    desk.till.choose_reader("mag")
    desk.fill()
    desk.reader_probe.held = asyncio.Event()
    asking = asyncio.create_task(desk.till.ask_reader("COM5", "idtech_itp"))
    await asyncio.sleep(0)
    with pytest.raises(Refused, match="is being asked what it is"):
        await desk.till.pay_by_card()
    with pytest.raises(Refused, match="asked already"):
        await desk.till.ask_reader("COM5", "idtech_itp")
    desk.reader_probe.held.set()
    await asking
    await desk.till.pay_by_card()
    assert desk.state() is S.OPEN


def test_readers_say_what_asking_does(desk: Desk) -> None:
    assert set(desk.till.reader_families()) == {"idtech_itp", "verifone_vipa"}
    assert desk.till.reader_announces("verifone_vipa") == "Its display goes dark for a moment."
    assert desk.till.reader_announces("idtech_itp") == ""
