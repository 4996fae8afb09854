"""SOQL: text -> tokens -> syntax tree -> plan bound to the org's fields -> rows.

Vendor page: SOQL and SOSL Reference.
"""
