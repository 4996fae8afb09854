"""What the vendor answers when it refuses: an array of {message, errorCode, fields}.

Vendor page: REST API Developer Guide, "Status Codes and Error Responses".
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any


@dataclass(frozen=True, slots=True)
class RowError:
    """One thing wrong with one record; `extra` holds keys only some errors carry."""

    code: str
    message: str
    fields: tuple[str, ...] = ()
    status: int = 400
    extra: Mapping[str, Any] = field(default_factory=dict)

    def as_rest(self) -> dict[str, Any]:
        """The form of a whole request's error body."""
        return {"message": self.message, "errorCode": self.code, "fields": list(self.fields), **self.extra}

    def as_row(self) -> dict[str, Any]:
        """The form inside collection results, where the key is `statusCode`."""
        return {"statusCode": self.code, "message": self.message, "fields": list(self.fields)}


class RowRejectedError(Exception):
    """One record was refused; carries every error of the record, in the vendor's order."""

    def __init__(self, *errors: RowError) -> None:
        super().__init__("; ".join(f"{error.code}: {error.message}" for error in errors))
        self.errors: tuple[RowError, ...] = errors


class ApiError(Exception):
    """The whole request is refused: HTTP status and the error array."""

    def __init__(self, status: int, code: str, message: str, fields: Sequence[str] | None = None) -> None:
        super().__init__(f"{status} {code}: {message}")
        self.status = status
        self.code = code
        body: dict[str, Any] = {"message": message, "errorCode": code}
        if fields is not None:
            body["fields"] = list(fields)
        self.body: Any = [body]


def reject(code: str, message: str, *fields: str, status: int = 400) -> RowRejectedError:
    """The usual refusal of one record with one error."""
    return RowRejectedError(RowError(code, message, fields, status))


def not_found() -> ApiError:
    """The answer to an unknown path or record."""
    return ApiError(404, "NOT_FOUND", "The requested resource does not exist")
