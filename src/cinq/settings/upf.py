"""The settings of `cinq upf`: one UPF alone. Its [upf], [[dnn]] and [state] are those of `cinq up`."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from cinq.settings import check
from cinq.settings.ipsec import Ipsec
from cinq.settings.network import DataNetwork, State, check_control, check_networks, control_of
from cinq.settings.toml import setting
from cinq.settings.user_plane import Upf


@dataclass(frozen=True, slots=True)
class Node:
    """What a UPF of its own is beside its planes."""

    name: str = setting("Name of this UPF, shown in traces; each UPF of a host has its own.", "upf")
    associates: bool = setting("Whether it sets associations up with its SMFs itself; else they do.", False)
    heartbeat_s: int = setting("Seconds between heartbeats to each SMF, 1 to 3600.", 20)
    survives: bool = setting(
        "Whether sessions and packets go on while the process is away, stopped, killed or replaced; `cinq upf "
        "--remove` ends that.",
        True,
    )
    bpf_folder: Path = setting("Where a BPF file system is mounted, for survives.", Path("/sys/fs/bpf"))
    grace_s: int = setting(
        "Seconds after which the sessions of an SMF that does not answer are removed.", 300
    )

    def __post_init__(self) -> None:
        check.name("name", self.name, 60)
        if not self.name:
            raise ValueError("name: found nothing, wanted 1 to 60 characters")
        check.within("heartbeat_s", self.heartbeat_s, 1, 3600)
        check.within("grace_s", self.grace_s, 1, 7 * 24 * 3600)


@dataclass(frozen=True, slots=True)
class UpfSettings:
    """One UPF."""

    node: Node = setting("What this UPF is called, and how it treats its SMFs.", factory=Node)
    upf: Upf = setting("User plane: N3, N4 and N6. smf_addresses are its SMFs.", factory=Upf)
    ipsec: Ipsec = setting("Where nothing is in clear: n3, n4.", factory=Ipsec)
    state: State = setting("What is kept on this host.", factory=State)
    dnn: tuple[DataNetwork, ...] = setting("The data networks.", factory=lambda: (DataNetwork(),))

    def __post_init__(self) -> None:
        check_networks(self.dnn)
        if "n2" in self.ipsec.required:
            raise ValueError("ipsec: required: found n2, wanted n3 or n4: a UPF has no N2")
        if not self.upf.smf_addresses:
            raise ValueError("upf: smf_addresses: found none, wanted the N4 address of at least one SMF")
        check_control(self.control)

    @property
    def control(self) -> Path:
        """The socket of the event stream."""
        return control_of(self.state.run, self.node.name)
