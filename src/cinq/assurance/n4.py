"""The bench's own end of N4: an SMF that sets up an association and sessions, TS 29.244."""

from __future__ import annotations

import asyncio
import itertools
from collections.abc import Callable
from functools import partial
from ipaddress import IPv4Address

from cinq.assurance.n3 import Address, Open, Port
from cinq.assurance.target import Interfaces
from cinq.ran.scenarios import check
from cinq.ran.scenarios.check import Failed
from cinq.wire import pfcp

T1_S, N1 = 1.0, 3  # §6.4: how long a request waits, and how often it is sent


class BenchSmf:
    """SMFs of the bench: one at `interfaces.smf`, others where it is said. An endpoint is opened with the first use."""

    def __init__(self, where: Interfaces, open_: Open) -> None:
        self._where = where
        self._open = open_
        self._ports: dict[IPv4Address, Port] = {}
        self._sequence = itertools.count(1)
        self._waiting: dict[int, asyncio.Future[pfcp.Message]] = {}

    async def ask(
        self, request: pfcp.Message, seid: int | None = None, own: IPv4Address | None = None
    ) -> pfcp.Message:
        """The UPF's answer. Failed: none came."""
        answer = await self.exchange(lambda number: pfcp.encode(request, sequence=number, seid=seid), own)
        if answer is None:
            raise Failed(f"no answer on N4 to {type(request).__name__} within {N1 * T1_S:g} s")
        return answer

    async def exchange(
        self, make: Callable[[int], bytes], own: IPv4Address | None = None, tries: int = N1
    ) -> pfcp.Message | None:
        """What answers octets that are made with a sequence number; None: nothing, or nothing that can be read."""
        sequence = next(self._sequence)
        octets = make(sequence)
        answer: asyncio.Future[pfcp.Message] = asyncio.get_running_loop().create_future()
        self._waiting[sequence] = answer
        try:
            for _ in range(tries):
                await self.send(octets, own)
                done, _ = await asyncio.wait({answer}, timeout=T1_S)
                if done:
                    return answer.result()
        finally:
            del self._waiting[sequence]
        return None

    async def send(self, octets: bytes, own: IPv4Address | None = None) -> None:
        """Any octets. Failed: there is no place for the bench there."""
        upf = check.present(self._where.n4, "interfaces.n4")
        own = own or check.present(self._where.smf, "interfaces.smf")
        if own not in self._ports:
            try:
                self._ports[own] = await self._open(str(own), pfcp.PORT, partial(self._heard, own))
            except OSError as error:
                raise Failed(f"the bench SMF has no place at {own}: {error}") from None
        self._ports[own].send(octets, (str(upf), pfcp.PORT))

    def _heard(self, own: IPv4Address, octets: bytes, peer: Address) -> None:
        try:
            message = pfcp.decode(octets)
        except pfcp.PfcpError:
            return
        if isinstance(message, pfcp.HeartbeatRequest) and own in self._ports:
            answer = pfcp.HeartbeatResponse(recovery_time_stamp=RECOVERY)
            self._ports[own].send(pfcp.encode(answer, sequence=message.sequence), peer)
            return
        waiting = self._waiting.get(message.sequence)
        if waiting is not None and not waiting.done() and not type(message).REQUEST:
            waiting.set_result(message)

    def close(self) -> None:
        for port in self._ports.values():
            port.close()
        self._ports.clear()


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
