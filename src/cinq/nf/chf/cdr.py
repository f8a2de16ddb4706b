"""Records as others read them: CHFRecord of TS 32.298 in BER, and its file names (TS 32.297)."""

from __future__ import annotations

from datetime import datetime
from ipaddress import IPv4Address, IPv6Interface

from cinq import numbering
from cinq.nf.chf.account import Container
from cinq.nf.chf.records import Closing, Record
from cinq.sbi.models import PlmnId
from cinq.sbi.services.nchf_convergedcharging import PDUAddress, PDUSessionInformation
from cinq.wire import chf_record
from cinq.wire.ber import Value

IMSI, NAI = 1, 3  # SubscriptionIDType
FUNCTIONS = {"SMF": 1, "AMF": 2, "SMSF": 3}
CLOSINGS: dict[Closing, int] = {
    "normalRelease": 0,
    "partialRecord": 1,
    "abnormalRelease": 4,
    "managementIntervention": 20,
}
TRIGGERS = {
    "QOS_CHANGE": 100,
    "USER_LOCATION_CHANGE": 101,
    "TARIFF_TIME_CHANGE": 105,
    "PLMN_CHANGE": 107,
    "RAT_CHANGE": 108,
    "SESSION_AMBR_CHANGE": 109,
    "QUOTA_THRESHOLD": 401,
    "QUOTA_EXHAUSTED": 404,
    "VALIDITY_TIME": 406,
    "FORCED_REAUTHORISATION": 407,
    "QHT": 502,
    "FINAL": 503,
    "ABNORMAL_RELEASE": 506,
    "MANAGEMENT_INTERVENTION": 501,
}
"""SMFTrigger."""
TYPES = {"IPV4V6": 0, "IPV4": 1, "IPV6": 2, "UNSTRUCTURED": 3, "ETHERNET": 4}
"""PDUSessionType."""


def ber(record: Record) -> bytes:
    """WireError: something in it has no encoding."""
    return chf_record.encode(fields(record))


def fields(record: Record) -> dict[str, Value]:
    """As the rows of CHFRecord have them. What they have no room for (money) stays in the JSON record."""
    about = record.pdu_session_charging_information
    session = None if about is None else about.pdu_session_information
    kind, data = _subscriber(record.subscriber_identifier)
    consumer = record.n_function_consumer_information
    functionality = FUNCTIONS.get(consumer.node_functionality, 0)
    return _present(
        recordType=chf_record.FULL_AUTHORITY,
        recordingNetworkFunctionID=record.recording_network_function_id,
        subscriberIdentifier={"subscriptionIDType": kind, "subscriptionIDData": data},
        nFunctionConsumerInformation=_present(
            networkFunctionality=functionality,
            networkFunctionName=consumer.nf_name,
            networkFunctionPLMNIdentifier=_plmn(consumer.nf_plmn_id),
        ),
        listOfMultipleUnitUsage=[
            {"ratingGroup": group, "usedUnitContainers": [_container(one) for one in containers]}
            for group, containers in _groups(record.used_unit_containers).items()
        ],
        recordOpeningTime=time_stamp(record.record_opening_time),
        duration=record.duration_s,
        recordSequenceNumber=record.record_sequence_number,
        causeForRecClosing=CLOSINGS[record.cause_for_rec_closing],
        pDUSessionChargingInformation=None
        if about is None or session is None
        else _session(session, about.charging_id or record.charging_id, about.home_provided_charging_id),
        chargingSessionIdentifier=record.session.encode(),
    )


def _present(**values: Value | None) -> dict[str, Value]:
    return {name: value for name, value in values.items() if value is not None}


def _groups(containers: tuple[Container, ...]) -> dict[int, list[Container]]:
    made: dict[int, list[Container]] = {}
    for one in containers:
        made.setdefault(one.rating_group, []).append(one)
    return made


def _subscriber(supi: str) -> tuple[int, str]:
    kind, _, data = supi.partition("-")
    return (IMSI, data) if kind == "imsi" else (NAI, data)


def _container(one: Container) -> dict[str, Value]:
    return _present(
        time=one.seconds or None,
        triggers=[{"sMFTrigger": TRIGGERS[why]} for why in one.why if why in TRIGGERS],
        triggerTimeStamp=time_stamp(one.closed),
        dataTotalVolume=one.total,
        dataVolumeUplink=one.uplink,
        dataVolumeDownlink=one.downlink,
        serviceSpecificUnits=one.events or None,
        localSequenceNumber=one.number,
    )


def _session(s: PDUSessionInformation, charging_id: int, home_id: int | None) -> dict[str, Value]:
    slicing, address = s.networking_slicing_info, s.pdu_address
    nssai = None if slicing is None else slicing.s_nssai
    return _present(
        pDUSessionChargingID=charging_id,
        pDUSessionId=s.pdu_session_id,
        networkSliceInstanceID=None
        if nssai is None
        else _present(sST=nssai.sst, sD=bytes.fromhex(nssai.sd) if nssai.sd else None),
        pDUType=None if s.pdu_type is None else TYPES.get(s.pdu_type),
        sUPIPLMNIdentifier=_plmn(s.h_plmn_id),
        dataNetworkNameIdentifier=s.dnn_id,
        pDUAddress=None if address is None else _address(address),
        pDUSessionstartTime=None if s.start_time is None else time_stamp(s.start_time),
        pDUSessionstopTime=None if s.stop_time is None else time_stamp(s.stop_time),
        servingCNPLMNID=_plmn(s.serving_cn_plmn_id),
        homeProvidedChargingID=home_id,
    )


def _address(address: PDUAddress) -> dict[str, Value]:
    """An address that others wrote so that it is none is left out."""
    made: dict[str, Value] = {}
    try:
        if address.pdu_ipv4_address:
            made["pDUIPv4Address"] = {"iPBinV4Address": IPv4Address(address.pdu_ipv4_address).packed}
        if address.pdu_ipv6_address_with_prefix:
            six = IPv6Interface(address.pdu_ipv6_address_with_prefix)
            made["pDUIPv6AddresswithPrefix"] = {"iPBinV6Address": six.ip.packed}
    except ValueError:
        pass
    return made


def _plmn(plmn: PlmnId | None) -> bytes | None:
    try:
        return None if plmn is None else numbering.PlmnId(plmn.mcc, plmn.mnc).octets
    except numbering.NumberingError:
        return None


def time_stamp(at: datetime) -> bytes:
    """TimeStamp of TS 32.298: YYMMDDhhmmssShhmm, digits in BCD and the sign as a character."""
    offset = at.utcoffset()
    minutes = 0 if offset is None else int(offset.total_seconds()) // 60
    sign, (hours, rest) = b"-" if minutes < 0 else b"+", divmod(abs(minutes), 60)
    return bytes.fromhex(f"{at:%y%m%d%H%M%S}") + sign + bytes.fromhex(f"{hours:02}{rest:02}")


def file_name(node: str, number: int, at: datetime, kind: str) -> str:
    """TS 32.297: who made it, its running number of four digits, when."""
    return f"{node}_-_{number % 10_000:04}.{at:%Y%m%d_-_%H%M}{at:%z}.{kind}"
