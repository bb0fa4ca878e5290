"""The Django shell: WebSocket consumer, HTTP POST view, channel-layer fan-out.

Takes ASGI events, gives text to connections and bytes to sockets. The only room that knows Channels.
"""
