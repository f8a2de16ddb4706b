"""The RRC containers of a handover, against pycrate's reading of TS 38.331."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from cinq.ran.radio import rrc


@pytest.mark.parametrize(
    ("c_rnti", "ncc", "nas"), [(1, 0, b""), (0xFFFF, 7, b""), (0x1234, 5, b"\xaa" * 8), (2, 3, bytes(100))]
)
def test_handover_command(c_rnti: int, ncc: int, nas: bytes) -> None:
    asn1 = pytest.importorskip("pycrate_asn1dir.RRCNR")
    command = rrc.HandoverCommand(c_rnti, ncc, nas)
    outer = asn1.NR_InterNodeDefinitions.HandoverCommand
    octets = rrc.encode(command)
    outer.from_uper(octets)
    (_, (_, ies)) = outer.get_val()["criticalExtensions"]
    found = ies["handoverCommandMessage"]
    if isinstance(found, bytes):
        inner = asn1.NR_RRC_Definitions.DL_DCCH_Message
        inner.from_uper(found)
        message = inner.get_val()["message"]
    else:
        message = found[1]["message"]
    reconfiguration = message[1][1]["criticalExtensions"][1]["nonCriticalExtension"]
    update = reconfiguration["masterKeyUpdate"]
    assert update["nextHopChainingCount"] == ncc
    assert update.get("nas-Container", b"") == nas
    group = reconfiguration["masterCellGroup"]
    if isinstance(group, tuple):
        assert group[1]["spCellConfig"]["reconfigurationWithSync"]["newUE-Identity"] == c_rnti
    assert rrc.decode(octets) == command


@settings(max_examples=200, derandomize=True, deadline=None)
@given(st.integers(0, 0xFFFF), st.integers(0, 7), st.binary(max_size=100))
def test_round_trip(c_rnti: int, ncc: int, nas: bytes) -> None:
    command = rrc.HandoverCommand(c_rnti, ncc, nas)
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
