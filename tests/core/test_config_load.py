"""Configurations that load: defaults, secrets, derived values, hash, and the shipped example."""

from __future__ import annotations

import sys
from datetime import UTC, date, datetime
from pathlib import Path
from types import ModuleType

import pytest

from connectors.registry import BUILT_IN
from core.config import check_conditions, config_hash, load
from core.config_default import EXAMPLE, NewConnection, default_config_text
from core.model import Field, Stage
from tests.core.config_kit import ENV, GOOD, KINDS, Crm, read, settings

ROOT = Path(__file__).parents[2]
EXAMPLE_ENV = {"HUBSPOT_TOKEN": "pat-eu1-x", "SALESFORCE_CLIENT_ID": "id", "SALESFORCE_CLIENT_SECRET": "secret"}


def test_defaults(tmp_path: Path) -> None:
    found = settings(tmp_path, '[connections.crm]\nkind = "crm"\ntoken = "x"\n')
    assert found.rollout.mode == "observe"
    assert found.rollout.min_delta == 5
    assert "person.stage = 'customer'" in found.rollout.never_touch
    assert (found.identity.shared_limit, found.identity.cluster_limit) == (20, 50)
    assert (found.scoring.bands.warm, found.scoring.bands.hot, found.scoring.intent_days) == (30, 60, 30)
    assert found.calendar.days == ("mon", "tue", "wed", "thu", "fri")
    assert found.hub.clock_skew_ms == 120_000
    assert found.lifecycle.hold_ms == 30 * 86_400_000
    assert found.connections["crm"].budget.reserve == 0.2
    assert found.connections["crm"].create is None
    assert found.live_from_ms is None


def test_nobody_may_be_exempt(tmp_path: Path) -> None:
    assert settings(tmp_path, GOOD.replace("[rollout]", '[rollout]\nnever_touch = ""')).rollout.never_touch == ""


def test_paths_start_at_the_file(tmp_path: Path) -> None:
    found = settings(tmp_path, GOOD.replace("[hub]", '[hub]\nstore = "data/hub.db"'))
    assert Path(found.store_path) == tmp_path / "data" / "hub.db"
    assert Path(found.mapping_path) == tmp_path / "mapping.toml"
    absolute = settings(tmp_path, GOOD.replace("[hub]", '[hub]\nstore = "/var/hub.db"'))
    assert absolute.store_path == "/var/hub.db"


def test_values(tmp_path: Path) -> None:
    found = settings(tmp_path)
    assert found.kinds == {"crm": "crm"}
    assert found.connections["crm"].settings == Crm(token="s3cret-t0ken", ours="hub@example.com")
    assert found.connections["crm"].ours == "hub@example.com"
    rule = found.scoring.engagement["demo"]
    assert (rule.kinds, rule.half_life_hours) == (("demo_requested",), 720)
    assert [m.id for m in found.lifecycle.moves] == ["prospect", "mql"]
    assert found.jobs["frequent"].every_ms == 300_000


def test_moves_without_id_get_one_that_lasts(tmp_path: Path) -> None:
    move = '[[lifecycle.moves]]\nto = "mql"\nwhen = "score.fit > 1"\n'
    more = f'{GOOD}{move}{move}id = "mql_2"\n'
    assert [m.id for m in settings(tmp_path, more).lifecycle.moves] == ["prospect", "mql", "mql_3", "mql_2"]


def test_live_from_is_a_day_in_the_hubs_zone(tmp_path: Path) -> None:
    expected = int(datetime(2027, 1, 10, 23, tzinfo=UTC).timestamp() * 1000)
    assert settings(tmp_path).live_from_ms == expected
    text = GOOD.replace("2027-01-11", "2027-01-11T09:00:00")
    assert settings(tmp_path, text).live_from_ms == expected + 9 * 3_600_000
    text = GOOD.replace("2027-01-11", "2027-01-11T09:00:00Z")
    assert settings(tmp_path, text).live_from_ms == expected + 10 * 3_600_000


def test_claims_and_create(tmp_path: Path) -> None:
    found = settings(
        tmp_path,
        GOOD.replace("[rollout]", "create = { person = \"person.stage = 'mql'\" }\n[rollout]")
        + '[lifecycle.claims]\ncrm = ["recycled", "disqualified"]\n',
    )
    assert found.lifecycle.claims == {"crm": (Stage.RECYCLED, Stage.DISQUALIFIED)}
    create = found.connections["crm"].create
    assert create is not None
    assert create.person == "person.stage = 'mql'"


def test_secret_from_a_file(tmp_path: Path) -> None:
    (tmp_path / "token").write_text("from-file\n", encoding="utf-8")
    for name in ("file:token", f"file:{tmp_path / 'token'}"):
        found = settings(tmp_path, GOOD.replace("${CRM_TOKEN}", name))
        assert found.connections["crm"].settings.token == "from-file"


def test_secret_from_a_keyring(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    ring = ModuleType("keyring")
    ring.get_password = lambda service, name: f"{service}/{name}"  # type: ignore[attr-defined]  # stands for a package
    monkeypatch.setitem(sys.modules, "keyring", ring)
    errors = ModuleType("keyring.errors")
    errors.KeyringError = OSError  # type: ignore[attr-defined]  # stands for a package
    monkeypatch.setitem(sys.modules, "keyring.errors", errors)
    found = settings(tmp_path, GOOD.replace("${CRM_TOKEN}", "keyring:crm-token"))
    assert found.connections["crm"].settings.token == "crmhub/crm-token"


def test_a_variable_inside_a_text(tmp_path: Path) -> None:
    found = settings(tmp_path, GOOD.replace("${CRM_TOKEN}", "a-${CRM_TOKEN}-b"))
    assert found.connections["crm"].settings.token == "a-s3cret-t0ken-b"


def test_a_connection_that_is_off_needs_no_secret(tmp_path: Path) -> None:
    off = '[connections.later]\nkind = "crm"\ntoken = "${NOT_THERE}"\nenabled = false\n'
    found = settings(tmp_path, GOOD + off)
    assert not found.connections["later"].enabled
    assert found.kinds == {"crm": "crm"}


def test_no_secret_in_repr(tmp_path: Path) -> None:
    assert "s3cret" not in repr(settings(tmp_path).connections)


def test_hash_names_what_decides_a_plan(tmp_path: Path) -> None:
    base = config_hash(settings(tmp_path), "m")
    assert config_hash(settings(tmp_path, "# comment\n" + GOOD), "m") == base
    assert config_hash(settings(tmp_path), "other mapping") != base
    canary = 'mode = "canary"\ncanary = "person.is_free_mail"'
    for old, new in [("points = 20", "points = 21"), ('mode = "live"', canary), ('"FR"', '"DE"')]:
        assert config_hash(settings(tmp_path, GOOD.replace(old, new)), "m") != base
    same = [('every = "5m"', 'every = "9m"'), ("${CRM_TOKEN}", "another-token"), ('mode = "live"', 'mode = "observe"')]
    for old, new in same:  # observing plans what live would write, so that its plan may be pushed later
        assert config_hash(settings(tmp_path, GOOD.replace(old, new)), "m") == base


def test_conditions_may_name_own_fields(tmp_path: Path) -> None:
    found, problems = read(tmp_path, GOOD.replace("company.employees >= 50", "person.fleet_size >= 50"))
    assert problems == []
    assert found is not None
    (problem,) = check_conditions(found)
    assert (problem.line, problem.key) == (12, "scoring.fit.size.when")
    assert "person.fleet_size" in problem.text
    assert "character 1" in problem.text
    assert check_conditions(found, [Field("fleet_size", "person", "number", "Fleet size")]) == []


def test_the_example_is_what_init_writes_and_loads() -> None:
    text = (ROOT / "config.example.toml").read_text(encoding="utf-8")
    assert text == default_config_text(EXAMPLE)
    kinds = {k.name: k.settings() for k in BUILT_IN}
    found, problems = load(ROOT / "config.example.toml", kinds, env=EXAMPLE_ENV, deep=True)
    assert problems == []
    assert found is not None
    assert found.rollout.mode == "observe"
    assert set(found.connections) == {"hubspot", "salesforce"}
    assert "student" in found.scoring.fit
    assert found.scoring.fit["competitor"].points < 0
    assert found.lifecycle.moves[0].to == Stage.PROSPECT


def test_init_writes_other_connections_and_modes(tmp_path: Path) -> None:
    text = default_config_text(
        [NewConnection("crm", "crm", {"token": 'quote " and \\', "retries": 5})],
        mode="live",
        timezone="UTC",
        live_from=date(2027, 1, 11),
        stop_if={},
    )
    (tmp_path / "config.toml").write_text(text, encoding="utf-8")
    found, problems = load(tmp_path / "config.toml", KINDS, env=ENV, deep=True)
    assert problems == []
    assert found is not None
    assert found.connections["crm"].settings == Crm(token='quote " and \\', retries=5)
    assert found.rollout.stop_if.updates is None
    assert found.rollout.live_from == date(2027, 1, 11)
