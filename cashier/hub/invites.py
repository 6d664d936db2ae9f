"""Invitations: a short code by which a till gets its key, once and for a while.

The database has a keyed hash of each code, made with the hub's master secret: whoever reads it can redeem
nothing, and looking one up tells nothing by its duration. Of the asker's nonce it has the same. The till's
key is derived and never stored, so the same asker can be given the same answer again.

A till that is enrolled already gets a new generation of its key when its code is redeemed; the ones before
stay good for 30 days, as after `hub keys rotate`. An invitation that nobody takes up changes nothing.
"""

import hashlib
import hmac
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum

import sqlalchemy as sa

from cashier.domain.entries import utc_text
from cashier.domain.errors import Refused
from cashier.hub.database import good_key, metadata, one_at_a_time, tills
from cashier.hub.store import transaction
from cashier.hub.tillkeys import begin_generation, newest_generation

#: How long what became of a code is kept.
KEPT = timedelta(days=30)

invites = sa.Table(
    "invites",
    metadata,
    sa.Column("code_hash", sa.String(64), primary_key=True),
    sa.Column("site", sa.String(32), nullable=False),
    sa.Column("till", sa.String(32), nullable=False),
    sa.Column("made_at", sa.String(24), nullable=False),
    sa.Column("expires_at", sa.String(24), nullable=False),
    sa.Column("redeemed_at", sa.String(24), nullable=True),
    sa.Column("nonce_hash", sa.String(64), nullable=True),
    sa.Column("generation", sa.Integer, nullable=True),
    sa.Index("ix_invites_till", "site", "till"),
)


class Refusal(StrEnum):
    """Why a code was not redeemed, as the hub's answer has it."""

    WRONG = "wrong"  # no such code, or a newer one took its place
    EXPIRED = "expired"
    USED = "used"  # by somebody else
    OTHER_TILL = "other till"  # than the asker says it is; the code is still good
    REVOKED = "revoked"


class NotRedeemed(Refused):
    """A code was not redeemed. `site` and `till` are whose it is, where the asker may know."""

    def __init__(self, refusal: Refusal, site: str = "", till: str = "") -> None:
        super().__init__(f"The code was not redeemed: {refusal.value}.")
        self.refusal, self.site, self.till = refusal, site, till


@dataclass(frozen=True)
class Redeemed:
    """Whose code it was, and which generation of the till's key it gives; `again`: it was asked before."""

    site: str
    till: str
    generation: int
    again: bool


class InviteStore:
    """The invitations. `key` is what hashes are made with. Every method is one transaction; Unavailable."""

    def __init__(self, engine: sa.Engine, key: bytes) -> None:
        self._engine, self._key = engine, key

    def __repr__(self) -> str:
        return "InviteStore(…)"

    def hash_of(self, code: str) -> str:
        """What is kept of a code, in hex."""
        return hmac.new(self._key, f"code|{code}".encode(), hashlib.sha256).hexdigest()

    def _nonce_hash(self, code_hash: str, nonce: str) -> str:
        return hmac.new(self._key, f"nonce|{code_hash}|{nonce}".encode(), hashlib.sha256).hexdigest()

    def invite(self, site: str, till: str, code: str, minutes: int, now: datetime) -> str:
        """Let a code be good for a till, from now on for so many minutes; until when, as UTC text.

        It takes the place of one that nobody has redeemed yet. Raises Refused for a till that was revoked.
        """
        until = utc_text(now + timedelta(minutes=minutes))
        with transaction(self._engine) as connection:
            one_at_a_time(connection, f"invite {site}/{till}")
            newest = newest_generation(connection, site, till)
            if newest is not None and newest.is_revoked:
                raise Refused(f"Till {till} of site {site} was revoked; give it a new name.")
            connection.execute(
                invites.delete().where(
                    sa.or_(
                        sa.and_(
                            invites.c.site == site, invites.c.till == till, invites.c.redeemed_at.is_(None)
                        ),
                        invites.c.expires_at < utc_text(now - KEPT),
                    )
                )
            )
            connection.execute(
                invites.insert().values(
                    code_hash=self.hash_of(code),
                    site=site,
                    till=till,
                    made_at=utc_text(now),
                    expires_at=until,
                )
            )
        return until

    def redeem(self, code: str, nonce: str, asker: tuple[str, str] | None, now: datetime) -> Redeemed:
        """Take a code up for whoever made this nonce; within its life the same nonce gets the same again.

        `asker` is which site and till it says it is, None where it leaves that to the code. Raises
        NotRedeemed.
        """
        wanted = self.hash_of(code)
        nonce_hash = self._nonce_hash(wanted, nonce)
        with transaction(self._engine) as connection:
            # Of two who redeem it at the same moment, at whichever hub process, one comes first.
            one_at_a_time(connection, f"redeem {wanted}")
            found = connection.execute(sa.select(invites).where(invites.c.code_hash == wanted)).first()
            if found is None or not hmac.compare_digest(found.code_hash, wanted):
                raise NotRedeemed(Refusal.WRONG)
            again = found.redeemed_at is not None
            if again and not hmac.compare_digest(found.nonce_hash, nonce_hash):
                raise NotRedeemed(Refusal.USED, found.site, found.till)
            if found.expires_at <= utc_text(now):
                raise NotRedeemed(Refusal.EXPIRED, found.site, found.till)
            if asker is not None and asker != (found.site, found.till):
                raise NotRedeemed(Refusal.OTHER_TILL, found.site, found.till)
            if again:
                self._refuse_ended(connection, found.site, found.till, found.generation, now)
                return Redeemed(found.site, found.till, found.generation, True)
            newest = newest_generation(connection, found.site, found.till)
            if newest is not None and newest.is_revoked:
                raise NotRedeemed(Refusal.REVOKED, found.site, found.till)
            generation = begin_generation(connection, found.site, found.till, now)
            kept = connection.execute(
                invites.update()
                .where(invites.c.code_hash == wanted)
                .values(redeemed_at=utc_text(now), nonce_hash=nonce_hash, generation=generation)
            )
            if kept.rowcount != 1:  # a newer invitation took its place while the till's keys were waited for
                raise NotRedeemed(Refusal.WRONG)
            return Redeemed(found.site, found.till, generation, False)

    def _refuse_ended(
        self, connection: sa.Connection, site: str, till: str, generation: int, now: datetime
    ) -> None:
        """A key that was ended meanwhile is not given out once more."""
        still = connection.scalar(
            sa.select(tills.c.generation).where(
                tills.c.site == site,
                tills.c.till == till,
                tills.c.generation == generation,
                good_key(utc_text(now)),
            )
        )
        if still is None:
            raise NotRedeemed(Refusal.REVOKED, site, till)
