"""Hatch build hook: what is generated at build time and never committed.

NGAP codecs come from pycrate's resolved ASN.1 tree; the eBPF object and the stream ciphers come from one C file each.
Each generator is a script of its own room and can be run by hand.
"""

from __future__ import annotations

import runpy
import sys
import sysconfig
from pathlib import Path

from hatchling.builders.hooks.plugin.interface import BuildHookInterface

ROOT = Path(__file__).parent
GENERATORS = (
    "src/cinq/wire/per/build.py",
    "src/cinq/userplane/ebpf/build.py",
    "src/cinq/crypto/native/build.py",
)
NATIVE = ROOT / "src/cinq/crypto/native/algorithms.so.1"


class GenerateHook(BuildHookInterface):
    """Runs each room's generator before hatchling collects files."""

    PLUGIN_NAME = "custom"

    def dependencies(self) -> list[str]:
        """A compiler from PyPI, for the build only, where the machine has none that knows BPF."""
        generator = runpy.run_path(str(ROOT / GENERATORS[1]))
        return [] if generator["clang"]() else [generator["ZIG"]]

    def initialize(self, version: str, build_data: dict[str, object]) -> None:
        for script in GENERATORS:
            path = ROOT / script
            if path.exists():
                argv, sys.argv = sys.argv, [str(path)]
                try:
                    runpy.run_path(str(path), run_name="__main__")
                finally:
                    sys.argv = argv
        if NATIVE.exists():  # then the wheel is for machines like this one, whatever their Python
            machine = sysconfig.get_platform().replace("-", "_").replace(".", "_")
            build_data["pure_python"] = False
            build_data["tag"] = f"py3-none-{machine}"
