"""Random identities, slices, areas and other small values from which messages are made."""

from __future__ import annotations

from hypothesis import strategies as st

from cinq.numbering import (
    AmfId,
    Guti,
    Imei,
    Imeisv,
    NoIdentity,
    PlmnId,
    SNssai,
    STmsi,
    Suci,
    SuciNai,
    Supi,
    Tai,
)
from cinq.wire import nas

octet = st.integers(0, 255)
half = st.integers(0, 15)
digits = st.text("0123456789", min_size=15, max_size=15)
plmn = st.builds(
    PlmnId, st.text("0123456789", min_size=3, max_size=3), st.from_regex(r"[0-9]{2,3}", fullmatch=True)
)
tac = st.integers(0, 0xFFFFFF)
tai = st.builds(Tai, plmn, tac)
tmsi = st.integers(0, 0xFFFFFFFF)
amf = st.builds(AmfId, octet, st.integers(0, 1023), st.integers(0, 63))
guti = st.builds(Guti, plmn, amf, tmsi)
s_tmsi = st.builds(STmsi, st.integers(0, 1023), st.integers(0, 63), tmsi)
imeisv = digits.map(lambda text: Imeisv(text + "0"))
routing = st.text("0123456789", min_size=1, max_size=4)
suci = st.one_of(
    digits.map(lambda text: Suci.null_scheme(Supi(text), PlmnId(text[:3], text[3:5]))),
    st.builds(Suci, plmn, routing, st.integers(1, 15), octet, st.binary(min_size=1, max_size=60)),
)
supi_type, realm = (
    st.integers(1, 3),
    st.sampled_from(("example.com", "5gc.nid0a.mnc070.mcc999.3gppnetwork.org")),
)
hexadecimal = st.binary(min_size=42, max_size=60).map(bytes.hex)
suci_nai = st.one_of(
    st.builds(
        SuciNai, supi_type, realm, routing, st.just(0), st.just(0), st.sampled_from(("", "user17", "ü-1.x"))
    ),
    st.builds(SuciNai, supi_type, realm, routing, st.integers(1, 2), octet, hexadecimal),
    st.builds(SuciNai, supi_type, realm, routing, st.integers(12, 15), octet, hexadecimal),
)
mobile_identity = st.one_of(guti, s_tmsi, imeisv, digits.map(Imei), suci, suci_nai, st.just(NoIdentity()))
own_nssai = st.builds(SNssai, octet, st.none() | tac)
s_nssai = st.one_of(
    own_nssai,
    st.builds(nas.MappedSNssai, octet, tac, mapped=own_nssai),
    st.builds(nas.MappedSNssai, octet, mapped=st.builds(SNssai, octet)),
)
flags = st.booleans()
access = st.sampled_from(nas.AccessType)
label = st.from_regex(r"[a-z0-9]([a-z0-9-]{0,8}[a-z0-9])?", fullmatch=True)
dnn = st.lists(label, min_size=1, max_size=4).map(".".join)
exact_rate = st.builds(
    lambda n, step: n * step, st.integers(0, 65535), st.sampled_from((1000, 64000, 10**6, 10**9))
)
