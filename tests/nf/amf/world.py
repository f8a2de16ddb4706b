"""An AMF with AUSF, UDM, UDR, NSSF and PCF on one bus and a scripted SMF, on virtual time."""

from __future__ import annotations

import asyncio
import itertools
from collections.abc import Callable, Coroutine
from typing import TypeVar

from cinq.crypto import kdf
from cinq.eligibility.gate import OPEN, Gate
from cinq.nf.amf import AMF, Settings
from cinq.nf.ausf import AUSF
from cinq.nf.eir import EIR
from cinq.nf.eir import Settings as EirSettings
from cinq.nf.nssf import NSSF
from cinq.nf.nssf import Settings as NssfSettings
from cinq.nf.pcf import PCF
from cinq.nf.udm import UDM
from cinq.nf.udm import Settings as UdmSettings
from cinq.nf.udr import UDR, provisioning
from cinq.numbering import PlmnId, Supi, Tai
from cinq.procedure import Journal, VirtualClock, run_virtual
from cinq.procedure.store import MemoryStore, Store
from cinq.sbi import Bus, Created, Problem, checked
from cinq.sbi.bus import Method, Transport
from cinq.sbi.models import RefToBinaryData
from cinq.sbi.operation import Operation
from cinq.sbi.services.namf_communication import (
    N1MessageContainer,
    N1N2MessageTransferReqData,
    N1N2MessageTransferRequest,
    N1N2MsgTxfrFailureNotification,
    N2InfoContainer,
    N2InfoContent,
    N2SmInformation,
    NamfCommunication,
    NsmfCallback,
)
from cinq.sbi.services.nsmf_pdusession import (
    NsmfPDUSession,
    PostSmContextsRequest,
    SmContextCreatedData,
    SmContextReleaseData,
    SmContextUpdatedData,
    UpdateSmContextRequest,
    UpdateSmContextResponse,
)
from cinq.wire import nas

R = TypeVar("R")
K = bytes.fromhex("465B5CE8B199B49FAA5F0A2EE238A6BC")
OPC = bytes.fromhex("E8ED289DEBA952E4283B54E88E6183CA")
PLMN = PlmnId("999", "70")
TAI = Tai(PLMN, 1)
NETWORK = kdf.snn("999", "70")
CAPABILITY = nas.UeSecurityCapability.of((0, 1, 2, 3), (0, 1, 2, 3))


MOVES = {
    "HANDOVER_REQUIRED": ("PDU_RES_SETUP_REQ", b"for target"),
    "HANDOVER_REQ_ACK": ("HANDOVER_CMD", b"for source"),
    "PATH_SWITCH_REQ": ("PATH_SWITCH_REQ_ACK", b"switched"),
}
"""What an SMF answers to the transfers of a move."""


class FakeSmf:
    """Answers a create at once, then sets the session up by N1N2MessageTransfer, as a real one does."""

    def __init__(self, bus: Bus) -> None:
        self.bus = bus
        self.contexts: dict[str, PostSmContextsRequest] = {}
        self.updates: list[tuple[str, UpdateSmContextRequest]] = []
        self.released: list[str] = []
        self.failures: list[str] = []
        self.refuse: Problem | None = None
        self.delay = 0.0
        self.sets_up = True
        self.stays: set[str] = set()  # sessions that do not move
        self.answers: dict[bytes, str | Problem] = {}  # what it makes of a transfer: a kind, or a refusal
        self._count = itertools.count(1)
        self._tasks: set[asyncio.Task[None]] = set()

    async def create_sm_context(self, body: PostSmContextsRequest) -> Created[SmContextCreatedData]:
        await asyncio.sleep(self.delay)
        if self.refuse is not None:
            raise self.refuse
        ref = f"sm-{next(self._count)}"
        self.contexts[ref] = body
        if self.sets_up:
            task = asyncio.get_running_loop().create_task(self.set_up(ref, b"\x2e\x01\x01\xc2accept"))
            self._tasks.add(task)
            task.add_done_callback(self._tasks.discard)
        return Created(f"/sm-contexts/{ref}", SmContextCreatedData())

    async def set_up(self, ref: str, n1: bytes | None) -> None:
        data = self.contexts[ref].json_data
        assert data.supi is not None
        assert data.pdu_session_id is not None
        await self.transfer(data.supi, data.pdu_session_id, n1, b"setup", "PDU_RES_SETUP_REQ", ref)

    async def transfer(
        self,
        supi: str,
        number: int,
        n1: bytes | None,
        n2: bytes | None,
        kind: str | None,
        ref: str = "sm-1",
        skip: bool = False,
    ) -> str:
        body = N1N2MessageTransferRequest(
            json_data=N1N2MessageTransferReqData(
                pdu_session_id=number,
                skip_ind=skip,
                n1_message_container=N1MessageContainer(
                    n1_message_class="SM", n1_message_content=RefToBinaryData(content_id="n1")
                )
                if n1
                else None,
                n2_info_container=N2InfoContainer(
                    n2_information_class="SM",
                    sm_info=N2SmInformation(
                        pdu_session_id=number,
                        n2_info_content=N2InfoContent(
                            ngap_data=RefToBinaryData(content_id="n2"),
                            ngap_ie_type=kind,  # type: ignore[arg-type]
                        ),
                    ),
                )
                if n2
                else None,
                n1n2_failure_txf_notif_uri=f"/nsmf-callback/v1/n1n2-failure/{ref}",
            ),
            binary_data_n1_message=n1,
            binary_data_n2_information=n2,
        )
        amf = self.bus.client(NamfCommunication, "SMF")
        return (await amf.n1n2_message_transfer(supi, body)).cause

    async def update_sm_context(
        self, sm_context_ref: str, body: UpdateSmContextRequest
    ) -> UpdateSmContextResponse:
        await asyncio.sleep(self.delay)
        if sm_context_ref not in self.contexts:
            raise Problem(404, "CONTEXT_NOT_FOUND")
        self.updates.append((sm_context_ref, body))
        if body.json_data.release:
            await self.release_sm_context(sm_context_ref, SmContextReleaseData())
        if body.json_data.up_cnx_state == "ACTIVATING":
            return UpdateSmContextResponse(
                json_data=SmContextUpdatedData(
                    n2_sm_info=RefToBinaryData(content_id="n2"), n2_sm_info_type="PDU_RES_SETUP_REQ"
                ),
                binary_data_n2_sm_information=b"resetup",
            )
        answer = MOVES.get(str(body.json_data.n2_sm_info_type))
        octets = body.binary_data_n2_sm_information or b""
        if (given := self.answers.get(octets)) is not None:
            if isinstance(given, Problem):
                raise given
            answer = given, b"ok " + octets
        if answer is not None and sm_context_ref not in self.stays:
            return UpdateSmContextResponse(
                json_data=SmContextUpdatedData(
                    n2_sm_info=RefToBinaryData(content_id="n2"),
                    n2_sm_info_type=answer[0],  # type: ignore[arg-type]
                ),
                binary_data_n2_sm_information=answer[1],
            )
        return UpdateSmContextResponse(json_data=SmContextUpdatedData())

    async def release_sm_context(self, sm_context_ref: str, body: SmContextReleaseData) -> None:
        if self.contexts.pop(sm_context_ref, None) is None:
            raise Problem(404, "CONTEXT_NOT_FOUND")
        self.released.append(sm_context_ref)

    async def n1n2_transfer_failure(self, sm_context_ref: str, body: N1N2MsgTxfrFailureNotification) -> None:
        self.failures.append(sm_context_ref)

    def ho_states(self, ref: str = "sm-1") -> list[str]:
        """What the SMF heard of a session's N2 handover."""
        return [u.json_data.ho_state for r, u in self.updates if r == ref and u.json_data.ho_state]

    def states(self) -> list[str]:
        return [str(u.json_data.up_cnx_state or u.json_data.n2_sm_info_type) for _, u in self.updates]


def slowly(seconds: float) -> Transport:
    """A transport on which every request and every answer takes its time."""

    async def transport(operation: Operation, method: Method, arguments: tuple[object, ...]) -> object:
        await asyncio.sleep(seconds)
        try:
            return await checked(operation, method, arguments)
        finally:
            await asyncio.sleep(seconds)

    return transport


class World:
    """One core. `restart` makes another AMF on the same store."""

    def __init__(
        self,
        *,
        store: Store | None = None,
        subscribers: int = 3,
        slow: float = 0.0,
        gate: Gate = OPEN,
        **settings: object,
    ) -> None:
        self.gate = gate
        counter = itertools.count(0x1000)
        self.entropy: Callable[[int], bytes] = lambda n: next(counter).to_bytes(n, "big")
        self.journal = Journal(keep=100_000)
        self.bus = Bus(slowly(slow) if slow else checked, self.journal)
        self.clock = VirtualClock()
        self.udr_store = MemoryStore()
        self.store = store or MemoryStore()
        self.settings = Settings(PLMN, **{"tais": (TAI,), **settings})  # type: ignore[arg-type]
        self.pcf = PCF("pcf")
        self.eir = EIR(EirSettings(), self.udr_store, "eir", gate)
        for nf in (
            UDR(self.udr_store, "udr"),
            UDM(UdmSettings(PLMN), self.bus, self.entropy, "udm"),
            AUSF(self.bus, self.clock, self.entropy, "ausf"),
            NSSF(NssfSettings(self.settings.slices), "nssf"),
            self.pcf,
            self.eir,
        ):
            for service, implementation in nf.services():
                self.bus.serve(service, implementation, nf.instance_id)
        self.smf = FakeSmf(self.bus)
        self.bus.serve(NsmfPDUSession, self.smf, "smf")
        self.bus.serve(NsmfCallback, self.smf, "smf")
        for n in range(1, subscribers + 1):
            self.subscribe(n)
        self.amf = self._amf()

    def _amf(self) -> AMF:
        amf = AMF(
            self.settings, self.bus, self.store, self.clock, self.entropy, self.journal, "amf", self.gate
        )
        for service, implementation in amf.services():
            self.bus.withdraw(service, "amf")
            self.bus.serve(service, implementation, "amf")
        return amf

    async def restart(self) -> None:
        await self.amf.stop()
        self.amf = self._amf()

    async def crash(self) -> None:
        """As restart, but only what was stored at commit points is there."""
        stored = list(self.store.items("amf-ue"))
        await self.amf.stop()
        for key, octets in stored:
            self.store.put("amf-ue", key, octets)
        self.amf = self._amf()

    def subscribe(self, n: int, **more: object) -> Supi:
        supi = supi_of(n)
        provisioning.put(self.udr_store, provisioning.Subscriber(supi, K, OPC, **more))  # type: ignore[arg-type]
        return supi

    def causes(self) -> list[str]:
        return [event.cause for event in self.journal.kept() if event.direction == "none"]

    def messages(self, interface: str) -> list[str]:
        return [e.message for e in self.journal.kept() if e.interface == interface and e.direction != "none"]

    async def quiet(self) -> None:
        """Everything that was going on has ended, timers included."""
        await asyncio.sleep(100)
        assert self.amf.runtime.busy == 0, self.amf.runtime._runs


def supi_of(n: int) -> Supi:
    return Supi(f"99970{n:010d}")


def run(test: Callable[[World], Coroutine[object, None, R]], **settings: object) -> R:
    """Run a test on virtual time, in a world of its own, and see that nothing is left behind."""

    async def main() -> R:
        world = World(**settings)  # type: ignore[arg-type]
        try:
            return await test(world)
        finally:
            await world.amf.stop()
            assert world.amf.runtime.busy == 0
            bugs = [cause for cause in world.causes() if "bug" in cause]
            assert not bugs, bugs

    return run_virtual(main())
