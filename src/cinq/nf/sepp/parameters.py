"""Parameters of PRINS that two SEPPs exchange, TS 29.573 §5.2.3, TS 33.501 §13.2.2.2: suites, policies, IPXes, keys."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from cinq.crypto import n32
from cinq.nf.sepp import reformat
from cinq.nf.sepp.prins import SIGNATURES, SUITES, Keys, Security
from cinq.nf.sepp.settings import Partner
from cinq.sbi.services.n32c_handshake import (
    ApiIeMapping,
    IeInfo,
    IpxProviderSecInfo,
    ProtectionPolicy,
    SecParamExchReqData,
    SecParamExchRspData,
)

MOST = 4  # contexts with one partner: either may have begun one, and then again
ANY_API = "/"


class Parameters:
    """The contexts of PRINS, by our identifiers of them. entropy(n) gives n random octets."""

    def __init__(self, entropy: Callable[[int], bytes]) -> None:
        self._entropy = entropy
        self._contexts: dict[str, dict[str, Security]] = {}

    def security(self, partner: Partner, identifier: str) -> Security | None:
        return self._contexts.get(partner.name, {}).get(identifier)

    def forget(self, partner: Partner, identifier: str) -> Security | None:
        """What it was."""
        return self._contexts.get(partner.name, {}).pop(identifier.lower(), None)

    def wanted(self, fqdn: str) -> SecParamExchReqData:
        """Of the initiating SEPP, with a context of its own."""
        return SecParamExchReqData(
            n32f_context_id=self._entropy(8).hex(),
            jwe_cipher_suite_list=list(SUITES),
            jws_cipher_suite_list=list(SIGNATURES),
            protection_policy_info=policy(),
            sender=fqdn,
        )

    def agreed(
        self,
        partner: Partner,
        wanted: SecParamExchReqData,
        answer: SecParamExchRspData,
        exported: tuple[bytes, str],
    ) -> Security:
        """What the responding SEPP has selected. ValueError: it is not what was offered."""
        suite = answer.selected_jwe_cipher_suite
        if suite not in SUITES or answer.selected_jws_cipher_suite not in SIGNATURES:
            raise ValueError("it selects a cipher suite that was not offered")
        if answer.n32f_context_id == wanted.n32f_context_id:
            raise ValueError("both ends would have one context identifier")
        _check(answer.sel_protection_policy_info)
        keys = Keys.of(_master(exported), wanted.n32f_context_id, suite, initiator=True)
        return self._kept(partner, wanted.n32f_context_id, answer.n32f_context_id, suite, keys)

    def answered(
        self, partner: Partner, body: SecParamExchReqData, exported: tuple[bytes, str], fqdn: str
    ) -> tuple[Security, SecParamExchRspData]:
        """As the responding SEPP. ValueError: nothing that both have."""
        suite = _common(SUITES, body.jwe_cipher_suite_list, "JWE")
        signature = _common(SIGNATURES, body.jws_cipher_suite_list, "JWS")
        _check(body.protection_policy_info)
        own, peer = self._entropy(8).hex(), body.n32f_context_id.lower()
        keys = Keys.of(_master(exported), body.n32f_context_id, suite, initiator=False)
        made = self._kept(partner, own, peer, suite, keys)
        answer = SecParamExchRspData(
            n32f_context_id=own,
            selected_jwe_cipher_suite=suite,
            selected_jws_cipher_suite=signature,
            sel_protection_policy_info=policy(),
            ipx_provider_sec_info_list=[
                IpxProviderSecInfo(ipx_provider_id=one.name, raw_public_key_list=[one.key.decode()])
                for one in partner.ipxes
            ],
            sender=fqdn,
        )
        return made, answer

    def _kept(self, partner: Partner, own: str, peer: str, suite: str, keys: Keys) -> Security:
        contexts = self._contexts.setdefault(partner.name, {})
        while len(contexts) >= MOST:
            del contexts[next(iter(contexts))]
        contexts[own] = made = Security(own, peer, suite, keys, partner.ipxes, partner.ipx)
        return made


def policy() -> ProtectionPolicy:
    """Which attributes of any API are of which kind, and that all kinds are encrypted (TS 33.501 §5.9.3.3)."""
    infos = [
        IeInfo(ie_loc="BODY", ie_type=kind, req_ie=name, rsp_ie=name, is_modifiable=False)
        for name, kind in reformat.ENCRYPTED.items()
    ]
    infos += [IeInfo(ie_loc="HEADER", ie_type="AUTHORIZATION_TOKEN", req_ie="authorization")]
    return ProtectionPolicy(
        api_ie_mapping_list=[ApiIeMapping(api_signature=ANY_API, api_method="POST", ie_list=infos)],
        data_type_enc_policy=list(reformat.TYPES),
    )


def _check(said: ProtectionPolicy | None) -> None:
    """Data-type encryption policies are equal (TS 33.501 §13.2.3.2). ValueError."""
    if said is not None and set(said.data_type_enc_policy) != set(reformat.TYPES):
        raise ValueError("the data-type encryption policies differ")


def _common(own: Sequence[str], offered: Sequence[str], what: str) -> str:
    found = next((one for one in offered[:16] if one in own), None)
    if found is None:
        raise ValueError(f"no {what} cipher suite that both have")
    return found


def _master(exported: tuple[bytes, str]) -> bytes:
    """ValueError: the connection is of a TLS that exports nothing."""
    secret, algorithm = exported
    if not secret:
        raise ValueError("the connection exports no keys: TLS 1.3 is wanted")
    return n32.exported(secret, algorithm)
