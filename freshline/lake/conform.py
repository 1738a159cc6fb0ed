"""Make a table exactly what a schema says before it becomes durable."""

import pyarrow as pa


def conform(data: pa.Table, schema: pa.Schema) -> pa.Table:
    """Return the schema's columns of `data`, in its order and types; further columns are left out.

    Raises ValueError where a column is missing, cannot be cast, or holds null where it must not.
    """
    missing = [name for name in schema.names if name not in data.column_names]
    if missing:
        raise ValueError(f"columns are missing: {missing}")
    return data.select(schema.names).cast(schema)
