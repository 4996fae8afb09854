"""Broken mapping.toml files: each problem with its line, key and remedy, and all of them at once."""

from __future__ import annotations

import pytest

from core.errors import ConfigProblem
from core.mapping import load_mapping
from core.mapping_declared import declared_fields
from core.mapping_shipped import read_shipped
from mappings import shipped
from tests.core.mapping_kit import CONNECTIONS, load

HEAD = "[fields.email]\nhubspot = {}\nsalesforce = {}\n"  # lines 1 to 3


def found(text: str) -> list[ConfigProblem]:
    mapping, problems = load(HEAD + text)
    if any(p.fatal for p in problems):
        assert mapping is None
    return problems


BROKEN = {
    "no TOML": ("[fields.city\n", 4, "", "valid TOML", "close every quote and bracket"),
    "unknown table": ("[field.city]\n", 4, "field", "unknown table", 'did you mean "fields"?'),
    "unknown field": ("[fields.job_titel]\n", 4, "fields.job_titel", "needs a type", 'did you mean "job_title"?'),
    "own field without type": ("[fields.zzz_9]\n", 4, "fields.zzz_9", "needs a type", 'add type = "text"'),
    "own field of no type": (
        '[fields.own]\ntype = "txt"\n', 5, "fields.own.type", "unknown type 'txt'", 'did you mean "text"?'
    ),
    "own field of no entity": (
        '[fields.own]\ntype = "text"\nentity = "companie"\n', 6, "fields.own.entity", "unknown entity",
        'did you mean "company"?',
    ),
    "field name": ('[fields."Own Field"]\ntype = "text"\n', 4, 'fields."Own Field"', "lower-case", "own_field"),
    "type of a standard field": (
        '[fields.city]\ntype = "number"\n', 5, "fields.city.type", "standard field", "another name"
    ),
    "unknown connection": (
        '[fields.city]\nhubspt = { field = "city" }\n', 5, "fields.city.hubspt", "unknown connection",
        'did you mean "hubspot"?',
    ),
    "no inline table": ('[fields.city]\nhubspot = "city"\n', 5, "fields.city.hubspot", "inline table", "{ field ="),
    "unknown key": (
        '[fields.city]\nhubspot = { feild = "city" }\n', 5, "fields.city.hubspot.feild", "unknown key",
        'did you mean "field"?',
    ),
    "alias of another entity": (
        '[fields.city]\nhubspot = { company = "city" }\n', 5, "fields.city.hubspot.company", "unknown key", "contact"
    ),
    "direction": (
        '[fields.city]\nhubspot = { field = "city", direction = "bth" }\n', 5, "fields.city.hubspot.direction",
        "unknown word 'bth'", 'did you mean "both"?',
    ),
    "write": (
        '[fields.city]\nhubspot = { field = "city", write = "if_empty" }\n', 5, "fields.city.hubspot.write",
        "unknown word", "if_blank",
    ),
    "no usual name": (
        "[fields.company_employees]\nhubspot = {}\n", 5, "fields.company_employees.hubspot", "no usual HubSpot field",
        "contact =",
    ),
    "wins is no word": ('[fields.city]\nwins = "lates"\n', 5, "fields.city.wins", "unknown rule", '"latest"'),
    "wins names nobody": (
        '[fields.city]\nwins = ["hubspot", "salesfroce"]\n', 5, "fields.city.wins[2]", "unknown connection",
        'did you mean "salesforce"?',
    ),
    "consent cannot be won": (
        '[fields.opted_out]\nwins = "latest"\nhubspot = {}\n', 5, "fields.opted_out.wins", "any no wins", "remove wins"
    ),
    "a decision cannot be won": ('[fields.score]\nwins = "max"\n', 5, "fields.score.wins", "decides", 'wins = "hub"'),
    "a decision cannot be pulled": (
        "[fields.score]\nhubspot = {}\n", 5, "fields.score.hubspot.direction", "cannot be pulled", 'direction = "push"'
    ),
    "a score cannot be claimed": (
        '[fields.score]\nhubspot = { direction = "both" }\n', 5, "fields.score.hubspot.direction", "cannot answer",
        'direction = "push"',
    ),
    "owners are not written": (
        '[fields.owner_email]\nhubspot = { direction = "both" }\n', 5, "fields.owner_email.hubspot.direction",
        "not written by mappings", 'direction = "pull"',
    ),
    "parent field": (
        '[fields.city]\nsalesforce = { contact = "Account.BillingCity", direction = "both" }\n', 5,
        "fields.city.salesforce.direction", "another record", 'direction = "pull"',
    ),
    "create of a pulled field": (
        '[fields.city]\nhubspot = { field = "town", create = true }\n', 5, "fields.city.hubspot.create", "only read",
        "remove create",
    ),
    "read twice": (
        '[fields.city]\nhubspot = [{ field = "city" }, { field = "town" }]\n', 5, "fields.city.hubspot[2]",
        "already read from city (line 5)", 'direction = "push"',
    ),
    "written twice": (
        '[fields.city]\nhubspot = { field = "city", direction = "both" }\n'
        '[fields.state]\nhubspot = { field = "city", direction = "push" }\n',
        7, "fields.state.hubspot", "already written by fields.city.hubspot (line 5)", "pull only",
    ),
    "options of an unknown field": (
        "[options.industri.hubspot]\n", 4, "options.industri", "no [fields.industri]", "email"
    ),
    "options of an unknown connection": (
        "[fields.industry]\nhubspot = {}\n[options.industry.hubspt]\n", 6, "options.industry.hubspt",
        "unknown connection", 'did you mean "hubspot"?',
    ),
    "options nobody uses": (
        "[fields.industry]\nhubspot = {}\n[options.industry.salesforce]\nbanking = 'Banking'\n", 6,
        "options.industry.salesforce", "does not map", "add salesforce = { ... } to [fields.industry]",
    ),
    "option value": (
        "[fields.industry]\nhubspot = {}\n[options.industry.hubspot]\nbanking = 7\n", 7,
        "options.industry.hubspot.banking", "in quotes", '"VALUE"',
    ),
    "options of a text": (
        "[fields.city]\nhubspot = {}\n[options.city.hubspot]\nparis = 'Paris'\n", 6, "options.city.hubspot",
        "is a text", "remove the table",
    ),
    "stage without table": (
        '[fields.stage]\nhubspot = { field = "lifecyclestage", direction = "push" }\n', 5, "fields.stage.hubspot",
        "how each stage is written", "[options.stage.hubspot]",
    ),
    "stage left out": (
        '[fields.stage]\nhubspot = { field = "lifecyclestage", direction = "push" }\n'
        '[options.stage.hubspot]\nlead = "lead"\n',
        6, "options.stage.hubspot", "missing: subscriber, mql", "subscriber = false",
    ),
    "no stage": (
        "[fields.crm_stage]\nhubspot = {}\n[options.crm_stage.hubspot]\ncustomr = 'customer'\n", 7,
        "options.crm_stage.hubspot.customr", "is no stage", 'did you mean "customer"?',
    ),
}  # fmt: skip


@pytest.mark.parametrize("case", BROKEN)
def test_broken(case: str) -> None:
    text, line, key, what, remedy = BROKEN[case]
    problem = next(p for p in found(text) if p.line == line)
    assert problem.file == "mapping.toml"
    assert problem.key == key
    assert what in problem.text
    assert remedy in problem.remedy
    assert problem.fatal


def test_all_problems_come_at_once() -> None:
    text = (
        '[fields.city]\nhubspot = { feild = "city", direction = "bth" }\n'
        '[fields.state]\nwins = "lates"\n'
        '[fields.own]\ntype = "txt"\n'
        "[options.industri.hubspot]\n"
    )
    assert [(p.line, p.key) for p in found(text)] == [
        (5, "fields.city.hubspot.feild"),
        (5, "fields.city.hubspot.direction"),
        (7, "fields.state.wins"),
        (9, "fields.own.type"),
        (10, "options.industri"),
    ]


def test_problems_read_as_one_line() -> None:
    (problem,) = found('[fields.industry]\nhubspot = { feild = "industry" }\n')
    assert str(problem) == 'mapping.toml:5 fields.industry.hubspot.feild: unknown key → did you mean "field"?'


def test_a_connection_without_email_is_a_warning() -> None:
    mapping, problems = load('[fields.email]\nhubspot = { field = "email" }\n')
    assert mapping is not None
    (problem,) = problems
    assert not problem.fatal
    assert "salesforce does not map email" in problem.text
    assert problem.remedy == "add salesforce = {} to [fields.email]"


def test_a_kind_without_shipped_mapping() -> None:
    mapping, problems = load_mapping("", "mapping.toml", shipped(), {**CONNECTIONS, "crm": "sugar"})
    assert mapping is None
    assert [(p.text, p.remedy) for p in problems] == [
        ("there is no mapping for the kind 'sugar'", "known kinds: hubspot, salesforce")
    ]


def test_a_broken_shipped_mapping_says_where() -> None:
    text = (
        'kind = "sugar"\nlabel = "Sugar"\nform = "native"\n'
        "[streams.people]\nentity = 'persn'\nalias = 'person'\n"
        "[fields.emial]\nperson = 'mail'\n[fields.city]\ntown = 'city'\n"
    )
    read, problems = read_shipped("sugar", text)
    assert read is None
    assert {(p.file, p.line) for p in problems} >= {("mappings/sugar.toml", 5)}
    whole = text.replace("persn", "person")
    read, problems = read_shipped("sugar", whole)
    assert read is None
    assert [(p.line, p.key, p.remedy) for p in problems] == [
        (7, "fields.emial", 'did you mean "email"?'),
        (10, "fields.city.town", "use one of person"),
    ]


def test_own_fields_are_known_whatever_else_is_wrong() -> None:
    text = (
        'fields.x.type = "number"\n[fields.y]\ntype = "text"\nhubspot = 5\n[fields.z]\n[fields.email]\ntype = "text"\n'
        '[fields.w]\ntype = "txt"\n[fields."a b"]\ntype = "text"\n[fields.v]\ntype = "bool"\nentity = "company"\n'
    )
    found = {f.name: (f.entity, f.type) for f in declared_fields(text)}
    assert found == {"x": ("person", "number"), "y": ("person", "text"), "v": ("company", "bool")}
    assert declared_fields("x = [") == []
    assert declared_fields("fields = 3") == []
