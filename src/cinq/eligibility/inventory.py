"""What an operator declares of its equipment: who made it, what it is, what is in it."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from ipaddress import IPv4Address
from pathlib import Path

from cinq.eligibility.vocabulary import FINGERPRINT, Generation, Kind, code_fault
from cinq.numbering import GnbId, NumberingError
from cinq.settings.toml import none_of, setting

TEXTS = {"vendor": 200, "model": 200, "software": 200, "serial": 200}


@dataclass(frozen=True, slots=True, kw_only=True)
class Equipment:
    """What is declared of any piece of equipment."""

    name: str = setting("What people call it; exceptions name it.")
    vendor: str = setting("Who made it; empty: not known.", "")
    model: str = setting("Model.", "")
    software: str = setting("Software version.", "")
    serial: str = setting("Serial number.", "")
    generation: Generation = setting("Of which generation it is.", "5G")
    sbom: Path | None = setting("Its bill of materials (CycloneDX, JSON).", None)
    certificate_root: str = setting(
        "SHA-256 fingerprint of the root of the vendor certificate that it was enrolled with.", ""
    )
    emergency: bool = setting(
        "Somewhere nothing else carries emergency services: it is never blocked.", False
    )

    def __post_init__(self) -> None:
        none_of(self._faults())

    def _faults(self) -> Iterator[str]:
        if not (0 < len(self.name) <= 100 and self.name.isprintable()):
            yield f"name: found {self.name[:40]!r}, wanted 1 to 100 printable characters"
        for key, limit in TEXTS.items():
            text: str = getattr(self, key)
            if len(text) > limit or not text.isprintable():
                yield f"{key}: found {text[:40]!r}, wanted at most {limit} printable characters"
        if self.certificate_root and not FINGERPRINT.fullmatch(self.certificate_root):
            yield f"certificate_root: found {self.certificate_root[:70]!r}, wanted 64 hexadecimal digits"


@dataclass(frozen=True, slots=True, kw_only=True)
class Gnb(Equipment):
    """A gNB."""

    identity: str = setting("Global gNB identity: PLMN, value and bits, as '999-70-411/22'.")

    def _faults(self) -> Iterator[str]:
        yield from Equipment._faults(self)
        try:
            GnbId.parse(self.identity)
        except NumberingError as error:
            yield f"identity: {error}"

    @property
    def key(self) -> str:
        return str(GnbId.parse(self.identity))


@dataclass(frozen=True, slots=True, kw_only=True)
class NetworkFunction(Equipment):
    """A network function that registers at the NRF."""

    instance: str = setting("NF instance identifier, a UUID.")
    pen: int = setting("IANA private enterprise number that its profile should say; 0: none.", 0)

    def _faults(self) -> Iterator[str]:
        yield from Equipment._faults(self)
        plain = self.instance.replace("-", "")
        if (
            len(plain) != 32
            or len(self.instance) != 36
            or not all(c in "0123456789abcdefABCDEF" for c in plain)
        ):
            yield f"instance: found {self.instance[:40]!r}, wanted a UUID"
        if not 0 <= self.pen < 1 << 32:
            yield f"pen: found {self.pen}, wanted 0 to 4294967295"

    @property
    def key(self) -> str:
        return self.instance.lower()


@dataclass(frozen=True, slots=True, kw_only=True)
class PfcpPeer(Equipment):
    """An SMF or a UPF on N4."""

    address: IPv4Address = setting("Its address on N4.")

    @property
    def key(self) -> str:
        return str(self.address)


@dataclass(frozen=True, slots=True, kw_only=True)
class Terminal(Equipment):
    """A model of terminals."""

    type_allocation_codes: str = setting("Type allocation code, or a range of them: '35609200-35609299'.")

    def _faults(self) -> Iterator[str]:
        yield from Equipment._faults(self)
        if (fault := code_fault(self.type_allocation_codes)) is not None:
            yield f"type_allocation_codes: {fault}"

    @property
    def key(self) -> str:
        return self.type_allocation_codes

    def covers(self, code: str) -> bool:
        low, _, high = self.type_allocation_codes.partition("-")
        return low <= code <= (high or low)


Element = Gnb | NetworkFunction | PfcpPeer | Terminal
KINDS: dict[type[Equipment], Kind] = {
    Gnb: "gnb",
    NetworkFunction: "nf",
    PfcpPeer: "pfcp_peer",
    Terminal: "terminal",
}


@dataclass(frozen=True, slots=True)
class Inventory:
    """The equipment of a network."""

    gnb: tuple[Gnb, ...] = setting("gNBs.", ())
    nf: tuple[NetworkFunction, ...] = setting("Network functions.", ())
    pfcp_peer: tuple[PfcpPeer, ...] = setting("SMFs and UPFs on N4.", ())
    terminal: tuple[Terminal, ...] = setting("Models of terminals.", ())

    def __post_init__(self) -> None:
        none_of(self._faults())

    def _faults(self) -> Iterator[str]:
        names: set[str] = set()
        for table in ("gnb", "nf", "pfcp_peer", "terminal"):
            keys: set[str] = set()
            of_table: tuple[Element, ...] = getattr(self, table)
            for i, one in enumerate(of_table):
                if one.name in names:
                    yield f"{table}[{i}].name: found {one.name} twice, wanted each once"
                if one.key in keys:
                    yield f"{table}[{i}]: found {one.key} twice, wanted each once"
                names.add(one.name)
                keys.add(one.key)

    @property
    def elements(self) -> tuple[Element, ...]:
        return (*self.gnb, *self.nf, *self.pfcp_peer, *self.terminal)
