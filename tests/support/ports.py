"""Free ports for servers of tests."""

import socket

HOST = "127.0.0.1"


def free_port() -> int:
    """Return a port that nothing listens on at the moment.

    The system hands out a different one each time, so two tests running side by side do not meet.
    """
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        probe.bind((HOST, 0))
        port: int = probe.getsockname()[1]
        return port


def is_listening(port: int) -> bool:
    """Return whether something accepts connections on the port."""
    with socket.socket() as probe:
        probe.settimeout(1)
        return probe.connect_ex((HOST, port)) == 0
