"""Seniority and function of job titles in four languages."""

from __future__ import annotations

import pytest

from core.values import FUNCTIONS, SENIORITIES, function, seniority

TITLES = [
    ("CEO", "c_level", "general"),
    ("C.E.O.", "c_level", "general"),
    ("PDG", "c_level", "general"),
    ("DG", "c_level", "general"),
    ("Directeur général", "c_level", "general"),
    ("Directrice générale adjointe", "vp", None),
    ("Geschäftsführerin", "c_level", "general"),
    ("Mitglied der Geschäftsleitung", "c_level", "general"),
    ("Director general", "c_level", "general"),
    ("Consejera delegada", "c_level", "general"),
    ("Managing Director", "c_level", "general"),
    ("Chief Technology Officer", "c_level", "it"),
    ("CFO", "c_level", "finance"),
    ("Chief Marketing Officer", "c_level", "marketing"),
    ("Founder & CEO", "owner", "general"),
    ("Co-fondatrice", "owner", "general"),
    ("Inhaber", "owner", "general"),
    ("Product Owner", "staff", "product"),
    ("VP, Sales", "vp", "sales"),
    ("Vice President of Engineering", "vp", "engineering"),
    ("Directeur commercial", "director", "sales"),
    ("Directrice des ressources humaines", "director", "hr"),
    ("Directora de compras", "director", "purchasing"),
    ("DSI", "director", "it"),
    ("DAF", "director", "finance"),
    ("Director of Product Marketing", "director", "marketing"),
    ("Head of Growth", "head", "marketing"),
    ("Vertriebsleiter (m/w/d)", "head", "sales"),
    ("Leiter:in Einkauf", "head", "purchasing"),
    ("Leiterin Recht", "head", "legal"),
    ("Jefa de ventas", "head", "sales"),
    ("Teamleiter IT", "manager", "it"),
    ("Responsable marketing", "manager", "marketing"),
    ("Operations Manager", "manager", "operations"),
    ("Sales Manager, ex-Google", "manager", "sales"),
    ("Account Manager", "staff", "sales"),
    ("Senior Software Engineer", "senior", "engineering"),
    ("Sachbearbeiterin Buchhaltung", "staff", "finance"),
    ("Acheteur", "staff", "purchasing"),
    ("Stagiaire marketing", "intern", "marketing"),
    ("Werkstudentin Vertrieb", "intern", "sales"),
    ("Assistant to the CEO", "staff", None),
    ("Executive Assistant, CEO", "staff", None),
    ("Assistante de direction", "staff", None),
    ("Assistenz der Geschäftsführung", "staff", None),
    ("Asistente del director general", "staff", None),
    ("Office of the CEO", "staff", None),
    ("Assistant Manager", "manager", None),
    ("Former CEO", None, None),
    ("ancien directeur", None, None),
    ("Lead Generation Specialist", "staff", None),
    ("Wizard", None, None),
    ("", None, None),
]


@pytest.mark.parametrize(("title", "level", "field"), TITLES, ids=[t for t, _, _ in TITLES])
def test_title(title: str, level: str | None, field: str | None) -> None:
    assert (seniority(title), function(title)) == (level, field)


def test_case_and_accents_do_not_matter() -> None:
    assert seniority("GESCHAFTSFUHRER") == seniority("geschäftsführer") == "c_level"
    assert function("DIRECTEUR  COMMERCIAL") == "sales"
    assert seniority(None) is None
    assert function(None) is None


def test_every_answer_is_in_the_published_lists() -> None:
    assert {level for _, level, _ in TITLES if level} == set(SENIORITIES)
    assert {field for _, _, field in TITLES if field} == set(FUNCTIONS)
