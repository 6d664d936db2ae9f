"""No card number is ever stored, not even in the raw bytes of a postback."""

from urllib.parse import parse_qsl, unquote_to_bytes, urlencode

from cashier.domain.scrub import may_hold_card_number, scrub_card_numbers


def scrub_form(raw: bytes) -> bytes:
    """Url-encoded bytes without card numbers: the very same bytes when there is none in any name or value.

    Otherwise they are encoded anew; bytes that are no UTF-8 stay what they were.
    """
    # Nearly every postback has no run of digits that is long enough: then it need not be taken apart. Names
    # and values are parts of the text as a whole, and no run goes across the `&` and `=` between them.
    if not may_hold_card_number(unquote_to_bytes(raw.replace(b"+", b" "))):
        return raw
    pairs = parse_qsl(
        raw.decode("utf-8", "surrogateescape"), keep_blank_values=True, errors="surrogateescape"
    )
    clean = [(scrub_card_numbers(name), scrub_card_numbers(value)) for name, value in pairs]
    return raw if clean == pairs else urlencode(clean, errors="surrogateescape").encode("ascii")
