"""Which reference points want IPsec: what is in clear there is refused. Keys and peers are the daemon's."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from cinq.settings import check
from cinq.settings.toml import setting

Point = Literal["n2", "n3", "n4"]


@dataclass(frozen=True, slots=True)
class Ipsec:
    """TS 33.501 §9.2 (N2), §9.3 (N3), §9.9 (N4), by the profile of TS 33.210."""

    required: tuple[Point, ...] = setting(
        "Where nothing goes or comes but through IPsec, n2, n3, n4: SCTP, GTP-U and PFCP in clear are dropped and "
        "counted.",
        (),
    )
    interfaces: tuple[str, ...] = setting(
        "Interfaces behind which there is IPsec: xfrm interfaces, or the TUN of a daemon that encrypts by itself. "
        "Policies of the kernel need none.",
        (),
    )

    def __post_init__(self) -> None:
        check.each_once("required", self.required)
        check.at_most("interfaces", self.interfaces, 16)
        check.each_once("interfaces", self.interfaces)
        for name in self.interfaces:
            check.interface("interfaces", name)
            if not name:
                raise ValueError("interfaces: found '', wanted the name of an interface")
