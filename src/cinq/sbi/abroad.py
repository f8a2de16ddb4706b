"""Networks of others, as the functions of this one reach them: through the SEPP, TS 29.500 §6.1.4.3, TS 23.501 §6.2.17.

What is in another network has a name in that network's domain (TS 23.003 §28). A request to such a name goes to our
SEPP, and says in 3gpp-Sbi-Target-apiRoot whom it is for.
"""

from __future__ import annotations

from dataclasses import dataclass

from cinq.home_domain import function_name, is_of_a_network, plmn_of_name, root_of
from cinq.numbering import PlmnId
from cinq.procedure import Why
from cinq.sbi.problem import Problem

NRF_PORT = 443


@dataclass(frozen=True, slots=True)
class Abroad:
    """own: PLMNs of this network, the first being its name. partners: PLMNs of others. sepp: API root of our SEPP."""

    own: tuple[PlmnId, ...]
    partners: tuple[PlmnId, ...]
    sepp: str

    def way(self, root: str) -> str:
        """The API root of our SEPP for a request to another network, "" within ours. Problem 504: of no partner."""
        _, host = root_of(root)
        if not is_of_a_network(host) or plmn_of_name(host, self.own) is not None:
            return ""
        if plmn_of_name(host, self.partners) is None:
            raise Problem(504, "TARGET_NF_NOT_REACHABLE", Why(f"{host[:120]} is of no roaming partner"))
        return self.sepp

    def plmn_of(self, root: str) -> PlmnId | None:
        """Of a partner whose the root is; None: it is ours, or nobody's."""
        return plmn_of_name(root_of(root)[1], self.partners)

    def nrf(self, plmn: PlmnId) -> str:
        """The API root of a partner's NRF (TS 23.003 §28.3.2.3.2)."""
        return f"https://{function_name('nrf', plmn)}:{NRF_PORT}"
