"""The hub's figures in Prometheus text. Each hub has its own registry. They name no site, till or payment."""

from collections.abc import Callable, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass
from typing import TypeVar

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram, generate_latest
from prometheus_client.exposition import CONTENT_TYPE_PLAIN_0_0_4

CONTENT_TYPE = CONTENT_TYPE_PLAIN_0_0_4
Item = TypeVar("Item")
Outcome = TypeVar("Outcome")


@dataclass(frozen=True)
class Counts:
    """What lies in the hub's storage. The age of the oldest is 0 when there is none."""

    pending: int
    oldest_pending_s: float
    holds: int
    quarantine_open: int
    relay_waiting: int
    oldest_relay_s: float
    relay_dead: int


class HubMetrics:
    """One hub's figures. Safe to be counted from any thread."""

    def __init__(self) -> None:
        registry = self.registry = CollectorRegistry()
        self.postbacks = Counter(
            "cashier_hub_postbacks", "Postbacks by what became of them.", ["outcome"], registry=registry
        )
        self.wrong_tokens = Counter(
            "cashier_hub_wrong_tokens", "Postbacks to addresses that are not ours.", registry=registry
        )
        self.wrong_keys = Counter(
            "cashier_hub_wrong_keys", "Requests of tills that were not proven.", registry=registry
        )
        self.limited = Counter(
            "cashier_hub_limited", "Requests told to wait (429).", ["what"], registry=registry
        )
        self.quarantined = Counter(
            "cashier_hub_quarantined",
            "Messages for a person: misfit (proven), unproven, repeated, full (only counted).",
            ["kind"],
            registry=registry,
        )
        self.enrolments = Counter(
            "cashier_hub_enrolments",
            "Codes of invitations by what became of them.",
            ["outcome"],
            registry=registry,
        )
        self.alarms = Counter(
            "cashier_hub_alarms", "What must never happen, by its kind.", ["kind"], registry=registry
        )
        # The relay counts here what became of each attempt, see `hub.relay`.
        self.relay = Counter(
            "cashier_hub_relay", "Attempts to pass a postback on, by outcome.", ["outcome"], registry=registry
        )
        self.batch_size = Histogram(
            "cashier_hub_batch_size",
            "Postbacks in a commit.",
            buckets=(1, 2, 4, 8, 16, 32, 64, 128, 256),
            registry=registry,
        )
        self.commit_seconds = Histogram(
            "cashier_hub_commit_seconds",
            "Duration of a commit of postbacks.",
            buckets=(0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 1, 5),
            registry=registry,
        )
        self.requests = Histogram(
            "cashier_hub_request_seconds",
            "Duration of requests; a long poll of a till waits on purpose.",
            ["method", "route", "status"],
            buckets=(0.001, 0.005, 0.01, 0.05, 0.1, 0.5, 1, 5, 30, 60),
            registry=registry,
        )
        self._storage_up = Gauge(
            "cashier_hub_storage_up", "1 when storage answered just now.", registry=registry
        )
        self._pending = Gauge("cashier_hub_pending", "Postbacks no till has taken over.", registry=registry)
        self._oldest = Gauge(
            "cashier_hub_pending_oldest_seconds", "Age of the oldest of them.", registry=registry
        )
        self._holds = Gauge("cashier_hub_holds", "Payments that hold invoices.", registry=registry)
        self._quarantine = Gauge(
            "cashier_hub_quarantine_open", "Quarantined messages no person has seen to.", registry=registry
        )

        self._relay_waiting = Gauge(
            "cashier_hub_relay_waiting", "What no portal has taken yet.", registry=registry
        )
        self._oldest_relay = Gauge(
            "cashier_hub_relay_oldest_seconds", "Age of the oldest of them.", registry=registry
        )
        self._relay_dead = Gauge(
            "cashier_hub_relay_dead", "What no portal took for 30 days.", registry=registry
        )

    def timed(self, store_all: Callable[[Sequence[Item]], Outcome]) -> Callable[[Sequence[Item]], Outcome]:
        """The same commit, with its size and duration counted."""

        def commit(batch: Sequence[Item]) -> Outcome:
            self.batch_size.observe(len(batch))
            timing: AbstractContextManager[object] = self.commit_seconds.time()
            with timing:
                return store_all(batch)

        return commit

    def text(self, counts: Counts | None) -> bytes:
        """All figures. `counts` is None when storage does not answer: its figures are then not a number."""
        self._storage_up.set(counts is not None)
        nothing = float("nan")
        self._pending.set(counts.pending if counts else nothing)
        self._oldest.set(counts.oldest_pending_s if counts else nothing)
        self._holds.set(counts.holds if counts else nothing)
        self._quarantine.set(counts.quarantine_open if counts else nothing)
        self._relay_waiting.set(counts.relay_waiting if counts else nothing)
        self._oldest_relay.set(counts.oldest_relay_s if counts else nothing)
        self._relay_dead.set(counts.relay_dead if counts else nothing)
        return generate_latest(self.registry)
