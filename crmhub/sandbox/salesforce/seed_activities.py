"""Calls, e-mails, things to do and web forms as tasks, meetings as events."""

from collections.abc import Callable, Iterator

from crmhub.sandbox.activities import call_outcome, email_incoming, meeting_outcome, task_done
from crmhub.sandbox.ids import salesforce_id
from crmhub.sandbox.salesforce.org import AUTOMATED_NUMBER
from crmhub.sandbox.salesforce.table import Row
from crmhub.sandbox.salesforce.times import day_of
from crmhub.sandbox.world import BIT, DAY, FORM_KINDS, Activity, KnownPerson, World

MINUTE = 60_000
ARCHIVED_AFTER = 365 * DAY
_DISPOSITIONS = {
    "connected": "Connected",
    "no_answer": "No Answer",
    "voicemail": "Left Voicemail",
    "busy": "Busy",
}
_TOPICS = ("pricing", "your question", "next steps", "a short demo", "the offer")


class ActivitySeed:
    """`last` is each person's day of the last finished activity; rows are made when read."""

    def __init__(self, world: World, record_id: Callable[[KnownPerson], str]) -> None:
        self._world = world
        self._record_id = record_id
        self.last: dict[int, str] = {}
        for act in self._mine():
            self.last[act.person.number] = day_of(act.at)

    def _mine(self) -> Iterator[Activity]:
        bit, known = BIT["salesforce"], self._world.record_of
        for act in self._world.activities:
            if act.places & bit and ("salesforce", act.person.number) in known:
                yield act

    def tasks(self) -> Iterator[tuple[str, Activity]]:
        """(Id, activity) of everything that is no meeting."""
        mine = (act for act in self._mine() if act.kind != "meeting")
        return ((salesforce_id("00T", number), act) for number, act in enumerate(mine, 1))

    def events(self) -> Iterator[tuple[str, Activity]]:
        """(Id, activity) of the meetings."""
        mine = (act for act in self._mine() if act.kind == "meeting")
        return ((salesforce_id("00U", number), act) for number, act in enumerate(mine, 1))

    def task(self, record_id: str, act: Activity) -> Row:
        """A call, e-mail, note, thing to do or web form."""
        topic = _TOPICS[act.detail % len(_TOPICS)]
        row: Row = {
            "Status": "Completed",
            "Priority": "Normal",
            "TaskSubtype": "Task",
            "ActivityDate": day_of(act.at),
        }
        if act.kind == "call":
            row["Subject"] = f"Call about {topic}"
            row["TaskSubtype"] = "Call"
            row["CallType"] = "Inbound" if act.detail % 7 == 0 else "Outbound"
            row["CallDisposition"] = _DISPOSITIONS[call_outcome(act)]
            row["CallDurationInSeconds"] = 30 + act.detail % 1500 if call_outcome(act) == "connected" else 15
        elif act.kind == "email":
            row["Subject"] = f"Email: {'Re: ' if email_incoming(act) else ''}{topic}"
            row["TaskSubtype"] = "Email"
        elif act.kind == "task":
            row["Subject"] = f"Follow up on {topic}"
            row["ActivityDate"] = day_of(act.at + (1 + act.detail % 5) * DAY)
            row["Status"] = "Completed" if task_done(act) else "Not Started"
        elif act.kind in FORM_KINDS:
            row["Subject"] = f"Web form: {act.kind.replace('_', ' ')}"
        else:
            row["Subject"] = f"Note: {topic}"
        if row["Status"] == "Completed":
            row["IsClosed"] = True
            row["CompletedDateTime"] = (act.at + 5 * MINUTE) // 1000 * 1000
        return self._finished(record_id, row, act, act.at, act.at + 5 * MINUTE)

    def event(self, record_id: str, act: Activity) -> Row:
        """A meeting; the vendor has no outcome field, people write it into the subject."""
        start, minutes = act.at // 1000 * 1000, 60 if act.detail % 3 else 30
        prefix = {"no_show": "No show: ", "canceled": "Canceled: "}.get(meeting_outcome(act), "")
        row: Row = {
            "Subject": f"{prefix}Meeting about {_TOPICS[act.detail % len(_TOPICS)]}",
            "StartDateTime": start,
            "ActivityDateTime": start,
            "EndDateTime": start + minutes * MINUTE,
            "DurationInMinutes": minutes,
            "ActivityDate": day_of(start),
            "ShowAs": "Busy",
            "EventSubtype": "Event",
            "Location": "Online" if act.detail % 4 else "Customer's office",
        }
        return self._finished(record_id, row, act, act.at - 2 * DAY, act.at + minutes * MINUTE)

    def _finished(self, record_id: str, row: Row, act: Activity, created: int, modified: int) -> Row:
        world = self._world
        who = self._record_id(world.record_of["salesforce", act.person.number])
        owner = salesforce_id("005", act.rep + 1)
        by = salesforce_id("005", AUTOMATED_NUMBER) if act.kind in FORM_KINDS else owner
        modified = min(modified, world.now - 1000)
        created = min(created, modified)
        row.update(
            {
                "Id": record_id,
                "WhoId": who,
                "OwnerId": owner,
                "CreatedDate": created // 1000 * 1000,
                "CreatedById": by,
                "LastModifiedDate": modified // 1000 * 1000,
                "LastModifiedById": by,
                "SystemModstamp": modified // 1000 * 1000,
            }
        )
        if act.at < world.now - ARCHIVED_AFTER and (row.get("IsClosed") or "StartDateTime" in row):
            row["IsArchived"] = True
        return row
