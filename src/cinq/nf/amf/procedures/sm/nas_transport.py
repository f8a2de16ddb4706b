"""NAS transport of 5GSM messages, TS 24.501 §5.4.5; the AMF's part of PDU session establishment, TS 23.502 §4.3.2."""

from __future__ import annotations

from functools import partial
from typing import NoReturn

from cinq.nf.amf import journal
from cinq.nf.amf.context import SmContext
from cinq.nf.amf.n1.envelope import BrokenTransport, Checked
from cinq.nf.amf.n2.carriage import sm_container
from cinq.nf.amf.procedures.sm import lpp
from cinq.nf.amf.procedures.sm.resources import deliver_answer, forget, let_go, restricted
from cinq.nf.amf.ue import Ue
from cinq.numbering import SNssai
from cinq.operator_identifier import network_identifier
from cinq.procedure import ABORT, BESIDE, DEFER, Refused, Verdict, Why, collision, procedure
from cinq.sbi import Problem
from cinq.sbi.models import RefToBinaryData, Snssai
from cinq.sbi.services.nsmf_pdusession import (
    PostSmContextsRequest,
    SmContextCreateData,
    SmContextRefused,
    SmContextReleaseData,
    SmContextUpdateData,
    UpdateSmContextRequest,
    UpdateSmContextResponse,
)
from cinq.wire import nas, ngap
from cinq.wire.nas import GmmCause, PayloadContainerType, RequestType

RESTRICTED = (RequestType.INITIAL_REQUEST, RequestType.EXISTING_PDU_SESSION, RequestType.MODIFICATION_REQUEST)
N1_SM = RefToBinaryData(content_id="n1SmMsg")


@procedure(opens=nas.ULNASTransport)
async def nas_transport(ue: Ue, arrival: Checked[nas.ULNASTransport]) -> None:
    """TS 24.501 §5.4.5.2.3: each payload by its type. Several in one message are handled one by one (k))."""
    message = arrival.message
    if ue.context.rm_state != "RM-REGISTERED":
        cause = GmmCause.MESSAGE_TYPE_NOT_COMPATIBLE_WITH_THE_PROTOCOL_STATE
        raise Refused(nas.FiveGMMStatus(cause=cause), Why("the UE is not registered"))
    if message.payload_container_type != PayloadContainerType.MULTIPLE_PAYLOADS:
        await transport(ue, message)
        return
    for payload in several(message):
        try:
            await transport(ue, payload)
        except Refused as refused:
            journal.note(ue, why_of(refused))
            if refused.answer is not None:
                ue.tell(refused.answer)


def several(message: nas.ULNASTransport) -> list[nas.ULNASTransport]:
    """Each entry as a message of its own. Refused where they cannot be told apart."""
    try:
        entries = nas.payloads(message.payload_container)
    except ValueError as error:
        raise Refused(None, Why(f"multiple payloads: {error}")) from None
    return [
        nas.ULNASTransport(
            payload_container_type=entry.kind,
            payload_container=entry.contents,
            pdu_session_id=entry.pdu_session_id,
            old_pdu_session_id=entry.old_pdu_session_id,
            request_type=entry.request_type,
            s_nssai=entry.s_nssai,
            dnn=entry.dnn,
            additional_information=entry.additional_information,
        )
        for entry in entries
    ]


def why_of(refused: Refused) -> str:
    return Why(f"refused: {refused.reason}", refused.reason.mend if isinstance(refused.reason, Why) else "")


async def transport(ue: Ue, message: nas.ULNASTransport) -> None:
    """To the SMF of the session, to a new SMF, back to the UE, or nowhere."""
    kind = message.payload_container_type
    if kind == PayloadContainerType.LPP_MESSAGE_CONTAINER and lpp.relayed(ue, message):
        return
    if kind != PayloadContainerType.N1_SM_INFORMATION:
        no_server(message)
    number = message.pdu_session_id
    if number is None or not 1 <= number <= 15:
        raise Refused(back(message), Why(f"the UE names PDU session {number}; there are 1 to 15"))
    if message.request_type in RESTRICTED and not ue.may_have_service:
        raise Refused(back(message, GmmCause.RESTRICTED_SERVICE_AREA), restricted(ue))
    sm = ue.context.sm_context(number)
    match message.request_type:
        case RequestType.INITIAL_REQUEST:
            await establish(ue, message, number, sm)
        case RequestType.INITIAL_EMERGENCY_REQUEST | RequestType.EXISTING_EMERGENCY_PDU_SESSION:
            raise Refused(
                back(message), Why("the UE asks for emergency services, which this network does not have")
            )
        case _ if sm is not None:
            await forward(ue, message, sm)
        case RequestType.MA_PDU_REQUEST:
            raise Refused(
                back(message), Why("the UE asks for a multi-access session, which this network does not have")
            )
        case _:
            why = Why(f"the UE has no PDU session {number}", "a request of type initial request begins one")
            raise Refused(back(message), why)


SERVERS = {
    PayloadContainerType.SMS: "SMSF",
    PayloadContainerType.LPP_MESSAGE_CONTAINER: "LMF",
    PayloadContainerType.SLPP_MESSAGE_CONTAINER: "LMF",
    PayloadContainerType.LOCATION_SERVICES_MESSAGE_CONTAINER: "LMF",
    PayloadContainerType.UPP_CMI_CONTAINER: "LMF",
    PayloadContainerType.SOR_TRANSPARENT_CONTAINER: "UDM that steers roaming",
    PayloadContainerType.UE_PARAMETERS_UPDATE_TRANSPARENT_CONTAINER: "UDM that updates UE parameters",
    PayloadContainerType.UE_POLICY_CONTAINER: "PCF with UE policies",
    PayloadContainerType.SERVICE_LEVEL_AA_CONTAINER: "UAS-NF",
}
"""Whom a payload is for, by its type (§5.4.5.2.3 b) to j))."""


def no_server(message: nas.ULNASTransport) -> NoReturn:
    """§5.4.5.2.5 b) to k): without somebody to forward it to the procedure ends, and the UE hears nothing; user data
    of CIoT go back (§5.4.5.3.1 case l1))."""
    kind = message.payload_container_type
    if kind == PayloadContainerType.CIOT_USER_DATA_CONTAINER:
        raise Refused(back(message), Why("CIoT user data: this network transports them by N3 alone"))
    server = SERVERS.get(PayloadContainerType(kind)) if kind in SERVERS else None
    what = PayloadContainerType(kind).name.replace("_", " ") if server else f"payload of type {int(kind)}"
    raise Refused(None, Why(f"{what}: this network has no {server or 'receiver of it'}"))


@procedure(opens=BrokenTransport)
async def broken_transport(ue: Ue, broken: BrokenTransport) -> None:
    """A DNN that cannot be one: DNN not supported (TS 24.501 §5.4.5.2.5)."""
    ue.tell(back(broken.message, GmmCause.DNN_NOT_SUPPORTED_OR_NOT_SUBSCRIBED_IN_THE_SLICE))


def back(message: nas.ULNASTransport, cause: int = GmmCause.PAYLOAD_WAS_NOT_FORWARDED) -> nas.DLNASTransport:
    """The payload back to its sender, with the reason (§5.4.5.3.1 case e))."""
    return nas.DLNASTransport(
        payload_container_type=message.payload_container_type,
        payload_container=message.payload_container,
        pdu_session_id=message.pdu_session_id,
        cause=cause,
    )


async def establish(ue: Ue, message: nas.ULNASTransport, number: int, before: SmContext | None) -> None:
    """TS 23.502 §4.3.2.2.1 steps 1 to 5: Nsmf_PDUSession_CreateSMContext. The rest comes from the SMF.

    An SMF that refuses without a 5GSM message wants the UE's to be ignored (TS 24.501 §7.2.1, §7.3.1 d)."""
    s_nssai = slice_for(ue, message)
    dnn = dnn_for(ue, message, s_nssai)
    if before is not None:
        await drop(ue, before)
    async with ue.undo() as undo:
        try:
            sm = await undo.hold(create(ue, message, number, s_nssai, dnn), Released(ue))
        except SmContextRefused as refused:
            octets = refused.n1_sm_message
            raise Refused(None if octets is None else down(number, octets), refused.why) from None
        except Problem as problem:
            raise Refused(back(message), problem.why) from None
        others = tuple(s for s in ue.context.sm_contexts if s.pdu_session_id != number)
        ue.commit(sm_contexts=(*others, sm))
        undo.keep()


DUPLICATE = "REL_DUE_TO_DUPLICATE_SESSION_ID"


async def drop(ue: Ue, before: SmContext) -> None:
    """§5.4.5.2.5 a) 12: the UE begins anew; its former session is released locally, here, at the SMF and the gNB.

    Whatever the UE does meanwhile: a release that has begun comes to its end.
    """
    async with ue.undo() as undo:
        await undo.hold(let_go(ue, before, DUPLICATE), partial(tell_gnb, ue, before))


async def tell_gnb(ue: Ue, before: SmContext, answer: UpdateSmContextResponse | None) -> None:
    if answer is not None:
        deliver_answer(ue, before, answer)
    forget(ue, before)


class Released:
    """Gives an SM context back that was created for nothing."""

    def __init__(self, ue: Ue) -> None:
        self._ue = ue

    async def __call__(self, sm: SmContext) -> None:
        await self._ue.ports.nsmf.release_sm_context(sm.ref, SmContextReleaseData())


async def create(ue: Ue, message: nas.ULNASTransport, number: int, s_nssai: SNssai, dnn: str) -> SmContext:
    ports, context, connection = ue.ports, ue.context, ue.connection
    serving = ports.serving(ue.plmn)
    data = SmContextCreateData(
        serving_nf_id=ports.instance_id,
        serving_network=serving.plmn,
        an_type="3GPP_ACCESS",
        sm_context_status_uri=ports.callback(f"/namf-callback/v1/sm-context-status/{context.supi}/{number}"),
        supi=str(context.supi),
        pei=context.pei,
        pdu_session_id=number,
        dnn=dnn,
        s_nssai=Snssai.of(s_nssai),
        guami=serving.guami,
        request_type="INITIAL_REQUEST",
        n1_sm_msg=N1_SM,
        rat_type="NR",
        ue_location=None if connection is None else connection.place.location,
    )
    created = await ports.nsmf.create_sm_context(
        PostSmContextsRequest(json_data=data, binary_data_n1_sm_message=message.payload_container)
    )
    return SmContext(number, created.id, s_nssai, dnn)


def slice_for(ue: Ue, message: nas.ULNASTransport) -> SNssai:
    """The slice that the UE asks for. Refused when it is not allowed.

    Without one: the only slice that it is allowed, else the default of its subscription; of several defaults, and
    without any, the first, which is this operator's policy (§5.4.5.2.3 a) 1) iii), TS 23.501 §5.15.5.3).
    """
    allowed, defaults = ue.context.allowed_nssai, ue.context.default_slices
    wanted = message.s_nssai
    if wanted is None:
        return next((s_nssai for s_nssai in allowed if s_nssai in defaults), allowed[0])
    for s_nssai in allowed:
        if s_nssai == SNssai(wanted.sst, wanted.sd):
            return s_nssai
    names = ", ".join(map(str, allowed))
    why = Why(
        f"the UE asks for a session in slice {wanted}; it is allowed {names}",
        f"cinq subscriber set {ue.context.supi} --slices '{wanted} ...', and register with that slice",
    )
    raise Refused(back(message), why)


def dnn_for(ue: Ue, message: nas.ULNASTransport, s_nssai: SNssai) -> str:
    """The DNN that the UE asks for, without this operator's identifier (TS 23.003 §9.1), or the subscribed default.

    Refused with #91 when it is not subscribed.
    """
    plmns = [one.plmn for one in ue.ports.settings.served]
    asked = None if message.dnn is None else network_identifier(message.dnn, plmns)
    subscribed = [d for d in ue.context.subscribed_dnns if d.s_nssai == s_nssai]
    if asked is None:
        chosen = next((d for d in subscribed if d.default), subscribed[0] if subscribed else None)
    else:
        chosen = next((d for d in subscribed if d.dnn in (asked, "*")), None)
    if chosen is None:
        cause = GmmCause.DNN_NOT_SUPPORTED_OR_NOT_SUBSCRIBED_IN_THE_SLICE
        names = ", ".join(d.dnn for d in subscribed) or "none"
        why = Why(
            f"the UE asks for DNN {message.dnn or 'by default'} in slice {s_nssai}; it has subscribed to {names}",
            f"cinq subscriber set {ue.context.supi} --dnns {message.dnn or '...'}",
        )
        raise Refused(back(message, cause), why)
    return chosen.dnn if asked is None else asked


async def forward(ue: Ue, message: nas.ULNASTransport, sm: SmContext) -> None:
    """Nsmf_PDUSession_UpdateSMContext with the 5GSM message; what the SMF answers is delivered."""
    update = UpdateSmContextRequest(
        json_data=SmContextUpdateData(n1_sm_msg=N1_SM),
        binary_data_n1_sm_message=message.payload_container,
    )
    try:
        answer = await ue.ports.nsmf.update_sm_context(sm.ref, update)
    except SmContextRefused as refused:
        answered = refused.n1_sm_message
        raise Refused(
            back(message) if answered is None else down(sm.pdu_session_id, answered), refused.why
        ) from None
    except Problem as problem:
        if problem.status == 404:
            forget(ue, sm)
        raise Refused(back(message), problem.why) from None
    deliver_answer(ue, sm, answer)


def down(number: int, octets: bytes) -> nas.DLNASTransport:
    return sm_container(number, octets)


@collision(nas_transport, nas.ULNASTransport)
def _(ue: Ue, other: Checked[nas.ULNASTransport]) -> Verdict:
    """Sessions do not wait for each other; messages of one session keep their order."""
    first = ue.opening
    same = isinstance(first, Checked) and first.message.pdu_session_id == other.message.pdu_session_id
    return DEFER if same else BESIDE


@collision(
    nas_transport,
    nas.RegistrationRequest,
    nas.DeregistrationRequestUEOriginating,
    ngap.UEContextReleaseRequest,
)
def _(ue: Ue, message: object) -> Verdict:
    return ABORT


@collision(nas_transport, nas.ServiceRequest)
def _(ue: Ue, message: object) -> Verdict:
    return DEFER
