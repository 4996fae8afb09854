"""The mapping against the live schema of each CRM."""

from __future__ import annotations

from core.errors import ConfigProblem
from core.mapping import Mapping
from core.mapping_structs import Schemas


def check_mapping(mapping: Mapping, schemas: Schemas) -> list[ConfigProblem]:
    """Everything about the mapping that the live schemas contradict, all at once.

    Unknown, hidden or read-only fields, wrong types, unlisted options, values that do not fit, lossy round trips.
    Streams that `schemas` lacks are not checked.
    """
    raise NotImplementedError
