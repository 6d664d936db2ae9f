"""Verify a sealed export of the permit counter till: python verify.py FILE.zip, or in its unpacked folder.

Needs Python 3.9 or newer and nothing else. Reads, and changes nothing. Ends with 0 when everything holds,
with 1 when anything was changed, and says what.

How it is sealed. The file's last line, the archive's comment, names three SHA-256 hashes: of the manifest,
of every byte before that line, and of the other two. The manifest names every file's place, length and hash.
The entries carry hashes of their own, each over the entry before it, so that a file that was taken apart and
sealed anew differs from the chain's head that is printed below: compare it with one that was kept elsewhere.
"""

import hashlib
import json
import sys
import zlib
from pathlib import Path

SEAL = b"cashier-seal 1 "
#: Of the last line: its name, three hashes with their names, three spaces and the end of the line.
SEAL_LENGTH = len(SEAL) + len("manifest=") + len("file=") + len("line=") + 3 * 64 + 2 + 1
GENESIS = "0" * 64
MANIFEST = "manifest.json"
BLOCK = 1 << 20


def main(words):
    """Verify what the command line names; the exit code."""
    path = Path(words[0]) if words else Path(__file__).resolve().parent
    lines, faults = verify(path)
    for line in lines:
        sys.stdout.write(line + "\n")
    for fault in faults:
        sys.stdout.write("CHANGED: " + fault + "\n")
    sys.stdout.write("NOT AS SEALED\n" if faults else "Everything is as it was sealed.\n")
    return 1 if faults else 0


def verify(path):
    """What is to be said of an export, and its faults: a list of each."""
    try:
        return _verify_folder(path) if path.is_dir() else _verify_file(path)
    except OSError as error:
        return [], [f"{path} cannot be read: {error}"]


# -- the sealed file ---------------------------------------------------------------------------------------


def _verify_file(path):
    with path.open("rb") as stream:
        size = stream.seek(0, 2)
        if size <= SEAL_LENGTH:
            return [], [f"{path.name} is no sealed export"]
        stream.seek(size - SEAL_LENGTH)
        seal = stream.read()
        fields, fault = _read_seal(seal)
        if fault:
            return [], [fault]
        whole = _hash_of(stream, 0, size - SEAL_LENGTH)
        manifest, faults = _read_manifest(stream, size, fields)
        if manifest is None:
            return [], faults
        for item in manifest["files"]:
            if _hash_of(stream, item["offset"], item["stored"]) != item["stored_sha256"]:
                faults.append(f"{item['name']} was changed")
        if not faults and whole != fields["file"]:
            faults.append("the archive's own structure (names, dates or sizes of its files) was changed")
        if faults:
            return [], faults
        return _contents(manifest, lambda name: _lines_of(stream, _item(manifest, name)))


def _read_seal(seal):
    """The hashes that the last line names, and what is wrong with it, or an empty text."""
    fault = "the seal at the file's end was changed or cut off"
    try:
        text = seal.decode("ascii")
    except UnicodeDecodeError:
        return {}, fault
    if not text.startswith(SEAL.decode()) or not text.endswith("\n"):
        return {}, fault
    parts = text[len(SEAL) : -1].split(" ")
    fields = dict(part.split("=", 1) for part in parts if part.count("=") == 1)
    if [part.partition("=")[0] for part in parts] != ["manifest", "file", "line"]:
        return {}, fault
    if fields["line"] != seal_line_hash(fields["manifest"], fields["file"]):
        return {}, fault
    return fields, ""


def seal_line_hash(manifest, whole):
    """The hash of the last line's other two."""
    return hashlib.sha256(f"{manifest} {whole}".encode()).hexdigest()


def _read_manifest(stream, size, fields):
    """The manifest and an empty list, or None and why not. It is the archive's last file."""
    name = MANIFEST.encode()
    tail = min(size, BLOCK)
    stream.seek(size - tail)
    data = stream.read(tail - SEAL_LENGTH)
    # It stands uncompressed behind its name, between the words that open and end it.
    begin, end = data.rfind(b'{"cashier_export"'), data.rfind(b'"end_of_manifest"}')
    if begin < 0 or end < 0 or name not in data:
        return None, [f"{MANIFEST} was changed"]
    text = data[begin : end + len(b'"end_of_manifest"}')]
    if hashlib.sha256(text).hexdigest() != fields["manifest"]:
        return None, [f"{MANIFEST} was changed"]
    return json.loads(text.decode()), []


def _hash_of(stream, offset, length):
    found, left = hashlib.sha256(), length
    stream.seek(offset)
    while left > 0:
        block = stream.read(min(BLOCK, left))
        if not block:
            break
        found.update(block)
        left -= len(block)
    return found.hexdigest()


def _lines_of(stream, item):
    """The lines of a file in the archive, unpacked as they are read."""
    unpack, rest, place, end = zlib.decompressobj(-15), b"", item["offset"], item["offset"] + item["stored"]
    while place < end:
        stream.seek(place)
        block = stream.read(min(BLOCK, end - place))
        place += len(block)
        *whole, rest = (rest + unpack.decompress(block)).split(b"\n")
        yield from whole
    *whole, rest = (rest + unpack.flush()).split(b"\n")
    yield from whole
    if rest:
        yield rest


def _item(manifest, name):
    return next(item for item in manifest["files"] if item["name"] == name)


# -- the unpacked folder -----------------------------------------------------------------------------------


def _verify_folder(folder):
    try:
        manifest = json.loads((folder / MANIFEST).read_text("utf-8"))
    except (OSError, ValueError) as error:
        return [], [f"{MANIFEST} cannot be read: {error}"]
    faults = []
    for item in manifest["files"]:
        try:
            with (folder / item["name"]).open("rb") as stream:
                if _hash_of(stream, 0, item["size"] + 1) != item["sha256"]:
                    faults.append(f"{item['name']} was changed")
        except OSError:
            faults.append(f"{item['name']} is missing")
    if faults:
        return [], faults

    def lines_of(name):
        with (folder / name).open("rb") as stream:
            for line in stream:
                yield line.rstrip(b"\n")

    lines, faults = _contents(manifest, lines_of)
    return [*lines, "(Unpacked: only the sealed file itself shows whether the manifest was changed.)"], faults


# -- the entries -------------------------------------------------------------------------------------------


def _contents(manifest, lines_of):
    """Follow the chain through the entries."""
    previous, expected = manifest["previous"], manifest["first_seq"]
    count = 0
    for line in lines_of("entries.jsonl"):
        try:
            entry = json.loads(line.decode("utf-8"))
            seq, told = entry["seq"], entry["hash"]
        except (ValueError, KeyError, TypeError):
            return [], [f"entries.jsonl: entry {expected} cannot be read"]
        if seq != expected or entry["previous"] != previous:
            return [], [f"entries.jsonl: entry {seq} does not follow the entry before it"]
        if entry_hash(entry) != told:
            return [], [f"entries.jsonl: entry {seq} was changed after it was recorded"]
        previous, expected, count = told, expected + 1, count + 1
    if count != manifest["entries"]:
        return [], [f"entries.jsonl has {count} entries; {manifest['entries']} were sealed"]
    if previous != manifest["head"]:
        return [], ["the last entry is not the head that was sealed"]
    start = "the journal's beginning" if manifest["previous"] == GENESIS else "entry " + str(expected - count)
    return [
        f"Till {manifest['till']}, {manifest['first']} to {manifest['last']}, sealed {manifest['made_at']}",
        f"{count} entries hold, from {start} on",
        f"first follows {manifest['previous']}",
        f"head {manifest['head']}",
    ], []


def entry_hash(entry):
    """SHA-256 over the canonical array of an entry's members and the hash before it."""
    members = [entry[name] for name in ("seq", "id", "kind", "at", "till", "subject")]
    text = _canonical([*members, _canonical(entry["body"]), entry["previous"]])
    return hashlib.sha256(text.encode("utf-8", "surrogatepass")).hexdigest()


def _canonical(value):
    return json.dumps(value, sort_keys=True, separators=(",", ":"), ensure_ascii=False)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
