"""The families' probes, played without a port; and everything that may ever be written to one."""

import ast
from collections.abc import Mapping
from pathlib import Path

import pytest

import cashier.readers
from cashier.readers.families import FAMILIES, family_named
from cashier.readers.family import Family, Identity, Outcome, clean
from cashier.readers.framing import ACK, EOT, NAK, Vipa

from .conftest import BY_NAME, play

NEO = "5669564F746563683200"

#: Every byte string that the product can write to a port. What is not here is not sent: change it with care.
ALLOWED = {
    "idtech_neo": {f"{NEO}18010000B3CD", f"{NEO}1201000018A5", f"{NEO}29000000DEA0"},
    "idtech_itp": {"02524E031D", "0252220371", "02524C031F"},
    "idtech_nga": {"0203007846201EDE03", "0203007846310FEF03"},
    "pax_poslink": {"024130301C312E33351C035B", "06", "15", "04"},
    "magtek_mms": {
        f"C00000000022AA00810401{ref}D1018418D10181072B06010401F6098501028704020101018902C100C0"
        for ref in ("B5", "B6", "B7")
    },
    "verifone_vipa": {"010004D0000001D4"},
    "siso_pinpad": {"0F30360E08", "06", "15", "04"},
    "ingenico_rba": {"0230372E032A", "06", "15", "04"},
}


def test_these_are_all_the_bytes_that_can_be_sent() -> None:
    assert {
        family.name: {command.hex().upper() for command in family.commands} for family in FAMILIES
    } == ALLOWED


def test_ports_are_written_to_in_one_place() -> None:
    room = Path(cashier.readers.__path__[0])
    places = [
        file.name
        for file in sorted(room.rglob("*.py"))
        for node in ast.walk(ast.parse(file.read_text(encoding="utf-8")))
        if isinstance(node, ast.Attribute) and node.attr in ("write", "writelines", "sendall", "send_break")
    ]
    assert places == ["probe.py"]


@pytest.mark.parametrize(
    ("family", "request_"),
    [
        ("idtech_neo", "get_serial_req"),
        ("idtech_neo", "get_firmware_req"),
        ("idtech_itp", "review_serial_req"),
        ("idtech_itp", "review_firmware_req"),
        ("idtech_itp", "review_encryption_req"),
        ("idtech_nga", "get_model_req"),
        ("idtech_nga", "get_firmware_req"),
        ("pax_poslink", "initialize_req_1_35"),
        ("magtek_mms", "get_serial_req"),
        ("verifone_vipa", "reset_device_serial_req"),
        ("siso_pinpad", "get_serial_req"),
        ("ingenico_rba", "unit_data_req"),
    ],
)
def test_what_is_sent_is_the_golden_frame(family: str, request_: str, golden: Mapping[str, bytes]) -> None:
    assert golden[f"{family}-{request_}"] in BY_NAME[family].commands


def test_a_visible_effect_is_announced() -> None:
    announced = {family.name for family in FAMILIES if family.announces}
    assert announced == {"pax_poslink", "verifone_vipa", "siso_pinpad"}
    assert {family.name for family in FAMILIES if family.experimental} == {"siso_pinpad", "ingenico_rba"}


def test_families_are_found_by_name() -> None:
    assert family_named("verifone_vipa") is BY_NAME["verifone_vipa"]
    assert family_named("nobody") is None


# -- golden replies

REPLIES = [
    (
        "idtech_itp",
        ("review_serial_rsp", "review_encryption_rsp"),
        {"serial": "T123456789", "clear_tracks": True},
    ),
    ("idtech_nga", ("get_model_rsp",), {"model": "SREDKey2-0001"}),
    ("pax_poslink", ("initialize_rsp",), {"serial": "53011234"}),
    ("pax_poslink", ("initialize_rsp_extra_fields",), {"serial": "0820702805", "model": "A920"}),
    ("magtek_mms", ("get_serial_rsp",), {"serial": "B61378A"}),
    ("verifone_vipa", ("reset_device_rsp",), {"serial": "275301234", "model": "P400"}),
    ("verifone_vipa", ("reset_device_rsp_chained",), {"serial": "275301234", "model": "P400"}),
    ("siso_pinpad", ("get_serial_rsp_mx800",), {"serial": "246880401A001234"}),
    ("siso_pinpad", ("get_serial_rsp_uic_unset",), {}),
]


@pytest.mark.parametrize(("name", "replies", "told"), REPLIES)
def test_golden_replies_identify(
    name: str, replies: tuple[str, ...], told: dict[str, str], golden: Mapping[str, bytes]
) -> None:
    answer, sent = play(BY_NAME[name], *(golden[f"{name}-{reply}"] for reply in replies))
    assert (answer.outcome, answer.identity) == (Outcome.IDENTIFIED, Identity(name, **told))  # type: ignore[arg-type]
    assert set(sent) <= BY_NAME[name].commands


@pytest.mark.parametrize(
    ("name", "reply"),
    [(name, replies[0]) for name, replies, _ in REPLIES if name not in ("magtek_mms", "siso_pinpad")],
)
def test_no_flipped_bit_of_a_golden_reply_gives_another_identity(
    name: str, reply: str, golden: Mapping[str, bytes]
) -> None:
    family, right = BY_NAME[name], golden[f"{name}-{reply}"]
    wanted = play(family, right)[0].identity
    for place in range(len(right) * 8):
        flipped = bytearray(right)
        flipped[place // 8] ^= 1 << place % 8
        found = play(family, bytes(flipped))[0].identity
        assert found in (None, wanted), f"bit {place}"


def test_a_neo_reader_that_has_no_serial_number_is_one(golden: Mapping[str, bytes]) -> None:
    from cashier.readers.families import idtech_neo

    ping = idtech_neo.encode(0x18, 0x00)
    answer, _ = play(
        BY_NAME["idtech_neo"],
        ping,
        golden["idtech_neo-get_serial_not_allowed_rsp"],
        golden["idtech_neo-get_firmware_rsp"],
    )
    assert answer.identity == Identity("idtech_neo", firmware="NEO v1.00")
    refused, _ = play(BY_NAME["idtech_neo"], ping, golden["idtech_neo-unknown_subcommand_rsp"])
    assert (refused.outcome, refused.detail) == (Outcome.REFUSED, "status 03")


def test_a_vipa_terminal_that_cancels_has_refused(golden: Mapping[str, bytes]) -> None:
    answer, _ = play(BY_NAME["verifone_vipa"], golden["verifone_vipa-cancelled_rsp"])
    assert (answer.outcome, answer.detail) == (Outcome.REFUSED, "status 9F41")


@pytest.mark.parametrize("data", [b"", b"\xee", b"\xee\x05\x9f\x1e", b"\xee\x81", b"\x9f", b"\xee\x84aaaa"])
def test_an_answer_that_is_no_tlv_is_none(data: bytes) -> None:
    assert play(BY_NAME["verifone_vipa"], Vipa.encode(data + b"\x90\x00"))[0].outcome is Outcome.NOT_ANSWERING


@pytest.mark.parametrize("place", [6, 8, 10, 11, 12, 13])
def test_an_mms_message_that_is_not_the_answer_is_passed_over(
    place: int, golden: Mapping[str, bytes]
) -> None:
    reply = bytearray(golden["magtek_mms-get_serial_rsp"])
    reply[place] ^= 0x40
    assert play(BY_NAME["magtek_mms"], bytes(reply))[0].outcome is Outcome.NOT_ANSWERING


def test_an_rba_answer_without_separators_is_told_as_it_is_but_for_long_numbers() -> None:
    from cashier.readers.families import ingenico_rba

    def reply(text: bytes) -> bytes:
        return ingenico_rba.codec().encode(b"07." + text)

    assert play(BY_NAME["ingenico_rba"], reply(b"INGNCO iPP350 8001"))[0].identity == Identity(
        "ingenico_rba", model="INGNCO iPP350 8001"
    )
    assert play(BY_NAME["ingenico_rba"], reply(b"INGNCO 800123456789"))[0].identity == Identity(
        "ingenico_rba"
    )


@pytest.mark.parametrize("family", FAMILIES, ids=lambda family: family.name)
def test_silence_ends_every_probe(family: Family) -> None:
    answer, sent = play(family)
    assert answer.outcome is Outcome.NOT_ANSWERING
    assert 2 <= len(sent) <= 3


@pytest.mark.parametrize("name", ["pax_poslink", "siso_pinpad", "ingenico_rba"])
def test_terminals_that_acknowledge(name: str, golden: Mapping[str, bytes]) -> None:
    family, nak = BY_NAME[name], bytes((NAK,))
    refused, sent = play(family, nak, nak, nak)
    assert refused.outcome is Outcome.REFUSED
    assert sent[-1] == bytes((EOT,)) and len(sent) == 4
    assert play(family, bytes((EOT,)))[0].outcome is Outcome.REFUSED
    unasked = family.codec().encode(b"99 unasked")
    assert play(family, bytes((ACK,)) + unasked)[1][1] == bytes((ACK,))


@pytest.mark.parametrize(
    ("data", "text"),
    [
        (b" A920 \r\n", "A920"),
        (b"a\x00b\xffc", "a b c"),
        (b"x" * 60, "x" * 40),
        (b"123456789012", "123456789012"),
        (b"1234567890123", ""),
        (b"SN 4111 1111 1111 1111", ""),
        (b"411111-1111111-111", ""),
        (b"4111111111111111=30", ""),
    ],
)
def test_nothing_that_could_be_a_card_number_is_taken_over(data: bytes, text: str) -> None:
    assert clean(data) == text
