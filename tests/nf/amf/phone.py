"""A scripted UE."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import TypeVar

from cinq.crypto import aka, kdf, milenage
from cinq.crypto.nas_security import (
    DOWNLINK,
    INTEGRITY,
    INTEGRITY_CIPHERED,
    INTEGRITY_CIPHERED_NEW,
    UPLINK,
    NasSecurity,
    NasSecurityError,
)
from cinq.numbering import Guti, Imeisv, MobileIdentity, SNssai, STmsi, Suci
from cinq.wire import nas, ngap

from .gnb import Gnb
from .world import CAPABILITY, NETWORK, OPC, PLMN, K, World, supi_of

N = TypeVar("N", bound=nas.NasMessage)


class Phone:
    """A UE. `on[Message]` replaces what it does by itself when it hears one."""

    def __init__(self, world: World, n: int = 1) -> None:
        self.world, self.supi = world, supi_of(n)
        self.gnb: Gnb | None = None
        self.ran_id = 0
        self.amf_id: int | None = None
        self.security: NasSecurity | None = None
        self.kamf = b""
        self.ksi = self.ksi_in_use = 7
        self.secured = False
        self.guti: Guti | None = None
        self.capability = CAPABILITY
        self.heard: list[nas.NasMessage] = []
        self.request: nas.RegistrationRequest | None = None
        self.on: dict[type, Callable[[nas.NasMessage], None]] = {}
        self.k = K
        self.network = NETWORK
        self.sent: list[bytes] = []

    @property
    def suci(self) -> Suci:
        return Suci.null_scheme(self.supi, PLMN)

    def registration(
        self, kind: int = nas.RegistrationKind.INITIAL, **more: object
    ) -> nas.RegistrationRequest:
        identity: MobileIdentity = self.guti or self.suci
        fields: dict[str, object] = {
            "registration_type": nas.RegistrationType(kind, follow_on=True),
            "ng_ksi": nas.NgKsi(self.ksi),
            "mobile_identity": identity,
            "ue_security_capability": self.capability,
            "requested_nssai": [SNssai(1)],
            "capability_5gmm": nas.Capability5gmm(b"\x03"),
        }
        return nas.RegistrationRequest(**{**fields, **more})  # type: ignore[arg-type]

    def register(self, gnb: Gnb, request: nas.RegistrationRequest | None = None) -> None:
        self.request = request or self.registration()
        self.secured = False
        gnb.initial(self, self.initial(self.request))

    def initial(self, request: nas.RegistrationRequest | nas.ServiceRequest) -> bytes:
        """As §4.4.6 wants it: cleartext elements, and the whole in a ciphered container when there are keys."""
        clear = request.cleartext()
        if self.security is None:
            return nas.encode(clear)
        if clear != request:
            whole = nas.encode(request)
            container = self.security.cipher(whole, UPLINK, self.security.count(UPLINK))
            clear = clear.replace(nas_message_container=container)
        return self.security.protect(nas.encode(clear), INTEGRITY, UPLINK)

    async def registered(self, gnb: Gnb, **more: object) -> Phone:
        self.register(gnb, self.registration(**more))
        await asyncio.sleep(0.1)
        assert isinstance(self.heard[-1], nas.RegistrationAccept), self.heard
        return self

    def say(self, message: nas.NasMessage, header: int = INTEGRITY_CIPHERED) -> bytes:
        octets = nas.encode(message)
        if self.security is not None and self.secured:
            octets = self.security.protect(octets, header, UPLINK)
        return self.say_octets(octets)

    def say_octets(self, octets: bytes) -> bytes:
        assert self.gnb is not None
        assert self.amf_id is not None
        self.sent.append(octets)
        self.gnb.say(
            ngap.UplinkNASTransport(
                amf_ue_ngap_id=self.amf_id,
                ran_ue_ngap_id=self.ran_id,
                nas_pdu=octets,
                user_location_information=self.gnb.location,
            )
        )
        return octets

    def say_sm(self, number: int, octets: bytes, **more: object) -> bytes:
        return self.say(
            nas.ULNASTransport(
                payload_container_type=1,
                payload_container=octets,
                pdu_session_id=number,
                **more,  # type: ignore[arg-type]
            )
        )

    def establish(self, number: int = 1, **more: object) -> None:
        self.say_sm(number, b"\x2e\x01\x01\xc1request", **{"request_type": 1, **more})

    def deregister(self, switch_off: bool = False) -> bytes:
        identity: MobileIdentity = self.guti or self.suci
        return self.say(
            nas.DeregistrationRequestUEOriginating(
                deregistration_type=nas.DeregistrationType(switch_off=switch_off),
                ng_ksi=nas.NgKsi(self.ksi),
                mobile_identity=identity,
            )
        )

    def service_request(self, gnb: Gnb, **more: object) -> None:
        assert self.guti is not None
        request = nas.ServiceRequest(
            ng_ksi=nas.NgKsi(self.ksi),
            s_tmsi=self.guti.s_tmsi,
            **{"service_type": nas.ServiceType.DATA, **more},  # type: ignore[arg-type]
        )
        self.secured = False
        gnb.initial(self, self.initial(request))

    def last(self, kind: type[N]) -> N:
        return next(m for m in reversed(self.heard) if isinstance(m, kind))

    def count(self, kind: type[nas.NasMessage]) -> int:
        return sum(isinstance(m, kind) for m in self.heard)

    # what it hears

    def hear(self, octets: bytes) -> None:
        if octets[1] == 0:
            message = nas.decode(octets)
        else:
            if octets[1] == 3:
                command = nas.decode(octets[7:])
                assert isinstance(command, nas.SecurityModeCommand)
                algorithms, known = command.algorithms, self.security
                self.security = NasSecurity.from_kamf(self.kamf, algorithms.integrity, algorithms.ciphering)
                if known is not None and command.ng_ksi.value == self.ksi_in_use:  # other algorithms only
                    self.security.ul_count, self.security.dl_count = known.ul_count, known.dl_count
                self.ksi_in_use = command.ng_ksi.value
            try:
                message = nas.decode(self.security.verify(octets, DOWNLINK)) if self.security else None
            except NasSecurityError:
                message = None
            if message is None:
                return  # discarded, §4.4.4.2
            self.secured = True
        self.heard.append(message)
        if isinstance(message, nas.SecurityModeCommand):
            self.secured = False
        action = self.on.get(type(message), self.usual)
        action(message)

    def usual(self, message: nas.NasMessage) -> None:
        match message:
            case nas.IdentityRequest():
                self.say(nas.IdentityResponse(mobile_identity=self.suci))
            case nas.AuthenticationRequest():
                self.say(nas.AuthenticationResponse(res=self.respond(message)))
            case nas.SecurityModeCommand():
                self.complete(message)
            case nas.RegistrationAccept():
                self.secured = True
                self.guti = message.guti or self.guti
                self.say(nas.RegistrationComplete())
            case nas.ServiceAccept():
                self.secured = True
            case nas.DeregistrationRequestUETerminated():
                self.say(nas.DeregistrationAcceptUETerminated())
            case nas.ConfigurationUpdateCommand():
                self.guti = message.guti or self.guti
                self.say(nas.ConfigurationUpdateComplete())

    def respond(self, request: nas.AuthenticationRequest) -> bytes:
        assert request.rand is not None
        assert request.autn is not None
        challenge = aka.verify_autn(milenage, self.k, OPC, request.rand, request.autn)
        kseaf = kdf.kseaf(challenge.kausf(self.network), self.network)
        self.kamf = kdf.kamf(kseaf, self.supi.imsi, request.abba)
        self.ksi = request.ng_ksi.value
        return challenge.res_star(self.network, request.rand)

    def complete(self, command: nas.SecurityModeCommand, **more: object) -> None:
        self.secured = True
        container = None if self.request is None else nas.encode(self.request)
        fields: dict[str, object] = {
            "imeisv": Imeisv("3569380356438091"),
            "nas_message_container": container,
        }
        self.say(nas.SecurityModeComplete(**{**fields, **more}), INTEGRITY_CIPHERED_NEW)  # type: ignore[arg-type]

    @property
    def s_tmsi(self) -> STmsi:
        assert self.guti is not None
        return self.guti.s_tmsi
