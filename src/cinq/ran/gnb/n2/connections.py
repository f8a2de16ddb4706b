"""The UE-associated logical connections of an association: their identities, their streams, who is awaited."""

from __future__ import annotations

from collections.abc import Callable
from typing import Protocol

from cinq.procedure import Runtime
from cinq.ran.gnb.context import CellId
from cinq.ran.gnb.n2.ue import Awaited, Outlet, RadioLink, UeContext

_C_RNTIS = range(1, 0xFFF0)  # TS 38.321 §7.1


class Association(Outlet, Protocol):
    @property
    def outbound_streams(self) -> int: ...


class Connections:
    """ues: by RAN-UE-NGAP-ID. A UE that is to arrive by a handover is awaited under its C-RNTI."""

    __slots__ = (
        "_awaited",
        "_by_amf_id",
        "_c_rntis",
        "_n2",
        "_next_c_rnti",
        "_runtime",
        "next_ran_ue_ngap_id",
        "ues",
    )

    def __init__(self, n2: Association, runtime: Runtime) -> None:
        self.ues: dict[int, UeContext] = {}
        self.next_ran_ue_ngap_id = 1
        self._n2 = n2
        self._runtime = runtime
        self._by_amf_id: dict[int, UeContext] = {}
        self._awaited: dict[int, tuple[UeContext, Callable[[UeContext], None]]] = {}
        self._c_rntis: dict[int, int] = {}
        self._next_c_rnti = _C_RNTIS.start

    def new(self, link: RadioLink, cell: CellId) -> UeContext:
        """A connection that the AMF does not know yet."""
        ran_ue_ngap_id = self._allocate_ran_ue_ngap_id()
        stream = self.stream_of(ran_ue_ngap_id)
        ue = UeContext(ran_ue_ngap_id, link, cell, self._n2, self._runtime, stream)
        self.ues[ran_ue_ngap_id] = ue
        return ue

    def _allocate_ran_ue_ngap_id(self) -> int:
        """32 bits, not in use, TS 38.413 §9.3.3.2."""
        while self.next_ran_ue_ngap_id in self.ues:
            self.next_ran_ue_ngap_id = (self.next_ran_ue_ngap_id + 1) & 0xFFFFFFFF
        found = self.next_ran_ue_ngap_id
        self.next_ran_ue_ngap_id = (found + 1) & 0xFFFFFFFF
        return found

    def stream_of(self, ran_ue_ngap_id: int) -> int:
        """Stream 0 is for the interface itself, TS 38.412 §7; a UE keeps to one of the others, where there are."""
        streams = self._n2.outbound_streams
        return 0 if streams < 2 else 1 + ran_ue_ngap_id % (streams - 1)

    def name(self, ue: UeContext, amf_ue_ngap_id: int) -> None:
        """The AMF calls it so from now on."""
        self._unname(ue)
        ue.commit(amf_ue_ngap_id=amf_ue_ngap_id)
        self._by_amf_id[amf_ue_ngap_id] = ue

    def _unname(self, ue: UeContext) -> None:
        known = ue.amf_ue_ngap_id
        if known is not None and self._by_amf_id.get(known) is ue:
            del self._by_amf_id[known]

    def by_amf_ue_ngap_id(self, amf_ue_ngap_id: int | None) -> UeContext | None:
        """The UE that the AMF calls so. None: it has named none of them so."""
        return None if amf_ue_ngap_id is None else self._by_amf_id.get(amf_ue_ngap_id)

    def remove(self, ue: UeContext) -> bool:
        """False: it is removed already."""
        if self.ues.pop(ue.ran_ue_ngap_id, None) is None:
            return False
        self._unname(ue)
        self._awaited.pop(self._c_rntis.pop(ue.ran_ue_ngap_id, 0), None)
        return True

    # re-establishment

    @staticmethod
    def c_rnti(ue: UeContext) -> int:
        """Of a UE that has not come by a handover: its number tells it, so nobody has to keep it."""
        return 1 + ue.ran_ue_ngap_id % (_C_RNTIS.stop - 1)

    def known_as(self, c_rnti: int, pci: int) -> list[UeContext]:
        """Those that may have this C-RNTI in a cell of this PCI."""
        return [ue for ue in self.ues.values() if self.c_rnti(ue) == c_rnti and ue.cell.pci == pci]

    # handover

    def expect(self, cell: CellId, arrived: Callable[[UeContext], None]) -> tuple[UeContext, int]:
        """A connection for a UE that is to come to the cell, and the C-RNTI it will have. arrived: called then."""
        ue = self.new(Awaited(), cell)
        while self._next_c_rnti in self._awaited:
            self._next_c_rnti = self._next_c_rnti % (_C_RNTIS.stop - 1) + 1
        c_rnti = self._next_c_rnti
        self._next_c_rnti = c_rnti % (_C_RNTIS.stop - 1) + 1
        self._awaited[c_rnti] = ue, arrived
        self._c_rntis[ue.ran_ue_ngap_id] = c_rnti
        return ue, c_rnti

    def awaits(self, ue: UeContext) -> bool:
        """Whether a handover is prepared for it here."""
        return ue.ran_ue_ngap_id in self._c_rntis

    def expects(self, c_rnti: int, cell: CellId) -> bool:
        """Whether somebody of that C-RNTI is awaited in the cell."""
        found = self._awaited.get(c_rnti)
        return found is not None and found[0].cell == cell

    def arrives(self, c_rnti: int, cell: CellId) -> tuple[UeContext, Callable[[UeContext], None]] | None:
        """The UE has come to the cell. None: nobody of that C-RNTI is awaited there."""
        found = self._awaited.get(c_rnti)
        if found is None or found[0].cell != cell:
            return None
        del self._awaited[c_rnti], self._c_rntis[found[0].ran_ue_ngap_id]
        return found
