"""The command line: flags, verbs and what is printed.

In: arguments.
Out: tables, progress and an exit status.
Main function: :func:`beam_audio.command.cli.main`.
"""
