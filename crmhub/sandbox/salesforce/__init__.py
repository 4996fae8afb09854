"""The simulated Salesforce org: REST, OAuth, SOQL, collections, composite and tooling resources.

Vendor pages: REST API Developer Guide, SOQL and SOSL Reference, Tooling API Developer Guide.
"""
