"""Every metric of the service, declared once. Each service has a registry of its own."""

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram, generate_latest

_SECONDS = (0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0)
_ENTRIES = (1, 2, 5, 10, 20, 50, 100, 200, 500, 1_000, 2_000, 5_000, 10_000)


class Metrics:
    """What the service counts."""

    def __init__(self) -> None:
        self.registry = CollectorRegistry()
        self._declare_appends()
        self._declare_logs()
        self._declare_witnesses()
        self._declare_quorums()

    def exposition(self) -> bytes:
        """The metrics in Prometheus's text format."""
        return generate_latest(self.registry)

    def _declare_appends(self) -> None:
        self.entries = Counter(
            "writ_entries_total", "Entries made durable by this process.", ["log"], registry=self.registry
        )
        self.commits = Histogram(
            "writ_commit_seconds",
            "Time of one transaction, from the lock's request to its commit.",
            ["log"],
            buckets=_SECONDS,
            registry=self.registry,
        )
        self.commit_entries = Histogram(
            "writ_commit_entries", "Entries of one commit.", ["log"], buckets=_ENTRIES, registry=self.registry
        )
        self.refusals = Counter(
            "writ_refusals_total", "Requests refused, by problem.", ["problem"], registry=self.registry
        )
        self.retries = Counter(
            "writ_transaction_retries_total",
            "Transactions tried again because the database was away.",
            ["log"],
            registry=self.registry,
        )
        self.waiting = Gauge(
            "writ_waiting", "Submissions waiting for the next commit.", ["log"], registry=self.registry
        )

    def _declare_logs(self) -> None:
        self.size = Gauge("writ_log_size", "Entries of the log.", ["log"], registry=self.registry)
        self.released_size = Gauge(
            "writ_released_size", "Size of the last checkpoint released.", ["log"], registry=self.registry
        )
        self.folded_size = Gauge(
            "writ_folded_size",
            "Entries folded into the projections; writ_log_size less this is their lag.",
            ["log"],
            registry=self.registry,
        )
        self.folding_behind_s = Gauge(
            "writ_folded_behind_seconds",
            "How long the first entry not folded into the projections has waited for it; 0 without one.",
            ["log"],
            registry=self.registry,
        )
        self.frozen = Gauge(
            "writ_frozen", "1 when nothing may be signed for the log.", ["log"], registry=self.registry
        )

    def _declare_witnesses(self) -> None:
        self.anchored_size = Gauge(
            "writ_anchored_size", "Size of the last anchor.", ["log"], registry=self.registry
        )
        self.cosignatures = Gauge(
            "writ_cosignatures", "Witnesses that cosigned when last asked.", ["log"], registry=self.registry
        )
        self.cosignatures_collected = Counter(
            "writ_cosignatures_collected_total",
            "Cosignatures that a witness gave, each verified.",
            ["log", "witness"],
            registry=self.registry,
        )
        self.contradictions = Counter(
            "writ_witness_contradictions_total",
            "Times that a witness had cosigned more than it was shown, or another tree.",
            ["log", "witness"],
            registry=self.registry,
        )
        self.witness_troubles = Counter(
            "writ_witness_troubles_total",
            "Times that a witness gave no cosignature, for a reason that says nothing about the log.",
            ["log", "witness"],
            registry=self.registry,
        )
        self.timestamp_troubles = Counter(
            "writ_timestamp_troubles_total",
            "Requests that a time-stamp authority did not answer; it is asked up to three times.",
            ["log", "authority"],
            registry=self.registry,
        )

    def _declare_quorums(self) -> None:
        self.rounds_without_quorum = Counter(
            "writ_rounds_without_quorum_total",
            "Times that the witnesses were asked and too few cosigned the checkpoint that is shown.",
            ["log"],
            registry=self.registry,
        )
        self.quorum_age_s = Gauge(
            "writ_quorum_age_seconds",
            "Since a quorum of witnesses last cosigned; +Inf while none has since the start.",
            ["log"],
            registry=self.registry,
        )
        self.held = Gauge(
            "writ_held",
            "1 while nothing is taken in for want of a quorum (--without-quorum stop).",
            ["log"],
            registry=self.registry,
        )


class WitnessMetrics:
    """What a witness counts. Only logs that it watches have a name here: anybody can send any origin."""

    def __init__(self) -> None:
        self.registry = CollectorRegistry()
        self.requests = Counter(
            "writ_witness_requests_total",
            "Requests for a cosignature, by log (empty: none that is watched) and what became of them.",
            ["log", "outcome"],
            registry=self.registry,
        )
        self.seconds = Histogram(
            "writ_witness_request_seconds",
            "Time of one request, its body's way included.",
            buckets=_SECONDS,
            registry=self.registry,
        )
        self.size = Gauge(
            "writ_witness_size", "Size last cosigned for the log.", ["log"], registry=self.registry
        )
        self.time_s = Gauge(
            "writ_witness_cosigned_time_seconds",
            "Unix time of the log's last cosignature.",
            ["log"],
            registry=self.registry,
        )
        self.logs = Gauge("writ_witness_logs", "Logs that are watched.", registry=self.registry)
        self.reloads = Counter(
            "writ_witness_reloads_total",
            "Times that the list of logs was read again, by result; a failed one leaves the list as it was.",
            ["result"],
            registry=self.registry,
        )

    def exposition(self) -> bytes:
        """The metrics in Prometheus's text format."""
        return generate_latest(self.registry)
