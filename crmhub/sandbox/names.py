"""The stuff names, places and jobs are made of. Data only."""

from __future__ import annotations

from typing import NamedTuple


def _words(text: str) -> tuple[str, ...]:
    return tuple(text.split())


FIRST_NAMES: dict[str, tuple[str, ...]] = {
    "fr": _words(
        "Camille Chloé Léa Manon Inès Élodie Hélène Amélie Aurélie Céline Noémie Margaux Sophie Nathalie "
        "Valérie Isabelle Lucas Hugo Théo Loïc Jérôme François Frédéric Sébastien Rémi Benoît Étienne Gaël "
        "Mathieu Antoine Guillaume Jean-Pierre Pierre Olivier Nicolas Stéphane Thomas Julien Maëlle Zoé"
    ),
    "de": _words(
        "Anna Lena Katharina Jürgen Jörg Björn Günther Stefan Matthias Sören Ulrike Käthe Sabine Heike "
        "Birgit "
        "Claudia Monika Andrea Michael Thomas Andreas Wolfgang Klaus Uwe Dieter Lukas Jonas Felix Maximilian "
        "Paul Leonie Hannah Mia Emilia Sophie Johanna Franziska Tobias Florian Dominik"
    ),
    "es": _words(
        "María José Lucía Sofía Martín Álvaro Íñigo Begoña Andrés Ángel Inés Raúl Óscar Nuria Elena "
        "Pilar "
        "Carmen Javier Carlos Miguel Alejandro Pablo Sergio Diego Adrián Rubén Iván Jesús Concepción Rocío "
        "Marta Laura Cristina Paula Beatriz Verónica Mónica Ramón Joaquín Fernando"
    ),
    "en": _words(
        "James Mary Robert Patricia John Jennifer Michael Linda David Elizabeth William Barbara Richard "
        "Susan "
        "Joseph Jessica Thomas Sarah Charles Karen Christopher Nancy Daniel Lisa Matthew Betty "
        "Anthony Sandra "
        "Mark Ashley Emily Kimberly Andrew Donna Joshua Michelle Kevin Carol Siobhán Zoë"
    ),
}
LAST_NAMES: dict[str, tuple[str, ...]] = {
    "fr": _words(
        "Lefèvre Müller Dubois Bernard Durand Moreau Laurent Girard André Mercier Guérin Boyer Chevalier "
        "François Legrand Gauthier Garcia Perrin Robin Clément Morin Nicolas Mathieu Roussel Besnard Léger "
        "Lévêque Béranger Pelletier Dumas Fontaine Marchand Rey Blanchard Joly Roche Vidal Collet Renaud "
        "Lemaître d'Arcy Le-Goff Hervé Brun Noël Barbier Schmitt Colin Picard Aubert"
    ),
    "de": _words(
        "Müller Schmidt Schneider Fischer Weber Meyer Wagner Becker Schulz Hoffmann Schäfer Koch Bauer "
        "Richter "
        "Klein Wolf Schröder Neumann Schwarz Zimmermann Braun Krüger Hofmann Hartmann Lange Schmitt Werner "
        "Krause Meier Lehmann Köhler Herrmann König Walter Mayer Huber Kaiser Fuchs Peters Möller Weiß Jung "
        "Hahn Vogel Günther Keller Böhm Groß Roth Größler"
    ),
    "es": _words(
        "García Fernández González Rodríguez López Martínez Sánchez Pérez Gómez Martín Jiménez Ruiz "
        "Hernández "
        "Díaz Moreno Muñoz Álvarez Romero Alonso Gutiérrez Navarro Torres Domínguez Vázquez Ramos "
        "Gil Ramírez "
        "Serrano Blanco Molina Morales Suárez Ortega Delgado Castro Ortiz Rubio Marín Sanz Núñez Iglesias "
        "Medina Garrido Cortés Castillo Santos Lozano Guerrero Cano Prieto"
    ),
    "en": _words(
        "Smith Johnson Williams Brown Jones Miller Davis Wilson Anderson Taylor Moore Jackson Thompson "
        "White "
        "Harris Clark Lewis Robinson Walker Young Allen King Wright Scott Hill Green Adams Baker "
        "Nelson Carter "
        "Mitchell Roberts Turner Phillips Campbell Parker Evans Edwards Collins Stewart Morris Rogers Reed "
        "Cook Morgan Bell Murphy O'Brien MacDonald O'Connor"
    ),
}


class Country(NamedTuple):
    code: str
    name: str
    language: str
    dial: str
    trunk: str
    """What the national form puts before the number."""
    landline: tuple[str, ...]
    mobile: tuple[str, ...]
    digits: int
    """Length of the national number without trunk prefix."""
    domain: str
    currency: str
    legal: tuple[str, ...]
    cities: tuple[tuple[str, str, str], ...]
    """City, zip, state."""
    weight: int


COUNTRIES: tuple[Country, ...] = (
    Country(
        "FR", "France", "fr", "33", "0", ("1 4", "4 7", "5 5", "2 4"), ("6 1", "7 6"), 9, "fr", "EUR",
        ("SAS", "SARL", "SA"),
        (("Paris", "75008", ""), ("Lyon", "69003", ""), ("Nîmes", "30000", ""), ("Orléans", "45000", "")), 28,
    ),
    Country(
        "DE", "Germany", "de", "49", "0", ("30 2", "89 5", "40 3"), ("170 4", "172 3"), 10, "de", "EUR",
        ("GmbH", "AG", "KG"),
        (("Berlin", "10117", ""), ("München", "80331", ""), ("Köln", "50667", ""), ("Hamburg", "20095", "")),
        22,
    ),
    Country(
        "ES", "Spain", "es", "34", "", ("91 5", "93 4", "95 4"), ("6", "65"), 9, "es", "EUR",
        ("S.L.", "S.A."),
        (("Madrid", "28001", ""), ("Málaga", "29001", ""), ("A Coruña", "15001", "")), 14,
    ),
    Country(
        "GB", "United Kingdom", "en", "44", "0", ("20 7", "161 4"), ("7534", "7815"), 10, "co.uk", "GBP",
        ("Ltd", "plc"),
        (("London", "EC1A 1BB", ""), ("Manchester", "M1 1AE", ""), ("Bristol", "BS1 4ST", "")), 16,
    ),
    Country(
        "US", "United States", "en", "1", "", ("212 5", "415 6", "617 4"), ("646 3", "312 7"), 10, "com",
        "USD", ("Inc", "LLC", "Corp"),
        (
            ("New York", "10001", "New York"), ("San José", "95110", "California"),
            ("Boston", "02108", "Massachusetts"),
        ),
        20,
    ),
)  # fmt: skip


class Industry(NamedTuple):
    key: str
    fit: float
    """What it adds to the logit of buying."""
    weight: int
    word: str
    """Part of company names."""


INDUSTRIES: tuple[Industry, ...] = (
    Industry("software", 0.9, 20, "Systems"),
    Industry("it_services", 0.6, 14, "Digital"),
    Industry("finance", 0.7, 10, "Finance"),
    Industry("manufacturing", 0.5, 14, "Industries"),
    Industry("retail", 0.0, 10, "Handel"),
    Industry("healthcare", 0.1, 8, "Médical"),
    Industry("consulting", 0.2, 8, "Consulting"),
    Industry("education", -0.8, 6, "Académie"),
    Industry("construction", -0.2, 6, "Bau"),
    Industry("non_profit", -1.0, 4, "Foundation"),
)

SENIORITIES: tuple[tuple[str, int, float], ...] = (
    # name, weight, logit of buying
    ("c_level", 8, 1.2),
    ("vp", 6, 1.0),
    ("director", 14, 0.9),
    ("manager", 30, 0.4),
    ("individual", 36, -0.3),
    ("student", 6, -2.0),
)
DEPARTMENTS: tuple[str, ...] = ("sales", "marketing", "it", "finance", "operations", "hr")

TITLES: dict[str, dict[str, tuple[str, ...]]] = {
    "fr": {
        "c_level": (
            "Directeur Général",
            "PDG",
            "Directrice Financière (DAF)",
            "Directeur des Systèmes d'Information",
        ),
        "vp": ("Vice-présidente {d}", "Directeur Général Adjoint"),
        "director": ("Directeur {d}", "Directrice {d}"),
        "manager": ("Responsable {d}", "Chef de projet {d}", "Chargé de mission {d}"),
        "individual": ("Assistante {d}", "Analyste {d}", "Ingénieur {d}", "Attaché commercial"),
        "student": ("Étudiante", "Stagiaire {d}"),
    },
    "de": {
        "c_level": ("Geschäftsführer", "Vorstand", "Geschäftsführerin", "Kaufmännischer Leiter"),
        "vp": ("VP {d}", "Bereichsleiterin {d}"),
        "director": ("Leiter {d}", "Direktor {d}", "Leiterin {d}"),
        "manager": ("Teamleiter {d}", "Projektmanagerin {d}", "Manager {d}"),
        "individual": ("Sachbearbeiter {d}", "Referentin {d}", "Entwickler", "Einkäufer"),
        "student": ("Werkstudentin {d}", "Praktikant"),
    },
    "es": {
        "c_level": ("Director General", "Consejera Delegada", "Gerente"),
        "vp": ("Vicepresidenta de {d}", "Subdirector General"),
        "director": ("Director de {d}", "Directora de {d}"),
        "manager": ("Responsable de {d}", "Jefe de {d}", "Jefa de proyecto"),
        "individual": ("Técnico de {d}", "Administrativa", "Analista de {d}", "Ingeniera"),
        "student": ("Becario", "Estudiante"),
    },
    "en": {
        "c_level": ("CEO", "Chief Technology Officer", "CFO", "Founder & CEO", "Chief Marketing Officer"),
        "vp": ("VP {d}", "Vice President, {d}", "SVP {d}"),
        "director": ("Director of {d}", "Head of {d}", "{d} Director"),
        "manager": ("{d} Manager", "Senior {d} Manager", "Team Lead {d}"),
        "individual": ("{d} Specialist", "Software Engineer", "{d} Analyst", "Account Executive"),
        "student": ("Student", "{d} Intern"),
    },
}
DEPARTMENT_WORDS: dict[str, dict[str, str]] = {
    "fr": {"sales": "commercial", "marketing": "marketing", "it": "informatique", "finance": "financier",
           "operations": "des opérations", "hr": "des ressources humaines"},
    "de": {"sales": "Vertrieb", "marketing": "Marketing", "it": "IT", "finance": "Finanzen",
           "operations": "Betrieb", "hr": "Personal"},
    "es": {"sales": "ventas", "marketing": "marketing", "it": "sistemas", "finance": "finanzas",
           "operations": "operaciones", "hr": "recursos humanos"},
    "en": {"sales": "Sales", "marketing": "Marketing", "it": "IT", "finance": "Finance",
           "operations": "Operations", "hr": "People"},
}  # fmt: skip

FREE_MAIL: dict[str, tuple[str, ...]] = {
    "fr": ("gmail.com", "orange.fr", "wanadoo.fr", "hotmail.fr"),
    "de": ("gmail.com", "gmx.de", "web.de", "t-online.de"),
    "es": ("gmail.com", "hotmail.es", "yahoo.es"),
    "en": ("gmail.com", "outlook.com", "yahoo.com", "icloud.com"),
}
ROLE_NAMES: tuple[str, ...] = ("info", "contact", "sales", "office", "hello")
INTERESTS: tuple[str, ...] = ("analytics", "automation", "integration", "security")
COMPANY_WORDS: tuple[str, ...] = _words(
    "Nova Alto Vega Orion Delta Linde Soleil Atlas Aqua Terra Polar Ferro Silva Astra Lumen Brise "
    "Kern Ost "
    "Nord Sud Rhône Isar Ebro Severn Hudson Étoile Grün Río Quartz Onyx"
)
REP_NAMES: tuple[tuple[str, str], ...] = (
    ("Claire", "Fournier"), ("Marc", "Lemoine"), ("Jana", "Krämer"), ("Tim", "Albers"), ("Lucía", "Prado"),
    ("Owen", "Hughes"), ("Grace", "Bennett"), ("Yann", "Le Bris"), ("Petra", "Vogt"), ("Nico", "Ferrer"),
    ("Amy", "Foster"), ("Paul", "Girault"),
)  # fmt: skip
