"""Whatever a network says, in whatever order: the UE answers or is silent, nothing sticks, and switched off and on it
registers again."""

from __future__ import annotations

import asyncio
from collections.abc import Callable

from hypothesis import Phase, given, settings
from hypothesis import strategies as st

from cinq.numbering import PlmnId, SNssai, Suci, Tai
from cinq.ran.ue import Ue
from cinq.wire import nas
from cinq.wire.nas import GmmCause, GsmCause, RuleOperation, SecurityHeader

from .core import DEFAULT_RULE, Core, CoreUe, Radio, in_transport, settle
from .test_nas_rules import play

GMM_CAUSES = st.sampled_from([*GmmCause, 0, 255])
GSM_CAUSES = st.sampled_from([*GsmCause, 0, 255])
TIMERS = st.sampled_from([None, 0, 30, nas.DEACTIVATED])
PTIS = st.sampled_from([0, 0, 1, 2, 200, 255])
SESSIONS = st.sampled_from([1, 1, 1, 2, 9])
FLAGS = st.booleans()
RULES = st.lists(
    st.sampled_from(
        [
            DEFAULT_RULE,
            nas.QosRule(1, RuleOperation.DELETE),
            nas.QosRule(
                2, packet_filters=(nas.PacketFilter(1, components=((0x30, b"\6"),)),), precedence=9, qfi=5
            ),
            nas.QosRule(2, RuleOperation.DELETE),
            nas.QosRule(3, RuleOperation.MODIFY_WITHOUT_FILTERS, precedence=7, qfi=5),
        ]
    ),
    min_size=1,
    max_size=2,
)
HERE = Tai(PlmnId("999", "70"), 1)

MESSAGES: list[st.SearchStrategy[nas.NasMessage]] = [
    st.builds(nas.RegistrationReject, cause=GMM_CAUSES, t3346=TIMERS, t3502=TIMERS),
    st.builds(nas.ServiceReject, cause=GMM_CAUSES, t3346=TIMERS),
    st.builds(nas.ServiceAccept, pdu_session_status=st.sampled_from([None, frozenset({1}), frozenset({3})])),
    st.builds(
        nas.RegistrationAccept,
        registration_result=st.just(nas.RegistrationResult()),
        tai_list=st.sampled_from([None, [HERE]]),
        t3512=TIMERS,
        t3447=st.sampled_from([None, 30]),
        mico_indication=st.sampled_from([None, nas.MicoIndication()]),
        service_area_list=st.sampled_from([None, nas.ServiceArea((HERE,), False)]),
        rejected_nssai=st.sampled_from([None, [nas.RejectedSNssai(SNssai(1), 0)]]),
    ),
    st.builds(
        nas.DeregistrationRequestUETerminated,
        deregistration_type=st.builds(nas.DeregistrationType, re_registration_required=FLAGS),
        cause=st.one_of(st.none(), GMM_CAUSES),
        t3346=TIMERS,
    ),
    st.builds(nas.DeregistrationAcceptUEOriginating),
    st.builds(
        nas.ConfigurationUpdateCommand,
        configuration_update_indication=st.builds(nas.ConfigurationUpdateIndication, FLAGS, FLAGS),
        allowed_nssai=st.sampled_from([None, [SNssai(2)]]),
        network_slicing_indication=st.sampled_from(
            [None, nas.NetworkSlicingIndication(subscription_changed=True)]
        ),
    ),
    st.builds(nas.IdentityRequest, identity_type=st.integers(0, 7)),
    st.builds(
        nas.AuthenticationRequest,
        ng_ksi=st.builds(nas.NgKsi, st.integers(0, 7)),
        abba=st.just(b"\0\0"),
        rand=st.sampled_from([None, bytes(16)]),
        autn=st.sampled_from([None, bytes(16)]),
        eap_message=st.sampled_from([None, b"\1\1\0\5\1", b"\3\1\0\4"]),
    ),
    st.builds(nas.AuthenticationReject),
    st.builds(nas.Notification, access_type=st.integers(1, 2)),
    st.builds(nas.FiveGMMStatus, cause=GMM_CAUSES),
    st.builds(
        nas.PDUSessionEstablishmentReject,
        pdu_session_id=SESSIONS,
        pti=PTIS,
        cause=GSM_CAUSES,
        back_off_timer=TIMERS,
    ),
    st.builds(
        nas.PDUSessionModificationCommand,
        pdu_session_id=SESSIONS,
        pti=PTIS,
        cause=st.sampled_from([None, GsmCause.REACTIVATION_REQUESTED]),
        authorized_qos_rules=RULES,
    ),
    st.builds(nas.PDUSessionModificationReject, pdu_session_id=SESSIONS, pti=PTIS, cause=GSM_CAUSES),
    st.builds(
        nas.PDUSessionReleaseCommand,
        pdu_session_id=SESSIONS,
        pti=PTIS,
        cause=GSM_CAUSES,
        back_off_timer=TIMERS,
    ),
    st.builds(nas.FiveGSMStatus, pdu_session_id=SESSIONS, pti=PTIS, cause=GSM_CAUSES),
]
EVENTS: tuple[Callable[[Ue], None], ...] = (
    lambda ue: ue.on_paging(),
    lambda ue: ue.on_uplink_data(1),
    lambda ue: ue.initiate(ue.establish_session, "session"),
    lambda ue: ue.initiate(lambda: ue.register(nas.RegistrationKind.PERIODIC), "periodic"),
    lambda ue: ue.initiate(lambda: ue.release_session(1), "release") if 1 in ue.sessions else None,
    lambda ue: ue.initiate(ue.deregister, "leave"),
    lambda ue: ue.lose_radio_link() and None,
)
STEPS = st.lists(
    st.tuples(
        st.one_of(*MESSAGES, st.sampled_from(EVENTS)), st.booleans(), st.sampled_from([0.0, 0.0, 1.0, 20.0])
    ),
    min_size=1,
    max_size=8,
)


class Patient(Core):
    """Takes no offence at answers to what it did not mean."""

    def on_message(self, ue: CoreUe, message: nas.NasMessage) -> None:
        answer = isinstance(message, nas.AuthenticationResponse)
        if answer and (ue.vector is None or message.res != ue.vector.xres_star):  # type: ignore[attr-defined]
            return
        if isinstance(message, nas.IdentityResponse) and not isinstance(message.mobile_identity, Suci):
            return
        if not isinstance(message, nas.AuthenticationFailure):
            super().on_message(ue, message)


def say(core: Core, at_core: CoreUe, message: nas.NasMessage, plain: bool) -> None:
    if isinstance(message, nas.GsmMessage):
        message = in_transport(message)
    if plain or at_core.security is None:
        core.down(at_core, message, SecurityHeader.PLAIN)
    else:
        core.down(at_core, message)


@settings(max_examples=150, derandomize=True, deadline=None, phases=[Phase.generate])
@given(STEPS)
def test_whatever_the_network_says(
    steps: list[tuple[nas.NasMessage | Callable[[Ue], None], bool, float]],
) -> None:
    async def scene(core: Core, radio: Radio, ue: Ue) -> None:
        bugs: list[str] = []
        radio.runtime.journal.listen(lambda event: bugs.append(event.cause) if "bug" in event.cause else None)
        await ue.power_on()
        await settle()
        for what, plain, pause in steps:
            if isinstance(what, nas.NasMessage):
                say(core, core.last(), what, plain)
            else:
                what(ue)
            await asyncio.sleep(pause)
        await settle()
        await ue.deregister(switch_off=True)
        await settle(200)
        assert ue.is_idle
        assert not ue.sessions
        assert not ue.context.registered
        core.by_guti.clear()
        ue.security.delete()
        await ue.register()
        assert ue.context.registered
        assert len(radio.gnb.bearers) == 0
        assert not bugs

    play(scene, Patient())
