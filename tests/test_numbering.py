"""TS 23.003 identities: what is refused, and octets there and back."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from cinq.numbering import (
    AmfId,
    Guti,
    Imei,
    NumberingError,
    PlmnId,
    SNssai,
    STmsi,
    Suci,
    SuciNai,
    Supi,
    Tai,
    dnn,
    msin_digits,
    msin_octets,
)

digits = st.text("0123456789", min_size=1, max_size=10)
plmns = st.builds(
    PlmnId,
    st.text("0123456789", min_size=3, max_size=3),
    st.text("0123456789", min_size=2, max_size=3),
)


@given(plmns, st.integers(0, (1 << 24) - 1), st.integers(0, (1 << 32) - 1))
@settings(derandomize=True, max_examples=50)
def test_octets_there_and_back(plmn: PlmnId, small: int, large: int) -> None:
    assert PlmnId.from_octets(plmn.octets) == plmn
    assert Tai.from_octets(Tai(plmn, small).octets) == Tai(plmn, small)
    guti = Guti(plmn, AmfId.from_octets(small.to_bytes(3, "big")), large)
    assert Guti.from_octets(guti.octets) == guti
    assert STmsi.from_octets(guti.s_tmsi.octets) == guti.s_tmsi


def test_the_octets_are_those_of_the_specification() -> None:
    assert PlmnId("999", "70").octets.hex() == "99f907"
    assert PlmnId("310", "410").octets.hex() == "130014"
    assert AmfId(2, 1, 3).octets.hex() == "020043"


@given(digits)
@settings(derandomize=True, max_examples=50)
def test_msin(text: str) -> None:
    assert msin_digits(msin_octets(text)) == text


@given(plmns, st.integers(0, 2), st.binary(min_size=1, max_size=60))
@settings(derandomize=True, max_examples=50)
def test_suci_as_text(plmn: PlmnId, scheme: int, output: bytes) -> None:
    octets = msin_octets("0000000001") if scheme == 0 else output
    suci = Suci(plmn, "12", scheme, 7, octets)
    assert Suci.parse(str(suci)) == suci


KEY, TAG = "00" * 32, "ab" * 8


@pytest.mark.parametrize(
    ("nai", "text"),
    [
        ("type1.rid678.schid0.useriduser17@example.com", "suci-1-example.com-678-0-0-user17"),
        ("type1.rid678.schid0.useridanonymous@example.com", "suci-1-example.com-678-0-0-anonymous"),
        (
            f"type1.rid6.schid1.hnkey27.ecckey{KEY}.cipc0de.mac{TAG}@a-1.org",
            f"suci-1-a-1.org-6-1-27-{KEY}c0de{TAG}",
        ),
        (
            f"type1.rid6.schid2.hnkey27.ecckey02{KEY}.cipc0.mac{TAG}@a.org",
            f"suci-1-a.org-6-2-27-02{KEY}c0{TAG}",
        ),
        ("type1.rid678.schidc.hnkey27.outAny-1-thing@example.com", "suci-1-example.com-678-c-27-Any-1-thing"),
    ],
)
def test_suci_as_nai(nai: str, text: str) -> None:
    suci = SuciNai.from_nai(nai)
    assert (suci.nai, str(suci)) == (nai, text)
    assert SuciNai.parse(text) == suci


@pytest.mark.parametrize(
    "make",
    [
        lambda: PlmnId("99", "70"),
        lambda: PlmnId("999", "7"),
        lambda: PlmnId("999", "٧٠"),
        lambda: PlmnId.from_octets(b"\xff\xff\xff"),
        lambda: PlmnId.from_octets(b"\1\2"),
        lambda: Tai(PlmnId("999", "70"), 1 << 24),
        lambda: SNssai(256),
        lambda: SNssai(1, 1 << 24),
        lambda: SNssai.parse("1-ff"),
        lambda: AmfId(256, 0, 0),
        lambda: Guti(PlmnId("999", "70"), AmfId(0, 0, 0), 1 << 32),
        lambda: Supi("12345"),
        lambda: Supi("1" * 16),
        lambda: Supi.parse("imsi-12345x"),
        lambda: Imei("1" * 14),
        lambda: Suci(PlmnId("999", "70"), "12345", 0, 0, b"\x11"),
        lambda: Suci(PlmnId("999", "70"), "1", 0, 0, b""),
        lambda: Suci(PlmnId("999", "70"), "1", 0, 0, b"\x11" * 20),  # DEV-004: a MSIN of 40 digits
        lambda: Suci(PlmnId("999", "70"), "1", 0, 0, b"\xa1"),
        lambda: Suci.parse("suci-0-999-70-0-0-0"),
        lambda: Suci.parse("suci-0-999-70-0-1-1-zz"),
        lambda: SuciNai.parse("suci-0-999-70-0-0-0-1"),
        lambda: SuciNai.parse("suci-4-example.com-0-0-0-user"),
        lambda: SuciNai.parse("suci-1-example.com-0-1-1-00"),
        lambda: SuciNai.parse("suci-1-example.com-0-0-1-user"),
        lambda: SuciNai.parse("suci-1-example.com-0-3-1-user"),
        lambda: SuciNai.from_nai("type0.rid678.schid0.userid0999999999@5gc.mnc015.mcc234.3gppnetwork.org"),
        lambda: SuciNai.from_nai("type1.rid678.schid1.useriduser17@example.com"),
        lambda: SuciNai.from_nai("type1.rid678.schid0.hnkey1.out00@example.com"),
        lambda: SuciNai.from_nai("type1.rid678.schid0.useriduser17@"),
        lambda: SuciNai.from_nai("type1.rid678.schid0.useriduser17@exa mple"),
        lambda: SuciNai.from_nai("type1.rid678.schid0.useriduser\n17@example.com"),
        lambda: SuciNai(1, "example.com", "0", 0, 256, "user"),
        lambda: SuciNai(1, "a" * 254, "0", 0, 0, "user"),
        lambda: dnn(""),
        lambda: dnn("a..b"),
        lambda: dnn("a" * 64),
        lambda: dnn(".".join(["a" * 50] * 2)),
        lambda: dnn("-a"),
    ],
)
def test_what_cannot_be_built(make) -> None:
    with pytest.raises(NumberingError, match=r"found|wanted|not of PLMN"):
        make()


def test_a_supi_is_shortened_for_screens() -> None:
    assert Supi("999700000000001").short == "imsi-99970…001"
    assert "0000000" not in Supi("999700000000001").short
