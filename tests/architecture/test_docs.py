"""Docs that fail: what the docs say and what the program has are compared."""

from __future__ import annotations

import re
import subprocess
import sys
import tomllib
from importlib import import_module
from pathlib import Path
from typing import Any

import click
import msgspec
import pytest

from connectors.registry import BUILT_IN
from core import config_structs as structs
from core.config import _KEYS
from core.config_connections import _Shared
from core.mapping_user import _OWN_KEYS, Place
from crmhub.cli import COMMANDS

ROOT = Path(__file__).parents[2]
DOCS = sorted((ROOT / "docs").rglob("*.md"))
PAGES = [ROOT / "README.md", ROOT / "CHANGELOG.md", ROOT / "crmhub/sandbox/README.md", *DOCS]

#: the binding vocabulary; a word may stand in one row with others
WORDS = """
connector, connection, stream, raw row, record, external id, entity, link, base, change, merge policy, bookmark,
page cursor, op, outbox, dead letter, write-back, echo, point, ledger, fit, engagement, grade, band, lifecycle stage,
subscriber, lead, mql, sal, prospect, opportunity, customer, recycled, disqualified, journey, handoff, recycle, clock,
budget
"""

#: heading in docs/guides/admins.md -> the structs whose keys stand below it
TABLES: dict[str, list[type[Any]]] = {
    "[hub]": [structs.Hub],
    "[connections.NAME]": [_Shared, structs.Budget, structs.Create],
    "[rollout]": [structs.Rollout, structs.StopIf],
    "[identity]": [structs.Identity],
    "[scoring]": [structs.Scoring, structs.Bands, structs.Grades],
    "[scoring.fit.ID]": [structs.FitRule],
    "[scoring.engagement.ID]": [structs.EngagementRule],
    "[lifecycle]": [structs.Lifecycle],
    "[[lifecycle.moves]]": [structs.Move],
    "[sla.ID]": [structs.Sla],
    "[calendar]": [structs.BusinessTime],
    "[jobs.ID]": [structs.Job],
}


def text_of(name: str) -> str:
    return (ROOT / name).read_text(encoding="utf-8")


def sections(text: str) -> dict[str, str]:
    """Heading without # and backticks -> the text below it, down to the next heading of any level."""
    parts = re.split(r"^#+ +(.+)$", text, flags=re.MULTILINE)
    return {h.replace("`", "").strip(): body for h, body in zip(parts[1::2], parts[2::2], strict=True)}


def outside_code(text: str) -> str:
    return re.sub(r"^```.*?^```", "", text, flags=re.MULTILINE | re.DOTALL)


def slug(heading: str) -> str:
    """The anchor that a Markdown reader makes of a heading."""
    return re.sub(r"[^\w\- ]", "", heading.replace("`", "").lower()).strip().replace(" ", "-")


def command(name: str) -> click.Command:
    found = getattr(import_module(COMMANDS[name][0]), name)
    assert isinstance(found, click.Command)
    return found


def options_of(name: str) -> set[str]:
    if name == "sandbox":  # a program of its own: its words are in its help
        help_text = subprocess.run(
            [sys.executable, "-m", "crmhub.sandbox", "--help"], capture_output=True, text=True, check=True, cwd=ROOT
        ).stdout
        return set(re.findall(r"--[a-z][a-z-]+", help_text.partition("options:")[2])) - {"--help"}
    return {o for p in command(name).params if isinstance(p, click.Option) for o in p.opts if o.startswith("--")}


@pytest.mark.parametrize("name", COMMANDS)
def test_every_command_and_option_is_documented(name: str) -> None:
    found = sections(text_of("docs/cli.md"))
    assert name in found, f"docs/cli.md has no section {name}"
    missing = {o for o in options_of(name) if f"`{o}`" not in found[name] and f"`{o} " not in found[name]}
    assert not missing, f"docs/cli.md, {name}: {sorted(missing)}"


@pytest.mark.parametrize("name", COMMANDS)
def test_no_option_is_documented_that_is_not_there(name: str) -> None:
    told = set(re.findall(r"^\| [^|]*?`(--[a-z-]+)", sections(text_of("docs/cli.md"))[name], flags=re.MULTILINE))
    assert told <= options_of(name) | {"--help"}


@pytest.mark.parametrize("page", PAGES, ids=lambda p: str(p.relative_to(ROOT)))
def test_commands_that_docs_name_exist(page: Path) -> None:
    text = page.read_text(encoding="utf-8")
    lines = "\n".join(re.findall(r"^```.*?^```", text, flags=re.MULTILINE | re.DOTALL))
    typed = set(re.findall(r"`crmhub ([a-z][a-z-]*)", text))
    typed |= set(re.findall(r"^(?:\$ |.*&& )?crmhub ([a-z][a-z-]*)", lines, re.MULTILINE))
    unknown = typed - COMMANDS.keys()
    assert not unknown, f"{page.name} names {sorted(unknown)}"


@pytest.mark.parametrize("page", PAGES, ids=lambda p: str(p.relative_to(ROOT)))
def test_options_that_docs_name_exist(page: Path) -> None:
    typed = re.findall(r"`crmhub ([a-z]+)([^`\n]*)`", page.read_text(encoding="utf-8"))
    wrong = {
        f"crmhub {name} {option}"
        for name, rest in typed
        if name in COMMANDS
        for option in re.findall(r"--[a-z-]+", rest.partition("#")[0])
        if option not in options_of(name) | {"--help"}
    }
    assert not wrong


@pytest.mark.parametrize("heading", TABLES)
def test_every_key_of_the_configuration_is_documented(heading: str) -> None:
    found = sections(text_of("docs/guides/admins.md"))
    assert heading in found, f"docs/guides/admins.md has no section {heading}"
    keys = {f.encode_name for s in TABLES[heading] for f in msgspec.structs.fields(s)}
    missing = {k for k in keys if f"`{k}`" not in found[heading]}
    assert not missing, f"docs/guides/admins.md, {heading}: {sorted(missing)}"


def test_every_table_of_the_configuration_is_documented() -> None:
    roots = {re.split(r"[.\]]", h.strip("["))[0] for h in TABLES}
    assert roots == set(_KEYS)


def test_every_key_of_the_mapping_is_documented() -> None:
    keys = {f.encode_name for f in msgspec.structs.fields(Place)} | set(_OWN_KEYS)
    text = text_of("docs/guides/admins.md").partition("# mapping.toml")[2]
    assert not {k for k in keys if f"`{k}`" not in text}


@pytest.mark.parametrize("kind", BUILT_IN, ids=lambda k: k.name)
def test_every_connector_has_a_page_with_its_keys(kind: Any) -> None:
    text = text_of(f"docs/connectors/{kind.name}.md")
    shared = {f.encode_name for f in msgspec.structs.fields(_Shared)}
    keys = {f.encode_name for f in msgspec.structs.fields(kind.settings())}
    assert not {k for k in keys - shared if f"`{k}`" not in text}


@pytest.mark.parametrize("page", PAGES, ids=lambda p: str(p.relative_to(ROOT)))
def test_links_lead_somewhere(page: Path) -> None:
    broken = []
    for target in re.findall(r"\]\(([^)\s]+)\)", outside_code(page.read_text(encoding="utf-8"))):
        if re.match(r"[a-z]+:", target):
            continue
        path, _, anchor = target.partition("#")
        file = (page.parent / path).resolve() if path else page
        anchors = {slug(h) for h in sections(file.read_text(encoding="utf-8"))} if anchor and file.exists() else {""}
        if not file.exists() or anchor not in anchors:
            broken.append(target)
    assert not broken


def test_the_index_leads_to_every_page() -> None:
    text = text_of("docs/index.md")
    missing = [p for p in DOCS if p.name != "index.md" and f"({p.relative_to(ROOT / 'docs')})" not in text]
    assert not missing


def test_every_word_is_in_the_glossary() -> None:
    cells = re.findall(r"^\| ([^|]+) \|", text_of("docs/glossary.md"), flags=re.MULTILINE)
    known = {w.strip() for c in cells for w in c.split(",")}
    assert not {w.strip() for w in WORDS.split(",")} - known


def test_glossary_is_sorted() -> None:
    cells = re.findall(r"^\| ([^|]+) \|", text_of("docs/glossary.md"), flags=re.MULTILINE)[2:]
    assert [c.lower() for c in cells] == sorted(c.lower() for c in cells)


def test_changelog_names_the_version() -> None:
    version = tomllib.loads(text_of("pyproject.toml"))["project"]["version"]
    assert re.search(rf"^#+ .*\b{re.escape(version)}\b", text_of("CHANGELOG.md"), flags=re.MULTILINE)


@pytest.mark.parametrize("page", sorted((ROOT / "docs/adr").glob("*.md")), ids=lambda p: p.name)
def test_decisions_are_short(page: Path) -> None:
    assert len(page.read_text(encoding="utf-8").splitlines()) <= 30
