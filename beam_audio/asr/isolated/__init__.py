"""A recogniser in a child process: native code that dies of a clip costs that clip, not the run.

In: the name or folder of a model on this machine, then batches of clips.
Out: transcripts, as the model in this process would give them; errors that say whose fault it is.
Main function: :class:`beam_audio.asr.isolated.recognizer.IsolatedRecognizer`.
"""
