"""What can be read and written in an org: one entry per stream, as plain data.

Vendor page: https://developer.salesforce.com/docs/atlas.en-us.object_reference.meta (standard objects).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

from connectors.contract import Entity, Rejected, StreamSpec

#: rows a page of a query holds at most, and records a collections call takes
PAGE_SIZE = 2000
COLLECTION_SIZE = 200
#: records that one retrieve by ids takes, and ids that fit into the address of one query
READ_BATCH = 2000
IDS_IN_ADDRESS = 400
#: rows become visible up to minutes after their SystemModstamp
OVERLAP_S = 300
#: a pass that needs more pages than this after its first one is read by a Bulk API job instead
BULK_FROM_PAGES = 25
#: the external id that makes creates retry-safe, made by ensure_fields
UNIQUE_KEY = "crmhub_id__c"


#: a task's subtype, incoming e-mails told apart (see `messages`)
MESSAGE_KIND = "Message.Kind"


@dataclass(frozen=True, slots=True)
class Feed:
    """Records of another object whose changes concern rows of a stream that do not move with them.

    `key` is read from each changed record; the rows concerned have it in `mine`.
    """

    sobject: str
    key: str
    mine: str


@dataclass(frozen=True, slots=True)
class Parent:
    """A parent record whose fields are offered as `relation.Field`.

    `sobject` None: could be one of several, then only the fields that all of them have are offered. `watched`: its
    changes are looked for in each pull that asks for one of its fields; others are seen by the refresh alone.
    """

    relation: str
    sobject: str | None
    fields: tuple[str, ...] = ()  # offered of it; empty = all
    watched: Feed | None = None


@dataclass(frozen=True, slots=True)
class Children:
    """Child records that tell a row's links: they come with it, and their own changes make it read again."""

    relation: str
    fields: tuple[str, ...]
    feed: Feed


@dataclass(frozen=True, slots=True)
class Source:
    """One stream and the Salesforce object behind it."""

    spec: StreamSpec
    sobject: str
    needs: tuple[str, ...] = ()  # fields that links, merges and conversion are told from
    binned: bool = True  # has IsDeleted
    mergeable: bool = False  # has MasterRecordId
    convertible: bool = False  # has IsConverted
    optional: bool = False  # not in every org, or not for every user: then the stream is empty
    usual: bool = True  # worth a word when it is not there
    only: str | None = None  # a fixed SOQL condition
    parents: tuple[Parent, ...] = ()
    children: Children | None = None
    unbinned: bool = False  # deleted ones may skip the recycle bin: the log of deletions is asked, now and then
    derived: tuple[str, ...] = ()  # fields that the connector makes, so no statement may ask for them
    custom_home: str = field(default="")  # object that custom fields are made on, when it is another one

    @property
    def name(self) -> str:
        return self.spec.name

    @property
    def definitions(self) -> str:
        """The object that this stream's custom fields are defined on."""
        return self.custom_home or self.sobject

    @property
    def bulk(self) -> bool:
        """Whether the Bulk API can read it: it knows no child records."""
        return self.children is None

    def feeds(self, wanted: Sequence[str]) -> dict[str, Feed]:
        """What else a pull of these fields must look for, by a short name."""
        found = {"roles": self.children.feed} if self.children else {}
        relations = {f.partition(".")[0] for f in wanted if "." in f}
        return found | {p.relation: p.watched for p in self.parents if p.watched and p.relation in relations}


def _spec(name: str, entity: Entity, label: str, *, writable: bool = False, idle_calls: int = 1) -> StreamSpec:
    return StreamSpec(
        name=name,
        entity=entity,
        label=label,
        cursor_field="SystemModstamp",
        tie_break="Id",
        overlap_s=OVERLAP_S,
        idle_calls=idle_calls,
        writable=writable,
        unique_key=UNIQUE_KEY if writable else None,
        page_size=PAGE_SIZE,
        write_batch=COLLECTION_SIZE,
        read_batch=READ_BATCH,
    )


_OWNER = ("Name", "Email")
#: Owner of a lead or an activity is a user or a queue; Who and What are anything
_USER_OR_QUEUE = Parent("Owner", None, _OWNER)
_USER = Parent("Owner", "User", ("Name", "Email", "Username", "IsActive"))

#: the record type of an opportunity stands for its pipeline
RECORD_TYPE = Parent("RecordType", "RecordType", ("DeveloperName", "Name"))

SOURCES: dict[str, Source] = {
    source.spec.name: source
    for source in (
        Source(
            _spec("leads", "person", "Lead", writable=True),
            "Lead",
            needs=("ConvertedContactId",),
            mergeable=True,
            convertible=True,
            parents=(_USER_OR_QUEUE,),
        ),
        Source(
            _spec("contacts", "person", "Contact", writable=True, idle_calls=2),  # 1 without fields of the account
            "Contact",
            needs=("AccountId",),
            mergeable=True,
            parents=(Parent("Account", "Account", watched=Feed("Account", "Id", "AccountId")), _USER),
        ),
        Source(
            _spec("accounts", "company", "Account", writable=True),
            "Account",
            mergeable=True,
            parents=(Parent("Parent", "Account", ("Name",), Feed("Account", "Id", "ParentId")), _USER),
        ),
        Source(
            _spec("opportunities", "deal", "Opportunity", idle_calls=2),  # opportunities, and their contact roles
            "Opportunity",
            needs=("AccountId",),
            optional=True,
            parents=(RECORD_TYPE, _USER),
            children=Children(
                "OpportunityContactRoles",
                ("ContactId", "Role", "IsPrimary"),
                Feed("OpportunityContactRole", "OpportunityId", "Id"),
            ),
        ),
        Source(_spec("users", "owner", "User"), "User", binned=False),
        Source(_spec("queues", "owner", "Queue"), "Group", binned=False, only="Type = 'Queue'"),
        Source(
            _spec("tasks", "activity", "Task"),
            "Task",
            needs=("WhoId", "WhatId", "TaskSubtype"),
            derived=(MESSAGE_KIND,),
            parents=(_USER_OR_QUEUE,),
            custom_home="Activity",
        ),
        Source(
            _spec("events", "activity", "Event"),
            "Event",
            needs=("WhoId", "WhatId"),
            parents=(_USER_OR_QUEUE,),
            custom_home="Activity",
        ),
        Source(
            _spec("campaign_members", "activity", "Campaign Member"),
            "CampaignMember",
            needs=("ContactId", "LeadId"),
            optional=True,
            unbinned=True,
            parents=(Parent("Campaign", "Campaign", ("Name", "Type", "Status", "IsActive")),),
        ),
        Source(
            _spec("email_messages", "activity", "Email Message"),
            "EmailMessage",
            needs=("RelatedToId", "Incoming", "FromAddress", "ToAddress"),
            optional=True,
            usual=False,
            only="ActivityId = null",  # the others are tasks of subtype Email, too
        ),
    )
}


def source_of(stream: str) -> Source:
    """The entry of a stream; Rejected when there is none of that name."""
    found = SOURCES.get(stream)
    if found is None:
        raise Rejected("UNKNOWN_STREAM", f"Salesforce has no stream {stream!r}", f"use one of {', '.join(SOURCES)}")
    return found
