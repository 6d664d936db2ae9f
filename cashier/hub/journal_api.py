"""The hub's till side for the second copies of journals: keep, how far, read back, anchors."""

from dataclasses import asdict
from typing import TYPE_CHECKING, Annotated

from fastapi import APIRouter, HTTPException, Query
from starlette.requests import Request
from starlette.responses import JSONResponse, Response

from cashier.domain.entries import StoredRow
from cashier.domain.outbox import Acknowledged, Anchor
from cashier.hub import shapes
from cashier.hub.bodies import Responses, body_faults, fault, given_body, takes
from cashier.hub.journal_rows import PAGE_MAX
from cashier.hub.journals import Fault
from cashier.hub.shapes import SEQ_MAX, OwnerName, SiteName, TillName

if TYPE_CHECKING:
    from cashier.hub.app import Hub

#: A batch of entries. A till sends an eighth of it; a larger entry by itself, and every entry that a till of
#: today records fits (`domain.sizes`).
JOURNAL_MAX_BYTES = 4 * 1024 * 1024

_FAULTS = body_faults(JOURNAL_MAX_BYTES)
NOT_OURS: Responses = {404: fault("The site has no till of this name.")}
_After = Annotated[int, Query(ge=0, le=SEQ_MAX, description="The last number seen.")]
_Limit = Annotated[int, Query(ge=1, le=PAGE_MAX)]


async def whose(hub: "Hub", site: str, till: str, owner: str | None) -> str:
    """Whose journal or notice is meant. HTTPException 404 for a till that the site never had."""
    if owner is None or owner == till:
        return till
    if not await hub.stored(hub.journals.is_enrolled, site, owner):
        raise HTTPException(404, "the site has no till of this name")
    return owner


def journal_routes(router: APIRouter, hub: "Hub") -> None:
    """The routes, over a hub."""

    @router.post(
        "/journal",
        response_model=shapes.JournalAcknowledged,
        responses={
            **_FAULTS,
            **NOT_OURS,
            409: {
                "model": shapes.JournalConflict,
                "description": "They lack some or contradict: not kept.",
            },
        },
        openapi_extra=takes(shapes.JournalEntries),
    )
    async def keep(site: SiteName, till: TillName, request: Request, owner: OwnerName = None) -> Response:
        """Add entries to the second copy of a journal. On disk when it is answered. May be repeated."""
        owner = await whose(hub, site, till, owner)
        given = await given_body(hub, request, shapes.JournalEntries, JOURNAL_MAX_BYTES)
        rows = [_row(item) for item in given.entries]
        withheld = frozenset(item.seq for item in given.entries if item.withheld)
        outcome = await hub.stored(hub.journals.keep, site, owner, rows, till, hub.clock(), withheld)
        if isinstance(outcome, Fault):
            if not outcome.is_gap:
                hub.metrics.alarms.labels("journal").inc()
            told = shapes.JournalConflict(
                detail="gap" if outcome.is_gap else "fork", seq=outcome.seq, reason=outcome.reason
            )
            return JSONResponse(told.model_dump(), status_code=409)
        return JSONResponse(_acknowledged(outcome).model_dump())

    @router.get("/journal/kept", responses={**NOT_OURS})
    async def kept(site: SiteName, till: TillName, owner: OwnerName = None) -> shapes.JournalKept:
        """How far the second copy of a journal goes."""
        found = await hub.stored(hub.journals.kept, site, await whose(hub, site, till, owner))
        return shapes.JournalKept(**asdict(found))

    @router.get("/journal")
    async def entries(
        site: SiteName, till: TillName, after: _After = 0, limit: _Limit = 100
    ) -> shapes.KeptEntries:
        """This till's own entries, in order: to build its journal anew."""
        found = await hub.stored(hub.journals.entries, site, till, after, limit)
        return shapes.KeptEntries(entries=[_kept_entry(row, refused) for row, refused in found])

    @router.get("/journal/tills")
    async def tills(site: SiteName, till: TillName) -> shapes.SiteTills:
        """Every till of the site, and how far its journal's second copy goes."""
        found = await hub.stored(hub.site_journals.tills, site)
        return shapes.SiteTills(tills=[shapes.SiteTill(**asdict(one)) for one in found])

    @router.get("/journal/report", responses={**NOT_OURS})
    async def report(
        site: SiteName, till: TillName, owner: OwnerName = None, after: _After = 0, limit: _Limit = 100
    ) -> shapes.KeptEntries:
        """Entries of a till of the site that reports are made of, in order; nothing about people's PINs."""
        owner = await whose(hub, site, till, owner)
        found = await hub.stored(hub.site_journals.entries, site, owner, after, limit)
        return shapes.KeptEntries(entries=[_kept_entry(row, refused) for row, refused in found])

    @router.get("/journal/anchors")
    async def anchors(
        site: SiteName, till: TillName, after: _After = 0, limit: _Limit = 100
    ) -> shapes.JournalAnchors:
        """The anchors of this till's journal, in order."""
        found = await hub.stored(hub.journals.anchors, site, till, after, limit)
        return shapes.JournalAnchors(anchors=[shapes.JournalAnchor(**asdict(one)) for one in found])

    @router.post("/journal/anchors/check", responses=_FAULTS, openapi_extra=takes(shapes.GivenAnchors))
    async def check(site: SiteName, till: TillName, request: Request) -> shapes.Genuine:
        """Which of these anchors this hub did not make for this till."""
        given = await given_body(hub, request, shapes.GivenAnchors, JOURNAL_MAX_BYTES)
        wrong = [
            one.seq
            for one in given.anchors
            if not hub.journals.seal_is_ours(site, till, Anchor(one.seq, one.hash, "", one.seal))
        ]
        return shapes.Genuine(wrong=wrong)


def _row(item: shapes.JournalEntry) -> StoredRow:
    return StoredRow(
        item.seq, item.id, item.kind, item.at, item.till, item.subject, item.body, item.previous, item.hash
    )


def _acknowledged(outcome: Acknowledged) -> shapes.JournalAcknowledged:
    return shapes.JournalAcknowledged(
        kept=shapes.JournalKept(**asdict(outcome.kept)),
        refused=[shapes.RefusedEntry(**asdict(item)) for item in outcome.refused],
        anchors=[shapes.JournalAnchor(**asdict(item)) for item in outcome.anchors],
    )


def _kept_entry(row: StoredRow, refused: str | None) -> shapes.KeptEntry:
    return shapes.KeptEntry(
        seq=row.seq,
        id=row.id,
        kind=row.kind,
        at=row.at,
        till=row.till,
        subject=row.subject,
        body=row.body_text,
        previous=row.previous,
        hash=row.hash,
        refused=refused,
    )
