"""Hatch build hook: what is generated at build time and never committed.

NGAP codecs come from pycrate's resolved ASN.1 tree; the eBPF object comes from one C file. Each generator is
a script of its own room and can be run by hand.
"""

from __future__ import annotations

import runpy
import sys
from pathlib import Path

from hatchling.builders.hooks.plugin.interface import BuildHookInterface

ROOT = Path(__file__).parent
GENERATORS = ("src/cinq/wire/per/build.py", "src/cinq/userplane/ebpf/build.py")


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
