"""TLS and proxies, the same for both transports, with real certificates and a real proxy."""

import asyncio
import ssl
import sys
from collections.abc import AsyncIterator, Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest
import pytest_asyncio
import trustme

from django_vortex.client import NotConnected, addresses, connect
from tests.support.far_end import echo
from tests.support.fixtures import StartServer
from tests.support.ports import HOST, free_port, is_listening
from tests.support.processes import ROOT, LoggedProcess, run
from tests.support.servers import ServerProcess
from tests.support.tcp_proxy import tcp_proxy
from tests.support.waiting import wait_until

LONG = {"open_timeout": 60}
PIP = [sys.executable, "-m", "pip", "--disable-pip-version-check", "install", "--quiet"]
PROXY_VARIABLES = ("http_proxy", "https_proxy", "all_proxy", "no_proxy")

PROGRAM = """
import asyncio, importlib.metadata, sys
from django_vortex.client import connect


async def main(url, proxy):
    for transport in ("websocket", "http"):
        for way in (None, proxy):
            options = {"transports": [transport], "proxy": way, "open_timeout": 60}
            async with connect(url, **options) as vortex:
                reply = await vortex.call("e2e.echo", tuples=[transport], timeout=60)
                assert reply.tuples == [transport]
                big = await vortex.call("e2e.big", count=20, size=100_000, timeout=60)
                assert len(big.tuples) == 20
    print(*(importlib.metadata.version(name) for name in ("websockets", "httpx")))


asyncio.run(main(*sys.argv[1:]))
"""


@dataclass(frozen=True)
class Certificates:
    """What a company's own authority has issued."""

    authority: trustme.CA
    authority_file: Path
    server_files: tuple[Path, Path]

    def context(self) -> ssl.SSLContext:
        return ssl.create_default_context(cafile=str(self.authority_file))


@pytest.fixture(scope="module")
def certificates(tmp_path_factory: pytest.TempPathFactory) -> Certificates:
    directory = tmp_path_factory.mktemp("certificates")
    authority = trustme.CA()
    authority.cert_pem.write_to_path(directory / "authority.pem")
    issued = authority.issue_cert("localhost")
    issued.private_key_pem.write_to_path(directory / "key.pem")
    with (directory / "chain.pem").open("wb") as file:
        for one in issued.cert_chain_pems:
            file.write(one.bytes())
    files = directory / "key.pem", directory / "chain.pem"
    return Certificates(authority, directory / "authority.pem", files)


class TlsServer(ServerProcess):
    """uvicorn that speaks TLS alone."""

    def is_answering(self) -> bool:
        self.require_running()
        return is_listening(self.port)


@pytest.fixture(scope="module")
def start_tls_server(
    certificates: Certificates, database: Path, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Callable[..., int]]:
    """Start a server and return its port."""
    started: list[TlsServer] = []

    def start(*arguments: str) -> int:
        key, chain = certificates.server_files
        arguments = (f"--ssl-keyfile={key}", f"--ssl-certfile={chain}", *arguments)
        directory = tmp_path_factory.mktemp("tls")
        server = TlsServer("uvicorn", directory, database=database, arguments=arguments)
        started.append(server)
        server.start()
        return server.port

    yield start
    for server in started:
        server.stop()


@pytest.fixture(scope="module")
def uvicorn_tls_port(start_tls_server: Callable[..., int]) -> int:
    return start_tls_server()


@pytest.fixture(scope="module")
def daphne_tls_port(
    certificates: Certificates, start_server: StartServer, tmp_path_factory: pytest.TempPathFactory
) -> int:
    """Daphne that speaks TLS at a port of its own, beside its other one.

    It has a Twisted of today. The one that VortexPY bears, with which the tests run, changes the
    TLS context of a connection that has begun, which pyOpenSSL of today refuses.
    """
    twisted = tmp_path_factory.mktemp("twisted")
    run([*PIP, "--no-deps", "--target", str(twisted), "Twisted>=25.5"])
    key, chain = certificates.server_files
    port = free_port()
    endpoint = f"ssl:port={port}:privateKey={key}:certKey={chain}:interface={HOST}"
    path = f"{twisted}:{ROOT}"
    server = start_server("daphne", arguments=("-e", endpoint), env={"PYTHONPATH": path})
    wait_until(lambda: server.require_running() or is_listening(port), "Daphne's port for TLS")
    return port


@pytest_asyncio.fixture(params=["uvicorn", "daphne", "program before Daphne"])
async def tls_port(
    request: pytest.FixtureRequest, certificates: Certificates, port_of: Callable[[str], int]
) -> AsyncIterator[int]:
    """The port of a server with TLS, or of another program before it whose business that is."""
    if request.param != "program before Daphne":
        yield request.getfixturevalue(f"{request.param}_tls_port")
        return
    key, chain = certificates.server_files
    context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    context.load_cert_chain(chain, key)
    async with tcp_proxy(port_of("daphne"), context=context) as proxy:
        yield proxy.port


@pytest.fixture(scope="module")
def proxy(tmp_path_factory: pytest.TempPathFactory) -> Iterator[LoggedProcess]:
    """A real proxy; its log has a line for each connection."""
    port = free_port()
    command = [sys.executable, "-m", "proxy", "--hostname", HOST, "--port", str(port)]
    command += ["--num-workers", "1", "--num-acceptors", "1", "--log-level", "INFO"]
    process = LoggedProcess(f"proxy-{port}", command, tmp_path_factory.mktemp("proxy"))
    process.start()
    wait_until(lambda: process.require_running() or is_listening(port), "the proxy")
    yield process
    process.stop()


def url_of(proxy: LoggedProcess) -> str:
    return f"http://{HOST}:{proxy.name.partition('-')[2]}"


@pytest.fixture(autouse=True)
def no_proxies(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in PROXY_VARIABLES:
        monkeypatch.delenv(name, raising=False)
        monkeypatch.delenv(name.upper(), raising=False)


async def test_G8_own_authority_by_file(
    certificates: Certificates, tls_port: int, transport: str
) -> None:
    url = f"wss://localhost:{tls_port}/vortex"
    options = {"transports": [transport], "ssl": certificates.context(), **LONG}
    async with connect(url, **options) as vortex:  # type: ignore[arg-type]
        assert await echo(vortex, "ä") == "ä"


async def test_G8_own_authority_by_environment(
    certificates: Certificates,
    tls_port: int,
    transport: str,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("SSL_CERT_FILE", str(certificates.authority_file))
    url = f"https://localhost:{tls_port}/vortex"
    async with connect(url, transports=[transport], **LONG) as vortex:  # type: ignore[arg-type]
        assert await echo(vortex, 1) == 1


@pytest.mark.parametrize("wrong", ["authority", "name"])
async def test_G8_wrong_certificates_are_never_accepted(
    certificates: Certificates,
    tls_port: int,
    transport: str,
    wrong: str,
) -> None:
    host = HOST if wrong == "name" else "localhost"
    options = {"ssl": certificates.context()} if wrong == "name" else {}
    url = f"wss://{host}:{tls_port}/vortex"
    with pytest.raises(
        NotConnected, match=r"(certificate|CERTIFICATE)[ _](verify|VERIFY)[ _](failed|FAILED)"
    ):
        async with connect(url, transports=[transport], open_timeout=5, **options):  # type: ignore[arg-type]
            raise AssertionError("connected to somebody else")


async def test_G8_client_certificate(
    certificates: Certificates, start_tls_server: Callable[..., int]
) -> None:
    required = (
        f"--ssl-ca-certs={certificates.authority_file}",
        f"--ssl-cert-reqs={ssl.CERT_REQUIRED}",
    )
    url = f"wss://localhost:{start_tls_server(*required)}/vortex"
    for transport in ("websocket", "http"):
        context = certificates.context()
        certificates.authority.issue_cert("importer@example.org").configure_cert(context)
        async with connect(url, transports=[transport], ssl=context, open_timeout=60) as vortex:
            assert await echo(vortex, 1) == 1
        with pytest.raises(NotConnected):
            async with connect(
                url, transports=[transport], ssl=certificates.context(), open_timeout=1
            ):
                raise AssertionError("connected without a certificate")


async def test_G9_tunnel_for_both_transports(
    certificates: Certificates,
    tls_port: int,
    proxy: LoggedProcess,
    transport: str,
) -> None:
    begin = len(proxy.log)
    url = f"wss://localhost:{tls_port}/vortex"
    options = {"transports": [transport], "ssl": certificates.context(), **LONG}
    async with connect(url, proxy=url_of(proxy), **options) as vortex:  # type: ignore[arg-type]
        assert await echo(vortex, 1) == 1
    await asyncio.to_thread(proxy.wait_for_log, f"CONNECT localhost:{tls_port}", start=begin)


async def test_G9_one_decision_from_the_environment(
    server: ServerProcess,
    proxy: LoggedProcess,
    transport: str,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """The proxy of HTTP is that of ``ws`` URLs, too; the own machine is reached directly."""
    url = f"ws://localhost:{server.port}/vortex"
    monkeypatch.setenv("http_proxy", f"http://{HOST}:{free_port()}")
    monkeypatch.setenv("all_proxy", f"socks5://{HOST}:{free_port()}")
    async with connect(url, transports=[transport], **LONG) as vortex:  # type: ignore[arg-type]
        assert await echo(vortex, 1) == 1, "a dead proxy is none for the own machine"
    monkeypatch.setattr(addresses, "_is_loopback", lambda host: False)
    with pytest.raises(NotConnected):
        async with connect(url, transports=[transport], open_timeout=1):
            raise AssertionError("connected without the proxy")
    monkeypatch.setenv("http_proxy", url_of(proxy))
    begin = len(proxy.log)
    async with connect(url, transports=[transport], **LONG) as vortex:  # type: ignore[arg-type]
        assert await echo(vortex, 1) == 1
    await asyncio.to_thread(proxy.wait_for_log, f"localhost:{server.port}", start=begin)
    monkeypatch.setenv("http_proxy", f"http://{HOST}:{free_port()}")
    monkeypatch.setenv("no_proxy", "localhost")
    async with connect(url, transports=[transport], **LONG) as vortex:  # type: ignore[arg-type]
        assert await echo(vortex, 1) == 1


def test_G9_lowest_versions_of_the_libraries(
    start_server: StartServer, proxy: LoggedProcess, tmp_path: Path
) -> None:
    lowest = ["websockets==15.0", "httpx==0.27.0"]
    old = tmp_path / "old"
    run([*PIP, "--target", str(old), *lowest])
    path = tmp_path / "program.py"
    path.write_text(PROGRAM)
    url = f"{start_server('uvicorn').ws_url}/vortex"
    command = [sys.executable, "-W", "error", str(path), url, url_of(proxy)]
    said = run(command, {"PYTHONPATH": f"{old}:{ROOT}"})
    assert said.split()[-2:] == ["15.0", "0.27.0"]
