"""What says that rows of an output are registered with a table format."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

FormatName = Literal["iceberg", "delta", "duckdb", "bigquery"]


@dataclass(frozen=True, slots=True)
class Registration:
    """A table format, and where its tables are.

    Attributes:
        format: The format.
        namespace: What the tables are named below: Iceberg's namespace, BigQuery's data set.
        catalog: A catalog of pyiceberg's configuration; empty for one inside the output.
    """

    format: FormatName
    namespace: str
    catalog: str = ""
