"""Unexpected input, made from the tables of the codecs: every message and every information element of an interface.

form       a message as a tree of elements, from which an input is put together, whole or spoilt
kinds      in which ways one is spoilt, and in which order all of them are tried
ngap nas pfcp gtpu   the messages of one protocol as forms
shrink     the smallest input that still does harm
actor      who sends: what it needs to be heard, and that it is served afterwards
campaign   many inputs among those who must not notice

The same seed gives the same inputs in the same order.
"""
