"""The RRC containers of a handover, against pycrate's reading of TS 38.331."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from cinq.ran.radio import rrc


@pytest.mark.parametrize("new_key", [False, True])
@pytest.mark.parametrize(
    ("c_rnti", "ncc", "nas"), [(1, 0, b""), (0xFFFF, 7, b""), (0x1234, 5, b"\xaa" * 8), (2, 3, bytes(100))]
)
def test_handover_command(c_rnti: int, ncc: int, nas: bytes, new_key: bool) -> None:
    asn1 = pytest.importorskip("pycrate_asn1dir.RRCNR")
    update = {"keySetChangeIndicator": new_key, "nextHopChainingCount": ncc}
    if nas:
        update["nas-Container"] = nas
    sync = {"newUE-Identity": c_rnti, "t304": "ms1000"}
    group = {"cellGroupId": 0, "spCellConfig": {"reconfigurationWithSync": sync}}
    late = {"masterCellGroup": ("CellGroupConfig", group), "masterKeyUpdate": update}
    extensions = ("rrcReconfiguration", {"nonCriticalExtension": late})
    reconfiguration = {"rrc-TransactionIdentifier": 0, "criticalExtensions": extensions}
    message = asn1.NR_RRC_Definitions.DL_DCCH_Message
    message.set_val({"message": ("c1", ("rrcReconfiguration", reconfiguration))})
    outer = asn1.NR_InterNodeDefinitions.HandoverCommand
    inner = {"handoverCommandMessage": message.to_uper()}
    outer.set_val({"criticalExtensions": ("c1", ("handoverCommand", inner))})
    command = rrc.HandoverCommand(c_rnti, ncc, nas, new_key)
    assert rrc.encode(command) == outer.to_uper()
    assert rrc.decode(outer.to_uper()) == command


def test_handover_preparation_information() -> None:
    asn1 = pytest.importorskip("pycrate_asn1dir.RRCNR")
    information = asn1.NR_InterNodeDefinitions.HandoverPreparationInformation
    ies = {"ue-CapabilityRAT-List": []}
    information.set_val({"criticalExtensions": ("c1", ("handoverPreparationInformation", ies))})
    assert information.to_uper() == rrc.HANDOVER_PREPARATION_INFORMATION


@settings(max_examples=200, derandomize=True, deadline=None)
@given(st.integers(0, 0xFFFF), st.integers(0, 7), st.binary(max_size=100), st.booleans())
def test_round_trip(c_rnti: int, ncc: int, nas: bytes, new_key: bool) -> None:
    command = rrc.HandoverCommand(c_rnti, ncc, nas, new_key)
    assert rrc.decode(rrc.encode(command)) == command


@settings(max_examples=300, derandomize=True, deadline=None)
@given(st.binary(max_size=40))
def test_any_octets(octets: bytes) -> None:
    try:
        rrc.decode(octets)
    except rrc.RrcError:
        pass


def test_too_long() -> None:
    with pytest.raises(ValueError, match="at most 100"):
        rrc.encode(rrc.HandoverCommand(1, 1, bytes(101)))
