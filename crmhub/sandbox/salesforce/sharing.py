"""Sharing: which rows a user sees. The integration user sees a share of them, others a smaller one."""

from zlib import crc32

from crmhub.sandbox.salesforce.schema.object import ObjectType, Schema
from crmhub.sandbox.salesforce.settings import Settings
from crmhub.sandbox.salesforce.table import Row, Table

OWNED = frozenset({"Account", "Contact", "Lead", "Opportunity"})


class Sharing:
    """`sees` works on brief rows as well: their keys are in `soql.scope.SHARED_BY`."""

    def __init__(self, schema: Schema, tables: dict[str, Table], settings: Settings, small_id: str) -> None:
        self._schema = schema
        self._tables = tables
        self._settings = settings
        self._small_id = small_id

    def limits(self, user_id: str) -> bool:
        """Whether there is anything that the user does not see."""
        return self._share(user_id) < 1

    def sees(self, kind: ObjectType, row: Row, user_id: str) -> bool:
        """Own records, and a fixed share of those of others; what hangs on a record goes with it."""
        share = self._share(user_id)
        if share >= 1 or row.get("OwnerId") == user_id:
            return True
        if kind.name in OWNED:
            return crc32(str(row["Id"]).encode()) < share * (1 << 32)
        if kind.activity:
            parents = [row.get("WhoId") or row.get("WhatId")]
        elif kind.name == "CampaignMember":
            parents = [row.get("ContactId") or row.get("LeadId")]
        elif kind.name == "OpportunityContactRole":
            parents = [row.get("OpportunityId"), row.get("ContactId")]
        else:
            return True
        return all(self._sees_parent(str(parent), user_id) for parent in parents if parent)

    def _sees_parent(self, record_id: str, user_id: str) -> bool:
        kind = self._schema.by_prefix(record_id[:3])
        row = None if kind is None else self._tables[kind.name].brief(record_id)
        return kind is None or row is None or self.sees(kind, row, user_id)

    def _share(self, user_id: str) -> float:
        return self._settings.small_share if user_id == self._small_id else self._settings.visible_share
