"""From events to incidents: the reject that a peer got and the reason that the journal has are put together.

A reject and its reason are reported apart (a function sends the one, then says the other; the SMF's reason comes before
the reject that the AMF carries), in one breath. What has found no partner after a second stands alone.
"""

from __future__ import annotations

import re
from collections import OrderedDict
from collections.abc import Iterator
from typing import TypeVar

from msgspec import structs

from cinq.explain import words
from cinq.explain.incident import Incident, clean, name
from cinq.procedure import Event
from cinq.wire import nas, ngap

WAIT_S = 1.0
FOLLOWS_S = 5.0  # a release so soon after an incident of the UE is part of it
KNOWN = 10_000  # UEs with something that waits
NAMED = 1_000  # UEs that have a name of their own while they register
UNKNOWN = "a UE without known identity"
SENDER = {"N1": "the phone, or who changes its messages", "N2": "the gNB, or who changes its messages"}
_SUPI = re.compile(r"imsi-\d{6,15}(?!\d)")
_OUTCOME = re.compile(
    r"^(refused|ignored|aborted|ended|broken|not begun|association lost|eligibility|slice rejected|not carried)"
    r": (.*)$",
    re.DOTALL,
)
_EXPIRED = re.compile(r"^T\d+\w* expired$")
_HARMLESS = ("stopping", "its result is no longer wanted")

K = TypeVar("K")
V = TypeVar("V")


class Assembly:
    """Takes events, gives incidents.

    hint: what a network function last said was wrong, by UE. broken: what was wrong with the last message that could
    not be read, by its sender: the answer follows at once.
    """

    def __init__(self) -> None:
        self._who: OrderedDict[str, str] = OrderedDict()
        self._rejects: OrderedDict[str, Incident] = OrderedDict()
        self._reasons: OrderedDict[str, Incident] = OrderedDict()
        self._hints: OrderedDict[str, tuple[float, str, str]] = OrderedDict()
        self._told: OrderedDict[str, float] = OrderedDict()
        self._broken: OrderedDict[str, tuple[float, str, str]] = OrderedDict()

    def event(self, event: Event) -> Iterator[Incident]:
        """What an event makes known, most times nothing."""
        yield from self.due(event.time)
        ue = self._ue(event)
        if event.direction == "none":
            yield from self._said(event, ue)
        elif event.interface in ("N1", "N2"):
            broken = _OUTCOME.match(str(event.cause)) if event.direction == "in" else None
            if broken is not None and broken[1] == "broken":
                _keep(
                    self._broken,
                    ue or event.subject,
                    (event.time, broken[2], event.mend or SENDER[event.interface]),
                )
            yield from self._message(event, ue)
        elif event.cause and event.message.endswith(" response"):
            _keep(self._hints, ue, (event.time, str(event.cause), event.mend))

    def due(self, now: float) -> Iterator[Incident]:
        """What has waited long enough for a partner."""
        for waiting in (self._rejects, self._reasons):
            while waiting and next(iter(waiting.values())).last <= now - WAIT_S:
                subject, incident = waiting.popitem(last=False)
                yield self._hinted(subject, incident)

    def _ue(self, event: Event) -> str:
        """Whom an event is about: 'imsi-...' where that has become known, else 'UE 7'; empty for a gNB and others."""
        found = _SUPI.search(event.subject)
        if found is not None:
            if event.behalf.startswith("UE "):
                _keep(self._who, event.behalf, found[0], NAMED)
            return found[0]
        label = event.subject if event.subject.startswith("UE ") else ""
        return self._who.get(label, label)

    def _message(self, event: Event, ue: str) -> Iterator[Incident]:
        message = words.inner(event.decoded())
        title = words.TITLES.get(type(message)) if isinstance(message, nas.NasMessage | ngap.Pdu) else None
        if title is None or words.is_normal_release(message):
            return
        if isinstance(message, nas.FiveGMMStatus | nas.FiveGSMStatus | ngap.ErrorIndication):
            title += " from the network" if event.direction == "out" else " from the other end"
        subject = ue or event.subject
        releases = isinstance(message, ngap.UEContextReleaseCommand | ngap.UEContextReleaseRequest)
        if releases and event.time - self._told.get(subject, 0.0) < FOLLOWS_S:
            return  # it follows from what was told
        reject = self._incident(event, ue, title, words.cause_text(message))
        if event.direction == "out":
            time, because, mend = self._broken.pop(subject, (0.0, "", ""))
            if event.time - time < WAIT_S:
                reject = structs.replace(reject, because=clean(because), mend=reject.mend or mend)
        _keep(self._told, subject, event.time)
        reason = self._reasons.pop(subject, None)
        if reason is not None:
            yield _joined(reject, reason)
        else:
            yield from self._displaced(self._rejects, subject, reject)

    def _said(self, event: Event, ue: str) -> Iterator[Incident]:
        """What became of a message or a procedure."""
        cause = str(event.cause)
        found = _OUTCOME.match(cause)
        kind, because = (found[1], found[2]) if found else ("", cause)
        subject = ue or event.subject
        if kind != "ignored":
            _keep(self._told, subject, event.time)
        if kind in ("aborted", "ended") and (because in _HARMLESS or not event.mend):
            return  # a collision of the specification, or what it was for
        if kind == "association lost":
            yield structs.replace(self._incident(event, "", "gNB lost", ""), because=clean(because))
        elif kind == "refused":
            what = words.begun(f"{words.ended(event.procedure)} refused")
            reason = structs.replace(self._incident(event, ue, what, ""), because=clean(because))
            reject = self._rejects.pop(subject, None)
            if reject is not None:
                yield self._hinted(subject, _joined(reject, reason))
            else:
                yield from self._displaced(self._reasons, subject, reason)
        elif kind not in ("", "eligibility") or _EXPIRED.match(cause) or "bug" in cause or event.mend:
            what = f"{event.message} ignored" if kind == "ignored" and event.message else _WHAT.get(kind, "")
            what = what or words.begun(f"{words.ended(event.procedure)} ended")
            yield structs.replace(self._incident(event, ue, what, ""), because=clean(because))

    def _incident(self, event: Event, ue: str, what: str, cause: str) -> Incident:
        shown = UNKNOWN if ue.startswith("UE ") else name(ue)
        gnb = event.whereabouts or (event.subject if not ue and event.nf == "AMF" else "")
        mend = event.mend.replace("IMSI", ue.removeprefix("imsi-")) if _SUPI.match(ue) else event.mend
        return Incident(
            what=clean(what),
            ue=shown,
            gnb=name(gnb),
            procedure=name(event.procedure),
            cause=clean(cause),
            mend=clean(mend),
            first=event.time,
            last=event.time,
        )

    def _displaced(
        self, waiting: OrderedDict[str, Incident], subject: str, incident: Incident
    ) -> Iterator[Incident]:
        """Lets one wait; the one of the same subject that waited stands alone now."""
        before = waiting.pop(subject, None)
        if before is not None:
            yield self._hinted(subject, before)
        _keep(waiting, subject, incident)

    def _hinted(self, subject: str, incident: Incident) -> Incident:
        """With what a network function said a moment before, where the reason itself says less."""
        time, because, mend = self._hints.get(subject, (0.0, "", ""))
        if incident.last - time > WAIT_S or (incident.because and because not in incident.because):
            return incident
        return structs.replace(
            incident, because=incident.because or clean(because), mend=incident.mend or clean(mend)
        )


_WHAT = {
    "broken": "Message that cannot be read",
    "not begun": "Procedure not begun",
    "eligibility": "Eligibility",
    "slice rejected": "Slice rejected",
    "not carried": "PDU session not carried",
}


def _joined(reject: Incident, reason: Incident) -> Incident:
    return structs.replace(
        reject,
        because=reason.because,
        mend=reason.mend or reject.mend,
        procedure=reason.procedure or reject.procedure,
        gnb=reject.gnb or reason.gnb,
        ue=reject.ue or reason.ue,
    )


def _keep(known: OrderedDict[K, V], key: K, value: V, most: int = KNOWN) -> None:
    known[key] = value
    known.move_to_end(key)
    if len(known) > most:
        known.popitem(last=False)
