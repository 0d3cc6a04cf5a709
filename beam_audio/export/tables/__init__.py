"""The committed part files of an output as tables of Iceberg, Delta, DuckDB and BigQuery.

In: commit records and part files.
Out: one commit per table that names those part files, as they stand; SQL files.
Main function: :func:`beam_audio.export.tables.register.register`.
"""
