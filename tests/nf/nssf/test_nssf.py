"""NSSF: allowed, rejected and configured NSSAI of TS 23.501 §5.15.5.2.1."""

from __future__ import annotations

import asyncio

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cinq.nf.nssf import NSSF, Settings, selection
from cinq.numbering import SNssai
from cinq.sbi import Problem
from cinq.sbi.models import PlmnId, Snssai, Tai
from cinq.sbi.services.nnssf_nssaiavailability import NssaiAvailabilityInfo, SupportedNssaiAvailabilityData
from cinq.sbi.services.nnssf_nsselection import SliceInfoForRegistration, SubscribedSnssai


def select(
    served: list[int], subscribed: dict[int, bool], requested: list[int]
) -> tuple[list[int], list[int]]:
    nssf = NSSF(Settings(tuple(SNssai(s) for s in served)), "nssf")
    info = SliceInfoForRegistration(
        subscribed_nssai=[
            SubscribedSnssai(subscribed_snssai=Snssai(sst=s), default_indication=d)
            for s, d in subscribed.items()
        ],
        requested_nssai=[Snssai(sst=s) for s in requested],
    )
    answer = asyncio.run(nssf.get("AMF", "amf", info, None))
    allowed = [a.allowed_snssai.sst for a in answer.allowed_nssai_list[0].allowed_snssai_list]
    return allowed, [s.sst for s in answer.rejected_nssai_in_plmn]


def test_what_is_requested_subscribed_and_served_is_allowed() -> None:
    assert select([1, 2], {1: True, 2: False}, [2]) == ([2], [])


def test_what_is_not_subscribed_is_rejected() -> None:
    assert select([1, 2, 3], {1: True, 2: False}, [2, 3]) == ([2], [3])


def test_without_a_usable_request_the_default_is_allowed() -> None:
    assert select([1, 2], {1: True, 2: False}, []) == ([1], [])
    assert select([1, 2, 3], {1: True, 2: False}, [3]) == ([1], [3])


@pytest.mark.parametrize(
    ("served", "subscribed", "requested", "text", "mend"),
    [
        (
            [9],
            {1: True},
            [7],
            "asks for SST 7; it has subscribed to SST 1; this network serves SST 9",
            "[network]",
        ),
        (
            [1, 7],
            {},
            [7],
            "asks for SST 7; it has subscribed to no slice; this network serves",
            "--slices '7'",
        ),
        ([1], {1: False}, [7], "none of those served is a default of it", "--default-slices"),
        ([1], {}, [], "asks for no slice in particular; it has subscribed to no slice", "--slices 1"),
    ],
)
def test_nothing_usable_is_refused_with_the_reason(
    served: list[int], subscribed: dict[int, bool], requested: list[int], text: str, mend: str
) -> None:
    """DEV-031: neither a served default slice nor a requested one."""
    with pytest.raises(Problem) as caught:
        select(served, subscribed, requested)
    assert (caught.value.status, caught.value.cause) == (403, "SNSSAI_NOT_SUPPORTED")
    assert text in caught.value.why
    assert mend in caught.value.why.mend


def test_a_slice_with_sd_is_not_the_one_without() -> None:
    with_sd = SNssai(1, 1)
    found = selection.select(
        {SNssai(1)}, {SNssai(1)}, {SNssai(1): True, with_sd: False}, [with_sd, SNssai(1)]
    )
    assert (found.allowed, found.rejected_in_plmn) == ((SNssai(1),), (with_sd,))
    found = selection.select({SNssai(1)}, {SNssai(1)}, {with_sd: True}, [with_sd])
    assert found.why == (
        "the UE asks for SST 1 SD 000001; it has subscribed to SST 1 SD 000001; this network serves SST 1"
    )
    assert found.why.mend == '[network] slices = ["1-000001", ...]'


def test_slices_of_a_tracking_area() -> None:
    """Nnssf_NSSAIAvailability: until an AMF has said something, all is everywhere."""
    nssf = NSSF(Settings((SNssai(1), SNssai(2), SNssai(3))), "nssf")
    here, there = (Tai(plmn_id=PlmnId(mcc="999", mnc="70"), tac=f"{tac:06x}") for tac in (1, 2))
    info = SliceInfoForRegistration(
        subscribed_nssai=[
            SubscribedSnssai(subscribed_snssai=Snssai(sst=s), default_indication=s == 1) for s in (1, 2, 3)
        ],
        requested_nssai=[Snssai(sst=2), Snssai(sst=3), Snssai(sst=4)],
    )

    async def at(tai: Tai | None) -> tuple[list[int], list[int], list[int]]:
        answer = await nssf.get("AMF", "amf", info, tai)
        allowed = [a.allowed_snssai.sst for a in answer.allowed_nssai_list[0].allowed_snssai_list]
        assert [c.configured_snssai.sst for c in answer.configured_nssai] == [1, 2, 3]
        return (
            allowed,
            [s.sst for s in answer.rejected_nssai_in_plmn],
            [s.sst for s in answer.rejected_nssai_in_ta],
        )

    def said(*areas: tuple[Tai, list[int]]) -> NssaiAvailabilityInfo:
        return NssaiAvailabilityInfo(
            supported_nssai_availability_data=[
                SupportedNssaiAvailabilityData(tai=tai, supported_snssai_list=[Snssai(sst=s) for s in slices])
                for tai, slices in areas
            ]
        )

    async def run() -> None:
        assert await at(here) == ([2, 3], [4], [])
        answer = await nssf.update_nssai_availability("amf", said((here, [1, 2, 9]), (there, [9])))
        granted = answer.authorized_nssai_availability_data
        assert [[s.sst for s in each.supported_snssai_list] for each in granted] == [[1, 2], []]
        assert await at(here) == ([2], [4], [3])
        assert await at(None) == ([2, 3], [4], [])
        with pytest.raises(Problem) as caught:
            await at(there)
        assert "and in this tracking area no slice" in caught.value.why
        await nssf.update_nssai_availability("amf-2", said((there, [1])))
        assert await at(there) == ([1], [4], [2, 3])
        await nssf.delete_nssai_availability("amf")
        assert await at(here) == ([2, 3], [4], [])
        with pytest.raises(Problem, match="has said nothing"):
            await nssf.delete_nssai_availability("amf")

    asyncio.run(run())


slices = st.builds(SNssai, st.integers(1, 3), st.sampled_from((None, 1, 2)))


@given(
    st.sets(slices), st.sets(slices), st.dictionaries(slices, st.booleans()), st.lists(slices, max_size=12)
)
def test_every_requested_slice_has_one_answer(
    served: set[SNssai], here: set[SNssai], subscribed: dict[SNssai, bool], requested: list[SNssai]
) -> None:
    found = selection.select(served, served & here, subscribed, requested)
    rejected = found.rejected_in_plmn + found.rejected_in_ta
    assert set(requested) <= set(found.allowed) | set(rejected)
    assert not set(found.allowed) & set(rejected)
    assert all(s in served and s in here and s in subscribed for s in found.allowed)
    assert all(s in served and s in subscribed for s in found.configured)
    assert (found.why is None) == bool(found.allowed)
    if found.why is not None:
        assert found.why.mend
