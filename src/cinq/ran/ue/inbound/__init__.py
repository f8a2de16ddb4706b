"""Who hears what comes from the network, and what it meets there. Importing this package declares all procedures.

5GMM messages open the procedures that name them (`@procedure(opens=...)`); transport.py hands what DL NAS TRANSPORT
carries to its reader, gsm.py judges 5GSM messages, collisions.py is what a message meets that nobody awaits.
"""

from cinq.ran.ue.inbound import collisions, transport

__all__ = ["collisions", "transport"]
