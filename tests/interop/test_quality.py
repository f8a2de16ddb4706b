"""An application with curl: 20 Mbit/s for a UE for some seconds, seen at the UPF (docs/how-to/ask-for-quality.md)."""

from __future__ import annotations

import json
import re
import time
from collections.abc import Callable

import pytest

from tests.interop.place import CINQ, Place
from tests.interop.test_apart import settings

pytestmark = [pytest.mark.root, pytest.mark.kernel]
API, SECRET = "http://127.0.0.9:7780", "0123456789abcdef"
FLOW = "QFI 2: 20 Mbit/s up, 20 Mbit/s down"


def test_a_curl_call_gives_a_ue_twenty_megabits(place: Place) -> None:
    added = f'[nef]\nstart = true\n[[af]]\nid = "video"\nsecret = "{SECRET}"\n'
    core_toml, gnb_toml, ue_toml = settings(place, added)
    core = place.start("core", *CINQ, "up", "--config", str(core_toml))
    core.wait("ready in .* Ctrl-C", within=60)
    gnb = place.start("radio", *CINQ, "gnb", "--config", str(gnb_toml))
    gnb.wait("NG Setup done", within=30)
    ue = place.start("radio", *CINQ, "ue", "--config", str(ue_toml))
    ue.wait("1 of 1 UEs are up", within=30)
    found = re.search(r"10\.45\.\d+\.\d+", ue.text)
    assert found is not None

    def curl(path: str, *arguments: str) -> dict[str, object]:
        done = place.run("core", "curl", "-sS", "--http2-prior-knowledge", f"{API}{path}", *arguments)
        assert done.returncode == 0, done.stderr
        answer: dict[str, object] = json.loads(done.stdout)
        return answer

    def shown() -> str:
        return place.run("core", *CINQ, "session", "show", found[0], "--config", str(core_toml)).stdout

    credentials = f"grant_type=client_credentials&client_id=video&client_secret={SECRET}"
    token = curl("/oauth2/v1/token", "-d", credentials)["access_token"]
    headers = ("-H", f"Authorization: Bearer {token}", "-H", "Content-Type: application/json")
    wanted = {
        "device": {"ipv4Address": {"publicAddress": found[0]}},
        "applicationServer": {"ipv4Address": "198.51.100.7"},
        "qosProfile": "QOS_L",
        "duration": 8,
    }
    assert FLOW not in shown()
    made = curl("/quality-on-demand/v1/sessions", *headers, "-d", json.dumps(wanted))
    session = f"/quality-on-demand/v1/sessions/{made['sessionId']}"
    assert until(lambda: curl(session, *headers)["qosStatus"] == "AVAILABLE", 6)
    assert FLOW in shown()
    assert until(lambda: curl(session, *headers)["qosStatus"] == "UNAVAILABLE", 15)
    assert curl(session, *headers)["statusInfo"] == "DURATION_EXPIRED"
    assert until(lambda: FLOW not in shown(), 5)
    for one in (ue, gnb, core):
        assert one.end(within=30) == 0


def until(holds: Callable[[], bool], seconds: float) -> bool:
    """Whether it holds within so long: other processes take part."""
    deadline = time.monotonic() + seconds
    while not holds():
        if time.monotonic() > deadline:
            return False
    return True
