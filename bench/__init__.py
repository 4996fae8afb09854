"""Measurements. Nothing of the product imports this; it is not part of the wheel."""
