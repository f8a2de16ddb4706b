"""A UPF with the model as its data plane, and the SMF's side of N4."""

from __future__ import annotations

import itertools
from dataclasses import dataclass, field
from ipaddress import IPv4Address, IPv4Network

from cinq.eligibility.gate import OPEN, Gate
from cinq.nf.upf import UPF, Settings
from cinq.procedure import Journal, VirtualClock
from cinq.transport_address import TransportAddress
from cinq.userplane.model import Inner, Model
from cinq.userplane.rules import PlaneSettings, Reason, Role, SessionRules
from cinq.wire import pfcp

SMF, OTHER_SMF = ("10.4.0.1", 8805), ("10.4.0.9", 8805)
GNB, N3, N4 = IPv4Address("10.3.0.2"), IPv4Address("10.3.0.1"), IPv4Address("10.4.0.2")
UE = IPv4Address("10.45.0.1")
POOL = IPv4Network("10.45.0.0/16")


class ModelPlane:
    """userplane.Model as a DataPlane; what it sends is kept."""

    def __init__(self) -> None:
        self.model = Model(PlaneSettings(Role.UPF, N3, max_sessions=100))
        self.sent: list[tuple[bytes, tuple[str, int]]] = []
        self.let_in: list[bytes] = []
        self.mtu = self.model.mtu
        self.remove, self.discard = self.model.remove, self.model.discard
        self.usage, self.flow_usage = self.model.usage, self.model.flow_usage

    def install(self, rules: SessionRules) -> None:
        self.sent += [(outer.octets, outer.peer) for outer in self.model.install(rules, 0)]

    def send(self, octets: bytes, peer: tuple[str, int]) -> None:
        self.sent.append((octets, peer))

    def counted(self) -> dict[Reason, list[int]]:
        return {reason: [count] for reason, count in self.model.counts.items()}

    def take_up(self, sessions: list[SessionRules]) -> int:
        for rules in sessions:
            self.install(rules)
        return 0

    def receive(self, octets: bytes, peer: tuple[str, int]) -> None:
        verdict = self.model.decapsulate(octets, 0, IPv4Address(peer[0]))
        if isinstance(verdict, Inner):
            self.let_in.append(verdict.packet)


@dataclass
class N4Recorder:
    sent: list[tuple[bytes, tuple[str, int]]] = field(default_factory=list)

    def send(self, octets: bytes, to: tuple[str, int]) -> None:
        self.sent.append((octets, to))


class Bench:
    """UPF, plane and port. `ask` sends a request and returns the decoded answer, None for silence."""

    def __init__(self, *smfs: tuple[str, int], gate: Gate = OPEN, settings: Settings | None = None) -> None:
        self.port, self.plane, self.journal = N4Recorder(), ModelPlane(), Journal(keep=100)
        counter = itertools.count(1)
        allowed = tuple(IPv4Address(each[0]) for each in smfs)
        settings = settings or Settings(N4, TransportAddress(N3), (POOL,), allowed)
        self.upf = UPF(
            settings,
            self.port,
            VirtualClock(),
            lambda n: next(counter).to_bytes(n, "big"),
            self.journal,
            gate,
        )
        self.upf.start(self.plane)
        self._sequence = itertools.count(1)

    def send(self, octets: bytes, peer: tuple[str, int] = SMF) -> pfcp.Message | None:
        before = len(self.port.sent)
        self.upf.n4_received(octets, peer)
        new = self.port.sent[before:]
        assert len(new) <= 1
        return pfcp.decode(new[0][0]) if new else None

    def ask(
        self, request: pfcp.Message, seid: int | None = None, peer: tuple[str, int] = SMF
    ) -> pfcp.Message | None:
        return self.send(pfcp.encode(request, sequence=next(self._sequence), seid=seid), peer)

    def associate(
        self, peer: tuple[str, int] = SMF, node: str = "", recovery: int = 1000
    ) -> pfcp.Message | None:
        node_id = pfcp.NodeId(IPv4Address(node or peer[0]))
        request = pfcp.AssociationSetupRequest(node_id=node_id, recovery_time_stamp=recovery)
        return self.ask(request, peer=peer)

    def session(self, ue: IPv4Address = UE, cp_seid: int = 77) -> tuple[int, int]:
        """An established session: SEID and TEID of the UPF."""
        answer = self.ask(establishment(ue, cp_seid), 0)
        assert isinstance(answer, pfcp.SessionEstablishmentResponse), answer
        assert answer.cause == pfcp.Cause.REQUEST_ACCEPTED, answer
        assert answer.up_f_seid is not None
        f_teid = answer.created_pdrs[0].f_teid
        assert f_teid is not None
        assert f_teid.teid is not None
        return answer.up_f_seid.seid, f_teid.teid


def uplink_pdr(ue: IPv4Address = UE, f_teid: pfcp.FTeid | None = None) -> pfcp.CreatePdr:
    return pfcp.CreatePdr(
        pdr_id=1,
        precedence=255,
        pdi=pfcp.Pdi(
            source_interface=pfcp.Interface.ACCESS,
            f_teid=f_teid or pfcp.FTeid.choose(),
            network_instance=pfcp.NetworkInstance("internet"),
            ue_ip_addresses=[pfcp.UeIpAddress(ue)],
            qfis=[9],
        ),
        outer_header_removal=pfcp.OuterHeaderRemoval(0),
        far_id=1,
        qer_ids=[1],
    )


def downlink_pdr(ue: IPv4Address = UE) -> pfcp.CreatePdr:
    return pfcp.CreatePdr(
        pdr_id=2,
        precedence=255,
        pdi=pfcp.Pdi(
            source_interface=pfcp.Interface.CORE,
            ue_ip_addresses=[pfcp.UeIpAddress(ue, destination=True)],
        ),
        far_id=2,
        qer_ids=[1],
    )


def establishment(
    ue: IPv4Address = UE, cp_seid: int = 77, smf: tuple[str, int] = SMF
) -> pfcp.SessionEstablishmentRequest:
    """As the SMF sends it before the gNB's F-TEID is known."""
    return pfcp.SessionEstablishmentRequest(
        node_id=pfcp.NodeId(IPv4Address(smf[0])),
        cp_f_seid=pfcp.FSeid(cp_seid, IPv4Address(smf[0])),
        create_pdrs=[uplink_pdr(ue), downlink_pdr(ue)],
        create_fars=[
            pfcp.CreateFar(
                far_id=1,
                apply_action=pfcp.ApplyAction(pfcp.ApplyAction.FORW),
                forwarding_parameters=pfcp.ForwardingParameters(destination_interface=pfcp.Interface.CORE),
            ),
            pfcp.CreateFar(
                far_id=2,
                apply_action=pfcp.ApplyAction(pfcp.ApplyAction.BUFF | pfcp.ApplyAction.NOCP),
            ),
        ],
        create_qers=[
            pfcp.CreateQer(qer_id=1, gate_status=pfcp.GateStatus(), mbr=pfcp.BitRate(1000, 2000), qfi=9)
        ],
        pdn_type=pfcp.PdnType.IPV4,
    )


def forward(teid: int = 0x2001, peer: IPv4Address = GNB, *, end_marker: bool = False) -> pfcp.UpdateFar:
    return pfcp.UpdateFar(
        far_id=2,
        apply_action=pfcp.ApplyAction(pfcp.ApplyAction.FORW),
        forwarding_parameters=pfcp.UpdateForwardingParameters(
            destination_interface=pfcp.Interface.ACCESS,
            outer_header_creation=pfcp.OuterHeaderCreation.gtpu(teid, peer),
            sm_req_flags=pfcp.SmReqFlags(pfcp.SmReqFlags.SNDEM) if end_marker else None,
        ),
    )
