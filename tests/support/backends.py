"""Starts real database servers on loopback, each in a directory of its own, and stops them for an outage."""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import IO

import psycopg
import pymysql
import redis

from tests.support import process_tree
from tests.support.needs import need
from tests.support.ports import free_port
from tests.support.users import NOBODY

TIMEOUT = 30.0  # seconds for a server to start or to end
#: The password of the tests' users. Tests check that no message shows it.
PASSWORD = "open-sesame"


class Backend:
    """A server that can be stopped, and started again on the same data and port.

    :param command: the command that runs it in the foreground.
    :param directory: the directory that it runs in, with its log.
    :param url: the URL by which a sink finds it.
    :param probe: talks to the server, and raises if it does not answer.
    :param end_signal: the signal that ends it, even with clients connected.
    """

    def __init__(
        self,
        command: list[str],
        directory: Path,
        port: int,
        url: str,
        probe: Callable[[], object],
        end_signal: signal.Signals = signal.SIGTERM,
    ) -> None:
        self.port = port
        self.url = url
        self._command = command
        self._directory = directory
        self._log = directory / "log"
        self._probe = probe
        self._end_signal = end_signal
        self._process: subprocess.Popen[bytes] | None = None

    @property
    def pid(self) -> int:
        """The id of the server's first process, which has started all others."""
        assert self._process is not None
        return self._process.pid

    def start(self) -> None:
        """Start the server, and return once it answers."""
        deadline = time.monotonic() + TIMEOUT
        while not self._answers():
            assert time.monotonic() < deadline, self._log.read_text(errors="replace")[-3000:]
            if self._process is None or self._process.poll() is not None:
                # Start it again if it has ended: without /proc, processes of a killed PostgreSQL may still run.
                with self._log.open("ab") as log:
                    self._process = _spawn(self._command, self._directory, log)
            time.sleep(0.01)

    def stop(self, *, kill: bool = False) -> None:
        """Ask the server to end, or kill it with all its processes. Return once it takes nothing any more."""
        if self._process is None:
            return
        if not kill:
            self._process.send_signal(self._end_signal)
            with suppress(subprocess.TimeoutExpired):
                self._process.wait(TIMEOUT)
        if self._process.poll() is None:
            # Its other processes too: PostgreSQL's backends would run on for a moment.
            process_tree.kill(self.pid)
            self._process.wait(TIMEOUT)
        self._process = None

    @contextmanager
    def down(self, *, kill: bool = True) -> Iterator[None]:
        """End the server for the block, and start it again afterwards."""
        self.stop(kill=kill)
        try:
            yield
        finally:
            self.start()

    @contextmanager
    def hanging(self) -> Iterator[None]:
        """Stop the server for the block: it keeps its connections, and does nothing."""
        # All its threads have to be stopped: one that still runs would answer once more.
        with process_tree.stopped(self.pid):
            yield

    def _answers(self) -> bool:
        try:
            self._probe()
        except (OSError, redis.RedisError, psycopg.OperationalError, pymysql.Error):
            return False
        return True


@contextmanager
def redis_server(*options: str) -> Iterator[Backend]:
    """A Redis server that asks for a password, and writes each entry to its disk before it answers."""
    port = free_port()
    command = [need("redis-server", "valkey-server"), "--port", str(port), "--bind", "127.0.0.1"]
    command += ["--requirepass", PASSWORD, "--appendonly", "yes", "--appendfsync", "always", "--save", "", *options]
    url = f"redis://:{PASSWORD}@127.0.0.1:{port}/0"

    def probe() -> None:
        with redis.Redis.from_url(url, socket_timeout=2) as client:
            client.ping()

    with directory_of_server() as directory:
        yield from running(Backend(command, directory, port, url, probe))


@contextmanager
def postgres(*, durable: bool = False) -> Iterator[Backend]:
    """A PostgreSQL server that asks for a password.

    :param durable: True to have what is committed on the disk. That is slower, and no test cuts the power.
    """
    port = free_port()
    url = f"//postgres:{PASSWORD}@127.0.0.1:{port}/postgres"
    with directory_of_server() as directory:
        (directory / "password").write_text(PASSWORD)
        init = [_postgres("initdb"), "--pgdata=data", "--username=postgres", "--auth=scram-sha-256", "--no-sync"]
        _run([*init, "--pwfile=password", "--locale=C", "--encoding=UTF8"], directory)
        settings = ["listen_addresses=127.0.0.1", "unix_socket_directories=", "log_statement=none"]
        settings += [f"fsync={'on' if durable else 'off'}"]
        command = [_postgres("postgres"), "-D", "data", "-p", str(port)]
        command += [word for setting in settings for word in ("-c", setting)]

        def probe() -> None:
            psycopg.connect(f"postgresql:{url}", connect_timeout=2).close()

        # At SIGTERM, it would wait for every client.
        end_signal = signal.SIGINT
        yield from running(Backend(command, directory, port, f"postgresql+psycopg:{url}", probe, end_signal))


@contextmanager
def mariadb(*options: str) -> Iterator[Backend]:
    """A MariaDB server that asks for a password."""
    port = free_port()
    with directory_of_server() as directory:
        data = f"--datadir={directory / 'data'}"
        install = need("mariadb-install-db", "mysql_install_db")
        _run([install, "--no-defaults", data, "--auth-root-authentication-method=normal", "--skip-test-db"], directory)
        (directory / "users.sql").write_text(
            f"CREATE USER IF NOT EXISTS pixel@'%' IDENTIFIED BY '{PASSWORD}';\n"
            "GRANT ALL ON *.* TO pixel@'%' WITH GRANT OPTION;\nCREATE DATABASE IF NOT EXISTS pixels;\n"
        )
        command = [need("mariadbd", "/usr/sbin/mariadbd", "mysqld"), "--no-defaults", data, f"--port={port}"]
        # Its temporary tables stand in its own directory: two servers with the same /tmp delete each other's.
        command += ["--bind-address=127.0.0.1", f"--socket={directory / 'socket'}", f"--tmpdir={directory}"]
        command += ["--skip-name-resolve", *options]
        command += [f"--init-file={directory / 'users.sql'}", "--innodb-buffer-pool-size=16M"]
        # With io_uring, the server once died in the middle of a test that only stored an event, and damaged its data.
        command += ["--innodb-use-native-aio=OFF"]

        def probe() -> None:
            pymysql.connect(
                host="127.0.0.1", port=port, user="pixel", password=PASSWORD, database="pixels", read_timeout=2
            ).close()

        url = f"mariadb+pymysql://pixel:{PASSWORD}@127.0.0.1:{port}/pixels"
        yield from running(Backend(command, directory, port, url, probe))


@contextmanager
def silent() -> Iterator[int]:
    """A port that accepts connections, and never answers."""
    with socket.create_server(("127.0.0.1", 0)) as listener:
        yield listener.getsockname()[1]


def running(backend: Backend) -> Iterator[Backend]:
    try:
        backend.start()
        yield backend
    finally:
        backend.stop()


@contextmanager
def directory_of_server() -> Iterator[Path]:
    """A directory for a server. Its path is short, for sockets, and not root's: PostgreSQL does not run as root."""
    with tempfile.TemporaryDirectory(ignore_cleanup_errors=True) as directory:
        if os.geteuid() == 0:
            os.chown(directory, NOBODY, NOBODY)
        yield Path(directory)


def _spawn(command: list[str], directory: Path, log: IO[bytes]) -> subprocess.Popen[bytes]:
    is_root = os.geteuid() == 0
    return subprocess.Popen(
        command,
        cwd=directory,
        stdin=subprocess.DEVNULL,
        stdout=log,
        stderr=subprocess.STDOUT,
        user=NOBODY if is_root else None,
        group=NOBODY if is_root else None,
        extra_groups=[] if is_root else None,
    )


def _run(command: list[str], directory: Path) -> None:
    with (directory / "log").open("ab") as log:
        code = _spawn(command, directory, log).wait(TIMEOUT)
    assert code == 0, (directory / "log").read_text(errors="replace")


def _postgres(program: str) -> str:
    """Return the path of one of PostgreSQL's programs, which Debian does not have on the PATH."""
    return need(program, *sorted(map(str, Path("/usr/lib/postgresql").glob(f"*/bin/{program}")), reverse=True))
