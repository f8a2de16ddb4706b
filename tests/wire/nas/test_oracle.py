"""pycrate as judge: the same rows, and what this room writes, pycrate reads and writes again as the same octets."""

from __future__ import annotations

import importlib
import logging
from functools import cache
from types import ModuleType
from typing import Protocol

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from cinq.numbering import Guti, SNssai, Suci, Tai
from cinq.wire import nas

from .atoms import guti, s_nssai, suci, tai
from .values import flow, messages, qos_rule

FORMATS = {"Type1TV": "TV1", "Type2": "TV1", "Type3TV": "TV", "Type4TLV": "TLV", "Type6TLVE": "TLVE"}
MANDATORY = {"Type1V": "V", "Type3V": "V", "Type4LV": "LV", "Type6LVE": "LVE"}

# Where pycrate 0.8.1 differs from the tables of TS 24.501 (release 19): (message, IEI in pycrate)
ERRATA = {
    ("RegistrationAccept", 0x1A),  # negotiated WUS assistance information has IEI 1C
    ("RegistrationAccept", 0x2A),  # negotiated PEIPS assistance information has IEI 33
    ("RegistrationAccept", 0x34),  # emergency number list; its 5GS additional request result has IEI 35
    ("PDUSessionEstablishmentReject", 0x00),  # re-attempt indicator has IEI 1D
    ("PDUSessionModificationReject", 0x00),  # likewise
}
# Elements whose value pycrate does not read as the specification says, or normalises
# pycrate writes other octets than it read: random octets have no meaning in the containers, and it takes the
# N5GC indication (a TV of one octet) for a bare tag
# (and every container of extended PCO for one with a length of one octet)
STRUCTURED = frozenset(
    ("extended_pco", "service_level_aa_container", "ciot_small_data_container", "n5gc_indication")
)


class Layer(Protocol):
    def from_bytes(self, octets: bytes) -> None: ...

    def to_bytes(self) -> bytes: ...

    def get_val_d(self) -> object: ...


@cache
def foreign() -> dict[tuple[int, int], type[Layer]]:
    previous = logging.root.manager.disable
    logging.disable(logging.WARNING)
    try:
        mm: ModuleType = importlib.import_module("pycrate_mobile.TS24501_FGMM")
        sm: ModuleType = importlib.import_module("pycrate_mobile.TS24501_FGSM")
    except ImportError:
        pytest.skip("pycrate is not installed")
    finally:
        logging.disable(previous)
    found: dict[tuple[int, int], type[Layer]] = {}
    for discriminator, table in ((0x7E, mm.FGMMTypeClasses), (0x2E, sm.FGSMTypeClasses)):
        found.update({(discriminator, number): layer for number, layer in table.items()})
    return found


KINDS: list[type[nas.NasMessage]] = [*nas.GMM_MESSAGES.values(), *nas.GSM_MESSAGES.values()]


def rows_of(layer: type[Layer]) -> tuple[dict[int, tuple[str, int]], list[str]]:
    """Optional rows by IEI (format, bits of a fixed value) and the formats of the mandatory ones."""
    optional: dict[int, tuple[str, int]] = {}
    mandatory = []
    content: list[object] = list(vars(layer())["_content"])
    for element in content[1:]:
        form = type(element).__name__
        if form in FORMATS:
            tag, value = element[0].get_val(), element[-1]  # type: ignore[index]  # pycrate has no types
            optional[tag] = (FORMATS[form], value.get_bl())
        elif form in MANDATORY:
            mandatory.append(MANDATORY[form])
    return optional, mandatory


@pytest.mark.parametrize("kind", KINDS, ids=lambda kind: kind.__name__)
def test_rows_agree(kind: type[nas.NasMessage]) -> None:
    optional, mandatory = rows_of(foreign()[kind.EPD, kind.TYPE])
    ours = {row.iei: row for row in kind.ROWS if row.iei is not None}
    for tag, (form, bits) in optional.items():
        if (kind.__name__, tag) in ERRATA:
            continue
        row = ours[tag]
        assert row.format.name == form, row.name
        if form == "TV":
            assert bits == 8 * row.codec.low, row.name
    forms = [row.format.name for row in kind.ROWS if row.mandatory]
    assert mandatory == ["V" if form.startswith("HALF") else form for form in forms]


READABLE = [kind for kind in KINDS if not any(row.mandatory and row.name in STRUCTURED for row in kind.ROWS)]


@pytest.mark.parametrize("kind", READABLE, ids=lambda kind: kind.__name__)
def test_pycrate_reads_what_we_write(kind: type[nas.NasMessage]) -> None:
    layer = foreign()[kind.EPD, kind.TYPE]
    optional, _ = rows_of(layer)
    common = frozenset(
        row.name
        for row in kind.ROWS
        if row.iei in optional and (kind.__name__, row.iei) not in ERRATA and row.name not in STRUCTURED
    )

    @settings(max_examples=15, derandomize=True, deadline=None, database=None)
    @given(messages(kind, common))
    def hold(message: nas.NasMessage) -> None:
        octets = nas.encode(message)
        other = layer()
        other.from_bytes(octets)
        assert other.to_bytes() == octets
        assert nas.decode(other.to_bytes()) == message

    hold()


ORACLE = settings(max_examples=40, derandomize=True, deadline=None, database=None)


def read(message: nas.NasMessage) -> object:
    """What pycrate makes of a message: dictionaries, lists and numbers."""
    layer = foreign()[message.EPD, message.TYPE]()
    layer.from_bytes(nas.encode(message))
    return layer.get_val_d()


def at(tree: object, *path: str | int) -> object:
    for step in path:
        assert isinstance(tree, dict | list)
        tree = tree[step]  # type: ignore[index]  # path and tree are made for each other
    return tree


@ORACLE
@given(guti, suci.filter(lambda each: each.scheme not in (1, 2)), tai)  # whose output pycrate takes apart
def test_identities_mean_the_same(guti: Guti, suci: Suci, tai: Tai) -> None:
    request = nas.RegistrationRequest(
        registration_type=nas.RegistrationType(2),
        ng_ksi=nas.NgKsi(3, mapped=True),
        mobile_identity=suci,
        additional_guti=guti,
        last_visited_tai=tai,
    )
    found = read(request)
    assert at(found, "NAS_KSI", "NAS_KSI") == {"TSC": 1, "Value": 3}
    assert at(found, "5GSRegType", "5GSRegType") == {"FOR": 0, "Value": 2}
    assert at(found, "TAI", "5GSTAI") == {"PLMN": tai.plmn.octets, "TAC": tai.tac}
    theirs = at(found, "AddGUTI", "5GSID")
    assert at(theirs, "PLMN") == guti.plmn.octets
    assert at(theirs, "AMFRegionID") == guti.amf.region
    assert at(theirs, "AMFSetID") == guti.amf.set
    assert at(theirs, "AMFPtr") == guti.amf.pointer
    assert at(theirs, "5GTMSI") == guti.tmsi
    concealed = at(found, "5GSID", "5GSID", "Value")
    assert at(concealed, "PLMN") == suci.plmn.octets
    assert at(concealed, "ProtSchemeID") == suci.scheme
    assert at(concealed, "HNPKID") == suci.key_id


def areas(tree: object) -> list[tuple[object, object]]:
    """The tracking areas of a list as pycrate reads it."""
    found: list[tuple[object, object]] = []
    assert isinstance(tree, list)
    for part in tree:
        inside = at(part, "PTAI")
        assert isinstance(inside, dict)
        if "TAIs" in inside:
            found += [(each["PLMN"], each["TAC"]) for each in inside["TAIs"]]
        else:
            found += [(inside["PLMN"], tac) for tac in inside["TACs"]]
    return found


@ORACLE
@given(st.lists(s_nssai, min_size=1, max_size=8), st.lists(tai, min_size=1, max_size=16))
def test_slices_and_areas_mean_the_same(slices: list[SNssai], tais: list[Tai]) -> None:
    accept = nas.RegistrationAccept(
        registration_result=nas.RegistrationResult(nas.AccessType.ACCESS_3GPP, sms_allowed=True),
        allowed_nssai=slices,
        tai_list=[*tais, *(Tai(tais[-1].plmn, tac) for tac in range(3))][:16],
        t3512=1620,
        t3502=720,
        pdu_session_status=frozenset((1, 8, 15)),
    )
    found = read(accept)
    theirs = at(found, "AllowedNSSAI", "NSSAI")
    assert isinstance(theirs, list)
    assert [at(each, "SNSSAI", "SST") for each in theirs] == [each.sst for each in slices]
    assert areas(at(found, "5GSTAIList", "5GSTAIList")) == [
        (each.plmn.octets, each.tac) for each in accept.tai_list or ()
    ]
    assert at(found, "T3512", "GPRSTimer3") == {"Unit": 5, "Value": 27}
    assert at(found, "T3502", "GPRSTimer") == {"Unit": 1, "Value": 12}
    status = at(found, "PDUSessStat", "PDUSessStat")
    assert isinstance(status, dict)
    assert {name for name, bit in status.items() if bit} == {"PSI_1", "PSI_8", "PSI_15"}
    assert at(found, "5GSRegResult", "5GSRegResult", "SMSAllowed") == 1


@ORACLE
@given(st.lists(qos_rule, min_size=1, max_size=3), st.lists(flow, min_size=1, max_size=3))
def test_quality_of_service_means_the_same(
    rules: list[nas.QosRule], flows: list[nas.QosFlowDescription]
) -> None:
    command = nas.PDUSessionModificationCommand(
        pdu_session_id=5, pti=0, authorized_qos_rules=rules, authorized_qos_flow_descriptions=flows
    )
    found = read(command)
    theirs = at(found, "QoSRules", "QoSRules")
    assert isinstance(theirs, list)
    for mine, rule in zip(rules, theirs, strict=True):
        assert at(rule, "ID") == mine.identifier
        assert at(rule, "OpCode") == mine.operation
        assert at(rule, "DQR") == mine.default
        assert at(rule, "NumPktFilters") == len(mine.packet_filters)
        if mine.operation == nas.RuleOperation.CREATE:
            assert at(rule, "Precedence") == mine.precedence
            assert at(rule, "Flow", "QFI") == mine.qfi
            kinds = [[kind for kind, _ in each.components] for each in mine.packet_filters]
            listed = at(rule, "PktFilterList") if kinds else []
            assert isinstance(listed, list)
            assert [[at(c, "Type") for c in list_of(each, "PktFilter")] for each in listed] == kinds
    described = at(found, "QoSFlowDesc", "QoSFlowDesc")
    assert isinstance(described, list)
    for flow_sent, theirs_flow in zip(flows, described, strict=True):
        assert at(theirs_flow, "QFI") == flow_sent.qfi
        assert at(theirs_flow, "OpCode") == flow_sent.operation
        parameters = {at(p, "Type"): at(p, "Content") for p in list_of(theirs_flow, "Params")}
        assert parameters.get(1) == flow_sent.five_qi
        assert parameters.get(6) == flow_sent.averaging_window


def list_of(tree: object, name: str) -> list[object]:
    assert isinstance(tree, dict)
    found = tree.get(name, [])
    assert isinstance(found, list)
    return found
