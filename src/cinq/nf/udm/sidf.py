"""SIDF: from a SUCI to the SUPI, TS 33.501 §6.12.5 and annex C."""

from __future__ import annotations

from cinq.crypto.suci import NULL_SCHEME, SuciError, deconceal
from cinq.nf.udm.settings import Settings
from cinq.numbering import NumberingError, Suci, SuciNai, Supi, msin_digits
from cinq.procedure import Why
from cinq.sbi import InvalidParam, Problem


def supi_of(supi_or_suci: str, settings: Settings) -> str:
    """'imsi-...'. Problem 400 when it is neither, 403 when a SUCI cannot be de-concealed, 404 when nobody here has it.

    Subscribers here have IMSIs: a SUCI of another type of SUPI is that of an unknown user.
    Every SUCI of one scheme and key that is not de-concealed gets the same answer, whatever was wrong with it.
    """
    try:
        if not supi_or_suci.startswith("suci-"):
            return str(Supi.parse(supi_or_suci))
        suci = Suci.parse(supi_or_suci) if supi_or_suci[5:7] == "0-" else SuciNai.parse(supi_or_suci)
    except NumberingError as error:
        invalid = InvalidParam(param="supiOrSuci", reason=str(error))
        raise Problem(400, "MANDATORY_IE_INCORRECT", Why(f"no SUPI or SUCI: {error}"), invalid) from None
    if isinstance(suci, SuciNai):
        text = f"{supi_or_suci[:80]} has a SUPI of type {suci.supi_type}; subscribers here have IMSIs"
        raise Problem(404, "USER_NOT_FOUND", Why(text, "a USIM with an IMSI"))
    if suci.plmn not in settings.plmns:
        here = ", ".join(map(str, settings.plmns))
        text = f"the UE is of PLMN {suci.plmn}; the home network here is {here}"
        raise Problem(404, "USER_NOT_FOUND", Why(text, f'a SIM of {here}, or [network] plmn = "{suci.plmn}"'))
    try:
        msin = msin_digits(_plain(suci, settings))
        return str(Supi(suci.plmn.mcc + suci.plmn.mnc + msin))
    except (SuciError, NumberingError):
        raise Problem(403, "AUTHENTICATION_REJECTED", _not_deconcealed(suci, settings)) from None


def _not_deconcealed(suci: Suci, settings: Settings) -> Why:
    """Says no more than the SUCI's header does, so that nobody learns what was wrong with the rest."""
    if suci.scheme == NULL_SCHEME:
        return Why("a SUCI of the null scheme is no IMSI of this network, or is not taken")
    profile = {1: "A", 2: "B"}.get(suci.scheme, str(suci.scheme))
    here = ", ".join(f"{k.id} ({'AB'[k.scheme - 1]})" for k in settings.home_network_keys) or "none"
    text = f"a SUCI of home network key {suci.key_id}, profile {profile}, was not de-concealed; keys here: {here}"
    return Why(text, "[[home_network_key]] with the private key of what the USIM has")


def _plain(suci: Suci, settings: Settings) -> bytes:
    if suci.scheme == NULL_SCHEME:
        if not settings.null_scheme:
            raise SuciError("the null scheme is switched off")
        return suci.output
    for key in settings.home_network_keys:
        if key.id == suci.key_id and key.scheme == suci.scheme:
            return deconceal(key.scheme, key.private_key, suci.output)
    raise SuciError(f"no home network key {suci.key_id} of scheme {suci.scheme}")
