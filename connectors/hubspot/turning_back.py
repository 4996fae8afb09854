"""A lifecycle stage that goes backwards.

HubSpot moves the stage forward only: an earlier one is answered with success and not stored. The way back is to
clear it, to set it in a later request, and to read what stands, since automations may answer each of the two.
Three calls for up to 100 records; both writes may be repeated without harm, so a lost answer is asked again.
https://knowledge.hubspot.com/records/use-lifecycle-stages
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Literal

from connectors.contract import ConnectorError, Rejected, WriteOp, WriteResult
from connectors.hubspot.api import Api
from connectors.hubspot.rows import to_ms
from connectors.hubspot.streams import ObjectStream
from connectors.transport import UnknownFate

STAGE = "lifecyclestage"
#: attempts when no answer comes, and the wait before the second, then doubled
ATTEMPTS = 3
FIRST_WAIT_S = 1.0


@dataclass(frozen=True, slots=True)
class _Back:
    op: WriteOp
    result: WriteResult
    wanted: str
    old: str


def turn_back(
    api: Api,
    stream: ObjectStream,
    ops: Sequence[WriteOp],
    results: Mapping[str, WriteResult],
    wait: Callable[[ConnectorError], float],
) -> dict[str, WriteResult]:
    """New results of the ops whose stage HubSpot left where it was. Never raises.

    The stage that stands in the end is among the result's values; "unknown" where it could not be found out,
    "retry" where it is cleared and not set yet. `wait`: seconds until an attempt makes sense after this error.
    """
    waiting = _left_where_they_were(ops, results)
    return _Turn(api, stream, waiting, wait).run() if waiting else {}


def _left_where_they_were(ops: Sequence[WriteOp], results: Mapping[str, WriteResult]) -> dict[str, _Back]:
    """By record; the last op of a record counts."""
    found: dict[str, _Back] = {}
    for op in ops:
        result, wanted = results[op.op_id], op.values.get(STAGE)
        if result.outcome != "applied" or result.remote_id is None or STAGE not in op.values:
            continue
        found.pop(result.remote_id, None)
        stands = (result.values or {}).get(STAGE)
        if wanted and stands and stands != wanted:
            found[result.remote_id] = _Back(op, result, str(wanted), str(stands))
    return found


class _Turn:
    def __init__(
        self, api: Api, stream: ObjectStream, waiting: dict[str, _Back], wait: Callable[[ConnectorError], float]
    ) -> None:
        self._api, self._stream, self._waiting, self._wait = api, stream, waiting, wait

    def run(self) -> dict[str, WriteResult]:
        try:
            self._write(dict.fromkeys(self._waiting, ""))
        except UnknownFate as e:
            return self._all("unknown", f"clearing the stage: {e.detail}")
        except ConnectorError:
            return {}  # nothing was cleared: the old stage stands, as the results say
        try:
            self._write({i: back.wanted for i, back in self._waiting.items()})
        except UnknownFate as e:
            return self._all("unknown", f"the stage was cleared, setting it: {e.detail}")
        except Rejected as e:
            return self._put_back(e)
        except ConnectorError as e:
            return self._all("retry", f"the stage was cleared and not set yet: {e}", retry_after=self._wait(e))
        return self._stands()

    def _write(self, stages: Mapping[str, str]) -> None:
        """One stage per record, in one call. Raises UnknownFate when no answer came in several attempts."""
        inputs = [{"id": i, "properties": {STAGE: stage}} for i, stage in stages.items()]
        for attempt in range(ATTEMPTS):
            if attempt:
                self._api.around.clock.sleep(FIRST_WAIT_S * (1 << (attempt - 1)))
            try:
                self._api.batch_write(self._stream.object_type, "update", inputs)
                return
            except UnknownFate:
                if attempt == ATTEMPTS - 1:
                    raise

    def _stands(self) -> dict[str, WriteResult]:
        """What the records show now; those left without a stage get the old one back."""
        try:
            now = self._read()
        except ConnectorError as e:
            return self._all("unknown", f"the stage was set, reading it: {e}")
        blank = {i: back.old for i, back in self._waiting.items() if i in now and not now[i][0]}
        if blank:
            try:
                self._write(blank)
                now |= {i: pair for i, pair in self._read().items() if i in blank}
            except (UnknownFate, ConnectorError) as e:
                lost = self._all("unknown", f"the stage was cleared and HubSpot did not take the new one: {e}")
                return lost | self._told({i: pair for i, pair in now.items() if i not in blank})
        return self._told(now)

    def _read(self) -> dict[str, tuple[str | None, int | None]]:
        """(stage, modified at) by record id."""
        found = self._api.batch_read(self._stream.object_type, list(self._waiting), (STAGE,))["results"]
        return {
            str(r["id"]): ((r.get("properties") or {}).get(STAGE) or None, to_ms(r.get("updatedAt"))) for r in found
        }

    def _told(self, now: Mapping[str, tuple[str | None, int | None]]) -> dict[str, WriteResult]:
        results: dict[str, WriteResult] = {}
        for i, back in self._waiting.items():
            if i in now:
                stage, at = now[i]
                values = {**(back.result.values or {}), STAGE: stage}
                results[back.op.op_id] = replace(back.result, values=values, modified_at=at)
        return results

    def _put_back(self, e: Rejected) -> dict[str, WriteResult]:
        """The whole request to set was refused after the stages had been cleared."""
        try:
            self._write({i: back.old for i, back in self._waiting.items()})
        except (UnknownFate, ConnectorError) as again:
            return self._all("unknown", f"the stage was cleared and HubSpot did not take one: {again}")
        return {
            back.op.op_id: WriteResult(back.op.op_id, "rejected", i, code=e.code, message=e.message, remedy=e.remedy)
            for i, back in self._waiting.items()
        }

    def _all(
        self, outcome: Literal["unknown", "retry"], message: str, retry_after: float | None = None
    ) -> dict[str, WriteResult]:
        return {
            back.op.op_id: WriteResult(back.op.op_id, outcome, i, retry_after=retry_after, message=message)
            for i, back in self._waiting.items()
        }
