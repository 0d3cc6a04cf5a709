"""What is in an output folder: part files, commit records, the ledger, compaction.

In: rows and what became of each input.
Out: Parquet parts and JSON records, each complete or absent.
Main function: :func:`beam_audio.output.commits.write_commit`.
"""
