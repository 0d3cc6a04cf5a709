"""Files on local disks and in buckets, through Beam's file systems.

In: local paths and ``gs://`` or ``s3://`` addresses.
Out: their bytes, listings and versions; files written whole, or only if unchanged.
Main function: :func:`beam_audio.store.files.open_to_read`.
"""

from beam_audio.store.files import (
    delete,
    delete_folder,
    each_match,
    exists,
    files_like,
    files_under,
    gcs_client,
    is_local_folder,
    match,
    move_into,
    open_to_read,
    open_to_write,
    read_each,
    require_regular,
    s3_client,
    scheme,
    stat,
    temporary_folder,
    temporary_name,
    write_whole,
)
from beam_audio.store.gzip_files import GZIP_DAMAGE, GZIP_MAGIC, unpacked
from beam_audio.store.open_input import open_input
from beam_audio.store.patterns import below, is_pattern, literal
from beam_audio.store.relative_names import join, outside
from beam_audio.store.reported import reported

__all__ = [
    "GZIP_DAMAGE",
    "GZIP_MAGIC",
    "below",
    "delete",
    "delete_folder",
    "each_match",
    "exists",
    "files_like",
    "files_under",
    "gcs_client",
    "is_local_folder",
    "is_pattern",
    "join",
    "literal",
    "match",
    "move_into",
    "open_input",
    "open_to_read",
    "open_to_write",
    "outside",
    "read_each",
    "reported",
    "require_regular",
    "s3_client",
    "scheme",
    "stat",
    "temporary_folder",
    "temporary_name",
    "unpacked",
    "write_whole",
]
