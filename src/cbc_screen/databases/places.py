"""Which types of a database have a place in a table of counts, and how they are carried."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from cbc_screen.errors import UsageError

if TYPE_CHECKING:
    import pyarrow as pa

_NUMERIC = "numeric"
_OWN_TYPE = b"POSTGRESQL:type"
# Carried as another number than it is: 5.00 as 500.
_AS_ANOTHER = (b"money",)


def with_places(schema: pa.Schema) -> pa.Schema:
    """Return the columns as they are kept, or refuse what has no place: an array, a document, an interval, bytes.

    A numeric of any size stays the text that the database writes, so that no digit of it is lost; an identifier (uuid) and an
    enumeration are texts.
    """
    import pyarrow as pa

    return pa.schema([pa.field(field.name, _kept(field)) for field in schema])


def _kept(field: pa.Field) -> pa.DataType:
    import pyarrow as pa
    import pyarrow.types as types

    kind = field.type
    if (field.metadata or {}).get(_OWN_TYPE) in _AS_ANOTHER:
        raise no_place(field.name, "money")
    if isinstance(kind, pa.BaseExtensionType):
        if getattr(kind, "type_name", None) == _NUMERIC or kind.extension_name == "arrow.uuid":
            return pa.string()
        raise no_place(field.name, getattr(kind, "type_name", None) or kind.extension_name.rpartition(".")[2])
    if types.is_dictionary(kind):
        return pa.string()
    if types.is_null(kind):
        return pa.string()
    plain = (
        *(
            types.is_integer,
            types.is_floating,
            types.is_decimal,
            types.is_boolean,
            types.is_string,
            types.is_large_string,
        ),
        *(types.is_date, types.is_timestamp, types.is_time),
    )
    if any(test(kind) for test in plain):
        return kind
    raise no_place(field.name, str(kind).partition("<")[0])


def no_place(column: str, kind: str) -> UsageError:
    """Return the error for a column of a type that is not carried."""
    return UsageError(
        f"column {column!r} is of a type that has no place in a table of counts ({kind}); cast it in the query "
        "(to text, or to the number it holds), or leave it out"
    )


def in_places(batch: pa.RecordBatch, schema: pa.Schema) -> pa.RecordBatch:
    """Return rows in the columns that are kept."""
    import pyarrow as pa

    arrays = [_carried(array, field.type) for array, field in zip(batch.columns, schema, strict=True)]
    return pa.RecordBatch.from_arrays(arrays, schema=schema)


def _carried(array: Any, kind: pa.DataType) -> Any:
    import pyarrow as pa

    if not isinstance(array, pa.ExtensionArray):
        return array.dictionary_decode().cast(kind) if isinstance(array, pa.DictionaryArray) else array.cast(kind)
    if array.type.extension_name == "arrow.uuid":
        return pa.array([None if cell is None else str(cell) for cell in array.to_pylist()], type=kind)
    return array.storage.cast(kind)
