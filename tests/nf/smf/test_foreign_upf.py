"""What another product's UPF needs of our rules, judged by the request that its own SMF sends it (golden capture)."""

from __future__ import annotations

import pytest

from cinq.nf.smf import rules
from cinq.nf.smf.context import AnTunnel
from cinq.wire import pfcp
from tests.nf.smf.test_qos import CONTEXT, SUBSCRIBED
from tests.wire.pfcp.test_golden import SHARED, datagrams

CAPTURE = SHARED / "golden" / "open5gs-ueransim-attach-sbi-pfcp.pcap"


@pytest.fixture(scope="module")
def theirs() -> pfcp.SessionEstablishmentRequest:
    """The first Session Establishment Request of Open5GS's SMF."""
    if not CAPTURE.exists():
        pytest.skip("no golden captures (CINQ_SHARED)")
    messages = map(pfcp.decode, datagrams(CAPTURE, pfcp.PORT))
    return next(m for m in messages if isinstance(m, pfcp.SessionEstablishmentRequest))


def test_interfaces_are_named_by_their_3gpp_type(theirs: pfcp.SessionEstablishmentRequest) -> None:
    """Open5GS's UPF drops uplink packets of a PDR that does not say N3 3GPP access (TS 29.244 §8.2.118)."""
    types = {pdr.pdi.source_interface: pdr.pdi.interface_type for pdr in theirs.create_pdrs}
    ours = rules.pdrs(CONTEXT, SUBSCRIBED, rules.choose(ipv4=True, ipv6=False))
    for pdr in ours:
        assert pdr.pdi.interface_type == types[pdr.pdi.source_interface]
    uplink = rules.uplink_far("internet").forwarding_parameters
    assert uplink is not None
    assert uplink.interface_type == types[uplink.destination_interface]
    an = AnTunnel(1, CONTEXT.n3.ipv4)
    downlink = rules.downlink_far(an, notify=True).forwarding_parameters
    updated = rules.to_gnb(an).forwarding_parameters
    for parameters in (downlink, updated):
        assert parameters is not None
        assert parameters.interface_type == types[parameters.destination_interface]


def test_the_first_qer_of_a_rule_marks_with_its_qfi(theirs: pfcp.SessionEstablishmentRequest) -> None:
    """It takes the first QER of a PDR alone: that one has the QFI of the PDU session container (§7.5.2.5)."""
    assert all(len(pdr.qer_ids) <= 1 for pdr in theirs.create_pdrs)
    marking = {qer.qer_id for qer in rules.qers(SUBSCRIBED) if qer.qfi is not None}
    assert all(
        pdr.qer_ids[0] in marking
        for pdr in rules.pdrs(CONTEXT, SUBSCRIBED, rules.choose(ipv4=True, ipv6=False))
    )
