"""Configuration to a finished run: runners, the two graphs, submission and the run file.

In: a configuration and Beam options.
Out: an exit status, a ledger and a run file.
Main function: :func:`beam_audio.run.batch.run`.
"""
