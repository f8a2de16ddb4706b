"""Where a UE may be: registration areas of several TAIs, forbidden areas, service area restriction, LADNs."""

from __future__ import annotations

import asyncio

import pytest

from cinq.crypto import kdf
from cinq.nf.amf.settings import Ladn, ServedPlmn
from cinq.nf.udr.access import Access
from cinq.numbering import PlmnId, SNssai, Tai
from cinq.sbi import Problem
from cinq.wire import nas, ngap
from cinq.wire.nas import GmmCause, RegistrationKind

from .gnb import Gnb
from .phone import Phone
from .test_connection import attached, idle
from .world import PLMN, World, run, supi_of

TAIS = tuple(Tai(PLMN, tac) for tac in range(1, 31))
MOBILITY = nas.RegistrationType(RegistrationKind.MOBILITY, follow_on=True)


def area_of(phone: Phone) -> list[int]:
    return [tai.tac for tai in phone.last(nas.RegistrationAccept).tai_list or ()]


@pytest.mark.parametrize(
    ("settings", "tacs"),
    [
        ({"registration_area": "own"}, [7]),
        ({"registration_area": "all"}, [7, *range(1, 7), *range(8, 17)]),
        ({"tracking_area_groups": ((1, 2), (5, 7, 9))}, [7, 5, 9]),
        ({"forbidden_tacs": (2, 3, 4)}, [7, 1, 5, 6, *range(8, 20)]),
    ],
)
def test_registration_area(settings: dict[str, object], tacs: list[int]) -> None:
    """TS 23.501 §5.3.2.3: the UE's own first, at most 16."""

    async def test(world: World) -> None:
        gnb = await Gnb(world, tac=7).set_up()
        phone = await Phone(world).registered(gnb)
        assert area_of(phone) == tacs

    run(test, tais=TAIS, **settings)


def test_every_tai_of_the_area_serves_the_allowed_slices() -> None:
    async def test(world: World) -> None:
        both = (SNssai(1), SNssai(2))
        world.subscribe(1, slices=both)
        gnb = await Gnb(world, 1, 1, both).set_up()
        await Gnb(world, 2, 2, (SNssai(1),)).set_up()
        await Gnb(world, 3, 3, both).set_up()
        phone = await Phone(world).registered(gnb, requested_nssai=list(both))
        assert area_of(phone) == [1, 3]
        await Phone(world, 2).registered(gnb)
        assert area_of(phone) == [1, 3]

    run(test, tais=TAIS[:3], slices=(SNssai(1), SNssai(2)))


def test_the_area_follows_the_ue() -> None:
    async def test(world: World) -> None:
        gnb, phone = await attached(world)
        other = await Gnb(world, 2, 2).set_up()
        assert area_of(phone) == [1]
        await idle(gnb, phone)
        await phone.registered(other, registration_type=MOBILITY)
        assert area_of(phone) == [2]
        assert world.amf.registry.by_supi[supi_of(1)].context.registration_area == (TAIS[1],)

    run(test, tais=TAIS, registration_area="own")


@pytest.mark.parametrize(
    ("tais", "settings", "access", "cause"),
    [
        (TAIS[:1], {"forbidden_tacs": (1,)}, Access(), GmmCause.TRACKING_AREA_NOT_ALLOWED),
        (TAIS[:2], {"forbidden_tacs": (1,)}, Access(), GmmCause.NO_SUITABLE_CELLS_IN_TRACKING_AREA),
        (TAIS[:1], {}, Access(forbidden_tacs=(1,)), GmmCause.TRACKING_AREA_NOT_ALLOWED),
        (TAIS[:2], {}, Access(forbidden_tacs=(1,)), GmmCause.NO_SUITABLE_CELLS_IN_TRACKING_AREA),
    ],
)
def test_forbidden(
    tais: tuple[Tai, ...], settings: dict[str, object], access: Access, cause: GmmCause
) -> None:
    """TS 24.501 §5.5.1.2.5, and nothing is left of the UE."""

    async def test(world: World) -> None:
        world.subscribe(1, access=access)
        gnb = await Gnb(world).set_up()
        phone = Phone(world)
        phone.register(gnb)
        await asyncio.sleep(1)
        reject = phone.last(nas.RegistrationReject)
        assert reject.cause == cause
        assert world.amf.registry.by_supi == {}
        why = next(c for c in world.causes() if c.startswith("refused"))
        assert "tracking area 1" in why
        assert getattr(why, "mend", "")

    run(test, tais=tais, **settings)


def test_a_forbidden_area_is_met_by_an_update_too() -> None:
    async def test(world: World) -> None:
        gnb, phone = await attached(world)
        other = await Gnb(world, 2, 2).set_up()
        await idle(gnb, phone)
        phone.register(other, phone.registration(RegistrationKind.MOBILITY))
        await asyncio.sleep(1)
        assert phone.last(nas.RegistrationReject).cause == GmmCause.NO_SUITABLE_CELLS_IN_TRACKING_AREA

    run(test, tais=TAIS[:2], registration_area="own", forbidden_tacs=(2,))


@pytest.mark.parametrize(
    ("settings", "access", "listed"),
    [
        ({"non_allowed_tacs": (1, 9)}, Access(), nas.ServiceArea((TAIS[0],), allowed=False)),
        ({"allowed_tacs": (1, 2)}, Access(), nas.ServiceArea(TAIS[:2])),
        ({"allowed_tacs": (9,)}, Access(), nas.ServiceArea(TAIS[:3], allowed=False)),
        ({"allowed_tacs": (1,)}, Access(non_allowed_tacs=(2,)), nas.ServiceArea((TAIS[1],), allowed=False)),
    ],
)
def test_service_area_list(settings: dict[str, object], access: Access, listed: nas.ServiceArea) -> None:
    """TS 24.501 §5.3.5: by the settings, or by the subscription."""

    async def test(world: World) -> None:
        world.subscribe(1, access=access)
        gnb = await Gnb(world).set_up()
        phone = await Phone(world).registered(gnb)
        assert phone.last(nas.RegistrationAccept).service_area_list == listed

    run(test, tais=TAIS[:3], **settings)


def test_no_service_in_a_non_allowed_area() -> None:
    """TS 24.501 §5.3.5.2: no session is set up or reactivated there; signalling and paging are answered."""

    async def test(world: World) -> None:
        gnb, phone = await attached(world)
        other = await Gnb(world, 2, 2).set_up()
        await idle(gnb, phone)
        phone.service_request(other, uplink_data_status=frozenset({1}))
        await asyncio.sleep(1)
        assert phone.last(nas.ServiceReject).cause == GmmCause.RESTRICTED_SERVICE_AREA
        assert world.amf.registry.by_supi[supi_of(1)].context.rm_state == "RM-REGISTERED"
        await phone.registered(other, registration_type=MOBILITY, uplink_data_status=frozenset({1}))
        accept = phone.last(nas.RegistrationAccept)
        assert accept.pdu_session_reactivation_result == {1}
        assert accept.pdu_session_reactivation_result_error_cause == {1: GmmCause.RESTRICTED_SERVICE_AREA}
        phone.establish(2)
        await asyncio.sleep(1)
        assert phone.last(nas.DLNASTransport).cause == GmmCause.RESTRICTED_SERVICE_AREA
        await idle(other, phone)
        phone.service_request(gnb, uplink_data_status=frozenset({1}))
        await asyncio.sleep(1)
        assert isinstance(phone.heard[-1], nas.ServiceAccept)

    run(test, tais=TAIS[:2], non_allowed_tacs=(2,))


def test_paged_in_a_non_allowed_area() -> None:
    """It answers, and hears why its sessions stay idle (TS 24.501 §5.6.1.4, §5.3.5.2)."""

    async def test(world: World) -> None:
        gnb, phone = await attached(world)
        other = await Gnb(world, 2, 2).set_up()
        await idle(gnb, phone)
        await world.smf.transfer(str(phone.supi), 1, b"\x2e\x01\x00\xcb", None, None)
        await asyncio.sleep(1)
        phone.service_request(
            other,
            service_type=nas.ServiceType.MOBILE_TERMINATED_SERVICES,
            uplink_data_status=frozenset({1}),
        )
        await asyncio.sleep(1)
        accept = phone.last(nas.ServiceAccept)
        assert accept.pdu_session_reactivation_result_error_cause == {1: GmmCause.RESTRICTED_SERVICE_AREA}
        assert phone.last(nas.DLNASTransport).payload_container == b"\x2e\x01\x00\xcb"

    run(test, tais=TAIS[:2], non_allowed_tacs=(2,))


def test_an_smf_that_wants_service_in_a_non_allowed_area() -> None:
    """TS 23.502 §4.2.3.3 step 3b: it is refused; what ends a session goes out. Where it is not sure it is tried."""

    async def test(world: World) -> None:
        gnb, phone = await attached(world)
        other = await Gnb(world, 2, 2).set_up()
        supi = str(phone.supi)
        await idle(gnb, phone)
        # it may be in either area: paged, found in the one where it has no service, and the SMF hears of that
        assert (
            await world.smf.transfer(supi, 1, None, b"setup", "PDU_RES_SETUP_REQ") == "ATTEMPTING_TO_REACH_UE"
        )
        phone.service_request(other, service_type=nas.ServiceType.MOBILE_TERMINATED_SERVICES)
        await asyncio.sleep(1)
        assert world.smf.failures == ["sm-1"]
        assert other.count(ngap.PDUSessionResourceSetupRequest) == 0
        for kind in ("PDU_RES_SETUP_REQ", "PDU_RES_MOD_REQ"):
            with pytest.raises(Problem) as refused:
                await world.smf.transfer(supi, 1, b"\x2e\x01\x00\xcb", b"x", kind)
            assert (refused.value.status, refused.value.cause) == (403, "UE_IN_NON_ALLOWED_AREA")
        said = await world.smf.transfer(supi, 1, b"\x2e\x01\x00\xd3", b"x", "PDU_RES_REL_CMD")
        assert said == "N1_N2_TRANSFER_INITIATED"
        assert other.count(ngap.PDUSessionResourceSetupRequest) == 0

    run(test, tais=TAIS[:2], non_allowed_tacs=(2,))


def test_an_idle_ue_whose_whole_registration_area_is_non_allowed() -> None:
    async def test(world: World) -> None:
        gnb, phone = await attached(world)
        other = await Gnb(world, 2, 2).set_up()
        await idle(gnb, phone)
        await phone.registered(other, registration_type=MOBILITY)
        await idle(other, phone)
        with pytest.raises(Problem) as refused:
            await world.smf.transfer(str(phone.supi), 1, None, b"setup", "PDU_RES_SETUP_REQ")
        assert (refused.value.status, refused.value.cause) == (403, "UE_IN_NON_ALLOWED_AREA")
        await asyncio.sleep(1)
        assert other.count(ngap.Paging) == 0

    run(test, tais=TAIS[:2], non_allowed_tacs=(2,), registration_area="own")


@pytest.mark.parametrize(("asked", "told"), [(None, ["internet"]), (["internet"], ["internet"]), (["x"], [])])
def test_ladn_information(asked: list[str] | None, told: list[str]) -> None:
    """TS 23.501 §5.6.5: a LADN that is subscribed and asked for, where it is in the registration area."""

    async def test(world: World) -> None:
        gnb = await Gnb(world).set_up()
        phone = await Phone(world).registered(gnb, ladn_indication=asked)
        found = phone.last(nas.RegistrationAccept).ladn_information or []
        assert [ladn.dnn for ladn in found] == told
        assert all(ladn.tais == (TAIS[1],) for ladn in found)

    run(test, tais=TAIS[:3], ladns=(Ladn("internet", (2, 30)), Ladn("other", (1,))))


def test_plmns_that_share_the_core() -> None:
    """MOCN (TS 23.501 §5.18): the 5G-GUTI, the serving network and the areas are those of the UE's PLMN."""

    async def test(world: World) -> None:
        gnb = await Gnb(world).set_up()
        second = gnb.plmn = PlmnId("001", "01")
        phone = Phone(world)
        phone.network = kdf.snn("001", "01")
        await phone.registered(gnb)
        accept = phone.last(nas.RegistrationAccept)
        assert accept.guti is not None
        assert accept.guti.plmn == second
        assert accept.tai_list == [Tai(second, 1)]

    run(test, shared=(ServedPlmn(PlmnId("001", "01"), (Tai(PlmnId("001", "01"), 1),), (SNssai(1),)),))


def test_equivalent_plmns_are_told() -> None:
    async def test(world: World) -> None:
        gnb = await Gnb(world).set_up()
        phone = await Phone(world).registered(gnb)
        assert phone.last(nas.RegistrationAccept).equivalent_plmns == [PlmnId("001", "01")]

    run(test, equivalent_plmns=(PlmnId("001", "01"), PLMN))
