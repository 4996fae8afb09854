"""What follows from an opportunity's stage, and that it has one primary contact at most."""

from crmhub.sandbox.salesforce.errors import reject
from crmhub.sandbox.salesforce.org import OrgState
from crmhub.sandbox.salesforce.table import Row


def stage_of(org: OrgState, name: object) -> Row | None:
    """The OpportunityStage row of that name, active or not."""
    table = org.tables["OpportunityStage"]
    found = table.find("ApiName", str(name))
    return table.get(min(found)) if found else None


def opportunity(org: OrgState, row: Row, before: Row | None) -> None:
    """IsClosed, IsWon and the forecast category follow the stage; the probability too unless it is given."""
    if before is None and row.get("RecordTypeId") is None:
        types = org.tables["RecordType"].ids()
        row["RecordTypeId"] = types[0] if types else None
    stage = stage_of(org, row.get("StageName")) or {}
    row["IsClosed"], row["IsWon"] = bool(stage.get("IsClosed")), bool(stage.get("IsWon"))
    entered = before is None or before.get("StageName") != row.get("StageName")
    old = before or {}
    if entered:
        row["LastStageChangeDate"] = org.stamp()
        if row.get("Probability") == old.get("Probability"):
            row["Probability"] = stage.get("DefaultProbability", 0.0)
        if row.get("ForecastCategoryName") == old.get("ForecastCategoryName"):
            row["ForecastCategoryName"] = stage.get("ForecastCategoryName", "Pipeline")
    name = str(row.get("ForecastCategoryName"))
    row["ForecastCategory"] = {"Best Case": "BestCase", "Commit": "Forecast"}.get(name, name)


def contact_role(org: OrgState, row: Row, before: Row | None) -> None:
    """A new primary contact takes the mark from the one before."""
    kind = org.schema.get("OpportunityContactRole")
    assert kind is not None
    if before is None and row.get("ContactId") is None:
        raise reject("REQUIRED_FIELD_MISSING", "Required fields are missing: [ContactId]", "ContactId")
    if not row.get("IsPrimary") or (before is not None and before.get("IsPrimary")):
        return
    table = org.tables[kind.name]
    for other_id in sorted(table.find("OpportunityId", row["OpportunityId"]) - {str(row["Id"])}):
        other = org.current(kind, other_id)
        if other is not None and other.get("IsPrimary") and not other.get("IsDeleted"):
            stamp = org.stamp()
            moved: Row = {"IsPrimary": False, "SystemModstamp": stamp, "LastModifiedDate": stamp}
            org.put(kind, {**other, **moved})
