"""Data and information elements of XnAP, both ways: causes, identities, cells, tunnels."""

from __future__ import annotations

from cinq.numbering import GnbId, NumberingError, PlmnId, SNssai
from cinq.ran.gnb.context import CellId, TunnelEnd
from cinq.ran.gnb.settings import GnbSettings
from cinq.transport_address import TransportAddress
from cinq.wire import ngap, xnap

UNSPECIFIED: xnap.Cause = ("radioNetwork", "unspecified")
_RADIO: dict[ngap.CauseRadioNetwork, xnap.CauseRadioNetworkLayer] = {
    "unspecified": "unspecified",
    "txnrelocoverall-expiry": "tXnRELOCoverall-expiry",
    "partial-handover": "partial-handover",
    "handover-cancelled": "procedure-cancelled",
    "ho-target-not-allowed": "handover-target-not-allowed",
    "cell-not-available": "cell-not-available",
    "no-radio-resources-available-in-target-cell": "no-radio-resources-available-in-target-cell",
    "unknown-local-UE-NGAP-ID": "unknown-local-NG-RAN-node-UE-XnAP-ID",
    "inconsistent-remote-UE-NGAP-ID": "inconsistent-remote-NG-RAN-node-UE-XnAP-ID",
    "handover-desirable-for-radio-reason": "handover-desirable-for-radio-reasons",
    "time-critical-handover": "time-critical-handover",
    "resource-optimisation-handover": "resource-optimisation-handover",
    "reduce-load-in-serving-cell": "reduce-load-in-serving-cell",
    "user-inactivity": "user-inactivity",
    "radio-connection-with-ue-lost": "radio-connection-with-UE-lost",
    "radio-resources-not-available": "no-radio-resources-available",
    "invalid-qos-combination": "invalid-QoS-combination",
    "failure-in-radio-interface-procedure": "failure-in-the-radio-interface-procedure",
    "unknown-PDU-session-ID": "unknown-PDU-session-ID",
    "unkown-qos-flow-ID": "unknown-QoS-Flow-ID",
    "multiple-PDU-session-ID-instances": "multiple-PDU-session-ID-instances",
    "multiple-qos-flow-ID-instances": "multiple-QoS-Flow-ID-instances",
    "encryption-and-or-integrity-protection-algorithms-not-supported": (
        "encryption-and-or-integrity-protection-algorithms-not-supported"
    ),
    "not-supported-5QI-value": "not-supported-5QI-value",
    "ue-context-transfer": "ue-context-id-not-known",
    "up-integrity-protection-not-possible": "up-integrity-protection-not-possible",
    "up-confidentiality-protection-not-possible": "up-confidentiality-protection-not-possible",
    "slice-not-supported": "slice-not-supported-by-NG-RAN",
    "resources-not-available-for-the-slice": "resources-not-available-for-the-slice-s",
    "ue-max-integrity-protected-data-rate-reason": "ue-max-IP-data-rate-reason",
    "npn-access-denied": "npn-access-denied",
    "insufficient-ue-capabilities": "insufficient-ue-capabilities",
}
_BACK = {xn: ng for ng, xn in _RADIO.items()}
_MISC: dict[ngap.CauseMisc, xnap.CauseMisc] = {
    "control-processing-overload": "control-processing-overload",
    "not-enough-user-plane-processing-resources": "not-enough-user-plane-processing-resources",
    "hardware-failure": "hardware-failure",
    "om-intervention": "o-and-M-intervention",
}
_MISC_BACK = {xn: ng for ng, xn in _MISC.items()}


_NO_TIMING = bytes(1)
"""MeasurementTimingConfiguration, TS 38.331 §11.2.2, without any, unaligned PER."""


class Unreadable(ValueError):
    """A message that is well formed, but says what cannot be: TS 38.423 §10.4."""


def cause(of: ngap.Cause) -> xnap.Cause:
    """The cause of TS 38.423 §9.2.3.2 that says the same, `unspecified` where none does."""
    if of[0] == "radioNetwork":
        return "radioNetwork", _RADIO.get(of[1], "unspecified")
    if of[0] == "misc":
        return "misc", _MISC.get(of[1], "unspecified")
    if of[0] == "protocol":
        return "protocol", of[1]
    return ("transport", of[1]) if of[0] == "transport" else UNSPECIFIED


def cause_of(of: xnap.Cause) -> ngap.Cause:
    """The cause of TS 38.413 §9.3.1.2 that says the same, for what the AMF hears."""
    if of[0] == "radioNetwork":
        return "radioNetwork", _BACK.get(of[1], "unspecified")
    if of[0] == "misc":
        return "misc", _MISC_BACK.get(of[1], "unspecified")
    return of


def said(of: xnap.Cause) -> str:
    return "/".join(of)


# identities and cells


def s_nssai(value: SNssai) -> xnap.SNSSAI:
    return xnap.SNSSAI(sst=bytes((value.sst,)), sd=None if value.sd is None else value.sd.to_bytes(3, "big"))


def s_nssai_of(value: xnap.SNSSAI) -> SNssai:
    return SNssai(value.sst[0], None if value.sd is None else int.from_bytes(value.sd, "big"))


def global_id(value: GnbId) -> xnap.GlobalNGRANNodeID:
    return "gNB", xnap.GlobalgNBID(plmn_id=value.plmn.octets, gnb_id=("gnb-ID", (value.value, value.bits)))


def identity_of(value: xnap.GlobalNGRANNodeID) -> GnbId:
    """Unreadable: it is no gNB, or has a PLMN of letters."""
    if value[0] != "gNB":
        raise Unreadable("found an ng-eNB, wanted a gNB")
    number, bits = value[1].gnb_id[1]
    try:
        return GnbId(PlmnId.from_octets(value[1].plmn_id), number, bits)
    except NumberingError as error:
        raise Unreadable(str(error)) from None


def nr_cgi(cell: CellId) -> xnap.NRCGI:
    return xnap.NRCGI(plmn_id=cell.gnb.plmn.octets, nr_ci=cell.nci)


def tai_support(settings: GnbSettings, cells: tuple[CellId, ...]) -> list[xnap.TAISupportItem]:
    """TAI Support List, §9.2.3.20: each tracking area of the cells once."""
    plmn = xnap.BroadcastPLMNinTAISupportItem(
        plmn_id=settings.plmn.octets, tai_slice_support_list=[s_nssai(one) for one in settings.slices]
    )
    return [
        xnap.TAISupportItem(tac=tac.to_bytes(3, "big"), broadcast_plmns=[plmn])
        for tac in dict.fromkeys(cell.tac for cell in cells)
    ]


def served(cell: CellId) -> xnap.ServedCellInformationNR:
    """§9.2.2.11: a TDD cell of 20 MHz in band 78, with nothing but its SSB."""
    frequency = xnap.NRFrequencyInfo(
        nr_arfcn=cell.arfcn, frequency_band_list=[xnap.NRFrequencyBandItem(nr_frequency_band=78)]
    )
    mode = xnap.NRModeInfoTDD(
        nr_frequency_info=frequency,
        nr_transmisson_bandwidth=xnap.NRTransmissionBandwidth(nrscs="scs30", nrnrb="nrb51"),
    )
    return xnap.ServedCellInformationNR(
        nr_pci=cell.pci,
        cell_id=nr_cgi(cell),
        tac=cell.tac.to_bytes(3, "big"),
        broadcast_plmn=[cell.gnb.plmn.octets],
        nr_mode_info=("tdd", mode),
        measurement_timing_configuration=_NO_TIMING,
        connectivity_support=xnap.ConnectivitySupport(endc_support="not-supported"),
    )


def cell_of(gnb: GnbId, served: xnap.ServedCellInformationNR) -> CellId:
    """Unreadable: the cell is of another gNB than says so."""
    nci = served.cell_id.nr_ci
    if nci >> 36 - gnb.bits != gnb.value or served.cell_id.plmn_id != gnb.plmn.octets:
        raise Unreadable(f"cell {nci:09x} is none of gNB {gnb}")
    mode = served.nr_mode_info
    frequency = mode[1].nr_frequency_info if mode[0] == "tdd" else mode[1].dl_nr_frequency_info
    return CellId(gnb, nci, int.from_bytes(served.tac, "big"), served.nr_pci, frequency.nr_arfcn)


# tunnels


def tunnel(ends: TransportAddress, teid: int) -> xnap.UPTransportLayerInformation:
    return "gtpTunnel", xnap.GTPtunnelTransportLayerInformation(
        tnl_address=ends.bits, gtp_teid=teid.to_bytes(4, "big")
    )


def tunnel_end(information: xnap.UPTransportLayerInformation) -> TunnelEnd:
    """Unreadable: of no version of IP (TS 38.424 §5), or with the TEID of signalling."""
    told = information[1]
    teid = int.from_bytes(told.gtp_teid, "big")
    if not teid:
        raise Unreadable("found TEID 0, which is for signalling")
    try:
        return TunnelEnd(TransportAddress.from_bits(*told.tnl_address), teid)
    except ValueError as error:
        raise Unreadable(str(error)) from None
