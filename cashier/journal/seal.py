"""The auditor's export: one sealed file, verified with nothing but Python (`resources/auditor/verify.py`).

It is a zip archive that any program opens; its comment, the file's last line, seals every byte before it. It
has the entries as JSON lines with their hashes, tables as CSV, the verifier and a manifest. Entries hold no
secret: PINs, their hashes, keys and card numbers are in none of them.
"""

import datetime as dt
import hashlib
import io
import json
import zipfile
import zlib
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Any

from cashier.domain.entries import GENESIS, StoredRow, canonical, first_break, utc_moment
from cashier.domain.errors import Discrepancy, Refused
from cashier.journal.export import write_receipts
from cashier.journal.rows import COLUMNS, body_of, stored_row_of
from cashier.journal.schema import SCHEMA_VERSION, version_of
from cashier.journal.sqlite import reading, sqlite3

ENTRIES, RECEIPTS, MANIFEST, VERIFIER = "entries.jsonl", "receipts.csv", "manifest.json", "verify.py"
#: Every file of an archive bears this date: the same journal and time seal to the same bytes.
_DATE = (1980, 1, 1, 0, 0, 0)
_SEAL = "cashier-seal 1 manifest={} file={} line={}\n"
_HASH_ZEROS = "0" * 64
_BLOCK = 1 << 20


@dataclass(frozen=True)
class Sealed:
    """What was sealed: how many entries, and the hash of the last: keep it apart from the file."""

    entries: int
    head: str


#: Writes one further table of the archive.
Extra = Callable[[IO[bytes]], object]


def seal_journal(
    path: Path,
    out: Path,
    first: dt.date,
    last: dt.date,
    *,
    made_at: str,
    verifier: Path,
    extras: Mapping[str, Extra],
) -> Sealed:
    """Seal the entries of business dates `first` to `last` of a journal file into `out`.

    The entries are one unbroken run: from the first that belongs to these days, by the local time it was
    recorded at or by its business date, to the last. Raises Refused when there are none, Discrepancy when
    one of them does not hold: nothing is sealed then.
    """
    with reading(path) as connection:
        version = version_of(connection, path)
        if 0 < version < SCHEMA_VERSION:
            raise Refused(f"The journal {path} is an older version's. Start the till once, then try again.")
        span = _span(connection, first, last) if version else None
        if span is None:
            raise Refused(f"The journal has no entry of {first.isoformat()} to {last.isoformat()}.")
        run = _Run(connection, span)
        with zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as archive:
            _add(archive, ENTRIES, run.write)
            _add(archive, RECEIPTS, run.write_receipts)
            for name, write in extras.items():
                _add(archive, name, write)
            _add(archive, VERIFIER, lambda stream: stream.write(verifier.read_bytes()))
            manifest = _manifest(run, first, last, made_at, _described(archive, out))
            archive.writestr(_info(MANIFEST, zipfile.ZIP_STORED), manifest)
            archive.comment = _SEAL.format(_HASH_ZEROS, _HASH_ZEROS, _HASH_ZEROS).encode()
    _put_seal(out, hashlib.sha256(manifest).hexdigest())
    return Sealed(run.count, run.head)


class _Run:
    """A run of entries, verified as it is written."""

    def __init__(self, connection: sqlite3.Connection, span: tuple[int, int]) -> None:
        self._connection = connection
        self.span = span
        before = connection.execute("SELECT hash FROM entry WHERE seq = ?", (span[0] - 1,)).fetchone()
        self.previous: str = before[0] if before else GENESIS
        self.head = self.previous
        self.count = 0
        self.till = ""

    def write(self, stream: IO[bytes]) -> None:
        """Every entry as a line of canonical JSON. Raises Discrepancy at the first that does not hold."""
        broken = first_break(self._written(stream), self.previous, self.span[0])
        if broken is not None:
            raise Discrepancy(f"Nothing was sealed: {broken.reason}. Verify the journal, and call support.")

    def _written(self, stream: IO[bytes]) -> Iterator[StoredRow]:
        sql = f"SELECT {COLUMNS} FROM entry WHERE seq BETWEEN ? AND ? ORDER BY seq"
        for row in self._connection.execute(sql, self.span):
            stored = stored_row_of(row)
            members = {
                "seq": stored.seq,
                "id": stored.id,
                "kind": stored.kind,
                "at": stored.at,
                "till": stored.till,
                "subject": stored.subject,
                "body": body_of(stored.body_text),
                "previous": stored.previous,
                "hash": stored.hash,
            }
            yield stored  # resumed only when the one before holds
            stream.write(f"{canonical(members)}\n".encode())
            self.head, self.till = stored.hash, stored.till
            self.count += 1

    def write_receipts(self, stream: IO[bytes]) -> None:
        """The receipts of the run as CSV, with a byte order mark: a spreadsheet opens it."""
        text = io.TextIOWrapper(stream, encoding="utf-8-sig", newline="", write_through=True)
        write_receipts(self._connection, text, *self.span)
        text.detach()


def _span(connection: sqlite3.Connection, first: dt.date, last: dt.date) -> tuple[int, int] | None:
    """The first and last entry of these days, None when there is none."""
    # Local days are less than a day and a half off the UTC date that the text begins with.
    margin = dt.timedelta(days=2)
    near = ((first - margin).isoformat(), (last + margin).isoformat())
    sql = "SELECT seq, at FROM entry WHERE at BETWEEN ? AND ?"
    found = [
        seq
        for seq, at in connection.execute(sql, near)
        if first <= utc_moment(at).astimezone().date() <= last
    ]
    days = (first.isoformat(), last.isoformat())
    dated = (
        "SELECT min(seq), max(seq) FROM receipt WHERE business_date BETWEEN ? AND ?",
        "SELECT min(seq), max(seq) FROM entry WHERE kind = 'day_closed' AND subject BETWEEN ? AND ?",
    )
    for sql in dated:
        found += [seq for seq in connection.execute(sql, days).fetchone() if seq is not None]
    return (min(found), max(found)) if found else None


# -- the archive -------------------------------------------------------------------------------------------


def _info(name: str, kind: int) -> zipfile.ZipInfo:
    info = zipfile.ZipInfo(name, _DATE)
    info.compress_type = kind
    info.external_attr = 0o600 << 16  # its owner's: it names payers
    return info


def _add(archive: zipfile.ZipFile, name: str, write: Extra) -> None:
    with archive.open(_info(name, zipfile.ZIP_DEFLATED), "w", force_zip64=True) as stream:
        write(stream)


def _described(archive: zipfile.ZipFile, out: Path) -> list[dict[str, Any]]:
    """Each file so far: where its stored bytes are, and the hashes of them and of what they unpack to."""
    assert archive.fp is not None
    archive.fp.flush()
    files = []
    with out.open("rb") as stream:
        for info in archive.infolist():
            stream.seek(info.header_offset)
            header = stream.read(30)
            names = int.from_bytes(header[26:28], "little") + int.from_bytes(header[28:30], "little")
            place = info.header_offset + len(header) + names
            stored, content = _hashes(stream, place, info.compress_size)
            files.append(
                {
                    "name": info.filename,
                    "size": info.file_size,
                    "sha256": content,
                    "offset": place,
                    "stored": info.compress_size,
                    "stored_sha256": stored,
                }
            )
    return files


def _hashes(stream: IO[bytes], place: int, length: int) -> tuple[str, str]:
    stream.seek(place)
    stored, content, unpack = hashlib.sha256(), hashlib.sha256(), zlib.decompressobj(-15)
    while length > 0:
        block = stream.read(min(_BLOCK, length))
        stored.update(block)
        content.update(unpack.decompress(block))
        length -= len(block)
    content.update(unpack.flush())
    return stored.hexdigest(), content.hexdigest()


def _manifest(run: _Run, first: dt.date, last: dt.date, made_at: str, files: list[dict[str, Any]]) -> bytes:
    """The manifest's text. The verifier finds it by its first and its last member."""
    members = {
        "cashier_export": 1,
        "till": run.till,
        "first": first.isoformat(),
        "last": last.isoformat(),
        "made_at": made_at,
        "entries": run.count,
        "first_seq": run.span[0],
        "previous": run.previous,
        "head": run.head,
        "files": files,
        "end": "end_of_manifest",
    }
    return json.dumps(members, ensure_ascii=False, separators=(",", ":")).encode()


def _put_seal(out: Path, manifest: str) -> None:
    """Write the seal over the zeros that hold its place."""
    length = len(_SEAL.format(_HASH_ZEROS, _HASH_ZEROS, _HASH_ZEROS))
    whole = hashlib.sha256()
    with out.open("r+b") as stream:
        left = stream.seek(0, 2) - length
        stream.seek(0)
        while left > 0:
            block = stream.read(min(_BLOCK, left))
            whole.update(block)
            left -= len(block)
        line = hashlib.sha256(f"{manifest} {whole.hexdigest()}".encode()).hexdigest()
        stream.seek(-length, 2)
        stream.write(_SEAL.format(manifest, whole.hexdigest(), line).encode())
