"""EAP-AKA' followed: keys from the captured challenge, as with 5G AKA."""

from __future__ import annotations

import pytest

from cinq.numbering import Suci, Supi
from cinq.trace import Capture, Keys, Subscriber, ladder_text, steps_of_messages
from cinq.wire import nas

from .bench import OPC, PLMN, RAND, SUPI, Bench, K, attribute, eap_aka_prime

HIDDEN = Suci(PLMN, "0", 1, 1, bytes(45))
SUBSCRIBER = Subscriber(SUPI, K, OPC)


@pytest.mark.parametrize("ciphering", [0, 1, 2, 3])
def test_nas_after_eap_aka_prime_is_deciphered(ciphering: int) -> None:
    bench = Bench(2, ciphering)
    bench.register(HIDDEN, eap=True)
    bench.service_request(2)
    capture = Capture(bench.capture(), Keys((SUBSCRIBER,)))
    found = list(capture)
    assert capture.undecoded == 0
    assert {m.ue for m in found} == {str(SUPI)}
    assert {m.integrity for m in found if m.interface == "n1"} == {"not-protected", "verified"}
    assert found[-1].message == "ServiceRequest"


def test_the_packets_are_shown() -> None:
    bench = Bench()
    bench.register(HIDDEN, eap=True)
    found = list(Capture(bench.capture(), Keys((SUBSCRIBER,))))
    shown = [m.decoded["eap_message"] for m in found if m.decoded and "eap_message" in m.decoded]
    request, response, success = shown
    assert isinstance(request, dict)
    assert request["network_name"] == "5G:mnc001.mcc001.3gppnetwork.org"
    assert request["at_rand"] == "0000" + RAND.hex()
    assert isinstance(response, dict)
    assert response["method"] == "EAP-AKA'"
    assert success == {"code": "success", "identifier": 1}
    text = ladder_text(steps_of_messages(found), 140)
    assert "Authentication Request (EAP-AKA' challenge)" in text
    assert "Authentication Response (EAP-AKA' challenge)" in text


def test_without_the_key_it_stays_ciphered() -> None:
    bench = Bench()
    bench.register(HIDDEN, eap=True)
    capture = Capture(bench.capture(), Keys((Subscriber(SUPI, bytes(16), OPC),)))
    assert {m.fault for m in capture if m.decoded is None} == {"ciphered with NEA2, and no key fits"}
    assert capture.undecoded == 3


@pytest.mark.parametrize("place", [0, 1])
def test_sims_that_share_a_key_are_told_apart(place: int) -> None:
    sims = [Subscriber(Supi("001010000000001"), K, OPC)]
    sims.insert(place, SUBSCRIBER)
    bench = Bench()
    bench.register(HIDDEN, eap=True)
    capture = Capture(bench.capture(), Keys(tuple(sims)))
    found = list(capture)  # the name is learnt late
    assert {m.ue for m in found} == {str(SUPI)}
    assert capture.undecoded == 0


@pytest.mark.parametrize(
    "eap",
    [
        eap_aka_prime(1, 5, attribute(13, bytes(2))),  # AKA'-Identity
        eap_aka_prime(1, 1, attribute(24, b"\0\2")),  # another key derivation function
        eap_aka_prime(1, 1, attribute(24, b"\0\1")),  # no RAND
        b"\1\1\0\5\4",
        b"\1\1\0\x20\x32\1\0\0",
    ],
)
def test_a_challenge_that_gives_no_keys_harms_nothing(eap: bytes) -> None:
    bench = Bench()
    request = nas.AuthenticationRequest(ng_ksi=nas.NgKsi(3), abba=b"\0\0", eap_message=eap)
    bench.down(nas.encode(request))
    bench.register(HIDDEN, eap=True)
    capture = Capture(bench.capture(), Keys((SUBSCRIBER,)))
    assert all(m.decoded for m in capture)
