"""The org's rolling daily allowance of API calls, and the limits resource."""

from collections import deque
from typing import Any

from crmhub.sandbox.salesforce.org import OrgState
from crmhub.sandbox.salesforce.times import DAY

HOUR = DAY // 24


class Usage:
    """Counts calls in hours of the sandbox clock; what is older than 24 hours is free again."""

    def __init__(self, org: OrgState, *, limited: bool) -> None:
        self._org = org
        self._limited = limited
        self._hours: deque[list[int]] = deque()
        self._jobs: deque[int] = deque()
        self._batches: deque[int] = deque()

    def take_job(self) -> bool:
        """Count one query job of the Bulk API 2.0."""
        return self._take(self._jobs, 1, self._org.settings.bulk_jobs_limit)

    def take_batches(self, rows: int) -> bool:
        """Count the batches of an ingest job: 10,000 rows each."""
        return self._take(self._batches, max(1, -(-rows // 10_000)), self._org.settings.bulk_batches_limit)

    def _take(self, taken: deque[int], count: int, limit: int) -> bool:
        self._fresh(taken)
        if self._limited and len(taken) + count > limit:
            return False
        taken.extend([self._org.clock.now()] * count)
        return True

    def _fresh(self, taken: deque[int]) -> int:
        oldest = self._org.clock.now() - DAY
        while taken and taken[0] <= oldest:
            taken.popleft()
        return len(taken)

    @property
    def limit(self) -> int:
        """Calls per rolling 24 hours."""
        return self._org.settings.daily_limit if self._limited else 100_000_000

    def used(self) -> int:
        """Calls of the last 24 hours, other people's included."""
        oldest = self._org.clock.now() - DAY
        while self._hours and self._hours[0][0] + HOUR <= oldest:
            self._hours.popleft()
        return sum(count for _, count in self._hours) + self._org.settings.daily_used

    def take(self) -> bool:
        """Count one call; False when the allowance is used up (then nothing is counted)."""
        if self.used() >= self.limit:
            return False
        hour = self._org.clock.now() // HOUR * HOUR
        if not self._hours or self._hours[-1][0] != hour:
            self._hours.append([hour, 0])
        self._hours[-1][1] += 1
        return True

    def header(self) -> str:
        """The value of Sforce-Limit-Info."""
        return f"api-usage={self.used()}/{self.limit}"

    def limits(self) -> dict[str, Any]:
        """GET limits."""
        remaining = max(0, self.limit - self.used())
        return {
            "ConcurrentAsyncGetReportInstances": {"Max": 200, "Remaining": 200},
            "DailyApiRequests": {"Max": self.limit, "Remaining": remaining},
            "DailyAsyncApexExecutions": {"Max": 250_000, "Remaining": 250_000},
            "DailyBulkApiBatches": self._left(self._batches, self._org.settings.bulk_batches_limit),
            "DailyBulkV2QueryFileStorageMB": {"Max": 976_562, "Remaining": 976_562},
            "DailyBulkV2QueryJobs": self._left(self._jobs, self._org.settings.bulk_jobs_limit),
            "DailyStreamingApiEvents": {"Max": 200_000, "Remaining": 200_000},
            "DataStorageMB": {"Max": 10_240, "Remaining": 9_800},
            "FileStorageMB": {"Max": 10_240, "Remaining": 10_100},
            "HourlyAsyncReportRuns": {"Max": 1_200, "Remaining": 1_200},
            "SingleEmail": {"Max": 5_000, "Remaining": 5_000},
        }

    def _left(self, taken: deque[int], limit: int) -> dict[str, int]:
        return {"Max": limit, "Remaining": max(0, limit - self._fresh(taken))}
