"""Campaigns and their members: a person once, and a response when the status says so."""

from dataclasses import replace

from crmhub.sandbox.salesforce.errors import reject
from crmhub.sandbox.salesforce.org import OrgState
from crmhub.sandbox.salesforce.schema.field import Option
from crmhub.sandbox.salesforce.table import Row
from crmhub.sandbox.salesforce.times import day_of

_FIRST_STATUSES = (("Sent", False, True), ("Responded", True, False))


def campaign(org: OrgState, row: Row, before: Row | None) -> None:
    """A new one has the statuses Sent and Responded."""
    if before is not None:
        return
    kind = org.schema.get("CampaignMemberStatus")
    assert kind is not None
    stamp, user = org.stamp(), org.user_id
    for place, (label, responded, default) in enumerate(_FIRST_STATUSES, 1):
        made: Row = {
            "Id": org.new_id(kind),
            "CampaignId": row["Id"],
            "Label": label,
            "SortOrder": place,
            "IsDefault": default,
            "HasResponded": responded,
            "CreatedDate": stamp,
            "CreatedById": user,
            "LastModifiedDate": stamp,
            "LastModifiedById": user,
            "SystemModstamp": stamp,
        }
        org.put(kind, made)


def statuses_of(org: OrgState, campaign_id: object) -> list[Row]:
    """The statuses of a campaign's members, in order."""
    table = org.tables["CampaignMemberStatus"]
    found = (table.get(one) for one in table.find("CampaignId", str(campaign_id)))
    rows = [row for row in found if row is not None and not row.get("IsDeleted")]
    return sorted(rows, key=lambda row: (int(row.get("SortOrder") or 0), str(row["Id"])))


def member(org: OrgState, row: Row, before: Row | None) -> None:
    """HasResponded follows the status; a status that the campaign does not have becomes its default."""
    if before is None:
        _joins(org, row)
    statuses = statuses_of(org, row["CampaignId"])
    label = str(row.get("Status") or "").lower()
    status = next((one for one in statuses if str(one["Label"]).lower() == label), None)
    if status is None:
        status = next((one for one in statuses if one.get("IsDefault")), statuses[0] if statuses else {})
    row["Status"] = status.get("Label")
    row["HasResponded"] = bool(status.get("HasResponded"))
    if row["HasResponded"] and not row.get("FirstRespondedDate"):
        row["FirstRespondedDate"] = day_of(org.clock.now())
    elif not row["HasResponded"]:
        row["FirstRespondedDate"] = None


def _joins(org: OrgState, row: Row) -> None:
    """A lead or a contact, not a converted lead, and not twice."""
    keys = [name for name in ("LeadId", "ContactId") if row.get(name)]
    if not keys:
        raise reject(
            "REQUIRED_FIELD_MISSING", "Required fields are missing: [LeadId, ContactId]", "LeadId", "ContactId"
        )
    if len(keys) == 2:
        raise reject("FIELD_INTEGRITY_EXCEPTION", "A campaign member is either a lead or a contact", *keys)
    found = org.reference(row[keys[0]])
    if found is not None and found[1].get("IsConverted"):
        raise reject("CANNOT_UPDATE_CONVERTED_LEAD", "cannot reference converted lead", "LeadId")
    table = org.tables["CampaignMember"]
    for other_id in table.find(keys[0], row[keys[0]]) - {str(row["Id"])}:
        other = table.get(other_id)
        if other is not None and other["CampaignId"] == row["CampaignId"] and not other.get("IsDeleted"):
            raise reject("DUPLICATE_VALUE", "Already a campaign member.")


def member_status(org: OrgState, row: Row, before: Row | None) -> None:
    """Labels are unique in a campaign; there is one default."""
    kind = org.schema.get("CampaignMemberStatus")
    assert kind is not None
    for other in statuses_of(org, row["CampaignId"]):
        if other["Id"] == row["Id"]:
            continue
        if str(other["Label"]).lower() == str(row.get("Label")).lower():
            raise reject("DUPLICATE_VALUE", f"duplicate value found: Label {row.get('Label')}", "Label")
        if row.get("IsDefault") and other.get("IsDefault") and not (before and before.get("IsDefault")):
            org.put(kind, {**other, "IsDefault": False, "SystemModstamp": org.stamp()})
    _listed(org, str(row.get("Label")))


def _listed(org: OrgState, label: str) -> None:
    """Describe lists the statuses of all campaigns."""
    members = org.schema.get("CampaignMember")
    field = members.field("Status") if members else None
    if members is not None and field is not None and label not in {option.value for option in field.options}:
        members.add(replace(field, options=(*field.options, Option(label, label))))
