"""Ethernet sessions of a tunnel end, frame by frame: TS 23.501 §5.6.10.2. Used by the model, and so by every plane."""

from __future__ import annotations

from collections.abc import Callable
from typing import Protocol

from cinq.userplane.packet import Refused
from cinq.userplane.rules import EncapRule, Reason, SessionRules
from cinq.userplane.switch import LEAST, Switch, is_group, stations
from cinq.userplane.verdicts import Buffered, Dropped, Frame, Outer


class Sends(Protocol):
    """A session that frames go to. Refused: this one does not."""

    def __call__(self, session: int, frame: bytes, now_ns: int) -> Outer | Buffered: ...


class Frames:
    """learns: whether several sessions share a link (a UPF). direct: whether frames go from UE to UE."""

    def __init__(
        self, sends: Sends, count: Callable[[Reason], None], *, learns: bool, direct: bool, most: int
    ) -> None:
        """most: octets of the largest frame."""
        self.switch = Switch()
        self._sends, self._count = sends, count
        self._learns, self._direct, self._most = learns, direct, most

    def follow(self, rules: SessionRules) -> None:
        """The session is on the link that its rules name, or on none."""
        if rules.link:
            self.switch.join(rules.session, rules.link)
        else:
            self.switch.leave(rules.session)

    def check(self, frame: bytes, session: int, now_ns: int) -> None:
        """Of a frame from a UE. Refused: it is none, its source is a group, or another session's."""
        if len(frame) < LEAST:
            raise Refused(Reason.MALFORMED)
        source, _ = stations(frame)
        if is_group(source):
            raise Refused(Reason.MALFORMED)
        if self._learns and not self.switch.learn(session, source, now_ns):
            raise Refused(Reason.SPOOFED)

    def from_tunnel(self, link: str, session: int, frame: bytes, now_ns: int) -> Frame:
        """A frame that `check` has seen."""
        if not self._learns:
            return Frame(link, frame)
        to, out = self.switch.between(session, frame, now_ns)
        if to and not self._direct:
            if not out:
                raise Refused(Reason.UE_TO_UE)
            to = []
        others = tuple(self._each(to, frame, now_ns))
        return Frame(link if out else "", frame, others)

    def from_link(self, link: str, frame: bytes, now_ns: int) -> list[Outer | Buffered | Dropped]:
        """What becomes of a frame from the interface of a link at the sessions it is for."""
        if not LEAST <= len(frame) <= self._most:
            reason = Reason.MALFORMED if len(frame) < LEAST else Reason.TOO_BIG
            self._count(reason)
            return [Dropped(reason)]
        to = self.switch.towards(link, frame, now_ns)
        if not to:
            self._count(Reason.UNKNOWN_UE)
            return [Dropped(Reason.UNKNOWN_UE)]
        return self._each(to, frame, now_ns)

    def _each(self, sessions: list[int], frame: bytes, now_ns: int) -> list[Outer | Buffered | Dropped]:
        made: list[Outer | Buffered | Dropped] = []
        for session in sessions:
            try:
                made.append(self._sends(session, frame, now_ns))
            except Refused as refused:
                self._count(refused.reason)
                made.append(Dropped(refused.reason))
        return made


def rule_of(rules: SessionRules | None) -> EncapRule:
    """What frames towards the UE of a session get. Refused: it is no Ethernet session."""
    if rules is None or rules.frames is None:
        raise Refused(Reason.UNKNOWN_UE)
    return rules.frames
