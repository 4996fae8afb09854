"""One rehearsal: a sandbox, a hub folder, the command line as a process, and what both hold afterwards.

Everything that may differ between two runs that did the same is taken out of what is compared: ids and the store's
own name where the hub made the record, and every time at or after the sandbox's start.
"""

from __future__ import annotations

import json
import os
import re
import shutil
import signal
import sqlite3
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from contextlib import closing, contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import requests

from jobs.runtime import open_hub
from jobs.sight import idle_calls
from jobs.sync import Report, sync

Json = dict[str, Any]
#: a minute before the sandbox fixture's start, as clocks may be skewed; times from here on are stamps of the rehearsal
START = "2026-11-02T07:59:00"
_STAMP = re.compile(r"^20\d\d-\d\d-\d\dT\d\d:\d\d")
_OURS = re.compile(r"^[0-9a-f]{8}-(\d+)$")
#: control URL -> a folder that `init --sandbox` made; it is the same for every rehearsal on that sandbox
_TEMPLATES: dict[str, Path] = {}


@dataclass(frozen=True, slots=True)
class Ran:
    """A finished command."""

    code: int
    out: str
    err: str

    @property
    def data(self) -> Json:
        """The object of --json."""
        found: Json = json.loads(self.out)
        return found


@dataclass(slots=True)
class World:
    """A sandbox at `control` and a hub in `home`; the sandbox's clock is the hub's."""

    control: str
    home: Path
    http: requests.Session = field(default_factory=requests.Session)

    # ---- beginning

    def fresh(self) -> None:
        """The seeded start and a new hub folder, as `init --sandbox` leaves it."""
        self.steer("/reset", {})
        shutil.rmtree(self.home, ignore_errors=True)
        if self.control not in _TEMPLATES:
            self.home.mkdir(parents=True)
            self.clear_faults()
            made = self.run("init", "--sandbox", self.control)
            assert made.code == 0, made.err
            template = self.home.with_name(self.home.name + ".template")
            shutil.copytree(self.home, template)
            _TEMPLATES[self.control] = template
            self.steer("/reset", {})
        else:
            shutil.copytree(_TEMPLATES[self.control], self.home)

    def edit_config(self, old: str, new: str) -> None:
        """Change the configuration file; `old` must stand in it."""
        path = self.home / "config.toml"
        text = path.read_text(encoding="utf-8")
        assert old in text, f"{old!r} is not in config.toml"
        path.write_text(text.replace(old, new, 1), encoding="utf-8")

    def allow_creates(self, *names: str) -> None:
        """People that a CRM lacks are created there."""
        for name in names:
            key = f"[connections.{name}]"
            text = (self.home / "config.toml").read_text(encoding="utf-8")
            head = next(line for line in text.splitlines() if line.startswith(key))
            self.edit_config(head, head + '\ncreate = { person = "person.email is not null" }')
        self.edit_config("creates = 0", "creates = 100")

    # ---- the command line

    def environment(self, fault: str | None = None) -> dict[str, str]:
        env = {k: v for k, v in os.environ.items() if not k.startswith("CRMHUB_")}
        env["CRMHUB_CLOCK"] = f"{self.control}/clock"
        if fault is not None:
            env["CRMHUB_FAULT"] = fault
        return env

    def start(self, *arguments: str, fault: str | None = None) -> subprocess.Popen[str]:
        return subprocess.Popen(
            [sys.executable, "-c", "from crmhub.cli import main; main()", *arguments],
            cwd=self.home,
            env=self.environment(fault),
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )

    def run(self, *arguments: str, fault: str | None = None, timeout: float = 120) -> Ran:
        """One command to its end; a traceback is never an answer."""
        with self.start(*arguments, fault=fault) as process:
            out, err = process.communicate(timeout=timeout)
        assert "Traceback" not in err, err
        return Ran(process.returncode, out, err)

    def sync(self, *arguments: str) -> Json:
        """`crmhub sync` that must end well."""
        ran = self.run("sync", "--json", *arguments)
        assert ran.code == 0, (ran.code, ran.out, ran.err)
        return ran.data

    def killed(self, *arguments: str, fault: str) -> bool:
        """Whether the command died of the fault rather than ending before it."""
        ran = self.run(*arguments, fault=fault)
        assert ran.code in (0, -signal.SIGKILL), (ran.code, ran.err)
        return ran.code != 0

    def boundaries(self, *arguments: str) -> dict[str, int]:
        """How many commit and wire boundaries a command passes."""
        ran = self.run(*arguments, fault="count:boundaries")
        assert ran.code == 0, ran.err
        words = (self.home / "boundaries").read_text(encoding="utf-8").split()
        return {kind: int(n) for kind, _, n in (w.partition("=") for w in words)}

    def sync_here(self) -> Report:
        """sync in this process: what a command does, without starting one."""
        before = os.environ.get("CRMHUB_CLOCK")
        os.environ["CRMHUB_CLOCK"] = f"{self.control}/clock"
        try:
            with closing(open_hub(self.home / "config.toml")) as hub:
                return sync(hub)
        finally:
            if before is None:
                del os.environ["CRMHUB_CLOCK"]
            else:
                os.environ["CRMHUB_CLOCK"] = before

    # ---- the sandbox

    def steer(self, path: str, body: Any = None, method: str | None = None) -> Any:
        """A call on the control port: POST with a body, GET without."""
        method = method or ("GET" if body is None else "POST")
        answer = self.http.request(method, self.control + path, json=body, timeout=60)
        assert answer.ok, answer.text
        return answer.json() if answer.content else None

    def fault(self, *rules: Json) -> None:
        self.steer("/faults", list(rules))

    def hits(self) -> int:
        """How often faults struck."""
        return sum(rule["hits"] for rule in self.steer("/faults"))

    def clear_faults(self) -> None:
        self.steer("/faults", method="DELETE")

    def advance(self, seconds: float) -> None:
        self.steer("/clock", {"advance": round(seconds * 1000)})

    def edit(self, vendor: str, kind: str, record: str, **fields: Any) -> None:
        """An edit by a person in that CRM's screens."""
        self.steer("/edit", {"vendor": vendor, "object": kind, "id": record, "fields": fields})

    def act(self, vendor: str, action: str, **wish: Any) -> Json:
        """Whatever else a person does in that CRM's screens."""
        found: Json = self.steer("/act", {"vendor": vendor, "action": action, **wish})
        return found

    def switch(self, vendor: str, **switches: Any) -> None:
        """Set switches of a simulated CRM."""
        self.steer("/settings", {"vendor": vendor, **switches})

    def fields(self, vendor: str, kind: str, record: str) -> Json:
        """What a record shows in its CRM."""
        found: Json = next(r["fields"] for r in self.rows(vendor) if r["object"] == kind and r["id"] == record)
        return found

    def rows(self, vendor: str) -> list[Json]:
        text = self.http.get(f"{self.control}/state/{vendor}", timeout=60).text
        return [json.loads(line) for line in text.splitlines()]

    def calls(self) -> dict[str, int]:
        """vendor -> requests since the count was last cleared."""
        found: Counter[str] = Counter()
        for row in self.steer("/calls"):
            found[row["vendor"]] += row["count"]
        return dict(found)

    def published_idle_calls(self) -> dict[str, int]:
        """vendor -> what its streams say that a pull without news costs; builds connectors, calls nobody."""
        with closing(open_hub(self.home / "config.toml")) as hub:
            return {name: idle_calls(hub, name) for name in hub.names()}

    def clear_calls(self) -> None:
        self.steer("/calls", method="DELETE")

    # ---- what is compared

    def state(self, *vendors: str) -> list[str]:
        """All records of the CRMs, one line each, without time stamps; records that the hub made without id."""
        seeded = START[:10]
        lines = []
        for vendor in vendors or ("hubspot", "salesforce"):
            for row in self.rows(vendor):
                fields = {k: plain(v) for k, v in row["fields"].items() if v is not None}
                made = str(row["fields"].get("createdate") or row["fields"].get("CreatedDate") or "") >= seeded
                if made:
                    for name in ("hs_object_id", "Id"):
                        fields.pop(name, None)
                where = "new" if made else row["id"]
                gone = [row["deleted"], row["merged_into"]]
                lines.append(f"{vendor} {row['object']} {where} {json.dumps([fields, gone], sort_keys=True)}")
        return sorted(lines)

    def emails(self, vendor: str) -> list[str]:
        """Addresses of the live people of a CRM."""
        kinds = {"hubspot": ("contacts",), "salesforce": ("Lead", "Contact")}[vendor]
        people = [r for r in self.rows(vendor) if r["object"] in kinds and not r["deleted"] and not r["merged_into"]]
        return [mail for r in people if (mail := r["fields"].get("email") or r["fields"].get("Email"))]

    @contextmanager
    def store(self) -> Iterator[sqlite3.Connection]:
        """The hub's store, to look at."""
        with closing(sqlite3.connect(f"file:{self.home / 'crmhub.db'}?mode=ro", uri=True)) as db:
            db.row_factory = sqlite3.Row
            yield db

    def one(self, sql: str, *values: Any) -> Any:
        """First column of the first row of a query on the store."""
        with self.store() as db:
            row = db.execute(sql, values).fetchone()
        return None if row is None else row[0]

    def column(self, sql: str, *values: Any) -> list[Any]:
        """First column of a query on the store."""
        with self.store() as db:
            return [row[0] for row in db.execute(sql, values)]

    def knowledge(self) -> dict[str, list[str]]:
        """What the hub holds, without ids of its own and time stamps."""
        with self.store() as db:
            return _knowledge(db)

    def close(self) -> None:
        self.http.close()


def plain(value: Any) -> Any:
    """A value without what differs from run to run."""
    if isinstance(value, str):
        if _STAMP.match(value) and value >= START:
            return "<time>"
        return _OURS.sub(r"<store>-\1", value)
    if isinstance(value, float) and value.is_integer():
        return int(value)
    if isinstance(value, dict):
        return {k: plain(v) for k, v in value.items()}
    return value


def _knowledge(db: sqlite3.Connection) -> dict[str, list[str]]:
    # people and companies are named by their first record, since ids of entities depend on the order of work
    names: dict[tuple[str, int], str] = {}
    records: dict[int, str] = {}
    found: dict[str, list[str]] = {k: [] for k in ("records", "people", "happened", "waits", "written", "links")}
    for r in db.execute("SELECT * FROM record ORDER BY connection, stream, remote_id"):
        made = "crmhub_id" in r["remote"] and any(
            isinstance(v, str) and _OURS.match(v) for v in json.loads(r["remote"]).values()
        )
        records[r["id"]] = f"{r['connection']} {r['stream']} {'new' if made else r['remote_id']}"
        if r["entity_id"] is not None:
            names.setdefault((r["entity"], r["entity_id"]), records[r["id"]])
    for r in db.execute("SELECT * FROM record"):
        who = names.get((r["entity"], r["entity_id"]))
        text = json.dumps({k: plain(v) for k, v in json.loads(r["remote"]).items()}, sort_keys=True)
        agreed = r["base"] is None
        found["records"].append(f"{records[r['id']]} -> {who}: {text} {agreed} {r['deleted_at']} {r['merged_into']}")
    people = (
        # whole points: waiting out trouble may cross an hour of decay
        "SELECT p.*, ROUND(s.total / 1000.0) AS total, s.band, s.grade, g.stage, g.reason FROM person p "
        "LEFT JOIN score s ON s.person_id = p.id "
        "LEFT JOIN stage g ON g.person_id = p.id WHERE p.merged_into IS NULL"
    )
    hidden = {"id", "company_id", "lead_record", "created_at", "updated_at", "todo_qualify", "todo_plan"}
    for r in db.execute(people):
        values = {k: plain(r[k]) for k in r.keys() if k not in hidden and r[k] is not None}  # noqa: SIM118 - a sqlite3.Row iterates over its values
        company, lead = names.get(("company", r["company_id"])), records.get(r["lead_record"])
        found["people"].append(f"{names.get(('person', r['id']))} {values} {company} {lead}")
    happened = (
        "SELECT a.*, p.stream AS party, p.ref, p.person_id FROM activity a "
        "LEFT JOIN activity_party p ON p.activity_id = a.id"
    )
    for r in db.execute(happened):
        who = names.get(("person", r["person_id"]))
        what = [r[k] for k in ("connection", "stream", "remote_id", "kind", "completed", "party", "ref", "deleted_at")]
        found["happened"].append(f"{what} {who}")
    for r in db.execute("SELECT * FROM conflict WHERE closed_at IS NULL"):
        found["waits"].append(f"{names.get((r['entity'], r['entity_id']))} {r['field']} {r['kind']}")
    for r in db.execute("SELECT * FROM field_push"):
        shown = r["confirmed"] or r["sent"]
        found["written"].append(f"{records[r['record_id']]} {r['field']} {r['sent']} {shown}")
    for r in db.execute("SELECT * FROM link WHERE undone_at IS NULL"):
        found["links"].append(f"{records[r['record_id']]} {r['rule']} {names.get((r['entity'], r['entity_id']))}")
    return {k: sorted(v) for k, v in found.items()}


def spread(n: int, wanted: int) -> list[int]:
    """Boundaries 1..n to try: all with CRMHUB_FULL=1, else about `wanted`, on both sides, first and last included."""
    if os.environ.get("CRMHUB_FULL") == "1" or n <= wanted:
        return list(range(1, n + 1))
    step = (n - 1) / (wanted - 1)
    picked = [1 + round(i * step) for i in range(wanted)]
    return sorted({min(n, p + (i % 2 and p % 2)) for i, p in enumerate(picked)})


def wait_until(ready: Callable[[], bool], what: str, seconds: float = 20) -> None:
    """Wait in real time for another process."""
    deadline = time.monotonic() + seconds
    while not ready():
        assert time.monotonic() < deadline, f"{what} did not happen"
        time.sleep(0.01)


def differences(a: Sequence[str], b: Sequence[str]) -> list[str]:
    """Lines that only one of two has; short, for messages."""
    left, right = Counter(a), Counter(b)
    return [f"- {x}" for x in (left - right)] + [f"+ {x}" for x in (right - left)]
