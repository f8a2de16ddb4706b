"""strongSwan as the IKEv2 daemon of two hosts: certificates of one authority, one child SA between two addresses.

kernel: whether the kernel does ESP. Else the daemon does it by itself (its kernel-libipsec), behind the TUN ipsec0.
"""

from __future__ import annotations

import shutil
import subprocess
from pathlib import Path

from tests.interop.place import Place, Running, ip

PROGRAMS = ("charon-systemd", "swanctl", "pki")
LIBIPSEC = Path("/usr/lib/ipsec/plugins/libstrongswan-kernel-libipsec.so")
PACKAGES = "strongswan-swanctl charon-systemd strongswan-pki libcharon-extra-plugins"
TUN = "ipsec0"


def missing() -> str:
    """Why it cannot run here; '' when it can."""
    absent = [name for name in PROGRAMS if shutil.which(name) is None]
    absent += [] if LIBIPSEC.exists() else [LIBIPSEC.name]
    return f"needs {', '.join(absent)} (apt install {PACKAGES})" if absent else ""


def kernel_does_esp(place: Place, ns: str) -> bool:
    """Whether this kernel has ESP with AES-CBC and HMAC-SHA-256."""
    state = ("src", "192.0.2.1", "dst", "192.0.2.2", "proto", "esp", "spi", "0x1000")
    keys = ("enc", "cbc(aes)", f"0x{'11' * 16}", "auth-trunc", "hmac(sha256)", f"0x{'22' * 32}", "128")
    added = place.run(ns, "ip", "xfrm", "state", "add", *state, "mode", "tunnel", *keys)
    place.run(ns, "ip", "xfrm", "state", "delete", *state)
    return added.returncode == 0


class Authority:
    """Made in a folder."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        folder.mkdir()
        self._key, self.certificate = folder / "key.pem", folder / "cert.pem"
        self._key.write_bytes(_pki("--gen", "--type", "ecdsa", "--size", "384"))
        named = ("--type", "ecdsa", "--dn", "O=Example, CN=IPsec root")
        self.certificate.write_bytes(_pki("--self", "--ca", "--in", str(self._key), *named))

    def issue(self, key: Path, certificate: Path, address: str) -> None:
        key.write_bytes(_pki("--gen", "--type", "ecdsa", "--size", "384"))
        public = key.with_suffix(".pub")
        public.write_bytes(_pki("--pub", "--in", str(key), "--type", "ecdsa"))
        signed_by = ("--cacert", str(self.certificate), "--cakey", str(self._key))
        named = ("--dn", f"O=Example, CN={address}", "--san", address)
        certificate.write_bytes(_pki("--issue", "--in", str(public), *signed_by, *named))


def _pki(*argv: str) -> bytes:
    return subprocess.run(
        ("pki", *argv, *(("--outform", "pem") if "--outform" not in argv else ())),
        check=True,
        capture_output=True,
    ).stdout


class Daemon:
    """One host's. `protects` is what it has of its own to protect, an address that is on no link."""

    def __init__(
        self, place: Place, ns: str, authority: Authority, ends: tuple[str, str], inner: tuple[str, str]
    ) -> None:
        self.place, self.ns = place, ns
        self.folder = place.folder / f"ipsec-{ns}"
        for each in ("x509", "x509ca", "private"):
            (self.folder / each).mkdir(parents=True)
        shutil.copy(authority.certificate, self.folder / "x509ca" / "root.pem")
        authority.issue(self.folder / "private" / "key.pem", self.folder / "x509" / "cert.pem", ends[0])
        self.kernel = kernel_does_esp(place, ns)
        (self.folder / "strongswan.conf").write_text(self._daemon())
        (self.folder / "swanctl.conf").write_text(_connection(ends, inner))
        ip("-n", place.ns(ns), "addr", "add", f"{inner[0]}/32", "dev", "lo")
        self.running: Running | None = None

    def _daemon(self) -> str:
        alone = "load = no" if self.kernel else "allow_peer_ts = yes"
        return f"""charon-systemd {{
  plugins {{
    vici {{ socket = unix://{self.folder}/vici }}
    kernel-netlink {{ fwmark = !0x42 }}
    socket-default {{ fwmark = 0x42 }}
    kernel-libipsec {{ {alone} }}
    bypass-lan {{ load = no }}
  }}
  filelog {{
    log {{
      path = {self.folder}/log
      default = 1
      flush_line = yes
    }}
  }}
}}
"""

    def start(self) -> None:
        given = ("env", f"STRONGSWAN_CONF={self.folder}/strongswan.conf")
        self.running = self.place.start(self.ns, *given, "charon-systemd")
        load = ("env", f"SWANCTL_DIR={self.folder}", "swanctl", "--load-all", "--uri")
        uri = f"unix://{self.folder}/vici"
        waits = f"for i in $(seq 100); do {' '.join(load)} {uri} && exit 0; sleep 0.1; done; exit 1"
        done = self.place.run(self.ns, "sh", "-c", waits, within=30)
        assert done.returncode == 0, done.stdout + done.stderr

    def wait_for_child(self) -> None:
        """Until the child SA is there."""
        asks = f"swanctl --list-sas --uri unix://{self.folder}/vici"
        waits = f"for i in $(seq 100); do {asks} | grep -q INSTALLED && exit 0; sleep 0.2; done; exit 1"
        done = self.place.run(self.ns, "sh", "-c", waits, within=40)
        assert done.returncode == 0, (self.folder / "log").read_text()[-3000:]


def _connection(ends: tuple[str, str], inner: tuple[str, str]) -> str:
    """IKEv2 and ESP of the profile of TS 33.210, with what a kernel without GCM has beside."""
    return f"""connections {{
  core {{
    version = 2
    local_addrs = {ends[0]}
    remote_addrs = {ends[1]}
    proposals = aes256gcm16-prfsha384-ecp384
    local {{
      auth = pubkey
      certs = cert.pem
      id = {ends[0]}
    }}
    remote {{
      auth = pubkey
      id = {ends[1]}
    }}
    children {{
      n2-n3 {{
        local_ts = {inner[0]}/32
        remote_ts = {inner[1]}/32
        esp_proposals = aes256gcm16-ecp384, aes128-sha256-ecp384
        start_action = start
      }}
    }}
  }}
}}
"""
