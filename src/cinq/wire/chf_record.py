"""CHFRecord of TS 32.298 §5.2.5.2: the rows that a record of a PDU session has, and files of records (TS 32.297)."""

from __future__ import annotations

from collections.abc import Iterator

from cinq.wire import ber
from cinq.wire.ber import Ascii, Choice, Enumerated, Listed, Octets, Part, Record, Text, Value, Whole

FULL_AUTHORITY = 200
"""chargingFunctionRecord: a RecordType, and the tag of the record."""
IP_BINARY_ADDRESS = Choice(
    (Part("iPBinV4Address", 0, Octets), Part("iPBinV6Address", 1, Octets), Part("iPTextV4Address", 2, Ascii))
)
TRIGGERS = Listed(Choice((Part("sMFTrigger", 0, Whole),)))
SUBSCRIPTION_ID = Record(
    (
        Part("subscriptionIDType", 0, Enumerated, optional=False),
        Part("subscriptionIDData", 1, Text, optional=False),
    ),
    ber.SET,
)
NETWORK_FUNCTION = Record(
    (
        Part("networkFunctionality", 0, Enumerated, optional=False),
        Part("networkFunctionName", 1, Ascii),
        Part("networkFunctionPLMNIdentifier", 3, Octets),
    )
)
USED_UNIT_CONTAINER = Record(
    (
        Part("time", 1, Whole),
        Part("triggers", 2, TRIGGERS),
        Part("triggerTimeStamp", 3, Octets),
        Part("dataTotalVolume", 4, Whole),
        Part("dataVolumeUplink", 5, Whole),
        Part("dataVolumeDownlink", 6, Whole),
        Part("serviceSpecificUnits", 7, Whole),
        Part("localSequenceNumber", 9, Whole),
    )
)
MULTIPLE_UNIT_USAGE = Record(
    (
        Part("ratingGroup", 0, Whole, optional=False),
        Part("usedUnitContainers", 1, Listed(USED_UNIT_CONTAINER)),
    )
)
SINGLE_NSSAI = Record((Part("sST", 0, Whole, optional=False), Part("sD", 1, Octets)))
PDU_ADDRESS = Record(
    (
        Part("pDUIPv4Address", 0, IP_BINARY_ADDRESS),
        Part("pDUIPv6AddresswithPrefix", 1, IP_BINARY_ADDRESS),
    )
)
PDU_SESSION = Record(
    (
        Part("pDUSessionChargingID", 0, Whole, optional=False),
        Part("pDUSessionId", 6, Whole, optional=False),
        Part("networkSliceInstanceID", 7, SINGLE_NSSAI),
        Part("pDUType", 8, Enumerated),
        Part("sUPIPLMNIdentifier", 10, Octets),
        Part("dataNetworkNameIdentifier", 13, Ascii),
        Part("pDUAddress", 14, PDU_ADDRESS),
        Part("pDUSessionstartTime", 17, Octets),
        Part("pDUSessionstopTime", 18, Octets),
        Part("servingCNPLMNID", 27, Octets),
        Part("homeProvidedChargingID", 30, Whole),
    ),
    ber.SET,
)
CHARGING_RECORD = Record(
    (
        Part("recordType", 0, Whole, optional=False),
        Part("recordingNetworkFunctionID", 1, Ascii, optional=False),
        Part("subscriberIdentifier", 2, SUBSCRIPTION_ID),
        Part("nFunctionConsumerInformation", 3, NETWORK_FUNCTION, optional=False),
        Part("triggers", 4, TRIGGERS),
        Part("listOfMultipleUnitUsage", 5, Listed(MULTIPLE_UNIT_USAGE)),
        Part("recordOpeningTime", 6, Octets, optional=False),
        Part("duration", 7, Whole, optional=False),
        Part("recordSequenceNumber", 8, Whole),
        Part("causeForRecClosing", 9, Whole, optional=False),
        Part("localRecordSequenceNumber", 11, Whole),
        Part("pDUSessionChargingInformation", 13, PDU_SESSION),
        Part("chargingSessionIdentifier", 16, Octets),
    ),
    ber.SET,
)
CHF_RECORD = Choice((Part("chargingFunctionRecord", FULL_AUTHORITY, CHARGING_RECORD),))


def encode(record: dict[str, Value]) -> bytes:
    """WireError: it is no record."""
    return ber.encode(CHF_RECORD, {"chargingFunctionRecord": record})


def decode(octets: bytes) -> tuple[dict[str, Value], int]:
    """The record, and where it ends. WireError."""
    value, end = ber.decode(CHF_RECORD, octets)
    assert isinstance(value, dict)
    record = value["chargingFunctionRecord"]
    assert isinstance(record, dict)
    return record, end


def records_of(octets: bytes) -> Iterator[dict[str, Value]]:
    """Of records one after the other. WireError."""
    while octets:
        record, end = decode(octets)
        yield record
        octets = octets[end:]
