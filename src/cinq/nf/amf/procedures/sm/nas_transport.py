"""NAS transport of 5GSM messages, TS 24.501 §5.4.5; the AMF's part of PDU session establishment, TS 23.502 §4.3.2."""

from __future__ import annotations

from functools import partial

from cinq.nf.amf.context import SmContext
from cinq.nf.amf.n1.envelope import BrokenTransport, Checked
from cinq.nf.amf.n2.carriage import sm_container
from cinq.nf.amf.procedures.sm.resources import deliver_answer, forget, let_go
from cinq.nf.amf.ue import Ue
from cinq.numbering import SNssai
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

N1_SM = RefToBinaryData(content_id="n1SmMsg")


@procedure(opens=nas.ULNASTransport)
async def nas_transport(ue: Ue, arrival: Checked[nas.ULNASTransport]) -> None:
    """TS 24.501 §5.4.5.2.3: to the SMF of the session, to a new SMF, or back to the UE."""
    message = arrival.message
    number = message.pdu_session_id
    if ue.context.rm_state != "RM-REGISTERED":
        cause = GmmCause.MESSAGE_TYPE_NOT_COMPATIBLE_WITH_THE_PROTOCOL_STATE
        raise Refused(nas.FiveGMMStatus(cause=cause), "not registered")
    if message.payload_container_type != PayloadContainerType.N1_SM_INFORMATION:
        raise Refused(back(message), "only 5GSM messages are transported")
    if number is None or not 1 <= number <= 15:
        raise Refused(back(message), f"PDU session identity {number}")
    sm = ue.context.sm_context(number)
    if message.request_type == RequestType.INITIAL_REQUEST:
        await establish(ue, message, number, sm)
    elif sm is not None:
        await forward(ue, message, sm)
    else:
        raise Refused(back(message), f"no PDU session {number}, and no request type that begins one")


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
            raise Refused(None if octets is None else down(number, octets), str(refused)) from None
        except Problem as problem:
            raise Refused(back(message), str(problem)) from None
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
    data = SmContextCreateData(
        serving_nf_id=ports.instance_id,
        serving_network=ports.serving_plmn,
        an_type="3GPP_ACCESS",
        sm_context_status_uri=f"/namf-callback/v1/sm-context-status/{context.supi}/{number}",
        supi=str(context.supi),
        pei=context.pei,
        pdu_session_id=number,
        dnn=dnn,
        s_nssai=Snssai.of(s_nssai),
        guami=ports.guami,
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
    """The slice that the UE asks for, or the first that it is allowed. Refused when it is not allowed."""
    allowed = ue.context.allowed_nssai
    wanted = message.s_nssai
    if wanted is None:
        return allowed[0]
    for s_nssai in allowed:
        if s_nssai == SNssai(wanted.sst, wanted.sd):
            return s_nssai
    why = f"the UE asks for slice {wanted}; allowed are {', '.join(map(str, allowed))}"
    raise Refused(back(message), Why(why, "the phone's slice, or the subscriber's: cinq subscriber set"))


def dnn_for(ue: Ue, message: nas.ULNASTransport, s_nssai: SNssai) -> str:
    """The DNN that the UE asks for, or the subscribed default. Refused with #91 when it is not subscribed."""
    subscribed = [d for d in ue.context.subscribed_dnns if d.s_nssai == s_nssai]
    if message.dnn is None:
        chosen = next((d for d in subscribed if d.default), subscribed[0] if subscribed else None)
    else:
        chosen = next((d for d in subscribed if d.dnn in (message.dnn, "*")), None)
    if chosen is None:
        cause = GmmCause.DNN_NOT_SUPPORTED_OR_NOT_SUBSCRIBED_IN_THE_SLICE
        has = ", ".join(d.dnn for d in subscribed) or "none"
        why = f"the UE asks for DNN {message.dnn or '(its default)'} in slice {s_nssai}; subscribed are {has}"
        mend = "the phone's APN, or the subscriber's DNNs: cinq subscriber set"
        raise Refused(back(message, cause), Why(why, mend))
    return chosen.dnn if message.dnn is None else message.dnn


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
            back(message) if answered is None else down(sm.pdu_session_id, answered), str(refused)
        ) from None
    except Problem as problem:
        if problem.status == 404:
            forget(ue, sm)
        raise Refused(back(message), str(problem)) from None
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
