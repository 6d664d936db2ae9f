"""No card number is ever stored, not even in the raw bytes of a postback."""

from urllib.parse import parse_qsl, urlencode

from cashier.domain.scrub import scrub_card_numbers


def scrub_form(raw: bytes) -> bytes:
    """Url-encoded bytes without card numbers: the very same bytes when there is none in any name or value.

    Otherwise they are encoded anew; bytes that are no UTF-8 stay what they were.
    """
    pairs = parse_qsl(
        raw.decode("utf-8", "surrogateescape"), keep_blank_values=True, errors="surrogateescape"
    )
    clean = [(scrub_card_numbers(name), scrub_card_numbers(value)) for name, value in pairs]
    return raw if clean == pairs else urlencode(clean, errors="surrogateescape").encode("ascii")
