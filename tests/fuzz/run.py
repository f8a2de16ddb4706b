"""python -m tests.fuzz.run TARGET SECONDS [CORPUS]: coverage-guided, by atheris. Exit code 0: no finding.

A finding is written to findings/TARGET-..., and once mended moves to tests/fuzz/kept/TARGET/.
"""

from __future__ import annotations

import logging
import sys
from pathlib import Path

import atheris

with atheris.instrument_imports(include=["cinq.wire", "cinq.numbering", "cinq.trace", "cinq.settings"]):
    from tests.fuzz import decoders, seeds

FINDINGS = Path("findings")


def main() -> None:
    name, seconds = sys.argv[1], sys.argv[2]
    logging.disable(logging.CRITICAL)
    if name == "core-n1-n2":
        with atheris.instrument_imports(include=["cinq.nf.amf", "cinq.nf.smf"]):
            from tests.fuzz import stateful
        target = stateful.core_n1_n2
    else:
        target = decoders.TARGETS[name]
    corpus = Path(sys.argv[3] if len(sys.argv) > 3 else f"corpus/{name}")
    corpus.mkdir(parents=True, exist_ok=True)
    FINDINGS.mkdir(exist_ok=True)
    seeds.plant(name, corpus)
    options = [
        f"-max_total_time={seconds}",
        f"-artifact_prefix={FINDINGS}/{name}-",
        "-timeout=20",
        "-rss_limit_mb=4096",
        "-print_final_stats=1",
        f"-max_len={65536 if name == 'capture-file' else 2048}",
    ]
    atheris.Setup([sys.argv[0], *options, str(corpus)], target)
    atheris.Fuzz()


if __name__ == "__main__":
    main()
