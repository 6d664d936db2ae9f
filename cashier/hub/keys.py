"""Keys of the hub: one master secret, and every till's key derived from it. No secret is in the database."""

import hashlib
import hmac
import os
import stat
from collections.abc import Mapping
from pathlib import Path

from cashier.domain.errors import Refused

SECRET_VARIABLE = "CASHIER_HUB_SECRET"
MASTER_SECRET_MIN_BYTES = 32


def till_key(master_secret: bytes, site: str, till: str, generation: int) -> bytes:
    """The 32 bytes of a till's key. Names have no `|` in them, so no two tills share a key."""
    return hmac.digest(master_secret, f"{site}|{till}|{generation}".encode(), hashlib.sha256)


def read_master_secret(environ: Mapping[str, str], file: Path | None = None) -> bytes:
    """The master secret: the text of `CASHIER_HUB_SECRET`, else of a file that only its owner may read.

    Raises Refused when there is none, it is shorter than 32 bytes, or the file is open to others.
    """
    if text := environ.get(SECRET_VARIABLE, "").strip():
        return checked_secret(text.encode())
    if file is None:
        raise Refused(f"The hub needs its master secret: set {SECRET_VARIABLE} or name a file.")
    try:
        mode = stat.S_IMODE(file.stat().st_mode)
        secret = file.read_bytes().strip()
    except OSError as error:
        raise Refused(f"The master secret {file} cannot be read: {error.strerror}.") from error
    # Windows has no such bits; there the folder's access list guards the file.
    if os.name == "posix" and mode & 0o077:
        raise Refused(f"The master secret {file} is open to others: run chmod 600 on it.")
    return checked_secret(secret)


def checked_secret(secret: bytes) -> bytes:
    """The secret itself. Raises Refused when it is too short to be one."""
    if len(secret) < MASTER_SECRET_MIN_BYTES:
        raise Refused(
            f"The hub's master secret has {len(secret)} bytes; {MASTER_SECRET_MIN_BYTES} are needed."
        )
    return secret


def anchor_key(master_secret: bytes) -> bytes:
    """The 32 bytes that anchors are sealed with. No till's key is made of two words."""
    return hmac.digest(master_secret, b"anchor|1", hashlib.sha256)


def finance_key(master_secret: bytes) -> bytes:
    """The 32 bytes that the finance office's sessions are sealed with."""
    return hmac.digest(master_secret, b"finance|1", hashlib.sha256)


def invite_key(master_secret: bytes) -> bytes:
    """The 32 bytes that the codes of invitations are hashed with."""
    return hmac.digest(master_secret, b"invite|1", hashlib.sha256)


def anchor_seal(key: bytes, site: str, till: str, seq: int, entry_hash: str) -> str:
    """The seal of one entry's number and hash, in hex."""
    return hmac.new(key, f"{site}|{till}|{seq}|{entry_hash}".encode(), hashlib.sha256).hexdigest()
