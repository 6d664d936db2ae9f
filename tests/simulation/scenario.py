"""What kind of world a seed makes: how often which fault comes. Probabilities are per occasion."""

import random
from dataclasses import dataclass, replace


@dataclass(frozen=True)
class Scenario:
    """One kind of world. `days` are working days; a till-day is one till on one of them.

    `credentials`: the gateway can be asked. `real_stores`: journals and hub on SQLite instead of memory.
    `excused_doubles`: in this world the contract makes some second charges unavoidable (see README).
    """

    name: str
    tills: int = 2
    days: int = 3
    credentials: bool = True
    real_stores: bool = False
    excused_doubles: bool = False
    wrong_vouches: bool = False
    #: Seconds between two sales of a clerk, on average; gives 20 to 40 sales in a day of nine hours.
    gap_s: float = 900.0
    #: Beside a sale by card, one for cash.
    cash: float = 0.2

    # The network, per request.
    lost_request: float = 0.01
    lost_answer: float = 0.01
    repeated: float = 0.01
    #: Outages of each line a day, and how long they last on average.
    outages: float = 0.5
    outage_s: float = 240.0

    # The machines, per commit, per call, and a day.
    disk_refuses: float = 0.002
    disk_in_doubt: float = 0.002
    crash_at_commit: float = 0.002
    crash_at_call: float = 0.001
    crashes: float = 0.3
    hub_crashes: float = 0.3
    hub_storage_down: float = 0.002

    # The gateway: what becomes of a postback, and what else it sends.
    told_each: float = 0.4
    told_twice: float = 0.08
    told_late: float = 0.06
    told_days_late: float = 0.01
    never_told: float = 0.03
    odd_fee: float = 0.01
    forged: float = 0.01
    canary: float = 0.05
    #: A second press on the page takes a second time, one after another. The gateway's fault alone.
    charges_twice: float = 0.0
    processing_max_s: float = 12.0
    lag_max_s: float = 6.0
    not_answering: float = 0.01
    too_busy: float = 0.01

    # The people.
    declined: float = 0.12
    abandons: float = 0.08
    closes_early: float = 0.08
    renderer_dies: float = 0.02
    does_not_load: float = 0.02
    double_submits: float = 0.05
    given: float = 0.15
    partial: float = 0.08


CALM = Scenario(
    "calm",
    lost_request=0,
    lost_answer=0,
    repeated=0,
    outages=0,
    disk_refuses=0,
    disk_in_doubt=0,
    crash_at_commit=0,
    crash_at_call=0,
    crashes=0,
    hub_crashes=0,
    hub_storage_down=0,
    told_late=0,
    told_days_late=0,
    never_told=0,
    forged=0,
    not_answering=0,
    too_busy=0,
)
USUAL = Scenario("usual")
#: Everything goes wrong all the time; few sales come through at once.
ROUGH = Scenario(
    "rough",
    lost_request=0.06,
    lost_answer=0.06,
    repeated=0.06,
    outages=4,
    outage_s=400,
    disk_refuses=0.01,
    disk_in_doubt=0.01,
    crash_at_commit=0.01,
    crash_at_call=0.01,
    crashes=2,
    hub_crashes=2,
    hub_storage_down=0.02,
    told_twice=0.25,
    told_late=0.15,
    told_days_late=0.04,
    never_told=0.1,
    forged=0.05,
    canary=0.2,
    not_answering=0.06,
    too_busy=0.06,
    declined=0.25,
    abandons=0.15,
    closes_early=0.2,
    renderer_dies=0.06,
    does_not_load=0.05,
    double_submits=0.15,
    given=0.3,
    partial=0.15,
)
#: The biller has no GUID or web service key: nothing but postbacks and two people settle anything.
UNASKED = replace(USUAL, name="unasked", credentials=False, excused_doubles=True, never_told=0.05)
ROUGH_UNASKED = replace(ROUGH, name="rough-unasked", credentials=False, excused_doubles=True)
#: The gateway takes a second time for a second press, and answers enquiries from minutes ago.
BAD_GATEWAY = replace(
    USUAL,
    name="bad-gateway",
    excused_doubles=True,
    charges_twice=0.5,
    double_submits=0.2,
    declined=0.4,
    closes_early=0.3,
    processing_max_s=90.0,
    lag_max_s=120.0,
)
#: Two people sometimes take for paid what the portal does not show.
WRONG_VOUCHES = replace(UNASKED, name="wrong-vouches", wrong_vouches=True)
BUSY_SITE = replace(ROUGH, name="busy-site", tills=4, days=2, given=0.7, gap_s=500)
#: Messages that are not true come all the time, to payments that are long over, too.
LIARS = replace(BUSY_SITE, name="liars", forged=0.3)

SCENARIOS = (CALM, USUAL, ROUGH, UNASKED, ROUGH_UNASKED, BAD_GATEWAY, WRONG_VOUCHES, BUSY_SITE, LIARS)
_WEIGHTS = (1, 8, 5, 2, 1, 1, 1, 2, 1)
#: One world in so many keeps journals and hub on SQLite.
REAL_EVERY = 20


def scenario_of(seed: int, days: int | None = None) -> Scenario:
    """The kind of world a seed makes."""
    (chosen,) = random.Random(f"scenario of {seed}").choices(SCENARIOS, _WEIGHTS)
    chosen = replace(chosen, real_stores=seed % REAL_EVERY == 0)
    return chosen if days is None else replace(chosen, days=days)
