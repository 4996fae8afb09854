"""What people and administrators do on the org's screens besides editing: POST /act on the control port."""

from collections.abc import Callable
from typing import Any

from crmhub.sandbox.salesforce.admin import Admin
from crmhub.sandbox.salesforce.desk import Desk
from crmhub.sandbox.salesforce.errors import ApiError, RowRejectedError
from crmhub.sandbox.salesforce.ids import salesforce_id
from crmhub.sandbox.salesforce.lifecycle import Conversion, Lifecycle
from crmhub.sandbox.salesforce.org import LOADER_NUMBER, OrgState
from crmhub.sandbox.salesforce.schema.field import Field
from crmhub.sandbox.salesforce.schema.object import ObjectType
from crmhub.sandbox.salesforce.sessions import Sessions
from crmhub.sandbox.salesforce.soql.run import ids_of
from crmhub.sandbox.salesforce.table import Row
from crmhub.sandbox.salesforce.writer import Writer
from crmhub.sandbox.vendor import ControlError

Wish = dict[str, Any]
_TYPES = {
    "Text": "string", "Number": "double", "Currency": "currency", "Percent": "percent", "Checkbox": "boolean",
    "Date": "date", "DateTime": "datetime",
}  # fmt: skip


class Acts:
    """`do` follows one wish; the README lists them."""

    def __init__(self, org: OrgState, desk: Desk, sessions: Sessions) -> None:
        self._org = org
        self._sessions = sessions
        self._desk = desk
        self._admin = Admin(org)
        self.actions: dict[str, Callable[[Wish], Wish]] = {
            "create": self._create,
            "delete": self._delete,
            "undelete": self._undelete,
            "empty_bin": self._empty_bin,
            "merge": self._merge,
            "convert": self._convert,
            "field_security": self._field_security,
            "picklist": self._picklist,
            "formula_field": self._formula_field,
            "rollup_field": self._rollup_field,
            "delete_field": self._delete_field,
            "archive": self._archive,
            "mass_update": self._mass_update,
            "touch": self._touch,
            "revoke": self._revoke,
            "user": self._user,
        }

    def do(self, action: str, wish: Wish) -> Wish:
        """Raises ControlError."""
        act = self.actions.get(action)
        if act is None:
            raise ControlError(f"action {action!r} is none of: {', '.join(sorted(self.actions))}")
        try:
            return act(wish)
        except (RowRejectedError, ApiError) as refused:
            raise ControlError(str(refused)) from refused

    def _create(self, wish: Wish) -> Wish:
        fields = _object(wish, "fields")
        return self._desk.edit(_text(wish, "object"), "new", fields, str(wish.get("actor", "person")))

    def _delete(self, wish: Wish) -> Wish:
        kind, record_id = self._target(wish)
        self._desk.delete(kind.name, record_id)
        return self._desk.shown(kind, record_id)

    def _undelete(self, wish: Wish) -> Wish:
        kind, record_id = self._target(wish)
        self._writer().undelete(kind, record_id)
        return self._desk.shown(kind, record_id)

    def _empty_bin(self, wish: Wish) -> Wish:
        """{object?, ids?}: what is in the bin is gone for good."""
        names = [self._kind(wish).name] if "object" in wish else list(self._org.tables)
        wanted = None if wish.get("ids") is None else {str(one) for one in wish["ids"]}
        dropped = 0
        for name in names:
            kind, table = self._org.tables[name].kind, self._org.tables[name]
            for record_id in table.ids():
                row = table.brief(record_id)
                if row and row.get("IsDeleted") and (wanted is None or record_id in wanted):
                    self._org.drop(kind, record_id)
                    dropped += 1
        return {"dropped": dropped}

    def _merge(self, wish: Wish) -> Wish:
        """{object, winner, losers: [id], fields?}."""
        losers = wish.get("losers")
        if not isinstance(losers, list):
            raise ControlError("merge wants object, winner and losers")
        kind, winner = self._desk.target(_text(wish, "object"), _text(wish, "winner"))
        ids = [self._desk.target(kind.name, str(loser))[1] for loser in losers]
        writer = self._writer()
        changes = writer.deserialize(kind, wish.get("fields") or {})
        moved = Lifecycle(self._org, writer).merge(kind, winner, ids, changes)
        return {"id": winner, "mergedRecordIds": ids, "updatedRelatedIds": moved}

    def _convert(self, wish: Wish) -> Wish:
        """{lead, account?, contact?, opportunity?: true, a name or an id, status?, owner?}."""
        _, lead = self._desk.target("Lead", _text(wish, "lead"))
        given = {
            name: self._desk.target(name.capitalize(), str(wish[name]))[1]
            for name in ("account", "contact")
            if wish.get(name)
        }
        deal = wish.get("opportunity")
        deal_id = str(deal) if isinstance(deal, str) and deal.startswith("006") else None
        done = Lifecycle(self._org, self._writer()).convert(
            Conversion(
                lead,
                given.get("account"),
                given.get("contact"),
                deal_id,
                bool(deal) and deal_id is None,
                deal if isinstance(deal, str) and deal_id is None else None,
                wish.get("owner"),
                wish.get("status"),
            )
        )
        return {
            "lead": lead,
            "account": done.account_id,
            "contact": done.contact_id,
            "opportunity": done.opportunity_id,
        }

    def _field_security(self, wish: Wish) -> Wish:
        """{field: "Lead.Rating", read: bool, edit?: bool}."""
        kind, field = self._field(_text(wish, "field"))
        read = bool(wish.get("read", True))
        edit = read and bool(wish.get("edit", True))
        self._admin.security(kind, field, read=read, edit=edit)
        return {"field": f"{kind.name}.{field.name}", "read": read, "edit": edit}

    def _picklist(self, wish: Wish) -> Wish:
        """{field: "Lead.Rating", add, deactivate, activate, rename, relabel, restricted}."""
        kind, field = self._field(_text(wish, "field"))
        self._admin.options(kind, field, wish)
        now = kind.fields[field.name]
        shown = [{"value": one.value, "label": one.label, "active": one.active} for one in now.options]
        return {"options": shown, "restricted": now.restricted}

    def _formula_field(self, wish: Wish) -> Wish:
        """{object, name, type, formula, label?}."""
        kind, made = self._new_field(wish)
        self._admin.formula_field(kind, made.name, made, _text(wish, "formula"))
        return {"field": f"{kind.name}.{made.name}"}

    def _rollup_field(self, wish: Wish) -> Wish:
        """{object, name, child, function, key?, field?, where?, type?, label?}."""
        kind, made = self._new_field({"type": "Number", **wish})
        self._admin.rollup_field(kind, made, wish)
        return {"field": f"{kind.name}.{made.name}"}

    def _delete_field(self, wish: Wish) -> Wish:
        kind, field = self._field(_text(wish, "field"))
        self._admin.remove(kind, field)
        return {"field": f"{kind.name}.{field.name}"}

    def _archive(self, wish: Wish) -> Wish:
        """{object: Task or Event, ids: [id]}: the nightly job puts these away, no stamp moves."""
        kind = self._kind(wish)
        if not kind.activity:
            raise ControlError("only tasks and events are archived")
        ids = [self._desk.target(kind.name, str(one))[1] for one in wish.get("ids") or []]
        self._org.tables[kind.name].patch(
            [one for one in ids if one in self._org.tables[kind.name]], {"_Archived": True}
        )
        return {"archived": len(ids)}

    def _mass_update(self, wish: Wish) -> Wish:
        """{object, fields, where?: SOQL condition, ids?, actor?}: as by Data Loader; every row gets one stamp."""
        kind = self._kind(wish)
        writer = Writer(self._org, salesforce_id("005", LOADER_NUMBER), secured=False)
        changes = writer.deserialize(kind, _object(wish, "fields"))
        found = ids_of(kind.name, str(wish.get("where") or ""), self._org.query_org())
        if wish.get("ids") is not None:
            wanted = {self._desk.target(kind.name, str(one))[1] for one in wish["ids"]}
            found = [one for one in found if one in wanted]
        stamp = self._org.stamp()
        patch: Row = {field.name: value for field, value in changes.items()}
        patch |= {"SystemModstamp": stamp, "LastModifiedDate": stamp, "LastModifiedById": writer.user_id}
        self._org.tables[kind.name].patch(found, patch)
        return {"updated": len(found)}

    def _touch(self, wish: Wish) -> Wish:
        """{object}: every live record gets one and the same stamp."""
        return self._mass_update({"object": wish.get("object"), "fields": {}})

    def _revoke(self, wish: Wish) -> Wish:
        """{what: "sessions" or "tokens"}: sessions end; tokens: refresh tokens are void as well."""
        what = _text(wish, "what")
        if what not in ("sessions", "tokens"):
            raise ControlError("what is sessions or tokens")
        (self._sessions.end_all if what == "sessions" else self._sessions.revoke_all)()
        return {"revoked": what}

    def _user(self, wish: Wish) -> Wish:
        """{username, active}: users are never deleted."""
        table, kind = self._org.tables["User"], self._org.tables["User"].kind
        found = sorted(table.find("Username", _text(wish, "username")))
        row = table.get(found[0]) if found else None
        if row is None:
            raise ControlError(f"no user {wish['username']}")
        stamp = self._org.stamp()
        changed: Row = {"IsActive": bool(wish.get("active", False)), "SystemModstamp": stamp, "LastModifiedDate": stamp}
        self._org.put(kind, {**row, **changed})
        return {"id": row["Id"], "active": changed["IsActive"]}

    def _new_field(self, wish: Wish) -> tuple[ObjectType, Field]:
        kind, name, type_ = self._kind(wish), _text(wish, "name"), _text(wish, "type")
        if not name.endswith("__c") or type_ not in _TYPES:
            raise ControlError(f"name ends with __c; type is one of: {', '.join(_TYPES)}")
        self._org.access.grant(f"{kind.name}.{name}")
        length, precision = (1300 if type_ == "Text" else 0), 18
        label = str(wish.get("label") or name.removesuffix("__c").replace("_", " "))
        return kind, Field(name, _TYPES[type_], label, length=length, precision=precision, scale=2, custom=True)

    def _writer(self) -> Writer:
        return Writer(self._org, salesforce_id("005", 1), secured=False)

    def _kind(self, wish: Wish) -> ObjectType:
        return self._desk.kind(_text(wish, "object"))

    def _target(self, wish: Wish) -> tuple[ObjectType, str]:
        return self._desk.target(_text(wish, "object"), _text(wish, "id"))

    def _field(self, path: str) -> tuple[ObjectType, Field]:
        owner, _, name = path.partition(".")
        kind = self._desk.kind(owner)
        field = kind.field(name)
        if field is None:
            raise ControlError(f"{kind.name} has no field {name!r}")
        return kind, field


def _text(wish: Wish, name: str) -> str:
    value = wish.get(name)
    if not isinstance(value, str) or not value:
        raise ControlError(f"{name} is missing")
    return value


def _object(wish: Wish, name: str) -> Wish:
    value = wish.get(name)
    if not isinstance(value, dict):
        raise ControlError(f"{name} must be a JSON object")
    return value
