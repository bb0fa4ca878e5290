"""The server end in plain asyncio: connection, outbox, server and fan-out interface.

Takes text from a transport, gives text back through the outbox. Imports no framework.
"""
