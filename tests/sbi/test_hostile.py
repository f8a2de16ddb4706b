"""What peers of the SBI may try: bodies that readers take differently, patches that double, names that are places."""

from __future__ import annotations

import asyncio

import pytest

from cinq.sbi import Bus, Problem, checked, direct
from cinq.sbi.body import refuse_duplicates
from cinq.sbi.bus import Transport
from cinq.sbi.callback import notify
from cinq.sbi.json_patch import MOST_COPIED, PatchItem, patched
from cinq.sbi.operation import operations
from cinq.sbi.resource import parted
from cinq.sbi.services.nausf_ueauthentication import NausfUEAuthentication
from cinq.sbi.services.nchf_convergedcharging import NchfConvergedCharging
from cinq.sbi.services.nnrf import NotificationData
from cinq.sbi.services.nudm_sdm import NudmSubscriberDataManagement
from cinq.sbi.services.nudm_ueau import NudmUEAuthentication
from cinq.sbi.services.nudm_uecm import DeregistrationData, NamfUecmCallback

TWICE = b'"a":1,"a":2}'


@pytest.mark.parametrize(
    "before",
    [b"", b'"x":' + b"1" * 5000 + b",", b'"x":"\xff",', b'"x":' + b"[" * 5000 + b"]" * 5000 + b","],
    ids=["plain", "digits", "no UTF-8", "deep"],
)
def test_nothing_hides_a_name_that_is_there_twice(before: bytes) -> None:
    with pytest.raises(Problem, match="400 INVALID_MSG_FORMAT"):
        refuse_duplicates("application/json", b"{" + before + TWICE)


def size(value: object) -> int:
    if isinstance(value, dict):
        return 1 + sum(map(size, value.values()))
    return 1 + sum(map(size, value)) if isinstance(value, list) else 1


def test_a_patch_copies_no_more_than_so_much() -> None:
    document = {"a": [0], "b": [0]}
    doubling = [
        PatchItem(op="copy", from_=f"/{one}", path=f"/{other}/-")
        for _ in range(16)
        for one, other in ("ab", "ba")
    ]
    with pytest.raises(Problem, match="copies of more than"):
        patched(document, doubling)
    assert size(document) < 2 * MOST_COPIED
    with pytest.raises(Problem, match="nothing is left"):
        patched({"a": 1}, [PatchItem(op="remove", path="")])
    copied = patched({"a": {"b": [1, "x"]}}, [PatchItem(op="copy", from_="/a", path="/c")])
    assert copied == {"a": {"b": [1, "x"]}, "c": {"b": [1, "x"]}}


@pytest.mark.parametrize("transport", [direct, checked])
def test_a_callback_says_no_operation_of_another_kind(transport: Transport) -> None:
    """Whoever gives a callback URI chooses where a notification goes, and not what it is."""
    heard: list[object] = []

    class Amf:
        async def deregistration_notify(self, supi: str, body: DeregistrationData) -> None:
            heard.append((supi, body.dereg_reason))

    bus = Bus(transport)
    bus.serve(NamfUecmCallback, Amf(), "1")
    letter = NotificationData(event="NF_REGISTERED", nf_instance_uri="x")
    with pytest.raises(Problem, match="504 TARGET_NF_NOT_REACHABLE"):
        asyncio.run(notify(bus, "NRF", "/namf-callback/v1/dereg/imsi-1", letter))
    assert heard == []


PLACE = "http://elsewhere.example:80/x"


@pytest.mark.parametrize(
    ("service", "attribute", "arguments", "root"),
    [
        (NudmUEAuthentication, "generate_auth_data", (PLACE,), ""),
        (NudmSubscriberDataManagement, "unsubscribe", (PLACE, "7"), ""),
        (NudmSubscriberDataManagement, "unsubscribe", ("imsi-1", PLACE), "http://elsewhere.example:80"),
        (NchfConvergedCharging, "update", (PLACE,), "http://elsewhere.example:80"),
        (NausfUEAuthentication, "confirm_5g_aka", (PLACE,), "http://elsewhere.example:80"),
    ],
)
def test_only_names_of_what_was_made_there_are_places(
    service: type, attribute: str, arguments: tuple[str, ...], root: str
) -> None:
    """A SUPI that looks like a URI sends a request, and the token with it, nowhere."""
    (op,) = (one for one in operations(service) if one.attribute == attribute)
    assert parted(op, arguments)[1] == root
