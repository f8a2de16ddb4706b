"""The bench's own end of N4: an SMF that sets up an association and sessions, TS 29.244."""

from __future__ import annotations

import asyncio
import itertools
from ipaddress import IPv4Address

from cinq.assurance.n3 import Address, Open, Port
from cinq.assurance.target import Interfaces
from cinq.ran.scenarios import check
from cinq.ran.scenarios.check import Failed
from cinq.wire import pfcp

T1_S, N1 = 1.0, 3  # §6.4: how long a request waits, and how often it is sent


class BenchSmf:
    """One SMF at `interfaces.smf`. Its endpoint is opened with the first request."""

    def __init__(self, where: Interfaces, open_: Open) -> None:
        self._where = where
        self._open = open_
        self._port: Port | None = None
        self._sequence = itertools.count(1)
        self._waiting: dict[int, asyncio.Future[pfcp.Message]] = {}

    async def ask(self, request: pfcp.Message, seid: int | None = None) -> pfcp.Message:
        """The UPF's answer. Failed: none came."""
        upf, own = (
            check.present(self._where.n4, "interfaces.n4"),
            check.present(self._where.smf, "interfaces.smf"),
        )
        if self._port is None:
            try:
                self._port = await self._open(str(own), pfcp.PORT, self._heard)
            except OSError as error:
                raise Failed(f"the bench SMF has no place at {own}: {error}") from None
        sequence = next(self._sequence)
        octets = pfcp.encode(request, sequence=sequence, seid=seid)
        answer: asyncio.Future[pfcp.Message] = asyncio.get_running_loop().create_future()
        self._waiting[sequence] = answer
        try:
            for _ in range(N1):
                self._port.send(octets, (str(upf), pfcp.PORT))
                done, _ = await asyncio.wait({answer}, timeout=T1_S)
                if done:
                    return answer.result()
        finally:
            del self._waiting[sequence]
        raise Failed(f"no answer on N4 to {type(request).__name__} within {N1 * T1_S:g} s")

    def _heard(self, octets: bytes, peer: Address) -> None:
        try:
            message = pfcp.decode(octets)
        except pfcp.PfcpError:
            return
        if isinstance(message, pfcp.HeartbeatRequest) and self._port is not None:
            answer = pfcp.HeartbeatResponse(recovery_time_stamp=RECOVERY)
            self._port.send(pfcp.encode(answer, sequence=message.sequence), peer)
            return
        waiting = self._waiting.get(message.sequence)
        if waiting is not None and not waiting.done() and not type(message).REQUEST:
            waiting.set_result(message)

    def close(self) -> None:
        if self._port is not None:
            self._port.close()
            self._port = None


RECOVERY = 1_000_000  # of a bench that never restarts


def association(own: IPv4Address) -> pfcp.AssociationSetupRequest:
    return pfcp.AssociationSetupRequest(node_id=pfcp.NodeId(own), recovery_time_stamp=RECOVERY)


def session(own: IPv4Address, seid: int, ue: IPv4Address, dnn: str) -> pfcp.SessionEstablishmentRequest:
    """A session whose uplink F-TEID the UPF chooses (§5.5.3); downlink packets wait for a gNB."""
    uplink = pfcp.CreatePdr(
        pdr_id=1,
        precedence=255,
        pdi=pfcp.Pdi(
            source_interface=pfcp.Interface.ACCESS,
            f_teid=pfcp.FTeid.choose(),
            network_instance=pfcp.NetworkInstance(dnn),
            ue_ip_addresses=[pfcp.UeIpAddress(ue)],
        ),
        outer_header_removal=pfcp.OuterHeaderRemoval(0),
        far_id=1,
    )
    downlink = pfcp.CreatePdr(
        pdr_id=2,
        precedence=255,
        pdi=pfcp.Pdi(
            source_interface=pfcp.Interface.CORE,
            network_instance=pfcp.NetworkInstance(dnn),
            ue_ip_addresses=[pfcp.UeIpAddress(ue, destination=True)],
        ),
        far_id=2,
    )
    forward = pfcp.CreateFar(
        far_id=1,
        apply_action=pfcp.ApplyAction(pfcp.ApplyAction.FORW),
        forwarding_parameters=pfcp.ForwardingParameters(
            destination_interface=pfcp.Interface.CORE, network_instance=pfcp.NetworkInstance(dnn)
        ),
    )
    drop = pfcp.CreateFar(far_id=2, apply_action=pfcp.ApplyAction(pfcp.ApplyAction.DROP))
    return pfcp.SessionEstablishmentRequest(
        node_id=pfcp.NodeId(own),
        cp_f_seid=pfcp.FSeid(seid, own),
        create_pdrs=[uplink, downlink],
        create_fars=[forward, drop],
        pdn_type=pfcp.PdnType.IPV4,
    )
