"""The streams of HubSpot's CRM objects and what is particular about each. The others are told where they are read."""

from __future__ import annotations

from dataclasses import dataclass

from connectors.contract import Entity, Rejected, StreamSpec

#: how long after its stamp a row may stay invisible to search
OVERLAP_S = 300
PAGE = 200  # search
LIST_PAGE = 100  # GET list and batch calls
LINK_BATCH = 1000  # v4 association reads


@dataclass(frozen=True, slots=True)
class ObjectStream:
    """A stream that lives under /crm/v3/objects.

    `modified`: the property that moves with each edit; the wrong one silently finds nothing. `links_to`: the
    streams that its rows point to. `primary`: the property that names the primary one of these.
    """

    spec: StreamSpec
    object_type: str
    modified: str
    links_to: tuple[str, ...] = ()
    primary: str | None = None

    @property
    def always(self) -> tuple[str, ...]:
        """Properties that are asked for whatever the mapping wants."""
        more = (self.primary,) if self.primary else ()
        return (self.modified, "hs_merged_object_ids", *more)


def _spec(
    name: str, entity: Entity, label: str, modified: str, *, writable: bool = False, linked: bool = True
) -> StreamSpec:
    return StreamSpec(
        name=name,
        entity=entity,
        label=label,
        cursor_field=modified,
        tie_break="hs_object_id",
        overlap_s=OVERLAP_S,
        idle_calls=1,
        writable=writable,
        unique_key="crmhub_id" if writable else None,
        page_size=PAGE,
        write_batch=LIST_PAGE,
        read_batch=LIST_PAGE,
        link_batch=LINK_BATCH if linked else 0,
    )


def _activity(name: str, label: str) -> ObjectStream:
    modified = "hs_lastmodifieddate"
    return ObjectStream(_spec(name, "activity", label, modified), name, modified, ("contacts",))


OBJECTS: dict[str, ObjectStream] = {
    s.spec.name: s
    for s in (
        ObjectStream(
            _spec("companies", "company", "Company", "hs_lastmodifieddate", writable=True, linked=False),
            "companies",
            "hs_lastmodifieddate",
        ),
        ObjectStream(
            _spec("contacts", "person", "Contact", "lastmodifieddate", writable=True),
            "contacts",
            "lastmodifieddate",  # contacts alone have it under this name
            ("companies",),
            "associatedcompanyid",
        ),
        ObjectStream(
            _spec("deals", "deal", "Deal", "hs_lastmodifieddate"),
            "deals",
            "hs_lastmodifieddate",
            ("companies", "contacts"),
        ),
        _activity("calls", "Call"),
        _activity("meetings", "Meeting"),
        _activity("notes", "Note"),
        _activity("tasks", "Task"),
        _activity("emails", "E-mail"),
    )
}


def object_stream(name: str) -> ObjectStream:
    """The object stream of this name. Raises Rejected for others."""
    try:
        return OBJECTS[name]
    except KeyError:
        known = ", ".join(OBJECTS)
        raise Rejected("NO_SUCH_STREAM", f"{name!r} cannot do this", f"streams that can: {known}") from None
