"""This host's own core as a target of the assurance bench."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from cinq import __version__
from cinq.assurance.target import Algorithms, Host, Interfaces, Knobs, Product, Target
from cinq.lab.scenarios import own_core
from cinq.settings.network import NetworkSettings


@contextmanager
def own_target(settings: NetworkSettings, config: Path | None) -> Iterator[Target]:
    """The core that `cinq up` runs with these settings, with test subscribers for as long as this lasts.

    StoreError: the store cannot be opened.
    """
    sbi, offered = settings.sbi, settings.sbi.on_the_wire
    tls = (f"{sbi.address}:{sbi.port}",) if offered and sbi.key else ()
    with own_core(settings, config) as known:
        yield Target(
            product=Product("cinq", "the cinq project", __version__),
            core=known.core,
            interfaces=Interfaces(
                n3=settings.upf.n3_address,
                n4=settings.upf.n4_address,
                tls=tls,
                tcp=(sbi.port,) if offered else (),
            ),
            algorithms=Algorithms(settings.amf.integrity, settings.amf.ciphering),
            radio=known.radio,
            subscribers=known.subscribers,
            knobs=Knobs(
                downlink_data="sh -c 'ping -c 1 -W 1 -q {address}; true'",
                packet_filter=f"{sys.executable} -m cinq.lab.packet_filter {{rule}} {{address}} {{port}}",
            ),
            host=Host(
                ("env",),
                ("cinq up",),
                private=(str(settings.state.folder),),
                configuration=() if config is None else (str(config),),
            ),
        )
