"""PDU session types, every combination of what is asked for, subscribed and served, against what TS 24.501 says."""

from __future__ import annotations

from itertools import combinations

import pytest

from cinq.nf.smf.rejects import Denied
from cinq.nf.smf.session_types import selected_type
from cinq.nf.smf.settings import DataNetwork
from cinq.sbi.services.nudm_sdm import DnnConfiguration, PduSessionTypes, SscModes
from cinq.wire import nas
from tests.network.through import POOL6

TYPES = ("IPV4", "IPV6", "IPV4V6", "UNSTRUCTURED", "ETHERNET")
SUBSCRIBED = [list(some) for size in range(1, len(TYPES) + 1) for some in combinations(TYPES, size)]


def outcome(asked: int | None, subscribed: list[str], *, ipv6: bool, ethernet: bool) -> str | int:
    """The type that a UE gets, or the cause."""
    network = DataNetwork(ipv6_pool=POOL6 if ipv6 else None, ethernet=ethernet)
    types = PduSessionTypes(default_session_type=subscribed[0], allowed_session_types=[*subscribed])  # type: ignore[arg-type, list-item]
    request = nas.PDUSessionEstablishmentRequest(
        pdu_session_id=1,
        pti=1,
        pdu_session_type=asked,
        integrity_protection_maximum_data_rate=nas.IntegrityProtectionMaximumDataRate(0xFF, 0xFF),
    )
    configuration = DnnConfiguration(
        pdu_session_types=types, ssc_modes=SscModes(default_ssc_mode="SSC_MODE_1")
    )
    try:
        return selected_type("imsi-1", request, network, configuration)
    except Denied as denied:
        return int(denied.cause)


def clause(asked: int | None, subscribed: list[str], *, ipv6: bool, ethernet: bool) -> str | int:
    """§6.4.1.3 and §6.4.1.4.1, sentence by sentence."""
    if asked is None:  # the default of the subscription
        asked = {"IPV4": 1, "IPV6": 2, "IPV4V6": 3, "UNSTRUCTURED": 4, "ETHERNET": 5}[subscribed[0]]
    either = "IPV4V6" in subscribed
    four, six = either or "IPV4" in subscribed, (either or "IPV6" in subscribed) and ipv6
    if asked in (0, 3, 6):
        return "IPV4V6" if four and six else "IPV4" if four else "IPV6" if six else 28
    if asked == 1:
        limited = subscribed == ["IPV6"] or (six and not four)
        return "IPV4" if four else 51 if limited else 28
    if asked == 2:
        limited = subscribed == ["IPV4"] or (four and not six)
        return "IPV6" if six else 50 if limited else 28
    if asked == 5:
        return "ETHERNET" if ethernet and "ETHERNET" in subscribed else 28
    return 28


@pytest.mark.parametrize("asked", [None, *range(8)])
def test_every_combination(asked: int | None) -> None:
    for subscribed in SUBSCRIBED:
        for ipv6 in (False, True):
            for ethernet in (False, True):
                there = {"ipv6": ipv6, "ethernet": ethernet}
                found, wanted = outcome(asked, subscribed, **there), clause(asked, subscribed, **there)
                assert found == wanted, (asked, subscribed, there)
