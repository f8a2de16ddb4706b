"""UERANSIM as a peer: a gNB and UEs that nobody here wrote. CINQ_UERANSIM is the folder of nr-gnb, nr-ue, nr-cli."""

from __future__ import annotations

import os
from collections.abc import Sequence
from pathlib import Path

from tests.interop.place import CORE, RADIO, Place, Running

IMSI = 999700000000001
K, OPC = "465B5CE8B199B49FAA5F0A2EE238A6BC", "E8ED289DEBA952E4283B54E88E6183CA"
HOME_PRIVATE = "10c9c67e861a5625a1db8f684123896d9b3506199d3df1968e07b6c8448bb147"
HOME_PUBLIC = "e421686f6fb2d70e3fa28d940494095686c3179fef53514667a6ed106b8a7d3d"


def folder() -> Path | None:
    """Where the programs are; None when CINQ_UERANSIM does not name such a folder."""
    named = os.environ.get("CINQ_UERANSIM")
    if not named or not all((Path(named) / one).is_file() for one in ("nr-gnb", "nr-ue", "nr-cli")):
        return None
    return Path(named)


def core_settings(place: Place, plane: str = "auto", nat: bool = True, folder: Path | None = None) -> Path:
    """A settings file of `cinq up` for the place, in `folder` or the place's own."""
    folder = folder or place.folder
    path = folder / "core.toml"
    path.write_text(
        f"""[network]
name = "acc"
[amf]
n2_address = "{CORE}"
integrity = ["NIA3", "NIA2", "NIA1"]
[upf]
n3_address = "{CORE}"
data_plane = "{plane}"
[state]
folder = "{folder}/state"
run = "{folder}/run"
[[dnn]]
nat = {str(nat).lower()}
[[home_network_key]]
id = 1
profile = "A"
private_key = "{HOME_PRIVATE}"
"""
    )
    return path


class Ueransim:
    """The programs in the radio namespace of a place."""

    def __init__(self, place: Place, programs: Path) -> None:
        self.place, self.programs = place, programs

    def gnb(self) -> Running:
        """nr-gnb, with NG Setup done."""
        config = self.place.folder / "gnb.yaml"
        config.write_text(
            f"""mcc: '999'
mnc: '70'
nci: '0x000000010'
idLength: 32
tac: 1
linkIp: 127.0.0.1
ngapIp: {RADIO}
gtpIp: {RADIO}
amfConfigs: [{{address: {CORE}, port: 38412}}]
slices: [{{sst: 1}}]
ignoreStreamIds: true
cellAccessType: nr
"""
        )
        one = self._start("nr-gnb", "-c", str(config), log="gnb.log")
        one.wait("NG Setup procedure is successful")
        return one

    def ue(
        self,
        suci: str = "null",
        nia: Sequence[int] = (1, 2, 3),
        nea: Sequence[int] = (1, 2, 3),
        count: int = 1,
    ) -> Running:
        """nr-ue; it registers and opens its session by itself."""
        config = self.place.folder / "ue.yaml"
        integrity = ", ".join(f"IA{n}: {str(n in nia).lower()}" for n in (1, 2, 3))
        ciphering = ", ".join(f"EA{n}: {str(n in nea).lower()}" for n in (1, 2, 3))
        config.write_text(
            f"""supi: 'imsi-{IMSI}'
mcc: '999'
mnc: '70'
protectionScheme: {1 if suci == "A" else 0}
homeNetworkPublicKey: '{HOME_PUBLIC}'
homeNetworkPublicKeyId: 1
routingIndicator: '0000'
key: '{K}'
op: '{OPC}'
opType: 'OPC'
amf: '8000'
imei: '356938035643803'
imeiSv: '4370816125816151'
tunNetmask: '255.255.255.0'
useNamespace: false
gnbSearchList: [127.0.0.1]
uacAic: {{mps: false, mcs: false}}
uacAcc: {{normalClass: 0, class11: false, class12: false, class13: false, class14: false, class15: false}}
sessions: [{{type: 'IPv4', apn: 'internet', slice: {{sst: 1}}}}]
configured-nssai: [{{sst: 1}}]
default-nssai: [{{sst: 1}}]
integrity: {{{integrity}}}
ciphering: {{{ciphering}}}
integrityMaxRate: {{uplink: 'full', downlink: 'full'}}
"""
        )
        return self._start("nr-ue", "-c", str(config), "-n", str(count), log="ue.log")

    def _start(self, program: str, *argv: str, log: str) -> Running:
        return self.place.start("radio", str(self.programs / program), *argv, log=log)

    def cli(self, command: str, number: int = 0) -> str:
        """nr-cli to a UE."""
        return self._cli(f"imsi-{IMSI + number}", command)

    def gnb_cli(self, command: str) -> str:
        return self._cli("UERANSIM-gnb-999-70-1", command)

    def _cli(self, node: str, command: str) -> str:
        done = self.place.run("radio", str(self.programs / "nr-cli"), node, "-e", command)
        return done.stdout + done.stderr
