"""UE policy delivery service, TS 24.501 annex D."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from cinq.numbering import PlmnId
from cinq.wire import nas
from cinq.wire.nas import policy

from .atoms import flags, octet, plmn

PLMN = PlmnId("999", "70")
upsc = st.integers(0, 65535)
part = st.builds(policy.PolicyPart, st.integers(0, 15), st.binary(max_size=12))
instruction = st.builds(policy.Instruction, upsc, st.lists(part, max_size=3).map(tuple))
sublist = st.builds(policy.PolicySublist, plmn, st.lists(instruction, min_size=1, max_size=3).map(tuple))
result = st.builds(policy.PolicyResult, upsc, upsc, octet)
subresult = st.builds(policy.PolicySubresult, plmn, st.lists(result, min_size=1, max_size=3).map(tuple))
upsis = st.builds(policy.UpsiSublist, plmn, st.lists(upsc, min_size=1, max_size=4).map(tuple))
os_ids = st.lists(st.binary(min_size=16, max_size=16), min_size=1, max_size=3)
message = st.one_of(
    st.builds(
        policy.ManageUEPolicyCommand,
        pti=octet,
        section_management_list=st.lists(sublist, min_size=1, max_size=3),
        network_classmark=st.none() | flags,
    ),
    st.builds(policy.ManageUEPolicyComplete, pti=octet),
    st.builds(
        policy.ManageUEPolicyCommandReject,
        pti=octet,
        section_management_result=st.lists(subresult, min_size=1, max_size=3),
    ),
    st.builds(
        policy.UEStateIndication,
        pti=octet,
        upsi_list=st.lists(upsis, min_size=1, max_size=3),
        classmark=flags,
        os_ids=st.none() | os_ids,
    ),
)


@settings(max_examples=200, derandomize=True, deadline=None, database=None)
@given(message)
def test_there_and_back(sent: policy.PolicyMessage) -> None:
    octets = policy.encode(sent)
    again = policy.decode(octets)
    assert again == sent
    assert policy.encode(again) == octets
    assert nas.plain(again)["message"] == type(sent).__name__


def test_by_hand() -> None:
    """A command with one URSP part for UPSC 1 of PLMN 999-70, and the UE's reject of it."""
    command = policy.decode(bytes.fromhex("8001 000e 000c 99f907 0007 0001 0003 01 aabb"))
    assert command == policy.ManageUEPolicyCommand(
        pti=0x80,
        section_management_list=[
            policy.PolicySublist(
                PLMN, (policy.Instruction(1, (policy.PolicyPart(policy.PolicyPartType.URSP, b"\xaa\xbb"),)),)
            )
        ],
    )
    reject = policy.decode(bytes.fromhex("8003 0009 01 99f907 0001 0001 6f"))
    assert reject == policy.ManageUEPolicyCommandReject(
        pti=0x80,
        section_management_result=[policy.PolicySubresult(PLMN, (policy.PolicyResult(1, 1),))],
    )
    assert policy.encode(policy.ManageUEPolicyComplete(pti=0x80)).hex() == "8002"


@pytest.mark.parametrize(
    "octets", ["", "80", "8000", "8009", "8001", "8001000e000c99f907", "80030009ff99f907000100016f", "800400"]
)
def test_what_is_wrong_is_ignored(octets: str) -> None:
    """§D.8: no answer, whatever is wrong."""
    with pytest.raises(nas.NasError) as caught:
        policy.decode(bytes.fromhex(octets))
    assert caught.value.cause is None


@settings(max_examples=1000, derandomize=True, deadline=None, database=None)
@given(st.binary(min_size=2, max_size=60))
def test_arbitrary_octets(octets: bytes) -> None:
    try:
        found = policy.decode(octets)
    except nas.NasError:
        return
    assert policy.decode(policy.encode(found)) == found
