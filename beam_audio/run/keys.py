"""Keys of the metadata that name folders or columns, as flags list them."""

from __future__ import annotations

from typing import TYPE_CHECKING

from beam_audio.errors import ConfigError

if TYPE_CHECKING:
    from collections.abc import Collection, Sequence


def keys_in(text: str) -> tuple[str, ...]:
    """Keys that commas separate, in order."""
    return tuple(key.strip() for key in text.split(",") if key.strip())


def check_keys(partition_by: Sequence[str], metadata_columns: Sequence[str]) -> None:
    """Check keys against the columns of the tables and each other.

    Raises:
        ConfigError: A key is a column, is not made of letters, digits, '-' and '_', or comes twice.
    """
    from beam_audio import schema  # noqa: PLC0415 - imports pyarrow

    names = {*schema.column_names("segments"), *schema.column_names("recordings")}
    folders = {schema.PARTITION_DATE, schema.PARTITION_LANGUAGE}
    reserved = names | folders | {schema.AUDIO}
    _check("partition_by", partition_by, reserved - folders)
    _check("metadata_columns", metadata_columns, reserved)


def _check(flag: str, keys: Sequence[str], reserved: Collection[str]) -> None:
    # Some readers ignore the case of names.
    for key in keys:
        if key.lower() in reserved:
            raise ConfigError(
                f"--{flag}={key}: the tables have a column of this name; name keys of the "
                "manifest, or date and language for --partition_by"
            )
        if not key.replace("_", "").replace("-", "").isalnum():
            raise ConfigError(f"--{flag}={key}: letters, digits, '-' and '_' only")
    if len({key.lower() for key in keys}) != len(keys):
        raise ConfigError(f"--{flag}={','.join(keys)}: a key is named twice")
