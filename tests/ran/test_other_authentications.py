"""Authentication of a slice and of a session, for which an emulated UE has an identity and no method
(TS 24.501 §5.4.7, §6.3.1), and modification commands and local networks at the edges."""

from __future__ import annotations

import pytest

from cinq.numbering import PlmnId, SNssai, Tai
from cinq.procedure import Refused
from cinq.ran.ue import Ue
from cinq.ran.ue.signals import ModifySession, RequestService
from cinq.wire import eap, nas
from cinq.wire.nas import RejectedCause, ServiceType

from .core import Core, Radio, in_transport, settle
from .test_nas_rules import gmm, play, registered
from .test_session_mirror import Modifying, command, gsm, up
from .test_what_the_network_gives import Giving

IDENTITY = bytes((1, 7, 0, 5, 1))
TLS = bytes((1, 8, 0, 6, 13, 0x20))


def test_slice_authentication() -> None:
    async def scene(core: Core, radio: Radio, ue: Ue) -> None:
        at_core = await registered(core, ue)
        for request in (IDENTITY, TLS, b"\xff\xff\xff\xff"):
            core.down(
                at_core,
                nas.NetworkSliceSpecificAuthenticationCommand(s_nssai=SNssai(3), eap_message=request),
            )
        await settle()
        first, second = gmm(core, nas.NetworkSliceSpecificAuthenticationComplete)
        assert isinstance(first, nas.NetworkSliceSpecificAuthenticationComplete)
        assert isinstance(second, nas.NetworkSliceSpecificAuthenticationComplete)
        said = eap.decode(first.eap_message)
        assert said.content == b"999700000000001@nai.5gc.mnc070.mcc999.3gppnetwork.org"
        assert eap.decode(second.eap_message).method == eap.NAK
        assert ue.context.pending_nssai == (SNssai(3), SNssai(4))
        for s_nssai, outcome in ((SNssai(3), eap.failure(8)), (SNssai(4), eap.success(9))):
            core.down(
                at_core, nas.NetworkSliceSpecificAuthenticationResult(s_nssai=s_nssai, eap_message=outcome)
            )
        await settle()
        assert not ue.context.pending_nssai
        (rejected,) = ue.context.rejected_nssai
        assert (rejected.s_nssai, rejected.cause) == (
            SNssai(3),
            RejectedCause.AUTHENTICATION_FAILED_OR_REVOKED,
        )

    play(scene, Giving(pending_nssai=[SNssai(3), SNssai(4)]))


def test_session_authentication() -> None:
    async def scene(core: Core, radio: Radio, ue: Ue) -> None:
        at_core = await up(core, ue)
        for request in (IDENTITY, TLS):
            asked = nas.PDUSessionAuthenticationCommand(pdu_session_id=1, pti=0, eap_message=request)
            core.down(at_core, in_transport(asked))
        core.down(at_core, in_transport(nas.PDUSessionAuthenticationResult(pdu_session_id=1, pti=0)))
        await settle()
        assert len(gsm(core, nas.PDUSessionAuthenticationComplete)) == 2
        assert not gsm(core, nas.FiveGSMStatus)
        assert ue.sessions[1].context.state == "ACTIVE"

    play(scene)


def test_a_modification_command_comes_again() -> None:
    """§7.3.1: its completion was lost, and is said once more; another PTI is none of the UE's."""
    core = Modifying()
    core.answer = command(session_ambr=nas.SessionAmbr(1000, 1000))

    async def scene(_: Core, radio: Radio, ue: Ue) -> None:
        at_core = await up(core, ue)
        await ue.modify_session(1, ModifySession(always_on=True))
        await settle()
        (complete,) = gsm(core, nas.PDUSessionModificationComplete)
        core.down(at_core, in_transport(command().replace(pti=complete.pti)))
        core.down(at_core, in_transport(command().replace(pti=77)))
        await settle()
        assert len(gsm(core, nas.PDUSessionModificationComplete)) == 2
        assert [getattr(m, "cause", 0) for m in gsm(core, nas.FiveGSMStatus)] == [47]

    play(scene, core)


def test_a_local_network_is_not_asked_for_elsewhere() -> None:
    elsewhere = Tai(PlmnId("999", "70"), 9)

    async def scene(core: Core, radio: Radio, ue: Ue) -> None:
        await ue.register()
        with pytest.raises(Refused, match="internet is a local network of") as refused:
            await ue.establish_session()
        assert refused.value.reason.mend  # type: ignore[attr-defined]  # a Why
        assert not gsm(core, nas.PDUSessionEstablishmentRequest)

    play(scene, Giving(ladn_information=[nas.Ladn("internet", (elsewhere,))]))


@pytest.mark.parametrize(
    ("kind", "cause"),
    [
        (ServiceType.SIGNALLING, "mo-Signalling"),
        (ServiceType.DATA, "mo-Data"),
        (ServiceType.MOBILE_TERMINATED_SERVICES, "mt-Access"),
        (ServiceType.EMERGENCY_SERVICES, "emergency"),
        (ServiceType.HIGH_PRIORITY_ACCESS, "highPriorityAccess"),
        (ServiceType.ELEVATED_SIGNALLING, "mo-Signalling"),
    ],
)
def test_service_requests_of_every_type(kind: ServiceType, cause: str) -> None:
    async def scene(core: Core, radio: Radio, ue: Ue) -> None:
        at_core = await up(core, ue)
        core.release(at_core)
        await settle()
        await ue.demand(RequestService(kind=kind, uplink_data=frozenset({1}), allowed=frozenset({2})))
        request = core.last().plain[0]
        assert isinstance(request, nas.ServiceRequest)
        assert request.service_type == kind
        assert (request.uplink_data_status, request.allowed_pdu_session_status) == ({1}, {2})
        initial = [m for m in core.heard if type(m).__name__ == "InitialUEMessage"][-1]
        assert getattr(initial, "rrc_establishment_cause", "") == cause

    play(scene)
