"""A process with one VortexPY client; commands come as JSON lines, answers go out the same way.

    python -m tests.interop.originals.client_process websocket 127.0.0.1 8000 a-name

A command is ``{"id": 1, "do": "request", ...}``; its answer ``{"id": 1, "ok": value}`` or
``{"id": 1, "error": text}``. The process ends when its input does.

Whichever release is installed is driven, by `enveloped` or `oldest`; this is the oldest Python that
one of them runs on, as `releases` says.
"""

import json
import logging
import os
import sys
import threading
from importlib.util import find_spec
from typing import Any, Dict, List, Optional

from twisted.internet import reactor
from twisted.internet.defer import Deferred, TimeoutError, inlineCallbacks, maybeDeferred
from twisted.python.failure import Failure
from vortex.PayloadEndpoint import PayloadEndpoint
from vortex.VortexFactory import VortexFactory

from tests.interop.originals.notation import TIMED_OUT, from_notation
from tests.interop.originals.tuples import build

if find_spec("vortex.PayloadEnvelope"):
    from tests.interop.originals import enveloped as release
    from tests.interop.originals.observing import Observer
else:
    from tests.interop.originals import oldest as release


class Listener:
    """An endpoint that keeps what it receives."""

    def __init__(self, filt: dict) -> None:
        self.received: List[dict] = []
        self.endpoint = PayloadEndpoint(filt, self.receive, **release.ENDPOINT_OPTIONS)

    @inlineCallbacks
    def receive(self, *arguments: Any, **keywords: Any) -> Any:
        """Take a message; it is the first argument, or the keyword `payloadEnvelope`."""
        message = arguments[0] if arguments else keywords["payloadEnvelope"]
        self.received.append((yield release.described(message)))


class Commands:
    """What a test can ask this process to do; every public method is a command."""

    def __init__(self, kind: str, host: str, port: int, name: str) -> None:
        self._kind, self._host, self._port, self._name = kind, host, port, name
        self._watch = release.Watch()
        self._watch.install()
        self._listeners: Dict[int, Listener] = {}
        self._observers: Dict[int, Any] = {}
        self._client: Any = None

    @inlineCallbacks
    def connect(self, path: str = "vortexws") -> Any:
        """Connect with the released call; answers when the server's information is known."""
        self._client, connected = release.connect(
            self._kind, self._name, self._host, self._port, path
        )
        yield connected
        yield self._find_server()
        return self.state()

    def state(self) -> dict:
        """Tell what is known of the server and what has arrived."""
        return {
            "uuid": self._client.localVortexInfo.uuid,
            "beats": self._watch.beats,
            "connections": self._watch.connections,
            "infos": self._watch.infos,
            "servers": [[info.name, info.uuid] for info in self._client.remoteVortexInfo],
        }

    @inlineCallbacks
    def request(self, filt: Any, tuples: Any = None, timeout: float = 30.0) -> Any:
        """Send with a PayloadResponse and give the reply, or what it failed with."""
        message = yield release.make_message(from_notation(filt, build), self._tuples(tuples))
        server = yield self._find_server()
        response = release.send_for_response(message, server, timeout)
        # Its own `status` says "Timed Out" after every failure.
        try:
            reply = yield response
        except TimeoutError:
            return {"failure": TIMED_OUT}
        except Exception as error:
            return {"failure": str(error)}
        return (yield release.described(reply))

    @inlineCallbacks
    def send(self, filt: Any, tuples: Any = None, raw: Optional[str] = None) -> Any:
        """Send without waiting for anything."""
        if raw is not None:
            data = raw.encode()
        else:
            message = yield release.make_message(from_notation(filt, build), self._tuples(tuples))
            data = message.toVortexMsg()
        server = yield self._find_server()
        yield VortexFactory.sendVortexMsg(data, destVortexName=server)

    def listen(self, filt: Any) -> int:
        """Register an endpoint; gives the number to ask `received` with."""
        listener = Listener(from_notation(filt, build))
        self._listeners[id(listener)] = listener
        return id(listener)

    def received(self, listener: int) -> List[dict]:
        """Return what an endpoint has received so far, in the order of arrival."""
        return self._listeners[listener].received

    @inlineCallbacks
    def make_observer(
        self, observable: str, additional_filt: Any = None, name: str = "default"
    ) -> Any:
        """Make an observer of the server; gives the number for the commands below."""
        server = yield self._find_server()
        observer = Observer(server, observable, additional_filt, name)
        self._observers[id(observer)] = observer
        return id(observer)

    def observer(self, number: int, call: str, **arguments: Any) -> Any:
        """Call a method of an observer."""
        return getattr(self._observers[number], call)(**arguments)

    def _tuples(self, tuples: Any) -> Any:
        return None if tuples is None else from_notation(tuples, build)

    def _find_server(self) -> Deferred:
        """Return the server's name, once its information has come over the newest response."""
        found: Deferred = Deferred()

        def look() -> None:
            infos = self._client.remoteVortexInfo
            if infos:
                found.callback(infos[0].name)
            else:
                reactor.callLater(0.01, look)

        look()
        return found


def main(kind: str, host: str, port: str, name: str) -> None:
    """Read commands until the input ends."""
    # The original prints what it cannot read; that must not get between the answers.
    answers = os.fdopen(os.dup(1), "w", buffering=1)
    os.dup2(2, 1)
    commands = Commands(kind, host, int(port), name)

    def answer(number: int, **content: Any) -> None:
        answers.write(json.dumps({"id": number, **content}) + "\n")

    def obey(number: int, do: str, arguments: dict) -> None:
        def failed(failure: Failure) -> None:
            answer(number, error=failure.getTraceback())

        done = maybeDeferred(getattr(commands, do), **arguments)
        done.addCallback(lambda value: answer(number, ok=value)).addErrback(failed)

    def read() -> None:
        for line in sys.stdin:
            command = json.loads(line)
            number, do = command.pop("id"), command.pop("do")
            reactor.callFromThread(obey, number, do, command)
        reactor.callFromThread(reactor.stop)

    threading.Thread(target=read, daemon=True).start()
    reactor.run()


if __name__ == "__main__":
    logging.basicConfig(level=logging.INFO)
    # Says when a reply came before the server was known, and was dropped for that (PROTOCOL 6.7).
    logging.getLogger("vortex.PayloadResponse").setLevel(logging.DEBUG)
    main(*sys.argv[1:])
