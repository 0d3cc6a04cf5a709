"""Decoding in a child process, so that native code cannot take the run with it.

In: an encoded file that the system knows by a descriptor, and a request.
Out: the blocks of an :class:`~beam_audio.audio.decoders.stream.AudioStream`, or an error of ours.
Main function: :class:`beam_audio.audio.isolated.stream.IsolatedStream`.
"""
