"""What admins and uniqueness forbid: unique fields, validation rules, duplicate rules."""

from collections.abc import Iterable
from dataclasses import dataclass

from crmhub.sandbox.salesforce.errors import RowError, RowRejectedError, reject
from crmhub.sandbox.salesforce.org import OrgState
from crmhub.sandbox.salesforce.schema.field import Field
from crmhub.sandbox.salesforce.schema.object import ObjectType
from crmhub.sandbox.salesforce.table import Row


@dataclass(frozen=True, slots=True)
class Policies:
    """All but workflows raise RowRejectedError."""

    org: OrgState

    def unique(self, kind: ObjectType, row: Row, changed: Iterable[Field]) -> None:
        """DUPLICATE_VALUE names the record that has the value, with its 15-character id."""
        table = self.org.tables[kind.name]
        for field in changed:
            value = row.get(field.name)
            if not field.unique or value is None:
                continue
            for record_id in sorted(table.find(field.name, value) - {str(row["Id"])}):
                other = table.get(record_id)
                if other is None or other.get("IsDeleted"):
                    continue
                if field.case_sensitive and other.get(field.name) != value:
                    continue
                seen = self.org.visible(kind, other)
                name, shown = (field.name, record_id[:15]) if seen else ("<unknown>", "<unknown>")
                message = f"duplicate value found: {name} duplicates value on record with id: {shown}"
                raise reject("DUPLICATE_VALUE", message, field.name)

    def workflows(self, kind: ObjectType, row: Row, before: Row | None) -> None:
        """Before-save automation; its values are taken as they are."""
        for rule in self.org.settings.workflows:
            name, values = str(rule.get("field")), rule.get("set")
            if rule.get("object") != kind.name or not isinstance(values, dict):
                continue
            changed = before is None or before.get(name) != row.get(name)
            if changed and ("value" not in rule or rule["value"] == row.get(name)):
                row.update({key: value for key, value in values.items() if kind.field(key) is not None})

    def validation_rules(self, kind: ObjectType, row: Row) -> None:
        """The admin's own text."""
        for rule in self.org.settings.validation_rules:
            if rule.get("object") == kind.name and row.get(str(rule.get("field"))) == rule.get("value"):
                fields = tuple(str(name) for name in rule.get("fields", ()))
                message = str(rule.get("message", "Refused by a validation rule"))
                raise RowRejectedError(RowError("FIELD_CUSTOM_VALIDATION_EXCEPTION", message, fields))

    def duplicate_rules(self, kind: ObjectType, row: Row, before: Row | None) -> None:
        """DUPLICATES_DETECTED with the records that look the same."""
        for rule in self.org.settings.duplicate_rules:
            name = str(rule.get("field"))
            value = row.get(name)
            if rule.get("object") != kind.name or value is None:
                continue
            if before is not None and before.get(name) == value:
                continue
            table = self.org.tables[kind.name]
            others = (table.get(found) for found in sorted(table.find(name, value) - {str(row["Id"])}))
            matches = [str(other["Id"]) for other in others if other is not None and not other.get("IsDeleted")]
            if matches:
                raise RowRejectedError(self._detected(kind, matches, allow_save=bool(rule.get("allowSave"))))

    def _detected(self, kind: ObjectType, matches: list[str], *, allow_save: bool) -> RowError:
        text = "Use one of these records?"
        records = [
            {
                "additionalInformation": [],
                "fieldDiffs": [],
                "matchConfidence": 100.0,
                "record": {
                    "attributes": {
                        "type": kind.name,
                        "url": f"/services/data/v67.0/sobjects/{kind.name}/{found}",
                    },
                    "Id": found,
                },
            }
            for found in matches
        ]
        result = {
            "allowSave": allow_save,
            "duplicateRule": f"Standard_{kind.name}_Duplicate_Rule",
            "duplicateRuleEntityType": kind.name,
            "errorMessage": text,
            "matchResults": [
                {
                    "entityType": kind.name,
                    "errors": [],
                    "matchEngine": "FuzzyMatchEngine",
                    "matchRecords": records,
                    "rule": f"Standard_{kind.name}_Match_Rule_v1_0",
                    "size": len(records),
                    "success": True,
                }
            ],
        }
        return RowError("DUPLICATES_DETECTED", text, extra={self.org.settings.duplicate_key: result})
