"""The released VortexPY, driven in processes of its own.

``client_process`` and ``server_process`` run the original with its own reactor; `driver` is the
test's end of them. Only the two process modules import ``vortex``, because importing it changes
``json`` for the whole process.
"""
