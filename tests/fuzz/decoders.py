"""Every decoder that reads what strangers write, as a function of octets that raises only what is a finding.

A decoder may refuse with its own error. What it accepts has an encoding that means the same.
"""

from __future__ import annotations

import tempfile
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path

from cinq.eligibility import sbom
from cinq.eligibility.inventory import Inventory
from cinq.eligibility.vocabulary import Policy
from cinq.numbering import NumberingError, SNssai, Suci, Supi
from cinq.ran.radio import rrc
from cinq.ran.scenarios.target import Target as ScenarioTarget
from cinq.settings import SettingsError, examined, loads
from cinq.settings.network import NetworkSettings
from cinq.trace import read_capture
from cinq.transport.pcap import PcapError
from cinq.wire import eap, gtpu, nas, ngap, pfcp, xnap
from cinq.wire.ngap.generated.tables import VALUES as CODED

Target = Callable[[bytes], None]
TARGETS: dict[str, Target] = {}
VALUES = list(CODED)


def target(function: Target) -> Target:
    TARGETS[function.__name__.replace("_", "-")] = function
    return function


@target
def nas_message(octets: bytes) -> None:
    """5GMM and 5GSM, strict and total."""
    nas.examine(octets)
    try:
        message = nas.decode(octets)
    except nas.NasError:
        return
    assert nas.decode(nas.encode(message)) == message


@target
def nas_envelope(octets: bytes) -> None:
    with suppress(nas.NasError):
        nas.decode_envelope(octets)


@target
def ngap_pdu(octets: bytes) -> None:
    ngap.examine(octets)
    try:
        message = ngap.decode(octets)
    except ngap.NgapError:
        return
    again = ngap.decode(ngap.encode(message))
    assert ngap.encode(again) == ngap.encode(message)


@target
def ngap_transfer(octets: bytes) -> None:
    """The first octet says which."""
    kind = VALUES[octets[0] % len(VALUES)] if octets else VALUES[0]
    ngap.examine_value(kind, octets[1:])
    try:
        value = ngap.decode_value(kind, octets[1:])
    except ngap.NgapError:
        return
    again = ngap.decode_value(kind, ngap.encode_value(value))
    assert ngap.encode_value(again) == ngap.encode_value(value)


@target
def xnap_pdu(octets: bytes) -> None:
    xnap.examine(octets)
    try:
        message = xnap.decode(octets)
    except xnap.XnapError:
        return
    again = xnap.decode(xnap.encode(message))
    assert xnap.encode(again) == xnap.encode(message)


@target
def pfcp_message(octets: bytes) -> None:
    pfcp.examine(octets)
    with suppress(pfcp.PfcpError):
        pfcp.decode(octets)


@target
def gtpu_message(octets: bytes) -> None:
    gtpu.examine(octets)
    try:
        message = gtpu.decode(octets)
    except gtpu.GtpuError:
        return
    gtpu.encode(message)


@target
def eap_packet(octets: bytes) -> None:
    try:
        packet = eap.decode(octets)
    except eap.EapError:
        return
    eap.plain(packet)


@target
def rrc_container(octets: bytes) -> None:
    with suppress(rrc.RrcError):
        rrc.decode(octets)


@target
def identities(octets: bytes) -> None:
    text = octets.decode(errors="surrogateescape")
    for parse in (SNssai.parse, Supi.parse, Suci.parse):
        with suppress(NumberingError):
            parse(text)


@target
def settings_file(octets: bytes) -> None:
    text = octets.decode(errors="replace")
    for shape in (NetworkSettings, ScenarioTarget):
        with suppress(SettingsError):
            loads(shape, text)


@target
def policy_file(octets: bytes) -> None:
    """Policies of eligibility and inventories: each mistake of each is a mistake and no more."""
    text = octets.decode(errors="replace")
    for shape in (Policy, Inventory):
        value, faults = examined(shape, text, "f")
        assert (value is None) == bool(faults)


@target
def bill_of_materials(octets: bytes) -> None:
    with suppress(sbom.SbomError):
        sbom.reads(octets, "f")


@target
def capture_file(octets: bytes) -> None:
    """pcap, pcapng, compressed or not: whatever is in it."""
    with tempfile.NamedTemporaryFile(suffix=".pcap") as file:
        file.write(octets)
        file.flush()
        with suppress(PcapError):
            for _ in read_capture(Path(file.name)):
                pass
