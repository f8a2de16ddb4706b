"""What a UE asks for at registration, what it keeps of what the network gives, and what it does with it
(TS 24.501 §5.5.1.2, §5.5.1.3, §5.4.4, §5.4.5.3, §5.3)."""

from __future__ import annotations

import asyncio
from dataclasses import replace

import pytest

from cinq.numbering import PlmnId, SNssai, Tai
from cinq.procedure import Refused
from cinq.ran.radio.port import SystemInformation
from cinq.ran.ue import Ue, UeSettings
from cinq.ran.ue.settings import RegistrationSettings
from cinq.wire import nas
from cinq.wire.nas import PayloadContainerType, RegistrationKind
from cinq.wire.nas.ie.transport import Payload, payloads_octets

from .core import Core, CoreUe, Radio, settle
from .test_nas_rules import gmm, play, registered

HERE = Tai(PlmnId("999", "70"), 1)
ELSEWHERE = Tai(PlmnId("999", "70"), 2)


class Giving(Core):
    """Adds elements to each REGISTRATION ACCEPT."""

    def __init__(self, **elements: object) -> None:
        super().__init__()
        self.elements = elements

    def nas(self, ue: CoreUe, message: nas.NasMessage, header: nas.SecurityHeader | None = None) -> bytes:
        if isinstance(message, nas.RegistrationAccept):
            message = message.replace(**self.elements)
        return super().nas(ue, message, header)


def requests(core: Core) -> list[nas.RegistrationRequest]:
    return [m for m in gmm(core, nas.RegistrationRequest) if isinstance(m, nas.RegistrationRequest)]


def test_everything_that_the_settings_ask_for_is_sent() -> None:
    wanted = RegistrationSettings(
        capability=("nssaa", "service_gap_control"),
        default_configured_nssai=True,
        mico=True,
        active_time_s=60,
        periodic_s=7200,
        drx="128",
        edrx=5,
        paging_time_window=3,
        usage="voice",
        sms=True,
        ladn=("factory",),
        radio_capability_id="0abc",
    )

    async def scene(core: Core, radio: Radio, ue: Ue) -> None:
        await ue.register()
        clear, request = requests(core)
        assert clear.capability_5gmm is None, "that is not for all ears"
        assert request.capability_5gmm == nas.Capability5gmm.of(
            nas.GmmFeature.NSSAA, nas.GmmFeature.SERVICE_GAP_CONTROL
        )
        assert request.network_slicing_indication == nas.NetworkSlicingIndication(
            from_default_configured=True
        )
        assert request.mico_indication == nas.MicoIndication()
        assert (request.t3324, request.requested_t3512) == (60, 7200)
        assert request.requested_drx_parameters == nas.Drx.T_128
        assert request.requested_extended_drx_parameters == nas.ExtendedDrx(5, 3)
        assert request.ue_usage_setting == nas.UsageSetting.VOICE_CENTRIC
        assert request.update_type == nas.UpdateType(sms_requested=True)
        assert request.ladn_indication == ["factory"]
        assert request.ue_radio_capability_id == "0abc"
        await ue.register(RegistrationKind.PERIODIC)
        asked = requests(core)[-1]
        assert asked.mico_indication is not None
        assert asked.requested_nssai is None
        assert asked.capability_5gmm is None
        await ue.register(RegistrationKind.MOBILITY)
        assert requests(core)[-1].network_slicing_indication is None, "the network has given an allowed NSSAI"

    play(scene, ue=replace(UeSettings(), registration=wanted))


@pytest.mark.parametrize(
    ("key", "value", "what"),
    [
        ("capability", ("wings",), "wanted one of"),
        ("edrx", 16, "-1 to 15"),
        ("active_time_s", -1, "wanted 0"),
    ],
)
def test_settings_that_ask_for_what_there_is_not(key: str, value: object, what: str) -> None:
    with pytest.raises(ValueError, match=f"^{key}: .*{what}"):
        RegistrationSettings(**{key: value})  # type: ignore[arg-type]  # on purpose


def test_what_the_network_gives_is_kept() -> None:
    given = {
        "equivalent_plmns": [PlmnId("999", "71")],
        "pending_nssai": [SNssai(3)],
        "configured_nssai": [SNssai(1), SNssai(2)],
        "rejected_nssai": [nas.RejectedSNssai(SNssai(2), 1)],
        "network_feature_support": nas.NetworkFeatureSupport.of(ims_vops_3gpp=True),
        "service_area_list": nas.ServiceArea((HERE,)),
        "ladn_information": [nas.Ladn("factory", (HERE,))],
        "t3502": 600,
        "t3447": 120,
        "negotiated_drx_parameters": nas.Drx.T_64,
        "negotiated_extended_drx_parameters": nas.ExtendedDrx(5, 3),
        "nssai_inclusion_mode": 2,
        "operator_defined_access_category_definitions": [nas.AccessCategory(1, 40, dnns=("internet",))],
        "ue_radio_capability_id": "1234",
    }

    async def scene(core: Core, radio: Radio, ue: Ue) -> None:
        await registered(core, ue)
        c = ue.context
        assert c.equivalent_plmns == (PlmnId("999", "70"), PlmnId("999", "71"))
        assert (c.pending_nssai, c.configured_nssai) == ((SNssai(3),), (SNssai(1), SNssai(2)))
        assert c.rejected_nssai == (nas.RejectedSNssai(SNssai(2), 1),)
        assert c.features is not None
        assert c.features.ims_vops_3gpp
        assert c.service_area == nas.ServiceArea((HERE,))
        assert c.ladn == (nas.Ladn("factory", (HERE,)),)
        assert (c.t3502_s, c.t3447_s) == (600, 120)
        assert (c.drx, c.edrx) == (nas.Drx.T_64, nas.ExtendedDrx(5, 3))
        assert c.nssai_inclusion_mode == 2
        assert c.access_categories[0].number == 40
        assert c.radio_capability_id == "1234"
        assert isinstance(core, Giving)
        core.elements = {}
        await ue.register(RegistrationKind.MOBILITY)
        c = ue.context
        assert (c.equivalent_plmns, c.ladn, c.service_area, c.pending_nssai, c.t3447_s) == (
            (),
            (),
            None,
            (),
            0,
        )
        assert c.t3502_s == 720, "what the network leaves out counts as the default"
        assert (c.configured_nssai, c.radio_capability_id) == ((SNssai(1), SNssai(2)), "1234")
        assert c.access_categories
        assert requests(core)[-1].requested_nssai == [SNssai(1)]
        assert requests(core)[-1].ue_radio_capability_id == "1234"

    play(scene, Giving(**given))


def test_no_complete_where_nothing_is_to_be_acknowledged() -> None:
    async def scene(core: Core, radio: Radio, ue: Ue) -> None:
        await registered(core, ue)
        assert not gmm(core, nas.RegistrationComplete)

    play(scene, Giving(guti=None))


def test_subscription_of_slices_has_changed() -> None:
    """§5.5.1.2.4: what was known of slices is deleted, and that is acknowledged."""

    async def scene(core: Core, radio: Radio, ue: Ue) -> None:
        assert isinstance(core, Giving)
        await registered(core, ue)
        assert ue.context.rejected_nssai
        core.elements = {
            "network_slicing_indication": nas.NetworkSlicingIndication(subscription_changed=True)
        }
        await ue.register(RegistrationKind.MOBILITY)
        assert not ue.context.rejected_nssai
        assert not ue.context.configured_nssai

    play(scene, Giving(configured_nssai=[SNssai(1)], rejected_nssai=[nas.RejectedSNssai(SNssai(2), 0)]))


def test_mico() -> None:
    """§5.3.6: idle, the UE listens for the active time and then to nobody, until T3512 or it wants something."""

    async def scene(core: Core, radio: Radio, ue: Ue) -> None:
        await registered(core, ue)
        core.release(core.last())
        await settle()
        assert ue.link.s_tmsi is not None  # type: ignore[attr-defined]  # the gNB's own link
        await asyncio.sleep(61)
        assert ue.link.s_tmsi is None  # type: ignore[attr-defined]
        await asyncio.sleep(480)
        assert ue.link.connected, "the periodic update"
        assert ue.link.s_tmsi is not None  # type: ignore[attr-defined]

    play(scene, Giving(mico_indication=nas.MicoIndication(), t3324=60))


def test_service_gap() -> None:
    """§5.3.17: after a connection of its own making the UE waits for T3447; an answer to paging does not."""

    async def scene(core: Core, radio: Radio, ue: Ue) -> None:
        await ue.power_on()
        await settle()
        core.release(core.last())
        await settle()
        with pytest.raises(Refused, match="T3447 runs for 120 s more"):
            await ue.request_service()
        ue.on_paging()
        await settle()
        assert ue.link.connected
        core.release(core.last())
        await asyncio.sleep(121)
        await ue.request_service()
        assert ue.link.connected

    play(scene, Giving(t3447=120))


def test_service_area() -> None:
    """§5.3.5.2: outside it the UE asks for nothing, but it answers, and registers."""

    async def scene(core: Core, radio: Radio, ue: Ue) -> None:
        await registered(core, ue)
        core.release(core.last())
        await settle()
        with pytest.raises(Refused, match="outside the area"):
            await ue.establish_session()
        ue.on_paging()
        await settle()
        assert ue.link.connected
        await ue.register(RegistrationKind.MOBILITY)

    play(scene, Giving(service_area_list=nas.ServiceArea((HERE,), allowed=False)))


def test_the_network_does_not_release() -> None:
    """§5.3.1.3: T3540 after an accept without follow-on request, unless the UE has something to say."""

    async def scene(core: Core, radio: Radio, ue: Ue) -> None:
        await ue.register()
        await asyncio.sleep(9)
        assert ue.link.connected
        await asyncio.sleep(2)
        assert not ue.link.connected
        await ue.register(RegistrationKind.MOBILITY)
        ue.send_payload(PayloadContainerType.SMS, b"hello")
        await asyncio.sleep(30)
        assert ue.link.connected

    play(scene, ue=replace(UeSettings(), sessions=()))


# generic UE configuration update, §5.4.4


async def updated(core: Core, ue: Ue, **elements: object) -> CoreUe:
    at_core = await registered(core, ue)
    core.down(at_core, nas.ConfigurationUpdateCommand(**elements))
    await settle()
    return at_core


def test_configuration_update_of_everything() -> None:
    async def scene(core: Core, radio: Radio, ue: Ue) -> None:
        tais = [HERE, ELSEWHERE]
        await updated(
            core,
            ue,
            tai_list=tais,
            service_area_list=nas.ServiceArea((HERE, ELSEWHERE)),
            full_network_name=nas.NetworkName("Cinq Net"),
            short_network_name=nas.NetworkName("cinq"),
            network_daylight_saving_time=1,
            ladn_information=[nas.Ladn("factory", (HERE,))],
            configured_nssai=[SNssai(1), SNssai(5)],
            rejected_nssai=[nas.RejectedSNssai(SNssai(6), 0)],
            t3447=60,
            registration_result=nas.RegistrationResult(sms_allowed=True),
        )
        c = ue.context
        assert c.tai_list == tuple(tais)
        assert (c.network_name, c.short_network_name, c.daylight_saving) == ("Cinq Net", "cinq", 1)
        assert (c.configured_nssai, c.allowed_nssai) == ((SNssai(1), SNssai(5)), (SNssai(1),))
        assert c.rejected_nssai == (nas.RejectedSNssai(SNssai(6), 0),)
        assert c.ladn
        assert c.service_area is not None
        assert (c.t3447_s, c.sms_allowed) == (60, True)
        assert not gmm(core, nas.ConfigurationUpdateComplete), "not asked for"

    play(scene)


def test_registration_requested_at_once() -> None:
    async def scene(core: Core, radio: Radio, ue: Ue) -> None:
        wanted = nas.ConfigurationUpdateIndication(True, True)
        await updated(core, ue, configuration_update_indication=wanted)
        assert gmm(core, nas.ConfigurationUpdateComplete)
        assert requests(core)[-1].registration_type.value == RegistrationKind.MOBILITY

    play(scene)


def test_registration_requested_for_new_slices_waits_for_the_release() -> None:
    async def scene(core: Core, radio: Radio, ue: Ue) -> None:
        wanted = nas.ConfigurationUpdateIndication(True, True)
        at_core = await updated(
            core, ue, configuration_update_indication=wanted, configured_nssai=[SNssai(1), SNssai(7)]
        )
        count = len(requests(core))
        core.release(at_core)
        await settle()
        assert len(requests(core)) > count
        assert requests(core)[-1].registration_type.value == RegistrationKind.MOBILITY

    play(scene)


# NAS transport, §5.4.5.3


def test_payloads_of_every_kind() -> None:
    async def scene(core: Core, radio: Radio, ue: Ue) -> None:
        at_core = await registered(core, ue)
        heard: list[Payload] = []
        ue.on_payload = heard.append
        for kind in (*range(2, 10), 12, 14):
            core.down(
                at_core, nas.DLNASTransport(payload_container_type=kind, payload_container=b"\x09\x01policy")
            )
        several = payloads_octets(
            [
                Payload(PayloadContainerType.SMS, b"one"),
                Payload(PayloadContainerType.LPP_MESSAGE_CONTAINER, b"two"),
            ]
        )
        multiple = PayloadContainerType.MULTIPLE_PAYLOADS
        core.down(at_core, nas.DLNASTransport(payload_container_type=multiple, payload_container=several))
        core.down(at_core, nas.DLNASTransport(payload_container_type=multiple, payload_container=b"\x05\0"))
        await settle()
        assert [payload.kind for payload in heard] == [*range(2, 10), 12, 14, 2, 3]
        assert [payload.contents for payload in heard[-2:]] == [b"one", b"two"]
        (policy,) = gmm(core, nas.ULNASTransport)
        assert isinstance(policy, nas.ULNASTransport)
        assert policy.payload_container == b"\x09\x02"
        assert ue.is_idle

    play(scene)


def test_moved_out_of_the_registration_area() -> None:
    """§5.5.1.3.2 a): the UE registers in the new cell; inside the area it does nothing."""

    async def scene(core: Core, radio: Radio, ue: Ue) -> None:
        await registered(core, ue)
        core.release(core.last())
        await settle()
        count = len(requests(core))
        ue.on_system_information(SystemInformation("inside", HERE.plmn, 1, 77))
        await settle()
        assert len(requests(core)) == count
        ue.on_system_information(SystemInformation("outside", HERE.plmn, 2, 78))
        await settle()
        last = requests(core)[-1]
        assert last.registration_type.value == RegistrationKind.MOBILITY
        assert last.last_visited_tai == HERE or last.nas_message_container is not None

    play(scene)
