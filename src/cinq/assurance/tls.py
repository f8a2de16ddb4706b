"""The TLS profile of TS 33.210 §6.2 and RFC 9113, as questions to whoever speaks TLS."""

from __future__ import annotations

from collections.abc import Mapping

from cinq.assurance.target import endpoint
from cinq.assurance.trial import Trial
from cinq.ran.scenarios import check
from cinq.ran.scenarios.check import Failed
from cinq.transport.tls_hello import SSL3, TLS10, TLS11, TLS12, TLS13, Answer, ask, client_hello

VERSIONS = {SSL3: "SSL 3.0", TLS10: "TLS 1.0", TLS11: "TLS 1.1", TLS12: "TLS 1.2", TLS13: "TLS 1.3"}
MANDATED = {
    TLS12: (0xC02B, 0xC02F),  # ECDHE with AES-128-GCM, by ECDSA and by RSA
    TLS13: (0x1301,),  # AES-128-GCM
}
BY_AND_LARGE = (0xC02B, 0xC02F, 0xC009, 0xC013, 0x002F, 0x0035, 0x000A, 0x003C)
"""What a server of any age has: offered with old versions, so that it is the version that is refused."""
FORBIDDEN = {
    "no encryption": (0x0001, 0x0002, 0x003B, 0xC006, 0xC010),
    "no authentication (anonymous)": (0x0018, 0x001B, 0x0034, 0x006C, 0x00A6, 0xC018),
    "export keys": (0x0003, 0x0006, 0x0008, 0x0014),
    "RC4": (0x0004, 0x0005, 0xC007, 0xC011),
    "DES": (0x0009, 0x0015),
    "triple DES": (0x000A, 0x0016, 0xC008, 0xC012),
    "keys sent by RSA (no forward secrecy)": (0x002F, 0x0035, 0x003C, 0x009C, 0x009D),
}
NOT_IN_HTTP_2 = {"CBC": (0xC009, 0xC013, 0xC023, 0xC027, 0x0033, 0x0067)}
"""RFC 9113 appendix A, beside those that are forbidden anyway."""


async def said(place: str, hello: bytes) -> Answer:
    """Failed: nobody is there."""
    host, port = endpoint("interfaces", place)
    try:
        return await ask(host, port, hello)
    except (OSError, TimeoutError) as error:
        raise Failed(f"{place}: {error or 'no answer'}") from None


def words(answer: Answer) -> str:
    if answer.version:
        return f"{VERSIONS.get(answer.version, hex(answer.version))} with suite {answer.suite:#06x}"
    return "an alert" if answer.alert >= 0 else "no SERVER HELLO"


async def speaks(trial: Trial, place: str) -> None:
    """A control: it speaks TLS, of one version that is allowed."""
    with trial.control(f"{place} speaks TLS") as seen:
        answers = [await said(place, client_hello(version, suites)) for version, suites in MANDATED.items()]
        check.that(
            any(answer.version for answer in answers), "it answers no CLIENT HELLO of TLS 1.2 and TLS 1.3"
        )
        seen.text = ", ".join(words(answer) for answer in answers)


async def mandated(trial: Trial, place: str) -> None:
    await speaks(trial, place)
    for version, suites in MANDATED.items():
        with trial.finding(
            f"{place} takes {VERSIONS[version]} with a suite that every end must have"
        ) as seen:
            answer = await said(place, client_hello(version, suites))
            seen.text = words(answer)
            check.equal(answer.version, version, "the version chosen")
            check.one_of(answer.suite, suites, "the suite chosen")


async def old_versions(trial: Trial, place: str) -> None:
    await speaks(trial, place)
    for version in (SSL3, TLS10, TLS11):
        with trial.finding(f"{place} does not take {VERSIONS[version]}") as seen:
            answer = await said(place, client_hello(version, BY_AND_LARGE))
            seen.text = words(answer)
            check.equal(answer.version, 0, "the version chosen")
    await speaks(trial, place)


async def suites_refused(trial: Trial, place: str, forbidden: Mapping[str, tuple[int, ...]]) -> None:
    """One by one, as a server takes the first of several that it has."""
    await speaks(trial, place)
    for what, suites in forbidden.items():
        with trial.finding(f"{place} takes no suite with {what}"):
            taken = []
            for suite in suites:
                answer = await said(place, client_hello(TLS12, (suite,)))
                if answer.version:
                    taken.append(f"{suite:#06x}")
            check.equal(taken, [], "suites that it took")
    await speaks(trial, place)


async def wants_a_certificate(trial: Trial, place: str) -> None:
    """Seen in TLS 1.2, where it is asked in clear."""
    await speaks(trial, place)
    answer = await said(place, client_hello(TLS12, MANDATED[TLS12]))
    with trial.control("TLS 1.2 is taken, where the request for a certificate can be read"):
        check.equal(answer.version, TLS12, "the version chosen")
    with trial.finding(f"{place} wants the client's certificate"):
        check.that(answer.certificate_wanted, "there is no CERTIFICATE REQUEST")


async def no_compression(trial: Trial, place: str) -> None:
    await speaks(trial, place)
    answer = await said(place, client_hello(TLS12, MANDATED[TLS12], compression=b"\x01\0"))
    with trial.finding(f"{place} does not compress, and knows secure renegotiation (RFC 5746)"):
        check.equal(answer.compression, 0, "the compression method")
        check.that(answer.version != TLS12 or answer.secure_renegotiation, "renegotiation_info is missing")
