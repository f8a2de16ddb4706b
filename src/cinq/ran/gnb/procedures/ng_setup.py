"""NG Setup, TS 38.413 §8.7.1."""

from __future__ import annotations

import asyncio

from cinq.procedure import Declined, Timer, procedure
from cinq.ran.gnb.n2 import N2
from cinq.ran.gnb.n2.elements import (
    amf_name_of,
    global_gnb_id,
    guami_of,
    plmn_of,
    ran_node_name,
    s_nssai,
    s_nssai_of,
)
from cinq.ran.gnb.n2.reasons import why
from cinq.ran.gnb.settings import GnbSettings
from cinq.ran.gnb.signals import SetUp
from cinq.wire import ngap

NG_SETUP = Timer("NG Setup", 10, 1)
_PAGING_DRX: dict[int, ngap.PagingDRX] = {32: "v32", 64: "v64", 128: "v128", 256: "v256"}
WAITS = {"v1s": 1.0, "v2s": 2.0, "v5s": 5.0, "v10s": 10.0, "v20s": 20.0, "v60s": 60.0}


@procedure(opens=SetUp)
async def ng_setup(n2: N2, _: SetUp) -> None:
    """TS 38.413 §8.7.1. After NG SETUP FAILURE it is tried again when the AMF's time to wait is over (§8.7.1.3), after
    an Error Indication when that of the settings is."""
    settings = n2.ports.settings
    while True:
        try:
            answer = await n2.ask(request(n2), ngap.NGSetupResponse, ngap.NGSetupFailure, timer=NG_SETUP)
        except Declined as declined:
            n2.hindered(declined.reason)
            await asyncio.sleep(settings.ng_setup_retry_s)
            continue
        if isinstance(answer, ngap.NGSetupResponse):
            break
        n2.hindered(why("NG Setup Failure", answer.cause, settings))
        await asyncio.sleep(WAITS.get(answer.time_to_wait or "", settings.ng_setup_retry_s))
    n2.commit(state="up", **announced(answer))


def request(n2: N2) -> ngap.NGSetupRequest:
    """NG SETUP REQUEST, §9.2.6.1."""
    name, extended = ran_node_name(n2.ports.settings.name)
    return ngap.NGSetupRequest(
        global_ran_node_id=global_gnb_id(n2.identity),
        ran_node_name=name,
        extended_ran_node_name=extended,
        supported_ta_list=supported_tas(n2),
        default_paging_drx=default_paging_drx(n2.ports.settings),
    )


def default_paging_drx(settings: GnbSettings) -> ngap.PagingDRX:
    return _PAGING_DRX[settings.default_paging_drx]


def supported_tas(n2: N2) -> list[ngap.SupportedTAItem]:
    """Each tracking area of the cells once, with all slices."""
    settings = n2.ports.settings
    slices = [ngap.SliceSupportItem(s_nssai=s_nssai(s)) for s in settings.slices]
    plmn = ngap.BroadcastPLMNItem(plmn_identity=settings.plmn.octets, tai_slice_support_list=slices)
    return [
        ngap.SupportedTAItem(tac=tac.to_bytes(3, "big"), broadcast_plmn_list=[plmn])
        for tac in dict.fromkeys(cell.tac for cell in n2.cells)
    ]


def announced(message: ngap.NGSetupResponse | ngap.AMFConfigurationUpdate) -> dict[str, object]:
    """What the AMF says of itself, as changes of an N2Context."""
    changes: dict[str, object] = {}
    name = amf_name_of(message.amf_name, message.extended_amf_name)
    if name is not None:
        changes["amf_name"] = name
    if message.served_guami_list is not None:
        changes["guamis"] = tuple(guami_of(item.guami) for item in message.served_guami_list)
    if message.relative_amf_capacity is not None:
        changes["relative_capacity"] = message.relative_amf_capacity
    if message.plmn_support_list is not None:
        changes["slices"] = tuple(
            (plmn_of(item.plmn_identity), s_nssai_of(one.s_nssai))
            for item in message.plmn_support_list
            for one in item.slice_support_list
        )
    return changes
