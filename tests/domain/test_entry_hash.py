"""The fast way to an entry's hash is the slow one: SHA-256 over the canonical array of its members."""

import hashlib
import json

from hypothesis import given
from hypothesis import strategies as st

from cashier.domain.entries import entry_hash

CONTROLS = st.characters(categories=["Cs", "Cc"])
TEXT = st.text() | st.text(st.characters(max_codepoint=0x5D)) | st.text(CONTROLS)


@given(seq=st.integers(1, 2**63 - 1), texts=st.lists(TEXT, min_size=7, max_size=7))
def test_the_hash_is_over_the_canonical_array(seq: int, texts: list[str]) -> None:
    plain = json.dumps([seq, *texts], separators=(",", ":"), ensure_ascii=False)
    names = ("id", "kind", "at", "till", "subject", "body_text", "previous")
    told = entry_hash(seq=seq, **dict(zip(names, texts, strict=True)))
    assert told == hashlib.sha256(plain.encode(errors="surrogatepass")).hexdigest()
