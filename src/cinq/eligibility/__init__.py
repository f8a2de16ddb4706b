"""Eligibility: what laws and policies say of those who made the equipment of a network, and what follows at its doors.

It never meets assurance, which says what a product did under test: no result there changes a verdict here, and none
here says anything of a product. Verdicts are allow, deny, review and conflict; people decide.
"""
