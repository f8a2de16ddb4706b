"""TS 23.003 identities: what is refused, and octets there and back."""

from __future__ import annotations

from itertools import pairwise

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from cinq.nf.amf.n2.elements import s_nssai_of
from cinq.numbering import (
    AmfId,
    GnbId,
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
from cinq.operator_identifier import network_identifier
from cinq.sbi.models import Snssai
from cinq.wire import ngap
from cinq.wire.nas.ie.slices import s_nssai_value

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


slices = st.builds(SNssai, st.integers(0, 255), st.none() | st.integers(0, 0xFFFFFF))


@given(st.integers(0, 255))
@settings(derandomize=True, max_examples=20)
def test_sd_ffffff_is_no_sd(sst: int) -> None:
    """TS 23.003 §28.4.2, by whatever way the slice comes in."""
    forms = [
        SNssai(sst),
        SNssai(sst, 0xFFFFFF),
        SNssai.parse(f"{sst}-ffffff"),
        SNssai.parse(f"{sst}-FFFFFF"),
        Snssai(sst=sst, sd="FFFFFF").numbering(),
        s_nssai_value(bytes((sst, 255, 255, 255))),
        s_nssai_of(ngap.SNSSAI(sst=bytes((sst,)), sd=b"\xff\xff\xff")),
        msgspec.json.decode(b'{"sst": %d, "sd": 16777215}' % sst, type=SNssai),
    ]
    assert {form.sd for form in forms} == {None}
    assert len(set(forms)) == 1
    assert {str(form) for form in forms} == {str(sst)}


@given(st.lists(slices, max_size=9))
@settings(derandomize=True, max_examples=200)
def test_slices_have_one_order(found: list[SNssai]) -> None:
    """A missing SD is never compared with a number: it comes first."""
    once = sorted(found)
    for left, right in pairwise(once):
        assert left <= right
        assert right >= left
        assert (left < right, right > left) == (left != right,) * 2
    assert [s.sd for s in once if s.sst == 1 and s.sd is None] == [None] * once.count(SNssai(1))


@given(slices)
@settings(derandomize=True, max_examples=50)
def test_slice_as_text(s_nssai: SNssai) -> None:
    assert SNssai.parse(str(s_nssai)) == s_nssai


@given(plmns, st.integers(22, 32), st.data())
@settings(derandomize=True, max_examples=100)
def test_gnb_identity(plmn: PlmnId, bits: int, data: st.DataObject) -> None:
    """A bit string is its value and its length, in text and in equality."""
    gnb = GnbId(plmn, data.draw(st.integers(0, (1 << bits) - 1)), bits)
    assert GnbId.parse(str(gnb)) == gnb
    assert GnbId.parse(gnb.short, plmn) == gnb
    longer = GnbId(plmn, gnb.value, bits + 1) if bits < 32 else GnbId(plmn, 0, 22)
    assert longer != gnb
    assert str(longer) != str(gnb)
    cell = gnb.value << 36 - bits | data.draw(st.integers(0, (1 << 36 - bits) - 1))
    assert gnb.holds(cell)
    assert not gnb.holds(cell ^ 1 << 35)


def test_gnb_identity_as_text() -> None:
    plmn = PlmnId("999", "70")
    assert str(GnbId(plmn, 411, 22)) == "999-70-411/22"
    assert GnbId.parse("411/24", plmn).short == "411/24"
    assert GnbId.parse("99970-411/22") == GnbId(plmn, 411, 22)


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
        lambda: GnbId(PlmnId("999", "70"), 1, 21),
        lambda: GnbId(PlmnId("999", "70"), 1, 33),
        lambda: GnbId(PlmnId("999", "70"), 1 << 22, 22),
        lambda: GnbId.parse("411/22"),
        lambda: GnbId.parse("999-70-411"),
        lambda: GnbId.parse("999-70-x/22"),
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


@pytest.mark.parametrize(
    ("text", "plmns", "wanted"),
    [
        ("internet", None, "internet"),
        ("Internet.MNC070.MCC999.gprs", None, "internet"),
        ("internet.mnc070.mcc999.gprs", [PlmnId("999", "70")], "internet"),
        ("internet.mnc070.mcc999.gprs", [PlmnId("999", "07")], "internet.mnc070.mcc999.gprs"),
        ("a.b.mnc070.mcc999.gprs", [PlmnId("001", "01"), PlmnId("999", "070")], "a.b"),
        ("mnc070.mcc999.gprs", None, "mnc070.mcc999.gprs"),
    ],
)
def test_a_dnn_without_its_operator_identifier(text: str, plmns: list[PlmnId] | None, wanted: str) -> None:
    assert network_identifier(text, plmns) == wanted
