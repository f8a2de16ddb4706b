"""An AMF that misbehaves: every message that it may send, mutated in every way of a table.

Nothing may be raised or logged as a bug, no other UE may notice, and the answer is that of TS 38.413 clause 10.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Coroutine, Iterator

import pytest

from cinq.procedure import run_virtual
from cinq.ran.gnb.cell import CellLink
from cinq.ran.ue import Ue, UeSettings
from cinq.wire import nas, ngap

from .core import Core, CoreUe, Radio, settle, transfer

Ie = tuple[int, int, bytes]
UNKNOWN_IE = 4711
SST = ngap.SNSSAI(sst=b"\1")
GUAMI = ngap.GUAMI(plmn_identity=bytes.fromhex("99f907"), amf_region_id=1, amf_set_id=1, amf_pointer=0)
TAI = ngap.TAI(plmn_identity=bytes.fromhex("99f907"), tac=bytes((0, 0, 1)))
CAUSE: ngap.Cause = ("nas", "normal-release")
FAILURES = {
    "InitialContextSetup": ngap.InitialContextSetupFailure,
    "UEContextModification": ngap.UEContextModificationFailure,
    "AMFConfigurationUpdate": ngap.AMFConfigurationUpdateFailure,
    "HandoverResourceAllocation": ngap.HandoverFailure,
}


def of_ue(core: Core, ue: CoreUe) -> list[ngap.Pdu]:
    """UE-associated messages."""
    a, r = ue.amf_id, ue.ran_id
    octets = core.nas(ue, nas.FiveGMMStatus(cause=111))
    release = ngap.encode_value(ngap.PDUSessionResourceReleaseCommandTransfer(cause=CAUSE))
    modify = ngap.encode_value(ngap.PDUSessionResourceModifyRequestTransfer())
    pair = ngap.UENGAPIDpair(amf_ue_ngap_id=ue.amf_id, ran_ue_ngap_id=ue.ran_id)
    setup = ngap.PDUSessionResourceSetupItemSUReq(
        pdu_session_id=2, s_nssai=SST, pdu_session_resource_setup_request_transfer=transfer(2)
    )
    changed = ngap.PDUSessionResourceModifyItemModReq(
        pdu_session_id=1, pdu_session_resource_modify_request_transfer=modify
    )
    gone = ngap.PDUSessionResourceToReleaseItemRelCmd(
        pdu_session_id=1, pdu_session_resource_release_command_transfer=release
    )
    location = ngap.LocationReportingRequestType(event_type="direct", report_area="cell")
    return [
        ngap.DownlinkNASTransport(nas_pdu=octets, amf_ue_ngap_id=a, ran_ue_ngap_id=r),
        core.context_setup(ue, octets, bytes(32), {3: transfer(3)}),
        ngap.PDUSessionResourceSetupRequest(
            pdu_session_resource_setup_list_su_req=[setup], amf_ue_ngap_id=a, ran_ue_ngap_id=r
        ),
        ngap.PDUSessionResourceModifyRequest(
            pdu_session_resource_modify_list_mod_req=[changed], amf_ue_ngap_id=a, ran_ue_ngap_id=r
        ),
        ngap.PDUSessionResourceReleaseCommand(
            pdu_session_resource_to_release_list_rel_cmd=[gone], amf_ue_ngap_id=a, ran_ue_ngap_id=r
        ),
        ngap.UEContextModificationRequest(security_key=1, amf_ue_ngap_id=a, ran_ue_ngap_id=r),
        ngap.LocationReportingControl(
            location_reporting_request_type=location, amf_ue_ngap_id=a, ran_ue_ngap_id=r
        ),
        ngap.UERadioCapabilityCheckRequest(amf_ue_ngap_id=a, ran_ue_ngap_id=r),
        ngap.DeactivateTrace(ngran_trace_id=bytes(8), amf_ue_ngap_id=a, ran_ue_ngap_id=r),
        ngap.UETNLABindingReleaseRequest(amf_ue_ngap_id=a, ran_ue_ngap_id=r),
        ngap.DownlinkUEAssociatedNRPPaTransport(
            routing_id=b"\1", nrppa_pdu=b"\1", amf_ue_ngap_id=a, ran_ue_ngap_id=r
        ),
        ngap.ErrorIndication(cause=("protocol", "semantic-error"), amf_ue_ngap_id=a, ran_ue_ngap_id=r),
        ngap.PathSwitchRequestAcknowledge(
            security_context=ngap.SecurityContext(next_hop_chaining_count=0, next_hop_nh=0),
            pdu_session_resource_switched_list=[
                ngap.PDUSessionResourceSwitchedItem(
                    pdu_session_id=1, path_switch_request_acknowledge_transfer=b"\0"
                )
            ],
            allowed_nssai=[ngap.AllowedNSSAIItem(s_nssai=SST)],
            amf_ue_ngap_id=a,
            ran_ue_ngap_id=r,
        ),
        ngap.UEContextReleaseCommand(ue_ngap_ids=("uE-NGAP-ID-pair", pair), cause=CAUSE),
        ngap.UEContextReleaseCommand(ue_ngap_ids=("aMF-UE-NGAP-ID", ue.amf_id), cause=CAUSE),
        ngap.RerouteNASRequest(ran_ue_ngap_id=ue.ran_id, ngap_message=b"\0", amf_set_id=1),
        ngap.NGReset(
            cause=CAUSE,
            reset_type=(
                "partOfNG-Interface",
                [ngap.UEassociatedLogicalNGconnectionItem(amf_ue_ngap_id=a, ran_ue_ngap_id=r)],
            ),
        ),
    ]


def of_interface(core: Core) -> list[ngap.Pdu]:
    """Messages that concern no UE, and outcomes that nobody waits for."""
    s_tmsi = ngap.FiveGSTMSI(amf_set_id=1, amf_pointer=0, five_g_tmsi=bytes(4))
    served = [ngap.ServedGUAMIItem(guami=GUAMI)]
    supported = [
        ngap.PLMNSupportItem(
            plmn_identity=TAI.plmn_identity, slice_support_list=[ngap.SliceSupportItem(s_nssai=SST)]
        )
    ]
    return [
        ngap.ErrorIndication(cause=("protocol", "semantic-error")),
        ngap.AMFConfigurationUpdate(amf_name="other", served_guami_list=served, plmn_support_list=supported),
        ngap.OverloadStop(),
        ngap.AMFStatusIndication(unavailable_guami_list=[ngap.UnavailableGUAMIItem(guami=GUAMI)]),
        ngap.Paging(
            ue_paging_identity=("fiveG-S-TMSI", s_tmsi),
            tai_list_for_paging=[ngap.TAIListForPagingItem(tai=TAI)],
        ),
        ngap.NGSetupResponse(
            amf_name="again", served_guami_list=served, relative_amf_capacity=1, plmn_support_list=supported
        ),
        ngap.NGSetupFailure(cause=("misc", "unspecified")),
        ngap.NGResetAcknowledge(),
        ngap.DownlinkNonUEAssociatedNRPPaTransport(routing_id=b"\1", nrppa_pdu=b"\1"),
        ngap.HandoverRequest(
            amf_ue_ngap_id=1,
            handover_type="intra5gs",
            cause=CAUSE,
            ue_aggregate_maximum_bit_rate=ngap.UEAggregateMaximumBitRate(
                ue_aggregate_maximum_bit_rate_dl=1, ue_aggregate_maximum_bit_rate_ul=1
            ),
            ue_security_capabilities=ngap.UESecurityCapabilities(
                nr_encryption_algorithms=(0, 16),
                nr_integrity_protection_algorithms=(0, 16),
                eutra_encryption_algorithms=(0, 16),
                eutra_integrity_protection_algorithms=(0, 16),
            ),
            security_context=ngap.SecurityContext(next_hop_chaining_count=0, next_hop_nh=0),
            pdu_session_resource_setup_list_ho_req=[
                ngap.PDUSessionResourceSetupItemHOReq(
                    pdu_session_id=1, s_nssai=SST, handover_request_transfer=transfer(1)
                )
            ],
            allowed_nssai=[ngap.AllowedNSSAIItem(s_nssai=SST)],
            source_to_target_transparent_container=b"\0",
            guami=GUAMI,
        ),
        ngap.InitialUEMessage(
            ran_ue_ngap_id=1,
            nas_pdu=b"\0",
            user_location_information=(
                "userLocationInformationNR",
                ngap.UserLocationInformationNR(
                    nr_cgi=ngap.NRCGI(plmn_identity=TAI.plmn_identity, nr_cell_identity=1), tai=TAI
                ),
            ),
            rrc_establishment_cause="mo-Data",
        ),
    ]


def ies_of(octets: bytes) -> tuple[bytes, list[Ie]]:
    """The first three octets of a PDU and its IEs."""

    def length(at: int) -> tuple[int, int]:
        first = octets[at]
        return (first, at + 1) if first < 128 else ((first & 63) << 8 | octets[at + 1], at + 2)

    _, at = length(3)
    count, at, ies = int.from_bytes(octets[at + 1 : at + 3], "big"), at + 3, []
    for _ in range(count):
        size, start = length(at + 3)
        ies.append(
            (int.from_bytes(octets[at : at + 2], "big"), octets[at + 2] >> 6, octets[start : start + size])
        )
        at = start + size
    return octets[:3], ies


def pdu(head: bytes, ies: list[Ie]) -> bytes:
    def length(size: int) -> bytes:
        return bytes((size,)) if size < 128 else (0x8000 | size).to_bytes(2, "big")

    content = b"\0" + len(ies).to_bytes(2, "big")
    for ie, criticality, octets in ies:
        content += ie.to_bytes(2, "big") + bytes((criticality << 6,)) + length(len(octets)) + octets
    return head + length(len(content)) + content


def mutations(octets: bytes) -> Iterator[bytes]:
    """As it is, then each IE missing, twice, elsewhere, or with extreme contents; unknown IEs; cut short."""
    head, ies = ies_of(octets)
    assert pdu(head, ies) == octets
    yield octets
    for i, (ie, criticality, content) in enumerate(ies):
        before, after = ies[:i], ies[i + 1 :]
        yield pdu(head, before + after)
        yield pdu(head, [*before, ies[i], ies[i], *after])
        yield pdu(head, [*after, *before, ies[i]])
        size = len(content)
        for other in (
            b"",
            bytes(size),
            b"\xff" * size,
            content[:-1],
            content + b"\0",
            b"\xff" * 300,
            b"\x60",
        ):
            yield pdu(head, [*before, (ie, criticality, other), *after])
    for criticality in range(3):
        yield pdu(head, [*ies, (UNKNOWN_IE, criticality, b"\0")])
    yield pdu(head[:1] + b"\xfe" + head[2:], ies)
    yield pdu(bytes((head[0] ^ 0x20,)) + head[1:], ies)
    yield from (octets[:cut] for cut in range(0, len(octets), max(1, len(octets) // 8)))


class World:
    """One gNB and two UEs with a session each: at whom it is aimed, and a bystander."""

    def __init__(self) -> None:
        self.core = Core()
        self.radio = Radio(self.core)
        self.target: Ue
        self.bystander: Ue

    async def up(self) -> None:
        await self.radio.up()
        self.radio.gnb.n2.connections.next_ran_ue_ngap_id, self.core._next = 0x54321, 0x12345
        self.bystander = self.radio.ue(UeSettings().numbered(1))
        await self.bystander.power_on()
        self.target = self.radio.ue()

    async def attached(self) -> CoreUe:
        """The target, connected with its session, whatever happened before."""
        ue = self.target
        link = ue.link
        assert isinstance(link, CellLink)
        if (
            ue.context.registered
            and link.context is not None
            and ue.is_idle
            and set(link.context.sessions) == {1} == set(ue.sessions)
        ):
            return self.core.last()
        ue.leave()
        self.target = self.radio.ue()
        await self.target.power_on()
        await settle(4)
        return self.core.last()

    def answers(self, octets: bytes) -> list[ngap.Pdu]:
        """What the gNB sends at once."""
        handler, before = self.core.handler, len(self.core.octets)
        assert handler is not None
        handler.message(octets, 0, 60)
        return [ngap.decode(sent) for _, sent in self.core.octets[before:]]

    def undisturbed(self) -> None:
        ue = self.bystander
        assert ue.context.registered
        assert ue.link.connected
        assert ue.is_idle
        assert ue.sessions[1].context.bearer
        assert self.radio.gnb.n2.context.state == "up"


def judge(octets: bytes, answers: list[ngap.Pdu]) -> None:
    """Octets that are no message get the answer of clause 10: ERROR INDICATION, or the procedure's own failure."""
    try:
        ngap.decode(octets)
        return
    except ngap.NgapError as found:
        error = found
    if error.tolerable:
        assert ("protocol", error.cause) not in [getattr(answer, "cause", None) for answer in answers]
        return
    syntax = error.cause == "transfer-syntax-error"
    outcome = error.partial is not None and error.partial.KIND != "initiatingMessage"
    if (
        error.silent
        or error.procedure_code == ngap.ErrorIndication.PROCEDURE_CODE
        or (outcome and not syntax)
    ):
        assert not answers
        return
    (answer,) = answers
    failure = FAILURES.get("" if error.partial is None else error.partial.PROCEDURE)
    of_the_syntax = error.cause == "transfer-syntax-error" or octets[0]
    kinds = (ngap.ErrorIndication,) if failure is None or of_the_syntax else (failure, ngap.ErrorIndication)
    assert isinstance(answer, kinds)
    assert getattr(answer, "cause", None) == ("protocol", error.cause)


def resets_all(octets: bytes) -> bool:
    """A mutation that became another message, which all UEs must notice."""
    message: ngap.Pdu | None
    try:
        message = ngap.decode(octets)
    except ngap.NgapError as error:
        message = error.partial if error.tolerable else None
    return isinstance(message, ngap.NGReset) and message.reset_type[0] == "nG-Interface"


def hostile(kind: str, caplog: pytest.LogCaptureFixture) -> int:
    """The number of messages that were sent."""
    sent = 0

    async def main() -> None:
        nonlocal sent
        world = World()
        await world.up()
        number = 0
        while True:
            at_core = await world.attached()
            templates = of_ue(world.core, at_core) if kind == "UE" else of_interface(world.core)
            if number == len(templates):
                break
            count = len(list(mutations(ngap.encode(templates[number]))))
            for index in range(count):
                at_core = await world.attached()
                templates = of_ue(world.core, at_core) if kind == "UE" else of_interface(world.core)
                octets = list(mutations(ngap.encode(templates[number])))[index]
                if resets_all(octets):
                    continue
                try:
                    judge(octets, world.answers(octets))
                    await settle(4)
                    world.undisturbed()
                except Exception as error:
                    told = f"{type(templates[number]).__name__} mutation {index}: {octets.hex()}"
                    raise AssertionError(told) from error
                sent += 1
            number += 1

    run_virtual(main())
    assert not [record.getMessage() for record in caplog.records if record.levelname == "ERROR"]
    return sent


@pytest.mark.parametrize("kind", ["UE", "interface"])
def test_whatever_the_amf_sends(kind: str, caplog: pytest.LogCaptureFixture) -> None:
    assert hostile(kind, caplog) > 250


# what a core may leave out or add, §10.3.4 and §10.3.5


def without(message: ngap.Pdu, name: str) -> bytes:
    head, ies = ies_of(ngap.encode(message))
    left = [ie for ie in ies if ngap.IE_NAMES[ie[0]] != name]
    assert len(left) == len(ies) - 1
    return pdu(head, left)


def plays(scene: Callable[[World, CoreUe], Coroutine[object, None, None]]) -> None:
    async def main() -> None:
        world = World()
        await world.up()
        await scene(world, await world.attached())
        await settle()
        world.undisturbed()

    run_virtual(main())


def test_what_is_missing_and_to_ignore_is_done_without() -> None:
    async def scene(world: World, at_core: CoreUe) -> None:
        templates = {type(m): m for m in of_ue(world.core, at_core)}
        (answer,) = world.answers(without(templates[ngap.NGReset], "Cause"))
        assert isinstance(answer, ngap.NGResetAcknowledge)
        at_core = await world.attached()
        templates = {type(m): m for m in of_ue(world.core, at_core)}
        (answer,) = world.answers(without(templates[ngap.UEContextReleaseCommand], "Cause"))
        assert isinstance(answer, ngap.UEContextReleaseComplete)
        assert not world.target.link.connected
        for kind, name in (
            (ngap.Paging, "UEPagingIdentity"),
            (ngap.Paging, "TAIListForPaging"),
        ):
            message = next(m for m in of_interface(world.core) if isinstance(m, kind))
            assert not world.answers(without(message, name))
        at_core = await world.attached()
        templates = {type(m): m for m in of_ue(world.core, at_core)}
        control = templates[ngap.LocationReportingControl]
        assert not world.answers(without(control, "LocationReportingRequestType"))

    plays(scene)


def test_ng_setup_without_what_is_to_ignore() -> None:
    class Terse(Core):
        def tell(self, message: ngap.Pdu) -> None:
            if isinstance(message, ngap.NGSetupResponse):
                self.tell_octets(without(message, "RelativeAMFCapacity"))
            elif isinstance(message, ngap.NGSetupFailure):
                self.tell_octets(without(message, "Cause"))
            else:
                super().tell(message)

    async def main() -> None:
        core = Terse()
        core.refuse_setup = 1
        radio = Radio(core)
        await radio.up()
        assert radio.gnb.n2.context.amf_name == "scripted"
        assert asyncio.get_running_loop().time() == pytest.approx(10, abs=1)
        assert not any(isinstance(m, ngap.ErrorIndication) for m in core.heard)

    run_virtual(main())


@pytest.mark.parametrize("kind", list(FAILURES.values()))
def test_a_request_with_an_unknown_ie_to_reject_fails(kind: type[ngap.Pdu]) -> None:
    async def scene(world: World, at_core: CoreUe) -> None:
        messages = [*of_ue(world.core, at_core), *of_interface(world.core)]
        message = next(m for m in messages if m.PROCEDURE == kind.PROCEDURE)
        head, ies = ies_of(ngap.encode(message))
        (answer,) = world.answers(pdu(head, [*ies, (UNKNOWN_IE, 0, b"\0")]))
        assert isinstance(answer, kind)
        told = getattr(answer, "criticality_diagnostics", None)
        assert isinstance(told, ngap.CriticalityDiagnostics)
        assert told.ies_criticality_diagnostics is not None
        assert told.ies_criticality_diagnostics[0].ie_id == UNKNOWN_IE

    plays(scene)


def test_an_unknown_ie_to_notify_is_told_of() -> None:
    async def scene(world: World, at_core: CoreUe) -> None:
        message = of_ue(world.core, at_core)[0]
        head, ies = ies_of(ngap.encode(message))
        (answer,) = world.answers(pdu(head, [*ies, (UNKNOWN_IE, 2, b"\0")]))
        assert isinstance(answer, ngap.ErrorIndication)
        assert answer.cause == ("protocol", "abstract-syntax-error-ignore-and-notify")
        assert answer.ran_ue_ngap_id == at_core.ran_id

    plays(scene)


@pytest.mark.parametrize(
    ("kind", "cause"),
    [
        (ngap.UETNLABindingReleaseRequest, None),
        (ngap.DownlinkNonUEAssociatedNRPPaTransport, None),
        (ngap.NGResetAcknowledge, None),
    ],
)
def test_procedures_that_this_gnb_does_not_have(kind: type[ngap.Pdu], cause: str | None) -> None:
    """§10.3.4.1 by the criticality of the procedure; §10.4 for outcomes that nobody asked for."""

    async def scene(world: World, at_core: CoreUe) -> None:
        messages = [*of_ue(world.core, at_core), *of_interface(world.core)]
        answers = world.answers(ngap.encode(next(m for m in messages if isinstance(m, kind))))
        causes = [getattr(answer, "cause", None) for answer in answers]
        assert causes == ([] if cause is None else [("protocol", cause)])

    plays(scene)


def test_nothing_is_done_on_a_connection_whose_radio_link_is_gone() -> None:
    """The UE may be back on another connection: what comes for the old one concerns only the AMF."""

    async def scene(world: World, at_core: CoreUe) -> None:
        world.core.silent.add(ngap.UEContextReleaseRequest)
        ue = world.target
        old = next(
            m for m in of_ue(world.core, at_core) if isinstance(m, ngap.PDUSessionResourceSetupRequest)
        )
        ue.link.fail()
        ue.on_released("radio link failure")
        await ue.request_service()
        await settle()
        assert ue.sessions[1].context.bearer
        (answer,) = world.answers(ngap.encode(old))
        assert isinstance(answer, ngap.PDUSessionResourceSetupResponse)
        assert answer.pdu_session_resource_setup_list_su_res is None
        assert isinstance(ue.link, CellLink)
        assert set(ue.link.bearers) == {1}

    plays(scene)
