"""Writing: sObject collections, 200 records a call, each record for itself.

Vendor page: https://developer.salesforce.com/docs/atlas.en-us.api_rest.meta/api_rest (sObject Collections).
The call answers 200 even when every record failed, in the order of the request.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from connectors.contract import (
    AuthFailed,
    ConnectorError,
    ContractBroken,
    MissingScope,
    Rejected,
    Throttled,
    WriteOp,
    WriteResult,
)
from connectors.salesforce import errors, reading
from connectors.salesforce.ids import full_id, is_id
from connectors.salesforce.org import Org
from connectors.salesforce.session import COLLECTIONS
from connectors.salesforce.streams import COLLECTION_SIZE, Source
from connectors.transport import UnknownFate

#: whole calls refused before the rest of a push is handed back: a refusal that names no record is halved to
#: find it
_MAX_REFUSED_CALLS = 20
_KEY_MISSING = frozenset({"NOT_FOUND", "INVALID_FIELD", "INVALID_EXTERNAL_ID_FIELD"})

Record = dict[str, Any]


class Push:
    """One push: ops grouped into calls, answers put back onto their ops."""

    def __init__(self, org: Org, source: Source, ops: Sequence[WriteOp]) -> None:
        self._org = org
        self._source = source
        self._ops = ops
        self._results: dict[str, WriteResult] = {}
        self._attempted = False
        self._refused_calls = 0
        self._stopped: ConnectorError | None = None

    def run(self) -> list[WriteResult]:
        """One result per op, in order. Raises only if nothing was attempted."""
        sound = [op for op in self._ops if not self._refuse_unsound(op)]
        for path, method, group in _calls(self._source.sobject, sound):
            self._send(path, method, group)
        self._name_survivors()
        return [self._results[op.op_id] for op in self._ops]

    # ------------------------------------------------------------------------------------------------ sending

    def _send(self, path: str, method: str, ops: list[WriteOp]) -> None:
        """One call; refused as a whole it is sent again without the ops to blame, or in halves."""
        if self._stopped is not None or self._refused_calls >= _MAX_REFUSED_CALLS:
            self._later(ops, self._stopped)
            return
        try:
            answers = self._org.collection(method, path, [_record(self._source.sobject, op, path) for op in ops])
        except UnknownFate as e:
            self._attempted = True
            self._unknown(ops, e.detail)
        except ContractBroken as e:
            self._attempted = True
            self._unknown(ops, str(e))
        except Rejected as e:
            self._refused_calls += 1
            self._after_refusal(path, method, ops, e)
        except ConnectorError as e:
            if not self._attempted:
                raise
            self._stopped = e
            self._later(ops, e)
        else:
            self._attempted = True
            for op, answer in zip(ops, answers, strict=True):
                self._results[op.op_id] = _result(op, answer)

    def _after_refusal(self, path: str, method: str, ops: list[WriteOp], e: Rejected) -> None:
        key = _key_of(path)
        if key is not None and e.code in _KEY_MISSING and key in e.message:
            self._send(COLLECTIONS, "POST", ops)  # the key field is not there: plain creates
            return
        columns = errors.unknown_columns(e)
        guilty = [op for op in ops if columns & op.values.keys()] if columns else []
        if not guilty and len(ops) == 1:
            guilty = ops
        if guilty:
            self._attempted = True
            for op in guilty:
                self._results[op.op_id] = WriteResult(
                    op.op_id, "rejected", op.remote_id, code=e.code, message=e.message, remedy=e.remedy
                )
            rest = [op for op in ops if op.op_id not in self._results]
            if rest:
                self._send(path, method, rest)
            return
        middle = len(ops) // 2
        self._send(path, method, ops[:middle])
        self._send(path, method, ops[middle:])

    # ------------------------------------------------------------------------------------------------ results

    def _refuse_unsound(self, op: WriteOp) -> bool:
        """An op that no call can carry gets its result here."""
        if op.action == "update" and (op.remote_id is None or not is_id(op.remote_id)):
            code, message = "MALFORMED_ID", f"{op.remote_id!r} is not a Salesforce id"
            remedy = "pull this connection again: crmhub pull --full"
        elif not self._source.spec.writable:
            code, message = "READ_ONLY", f"the stream {self._source.name} is not written"
            remedy = "let its fields only pull in mapping.toml: remove their direction"
        else:
            return False
        self._results[op.op_id] = WriteResult(
            op.op_id, "rejected", op.remote_id, code=code, message=message, remedy=remedy
        )
        return True

    def _unknown(self, ops: Sequence[WriteOp], detail: str) -> None:
        for op in ops:
            self._results[op.op_id] = WriteResult(op.op_id, "unknown", op.remote_id, message=detail)

    def _later(self, ops: Sequence[WriteOp], error: ConnectorError | None) -> None:
        """Not sent: the connection stopped under this push, or too much of it was refused."""
        wait = error.retry_after if isinstance(error, Throttled) else None
        message = str(error) if error else "not sent: too many calls of this batch were refused"
        code = type(error).__name__ if isinstance(error, AuthFailed | MissingScope) else ""
        for op in ops:
            self._results[op.op_id] = WriteResult(
                op.op_id, "retry", op.remote_id, retry_after=wait, code=code, message=message
            )

    def _name_survivors(self) -> None:
        """A record that was merged away: say where it lives on (one more call, only when records are
        gone)."""
        gone = {
            op.op_id: op.remote_id for op in self._ops if self._results[op.op_id].outcome == "gone" and op.remote_id
        }
        if not gone or self._stopped is not None:
            return
        try:
            survivors = reading.survivors(self._org, self._source, gone.values())
        except ConnectorError:
            return  # the ops are done and known to be gone; a name would only have been a help
        for op_id, remote_id in gone.items():
            old = self._results[op_id]
            self._results[op_id] = WriteResult(
                op_id,
                "gone",
                survivors.get(remote_id),
                code=old.code,
                message=old.message,
                remedy=old.remedy,
            )


def _calls(sobject: str, ops: Sequence[WriteOp]) -> Iterator[tuple[str, str, list[WriteOp]]]:
    """(path, method, ops) of each call. A record, or a key, stands once in a call: a second op on it comes
    in a later one."""
    groups: dict[tuple[str, str, int], list[WriteOp]] = {}
    met: dict[tuple[str, str], int] = {}
    for op in ops:
        path, method, identity = _route(sobject, op)
        seen = met.get((path, identity), 0)
        met[path, identity] = seen + 1
        groups.setdefault((path, method, seen if identity else 0), []).append(op)
    for path, method, _round in sorted(groups, key=lambda g: g[2]):
        members = groups[path, method, _round]
        for start in range(0, len(members), COLLECTION_SIZE):
            yield path, method, members[start : start + COLLECTION_SIZE]


def _route(sobject: str, op: WriteOp) -> tuple[str, str, str]:
    """Path, method, and what must not stand twice in one call."""
    if op.action == "update":
        return COLLECTIONS, "PATCH", full_id(op.remote_id or "")
    if op.key is not None:
        return f"{COLLECTIONS}/{sobject}/{op.key[0]}", "PATCH", op.key[1].lower()
    return COLLECTIONS, "POST", ""


def _key_of(path: str) -> str | None:
    """The external id field of an upsert's path."""
    parts = path.split("/")
    return parts[3] if len(parts) == 4 else None


def _record(sobject: str, op: WriteOp, path: str) -> Record:
    record: Record = {"attributes": {"type": sobject}, **op.values}
    if op.action == "update":
        record["id"] = op.remote_id
    elif op.key is not None:
        if _key_of(path) is not None:
            record[op.key[0]] = op.key[1]
        else:
            record.pop(op.key[0], None)
    return record


def _result(op: WriteOp, answer: Mapping[str, Any]) -> WriteResult:
    """One record's answer."""
    if answer.get("success"):
        answered = answer.get("id")
        return WriteResult(op.op_id, "applied", full_id(str(answered)) if answered else op.remote_id)
    found = answer.get("errors") or [{}]
    first = errors.refusal(found[0])
    outcome, wait = errors.outcome_of(first)
    if outcome == "gone" and op.action == "create":
        outcome = "rejected"
    named = f"{first.message} (fields: {', '.join(first.fields)})" if first.fields else first.message
    remedy = "" if outcome in ("retry", "gone") else errors.rejected(first).remedy
    return WriteResult(op.op_id, outcome, op.remote_id, retry_after=wait, code=first.code, message=named, remedy=remedy)
