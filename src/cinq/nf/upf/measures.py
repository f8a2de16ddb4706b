"""What a UPF has measured: counters by the names of TS 28.552 §5.4, by slice and by data network, for Prometheus.

A name of TS 28.552 is the metric's with its dots as underscores; subcounters are labels.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Callable, Iterable, Iterator

from cinq.nf.upf.context import SessionContext
from cinq.userplane.rules import Reason, Usage
from cinq.wire import pfcp
from cinq.wire.pfcp import Cause

Key = tuple[str, str]
"""Slice and data network."""
Values = list[tuple[dict[str, str], int]]


class Measures:
    """ended: usage of sessions that are no more, so that no counter ever falls."""

    def __init__(self) -> None:
        self._ended: defaultdict[Key, Usage] = defaultdict(Usage)
        self._requests = 0
        self._failures: Counter[str] = Counter()

    def established(self, answer: pfcp.Message | None) -> None:
        """An establishment was asked for and answered."""
        if isinstance(answer, pfcp.SessionEstablishmentResponse):
            self._requests += 1
            if answer.cause != Cause.REQUEST_ACCEPTED:
                self._failures[pfcp.cause_name(answer.cause)] += 1

    def ended(self, session: SessionContext, usage: Usage) -> None:
        self._ended[_key(session)] += usage

    def text(
        self,
        sessions: Iterable[SessionContext],
        usage: Callable[[int], Usage],
        drops: dict[Reason, int],
    ) -> str:
        """The text format of Prometheus, version 0.0.4."""
        total, alive = self._ended.copy(), Counter[Key]()
        for session in sessions:
            total[_key(session)] += usage(session.seid)
            alive[_key(session)] += 1
        lines: list[str] = []
        for name, kind, meaning, values in self._families(total, alive, drops):
            lines += [f"# HELP {name} {meaning}", f"# TYPE {name} {kind}"]
            lines += [f"{name}{_labels(labels)} {value}" for labels, value in values]
        return "\n".join(lines) + "\n"

    def _families(
        self, total: dict[Key, Usage], alive: Counter[Key], drops: dict[Reason, int]
    ) -> Iterator[tuple[str, str, str, Values]]:
        for name, meaning, value in OF_USAGE:
            yield name, "counter", meaning, [(_of(key), value(used)) for key, used in sorted(total.items())]
        requests: Values = [({}, self._requests)]
        yield "SM_N4SessionEstabReq", "counter", "N4 session establishments asked for, §5.4.3.1", requests
        failed = [({"cause": cause}, count) for cause, count in sorted(self._failures.items())]
        yield "SM_N4SessionEstabFail", "counter", "N4 session establishments that failed, §5.4.3.1", failed
        now = [(_of(key), count) for key, count in sorted(alive.items())]
        yield "cinq_upf_sessions", "gauge", "N4 sessions that are there", now
        dropped = [({"reason": reason.name.lower()}, count) for reason, count in drops.items()]
        yield "cinq_upf_packets_total", "counter", "Packets that did not take the plain way", dropped


OF_USAGE: tuple[tuple[str, str, Callable[[Usage], int]], ...] = (
    ("GTP_InDataPktN3UPF", "GTP data packets from gNBs, TS 28.552 §5.4.1.1", lambda u: u.uplink_packets),
    ("GTP_OutDataPktN3UPF", "GTP data packets to gNBs, §5.4.1.2", lambda u: u.downlink_packets),
    ("GTP_InDataOctN3UPF", "Octets of GTP data packets from gNBs, §5.4.1.3", lambda u: u.uplink_octets),
    ("GTP_OutDataOctN3UPF", "Octets of GTP data packets to gNBs, §5.4.1.4", lambda u: u.downlink_octets),
    ("IP_N6OutLinkUsage", "Octets of UEs to the data network, §5.4.2", lambda u: u.uplink_octets),
    ("IP_N6IncLinkUsage", "Octets for UEs from the data network, §5.4.2", lambda u: u.downlink_octets),
    ("cinq_upf_policed_uplink", "Packets of UEs above their rates", lambda u: u.uplink_policed),
    ("cinq_upf_policed_downlink", "Packets for UEs above their rates", lambda u: u.downlink_policed),
)


def _key(session: SessionContext) -> Key:
    return session.s_nssai, session.dnn


def _of(key: Key) -> dict[str, str]:
    return {"snssai": key[0], "dnn": key[1]}


def _labels(labels: dict[str, str]) -> str:
    if not labels:
        return ""
    written = ",".join(f'{name}="{_escaped(value)}"' for name, value in labels.items())
    return f"{{{written}}}"


def _escaped(text: str) -> str:
    return text.replace("\\", "\\\\").replace('"', '\\"').replace("\n", "\\n")
