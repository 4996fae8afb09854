"""Secrets of a connection: "${NAME}", "file:/path", "keyring:name", resolved when the configuration is loaded.

Anything else is taken as it stands. A resolved value loses the white space around it (files and shells add line
breaks), is remembered by the report and never shown in a problem.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from importlib import import_module
from pathlib import Path
from typing import Any

from core.config_report import Report
from core.toml_lines import Path as KeyPath

_VARIABLE = re.compile(r"\$\{([^}]*)\}")
_NAME = re.compile(r"[A-Za-z_][A-Za-z0-9_]*")
#: keys whose values go into headers and token calls: printable ASCII without exception
_CREDENTIALS = frozenset(
    {"access_token", "api_key", "api_token", "client_id", "client_secret", "refresh_token", "token"}
)


def resolve(value: Any, path: KeyPath, env: Mapping[str, str], directory: Path, report: Report) -> Any:
    """`value` with every text in it resolved; what cannot be is reported and stays as written."""
    if isinstance(value, dict):
        return {k: resolve(v, (*path, k), env, directory, report) for k, v in value.items()}
    if isinstance(value, list):
        return [resolve(v, (*path, i), env, directory, report) for i, v in enumerate(value)]
    if not isinstance(value, str):
        return value
    if value.startswith("file:"):
        found = _from_file(value.removeprefix("file:"), path, directory, report)
    elif value.startswith("keyring:"):
        found = _from_keyring(value.removeprefix("keyring:"), path, report)
    elif "${" in value:
        found = _from_env(value, path, env, report)
    else:
        return value
    if found is None:
        return value
    if len(found) > 3:
        report.secrets |= {found, repr(found)[1:-1]}
    return found


def check_credentials(table: Mapping[str, Any], path: KeyPath, report: Report) -> None:
    """Credentials must be what HTTP can carry; a problem names the kind of character, never the value."""
    for key in sorted(_CREDENTIALS.intersection(table)):
        value = table[key]
        if not isinstance(value, str) or "${" in value or value.startswith(("file:", "keyring:")):
            continue  # what could not be resolved has been reported
        if value.isascii() and value.isprintable() and value == value.strip():
            continue
        if value.isascii():
            text = "holds a line break, a tab, a blank at an end or another character that cannot be sent"
        else:
            text = "holds a character that is no plain ASCII (a curly quote, a long dash, a no-break space?)"
        remedy = "copy the value again from the CRM, as one line without quotes or spaces around it"
        report.add((*path, key), text, remedy)


def _from_env(value: str, path: KeyPath, env: Mapping[str, str], report: Report) -> str | None:
    before = len(report.problems)
    names = _VARIABLE.findall(value)
    if value.count("${") != len(names):
        report.add(path, 'has "${" without "}"', 'write "${NAME}"')
    for name in names:
        if not _NAME.fullmatch(name):
            report.add(path, f"{name!r} is no name of an environment variable", 'write "${NAME}"')
        elif not env.get(name, "").strip():
            what = "is empty" if name in env else "is not set"
            report.add(path, f"the environment variable {name} {what}", f"set it: export {name}=...")
    if len(report.problems) > before:
        return None
    return _VARIABLE.sub(lambda m: env[m[1]].strip(), value).strip()


def _from_file(name: str, path: KeyPath, directory: Path, report: Report) -> str | None:
    where = directory / name
    try:
        text = where.read_text(encoding="utf-8-sig").strip()
    except (OSError, ValueError) as e:  # ValueError: bytes that are no UTF-8, or a NUL in the name
        why = e.strerror if isinstance(e, OSError) and e.strerror else "not a text file"
        report.add(path, f"the secret file {where} cannot be read: {why}", "create it, readable by this user")
        return None
    if not text:
        report.add(path, f"the secret file {where} is empty", "put the secret into it")
        return None
    return text


def _from_keyring(name: str, path: KeyPath, report: Report) -> str | None:
    try:
        keyring = import_module("keyring")
    except ModuleNotFoundError:
        remedy = 'pip install keyring, or use "${NAME}" or "file:/path"'
        report.add(path, "secrets from a keyring need the package keyring, which is not installed", remedy)
        return None
    try:
        found = str(keyring.get_password("crmhub", name) or "").strip()
    except import_module("keyring.errors").KeyringError as e:
        text = f"the keyring of this machine cannot be read ({type(e).__name__})"
        report.add(path, text, 'unlock or install one, or use "${NAME}" or "file:/path"')
        return None
    if not found:
        report.add(path, f"the keyring has no entry {name!r} of crmhub", f"add it: keyring set crmhub {name}")
        return None
    return found
