"""NG Setup (TS 38.413 §8.7.1) and RAN Configuration Update (§8.7.2)."""

from __future__ import annotations

from collections.abc import Iterable

from cinq.nf.amf.context import RanContext
from cinq.nf.amf.n2 import elements
from cinq.nf.amf.n2.association import Ran
from cinq.nf.amf.n2.diagnosis import notices
from cinq.nf.amf.procedures.ngap import eligibility
from cinq.nf.amf.procedures.ngap.warning import tell_newcomer
from cinq.nf.amf.settings import Settings
from cinq.numbering import GnbId, NumberingError, PlmnId, SNssai, Tai
from cinq.procedure import Refused, Why, procedure
from cinq.wire import ngap

Served = tuple[tuple[Tai, tuple[SNssai, ...]], ...]
TIME_TO_WAIT_S = 10.0
OFFER = "give the gNB a PLMN of three digits and two or three, and an identity of 22 to 32 bits"
SHOWN = 8  # of a list in a text


@procedure(opens=ngap.NGSetupRequest)
async def ng_setup(ran: Ran, request: ngap.NGSetupRequest) -> None:
    """TS 38.413 §8.7.1. A second setup on an association replaces the first, with all its UE connections."""
    ran.claimed = name_of(request)
    ran.access.setup_due(ran, TIME_TO_WAIT_S)  # again, should this one come to nothing
    try:
        gnb = node(request.global_ran_node_id)
        served = common(ran, offered(request.supported_ta_list))
    except NumberingError as error:
        raise Refused(failure(("protocol", "semantic-error")), Why(str(error), OFFER)) from None
    ruling = eligibility.let_in(ran, gnb)
    await take_identity(ran, gnb)
    ran.lose_connections("NG Setup")  # §8.7.1.1: it erases what was before
    ran.commit(node_id=str(gnb), name=name_of(request) or f"gNB {gnb.short}", tais=served, is_set_up=True)
    ran.tell(response(ran.ports.settings, notices(request)))
    eligibility.heed(ran, ruling)
    tell_newcomer(ran, anew=True)


def response(settings: Settings, told: ngap.CriticalityDiagnostics | None) -> ngap.NGSetupResponse:
    """§9.2.6.2, with all PLMNs of a shared core."""
    return ngap.NGSetupResponse(
        amf_name=settings.name,
        extended_amf_name=elements.extended_amf_name(settings.extended_name),
        served_guami_list=[
            ngap.ServedGUAMIItem(guami=elements.guami(served.plmn, settings.amf_id))
            for served in settings.served
        ],
        relative_amf_capacity=settings.relative_capacity,
        plmn_support_list=[
            ngap.PLMNSupportItem(
                plmn_identity=served.plmn.octets,
                slice_support_list=[
                    ngap.SliceSupportItem(s_nssai=elements.s_nssai(s)) for s in served.slices
                ],
            )
            for served in settings.served
        ],
        criticality_diagnostics=told,
    )


async def take_identity(ran: Ran, gnb: GnbId) -> None:
    """The identity is this association's from now on. Refused while another that has it answers: whoever claims the
    identity of a gNB that lives is a stranger, or two gNBs were given the same."""
    for other in [other for other in ran.access.rans if other.context.node_id == str(gnb)]:
        if other is ran or other.is_lost:
            continue
        if await other.association.alive():
            why = Why(
                f"gNB {gnb} is connected from {where(other)} and answers there: "
                f"the one at {where(ran)} that claims its identity is refused",
                "give each gNB an identity of its own (cinq gnb: gnb_id), or stop the one that is connected",
            )
            raise Refused(failure(("misc", "unspecified")), why)
        other.association.abort(f"gNB {gnb} does not answer here and is set up anew at {where(ran)}")


def where(ran: Ran) -> str:
    address, port = ran.association.remote
    return f"{address}:{port}"


def failure(cause: ngap.Cause) -> ngap.NGSetupFailure:
    return ngap.NGSetupFailure(cause=cause, time_to_wait="v10s")


def node(identity: ngap.GlobalRANNodeID) -> GnbId:
    """A gNB: PLMN and bit string, whose length counts. Other kinds of node are refused: the AMF serves NR alone."""
    if identity[0] != "globalGNB-ID":
        raise Refused(failure(("misc", "unspecified")), Why(f"it is a {identity[0]}, wanted a globalGNB-ID"))
    gnb = identity[1]
    value, bits = gnb.gnb_id[1]
    return GnbId(PlmnId.from_octets(gnb.plmn_identity), value, bits)


def name_of(request: ngap.NGSetupRequest | ngap.RANConfigurationUpdate) -> str:
    """At most 150 characters, none of which does more than stand in a line of a log."""
    extended = request.extended_ran_node_name
    longer = None
    if extended is not None:
        longer = extended.ran_node_name_utf8_string or extended.ran_node_name_visible_string
    name = (longer or request.ran_node_name or "")[:150]
    return name if name.isprintable() else "".join(c if c.isprintable() else "?" for c in name)


def offered(areas: list[ngap.SupportedTAItem]) -> Served:
    """Tracking areas with their slices, for each broadcast PLMN."""
    found = []
    for area in areas:
        tac = int.from_bytes(area.tac, "big")
        for item in area.broadcast_plmn_list:
            slices = tuple(elements.s_nssai_of(s.s_nssai) for s in item.tai_slice_support_list)
            found.append((Tai(PlmnId.from_octets(item.plmn_identity), tac), slices))
    return tuple(found)


def common(ran: Ran, areas: Served) -> Served:
    """What of it this AMF serves. Refused when that is nothing (§8.7.1.4)."""
    plmns = {served.plmn: served for served in ran.ports.settings.served}
    known = [(tai, slices) for tai, slices in areas if tai.plmn in plmns]
    if not known:
        why = no_match("PLMN", [tai.plmn for tai, _ in areas], plmns, "network.plmn")
        raise Refused(failure(("misc", "unknown-PLMN-or-SNPN")), why)
    served = [(tai, slices) for tai, slices in known if tai in plmns[tai.plmn].tais]
    if not served:
        wanted = [tai for one in plmns.values() for tai in one.tais]
        why = no_match("tracking area", [tai for tai, _ in known], wanted, "network.tacs")
        raise Refused(failure(("misc", "unspecified")), why)
    usable = tuple(
        (tai, slices) for tai, slices in served if not set(slices).isdisjoint(plmns[tai.plmn].slices)
    )
    if not usable:
        offers = [s_nssai for _, slices in served for s_nssai in slices]
        wanted_slices = [s_nssai for one in plmns.values() for s_nssai in one.slices]
        why = no_match("slice", offers, wanted_slices, "network.slices")
        raise Refused(failure(("radioNetwork", "slice-not-supported")), why)
    return usable


def no_match(what: str, found: Iterable[object], wanted: Iterable[object], setting: str) -> Why:
    """What the gNB has, and what the network has."""
    return Why(
        f"the gNB has no {what} of this network: it offers {listed(found)}; this network serves {listed(wanted)}",
        f"set the same on both: {setting} of the network, or the {what} of the gNB",
    )


def listed(values: Iterable[object]) -> str:
    """Each once, the first eight of them."""
    texts = list(dict.fromkeys(map(str, values)))
    more = f" and {len(texts) - SHOWN} more" if len(texts) > SHOWN else ""
    return ", ".join(texts[:SHOWN]) + more


@procedure(opens=ngap.RANConfigurationUpdate)
async def ran_configuration_update(ran: Ran, update: ngap.RANConfigurationUpdate) -> None:
    """TS 38.413 §8.7.2: name and tracking areas are replaced by what is given."""
    context: RanContext = ran.context
    name, tais = name_of(update) or context.name, context.tais
    if update.supported_ta_list is not None:
        try:
            tais = common(ran, offered(update.supported_ta_list))
        except (Refused, NumberingError) as error:
            cause: ngap.Cause = ("protocol", "semantic-error")
            if isinstance(error, Refused) and isinstance(error.answer, ngap.NGSetupFailure):
                cause = error.answer.cause
            answer = ngap.RANConfigurationUpdateFailure(cause=cause, time_to_wait="v10s")
            raise Refused(answer, str(error)) from None
    ran.commit(name=name, tais=tais)
    ran.tell(ngap.RANConfigurationUpdateAcknowledge(criticality_diagnostics=notices(update)))
    tell_newcomer(ran, anew=False)
