"""What an administrator changes in Setup: formula and roll-up fields, picklist values, who sees a field."""

from collections.abc import Callable
from dataclasses import replace
from typing import Any

from crmhub.sandbox.salesforce.errors import ApiError
from crmhub.sandbox.salesforce.formulas import FormulaError, compile_formula
from crmhub.sandbox.salesforce.ids import salesforce_id
from crmhub.sandbox.salesforce.org import OrgState
from crmhub.sandbox.salesforce.rollups import FUNCTIONS, Rollup
from crmhub.sandbox.salesforce.schema.field import Field, Option, Value
from crmhub.sandbox.salesforce.schema.object import ObjectType
from crmhub.sandbox.salesforce.soql.run import matching
from crmhub.sandbox.salesforce.table import Row


class Admin:
    """Every method raises ApiError FIELD_INTEGRITY_EXCEPTION for what makes no sense."""

    def __init__(self, org: OrgState) -> None:
        self._org = org

    def formula(self, kind: ObjectType, text: str) -> Callable[[Row], Value]:
        """What a formula shows of a row; a formula that cannot be worked out for a row shows nothing."""
        try:
            node = compile_formula(text)
        except FormulaError as problem:
            raise _wrong(str(problem), "Formula") from problem
        org = self._org

        def compute(row: Row) -> Value:
            def field(path: str) -> Any:
                return self._at(kind, row, path)

            try:
                value: Value = node(field, org.clock.now())
            except (TypeError, ValueError, LookupError, AttributeError, ArithmeticError):
                return None
            return value

        return compute

    def formula_field(self, kind: ObjectType, name: str, made: Field, text: str) -> None:
        """A new formula field, or a new formula for one that is there."""
        self._add(kind, replace(_kept(made), name=name, formula=text, compute=self.formula(kind, text)))

    def rollup_field(self, kind: ObjectType, made: Field, wish: dict[str, Any]) -> None:
        """{child, function, key?, field?, where?}: `key` is the child's reference to this object."""
        child, function = self._org.schema.get(str(wish.get("child"))), str(wish.get("function", "COUNT")).upper()
        if child is None or function not in FUNCTIONS:
            raise _wrong(f"child and function are needed; functions: {', '.join(FUNCTIONS)}", "SummaryForeignKey")
        references = [field.name for field in child.fields.values() if kind.name in field.reference_to]
        key = str(wish.get("key") or next(iter(references), ""))
        of = None if function == "COUNT" else child.field(str(wish.get("field")))
        if key not in references or (function != "COUNT" and of is None):
            raise _wrong(f"{child.name} refers to {kind.name} by {references}; field: {wish.get('field')}", "Summary")
        holds = matching(child.name, str(wish.get("where") or ""), self._org.query_org())
        compute = self._org.rollups.add(Rollup(kind.name, made.name, child.name, key, function, of, holds))
        self._add(kind, replace(_kept(made), type=made.type if of is not None else "double", compute=compute))

    def security(self, kind: ObjectType, field: Field, *, read: bool, edit: bool) -> None:
        """Field-level security of the integration user's profile and permission sets."""
        settings, name = self._org.settings, f"{kind.name}.{field.name}"
        settings.hidden_fields = [one for one in settings.hidden_fields if one != name] + ([] if read else [name])
        settings.read_only_fields = [one for one in settings.read_only_fields if one != name] + ([] if edit else [name])
        if read:
            self._org.access.grant(name)

    def remove(self, kind: ObjectType, field: Field) -> None:
        """A custom field is deleted."""
        if not field.custom:
            raise _wrong(f"{field.name} is no custom field", "FullName")
        self._org.forget_field(kind, field.name)

    def options(self, kind: ObjectType, field: Field, wish: dict[str, Any]) -> None:
        """{add: [values], deactivate: [], activate: [], rename: {old: new}, relabel: {value: label}, restricted}."""
        if field.type not in ("picklist", "multipicklist"):
            raise _wrong(f"{field.name} is no picklist", "FullName")
        options = {option.value: option for option in field.options}
        for value in _texts(wish, "add"):
            options[value] = Option(value, value)
        for word, active in (("deactivate", False), ("activate", True)):
            for value in _texts(wish, word):
                options[_known(options, value)] = replace(options[value], active=active)
        for value, label in dict(wish.get("relabel") or {}).items():
            options[_known(options, value)] = replace(options[value], label=str(label))
        renamed = {_known(options, old): str(new) for old, new in dict(wish.get("rename") or {}).items()}
        changed = tuple(
            replace(option, value=renamed[option.value], label=renamed[option.value])
            if option.value in renamed
            else option
            for option in options.values()
        )
        restricted = bool(wish.get("restricted", field.restricted))
        kind.add(replace(field, options=changed, restricted=restricted))
        self._setup_rows(kind, field, changed, renamed, wish)
        for old, new in renamed.items():
            self._rename(kind, field, old, new)

    def _rename(self, kind: ObjectType, field: Field, old: str, new: str) -> None:
        how, table = self._org.settings.picklist_rename, self._org.tables[kind.name]
        if how == "kept":
            return
        patch: Row = {field.name: new}
        if how == "stamped":
            patch["SystemModstamp"] = self._org.stamp()
        table.patch(sorted(table.find(field.name, old)), patch)

    def _setup_rows(
        self, kind: ObjectType, field: Field, options: tuple[Option, ...], renamed: dict[str, str], wish: dict[str, Any]
    ) -> None:
        """Stages and lead statuses are rows of their own, too: {probability, is_closed, is_won, is_converted}."""
        setup = {"Opportunity.StageName": "OpportunityStage", "Lead.Status": "LeadStatus"}
        name = setup.get(f"{kind.name}.{field.name}")
        rows_kind = None if name is None else self._org.schema.get(name)
        if rows_kind is None:
            return
        table, stamp = self._org.tables[rows_kind.name], self._org.stamp()
        back = {new: old for old, new in renamed.items()}
        there = {str(row["ApiName"]): row for row in table.all()}
        for place, option in enumerate(options, 1):
            row = there.get(back.get(option.value, option.value))
            fresh: Row = {"Id": salesforce_id("01J", 500 + len(table)), "CreatedDate": stamp, "IsActive": True}
            closed, won = bool(wish.get("is_closed")), bool(wish.get("is_won"))
            if name == "OpportunityStage":
                category = "Closed" if won else "Omitted" if closed else "Pipeline"
                fresh |= {"IsClosed": closed, "IsWon": won, "ForecastCategory": category}
                fresh |= {"ForecastCategoryName": category, "DefaultProbability": float(wish.get("probability", 0))}
            else:
                fresh |= {"IsConverted": bool(wish.get("is_converted"))}
            made: Row = {**(row or fresh), "ApiName": option.value, "MasterLabel": option.label, "SortOrder": place}
            if name == "OpportunityStage":
                made["IsActive"] = option.active
            if made != row:
                self._org.put(rows_kind, {**made, "SystemModstamp": stamp, "LastModifiedDate": stamp})

    def _at(self, kind: ObjectType, row: Row, path: str) -> Any:
        """A field of the row or of a parent; unknown ones are blank."""
        *steps, last = path.split(".")
        for step in steps:
            relation = kind.relation(step)
            found = None if relation is None else self._org.reference(row.get(relation.name))
            if found is None:
                return None
            kind, row = found
        field = kind.field(last)
        return None if field is None else field.of(row)

    def _add(self, kind: ObjectType, field: Field) -> None:
        there = kind.field(field.name)
        if there is not None and there.compute is None:
            raise ApiError(
                400, "DUPLICATE_DEVELOPER_NAME", f"There is already a field named {field.name}", ["FullName"]
            )
        kind.add(field)


def _kept(field: Field) -> Field:
    return replace(field, createable=False, updateable=False, calculated=True, custom=True)


def _texts(wish: dict[str, Any], name: str) -> list[str]:
    return [str(value) for value in wish.get(name) or []]


def _known(options: dict[str, Option], value: str) -> str:
    if value not in options:
        raise _wrong(f"{value!r} is none of: {', '.join(options)}", "ValueSet")
    return value


def _wrong(message: str, field: str) -> ApiError:
    return ApiError(400, "FIELD_INTEGRITY_EXCEPTION", message, [field])
