"""Scenarios on real ports: N2 over SCTP, knobs by commands, and the test subscribers of this host's own core."""

from __future__ import annotations

import os
import shlex
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from ipaddress import IPv4Address
from pathlib import Path

from cinq import state
from cinq.nf.udr import provisioning
from cinq.numbering import Supi
from cinq.procedure import RealClock
from cinq.procedure.store import Store
from cinq.ran.gnb.serve import n2_port
from cinq.ran.scenarios import commands
from cinq.ran.scenarios.bench import Place
from cinq.ran.scenarios.target import Core, Knob, Knobs, Radio, Subscribers, Target
from cinq.sbi.services.nausf_ueauthentication import AuthType
from cinq.settings import HexOctets
from cinq.settings.network import NetworkSettings

TEST_UES = 40
EAP_UES = 10
NOWHERE = IPv4Address("192.0.2.8")  # RFC 5737
_K = HexOctets(bytes.fromhex("465b5ce8b199b49faa5f0a2ee238a6bc"))
_OPC = HexOctets(bytes.fromhex("e8ed289deba952e4283b54e88e6183ca"))


class Commands:
    """Turns knobs by the commands of the target."""

    def __init__(self, knobs: Knobs) -> None:
        self._knobs = knobs

    async def turn(self, knob: Knob, names: dict[str, str]) -> None:
        await commands.run(getattr(self._knobs, knob), names)


def place(target: Target) -> Place:
    return Place(target, n2_port, Commands(target.knobs), RealClock(), os.urandom)


def _radio(settings: NetworkSettings) -> Radio:
    """The gNBs have no user plane: what comes for them goes nowhere. A core takes loopback only where its N3 is one."""
    return Radio() if settings.upf.n3_address.is_loopback else Radio(n3_address=NOWHERE)


@contextmanager
def own_core(settings: NetworkSettings, config: Path | None, ues: int = TEST_UES) -> Iterator[Target]:
    """The core that `cinq up` runs with these settings, with test subscribers for as long as this lasts.

    Their IMSIs are the last of the PLMN's. StoreError: the store cannot be opened.
    """
    plmn = settings.network.plmn
    digits = f"{plmn.mcc}{plmn.mnc}"
    first = digits + "9" * (15 - len(digits) - 6) + "000000"
    by_eap = str(int(first) + ues)
    groups = (
        Subscribers(first, ues, _K, _OPC),
        Subscribers(by_eap, EAP_UES, _K, _OPC, authentication="EAP-AKA'"),
    )
    target = Target(
        name=settings.network.name,
        core=_core(settings),
        radio=_radio(settings),
        subscribers=groups,
        knobs=_knobs(config, settings.eir.check != "off"),
    )
    store = state.opened(settings.state)
    try:
        added = [supi for group in groups for supi in _provision(store, group, target.core)]
        store.flush()
        try:
            yield target
        finally:
            for supi in added:
                provisioning.remove(store, supi)
            store.flush()
    finally:
        store.close()


def _core(settings: NetworkSettings) -> Core:
    network, amf = settings.network, settings.amf
    return Core(
        amf_address=amf.n2_address,
        amf_port=amf.n2_port,
        plmn=network.plmn,
        tacs=network.tacs,
        slices=network.slices,
        dnns=tuple(d.name for d in settings.dnn),
    )


def _knobs(config: Path | None, asks_the_eir: bool) -> Knobs:
    cinq = shlex.join([sys.executable, "-m", "cinq"])
    chosen = f" --config {shlex.quote(str(config))}" if config else ""
    return Knobs(
        subscriber_remove=f"{cinq} subscriber remove {{imsi}}{chosen}",
        subscriber_add=f"{cinq} subscriber add {{imsi}} --k {{k}} --opc {{opc}} --replace{chosen}",
        equipment_bar=f"{cinq} eir add {{imei}} --list black{chosen}" if asks_the_eir else "",
        equipment_admit=f"{cinq} eir remove {{imei}}{chosen}" if asks_the_eir else "",
        warn=f"{cinq} warn send {{text}} --tac {{tac}}{chosen}",
        warn_cancel=f"{cinq} warn cancel --all{chosen}",
        policy_change=f"{cinq} policy session {{imsi}} --ambr-uplink {{uplink}} --ambr-downlink {{downlink}}{chosen}",
    )


def _provision(store: Store, group: Subscribers, core: Core) -> list[Supi]:
    method: AuthType = "EAP_AKA_PRIME" if group.authentication == "EAP-AKA'" else "5G_AKA"
    first = provisioning.Subscriber(
        Supi(group.imsi), group.k, group.opc, slices=core.slices, dnns=core.dnns, auth_method=method
    )
    added = []
    for index in range(group.count):
        supi = Supi(f"{int(group.imsi) + index:0{len(group.imsi)}d}")
        if provisioning.get(store, supi) is None:
            provisioning.put(store, replace(first, supi=supi))
            added.append(supi)
    return added
