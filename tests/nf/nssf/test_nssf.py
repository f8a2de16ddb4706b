"""NSSF: allowed, rejected and configured NSSAI of TS 23.501 §5.15.5.2.1."""

from __future__ import annotations

import asyncio

import pytest

from cinq.nf.nssf import NSSF, Settings
from cinq.numbering import SNssai
from cinq.sbi import Problem
from cinq.sbi.models import Snssai
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


@pytest.mark.parametrize(("served", "subscribed"), [([9], {1: True}), ([1], {}), ([1], {1: False})])
def test_nothing_usable_is_refused_with_the_reason(served: list[int], subscribed: dict[int, bool]) -> None:
    """DEV-031: neither a served default slice nor a requested one."""
    with pytest.raises(Problem, match="SNSSAI_NOT_SUPPORTED: UE asked for 7; subscribed"):
        select(served, subscribed, [7])
