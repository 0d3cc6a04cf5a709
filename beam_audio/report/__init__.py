"""What stands in an output, for people: figures, a page of HTML, and one segment explained.

In: the committed rows of an output, read through DuckDB; its commit records and run files.
Out: figures as JSON, one self-contained page, an explanation, clips.
Main function: :func:`beam_audio.report.figures.figures_of`.
"""
