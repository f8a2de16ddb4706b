"""Whole networks on one machine, in network namespaces made for the purpose: the demonstration and the benches.

topology   namespaces for radio side, core and data network, and what joins them
rootless   the same without root: a user namespace of its own
core       the core as a process of its own
demo       one network, one phone, one download
"""
