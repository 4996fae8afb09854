"""The store's tables, as migrations. Every table is STRICT; times are ms UTC, JSON is compact text.

What one row of each table is stands in docs/architecture.md and, in the binding form, beside each CREATE below.
"""

from __future__ import annotations

from sqlite_utils import Database
from sqlite_utils.migrations import Migrations

from core.model import FIELDS

migrations = Migrations("crmhub")

_SQL_TYPE = {"bool": "INTEGER", "number": "ANY", "money": "INTEGER", "datetime": "INTEGER"}


def _columns(entity: str) -> str:
    return ",\n".join(
        f"  {f.name} {_SQL_TYPE.get(f.type, 'TEXT')}" for f in FIELDS.values() if f.entity == entity and not f.decision
    )


@migrations()
def m001_facts(db: Database) -> None:
    """Records, entities, links: what the CRMs say and who is who."""
    db.executescript(
        f"""
-- a set of remote fields that a pull asked for
CREATE TABLE field_set(id INTEGER PRIMARY KEY, fields TEXT NOT NULL UNIQUE) STRICT;

-- one remote object: `remote` as the CRM shows it, `base` as last agreed on (NULL = same as remote),
-- `stamps` {{field: [lo, hi, actor]}} of what differs from base
CREATE TABLE record(
  id INTEGER PRIMARY KEY,
  connection TEXT NOT NULL, stream TEXT NOT NULL, remote_id TEXT NOT NULL,
  entity TEXT NOT NULL,
  remote TEXT NOT NULL, base TEXT, stamps TEXT,
  fetched INTEGER NOT NULL REFERENCES field_set(id),
  created_at INTEGER, modified_at INTEGER, actor TEXT NOT NULL DEFAULT 'unknown',
  seen_at INTEGER NOT NULL, changed_at INTEGER NOT NULL,
  deleted_at INTEGER, merged_into TEXT, read_only TEXT,
  entity_id INTEGER,
  dirty INTEGER NOT NULL DEFAULT 1,
  UNIQUE(connection, stream, remote_id)
) STRICT;
CREATE INDEX record_entity ON record(entity, entity_id);
CREATE INDEX record_dirty ON record(entity, id) WHERE dirty = 1;

-- a pushed field: what we sent, what the vendor made of it (NULL = not yet seen), whose edit it carries
CREATE TABLE field_push(
  record_id INTEGER NOT NULL REFERENCES record(id), field TEXT NOT NULL,
  sent TEXT NOT NULL, confirmed TEXT, at INTEGER NOT NULL, op_id INTEGER,
  PRIMARY KEY(record_id, field)
) STRICT, WITHOUT ROWID;

CREATE TABLE person(
  id INTEGER PRIMARY KEY,
{_columns("person")},
  custom TEXT NOT NULL DEFAULT '{{}}',
  seniority TEXT, function TEXT, is_free_mail INTEGER NOT NULL DEFAULT 0,
  company_id INTEGER, merged_into INTEGER,
  lead_record INTEGER,
  created_at INTEGER NOT NULL, updated_at INTEGER NOT NULL,
  todo_qualify INTEGER NOT NULL DEFAULT 1, todo_plan INTEGER NOT NULL DEFAULT 1
) STRICT;
CREATE INDEX person_email ON person(email);
CREATE INDEX person_company ON person(company_id);
CREATE INDEX person_todo_qualify ON person(id) WHERE todo_qualify = 1;
CREATE INDEX person_todo_plan ON person(id) WHERE todo_plan = 1;

CREATE TABLE company(
  id INTEGER PRIMARY KEY,
{_columns("company")},
  custom TEXT NOT NULL DEFAULT '{{}}',
  merged_into INTEGER,
  created_at INTEGER NOT NULL, updated_at INTEGER NOT NULL,
  todo_plan INTEGER NOT NULL DEFAULT 1
) STRICT;
CREATE INDEX company_todo_plan ON company(id) WHERE todo_plan = 1;

-- normal values by which records are recognised: email, phone, domain, cross-ids
CREATE TABLE identifier(
  kind TEXT NOT NULL, value TEXT NOT NULL, record_id INTEGER NOT NULL REFERENCES record(id),
  PRIMARY KEY(kind, value, record_id)
) STRICT, WITHOUT ROWID;
CREATE INDEX identifier_record ON identifier(record_id);

-- record belongs to entity; undone, never deleted
CREATE TABLE link(
  id INTEGER PRIMARY KEY,
  record_id INTEGER NOT NULL REFERENCES record(id), entity TEXT NOT NULL, entity_id INTEGER NOT NULL,
  rule TEXT NOT NULL, weight INTEGER NOT NULL, evidence TEXT NOT NULL,
  run INTEGER, at INTEGER NOT NULL, undone_at INTEGER
) STRICT;
CREATE INDEX link_record ON link(record_id);
CREATE INDEX link_entity ON link(entity, entity_id);

-- two entities that may be one; a person decides
CREATE TABLE review(
  id INTEGER PRIMARY KEY,
  entity TEXT NOT NULL, record_a INTEGER NOT NULL, record_b INTEGER NOT NULL,
  rule TEXT NOT NULL, weight INTEGER NOT NULL, evidence TEXT NOT NULL,
  state TEXT NOT NULL DEFAULT 'open', run INTEGER, at INTEGER NOT NULL, decided_at INTEGER,
  UNIQUE(record_a, record_b)
) STRICT;

-- "these two are not the same": a rejection or an undone link, remembered
CREATE TABLE cannot_link(
  record_a INTEGER NOT NULL, record_b INTEGER NOT NULL, at INTEGER NOT NULL, reason TEXT NOT NULL,
  PRIMARY KEY(record_a, record_b)
) STRICT, WITHOUT ROWID;

-- record - record, by remote ids since the other end may not be pulled yet
CREATE TABLE association(
  connection TEXT NOT NULL, stream TEXT NOT NULL, remote_id TEXT NOT NULL,
  to_stream TEXT NOT NULL, to_id TEXT NOT NULL, is_primary INTEGER NOT NULL DEFAULT 0,
  PRIMARY KEY(connection, stream, remote_id, to_stream, to_id)
) STRICT, WITHOUT ROWID;
CREATE INDEX association_to ON association(connection, to_stream, to_id);

-- a canonical field changed. First values make no row: their record is their provenance
CREATE TABLE change(
  id INTEGER PRIMARY KEY,
  entity TEXT NOT NULL, entity_id INTEGER NOT NULL, field TEXT NOT NULL,
  old ANY, new ANY, lo INTEGER, at INTEGER NOT NULL, actor TEXT NOT NULL, source TEXT NOT NULL,
  record_id INTEGER, run INTEGER
) STRICT;
CREATE INDEX change_entity ON change(entity, entity_id, field, id);

-- two values, one field: what waits for a decision. kind: edit (changed on both sides), adoption (disagreed at
-- first contact), noted (told, blocks nothing)
CREATE TABLE conflict(
  id INTEGER PRIMARY KEY,
  entity TEXT NOT NULL, entity_id INTEGER NOT NULL, field TEXT NOT NULL, kind TEXT NOT NULL,
  candidates TEXT NOT NULL, opened_at INTEGER NOT NULL, run INTEGER,
  closed_at INTEGER, closed_by TEXT
) STRICT;
CREATE UNIQUE INDEX conflict_open ON conflict(entity, entity_id, field) WHERE closed_at IS NULL;

-- do not write this field of this record until the canonical value is another one (value) or until a time
CREATE TABLE hold(
  record_id INTEGER NOT NULL, field TEXT NOT NULL, value TEXT, until INTEGER, reason TEXT NOT NULL, at INTEGER NOT NULL,
  PRIMARY KEY(record_id, field)
) STRICT, WITHOUT ROWID;

CREATE TABLE owner(
  id INTEGER PRIMARY KEY, email TEXT UNIQUE, name TEXT, is_queue INTEGER NOT NULL DEFAULT 0,
  active INTEGER NOT NULL DEFAULT 1
) STRICT;
"""
    )


@migrations()
def m002_activity(db: Database) -> None:
    """What happened, and to whom."""
    db.executescript(
        """
CREATE TABLE activity(
  id INTEGER PRIMARY KEY,
  connection TEXT NOT NULL, stream TEXT NOT NULL, remote_id TEXT NOT NULL,
  kind TEXT NOT NULL, actor TEXT NOT NULL DEFAULT 'unknown', occurred_at INTEGER,
  completed INTEGER NOT NULL DEFAULT 1, title TEXT, direction TEXT, outcome TEXT,
  dedupe_key TEXT, op_id INTEGER, remote TEXT NOT NULL, modified_at INTEGER, deleted_at INTEGER,
  seen_at INTEGER NOT NULL,
  UNIQUE(connection, stream, remote_id)
) STRICT;

-- who took part: a record by (connection, stream, ref), or an address (stream = 'email'). person_id is a cache
CREATE TABLE activity_party(
  activity_id INTEGER NOT NULL REFERENCES activity(id),
  connection TEXT NOT NULL, stream TEXT NOT NULL, ref TEXT NOT NULL, person_id INTEGER,
  PRIMARY KEY(activity_id, stream, ref)
) STRICT, WITHOUT ROWID;
CREATE INDEX activity_party_ref ON activity_party(stream, ref, connection);
CREATE INDEX activity_party_person ON activity_party(person_id, activity_id);
"""
    )


@migrations()
def m003_decisions(db: Database) -> None:
    """Scores, stages, clocks, consent: what the hub concluded."""
    db.executescript(
        """
CREATE TABLE score(
  person_id INTEGER PRIMARY KEY, total INTEGER NOT NULL, fit INTEGER NOT NULL, engagement INTEGER NOT NULL,
  since_recycle INTEGER NOT NULL DEFAULT 0,
  band TEXT NOT NULL, grade TEXT NOT NULL, intent TEXT, why TEXT NOT NULL DEFAULT '',
  as_of INTEGER NOT NULL, rules TEXT NOT NULL, next_due INTEGER
) STRICT;
CREATE INDEX score_due ON score(next_due) WHERE next_due IS NOT NULL;
CREATE TABLE score_history(
  id INTEGER PRIMARY KEY, person_id INTEGER NOT NULL, total INTEGER NOT NULL, band TEXT NOT NULL, grade TEXT NOT NULL,
  at INTEGER NOT NULL, run INTEGER
) STRICT;
CREATE INDEX score_history_person ON score_history(person_id, id);

CREATE TABLE stage(
  person_id INTEGER PRIMARY KEY, stage TEXT NOT NULL, since INTEGER NOT NULL, reason TEXT NOT NULL, rule TEXT NOT NULL,
  hand_set_until INTEGER, cooldown_until INTEGER, claims TEXT NOT NULL DEFAULT '{}'
) STRICT;
CREATE TABLE stage_history(
  id INTEGER PRIMARY KEY, person_id INTEGER NOT NULL, old TEXT, new TEXT NOT NULL, at INTEGER NOT NULL,
  reason TEXT NOT NULL, rule TEXT NOT NULL, run INTEGER
) STRICT;
CREATE INDEX stage_history_person ON stage_history(person_id, id);

CREATE TABLE clock(
  id INTEGER PRIMARY KEY, person_id INTEGER NOT NULL, policy TEXT NOT NULL,
  started_at INTEGER NOT NULL, due_at INTEGER NOT NULL, stopped_at INTEGER, stopped_by TEXT,
  UNIQUE(person_id, policy, started_at)
) STRICT;

-- an opt-out with its evidence; only a later opt-in event ends it
CREATE TABLE consent(
  person_id INTEGER NOT NULL, channel TEXT NOT NULL, opted_out INTEGER NOT NULL, since INTEGER NOT NULL,
  evidence TEXT NOT NULL, PRIMARY KEY(person_id, channel)
) STRICT, WITHOUT ROWID;
CREATE TABLE consent_history(
  id INTEGER PRIMARY KEY, person_id INTEGER NOT NULL, channel TEXT NOT NULL, opted_out INTEGER NOT NULL,
  at INTEGER NOT NULL, evidence TEXT NOT NULL
) STRICT;
"""
    )


@migrations()
def m004_work(db: Database) -> None:
    """Plans, ops, runs, leases, calls: what the hub does."""
    db.executescript(
        """
CREATE TABLE plan(
  id INTEGER PRIMARY KEY, created_at INTEGER NOT NULL, config_hash TEXT NOT NULL, run INTEGER, summary TEXT NOT NULL
) STRICT;
-- one planned write; not yet an op
CREATE TABLE plan_item(
  id INTEGER PRIMARY KEY, plan_id INTEGER NOT NULL REFERENCES plan(id) ON DELETE CASCADE,
  connection TEXT NOT NULL, stream TEXT NOT NULL, record_id INTEGER, remote_id TEXT,
  entity TEXT NOT NULL, entity_id INTEGER NOT NULL, action TEXT NOT NULL,
  before TEXT NOT NULL, after TEXT NOT NULL, reasons TEXT NOT NULL, priority INTEGER NOT NULL DEFAULT 5
) STRICT;
CREATE INDEX plan_item_plan ON plan_item(plan_id, connection, stream, priority, id);

-- the outbox and, once confirmed, the journal; values in remote form
CREATE TABLE op(
  id INTEGER PRIMARY KEY, plan_id INTEGER NOT NULL, config_hash TEXT NOT NULL, run INTEGER,
  connection TEXT NOT NULL, stream TEXT NOT NULL, record_id INTEGER, remote_id TEXT,
  entity TEXT NOT NULL, entity_id INTEGER NOT NULL, action TEXT NOT NULL,
  before TEXT NOT NULL, after TEXT NOT NULL, reasons TEXT NOT NULL, priority INTEGER NOT NULL DEFAULT 5,
  key_field TEXT, key_value TEXT,
  state TEXT NOT NULL DEFAULT 'queued', attempts INTEGER NOT NULL DEFAULT 0, error TEXT,
  queued_at INTEGER NOT NULL, sent_at INTEGER, done_at INTEGER, retry_at INTEGER
) STRICT;
CREATE INDEX op_open ON op(connection, stream, priority, id) WHERE state IN ('queued', 'sending', 'unknown');
CREATE UNIQUE INDEX op_one_in_flight ON op(record_id) WHERE state IN ('queued', 'sending', 'unknown') AND record_id IS NOT NULL;
CREATE INDEX op_entity ON op(entity, entity_id);
CREATE INDEX op_run ON op(run);
CREATE INDEX op_record ON op(record_id);

CREATE TABLE dead_letter(
  id INTEGER PRIMARY KEY, direction TEXT NOT NULL, connection TEXT NOT NULL, stream TEXT NOT NULL, remote_id TEXT,
  op_id INTEGER, raw TEXT NOT NULL, reason TEXT NOT NULL, remedy TEXT NOT NULL, at INTEGER NOT NULL, run INTEGER,
  state TEXT NOT NULL DEFAULT 'open', fingerprint TEXT NOT NULL
) STRICT;
CREATE UNIQUE INDEX dead_letter_open ON dead_letter(fingerprint) WHERE state = 'open';

CREATE TABLE bookmark(
  connection TEXT NOT NULL, stream TEXT NOT NULL, value TEXT, fetched INTEGER,
  started_at INTEGER, completed_at INTEGER, passes INTEGER NOT NULL DEFAULT 0,
  PRIMARY KEY(connection, stream)
) STRICT, WITHOUT ROWID;

CREATE TABLE run(
  id INTEGER PRIMARY KEY, command TEXT NOT NULL, started_at INTEGER NOT NULL, ended_at INTEGER,
  status TEXT NOT NULL DEFAULT 'running', pid INTEGER, config_hash TEXT, mapping_hash TEXT, summary TEXT
) STRICT;

CREATE TABLE call(
  connection TEXT NOT NULL, endpoint TEXT NOT NULL, day TEXT NOT NULL, status INTEGER NOT NULL, count INTEGER NOT NULL,
  PRIMARY KEY(connection, endpoint, day, status)
) STRICT, WITHOUT ROWID;

-- who is working; the token fences off a holder that was thought dead
CREATE TABLE lease(
  name TEXT PRIMARY KEY, holder TEXT NOT NULL, token INTEGER NOT NULL, beat_at INTEGER NOT NULL, taken_at INTEGER NOT NULL
) STRICT;

CREATE TABLE connection(
  name TEXT PRIMARY KEY, kind TEXT NOT NULL, account_id TEXT, account TEXT, user TEXT,
  checked_at INTEGER, approved_at INTEGER, approved_by TEXT
) STRICT;

-- the fields of a stream as the CRM described them
CREATE TABLE remote_schema(
  connection TEXT NOT NULL, stream TEXT NOT NULL, fields TEXT NOT NULL, at INTEGER NOT NULL,
  PRIMARY KEY(connection, stream)
) STRICT, WITHOUT ROWID;

CREATE TABLE setting(name TEXT PRIMARY KEY, value TEXT NOT NULL, at INTEGER NOT NULL) STRICT;

CREATE VIEW readable_run AS
  SELECT id, command, status, datetime(started_at / 1000, 'unixepoch') AS started,
         datetime(ended_at / 1000, 'unixepoch') AS ended, summary FROM run;
CREATE VIEW readable_activity AS
  SELECT p.person_id, a.kind, datetime(a.occurred_at / 1000, 'unixepoch') AS occurred, a.title, a.outcome,
         a.connection, a.stream, a.remote_id
  FROM activity a LEFT JOIN activity_party p ON p.activity_id = a.id;
CREATE VIEW readable_change AS
  SELECT entity, entity_id, field, old, new, datetime(at / 1000, 'unixepoch') AS changed, actor, source FROM change;
"""
    )


@migrations()
def m005_deals(db: Database) -> None:
    """Deals, who takes part in them, and roles on associations; amounts of companies may have fractions."""
    for statement in _DEALS:
        db.execute(statement)
    for table, column in (("company", "revenue"), ("person", "company_revenue")):
        db.execute(f"ALTER TABLE {table} ADD COLUMN any_{column} ANY")
        db.execute(f"UPDATE {table} SET any_{column} = {column} WHERE {column} IS NOT NULL")
        db.execute(f"ALTER TABLE {table} DROP COLUMN {column}")
        db.execute(f"ALTER TABLE {table} RENAME COLUMN any_{column} TO {column}")


_DEALS = (
    "ALTER TABLE association ADD COLUMN role TEXT",
    # deal_amount counts minor units of deal_currency. state: open, won, lost, unknown (no CRM tells), gone (no CRM
    # has it any more); `since` ms from which we know it to be so
    """
    CREATE TABLE deal(
      id INTEGER PRIMARY KEY,
      deal_name TEXT, deal_stage TEXT, deal_pipeline TEXT, deal_amount INTEGER, deal_currency TEXT,
      deal_probability ANY, deal_close_date TEXT, deal_is_closed ANY, deal_is_won ANY, deal_owner_email TEXT,
      custom TEXT NOT NULL DEFAULT '{}',
      state TEXT NOT NULL DEFAULT 'open', since INTEGER NOT NULL DEFAULT 0,
      company_id INTEGER, merged_into INTEGER,
      created_at INTEGER NOT NULL, updated_at INTEGER NOT NULL
    ) STRICT
    """,
    "CREATE INDEX deal_company ON deal(company_id) WHERE company_id IS NOT NULL",
    # who takes part in a deal: a cache, rebuilt when associations, records or people change
    """
    CREATE TABLE deal_person(
      deal_id INTEGER NOT NULL, person_id INTEGER NOT NULL, role TEXT, is_primary INTEGER NOT NULL DEFAULT 0,
      PRIMARY KEY(deal_id, person_id)
    ) STRICT, WITHOUT ROWID
    """,
    "CREATE INDEX deal_person_person ON deal_person(person_id)",
    """
    CREATE VIEW readable_deal AS
      SELECT d.id, d.deal_name, d.state, datetime(d.since / 1000, 'unixepoch') AS since, d.deal_stage, d.deal_amount,
             d.deal_currency, d.deal_close_date, c.name AS company, p.person_id, p.role
      FROM deal d LEFT JOIN company c ON c.id = d.company_id LEFT JOIN deal_person p ON p.deal_id = d.id
      WHERE d.merged_into IS NULL
    """,
)


@migrations()
def m006_live_records(db: Database) -> None:
    """Live records are counted after each pull; changed ones are resolved in an order that no pull decides."""
    db.execute("DROP INDEX record_dirty")
    db.execute("CREATE INDEX record_dirty ON record(entity, connection, stream, remote_id) WHERE dirty = 1")
    db.execute(
        "CREATE INDEX record_live ON record(connection, stream) WHERE deleted_at IS NULL AND merged_into IS NULL"
    )
