"""Released VortexPYs, driven in processes of their own.

``client_process`` and ``server_process`` run an original with its own reactor; `driver` is the
test's end of them. ``enveloped`` and ``oldest`` say how releases are used, `releases` which there
are and `environments` installs them, each for its Python. What the client's process imports runs on
the oldest of these. Only the processes import ``vortex``, because importing it changes ``json`` for
the whole process.
"""
