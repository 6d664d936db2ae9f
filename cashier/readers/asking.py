"""The readers as the till knows them: what is plugged in, and what one says that it is."""

import asyncio
from collections.abc import Mapping, Sequence
from dataclasses import replace

from cashier.readers.discovery import PortInfo, UsbIds
from cashier.readers.families import FAMILIES, family_named
from cashier.readers.family import Outcome
from cashier.readers.probe import probe
from cashier.till.ports import Plugged, ReaderTold


def plugged(ports: Sequence[PortInfo], ids: UsbIds) -> tuple[Plugged, ...]:
    """The ports as the till takes them, with what their USB ids suggest."""
    return tuple(_plugged(port, ids) for port in ports)


def _plugged(port: PortInfo, ids: UsbIds) -> Plugged:
    hint = ids.suggestion(port.vid, port.pid)
    return Plugged(
        device=port.device,
        usb_id=port.usb_id,
        serial=port.serial_number or "",
        title=hint.title if hint else _described(port),
        family=hint.family if hint else None,
    )


def _described(port: PortInfo) -> str:
    """What the system calls a port; pyserial says "n/a" where it does not."""
    return "" if port.description == "n/a" else port.description


class SerialProbe:
    """The till's ReaderProbe, on real ports."""

    def families(self) -> Mapping[str, str]:
        """See ReaderProbe."""
        return {
            family.name: family.title + (" (experimental)" if family.experimental else "")
            for family in FAMILIES
        }

    def announces(self, family: str) -> str:
        """See ReaderProbe."""
        known = family_named(family)
        return known.announces if known else ""

    async def ask(self, device: str, family: str, baud: int | None, rts_cts: bool) -> ReaderTold:
        """See ReaderProbe."""
        known = family_named(family)
        if known is None:
            return ReaderTold(f"{family!r} is not a family of readers", is_known=False)
        line = replace(known.line, baud=baud or known.line.baud, rtscts=rts_cts or known.line.rtscts)
        probed = await asyncio.to_thread(probe, device, known, line=line)
        outcome = f"{probed.outcome} ({probed.detail})" if probed.detail else str(probed.outcome)
        who = probed.identity
        if who is None:
            return ReaderTold(outcome, is_known=False)
        is_known = probed.outcome is Outcome.IDENTIFIED
        return ReaderTold(outcome, is_known, who.model, who.serial, who.firmware, who.clear_tracks)
