"""SECURITY MODE COMMAND as it came on N2, whether the UE took it or not."""

from __future__ import annotations

from dataclasses import replace

from msgspec import Struct

from cinq.crypto.nas_security import DOWNLINK, NasSecurity, NasSecurityError
from cinq.ran.gnb import Gnb
from cinq.ran.scenarios import check
from cinq.ran.scenarios.bench import Bench
from cinq.ran.scenarios.check import Failed
from cinq.ran.ue import Ue
from cinq.wire import nas, ngap

HEADER = 7  # octets of security header before the message that it protects
NEW_CONTEXT = 3  # integrity protected with new 5G NAS security context (TS 24.501 §9.3)


class Command(Struct, frozen=True):
    """octets: the NAS PDU. message: what it says, protected or not."""

    octets: bytes
    message: nas.SecurityModeCommand


async def command(bench: Bench, gnb: Gnb, ue: Ue) -> Command:
    """The next one for this UE. Failed: none comes."""
    number = bench.ran_ue_ngap_id(ue, gnb)
    found = await bench.hears(
        ngap.DownlinkNASTransport, gnb, lambda m: m.ran_ue_ngap_id == number and _read(m.nas_pdu) is not None
    )
    message = check.present(_read(found.nas_pdu), "SECURITY MODE COMMAND")
    return Command(found.nas_pdu, message)


def _read(octets: bytes | None) -> nas.SecurityModeCommand | None:
    """Never ciphered, so that anybody can read it (TS 24.501 §5.4.2.2)."""
    if not octets or len(octets) < 3:
        return None
    plain = octets if octets[1] & 0x0F == 0 else octets[HEADER:]
    if plain[2:3] != bytes((nas.SecurityModeCommand.TYPE,)):
        return None
    try:
        message = nas.decode(plain)
    except nas.NasError:
        return None
    return message if isinstance(message, nas.SecurityModeCommand) else None


def mac_holds(ue: Ue, found: Command) -> str:
    """In words. Failed: it is not protected with the UE's new keys, or by NIA0."""
    check.equal(found.octets[1] & 0x0F, NEW_CONTEXT, "the security header type")
    keys = ue.security.partial or (None if ue.security.current is None else ue.security.current.keys)
    kamf = check.present(keys, "keys of the UE").kamf
    algorithms = found.message.algorithms
    check.that(algorithms.integrity != 0, "NIA0 protects nothing")
    fresh = NasSecurity.from_kamf(kamf, algorithms.integrity, algorithms.ciphering)
    try:
        replace(fresh, dl_count=found.octets[6]).verify(found.octets, DOWNLINK)
    except NasSecurityError as error:
        raise Failed(str(error)) from None
    return f"MAC {found.octets[2:6].hex()} holds by NIA{algorithms.integrity}"
