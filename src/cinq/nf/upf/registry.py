"""All associations and sessions of a UPF, by every key that a message may name them by."""

from __future__ import annotations

from collections.abc import Callable, Container
from ipaddress import IPv4Address, IPv6Network

from cinq.nf.upf.context import Association, SessionContext, remote_end
from cinq.transport_address import Address
from cinq.userplane.rules import address_key
from cinq.wire.pfcp import NodeId

MOST_ASSOCIATIONS = 16


class Registry:
    """entropy(n) gives n random octets, of which SEIDs and TEIDs are made."""

    def __init__(self, entropy: Callable[[int], bytes]) -> None:
        self._entropy = entropy
        self.associations: dict[NodeId, Association] = {}
        self.sessions: dict[int, SessionContext] = {}
        self._teids: dict[int, int] = {}
        self._ues: dict[int, int] = {}  # by address_key
        self._remote: dict[int, int] = {}
        self.told_gone: dict[int, float] = {}
        """When the tunnel of a session was reported as gone, by SEID; until the session changes."""

    def associate(self, association: Association) -> None:
        self.associations[association.node_id] = association

    def dissociate(self, association: Association) -> None:
        self.associations.pop(association.node_id, None)

    def association_of(self, address: str) -> Association | None:
        return next((a for a in self.associations.values() if a.address == address), None)

    def of_association(self, address: str) -> list[SessionContext]:
        return [session for session in self.sessions.values() if session.smf == address]

    def session(self, seid: int | None, address: str) -> SessionContext | None:
        """The session, if it belongs to the SMF at this address (DEV-063)."""
        found = self.sessions.get(seid or 0)
        return found if found is not None and found.smf == address else None

    def behind(self, teid: int, peer: Address) -> SessionContext | None:
        """The session whose downlink packets go to this F-TEID."""
        return self.sessions.get(self._remote.get(remote_end(teid, peer), 0))

    def new_seid(self) -> int:
        return self._unused(8, self.sessions)

    def new_teid(self) -> int:
        return self._unused(4, self._teids)

    def _unused(self, octets: int, taken: Container[int]) -> int:
        """Never 0: SEID 0 is 'not known', TEID 0 is for signalling."""
        while True:
            number = int.from_bytes(self._entropy(octets), "big")
            if number and number not in taken:
                return number

    def owner(self, teid: int) -> int | None:
        """SEID of the session that has the TEID."""
        return self._teids.get(teid)

    def owner_of(self, ue: IPv4Address | IPv6Network) -> int | None:
        """SEID of the session that has the UE address or prefix."""
        return self._ues.get(address_key(ue))

    def put(self, session: SessionContext) -> None:
        seid = session.seid
        self.told_gone.pop(seid, None)
        earlier = self.sessions.get(seid)
        if earlier is not None and earlier.pdrs == session.pdrs:  # most modifications are of FARs alone
            self._leave(earlier)
        else:
            self.pop(seid)
            for pdr in session.pdrs:
                if pdr.teid is not None:
                    self._teids[pdr.teid] = seid
                for end in pdr.ends:
                    self._ues[address_key(end)] = seid
        self.sessions[seid] = session
        for remote in session.remote_ends():
            self._remote[remote] = seid

    def pop(self, seid: int) -> SessionContext | None:
        session = self.sessions.pop(seid, None)
        self.told_gone.pop(seid, None)
        if session is not None:
            for pdr in session.pdrs:
                if pdr.teid is not None:
                    self._teids.pop(pdr.teid, None)
                for end in pdr.ends:
                    self._ues.pop(address_key(end), None)
            self._leave(session)
        return session

    def _leave(self, session: SessionContext) -> None:
        for end in session.remote_ends():
            if self._remote.get(end) == session.seid:
                del self._remote[end]
