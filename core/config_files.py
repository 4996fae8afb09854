"""The files that a configuration is and names: read with words for what can go wrong, and kept apart."""

from __future__ import annotations

from pathlib import Path

from core.config_report import Report
from core.config_structs import Hub
from core.errors import ConfigProblem


def read_text(file: Path) -> str | ConfigProblem:
    """The text of a configuration file, with or without a byte order mark, or why it cannot be read."""
    try:
        return file.read_text(encoding="utf-8-sig")
    except FileNotFoundError:
        return ConfigProblem(str(file), 0, "", "there is no such file", "write one with: crmhub init")
    except (OSError, ValueError) as e:  # ValueError: bytes that are no UTF-8, or a NUL in the name
        why = e.strerror if isinstance(e, OSError) and e.strerror else "it is not UTF-8 text"
        return ConfigProblem(str(file), 0, "", f"cannot be read: {why}", "make it a readable UTF-8 file")


def check_paths(report: Report, hub: Hub, file: Path) -> None:
    """`store` and `mapping` name files of their own."""
    good = {key: _names_a_file(report, key, getattr(hub, key)) for key in ("store", "mapping")}
    if good["store"]:
        _check_store(report, hub, file)
    if good["mapping"] and _same(file.parent / hub.mapping, file):
        report.add(("hub", "mapping"), "is the configuration file itself", 'write mapping = "mapping.toml"')


def _names_a_file(report: Report, key: str, text: str) -> bool:
    usual = "crmhub.db" if key == "store" else "mapping.toml"
    remedy = f'write the name of a file, such as {key} = "{usual}"'
    if not text.strip():
        report.add(("hub", key), "is empty", remedy)
    elif not text.isprintable():
        report.add(("hub", key), "holds a line break or another character that no file name should have", remedy)
    elif text.endswith(("/", "\\")) or Path(text).name in ("", ".", ".."):
        report.add(("hub", key), f"{text!r} names a folder", remedy)
    else:
        return True
    return False


def _check_store(report: Report, hub: Hub, file: Path) -> None:
    path, store = ("hub", "store"), file.parent / hub.store
    remedy = 'give the store a file of its own, such as store = "crmhub.db"'
    if _same(store, file):
        report.add(path, "is the configuration file itself, which the store would overwrite", remedy)
    elif _same(store, file.parent / hub.mapping):
        report.add(path, "is the mapping file, which the store would overwrite", remedy)
    elif store.is_dir():
        report.add(path, f"{hub.store!r} is a folder", remedy)
    else:
        there = next((p for p in store.parents if p.exists()), None)
        if there is not None and not there.is_dir():
            report.add(path, f"{there} is a file, no folder can be made there", remedy)


def _same(a: Path, b: Path) -> bool:
    """Whether both names mean one file, through links as well."""
    return a.resolve() == b.resolve() or (a.exists() and b.exists() and a.samefile(b))
