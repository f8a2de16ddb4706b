"""BER against pycrate, which has the module of TS 32.298 as ASN.1; and against any octets."""

from __future__ import annotations

import tempfile
from datetime import UTC, datetime, timedelta, timezone
from functools import cache
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cinq.nf.chf import cdr
from cinq.wire import ber, chf_record
from cinq.wire.ber import Choice, Listed, Record, Simple, Type, Value
from cinq.wire.error import WireError
from tests.nf.chf.roaming import A, Month


@cache
def oracle() -> Any:  # noqa: ANN401  # pycrate has no types
    """CHFRecord, compiled from the module's text by pycrate."""
    from pycrate_asn1c.asnproc import GLOBAL, PycrateGenerator, compile_text, generate_modules

    compile_text(Path(__file__).with_name("chf_record.asn").read_text())
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder, "chf_record_oracle.py")
        generate_modules(PycrateGenerator, str(path))
        GLOBAL.clear()
        names: dict[str, Any] = {}
        exec(compile(path.read_text(), path.name, "exec"), names)  # what pycrate has made
    return names["CHFChargingDataTypes"].CHFRecord


def values(kind: Type) -> st.SearchStrategy[Value]:
    """Any of a type."""
    if isinstance(kind, Simple):
        return {
            ber.INTEGER: st.integers(0, 2**63),
            ber.ENUMERATED: st.integers(0, 3),
            ber.OCTET_STRING: st.binary(max_size=40),
            ber.UTF8: st.text(st.characters(codec="utf-8"), max_size=40),
            ber.IA5: st.text(st.characters(codec="ascii"), max_size=200),
        }[kind.number]
    if isinstance(kind, Listed):
        return st.lists(values(kind.of), max_size=3)
    if isinstance(kind, Choice):
        return st.one_of([values(part.type).map(lambda v, n=part.name: {n: v}) for part in kind.parts])
    needed = {part.name: values(part.type) for part in kind.parts if not part.optional}
    others = {part.name: values(part.type) for part in kind.parts if part.optional}
    return st.fixed_dictionaries(needed, optional=others)


@given(values(chf_record.CHF_RECORD))
def test_what_is_written_is_read_again(value: Value) -> None:
    octets = ber.encode(chf_record.CHF_RECORD, value)
    assert ber.decode(chf_record.CHF_RECORD, octets + b"more") == (value, len(octets))


@given(st.binary(max_size=200))
def test_any_octets_are_a_record_or_a_wire_error(octets: bytes) -> None:
    try:
        chf_record.decode(octets)
    except WireError:
        return
    chf_record.decode(octets)


@given(values(chf_record.CHF_RECORD), st.data())
def test_a_record_that_was_damaged_is_another_or_a_wire_error(value: Value, data: st.DataObject) -> None:
    octets = bytearray(ber.encode(chf_record.CHF_RECORD, value))
    octets[data.draw(st.integers(0, len(octets) - 1))] = data.draw(st.integers(0, 255))
    try:
        list(chf_record.records_of(bytes(octets)))
    except WireError:
        pass


def test_a_chain_of_tags_without_an_end() -> None:
    deep = b"\xbf\x81\x48"
    with pytest.raises(WireError):
        chf_record.decode(deep + b"\x84\xff\xff\xff\xff")
    nested = b""
    for _ in range(100):
        nested = b"\xa5" + bytes((len(nested),)) + nested if len(nested) < 126 else nested
    with pytest.raises(WireError):
        chf_record.decode(deep + bytes((len(nested),)) + nested)


def test_pycrate_reads_the_records_of_a_month() -> None:
    kind, month = oracle(), Month(40)
    for name in month.names(A):
        record = month.record(A, name)
        kind.from_ber(cdr.ber(record))
        alternative, read = kind.get_val()
        assert alternative == "chargingFunctionRecord"
        assert read["recordType"] == 200
        assert read["subscriberIdentifier"]["subscriptionIDType"] == "eND-USER-IMSI"
        assert f"imsi-{read['subscriberIdentifier']['subscriptionIDData']}" == record.subscriber_identifier
        assert read["duration"] == record.duration_s
        assert read["nFunctionConsumerInformation"]["networkFunctionality"] == "sMF"
        usages = read["listOfMultipleUnitUsage"]
        assert [one["dataTotalVolume"] for usage in usages for one in usage["usedUnitContainers"]] == [
            one.total for one in record.used_unit_containers
        ]
        session = read["pDUSessionChargingInformation"]
        assert session["pDUSessionChargingID"] == record.charging_id
        assert session["pDUType"] == "iPv4"
        assert session["dataNetworkNameIdentifier"] == "internet"


def test_what_pycrate_writes_is_read() -> None:
    kind = oracle()
    value = {
        "recordType": 200,
        "recordingNetworkFunctionID": "chf",
        "nFunctionConsumerInformation": {"networkFunctionality": "sMF", "networkFunctionName": "smf"},
        "recordOpeningTime": bytes.fromhex("2610010203042b0200"),
        "duration": 70_000,
        "causeForRecClosing": 4,
        "pDUSessionChargingInformation": {
            "pDUSessionChargingID": 2**32 - 1,
            "pDUSessionId": 5,
            "networkSliceInstanceID": {"sST": 1, "sD": b"\x00\x00\x01"},
            "pDUAddress": {"pDUIPv4Address": ("iPBinV4Address", bytes((10, 45, 0, 2)))},
            "servingCNPLMNID": b"\x99\xf9\x07",
        },
    }
    kind.set_val(("chargingFunctionRecord", value))
    read, _ = chf_record.decode(kind.to_ber())
    assert read["duration"] == 70_000
    session = read["pDUSessionChargingInformation"]
    assert isinstance(session, dict)
    assert session["pDUAddress"] == {"pDUIPv4Address": {"iPBinV4Address": bytes((10, 45, 0, 2))}}
    assert session["pDUSessionChargingID"] == 2**32 - 1


def test_the_causes_of_closing_are_those_of_the_specification() -> None:
    from pycrate_asn1dir import CDR

    known = CDR.GenericChargingDataTypes.CauseForRecClosing._cont
    for name, number in cdr.CLOSINGS.items():
        assert known[name] == number


@pytest.mark.parametrize(
    ("at", "octets"),
    [
        (datetime(2026, 10, 1, 2, 3, 4, tzinfo=UTC), "2610010203042b0000"),
        (
            datetime(2026, 10, 1, 2, 3, 4, tzinfo=timezone(timedelta(hours=5, minutes=30))),
            "2610010203042b0530",
        ),
        (
            datetime(2026, 10, 1, 2, 3, 4, tzinfo=timezone(-timedelta(hours=3, minutes=30))),
            "2610010203042d0330",
        ),
    ],
)
def test_time_stamps(at: datetime, octets: str) -> None:
    assert cdr.time_stamp(at).hex() == octets


@pytest.mark.parametrize(
    ("kind", "value"),
    [
        (ber.Whole, "text"),
        (ber.Ascii, "é"),
        (Record((ber.Part("a", 0, ber.Whole, optional=False),)), {}),
        (Record((ber.Part("a", 0, ber.Whole),)), {"b": 1}),
        (chf_record.CHF_RECORD, {}),
    ],
)
def test_a_value_without_an_encoding(kind: Type, value: Value) -> None:
    with pytest.raises(WireError):
        ber.encode(kind, value)
