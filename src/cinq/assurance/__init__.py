"""The assurance bench: what a core of any vendor does when it is asked the questions of the 3GPP security assurance
specifications, with a verdict that rests on observed facts.

It drives a target from outside (`ran` on N1 and N2, its own ends of N3 and N4) and knows nothing of how it is built.
How a case is written, and what a verdict means: docs/explanation/assurance.md.
"""
