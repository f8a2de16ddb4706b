"""The emulated radio interface: port.py is what UE and gNB see of each other, link.py carries it between processes."""
