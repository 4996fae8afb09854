"""Metadata as the REST API shows it: the object list and the describe of one object, cut to what the user sees.

Vendor page: REST API Developer Guide, "sObject Describe".
"""

from typing import Any

from crmhub.sandbox.salesforce.access import Access
from crmhub.sandbox.salesforce.ids import salesforce_id
from crmhub.sandbox.salesforce.schema.deals import RECORD_TYPES
from crmhub.sandbox.salesforce.schema.field import NUMBER_TYPES, Field
from crmhub.sandbox.salesforce.schema.object import ObjectType, Schema

_SOAP = {
    "id": "tns:ID", "reference": "tns:ID", "boolean": "xsd:boolean", "int": "xsd:int", "double": "xsd:double",
    "currency": "xsd:double", "percent": "xsd:double", "date": "xsd:date", "datetime": "xsd:dateTime",
    "address": "urn:address",
}  # fmt: skip
_NAME_PARTS = frozenset({"FirstName", "LastName", "Salutation"})


def brief(kind: ObjectType, base: str, *, writes: bool = True) -> dict[str, Any]:
    """One entry of GET sobjects."""
    path = f"{base}/sobjects/{kind.name}"
    return {
        "activateable": False,
        "associateEntityType": None,
        "associateParentEntity": None,
        "createable": kind.createable and writes,
        "custom": kind.custom,
        "customSetting": False,
        "deepCloneable": False,
        "deletable": kind.deletable and writes,
        "deprecatedAndHidden": False,
        "feedEnabled": kind.mergeable,
        "hasSubtypes": False,
        "isInterface": False,
        "isSubtype": False,
        "keyPrefix": kind.prefix,
        "label": kind.label,
        "labelPlural": kind.plural,
        "layoutable": kind.binned,
        "mergeable": kind.mergeable,
        "mruEnabled": kind.binned,
        "name": kind.name,
        "queryable": True,
        "replicateable": kind.replicateable,
        "retrieveable": True,
        "searchable": kind.binned,
        "triggerable": kind.binned,
        "undeletable": kind.binned and writes,
        "updateable": kind.updateable and writes,
        "urls": {
            "describe": f"{path}/describe",
            "rowTemplate": f"{path}/{{ID}}",
            "sobject": path,
        },
    }


def global_list(schema: Schema, access: Access, base: str) -> dict[str, Any]:
    """GET sobjects."""
    kinds = (kind for kind in schema if not kind.tooling and access.reads(kind))
    shown = [brief(kind, base, writes=access.writes(kind)) for kind in kinds]
    return {"encoding": "UTF-8", "maxBatchSize": 200, "sobjects": shown}


def full(kind: ObjectType, access: Access, base: str) -> dict[str, Any]:
    """GET sobjects/{T}/describe: only fields the user can see."""
    path = f"{base}/sobjects/{kind.name}"
    seen = [item for item in kind.fields.values() if access.sees(kind, item)]
    described = brief(kind, base, writes=access.writes(kind))
    described.update(
        {
            "actionOverrides": [],
            "childRelationships": [_child(child.name, child.object, child.field) for child in kind.children],
            "compactLayoutable": kind.binned,
            "defaultImplementation": None,
            "extendedBy": None,
            "extendsInterfaces": None,
            "fields": [_field(kind, item, access) for item in seen],
            "implementedBy": None,
            "implementsInterfaces": None,
            "listviewable": None,
            "lookupLayoutable": None,
            "namedLayoutInfos": [],
            "networkScopeFieldName": None,
            "recordTypeInfos": _record_types(kind, path),
            "searchLayoutable": kind.binned,
            "sobjectDescribeOption": "FULL",
            "supportedScopes": [{"label": "All", "name": "everything"}],
        }
    )
    described["urls"] |= {
        "uiDetailTemplate": "/{ID}",
        "uiEditTemplate": "/{ID}/e",
        "uiNewRecord": f"/{kind.prefix}/e",
    }
    return described


def _child(name: str, child: str, field: str) -> dict[str, Any]:
    return {
        "cascadeDelete": field != "ReportsToId",
        "childSObject": child,
        "deprecatedAndHidden": False,
        "field": field,
        "junctionIdListNames": [],
        "junctionReferenceTo": [],
        "relationshipName": name,
        "restrictedDelete": False,
    }


def _record_types(kind: ObjectType, path: str) -> list[dict[str, Any]]:
    """The master, and what the object has besides."""
    own = RECORD_TYPES if kind.name == "Opportunity" else ()
    infos = [_record_type("Master", "Master", "012000000000000AAA", path, default=not own)]
    for place, (name, label) in enumerate(own, 1):
        infos.append(_record_type(name, label, salesforce_id("012", place), path, default=place == 1))
    return infos


def _record_type(name: str, label: str, type_id: str, path: str, *, default: bool) -> dict[str, Any]:
    return {
        "active": True,
        "available": True,
        "defaultRecordTypeMapping": default,
        "developerName": name,
        "master": name == "Master",
        "name": label,
        "recordTypeId": type_id,
        "urls": {"layout": f"{path}/describe/layouts/{type_id}"},
    }


def _field(kind: ObjectType, item: Field, access: Access) -> dict[str, Any]:
    edits = access.edits(kind, item) and access.writes(kind)
    numeric = item.type in NUMBER_TYPES
    return {
        "aggregatable": item.filterable and item.type not in ("boolean", "address"),
        "aiPredictionField": False,
        "autoNumber": False,
        "byteLength": item.length * 3,
        "calculated": item.calculated,
        "calculatedFormula": item.formula,
        "cascadeDelete": False,
        "caseSensitive": item.case_sensitive,
        "compoundFieldName": _compound(kind, item),
        "controllerName": None,
        "createable": item.createable and edits,
        "custom": item.custom,
        "defaultValue": False if item.type == "boolean" else None,
        "defaultValueFormula": None,
        "defaultedOnCreate": item.default is not None or (not item.createable and not item.nillable),
        "dependentPicklist": False,
        "deprecatedAndHidden": False,
        "digits": item.precision if item.type == "int" else 0,
        "displayLocationInDecimal": False,
        "encrypted": False,
        "externalId": item.external_id,
        "extraTypeInfo": "personname" if item.name in _NAME_PARTS and kind.field("Salutation") else None,
        "filterable": item.filterable,
        "filteredLookupInfo": None,
        "formulaTreatNullNumberAsZero": item.formula is not None,
        "groupable": item.filterable and item.type not in ("double", "currency", "percent", "datetime", "address"),
        "highScaleNumber": False,
        "htmlFormatted": False,
        "idLookup": item.id_lookup,
        "inlineHelpText": None,
        "label": item.label,
        "length": 0 if numeric else item.length,
        "mask": None,
        "maskType": None,
        "name": item.name,
        "nameField": item.name_field,
        "namePointing": item.polymorphic,
        "nillable": item.nillable,
        "permissionable": item.permissionable,
        "picklistValues": _options(item, access.shows_inactive),
        "polymorphicForeignKey": item.polymorphic,
        "precision": item.precision if numeric and item.type != "int" else 0,
        "queryByDistance": item.type == "address",
        "referenceTargetField": None,
        "referenceTo": list(item.reference_to),
        "relationshipName": item.relationship,
        "relationshipOrder": None,
        "restrictedDelete": False,
        "restrictedPicklist": item.restricted,
        "scale": item.scale,
        "searchPrefilterable": item.type == "reference",
        "soapType": _SOAP.get(item.type, "xsd:string"),
        "sortable": item.sortable,
        "type": item.type,
        "unique": item.unique,
        "updateable": item.updateable and edits,
        "writeRequiresMasterRead": False,
    }


def _compound(kind: ObjectType, item: Field) -> str | None:
    """`Name` for the parts of a person's name, the address field for its parts."""
    if item.name in _NAME_PARTS and kind.field("Salutation") is not None:
        return "Name"
    for other in kind.fields.values():
        prefix = other.components
        if prefix is not None and item.name.removeprefix(prefix) in _ADDRESS_PARTS and item.name.startswith(prefix):
            return other.name
    return None


_ADDRESS_PARTS = frozenset(
    {"Street", "City", "State", "PostalCode", "Country", "Latitude", "Longitude", "GeocodeAccuracy"}
)


def _options(item: Field, inactive: bool) -> list[dict[str, Any]]:
    return [
        {
            "active": option.active,
            "defaultValue": option.default,
            "label": option.label,
            "validFor": None,
            "value": option.value,
        }
        for option in item.options
        if option.active or inactive
    ]
