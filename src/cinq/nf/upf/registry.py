"""All associations and sessions of a UPF, by every key that a message may name them by."""

from __future__ import annotations

from collections.abc import Callable, Container
from ipaddress import IPv4Address, IPv6Network

from cinq.nf.upf import stored
from cinq.nf.upf.context import Association, SessionContext, remote_end
from cinq.procedure.store import Store
from cinq.transport_address import Address
from cinq.userplane.rules import address_key
from cinq.wire.pfcp import NodeId

MOST_ASSOCIATIONS = 16


class Registry:
    """entropy(n) gives n random octets, of which SEIDs and TEIDs are made."""

    def __init__(self, entropy: Callable[[int], bytes], store: Store | None = None) -> None:
        """store: what is in the registry outlives the process there."""
        self._entropy = entropy
        self._store = store
        self.associations: dict[NodeId, Association] = {}
        self.sessions: dict[int, SessionContext] = {}
        self._teids: dict[int, int] = {}
        self._ues: dict[int, int] = {}  # by address_key
        self._remote: dict[int, int] = {}
        self._by_cp: dict[tuple[str, int], int] = {}
        self.told_gone: dict[int, float] = {}
        """When the tunnel of a session was reported as gone, by SEID; until the session changes."""

    def associate(self, association: Association) -> None:
        self.associations[association.node_id] = association
        if self._store is not None:
            key = association.node_id.octets().hex()
            self._store.put(stored.ASSOCIATIONS, key, stored.association_encoded(association))

    def dissociate(self, association: Association) -> None:
        self.associations.pop(association.node_id, None)
        if self._store is not None:
            self._store.delete(stored.ASSOCIATIONS, association.node_id.octets().hex())

    def association_of(self, address: str) -> Association | None:
        for association in self.associations.values():
            if association.address == address:
                return association
        return None

    def of_association(self, address: str) -> list[SessionContext]:
        return [session for session in self.sessions.values() if session.smf == address]

    def session(self, seid: int | None, address: str) -> SessionContext | None:
        """The session, if it belongs to the SMF at this address (DEV-063)."""
        found = self.sessions.get(seid or 0)
        return found if found is not None and found.smf == address else None

    def of_cp(self, address: str, cp_seid: int) -> SessionContext | None:
        """The session that the SMF at this address calls so."""
        return self.sessions.get(self._by_cp.get((address, cp_seid), 0))

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
        if self._store is not None:
            self._store.put(stored.SESSIONS, f"{session.seid:016x}", stored.encoded(session))
        self._index(session)

    def _index(self, session: SessionContext) -> None:
        seid = session.seid
        self.told_gone.pop(seid, None)
        earlier = self.sessions.get(seid)
        if earlier is not None and earlier.pdrs == session.pdrs:  # most modifications are of FARs alone
            self._leave(earlier)
            self._by_cp.pop((earlier.smf, earlier.cp_seid), None)
        else:
            self._remove(seid)
            for pdr in session.pdrs:
                if pdr.teid is not None:
                    self._teids[pdr.teid] = seid
                for end in pdr.ends:
                    self._ues[address_key(end)] = seid
        self.sessions[seid] = session
        self._by_cp[session.smf, session.cp_seid] = seid
        for remote in session.remote_ends():
            self._remote[remote] = seid

    def pop(self, seid: int) -> SessionContext | None:
        if self._store is not None:
            self._store.delete(stored.SESSIONS, f"{seid:016x}")
        return self._remove(seid)

    def take_up(self, store: Store, is_smf: Callable[[str], bool]) -> list[str]:
        """What a former process had, of the SMFs that are still ours. What of it cannot be read."""
        wrong: list[str] = []
        for key, octets in list(store.items(stored.ASSOCIATIONS)):
            try:
                association = stored.association_decoded(octets)
            except stored.Unreadable as error:
                wrong.append(str(error))
                continue
            if is_smf(association.address):
                self.associations[association.node_id] = association
            else:
                store.delete(stored.ASSOCIATIONS, key)
        for key, octets in list(store.items(stored.SESSIONS)):
            try:
                session = stored.decoded(octets)
            except stored.Unreadable as error:
                wrong.append(str(error))
                continue
            if self.association_of(session.smf) is not None:
                self._index(session)
            else:
                store.delete(stored.SESSIONS, key)
        return wrong

    def _remove(self, seid: int) -> SessionContext | None:
        session = self.sessions.pop(seid, None)
        self.told_gone.pop(seid, None)
        if session is not None:
            for pdr in session.pdrs:
                if pdr.teid is not None:
                    self._teids.pop(pdr.teid, None)
                for end in pdr.ends:
                    self._ues.pop(address_key(end), None)
            self._leave(session)
            if self._by_cp.get((session.smf, session.cp_seid)) == seid:
                del self._by_cp[session.smf, session.cp_seid]
        return session

    def _leave(self, session: SessionContext) -> None:
        for end in session.remote_ends():
            if self._remote.get(end) == session.seid:
                del self._remote[end]
