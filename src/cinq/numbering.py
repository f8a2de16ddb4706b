"""TS 23.003 identities as frozen types that cannot be built wrong.

Each type checks itself on construction and raises NumberingError (a ValueError) that says what was found and
what is wanted. `octets` and `from_octets` are the codings that NGAP and NAS share.
"""

from __future__ import annotations

import re

from msgspec import Struct
from msgspec.structs import force_setattr

MAX_MSIN_DIGITS = 10
SWAPPED = bytes(octet >> 4 | octet << 4 & 0xF0 for octet in range(256))  # BCD has the low nibble first


class NumberingError(ValueError):
    """An identity that TS 23.003 does not allow."""


def _digits(name: str, text: str, low: int, high: int) -> None:
    if not (text.isascii() and text.isdigit() and low <= len(text) <= high):
        wanted = f"{low}" if low == high else f"{low} to {high}"
        raise NumberingError(f"{name}: found {text!r}, wanted {wanted} decimal digits")


def _within(name: str, value: int, bits: int) -> None:
    if not 0 <= value < 1 << bits:
        raise NumberingError(f"{name}: found {value}, wanted 0 to {(1 << bits) - 1}")


class PlmnId(Struct, frozen=True, gc=False, cache_hash=True):
    """Public land mobile network identity, TS 23.003 §2.2: MCC of 3 digits, MNC of 2 or 3."""

    mcc: str
    mnc: str

    def __post_init__(self) -> None:
        _digits("MCC", self.mcc, 3, 3)
        _digits("MNC", self.mnc, 2, 3)

    @classmethod
    def parse(cls, text: str) -> PlmnId:
        """'999-70', '99970' or '001001' (5 digits: MNC of 2; 6 digits: MNC of 3)."""
        plain = text.replace("-", "")
        _digits("PLMN", plain, 5, 6)
        return cls(plain[:3], plain[3:])

    @property
    def octets(self) -> bytes:
        """Three octets of BCD, TS 24.008 §10.5.1.13."""
        m, n = self.mcc, self.mnc
        third = n[2] if len(n) == 3 else "f"
        return bytes.fromhex(m[1] + m[0] + third + m[2] + n[1] + n[0])

    @classmethod
    def from_octets(cls, octets: bytes) -> PlmnId:
        if len(octets) != 3:
            raise NumberingError(f"PLMN identity: found {len(octets)} octets, wanted 3")
        h = octets.hex()
        return cls(h[1] + h[0] + h[3], h[5] + h[4] + ("" if h[2] == "f" else h[2]))

    def __str__(self) -> str:
        return f"{self.mcc}-{self.mnc}"


class Tai(Struct, frozen=True, gc=False, cache_hash=True):
    """Tracking area identity, TS 23.003 §19.4.2.3: PLMN and a TAC of 24 bits."""

    plmn: PlmnId
    tac: int

    def __post_init__(self) -> None:
        _within("TAC", self.tac, 24)

    @property
    def octets(self) -> bytes:
        return self.plmn.octets + self.tac.to_bytes(3, "big")

    @classmethod
    def from_octets(cls, octets: bytes) -> Tai:
        if len(octets) != 6:
            raise NumberingError(f"TAI: found {len(octets)} octets, wanted 6")
        return cls(PlmnId.from_octets(octets[:3]), int.from_bytes(octets[3:], "big"))

    def __str__(self) -> str:
        return f"{self.plmn}-{self.tac:06x}"


NO_SD = 0xFFFFFF
"""The coding of an SD that is not there, TS 23.003 §28.4.2."""


class SNssai(Struct, frozen=True, gc=False):
    """Single network slice selection assistance information, TS 23.003 §28.4: SST, SD of 24 bits or None.

    SD FFFFFF says that there is no SD (§28.4.2): it becomes None, so that one slice has one form. In order, a
    slice without SD comes before those of its SST that have one.
    """

    sst: int
    sd: int | None = None

    def __post_init__(self) -> None:
        _within("SST", self.sst, 8)
        if self.sd is not None:
            _within("SD", self.sd, 24)
            if self.sd == NO_SD:
                force_setattr(self, "sd", None)

    @property
    def _place(self) -> tuple[int, int]:
        return self.sst, -1 if self.sd is None else self.sd

    @property
    def words(self) -> str:
        """ "SST 1 SD 0000ff", for people."""
        return f"SST {self.sst}" + ("" if self.sd is None else f" SD {self.sd:06x}")

    def __lt__(self, other: SNssai) -> bool:
        return self._place < other._place

    def __le__(self, other: SNssai) -> bool:
        return self._place <= other._place

    def __gt__(self, other: SNssai) -> bool:
        return self._place > other._place

    def __ge__(self, other: SNssai) -> bool:
        return self._place >= other._place

    @classmethod
    def parse(cls, text: str) -> SNssai:
        """'1' or '1-0000ff' (SD in hexadecimal)."""
        sst, _, sd = text.partition("-")
        _digits("SST", sst, 1, 3)
        if not sd:
            return cls(int(sst))
        if len(sd) != 6 or any(c not in "0123456789abcdefABCDEF" for c in sd):
            raise NumberingError(f"SD: found {sd!r}, wanted 6 hexadecimal digits")
        return cls(int(sst), int(sd, 16))

    def __str__(self) -> str:
        return f"{self.sst}" if self.sd is None else f"{self.sst}-{self.sd:06x}"


MIN_GNB_ID_BITS, MAX_GNB_ID_BITS, NR_CELL_BITS = 22, 32, 36
_GNB_ID = re.compile(r"(?:([0-9]{3}-?[0-9]{2,3})-)?([0-9]{1,10})/([0-9]{2})")


class GnbId(Struct, frozen=True, gc=False, cache_hash=True):
    """Global gNB identity, TS 38.413 §9.3.1.6: PLMN and a bit string of 22 to 32 bits.

    A bit string is its value and its length: 411 of 22 bits and 411 of 24 bits are two gNBs.
    """

    plmn: PlmnId
    value: int
    bits: int

    def __post_init__(self) -> None:
        if not MIN_GNB_ID_BITS <= self.bits <= MAX_GNB_ID_BITS:
            wanted = f"{MIN_GNB_ID_BITS} to {MAX_GNB_ID_BITS}"
            raise NumberingError(f"gNB identity: found {self.bits} bits, wanted {wanted}")
        _within("gNB identity", self.value, self.bits)

    @classmethod
    def parse(cls, text: str, plmn: PlmnId | None = None) -> GnbId:
        """'999-70-411/22', or '411/22' with the PLMN given: the value in decimal, then the number of bits."""
        found = _GNB_ID.fullmatch(text)
        home = plmn if found is None or found[1] is None else PlmnId.parse(found[1])
        if found is None or home is None:
            raise NumberingError(f"gNB identity: found {text[:60]!r}, wanted for example '999-70-411/22'")
        return cls(home, int(found[2]), int(found[3]))

    @property
    def short(self) -> str:
        """'411/22': without the PLMN."""
        return f"{self.value}/{self.bits}"

    def holds(self, cell: int) -> bool:
        """Whether the NR cell identity, of 36 bits, begins with this gNB's (§9.3.1.7)."""
        return cell >> NR_CELL_BITS - self.bits == self.value

    def __str__(self) -> str:
        return f"{self.plmn}-{self.short}"


class AmfId(Struct, frozen=True, gc=False, cache_hash=True):
    """AMF identifier, TS 23.003 §2.10.1: region of 8 bits, set of 10, pointer of 6."""

    region: int
    set: int
    pointer: int

    def __post_init__(self) -> None:
        _within("AMF region", self.region, 8)
        _within("AMF set", self.set, 10)
        _within("AMF pointer", self.pointer, 6)

    @property
    def octets(self) -> bytes:
        return (self.region << 16 | self.set << 6 | self.pointer).to_bytes(3, "big")

    @classmethod
    def from_octets(cls, octets: bytes) -> AmfId:
        if len(octets) != 3:
            raise NumberingError(f"AMF identifier: found {len(octets)} octets, wanted 3")
        n = int.from_bytes(octets, "big")
        return cls(n >> 16, n >> 6 & 0x3FF, n & 0x3F)


class Guti(Struct, frozen=True, gc=False):
    """5G-GUTI, TS 23.003 §2.10.1: PLMN, AMF identifier and a 5G-TMSI of 32 bits."""

    plmn: PlmnId
    amf: AmfId
    tmsi: int

    def __post_init__(self) -> None:
        if not 0 <= self.tmsi <= 0xFFFFFFFF:
            _within("5G-TMSI", self.tmsi, 32)

    @property
    def octets(self) -> bytes:
        """Ten octets: PLMN, AMF identifier, 5G-TMSI (TS 24.501 §9.11.3.4, from its octet 5)."""
        return self.plmn.octets + self.amf.octets + self.tmsi.to_bytes(4, "big")

    @classmethod
    def from_octets(cls, octets: bytes) -> Guti:
        if len(octets) != 10:
            raise NumberingError(f"5G-GUTI: found {len(octets)} octets, wanted 10")
        plmn, amf = PlmnId.from_octets(octets[:3]), AmfId.from_octets(octets[3:6])
        return cls(plmn, amf, int.from_bytes(octets[6:], "big"))

    @property
    def s_tmsi(self) -> STmsi:
        return STmsi(self.amf.set, self.amf.pointer, self.tmsi)

    def __str__(self) -> str:
        return f"5g-guti-{self.plmn.mcc}{self.plmn.mnc}{self.amf.octets.hex()}{self.tmsi:08x}"


class STmsi(Struct, frozen=True, gc=False):
    """5G-S-TMSI, TS 23.003 §2.11: AMF set, AMF pointer and 5G-TMSI."""

    amf_set: int
    amf_pointer: int
    tmsi: int

    def __post_init__(self) -> None:
        _within("AMF set", self.amf_set, 10)
        _within("AMF pointer", self.amf_pointer, 6)
        _within("5G-TMSI", self.tmsi, 32)

    @property
    def octets(self) -> bytes:
        return (self.amf_set << 6 | self.amf_pointer).to_bytes(2, "big") + self.tmsi.to_bytes(4, "big")

    @classmethod
    def from_octets(cls, octets: bytes) -> STmsi:
        if len(octets) != 6:
            raise NumberingError(f"5G-S-TMSI: found {len(octets)} octets, wanted 6")
        n = int.from_bytes(octets[:2], "big")
        return cls(n >> 6, n & 0x3F, int.from_bytes(octets[2:], "big"))


class Supi(Struct, frozen=True, gc=False):
    """Subscription permanent identifier of type IMSI, TS 23.003 §2.2A: 'imsi-' and 6 to 15 digits."""

    imsi: str

    def __post_init__(self) -> None:
        _digits("IMSI", self.imsi, 6, 15)

    @classmethod
    def parse(cls, text: str) -> Supi:
        """'imsi-999700000000001', or the digits alone."""
        return cls(text.removeprefix("imsi-"))

    def msin(self, plmn: PlmnId) -> str:
        """The digits after MCC and MNC. NumberingError if the IMSI is not of this PLMN."""
        prefix = plmn.mcc + plmn.mnc
        if not self.imsi.startswith(prefix):
            raise NumberingError(f"IMSI {self.short}: not of PLMN {plmn}")
        return self.imsi[len(prefix) :]

    @property
    def short(self) -> str:
        """For logs: the PLMN and the last three digits."""
        return f"imsi-{self.imsi[:5]}…{self.imsi[-3:]}"

    def __str__(self) -> str:
        return f"imsi-{self.imsi}"


def shortened(text: str) -> str:
    """A text for a log: each SUPI in it ('imsi-...') as Supi.short."""
    return re.sub(r"imsi-(\d{6,15})(?!\d)", lambda found: Supi(found[1]).short, text)


class Suci(Struct, frozen=True, gc=False):
    """Subscription concealed identifier of an IMSI, TS 23.003 §2.2B.

    routing_indicator: 1 to 4 digits. scheme: 0 null, 1 profile A, 2 profile B (TS 33.501 annex C).
    key_id: home network public key identifier. output: scheme output as octets; for the null scheme the MSIN
    in BCD, low nibble first, filled with 0xF.
    """

    plmn: PlmnId
    routing_indicator: str
    scheme: int
    key_id: int
    output: bytes

    def __post_init__(self) -> None:
        _digits("Routing indicator", self.routing_indicator, 1, 4)
        if not (0 <= self.scheme < 16 and 0 <= self.key_id < 256):
            _within("Protection scheme", self.scheme, 4)
            _within("Home network public key identifier", self.key_id, 8)
        if self.scheme == 0:
            msin_digits(self.output)

    @classmethod
    def null_scheme(cls, supi: Supi, plmn: PlmnId, routing_indicator: str = "0") -> Suci:
        return cls(plmn, routing_indicator, 0, 0, msin_octets(supi.msin(plmn)))

    def __str__(self) -> str:
        output = msin_digits(self.output) if self.scheme == 0 else self.output.hex()
        head = f"suci-0-{self.plmn.mcc}-{self.plmn.mnc}-{self.routing_indicator}"
        return f"{head}-{self.scheme}-{self.key_id}-{output}"

    @classmethod
    def parse(cls, text: str) -> Suci:
        """The form of TS 29.503: suci-0-MCC-MNC-RI-SCHEME-KEYID-OUTPUT (output: digits or hexadecimal)."""
        parts = text.split("-")
        if len(parts) != 8 or parts[:2] != ["suci", "0"]:
            raise NumberingError(f"SUCI: found {text[:60]!r}, wanted suci-0-MCC-MNC-RI-SCHEME-KEYID-OUTPUT")
        _, _, mcc, mnc, routing, scheme, key_id, output = parts
        _digits("Protection scheme", scheme, 1, 2)
        _digits("Home network public key identifier", key_id, 1, 3)
        try:
            octets = msin_octets(output) if scheme == "0" else bytes.fromhex(output)
        except ValueError as error:
            raise NumberingError(f"SUCI scheme output: {error}") from None
        return cls(PlmnId(mcc, mnc), routing, int(scheme), int(key_id), octets)


_REALM = re.compile(r"(?=.{1,253}$)[A-Za-z0-9-]+(\.[A-Za-z0-9-]+)*")
_USERNAME = re.compile(r"[^@\x00-\x20\x7f]{0,253}")
_HOME_OUTPUT = re.compile(r"[^@\x00-\x20\x7f]{1,6000}")
_POINT_DIGITS = {1: 64, 2: 66}  # hexadecimal, of the ephemeral public key of profile A and B
_TAG_DIGITS = 16
_OUTPUTS = {1: re.compile(r"[0-9a-f]{82,6000}"), 2: re.compile(r"[0-9a-f]{84,6000}")}
_NAI = re.compile(
    r"type(?P<type>[0-7])\.rid(?P<routing>[0-9]*)\.schid(?P<scheme>[0-9a-fA-F])\."
    r"(userid(?P<user>.*)"
    r"|hnkey(?P<key>[0-9]{1,3})\.(ecckey(?P<point>\w+)\.cip(?P<cipher>\w+)\.mac(?P<tag>\w+)|out(?P<own>.+)))"
    r"@(?P<realm>[^@]+)"
)
_SUCI_OF_A_NAI = re.compile(r"suci-([1-7])-(.+?)-([0-9]{1,4})-([0-9a-fA-F])-([0-9]{1,3})-(.*)", re.DOTALL)


class SuciNai(Struct, frozen=True, gc=False):
    """Subscription concealed identifier of a SUPI that is no IMSI, TS 23.003 §2.2B and, as a NAI, §28.7.3.

    supi_type: 1 network specific identifier, 2 GLI, 3 GCI. realm: the home network. scheme: 0 null, 1 profile A,
    2 profile B, 12 to 15 the home network's own. output: for the null scheme the username as it is (empty where
    the SUCI is anonymous), for A and B ephemeral public key, ciphertext and tag in hexadecimal.
    """

    supi_type: int
    realm: str
    routing_indicator: str
    scheme: int
    key_id: int
    output: str

    def __post_init__(self) -> None:
        if not 1 <= self.supi_type <= 3:
            raise NumberingError(f"SUPI type: found {self.supi_type}, wanted 1 (NSI), 2 (GLI) or 3 (GCI)")
        _digits("Routing indicator", self.routing_indicator, 1, 4)
        _within("Home network public key identifier", self.key_id, 8)
        if self.scheme not in (0, 1, 2, 12, 13, 14, 15) or (self.scheme == 0 and self.key_id):
            raise NumberingError(f"Protection scheme: found {self.scheme} with key {self.key_id}")
        output = _OUTPUTS.get(self.scheme, _HOME_OUTPUT) if self.scheme else _USERNAME
        for name, pattern, text in (("realm", _REALM, self.realm), ("output", output, self.output)):
            if not pattern.fullmatch(text):
                raise NumberingError(f"SUCI {name}: found {text[:60]!r}, wanted {pattern.pattern}")

    @property
    def nai(self) -> str:
        """'type1.rid678.schid0.useriduser17@example.com', TS 23.003 §28.7.3."""
        point = _POINT_DIGITS.get(self.scheme, 0)
        if self.scheme == 0:
            output = f"userid{self.output}"
        elif point:
            key, cipher, tag = (
                self.output[:point],
                self.output[point:-_TAG_DIGITS],
                self.output[-_TAG_DIGITS:],
            )
            output = f"hnkey{self.key_id}.ecckey{key}.cip{cipher}.mac{tag}"
        else:
            output = f"hnkey{self.key_id}.out{self.output}"
        return f"type{self.supi_type}.rid{self.routing_indicator}.schid{self.scheme:x}.{output}@{self.realm}"

    @classmethod
    def from_nai(cls, text: str) -> SuciNai:
        found = _NAI.fullmatch(text)
        if found is None:
            raise NumberingError(f"SUCI: found {text[:60]!r}, wanted type<n>.rid<n>.schid<n>...@<realm>")
        scheme, key, point = int(found["scheme"], 16), found["key"], found["point"]
        right = (scheme == 0, scheme in _POINT_DIGITS) == (key is None, point is not None)
        if not right or (point and (len(point), len(found["tag"])) != (_POINT_DIGITS[scheme], _TAG_DIGITS)):
            raise NumberingError(f"SUCI: found {text[:60]!r}, not of protection scheme {scheme}")
        output = found["own"] or found["user"] or ""
        if point:
            output = (point + found["cipher"] + found["tag"]).lower()
        return cls(int(found["type"]), found["realm"], found["routing"], scheme, int(key or 0), output)

    def __str__(self) -> str:
        head = f"suci-{self.supi_type}-{self.realm}-{self.routing_indicator}"
        return f"{head}-{self.scheme:x}-{self.key_id}-{self.output}"

    @classmethod
    def parse(cls, text: str) -> SuciNai:
        """The form of TS 29.503: suci-TYPE-REALM-RI-SCHEME-KEYID-OUTPUT."""
        found = _SUCI_OF_A_NAI.fullmatch(text)
        if found is None:
            raise NumberingError(f"SUCI: found {text[:60]!r}, wanted suci-TYPE-REALM-RI-SCHEME-KEYID-OUTPUT")
        supi_type, realm, routing, scheme, key_id, output = found.groups()
        return cls(int(supi_type), realm, routing, int(scheme, 16), int(key_id), output)


def msin_octets(digits: str) -> bytes:
    """An MSIN of 1 to 10 digits in BCD, low nibble first, filled with 0xF."""
    _digits("MSIN", digits, 1, MAX_MSIN_DIGITS)
    return bytes.fromhex(digits + "f" * (len(digits) % 2)).translate(SWAPPED)


def msin_digits(octets: bytes) -> str:
    """The digits of an MSIN in BCD. NumberingError unless it is 1 to 10 digits and at most one filler."""
    digits = octets.translate(SWAPPED).hex()
    if digits[-1:] == "f":
        digits = digits[:-1]
    if not (digits.isdigit() and len(digits) <= MAX_MSIN_DIGITS):
        _digits("MSIN", digits, 1, MAX_MSIN_DIGITS)
    return digits


class Imei(Struct, frozen=True, gc=False):
    """IMEI, TS 23.003 §6.2.1: 15 digits, the last a check digit (or 0 as sent)."""

    digits: str

    def __post_init__(self) -> None:
        _digits("IMEI", self.digits, 15, 15)

    def __str__(self) -> str:
        return f"imei-{self.digits}"


class Imeisv(Struct, frozen=True, gc=False):
    """IMEISV, TS 23.003 §6.2.2: 16 digits."""

    digits: str

    def __post_init__(self) -> None:
        _digits("IMEISV", self.digits, 16, 16)

    def __str__(self) -> str:
        return f"imeisv-{self.digits}"


class NoIdentity(Struct, frozen=True, gc=False):
    """The mobile identity type 'no identity', TS 24.501 §9.11.3.4."""


Pei = Imei | Imeisv
MobileIdentity = Suci | SuciNai | Guti | STmsi | Imei | Imeisv | NoIdentity


def dnn(text: str) -> str:
    """A data network name as dotted labels, TS 23.003 §9A: checked, lower case."""
    labels = text.split(".")
    fits = all(0 < len(label) <= 63 and _label(label) for label in labels)
    if not fits or len(text) > 99:
        raise NumberingError(
            f"DNN: found {text[:110]!r}, wanted dotted labels of letters, digits and hyphens"
        )
    return text.lower()


def _label(label: str) -> bool:
    plain = label.replace("-", "")
    return label.isascii() and plain.isalnum() and label[0] != "-" and label[-1] != "-"
