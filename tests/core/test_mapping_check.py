"""The mapping against live schemas: every contradiction with its line, key and remedy."""

from __future__ import annotations

from dataclasses import replace

import pytest

from core.errors import ConfigProblem
from core.mapping_check import check_mapping
from core.mapping_structs import RemoteSchemaField, Unwritable
from core.model import Stage
from tests.core.mapping_kit import MAPPING, good, of, option, schemas, text

Live = dict[tuple[str, str], list[RemoteSchemaField]]


def check(mapping: str = MAPPING, live: Live | None = None) -> list[ConfigProblem]:
    return check_mapping(good(mapping), live if live is not None else schemas())


def fatal(mapping: str = MAPPING, live: Live | None = None) -> list[ConfigProblem]:
    return [p for p in check(mapping, live) if p.fatal]


def swap(live: Live, key: tuple[str, str], field: RemoteSchemaField) -> Live:
    live[key] = [field if f.name == field.name else f for f in live[key]]
    return live


def one(problems: list[ConfigProblem]) -> ConfigProblem:
    assert len(problems) == 1, problems
    return problems[0]


def line_of(part: str, mapping: str = MAPPING) -> int:
    return next(n for n, line in enumerate(mapping.splitlines(), 1) if part in line)


def test_the_kit_has_no_fatal_problem() -> None:
    assert fatal() == []


def test_fields_to_be_made_are_no_mistake() -> None:
    missing = [p for p in check() if "yet" in p.text]
    assert [(p.key, p.fatal) for p in missing] == [
        ("fields.stage.hubspot", False),
        ("fields.stage.salesforce", False),
        ("fields.score.hubspot", False),
        ("fields.score.salesforce", False),
    ]
    assert all("--create-fields" in p.remedy for p in missing)
    assert "leads" in missing[1].text
    assert "contacts" in missing[1].text


def test_unknown_field() -> None:
    problem = one(fatal(MAPPING.replace('"jobtitle"', '"jobtitel"')))
    assert problem.line == line_of("jobtitle")
    assert problem.key == "fields.job_title.hubspot"
    assert "no field jobtitel" in problem.text
    assert 'did you mean "jobtitle"?' in problem.remedy


def test_a_label_instead_of_the_name() -> None:
    problem = one(fatal(MAPPING.replace('"jobtitle"', '"job title"')))
    assert 'did you mean "jobtitle"?' in problem.remedy


def test_a_field_the_credentials_cannot_see_is_named_as_such() -> None:
    live = schemas()
    live["salesforce", "leads"] = [f for f in live["salesforce", "leads"] if f.name != "HasOptedOutOfEmail"]
    problem = one(fatal(live=live))
    assert problem.key == "fields.opted_out.salesforce"
    assert "salesforce leads" in problem.text
    assert "read permission" in problem.remedy


def test_hidden_field() -> None:
    hidden = replace(text("jobtitle"), readable=False)
    problem = one(fatal(live=swap(schemas(), ("hubspot", "contacts"), hidden)))
    assert (problem.line, problem.key) == (line_of("jobtitle"), "fields.job_title.hubspot")
    assert "hidden" in problem.text
    assert "read permission" in problem.remedy


def test_read_only_field_mapped_for_push() -> None:
    problem = one(fatal(live=swap(schemas(), ("salesforce", "leads"), text("Title", writable=False))))
    assert (problem.line, problem.key) == (line_of('lead = "Title"'), "fields.job_title.salesforce")
    assert "read-only" in problem.text
    assert 'direction = "pull"' in problem.remedy
    assert "edit permission" in problem.remedy


def test_calculated_field() -> None:
    calculated = replace(text("jobtitle", writable=False), calculated=True)
    problem = one(fatal(live=swap(schemas(), ("hubspot", "contacts"), calculated)))
    assert "calculated" in problem.text
    assert "permission" not in problem.remedy


def test_unique_fields_are_not_pushed() -> None:
    mapping = MAPPING.replace('hubspot = { field = "email" }', 'hubspot = { field = "email", direction = "both" }')
    problem = one(fatal(mapping))
    assert (problem.line, problem.key) == (2, "fields.email.hubspot")
    assert "unique" in problem.text
    assert 'direction = "pull"' in problem.remedy


@pytest.mark.parametrize(("kind", "words"), [("bool", "true/false"), ("date", "a date"), ("reference", "a reference")])
def test_wrong_type_to_read(kind: str, words: str) -> None:
    live = swap(schemas(), ("salesforce", "accounts"), of(kind, "NumberOfEmployees"))
    problem = one(fatal(live=live))
    assert (problem.line, problem.key) == (line_of("NumberOfEmployees"), "fields.employees.salesforce")
    assert f"holds {words}, employees is a number" in problem.text
    assert "holds a number" in problem.remedy


def test_wrong_type_of_an_own_field() -> None:
    problem = one(fatal(live=swap(schemas(), ("hubspot", "contacts"), of("bool", "contract_end"))))
    assert problem.key == "fields.contract_end.hubspot"
    assert 'type = "bool"' in problem.remedy


def test_wrong_type_to_write() -> None:
    problem = one(fatal(live=swap(schemas(), ("hubspot", "contacts"), of("datetime", "contract_end"))))
    assert "cannot be written into contract_end, which holds a date-time" in problem.text
    assert 'direction = "pull"' in problem.remedy


def test_a_number_may_live_in_a_text_field() -> None:
    assert fatal(live=swap(schemas(), ("salesforce", "accounts"), text("NumberOfEmployees"))) == []


OPTIONS = '[options.industry.hubspot]\nbanking = "BANKNG"\ntechnology = ["COMPUTER_SOFTWARE", "Internet"]\n'


def test_unlisted_option() -> None:
    mapping = MAPPING + OPTIONS
    first, second = fatal(mapping)
    assert (first.line, first.key) == (line_of("BANKNG", mapping), "options.industry.hubspot.banking")
    assert "no option 'BANKNG' in industry" in first.text
    assert first.remedy == 'did you mean "BANKING"?'
    assert second.key == "options.industry.hubspot.technology"
    assert second.remedy == 'did you mean "INTERNET"?', "a label was written instead of the value"


def test_options_left_out_are_a_warning() -> None:
    mapping = MAPPING + OPTIONS.replace("BANKNG", "BANKING").replace("Internet", "INTERNET")
    assert fatal(mapping) == []
    warning = next(p for p in check(mapping) if p.key == "options.industry.hubspot")
    assert warning.line == line_of("[options.industry.hubspot]", mapping)
    assert "LAW_PRACTICE, RETAIL" in warning.text


def test_one_table_for_two_remote_fields() -> None:
    mapping = MAPPING + (
        '[options.crm_stage.salesforce]\nlead = ["Open - Not Contacted", "Prospect"]\nsal = "Working - Contacted"\n'
        'prospect = "Closed - Converted"\ncustomer = "Customer - Direct"\n'
    )
    assert fatal(mapping) == []


def test_a_shipped_table_and_an_account_with_other_options() -> None:
    live = swap(schemas(), ("hubspot", "companies"), option("industry", "BANKING", "INTERNET"))
    assert fatal(live=live) == []
    warning = next(p for p in check(live=live) if p.key == "fields.industry.hubspot")
    assert warning.line == line_of('field = "industry"')
    assert "they are not written" in warning.text
    assert "[options.industry.hubspot] of your own" in warning.remedy
    bound = {t.field.name: t for t in good().bound(live).targets("hubspot", "companies")}
    assert bound["industry"].to_remote("technology") == "INTERNET", "the first one that this account has"
    assert bound["industry"].to_remote("retail") == Unwritable("hubspot has no option 'RETAIL' in industry")


def test_a_decision_field_that_lacks_its_options() -> None:
    live = schemas()
    live["hubspot", "contacts"].append(option("crmhub_stage", "lead", "mql"))
    problem = one(fatal(live=live))
    assert (problem.line, problem.key) == (line_of("crmhub_stage"), "fields.stage.hubspot")
    assert "no option for 7 of 9 values: subscriber" in problem.text
    assert "add these options to crmhub_stage" in problem.remedy


STAGES = "".join(f"{s.value} = false\n" for s in Stage if s.value not in ("sal", "prospect", "lead"))
LOSSY = (
    '[fields.email]\nhubspot = {}\nsalesforce = {}\n[fields.stage]\n'
    'hubspot = { field = "lifecyclestage", direction = "push" }\n'
    f'[options.stage.hubspot]\n{STAGES}lead = "lead"\nsal = "customer"\nprospect = "customer"\n'
)  # fmt: skip


def test_lossy_round_trip() -> None:
    problem = one(fatal(LOSSY))
    assert (problem.line, problem.key) == (line_of("prospect =", LOSSY), "options.stage.hubspot.prospect")
    assert "sal and prospect are both written as 'customer'" in problem.text
    assert "lossy = true to fields.stage.hubspot" in problem.remedy


def test_a_declared_loss_is_fine() -> None:
    assert fatal(LOSSY.replace('"push" }', '"push", lossy = true }')) == []


def test_option_that_does_not_fit() -> None:
    live = swap(schemas(), ("hubspot", "contacts"), text("lifecyclestage", length=4))
    problem = one(fatal(LOSSY.replace('sal = "customer"', "sal = false"), live))
    assert "'customer' (prospect) does not fit into lifecyclestage (4 characters)" in problem.text
    assert "shorter" in problem.remedy


def test_a_closed_list_without_table_is_a_warning() -> None:
    mapping = MAPPING + (
        '[fields.product]\ntype = "option"\nhubspot = { field = "product_interest", direction = "both" }\n'
        'salesforce = { field = "Product_Interest__c" }\n'
    )
    assert fatal(mapping) == []
    warning = next(p for p in check(mapping) if p.key == "fields.product.hubspot")
    assert "only its own options (analytics, security)" in warning.text
    assert "[options.product.hubspot]" in warning.remedy


def test_all_at_once_in_the_order_of_the_file() -> None:
    live = schemas()
    live["hubspot", "contacts"] = [text("email")]
    problems = check(live=live)
    assert len([p for p in problems if p.fatal]) >= 4
    assert [p.line for p in problems] == sorted(p.line for p in problems)


def test_a_stream_that_was_not_described_is_not_judged() -> None:
    assert check_mapping(good(), {}) == []


def test_a_lossy_table_of_two_places_is_told_once() -> None:
    places = '[{ field = "lifecyclestage", direction = "push" }, { field = "jobtitle", direction = "push" }]'
    text = LOSSY.replace('{ field = "lifecyclestage", direction = "push" }', places)
    problem = one(fatal(text))
    assert problem.key == "options.stage.hubspot.prospect"
    assert "fields.stage.hubspot[1] and fields.stage.hubspot[2]" in problem.remedy
    text = text.replace('"lifecyclestage", direction = "push"', '"lifecyclestage", direction = "push", lossy = true')
    assert one(fatal(text)).remedy.endswith("lossy = true to fields.stage.hubspot[2]")
