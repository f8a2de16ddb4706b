"""The knob `algorithm_order` for a core of `cinq up`.

python -m cinq.lab.algorithm_order SETTINGS PID-FILE NIA1,NIA2 NEA2,NEA0

Writes [amf] integrity and ciphering of the settings file, and has the running core read it again. PID-FILE holds the
core's process id.
"""

from __future__ import annotations

import os
import re
import signal
import sys
import time
from pathlib import Path

from cinq.settings import loads
from cinq.settings.network import NetworkSettings
from cinq.settings.toml import written

TAKEN_S = 0.5  # so long a core may take to read its settings


def main(settings: Path, pid_file: Path, integrity: str, ciphering: str) -> None:
    """SettingsError: the order is none. ProcessLookupError: there is no such process."""
    text = settings.read_text()
    for key, order in (("integrity", integrity), ("ciphering", ciphering)):
        text = with_key(text, key, written(tuple(order.split(","))))
    loads(NetworkSettings, text, str(settings))
    settings.write_text(text)
    os.kill(int(pid_file.read_text()), signal.SIGHUP)
    time.sleep(TAKEN_S)


def with_key(text: str, key: str, value: str) -> str:
    """A settings text whose [amf] has this value, in place of the one that was there."""
    if not re.search(r"(?m)^\[amf\]\s*$", text):
        text += "\n[amf]\n"
    head, table, rest = re.split(r"(?m)^(\[amf\])[ \t]*$", text, maxsplit=1)
    own, *further = re.split(r"(?m)^(?=\[)", rest, maxsplit=1)
    own = re.sub(rf"(?m)^\s*{key}\s*=.*\n?", "", own)
    return f"{head}{table}\n{key} = {value}{own.rstrip()}\n" + "".join(("\n", *further) if further else ())


if __name__ == "__main__":
    main(Path(sys.argv[1]), Path(sys.argv[2]), sys.argv[3], sys.argv[4])
