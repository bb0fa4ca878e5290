"""The Django shell: WebSocket consumer, HTTP POST view, channel-layer fan-out.

Takes ASGI events, gives text to connections and bytes to sockets. Only this room knows Channels.
"""
