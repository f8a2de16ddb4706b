"""Frames of Ethernet sessions: which go where. TS 23.501 §5.6.10.2, IEEE 802.1Q. Pure; time is an argument.

A link is a broadcast domain: the interface of a data network and the sessions on it. A frame stays in its VLAN. What is
learned of a session is bounded and grows old, so that a UE can neither fill the table nor keep an address for ever.
"""

from __future__ import annotations

from collections import OrderedDict
from dataclasses import dataclass, field

GROUP = 1
"""Of the first octet: a group address (broadcast and multicast)."""
C_TAG, S_TAG = 0x8100, 0x88A8
LEAST = 14  # two addresses and the type
AROUND = LEAST + 4  # of a payload, with a tag
MOST_ADDRESSES = 128  # of one session
AGE_NS = 300 * 10**9
NO_VLAN = -1

Station = tuple[int, bytes]
"""VLAN and MAC address."""


def stations(frame: bytes) -> tuple[Station, Station]:
    """Source and destination of a frame of at least LEAST octets, with the VLAN of its outer tag."""
    vlan = NO_VLAN
    if int.from_bytes(frame[12:14], "big") in (C_TAG, S_TAG) and len(frame) >= LEAST + 4:
        vlan = int.from_bytes(frame[14:16], "big") & 0xFFF
    return (vlan, frame[6:12]), (vlan, frame[:6])


def is_group(station: Station) -> bool:
    return bool(station[1][0] & GROUP)


@dataclass(slots=True)
class Link:
    """sessions: those on it, in the order in which they came. known: by station the session and when it last sent."""

    sessions: dict[int, None] = field(default_factory=dict)
    known: dict[Station, tuple[int, int]] = field(default_factory=dict)
    own: dict[int, OrderedDict[Station, None]] = field(default_factory=dict)


class Switch:
    """All links of a tunnel end."""

    def __init__(self) -> None:
        self._links: dict[str, Link] = {}
        self._of: dict[int, str] = {}

    def join(self, session: int, link: str) -> None:
        """Idempotent."""
        if self._of.get(session) != link:
            self.leave(session)
            self._of[session] = link
            self._links.setdefault(link, Link()).sessions[session] = None

    def leave(self, session: int) -> None:
        """Idempotent. What was learned of the session is forgotten."""
        name = self._of.pop(session, None)
        if name is None:
            return
        link = self._links[name]
        del link.sessions[session]
        for station in link.own.pop(session, ()):
            del link.known[station]
        if not link.sessions:
            del self._links[name]

    def addresses(self, session: int) -> list[Station]:
        """What the session was heard of."""
        link = self._links.get(self._of.get(session, ""))
        return [] if link is None else list(link.own.get(session, ()))

    def learn(self, session: int, station: Station, now_ns: int) -> bool:
        """False: another session on the link has the station, and has sent not long ago (NOTE 9: it is of one)."""
        link = self._links[self._of[session]]
        owner, heard = link.known.get(station, (session, 0))
        if owner != session and now_ns - heard < AGE_NS:
            return False
        if owner != session:
            del link.own[owner][station]
        own = link.own.setdefault(session, OrderedDict())
        own[station] = None
        own.move_to_end(station)
        link.known[station] = session, now_ns
        if len(own) > MOST_ADDRESSES:
            oldest, _ = own.popitem(last=False)
            del link.known[oldest]
        return True

    def owner(self, link: str, station: Station, now_ns: int) -> int | None:
        """The session that has sent from the station, not too long ago."""
        found = self._links.get(link)
        session, heard = (None, 0) if found is None else found.known.get(station, (None, 0))
        return session if session is not None and now_ns - heard < AGE_NS else None

    def towards(self, link: str, frame: bytes, now_ns: int) -> list[int]:
        """The sessions that a frame from the link's interface goes to.

        A frame whose source is a UE's came back, and goes to nobody. A session that is alone gets all; of several each
        gets what is for it and for groups, and nobody what is for a station that nobody has sent from.
        """
        found = self._links.get(link)
        if found is None:
            return []
        source, destination = stations(frame)
        if self.owner(link, source, now_ns) is not None:
            return []
        if is_group(destination) or len(found.sessions) == 1:
            return list(found.sessions)
        owner = self.owner(link, destination, now_ns)
        return [] if owner is None else [owner]

    def between(self, session: int, frame: bytes, now_ns: int) -> tuple[list[int], bool]:
        """The other sessions that a UE's frame goes to, and whether it goes to the link's interface as well."""
        name = self._of[session]
        _, destination = stations(frame)
        if is_group(destination):
            return [each for each in self._links[name].sessions if each != session], True
        owner = self.owner(name, destination, now_ns)
        return ([], owner is None) if owner in (None, session) else ([owner], False)
