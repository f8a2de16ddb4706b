"""A radio side and an AMF reduced to what a capture shows of them: frames in, a pcapng out."""

from __future__ import annotations

import hmac
import io

from cinq.crypto import aka, kdf
from cinq.crypto.nas_security import DOWNLINK, UPLINK, NasSecurity
from cinq.numbering import AmfId, Guti, PlmnId, Suci, Supi
from cinq.transport import frames, pcap
from cinq.wire import nas, ngap

PLMN = PlmnId("001", "01")
SUPI = Supi("001010000000007")
K, OPC, RAND = bytes(range(16)), bytes(range(16, 32)), bytes(range(32, 48))
GUTI = Guti(PLMN, AmfId(1, 1, 1), 0xC0FFEE)
GNB, AMF = ("10.0.0.2", 40000), ("10.0.0.1", 38412)
LOCATION = ngap.UserLocationInformationNR(
    nr_cgi=ngap.NRCGI(plmn_identity=PLMN.octets, nr_cell_identity=1),
    tai=ngap.TAI(plmn_identity=PLMN.octets, tac=b"\0\0\1"),
)


NAME = kdf.snn(PLMN.mcc, PLMN.mnc)
MILENAGE = aka.functions("milenage")
EAP_SUCCESS = b"\x03\x01\x00\x04"


def attribute(number: int, octets: bytes) -> bytes:
    """Of EAP-AKA': type, length in units of four octets, value."""
    assert (len(octets) + 2) % 4 == 0
    return bytes((number, (len(octets) + 2) // 4)) + octets


def eap_aka_prime(code: int, subtype: int, attributes: bytes) -> bytes:
    """An EAP packet of type 50."""
    return (
        bytes((code, 1)) + (8 + len(attributes)).to_bytes(2, "big") + bytes((50, subtype, 0, 0)) + attributes
    )


class Bench:
    """Writes what it is told to send; one UE, one association."""

    def __init__(self, integrity: int = 2, ciphering: int = 2, *, over_udp: bool = False) -> None:
        self.start_anew()
        self._tsn = {True: 0xFFFFFFFE, False: 7}
        self._time = 10**18
        self._over_udp = over_udp
        self.ran_id = self.amf_id = 1
        self.algorithms = nas.NasAlgorithms(ciphering, integrity)
        self.context = NasSecurity(0, 0, b"", b"")

    def capture(self) -> io.BytesIO:
        return io.BytesIO(self.file.getvalue())

    def start_anew(self) -> None:
        """Lets what was written go; the clock and the TSNs go on."""
        self.file = io.BytesIO()
        self._writer = pcap.Writer(self.file)
        self._writer.interface(pcap.ETHERNET)

    def frame(self, octets: bytes) -> None:
        self._time += 10**6
        self._writer.packet(self._time, octets)

    def sctp(self, octets: bytes, uplink: bool, pieces: int = 1) -> list[bytes]:
        """The frames that carry a user message in so many DATA chunks; not yet written."""
        made = []
        size = -(-len(octets) // pieces)
        for place in range(0, len(octets), size):
            tsn = self._tsn[uplink] = (self._tsn[uplink] + 1) % 2**32
            ends = not place, place + size >= len(octets)
            chunk = frames.Chunk(tsn, 1, 0, 60, *ends, False, octets[place : place + size])
            a, b = (GNB, AMF) if uplink else (AMF, GNB)
            frame = frames.sctp_data(a, b, 5 + uplink, chunk)
            made.append(frames.udp((a[0], 9899), (b[0], 9899), frame[34:]) if self._over_udp else frame)
        return made

    def ngap(self, message: ngap.Pdu, uplink: bool) -> None:
        for frame in self.sctp(ngap.encode(message), uplink):
            self.frame(frame)

    def initial(self, octets: bytes, ran_id: int) -> None:
        self.ngap(
            ngap.InitialUEMessage(
                ran_ue_ngap_id=ran_id,
                nas_pdu=octets,
                user_location_information=("userLocationInformationNR", LOCATION),
                rrc_establishment_cause="mo-Signalling",
            ),
            True,
        )

    def up(self, octets: bytes) -> None:
        self.ngap(
            ngap.UplinkNASTransport(
                amf_ue_ngap_id=self.amf_id,
                ran_ue_ngap_id=self.ran_id,
                nas_pdu=octets,
                user_location_information=("userLocationInformationNR", LOCATION),
            ),
            True,
        )

    def down(self, octets: bytes) -> None:
        message = ngap.DownlinkNASTransport(
            amf_ue_ngap_id=self.amf_id, ran_ue_ngap_id=self.ran_id, nas_pdu=octets
        )
        self.ngap(message, False)

    def register(self, identity: Suci, *, eap: bool = False) -> None:
        """Initial registration up to Registration Complete, with 5G AKA (or EAP-AKA') and security mode."""
        request = nas.RegistrationRequest(
            registration_type=nas.RegistrationType(nas.RegistrationKind.INITIAL, True),
            ng_ksi=nas.NO_KEY,
            mobile_identity=identity,
        )
        self.initial(nas.encode(request), self.ran_id)
        kausf = self._eap_aka_prime() if eap else self._five_g_aka()
        kamf = kdf.kamf(kdf.kseaf(kausf, NAME), SUPI.imsi)
        self.context = NasSecurity.from_kamf(kamf, self.algorithms.integrity, self.algorithms.ciphering)
        command = nas.SecurityModeCommand(
            algorithms=self.algorithms,
            ng_ksi=nas.NgKsi(3),
            replayed_ue_security_capability=nas.UeSecurityCapability.of((0, 2), (2,)),
            eap_message=EAP_SUCCESS if eap else None,
            abba=b"\0\0" if eap else None,
        )
        self.down(self.context.protect(nas.encode(command), 3, DOWNLINK))
        complete = nas.SecurityModeComplete(nas_message_container=nas.encode(request))
        self.up(self.context.protect(nas.encode(complete), 4, UPLINK))
        accept = nas.RegistrationAccept(registration_result=nas.RegistrationResult(), guti=GUTI)
        self.down(self.context.protect(nas.encode(accept), 2, DOWNLINK))
        self.up(self.context.protect(nas.encode(nas.RegistrationComplete()), 2, UPLINK))

    def _five_g_aka(self) -> bytes:
        vector = aka.generate_vector(MILENAGE, K, OPC, RAND, 33, b"\x80\0", NAME)
        challenge = nas.AuthenticationRequest(ng_ksi=nas.NgKsi(3), abba=b"\0\0", rand=RAND, autn=vector.autn)
        self.down(nas.encode(challenge))
        self.up(nas.encode(nas.AuthenticationResponse(res=vector.xres_star)))
        return vector.kausf

    def _eap_aka_prime(self) -> bytes:
        """RFC 9048 §3 and TS 33.501 §6.1.3.1, written out: RAND, AUTN, KDF 1, network name, MAC; RES and MAC."""
        autn = aka.generate_vector(MILENAGE, K, OPC, RAND, 33, b"\x80\0", NAME).autn
        res, ck, ik, _ = MILENAGE.f2345(K, OPC, RAND)
        name = NAME.encode() + bytes(-(len(NAME) + 4) % 4)
        asked = attribute(1, bytes(2) + RAND) + attribute(2, bytes(2) + autn) + attribute(24, b"\0\1")
        asked += attribute(23, len(NAME).to_bytes(2, "big") + name) + attribute(11, bytes(18))
        challenge = nas.AuthenticationRequest(
            ng_ksi=nas.NgKsi(3), abba=b"\0\0", eap_message=eap_aka_prime(1, 1, asked)
        )
        self.down(nas.encode(challenge))
        answer = attribute(3, (8 * len(res)).to_bytes(2, "big") + res) + attribute(11, bytes(18))
        self.up(nas.encode(nas.AuthenticationResponse(eap_message=eap_aka_prime(2, 1, answer))))
        prime = kdf.derive(ck + ik, 0x20, NAME.encode(), autn[:6])
        key, made, last = prime[16:] + prime[:16], b"", b""
        for number in range(1, 8):
            last = hmac.digest(key, last + b"EAP-AKA'" + SUPI.imsi.encode() + bytes((number,)), "sha256")
            made += last
        return made[144:176]

    def service_request(self, ran_id: int) -> None:
        """From idle, under the context in use: cleartext outside, the whole message ciphered inside (§4.4.6)."""
        whole = nas.ServiceRequest(ng_ksi=nas.NgKsi(3), service_type=1, s_tmsi=GUTI.s_tmsi)
        inside = whole.replace(uplink_data_status=frozenset((5,)))
        container = self.context.cipher(nas.encode(inside), UPLINK, self.context.ul_count)
        outside = whole.replace(nas_message_container=container)
        self.initial(self.context.protect(nas.encode(outside), 1, UPLINK), ran_id)
