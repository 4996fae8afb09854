"""The org's objects and fields as tables of facts; custom fields join them at run time."""
