"""Inputs: files, manifest lines and messages, before any audio is opened.

In: patterns, manifest files and Pub/Sub messages.
Out: references to audio, or failures that say why there is none.
Main function: :func:`beam_audio.inputs.listing.match_input`.
"""
