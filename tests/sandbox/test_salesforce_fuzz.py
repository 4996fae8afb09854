"""Thousands of half-right requests: the org answers each in the vendor's form and never breaks."""

import random
from contextlib import suppress
from typing import Any
from urllib.parse import quote, quote_plus

import orjson
import pytest

from crmhub.sandbox.clock import Clock
from crmhub.sandbox.messages import Match, Query, Request, Response
from crmhub.sandbox.salesforce.schema.field import NUMBER_TYPES, Field
from crmhub.sandbox.salesforce.schema.object import ObjectType, Schema
from crmhub.sandbox.salesforce.schema.setup import new_schema
from crmhub.sandbox.salesforce.server import Salesforce
from crmhub.sandbox.vendor import ControlError, Options
from crmhub.sandbox.world import World

NOW = 1_790_000_000_000
ROOT = "/services/data/v67.0"
ODD: list[Any] = [
    None,
    True,
    0,
    -1,
    1.5,
    9 * 10**18,
    1e300,
    "",
    " ",
    "x" * 300,
    "9999-99-99",
    [],
    {},
    ["x"],
    "\0",
    "🎉",
]
LITERALS = ["null", "true", "5", "-1.5", "'x'", "'a%'", "2026-01-01", "2026-01-01T00:00:00Z", "TODAY", "LAST_N_DAYS:3"]
OPERATORS = ["=", "!=", "<", ">", "<=", ">=", "LIKE"]


class Caller:
    """Sends requests straight to the vendor object, with a live session."""

    def __init__(self, seed: int) -> None:
        clock = Clock(NOW, 0)
        self.vendor = Salesforce(World(60, 1, NOW), clock, Options())
        self.dice = random.Random(seed)
        self.schema: Schema = new_schema()
        self.kinds = [kind for kind in self.schema if not kind.tooling]
        self.ids: dict[str, list[str]] = {}
        for record in self.vendor.state():
            self.ids.setdefault(record["object"], []).append(record["id"])
        keys = self.vendor.connection("http://org")
        form = f"grant_type=client_credentials&client_id={keys['client_id']}&client_secret={keys['client_secret']}"
        answer = self.send("POST", "/services/oauth2/token", form.encode())
        self.token = orjson.loads(answer.body)["access_token"]

    token = ""

    def send(self, method: str, path: str, body: bytes = b"", query: str = "") -> Response:
        headers = {"authorization": f"Bearer {self.token}", "host": "org"}
        request = Request(method, path, Query(query), headers, body)
        match = self.vendor.router.match(method, path)
        assert isinstance(match, Match)
        request.route, request.params = match.route, match.params
        return self.vendor.before(request) or match.handler(request)

    def value(self, field: Field) -> Any:
        dice = self.dice
        if dice.random() < 0.1:
            return dice.choice(ODD)
        if field.type == "reference":
            return self.id_of(dice.choice(field.reference_to))
        if field.type == "picklist":
            return dice.choice(field.options).value
        if field.type in NUMBER_TYPES:
            return dice.randrange(50)
        plain: dict[str, Any] = {
            "boolean": dice.random() < 0.5,
            "datetime": "2026-09-01T10:00:00Z",
            "date": "2026-09-01",
            "email": f"a{dice.randrange(30)}@b.example",
        }
        return plain.get(field.type, dice.choice([None, "x", f"Text {dice.randrange(9)}"]))

    def body(self, kind: ObjectType) -> dict[str, Any]:
        fields = [field for field in kind.fields.values() if field.createable]
        chosen = self.dice.sample(fields, min(len(fields), self.dice.randrange(8)))
        return {
            field.name: self.value(field)
            for field in dict.fromkeys([*chosen, *(one for one in fields if one.required)])
        }

    def id_of(self, name: str) -> str:
        known = self.ids.get(name, [])
        return self.dice.choice(known) if known and self.dice.random() < 0.9 else "bogus"

    def soql(self, kind: ObjectType) -> str:
        dice = self.dice
        names = [*kind.fields, "Owner.Name", "Who.Type", "Nope"]
        some, other = dice.choice(names), dice.choice(names)
        selected = dice.choice(
            ["Id", f"{some}, {other}", "COUNT()", f"MAX({some})", f"SUM({some}) n", "FIELDS(STANDARD)"]
        )
        tests = [f"{dice.choice(names)} {dice.choice(OPERATORS)} {dice.choice(LITERALS)}" for _ in range(2)]
        group = f" GROUP BY {other} HAVING COUNT(Id) > 1" if dice.random() < 0.2 else ""
        order = f" ORDER BY {other} DESC NULLS LAST, Id" if dice.random() < 0.5 else ""
        where = f"{tests[0]} {dice.choice(['AND', 'OR'])} NOT {tests[1]}"
        return f"SELECT {selected} FROM {kind.name} WHERE {where}{group}{order} LIMIT {dice.randrange(300)}"

    def once(self) -> Response:
        dice, kind = self.dice, self.dice.choice(self.kinds)
        way = dice.randrange(7)
        if way == 0:
            return self.send("POST", f"{ROOT}/sobjects/{kind.name}", orjson.dumps(self.body(kind)))
        if way == 1:
            path = f"{ROOT}/sobjects/{kind.name}/{self.id_of(kind.name)}"
            return self.send("PATCH", path, orjson.dumps(self.body(kind)))
        if way == 2:
            key = quote(f"a{dice.randrange(30)}@b.example", safe="")
            return self.send("PATCH", f"{ROOT}/sobjects/{kind.name}/Email/{key}", orjson.dumps(self.body(kind)))
        if way == 3:
            records = [
                {"attributes": {"type": kind.name}, "id": self.id_of(kind.name), **self.body(kind)} for _ in range(3)
            ]
            wish = {"allOrNone": dice.random() < 0.5, "records": records}
            return self.send(dice.choice(["POST", "PATCH"]), f"{ROOT}/composite/sobjects", orjson.dumps(wish))
        if way == 4:
            method = "DELETE" if dice.random() < 0.1 else "GET"
            return self.send(method, f"{ROOT}/sobjects/{kind.name}/{self.id_of(kind.name)}")
        if way == 5:
            wish = {"operation": "queryAll", "query": self.soql(kind)}
            answer = self.send("POST", f"{ROOT}/jobs/query", orjson.dumps(wish))
            if answer.status != 200:
                return answer
            path = f"{ROOT}/jobs/query/{orjson.loads(answer.body)['id']}"
            self.send("GET", path)
            self.send("GET", path)
            return self.send("GET", f"{path}/results", query="maxRecords=7")
        return self.send("GET", f"{ROOT}/queryAll", query=f"q={quote_plus(self.soql(kind))}")

    def act(self) -> tuple[str, dict[str, Any]]:
        """Something a person might try on the screens."""
        dice = self.dice
        name = dice.choice(["Lead", "Contact", "Account", "Opportunity", "Campaign", "CampaignMember", "Task"])
        kind = self.schema.get(name)
        assert kind is not None
        field = f"{name}.{dice.choice(list(kind.fields))}"
        formula = f"IF({dice.choice(list(kind.fields))} > {dice.randrange(9)}, Owner.Name, 'x') & TODAY()"
        wishes: list[tuple[str, dict[str, Any]]] = [
            ("delete", {"object": name, "id": self.id_of(name)}),
            ("undelete", {"object": name, "id": self.id_of(name)}),
            ("merge", {"object": name, "winner": self.id_of(name), "losers": [self.id_of(name)]}),
            ("convert", {"lead": self.id_of("Lead"), "opportunity": dice.random() < 0.5}),
            ("convert", {"lead": self.id_of("Lead"), "contact": self.id_of("Contact")}),
            ("mass_update", {"object": name, "fields": {"OwnerId": self.id_of("User")}, "where": "Id != null"}),
            ("archive", {"object": name, "ids": [self.id_of(name)]}),
            ("field_security", {"field": field, "read": dice.random() < 0.7}),
            ("picklist", {"field": field, "add": ["New"], "rename": {"New": "Newer"}}),
            ("formula_field", {"object": name, "name": "F__c", "type": "Text", "formula": formula}),
            ("rollup_field", {"object": name, "name": f"R{dice.randrange(3)}__c", "child": "Opportunity"}),
            ("empty_bin", {"object": name}),
        ]
        return dice.choice(wishes)


@pytest.mark.parametrize("seed", range(3))
def test_every_answer_has_the_vendors_form(seed: int) -> None:
    caller = Caller(seed)
    statuses = set()
    for _ in range(1500):
        answer = caller.once()
        statuses.add(answer.status)
        if answer.status >= 400:
            assert {"message", "errorCode"} <= set(orjson.loads(answer.body)[0])
    assert {200, 201, 204, 400, 404} <= statuses
    assert all(record["id"] for record in caller.vendor.state())


@pytest.mark.parametrize("seed", range(2))
def test_no_act_does_more_than_be_refused(seed: int) -> None:
    caller = Caller(seed)
    caller.vendor.settings({"rollups_stamp": True})
    done: set[str] = set()
    for turn in range(600):
        action, wish = caller.act()
        with suppress(ControlError):
            caller.vendor.act(action, wish)
            done.add(action)
        if turn % 3 == 0:
            caller.once()
    assert done >= {"delete", "undelete", "merge", "convert", "mass_update", "archive", "picklist", "rollup_field"}
    for record in caller.vendor.state():
        merged = record["merged_into"]
        assert merged is None or (record["deleted"] and merged != record["id"])
    gone = {record["id"] for record in caller.vendor.state() if record["deleted"]}
    keys = {"Task": ["WhoId", "WhatId"], "CampaignMember": ["CampaignId", "ContactId"], "Contact": ["AccountId"]}
    keys["OpportunityContactRole"] = ["OpportunityId", "ContactId"]
    for record in caller.vendor.state():
        if not record["deleted"]:
            assert not gone & {record["fields"][key] for key in keys.get(record["object"], [])}, record


@pytest.mark.parametrize("call", ["merge", "convertLead", "undelete", "emptyRecycleBin", "getUserInfo", "nothing"])
def test_half_right_envelopes_are_answered(call: str) -> None:
    caller = Caller(1)
    lead = caller.ids["Lead"][0]
    parts = ["", "<ids/>", f"<ids>{lead}</ids>", "<request/>", "<leadConverts/>", "<request><masterRecord/></request>"]
    parts += [f"<request><masterRecord><type>Lead</type><Id>{lead}</Id></masterRecord></request>", "<x:y/>", "<open>"]
    parts += [f"<leadConverts><leadId>{lead}</leadId></leadConverts>", "&amp;", "\0"]
    for part in parts:
        inner = f"<Header><sessionId>{caller.token}</sessionId></Header><Body><{call}>{part}</{call}></Body>"
        page = f"<Envelope>{inner}</Envelope>".encode()
        answer = caller.send("POST", "/services/Soap/u/67.0", page)
        assert answer.status in (200, 500)
        assert b"Envelope" in answer.body
    for page in (b"", b"<a/>", b"<!DOCTYPE x><a/>", b"\xff"):
        assert caller.send("POST", "/services/Soap/u/67.0", page).status == 500
