"""What a stream needs beyond a batch: Pub/Sub, reservations, intervals and drift; no Beam.

In: messages, and commit records of finished units.
Out: acknowledgements, published rows, interval ledgers and alerts.
Main function: :func:`beam_audio.stream.close_interval.close_interval`.
"""
