"""NG Setup, TS 38.413 §8.7.1."""

from __future__ import annotations

import asyncio

from cinq.numbering import AmfId, NumberingError, PlmnId, SNssai
from cinq.procedure import Timer, procedure
from cinq.ran.gnb.n2 import N2
from cinq.ran.gnb.procedures.release import said
from cinq.ran.gnb.settings import GnbSettings
from cinq.ran.gnb.signals import SetUp
from cinq.wire import ngap

NG_SETUP = Timer("NG Setup", 10, 1)
_PAGING_DRX: dict[int, ngap.PagingDRX] = {32: "v32", 64: "v64", 128: "v128", 256: "v256"}
_WAITS = {"v1s": 1.0, "v2s": 2.0, "v5s": 5.0, "v10s": 10.0, "v20s": 20.0, "v60s": 60.0}


@procedure(opens=SetUp)
async def ng_setup(n2: N2, _: SetUp) -> None:
    """TS 38.413 §8.7.1. After NG SETUP FAILURE it is tried again when the AMF's time to wait is over (§8.7.1.3)."""
    settings = n2.ports.settings
    while True:
        answer = await n2.ask(request(settings), ngap.NGSetupResponse, ngap.NGSetupFailure, timer=NG_SETUP)
        if isinstance(answer, ngap.NGSetupResponse):
            break
        n2.trouble = f"NG Setup Failure: {said(answer.cause)}"
        await asyncio.sleep(_WAITS.get(answer.time_to_wait or "", settings.ng_setup_retry_s))
    n2.commit(state="up", **announced(answer))


def request(settings: GnbSettings) -> ngap.NGSetupRequest:
    """NG SETUP REQUEST, §9.2.6.1."""
    slices = [ngap.SliceSupportItem(s_nssai=s_nssai(s)) for s in settings.slices]
    plmn = ngap.BroadcastPLMNItem(plmn_identity=settings.plmn.octets, tai_slice_support_list=slices)
    area = ngap.SupportedTAItem(tac=settings.tac.to_bytes(3, "big"), broadcast_plmn_list=[plmn])
    gnb = ngap.GlobalGNBID(
        plmn_identity=settings.plmn.octets, gnb_id=("gNB-ID", (settings.gnb_id, settings.gnb_id_bits))
    )
    return ngap.NGSetupRequest(
        global_ran_node_id=("globalGNB-ID", gnb),
        ran_node_name=settings.name,
        supported_ta_list=[area],
        default_paging_drx=_PAGING_DRX[settings.default_paging_drx],
    )


def s_nssai(value: SNssai) -> ngap.SNSSAI:
    return ngap.SNSSAI(sst=bytes((value.sst,)), sd=None if value.sd is None else value.sd.to_bytes(3, "big"))


def announced(
    message: ngap.NGSetupResponse | ngap.AMFConfigurationUpdate,
) -> dict[str, object]:
    """What the AMF says of itself, as changes of an N2Context."""
    changes: dict[str, object] = {}
    if message.amf_name is not None:
        changes["amf_name"] = message.amf_name
    if message.served_guami_list is not None:
        changes["guamis"] = tuple(_guami(item.guami) for item in message.served_guami_list)
    if message.relative_amf_capacity is not None:
        changes["relative_capacity"] = message.relative_amf_capacity
    return changes


def _guami(guami: ngap.GUAMI) -> tuple[PlmnId, AmfId]:
    try:
        plmn = PlmnId.from_octets(guami.plmn_identity)
    except (
        NumberingError
    ):  # an AMF that names a PLMN of letters is of no use to a UE, but no reason to give it up
        plmn = PlmnId("000", "00")
    return plmn, AmfId(guami.amf_region_id, guami.amf_set_id, guami.amf_pointer)
