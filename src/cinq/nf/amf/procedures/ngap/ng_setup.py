"""NG Setup (TS 38.413 §8.7.1) and RAN Configuration Update (§8.7.2)."""

from __future__ import annotations

from cinq.nf.amf.context import RanContext
from cinq.nf.amf.n2 import elements
from cinq.nf.amf.n2.association import Ran
from cinq.nf.amf.n2.diagnosis import notices
from cinq.numbering import GnbId, NumberingError, PlmnId, SNssai, Tai
from cinq.procedure import Refused, procedure
from cinq.wire import ngap

Served = tuple[tuple[Tai, tuple[SNssai, ...]], ...]


@procedure(opens=ngap.NGSetupRequest)
async def ng_setup(ran: Ran, request: ngap.NGSetupRequest) -> None:
    """TS 38.413 §8.7.1. A second setup on an association replaces the first, with all its UE connections."""
    ran.claimed = name_of(request)
    try:
        gnb = node(request.global_ran_node_id)
        served = common(ran, offered(request.supported_ta_list))
    except NumberingError:
        raise Refused(failure(("protocol", "semantic-error"))) from None
    begin_anew(ran, str(gnb))
    ran.commit(node_id=str(gnb), name=name_of(request) or f"gNB {gnb.short}", tais=served, is_set_up=True)
    settings = ran.ports.settings
    guami = elements.guami(settings.plmn, settings.amf_id)
    slices = [ngap.SliceSupportItem(s_nssai=elements.s_nssai(s)) for s in settings.slices]
    ran.tell(
        ngap.NGSetupResponse(
            amf_name=settings.name,
            extended_amf_name=elements.extended_amf_name(settings.extended_name),
            served_guami_list=[ngap.ServedGUAMIItem(guami=guami)],
            relative_amf_capacity=settings.relative_capacity,
            plmn_support_list=[
                ngap.PLMNSupportItem(plmn_identity=settings.plmn.octets, slice_support_list=slices)
            ],
            criticality_diagnostics=notices(request),
        )
    )


def begin_anew(ran: Ran, node_id: str) -> None:
    """The setup erases what was before, also on an association that the gNB has left without a word (§8.7.1.1)."""
    for other in ran.access.rans:
        if other is ran or other.context.node_id == node_id:
            if other is not ran:
                ran.runtime.report(
                    other, "ng_setup", ran.opening, f"{node_id} is set up anew on another association"
                )
            other.lose_connections("NG Setup")
            other.context = RanContext()


def failure(cause: ngap.Cause) -> ngap.NGSetupFailure:
    return ngap.NGSetupFailure(cause=cause, time_to_wait="v10s")


def node(identity: ngap.GlobalRANNodeID) -> GnbId:
    """A gNB: PLMN and bit string, whose length counts. Other kinds of node are refused: the AMF serves NR alone."""
    if identity[0] != "globalGNB-ID":
        raise Refused(failure(("misc", "unspecified")), f"{identity[0]} is no gNB")
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
    settings = ran.ports.settings
    if not any(tai.plmn == settings.plmn for tai, _ in areas):
        raise Refused(failure(("misc", "unknown-PLMN-or-SNPN")), f"none of its PLMNs is {settings.plmn}")
    served = [(tai, slices) for tai, slices in areas if tai in settings.tais]
    if not served:
        wanted = ", ".join(map(str, settings.tais))
        raise Refused(
            failure(("misc", "unspecified")), f"none of its tracking areas is served: wanted {wanted}"
        )
    usable = tuple((tai, slices) for tai, slices in served if not set(slices).isdisjoint(settings.slices))
    if not usable:
        wanted = ", ".join(map(str, settings.slices))
        cause: ngap.Cause = ("radioNetwork", "slice-not-supported")
        raise Refused(failure(cause), f"none of its slices is supported: wanted {wanted}")
    return usable


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
