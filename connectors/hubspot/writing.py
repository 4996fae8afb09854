"""Write ops to HubSpot's batch endpoints, and its answers back to the ops.

Each input carries the op's id as objectWriteTraceId: with it HubSpot answers 207 and names the input that it
refuses; without it the first bad one fails the batch. A batch that is refused as a whole all the same is
halved until the culprit stands alone. https://developers.hubspot.com/docs/api-reference/crm-contacts-v3/batch
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

from connectors.contract import (
    ConnectorError,
    QuotaExhausted,
    Rejected,
    Throttled,
    Unavailable,
    Value,
    WriteOp,
    WriteResult,
)
from connectors.hubspot.api import Api, Record
from connectors.hubspot.errors import Refusal, read_refusal
from connectors.hubspot.rows import to_ms, to_values
from connectors.hubspot.streams import ObjectStream
from connectors.hubspot.turning_back import turn_back
from connectors.transport import UnknownFate

#: when a single op of a batch was refused for a passing reason
RETRY_AFTER_S = 10.0
_GONE = "the record was deleted in HubSpot"


def to_text(value: Value) -> str:
    """HubSpot's form of a value: text always; "" clears."""
    if value is None:
        return ""
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, float):
        return f"{value:.15g}" if abs(value) < 1e15 else f"{value:.0f}"
    return str(value)


class Push:
    """One push: ops sorted into batches that HubSpot takes, results in the order of the ops."""

    def __init__(self, api: Api, stream: ObjectStream, ops: Sequence[WriteOp]) -> None:
        self._api = api
        self._stream = stream
        self._ops = ops
        self._results: dict[str, WriteResult] = {}
        self._attempted = False

    def run(self) -> list[WriteResult]:
        """Raises only while nothing was attempted; afterwards what is left comes back as retry."""
        for action, ops in self._rounds():
            try:
                self._send(action, ops)
            except ConnectorError as e:
                if not self._attempted:
                    raise
                self._postpone(ops, e)
        now = self._api.around.clock.now
        self._results |= turn_back(self._api, self._stream, self._ops, self._results, lambda e: _wait(e, now))
        return [self._results[op.op_id] for op in self._ops]

    def _rounds(self) -> list[tuple[str, list[WriteOp]]]:
        """Batches in which no record and no key comes twice: HubSpot refuses such a batch altogether."""
        rounds: dict[tuple[str, int], list[WriteOp]] = {}
        times: dict[str, int] = {}  # how often a target came so far
        for op in self._ops:
            action, target = self._way(op)
            rounds.setdefault((action, times.get(target, 0)), []).append(op)
            times[target] = times.get(target, 0) + 1
        return [(action, ops) for (action, _), ops in rounds.items()]

    def _way(self, op: WriteOp) -> tuple[str, str]:
        """The batch endpoint of an op and what it aims at."""
        if op.action == "update":
            return "update", f"id {op.remote_id}"
        if op.key and op.key[0] == self._stream.spec.unique_key:
            return "upsert", f"key {op.key[1]}"
        return "create", f"op {op.op_id}"

    def _input(self, action: str, op: WriteOp) -> Record:
        properties = {name: to_text(value) for name, value in op.values.items()}
        body: Record = {"properties": properties, "objectWriteTraceId": op.op_id}
        if action == "update":
            body["id"] = op.remote_id
        elif op.key:
            properties[op.key[0]] = op.key[1]
            if action == "upsert":
                body |= {"id": op.key[1], "idProperty": op.key[0]}
        return body

    # --------------------------------------------------------------------------------------------- one batch

    def _send(self, action: str, ops: Sequence[WriteOp]) -> None:
        inputs = [self._input(action, op) for op in ops]
        try:
            answer = self._api.batch_write(self._stream.object_type, action, inputs)
        except UnknownFate as e:
            self._attempted = True
            for op in ops:
                self._results[op.op_id] = WriteResult(op.op_id, "unknown", op.remote_id, message=e.detail)
            return
        except Rejected as e:
            self._refused(action, ops, e)
            return
        self._attempted = True
        self._take(action, ops, answer)

    def _refused(self, action: str, ops: Sequence[WriteOp], e: Rejected) -> None:
        """The whole batch was refused, so nothing was written: find out whose fault it is."""
        if len(ops) == 1:
            self._attempted = True
            body = {"category": e.code, "message": e.message}
            refusal = read_refusal(body)
            self._results[ops[0].op_id] = _refusal_result(ops[0], refusal, e.remedy)
            return
        middle = len(ops) // 2
        for half in (ops[:middle], ops[middle:]):
            try:
                self._send(action, half)
            except ConnectorError as later:
                if not self._attempted:
                    raise
                self._postpone(half, later)

    def _take(self, action: str, ops: Sequence[WriteOp], answer: Record) -> None:
        by_trace = {op.op_id: op for op in ops}
        by_target = {self._target(action, op): op for op in ops}
        for record in answer["results"]:
            op = by_trace.get(str(record.get("objectWriteTraceId"))) or by_target.get(self._aim(action, record))
            if op is not None:
                self._results[op.op_id] = _applied(op, record)
        whole: list[Refusal] = []
        for error in answer.get("errors") or ():
            refusal = read_refusal(error)
            meant = [by_trace[t] for t in refusal.trace_ids if t in by_trace]
            meant = meant or [by_target[i] for i in refusal.ids if i in by_target]
            for op in meant:
                self._results[op.op_id] = _refusal_result(op, refusal)
            if not meant:
                whole.append(refusal)
        silent = [op for op in ops if op.op_id not in self._results]
        for op in silent:
            # an error that names nobody can only be meant for those that HubSpot is silent about
            if len(silent) == 1 and len(whole) == 1:
                self._results[op.op_id] = _refusal_result(op, whole[0])
            else:
                said = whole[0].message if whole else "HubSpot's answer does not mention it"
                self._results[op.op_id] = WriteResult(op.op_id, "unknown", op.remote_id, message=said)

    def _target(self, action: str, op: WriteOp) -> str:
        if action == "update":
            return str(op.remote_id)
        return op.key[1] if op.key else f"op {op.op_id}"

    def _aim(self, action: str, record: Mapping[str, Any]) -> str:
        """Which target a result without trace id answers."""
        if action == "update":
            return str(record["id"])
        properties = record.get("properties") or {}
        unique = self._stream.spec.unique_key
        return str(properties.get(unique) or properties.get("email") or "")

    def _postpone(self, ops: Sequence[WriteOp], e: ConnectorError) -> None:
        """Not attempted, because the connection failed after other ops had gone through."""
        wait = _wait(e, self._api.around.clock.now)
        for op in ops:
            if op.op_id not in self._results:
                self._results[op.op_id] = WriteResult(op.op_id, "retry", op.remote_id, retry_after=wait, message=str(e))


def _wait(e: ConnectorError, now: Callable[[], int]) -> float:
    if isinstance(e, Throttled):
        return e.retry_after
    if isinstance(e, QuotaExhausted) and e.resets_at is not None:
        return max(0.0, (e.resets_at - now()) / 1000)
    if isinstance(e, Unavailable):
        return 60.0
    return RETRY_AFTER_S


def _applied(op: WriteOp, record: Mapping[str, Any]) -> WriteResult:
    """What HubSpot made of the op. A record that answers under another id has absorbed the one we meant."""
    remote_id = str(record["id"])
    properties = record.get("properties") or {}
    stamp = to_ms(record.get("updatedAt"))
    if op.action == "update" and remote_id != op.remote_id:
        return WriteResult(
            op.op_id,
            "gone",
            remote_id,
            modified_at=stamp,
            code="MERGED",
            message="merged into another record",
        )
    confirmed = to_values(properties, op.values)
    # a cleared property may be left out of the answer
    confirmed |= {name: None for name, value in op.values.items() if value is None and name not in properties}
    return WriteResult(op.op_id, "applied", remote_id, confirmed, stamp)


def _refusal_result(op: WriteOp, refusal: Refusal, remedy: str = "") -> WriteResult:
    if refusal.transient:
        return WriteResult(
            op.op_id,
            "retry",
            op.remote_id,
            retry_after=RETRY_AFTER_S,
            code=refusal.code,
            message=refusal.message,
        )
    if refusal.gone and op.action == "update":
        return WriteResult(op.op_id, "gone", None, code=refusal.code, message=_GONE)
    return WriteResult(
        op.op_id,
        "rejected",
        refusal.existing_id or op.remote_id,
        code=refusal.code,
        message=refusal.message,
        remedy=remedy or refusal.remedy,
    )
