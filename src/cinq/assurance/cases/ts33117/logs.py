"""TS 33.117 §4.2.3.6.2 and §4.2.3.2.5: logs leave the host safely, tell the right time, and tell who looked at whom."""

from __future__ import annotations

import re
from collections import Counter

from cinq.assurance import reading
from cinq.assurance.case import Case
from cinq.assurance.cases.ts33117 import host as on_host
from cinq.assurance.cases.ts33117 import tc_security_event_logging
from cinq.assurance.trial import Trial
from cinq.ran.scenarios import check

TRANSFER = Case(
    "SCAS-33117-4.2.3.6.2",
    requirement="Logs are handed to a place outside of the product, over a protected connection.",
    threat="An intruder wipes the only copy, or reads along.",
)
PERSONAL = Case(
    "SCAS-33117-4.2.3.2.5",
    requirement="Who looks at personal data in clear is logged, and the data are not in that log.",
    threat="Nobody can tell who looked up where a journalist is.",
)
LOG_FILES = (
    "/etc/rsyslog.conf",
    "/etc/rsyslog.d/*.conf",
    "/etc/syslog-ng/syslog-ng.conf",
    "/etc/syslog-ng/conf.d/*.conf",
    "/etc/systemd/journal-upload.conf",
    "/etc/systemd/journal-upload.conf.d/*.conf",
)
ELSEWHERE = re.compile(
    r"@@?[\w\[(.]|target\s*=\s*\"|^\s*URL\s*=\s*\S|(network|syslog|tcp|udp)\s*\(\s*\"",
    re.IGNORECASE | re.MULTILINE,
)
PROTECTED = re.compile(
    r"(StreamDriver\s*=\s*\"(gtls|ossl)\"|ActionSendStreamDriver\s+(gtls|ossl)|omrelp[^)]*tls\s*=\s*\"on\""
    r"|URL\s*=\s*https://|transport\s*\(\s*\"?tls|\btls\s*\()",
    re.IGNORECASE | re.DOTALL,
)
TIME_FILES = (
    "/etc/chrony/chrony.conf",
    "/etc/chrony/sources.d/*",
    "/etc/chrony/conf.d/*",
    "/etc/chrony.conf",
    "/etc/ntp.conf",
    "/etc/ntpsec/ntp.conf",
)
APART_S = 2.0  # the bench's clock and the host's may differ by so much: a command takes its time


@TRANSFER.sub(
    "host", "syslog or the journal of the host", needs=("host",), limit="rsyslog, syslog-ng and journald"
)
async def transfer(trial: Trial) -> None:
    with trial.control("the settings of the host can be looked at"):
        check.that(await reading.there(trial, "/etc/passwd"), "there is no /etc/passwd")
    said = "\n".join(await reading.lines(trial, *LOG_FILES))
    with trial.finding("logs are sent to another host") as seen:
        found = ELSEWHERE.search(said)
        check.that(found is not None, "neither rsyslog, syslog-ng nor the journal is told to")
        seen.text = said[found.start() : found.start() + 80] if found else ""
    with trial.finding("they go by TLS"):
        check.that(PROTECTED.search(said) is not None, "they go in clear")


@tc_security_event_logging.CASE.sub(
    "clock", "the clock that entries are dated by", needs=("host",), beyond=True
)
async def clock(trial: Trial) -> None:
    with trial.control("the host tells its time"):
        told = (await trial.on_host("date", "+%s.%N")).strip()
        check.that(re.fullmatch(r"\d{9,11}(\.\d+)?N?", told) is not None, f"it says {told[:40]!r}")
    with trial.finding(f"it is that of the bench within {APART_S:g} s") as seen:
        apart = abs(float(told.rstrip("N")) - trial.lab.utc())
        seen.text = f"{apart:.2f} s apart"
        check.that(apart <= APART_S, seen.text)
    with trial.finding("the host asks others for the time") as seen:
        sources = [
            line
            for line in await reading.lines(trial, *TIME_FILES)
            if re.match(r"(server|pool|peer|refclock) ", line)
        ]
        timesyncd = await reading.there(
            trial,
            "/etc/systemd/system/sysinit.target.wants/systemd-timesyncd.service",
            "/run/systemd/timesync/synchronized",
        )
        seen.text = ", ".join(sources) or "systemd-timesyncd"
        check.that(bool(sources) or timesyncd, "neither chrony, ntpd nor systemd-timesyncd is set up to")


@PERSONAL.sub("A", "a look at a subscriber's data", needs=("log", "personal_data"))
async def personal(trial: Trial) -> None:
    await on_host.registered(trial)
    group = trial.target.subscribers[0]
    supi = str(group.imsi).removeprefix("imsi-")
    since = str(int(trial.lab.utc()) - 1)
    before = Counter((await trial.turn("log", since=since)).splitlines())
    shown = await trial.turn("personal_data", supi=supi)
    with trial.control("the data were shown") as seen:
        check.that(
            supi in re.sub(r"\D", "", shown), f"the subscriber's number is not in {len(shown)} characters"
        )
        seen.text = f"{len(shown)} characters"
    await trial.settle()
    after = Counter((await trial.turn("log", since=since)).splitlines())
    new = list((after - before).elements())
    with trial.finding("the log has a new entry about it, with its time and who looked") as seen:
        about = [line for line in new if re.search(r"subscriber|personal|privacy", line, re.IGNORECASE)]
        check.that(bool(about), f"{len(new)} new lines, none of them is about a look at a subscriber")
        seen.text = about[0][:200]
        dated = [line for line in about if tc_security_event_logging.TIME.search(line)]
        check.that(bool(dated), f"there is no time in {about[0][:120]!r}")
        check.that(
            any(re.search(r"\b(user|by|uid|account)\b", line, re.IGNORECASE) for line in dated),
            "nor who it was",
        )
    with trial.finding("the data are not in it"):
        for name, pattern in on_host.keys(trial).items():
            check.that(not any(pattern.search(line) for line in new), f"{name} is")
