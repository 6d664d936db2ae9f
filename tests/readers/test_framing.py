"""The four codecs: golden frames, any split, garbage, flipped bits, the cap."""

import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from cashier.readers.families import FAMILIES, idtech_neo, idtech_nga
from cashier.readers.family import Family
from cashier.readers.framing import ACK, CAP, EOT, FS, NAK, Slip, Vipa

from .conftest import BY_NAME, GOLDEN, Golden, bodies, decoded

#: Golden frames that are wrong, or no single frame of the family.
REJECTED = {"idtech_neo-get_serial_rsp_bad_crc", "magtek_mms-escaping"}

TEXT = st.text(
    st.characters(min_codepoint=0x20, max_codepoint=0x7E) | st.just(chr(FS)), min_size=1, max_size=60
).map(str.encode)


def itp_reply(data: bytes) -> bytes:
    from cashier.readers.families import idtech_itp

    return idtech_itp.codec().encode(b"\x4e" + bytes((len(data),)) + data)


def siso(text: bytes) -> bytes:
    from cashier.readers.families import siso_pinpad

    return siso_pinpad.codec().encode(text, start=siso_pinpad.SI)


def pax(text: bytes) -> bytes:
    from cashier.readers.families import pax_poslink

    return pax_poslink.codec().encode(text)


def neo_reply(body: bytes) -> bytes:
    frame = idtech_neo.encode(0x12, 0x00, body)
    return frame[:-2] + frame[:-3:-1]  # a reply has the CRC the other way round


#: A frame of each family with any data in it.
FRAMES = {
    "idtech_neo": st.binary(max_size=200).map(neo_reply),
    "idtech_itp": TEXT.map(itp_reply),
    "idtech_nga": st.binary(min_size=1, max_size=200).map(
        lambda data: idtech_nga.encode(bytes((ACK,)) + data)
    ),
    "pax_poslink": TEXT.map(pax),
    "magtek_mms": st.binary(max_size=200).map(Slip.encode),
    "verifone_vipa": st.binary(min_size=2, max_size=254).map(Vipa.encode),
    "siso_pinpad": TEXT.map(siso),
    "ingenico_rba": TEXT.map(pax),
}
#: What is no beginning of a frame, and no control byte.
CLEAN_GARBAGE = st.text(st.characters(min_codepoint=0x20, max_codepoint=0x7E), max_size=80).map(str.encode)

each_family = pytest.mark.parametrize("family", FAMILIES, ids=lambda family: family.name)
quick = settings(max_examples=60, suppress_health_check=[HealthCheck.function_scoped_fixture])


@pytest.mark.parametrize("golden", GOLDEN, ids=str)
def test_a_golden_frame_decodes(golden: Golden) -> None:
    frames = [frame for frame in decoded(BY_NAME[golden.family], golden.data) if frame.body]
    if str(golden) in REJECTED:
        assert [frame.body for frame in frames] in ([], [b"\0\xc0\xdb\x01"])
        return
    controls = bytes((ACK,)) if golden.data[:1] == bytes((ACK,)) else b""
    assert controls + b"".join(frame.raw for frame in frames) == golden.data
    assert len(frames) == (2 if golden.name.endswith("_chained") else 1)


def test_every_family_has_golden_frames() -> None:
    assert {golden.family for golden in GOLDEN} == set(BY_NAME)


def test_escapes_are_undone() -> None:
    assert bodies(BY_NAME["magtek_mms"], bytes.fromhex("C000000000 03DBDCDBDD01C0")) == [b"\0\xc0\xdb\x01"]
    assert Slip.encode(b"\xc0\xdb\x01") == bytes.fromhex("C000000000 03DBDCDBDD01C0")


def test_a_wrong_crc_is_rejected(golden: dict[str, bytes]) -> None:
    codec = idtech_neo.codec()
    assert codec.feed(golden["idtech_neo-get_serial_rsp_bad_crc"]) + codec.gap() == []
    assert codec.bad == 1


@each_family
@quick
@given(data=st.data())
def test_any_split_decodes_to_the_same(family: Family, data: st.DataObject) -> None:
    stream = b"".join(
        data.draw(st.lists(FRAMES[family.name] | CLEAN_GARBAGE | st.binary(max_size=30), max_size=4))
    )
    whole, codec = family.codec(), family.codec()
    expected = whole.feed(stream)
    cuts = data.draw(st.lists(st.integers(0, len(stream)), max_size=10).map(sorted))
    frames = []
    for start, end in zip([0, *cuts], [*cuts, len(stream)], strict=True):
        frames += codec.feed(stream[start:end])
    assert frames == expected
    assert (codec.junk, codec.bad, codec.held) == (whole.junk, whole.bad, whole.held)
    assert codec.gap() == whole.gap()


@each_family
@quick
@given(data=st.data())
def test_garbage_before_and_after_is_skipped(family: Family, data: st.DataObject) -> None:
    frame = data.draw(FRAMES[family.name])
    codec = family.codec()
    first = codec.feed(data.draw(CLEAN_GARBAGE))
    if family.codec is Vipa:  # it has no start byte: only silence tells garbage from a frame
        first += codec.gap()
    first += codec.feed(frame + data.draw(CLEAN_GARBAGE)) + codec.gap()
    assert [found.raw for found in first] == [frame]


@pytest.mark.parametrize("name", ["idtech_neo", "magtek_mms", "pax_poslink", "ingenico_rba", "siso_pinpad"])
@quick
@given(data=st.data())
def test_any_bytes_before_are_skipped_once_the_line_was_silent(name: str, data: st.DataObject) -> None:
    family = BY_NAME[name]
    frame = data.draw(FRAMES[name])
    codec = family.codec()
    codec.feed(data.draw(st.binary(max_size=100)))
    codec.gap()
    assert frame in [found.raw for found in codec.feed(frame)]


@pytest.mark.parametrize("name", ["idtech_neo", "idtech_nga"])
@quick
@given(data=st.data())
def test_no_flipped_bit_yields_a_frame(name: str, data: st.DataObject) -> None:
    frame = bytearray(data.draw(FRAMES[name]))
    place = data.draw(st.integers(0, len(frame) * 8 - 1))
    frame[place // 8] ^= 1 << place % 8
    assert bodies(BY_NAME[name], bytes(frame)) == []


#: Delimiters, and lengths in the frame: what a flip must not make or hit, for an LRC to be able to tell.
_STRUCTURE = {
    "idtech_itp": (b"\x02\x03", {2}),
    "pax_poslink": (b"\x02\x03", set()),
    "ingenico_rba": (b"\x02\x03", set()),
    "siso_pinpad": (b"\x02\x03\x0e\x0f", set()),
    "verifone_vipa": (b"", {2}),
}


@pytest.mark.parametrize("name", _STRUCTURE)
@quick
@given(data=st.data())
def test_no_flipped_bit_yields_a_frame_by_its_lrc(name: str, data: st.DataObject) -> None:
    made, lengths = _STRUCTURE[name]
    frame = data.draw(FRAMES[name])
    bits = 7 if name == "siso_pinpad" else 8  # its eighth bit is parity, and not looked at
    places = [
        (at, bit)
        for at in range(len(frame))
        for bit in range(bits)
        if at not in lengths and (frame[at] ^ 1 << bit) not in made
    ]
    at, bit = data.draw(st.sampled_from(places))
    flipped = bytes(byte ^ (1 << bit if place == at else 0) for place, byte in enumerate(frame))
    assert bodies(BY_NAME[name], flipped) == []


@pytest.mark.parametrize("lrc", [ACK, NAK, EOT, 0x02, 0x03, 0x0E, 0x0F, 0x00])
@pytest.mark.parametrize("name", ["pax_poslink", "ingenico_rba", "siso_pinpad", "idtech_itp"])
def test_one_byte_after_the_end_is_the_lrc_whatever_its_value(name: str, lrc: int) -> None:
    build = {"siso_pinpad": siso, "idtech_itp": itp_reply}.get(name, pax)
    found = (
        build(b"AB" + bytes((a, b, c))) for a in range(48, 123) for b in range(48, 58) for c in (65, 97, 49)
    )
    frame = next(frame for frame in found if frame[-1] == lrc)
    second = build(b"NEXT")
    assert [got.raw for got in decoded(BY_NAME[name], frame + second)] == [frame, second]


@pytest.mark.parametrize("length", range(1, 30))
def test_an_itp_length_may_look_like_anything(length: int) -> None:
    frame = itp_reply(b"\x03\x02\x15\x06\x16\x17"[:length].ljust(length, b"A"))
    assert [got.raw for got in decoded(BY_NAME["idtech_itp"], frame)] == [frame]


def test_nothing_in_a_damaged_itp_frame_is_a_control_byte() -> None:
    frame = itp_reply(b"\x16\x17\x15AB")
    damaged = frame[:-1] + bytes((frame[-1] ^ 0x40,))
    assert decoded(BY_NAME["idtech_itp"], damaged) == []
    assert decoded(BY_NAME["idtech_itp"], frame[:-3]) == []  # never finished


@each_family
@quick
@given(data=st.data())
def test_nothing_held_is_longer_than_the_cap(family: Family, data: st.DataObject) -> None:
    codec = family.codec()
    start = data.draw(FRAMES[family.name])[: data.draw(st.integers(1, 14))]
    for _ in range(data.draw(st.integers(1, 5))):
        codec.feed(start + data.draw(st.binary(min_size=1, max_size=20)) * 200)
        assert codec.held <= CAP


@each_family
def test_a_mebibyte_of_anything_leaves_nothing_behind(family: Family, golden: dict[str, bytes]) -> None:
    codec = family.codec()
    for byte in (b"U", b"\0", b"\x02", b"\xc0", b"\x01", b"\x56"):
        codec.feed(byte * (1 << 20))
        assert codec.held <= CAP
        codec.gap()
        assert codec.held == 0
    assert codec.junk >= 1 << 20


@example(b"\xff\xff")
@given(st.binary(min_size=2, max_size=2).filter(lambda size: int.from_bytes(size, "big") > CAP))
def test_an_absurd_length_is_no_frame(size: bytes) -> None:
    good = idtech_neo.SERIAL
    assert bodies(BY_NAME["idtech_neo"], good[:12] + size + good) == [good[10:-2]]


def test_a_vipa_packet_after_damage_counts_only_after_silence() -> None:
    packet = Vipa.encode(b"\xd0\x00\x00\x01")
    codec = Vipa()
    assert codec.feed(b"?" + packet) == []
    assert codec.gap() == []
    assert [frame.raw for frame in codec.feed(packet)] == [packet]


def test_slip_ends_in_a_row_and_bad_escapes_are_passed_over() -> None:
    frame = Slip.encode(b"abc")
    codec = Slip()
    assert [got.body for got in codec.feed(b"\xc0\xc0" + frame + b"\xc0\x02\xdb\x00\xc0" + frame)] == [
        b"\0abc"
    ] * 2
    assert codec.bad == 1


def test_a_repr_says_nothing_of_what_came() -> None:
    secret = b"4111111111111111"
    codec = idtech_neo.codec()
    (frame,) = codec.feed(neo_reply(secret))
    codec.feed(idtech_neo.MAGIC + b"\x12\x00\x00\x20" + secret)
    assert codec.held and repr(codec) == f"LengthPrefixed(held={codec.held}, junk=0, bad=0)"
    assert repr(frame) == "Frame()"
