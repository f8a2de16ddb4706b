"""No message shows a key when it is printed, nor does the error about one that has no encoding."""

from __future__ import annotations

import pytest

from cinq.wire import nas, ngap, xnap
from cinq.wire.per.base import Sequence

KEY = int.from_bytes(bytes(range(0xA0, 0xC0)), "big")
FORMS = (str(KEY), f"{KEY:x}", repr(KEY.to_bytes(32, "big"))[2:-1])


def test_which_attributes_of_ngap_are_keys() -> None:
    kinds = [kind for kind in vars(ngap).values() if isinstance(kind, type) and issubclass(kind, Sequence)]
    found = {(kind.__name__, name) for kind in kinds for name in kind.SECRETS}
    assert found == {
        ("InitialContextSetupRequest", "security_key"),
        ("UEContextModificationRequest", "security_key"),
        ("SecurityContext", "next_hop_nh"),
    }
    for kind in kinds:
        assert {name for name in kind.__slots__ if "key" in name or name.endswith("_nh")} == kind.SECRETS


def test_which_attributes_of_xnap_are_keys() -> None:
    kinds = [kind for kind in vars(xnap).values() if isinstance(kind, type) and issubclass(kind, Sequence)]
    found = {(kind.__name__, name) for kind in kinds for name in kind.SECRETS}
    assert found == {("ASSecurityInformation", "key_ng_ran_star")}
    for kind in kinds:
        assert {name for name in kind.__slots__ if "key" in name} == kind.SECRETS
    assert repr(xnap.ASSecurityInformation(key_ng_ran_star=KEY, ncc=1)) == (
        "ASSecurityInformation(key_ng_ran_star=<hidden>, ncc=1)"
    )


def modification(key: object) -> ngap.UEContextModificationRequest:
    return ngap.UEContextModificationRequest(amf_ue_ngap_id=1, ran_ue_ngap_id=2, security_key=key)  # type: ignore[arg-type]


def test_ngap() -> None:
    message = modification(KEY)
    assert repr(message) == (
        "UEContextModificationRequest(amf_ue_ngap_id=1, ran_ue_ngap_id=2, security_key=<hidden>)"
    )
    decoded = ngap.decode(ngap.encode(message))
    assert decoded == message
    assert decoded != modification(KEY + 1)
    inner = ngap.SecurityContext(next_hop_chaining_count=1, next_hop_nh=KEY)
    assert repr([("x", inner)]) == "[('x', SecurityContext(next_hop_chaining_count=1, next_hop_nh=<hidden>))]"


@pytest.mark.parametrize("key", [KEY << 8, KEY.to_bytes(32, "big"), -KEY], ids=["long", "octets", "negative"])
def test_an_ngap_key_without_encoding(key: object) -> None:
    with pytest.raises(ngap.NgapError, match=r"256 bits|TypeError") as caught:
        ngap.encode(modification(key))
    assert not any(form in str(caught.value) for form in (str(key), *FORMS))


def test_nas() -> None:
    key = KEY.to_bytes(34, "big")
    message = nas.AuthenticationResult(
        ng_ksi=nas.NgKsi(1), eap_message=b"\3\1\0\4", aun3_device_security_key=key
    )
    assert "aun3_device_security_key=<hidden>" in repr(message)
    assert nas.decode(nas.encode(message)) == message
    wrong = nas.RelayKeyAccept(prti=1, relay_key_response_parameters=key, eap_message=b"")
    with pytest.raises(nas.NasError) as caught:
        nas.encode(wrong)
    for text in (repr(message), repr(wrong), str(caught.value)):
        assert not any(form in text for form in FORMS)
