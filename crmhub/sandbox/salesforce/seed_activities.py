"""Calls, e-mails, things to do and web forms as tasks, meetings as events, e-mails once more as messages."""

from collections.abc import Iterator

from crmhub.sandbox.activities import call_outcome, email_incoming, meeting_outcome, task_done
from crmhub.sandbox.salesforce.ids import salesforce_id
from crmhub.sandbox.salesforce.org import AUTOMATED_NUMBER
from crmhub.sandbox.salesforce.schema.field import Value
from crmhub.sandbox.salesforce.seed_people import Known
from crmhub.sandbox.salesforce.table import Row
from crmhub.sandbox.salesforce.times import day_of
from crmhub.sandbox.seen import email_of
from crmhub.sandbox.world import BIT, DAY, FORM_KINDS, HISTORY_DAYS, Activity

MINUTE = 60_000
_DISPOSITIONS = {
    "connected": "Connected",
    "no_answer": "No Answer",
    "voicemail": "Left Voicemail",
    "busy": "Busy",
}
_TOPICS = ("pricing", "your question", "next steps", "a short demo", "the offer")


def acts_in(known: Known) -> Iterator[Activity]:
    """What is logged in this CRM, oldest first."""
    bit, there = BIT["salesforce"], known.world.record_of
    for act in known.world.activities:
        if act.places & bit and ("salesforce", act.person.number) in there:
            yield act


def last_times(known: Known) -> dict[int, int]:
    """Person number -> when the last activity was, ms."""
    return {act.person.number: act.at for act in acts_in(known)}


class _ActivitySeeds:
    """What tasks and events have in common."""

    names = frozenset({"Id", "SystemModstamp", "IsDeleted", "WhoId", "WhatId", "ActivityDate", "IsClosed"})

    def __init__(self, known: Known) -> None:
        self._known = known
        self._world = known.world
        self.oldest_day = day_of(known.world.now - (HISTORY_DAYS + 2) * DAY)

    def _stamp(self, modified: int) -> int:
        return min(modified, self._world.now - 1000) // 1000 * 1000

    def _brief(self, record_id: str, act: Activity, stamp: int) -> Row:
        row: Row = {"Id": record_id, "SystemModstamp": stamp, "WhoId": self._known.who_id(act.person.number)}
        deal = self._known.deal_of(act)
        if deal is not None:
            row["WhatId"] = deal
        return row

    def _finished(self, row: Row, act: Activity, created: int) -> Row:
        record = self._world.record_of["salesforce", act.person.number]
        if record.kind == "contact":
            row["AccountId"] = self._known.account_of(record)
        owner = salesforce_id("005", act.rep + 1)
        by = salesforce_id("005", AUTOMATED_NUMBER) if act.kind in FORM_KINDS else owner
        stamp = row["SystemModstamp"]
        assert isinstance(stamp, int)
        audit: Row = {
            "OwnerId": owner,
            "CreatedDate": min(created // 1000 * 1000, stamp),
            "CreatedById": by,
            "LastModifiedDate": stamp,
            "LastModifiedById": by,
        }
        return row | audit


class TaskSeeds(_ActivitySeeds):
    """Everything that is no meeting."""

    def seeds(self) -> Iterator[tuple[str, Activity]]:
        """(Id, activity)."""
        mine = (act for act in acts_in(self._known) if act.kind != "meeting")
        return ((salesforce_id("00T", number), act) for number, act in enumerate(mine, 1))

    def stamp(self, seed: Activity) -> int:
        """See `Seeds`."""
        return self._stamp(seed.at + 5 * MINUTE)

    def value(self, name: str, seed: Activity) -> Value:
        """See `Seeds`."""
        if name == "WhoId":
            return self._known.who_id(seed.person.number)
        return self._known.deal_of(seed) if name == "WhatId" else self.brief("", seed).get(name)

    def brief(self, record_id: str, seed: Activity) -> Row:
        """See `Seeds`."""
        row = self._brief(record_id, seed, self.stamp(seed))
        row["ActivityDate"] = day_of(seed.at)
        if seed.kind == "task":
            row["ActivityDate"] = day_of(seed.at + (1 + seed.detail % 5) * DAY)
        if seed.kind != "task" or task_done(seed):
            row["IsClosed"] = True
        return row

    def make(self, record_id: str, seed: Activity) -> Row:
        """A call, e-mail, note, thing to do or web form."""
        act, topic = seed, _TOPICS[seed.detail % len(_TOPICS)]
        row = self.brief(record_id, act)
        closed = "IsClosed" in row
        row |= {"Status": "Completed" if closed else "Not Started", "Priority": "Normal", "TaskSubtype": "Task"}
        if act.kind == "call":
            row["Subject"] = f"Call about {topic}"
            row["TaskSubtype"] = "Call"
            row["CallType"] = "Inbound" if act.detail % 7 == 0 else "Outbound"
            row["CallDisposition"] = _DISPOSITIONS[call_outcome(act)]
            row["CallDurationInSeconds"] = 30 + act.detail % 1500 if call_outcome(act) == "connected" else 15
        elif act.kind == "email":
            row["Subject"] = f"Email: {_subject(act)}"
            row["TaskSubtype"] = "Email"
        elif act.kind == "task":
            row["Subject"] = f"Follow up on {topic}"
        elif act.kind in FORM_KINDS:
            row["Subject"] = f"Web form: {act.kind.replace('_', ' ')}"
        else:
            row["Subject"] = f"Note: {topic}"
        if closed:
            row["CompletedDateTime"] = (act.at + 5 * MINUTE) // 1000 * 1000
        return self._finished(row, act, act.at)


class EventSeeds(_ActivitySeeds):
    """The meetings."""

    def seeds(self) -> Iterator[tuple[str, Activity]]:
        """(Id, activity)."""
        mine = (act for act in acts_in(self._known) if act.kind == "meeting")
        return ((salesforce_id("00U", number), act) for number, act in enumerate(mine, 1))

    def stamp(self, seed: Activity) -> int:
        """See `Seeds`."""
        return self._stamp(seed.at + _minutes(seed) * MINUTE)

    def value(self, name: str, seed: Activity) -> Value:
        """See `Seeds`."""
        if name == "WhoId":
            return self._known.who_id(seed.person.number)
        return self._known.deal_of(seed) if name == "WhatId" else self.brief("", seed).get(name)

    def brief(self, record_id: str, seed: Activity) -> Row:
        """See `Seeds`."""
        row = self._brief(record_id, seed, self.stamp(seed))
        row["ActivityDate"] = day_of(seed.at)
        return row

    def make(self, record_id: str, seed: Activity) -> Row:
        """A meeting; the vendor has no outcome field, people write it into the subject."""
        start, minutes = seed.at // 1000 * 1000, _minutes(seed)
        prefix = {"no_show": "No show: ", "canceled": "Canceled: "}.get(meeting_outcome(seed), "")
        row: Row = {
            **self.brief(record_id, seed),
            "Subject": f"{prefix}Meeting about {_TOPICS[seed.detail % len(_TOPICS)]}",
            "StartDateTime": start,
            "ActivityDateTime": start,
            "EndDateTime": start + minutes * MINUTE,
            "DurationInMinutes": minutes,
            "ShowAs": "Busy",
            "EventSubtype": "Event",
            "Location": "Online" if seed.detail % 4 else "Customer's office",
        }
        return self._finished(row, seed, seed.at - 2 * DAY)


class EmailSeeds(_ActivitySeeds):
    """With enhanced e-mail, the messages behind the tasks of that kind: (activity, number of its task)."""

    names = frozenset({"Id", "SystemModstamp", "IsDeleted", "ActivityId"})

    def seeds(self) -> Iterator[tuple[str, tuple[Activity, int]]]:
        """(Id, seed); the number of a message is that of its task."""
        mine = (act for act in acts_in(self._known) if act.kind != "meeting")
        for number, act in enumerate(mine, 1):
            if act.kind == "email":
                yield salesforce_id("02s", number), (act, number)

    def stamp(self, seed: tuple[Activity, int]) -> int:
        """See `Seeds`."""
        return self._stamp(seed[0].at + 5 * MINUTE)

    def value(self, name: str, seed: tuple[Activity, int]) -> Value:
        """See `Seeds`."""
        return salesforce_id("00T", seed[1]) if name == "ActivityId" else self.brief("", seed).get(name)

    def brief(self, record_id: str, seed: tuple[Activity, int]) -> Row:
        """See `Seeds`."""
        row: Row = {"Id": record_id, "SystemModstamp": self.stamp(seed)}
        row["RelatedToId"] = self._known.deal_of(seed[0])
        row["ActivityId"] = salesforce_id("00T", seed[1])
        return row

    def make(self, record_id: str, seed: tuple[Activity, int]) -> Row:
        """Who wrote to whom."""
        act = seed[0]
        rep, incoming = self._world.reps[act.rep], email_incoming(act)
        address = email_of(self._world.record_of["salesforce", act.person.number]) or act.person.free_email
        row: Row = {
            **self.brief(record_id, seed),
            "Subject": _subject(act),
            "TextBody": f"About {_TOPICS[act.detail % len(_TOPICS)]}.",
            "FromAddress": address if incoming else rep.email,
            "FromName": f"{act.person.first} {act.person.last}" if incoming else f"{rep.first} {rep.last}",
            "ToAddress": rep.email if incoming else address,
            "Status": "1" if incoming else "3",
            "MessageDate": act.at // 1000 * 1000,
            "MessageIdentifier": f"<{act.number}@{rep.email.partition('@')[2]}>",
        }
        if incoming:
            row["Incoming"] = True
        row = self._finished(row, act, act.at)
        return {name: value for name, value in row.items() if name not in ("OwnerId", "AccountId")}


class RelationSeeds(_ActivitySeeds):
    """Both ends of each message: (activity, number of its task, 0 for the sender or 1 for the receiver)."""

    names = frozenset({"Id", "SystemModstamp", "IsDeleted", "EmailMessageId", "RelationId"})

    def __init__(self, known: Known, messages: EmailSeeds) -> None:
        super().__init__(known)
        self._messages = messages

    def seeds(self) -> Iterator[tuple[str, tuple[Activity, int, int]]]:
        """(Id, seed)."""
        for _, (act, number) in self._messages.seeds():
            for end in (0, 1):
                yield salesforce_id("0RE", 2 * number + end), (act, number, end)

    def stamp(self, seed: tuple[Activity, int, int]) -> int:
        """See `Seeds`."""
        return self._stamp(seed[0].at + 5 * MINUTE)

    def value(self, name: str, seed: tuple[Activity, int, int]) -> Value:
        """See `Seeds`."""
        if name == "EmailMessageId":
            return salesforce_id("02s", seed[1])
        return self._relation_id(seed) if name == "RelationId" else self.brief("", seed).get(name)

    def brief(self, record_id: str, seed: tuple[Activity, int, int]) -> Row:
        """See `Seeds`."""
        return {
            "Id": record_id,
            "SystemModstamp": self.stamp(seed),
            "EmailMessageId": salesforce_id("02s", seed[1]),
            "RelationId": self._relation_id(seed),
        }

    def _relation_id(self, seed: tuple[Activity, int, int]) -> str:
        act, _, end = seed
        person = email_incoming(act) == (end == 0)
        return self._known.who_id(act.person.number) if person else salesforce_id("005", act.rep + 1)

    def make(self, record_id: str, seed: tuple[Activity, int, int]) -> Row:
        """See `Seeds`."""
        row = self.brief(record_id, seed)
        act, number, end = seed
        message = self._messages.make(salesforce_id("02s", number), (act, number))
        row["RelationType"] = ("FromAddress", "ToAddress")[end]
        row["RelationAddress"] = message[("FromAddress", "ToAddress")[end]]
        row["RelationObjectType"] = {"005": "User", "00Q": "Lead"}.get(str(row["RelationId"])[:3], "Contact")
        row = self._finished(row, act, act.at)
        return {name: value for name, value in row.items() if name not in ("OwnerId", "AccountId")}


def _minutes(act: Activity) -> int:
    return 60 if act.detail % 3 else 30


def _subject(act: Activity) -> str:
    return f"{'Re: ' if email_incoming(act) else ''}{_TOPICS[act.detail % len(_TOPICS)]}"
