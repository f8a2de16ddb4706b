"""CHF, charging function: TS 32.240, TS 32.290, TS 32.291. Quota, rating by tariffs, accounts, records.

All that is known of a subscriber's money stands in one record of the store, which is replaced as a whole: so a kill at
any moment leaves it before or after a request, and a request that comes again finds that it was served.
"""

from cinq.nf.chf.services import CHF
from cinq.nf.chf.settings import Counter, Settings
from cinq.nf.chf.tariff import Last, Rate, Tariff

__all__ = ["CHF", "Counter", "Last", "Rate", "Settings", "Tariff"]
