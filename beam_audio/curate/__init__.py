"""What is decided after a run, from an output alone: rows are judged again, decisions restored.

In: committed units; rules.
Out: units whose rows were rewritten, and what moved.
Main function: :func:`beam_audio.curate.rewrite.rewrite_unit`.
"""
