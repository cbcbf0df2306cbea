"""Ten minutes of ordinary trouble for a Spool, and whether each acknowledged event arrived.

Run it as root, ``python -m benchmarks.soak --minutes 10``: gunicorn's four workers run as another user. The
destination refuses a tenth of the requests, is away for a minute, and is slow for another one. Meanwhile workers
are killed, one of them is stopped, the directory gets other modes, and root drains it. It prints what became of the
events, and ends with 1 if an acknowledged one is missing, or if one that nobody was told about became a dead letter.
"""

from __future__ import annotations

import argparse
import gzip
import json
import os
import pwd
import random
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import threading
import time
from collections import Counter
from contextlib import suppress
from http.client import HTTPConnection
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

WORKERS, CLIENTS = 4, 8
APP = """
import os
from pixelmw import PixelMiddleware
from pixelmw.delivery import Spool
from pixelmw.sinks.http import HTTP

def host(environ, start_response):
    start_response("200 OK", [("Content-Type", "text/plain")])
    return [b"host"]

destination = HTTP(os.environ["SOAK_URL"], "k", timeout=5)
spool = Spool(os.environ["SOAK_DIRECTORY"], destination, name="soak")
app = PixelMiddleware(host, spool)
"""


class Destination:
    """A data plane with moods, which counts each messageId.

    :ivar mood: "well", "away" or "slow".
    """

    def __init__(self) -> None:
        self.mood = "well"
        self.copies: Counter[str] = Counter()
        self._lock = threading.Lock()
        outer = self

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def do_POST(self) -> None:
                body = self.rfile.read(int(self.headers["Content-Length"]))
                if outer.mood == "away":
                    self.close_connection = True
                    return
                if outer.mood == "slow":
                    time.sleep(1)
                status = 500 if random.random() < 0.1 else 200
                if status == 200:
                    text = gzip.decompress(body) if self.headers.get("Content-Encoding") == "gzip" else body
                    with outer._lock:
                        outer.copies.update(each["messageId"] for each in json.loads(text)["batch"])
                self.send_response(status)
                self.send_header("Content-Length", "2")
                self.end_headers()
                self.wfile.write(b"OK")

            def log_message(self, *arguments: object) -> None:
                pass

        self.server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        threading.Thread(target=self.server.serve_forever, daemon=True).start()
        self.url = f"http://127.0.0.1:{self.server.server_port}"


class Clients:
    """Visitors who send one pixel after another; what was answered 200 is acknowledged."""

    def __init__(self, port: int) -> None:
        self.acknowledged: set[str] = set()
        self.answers: Counter[str] = Counter()
        self.is_over = False
        self._port = port
        self._threads = [threading.Thread(target=self._send, args=(number,)) for number in range(CLIENTS)]
        for thread in self._threads:
            thread.start()

    def _send(self, client: int) -> None:
        number, connection = 0, HTTPConnection("127.0.0.1", self._port, timeout=30)
        while not self.is_over:
            number += 1
            name = f"{client}-{number}"
            try:
                connection.request("GET", f"/pixel/v1/track?writeKey=k&event=e&userId=u&messageId={name}")
                answer = connection.getresponse()
                answer.read()
                self.answers[str(answer.status)] += 1
                if answer.status == 200:
                    self.acknowledged.add(name)
            except OSError as error:
                self.answers[type(error).__name__] += 1
                connection.close()
            time.sleep(0.02)
        connection.close()

    def stop(self) -> None:
        """Let each finish."""
        self.is_over = True
        for thread in self._threads:
            thread.join()


def children(pid: int) -> list[int]:
    """The worker processes of gunicorn."""
    try:
        return [int(each) for each in Path(f"/proc/{pid}/task/{pid}/children").read_text().split()]
    except OSError:
        return []


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def soak(minutes: float, directory: Path) -> int:
    """Run it; returns the exit code."""
    nobody = pwd.getpwnam("nobody")
    spool = directory / "spool"
    spool.mkdir(mode=0o700)
    os.chown(spool, nobody.pw_uid, nobody.pw_gid)
    (directory / "soak_app.py").write_text(APP)
    destination, port = Destination(), free_port()
    root = Path(__file__).parents[1]
    environ = {
        **os.environ,
        "SOAK_URL": destination.url,
        "SOAK_DIRECTORY": str(spool),
        "PYTHONPATH": os.pathsep.join([str(root), str(directory), *filter(None, [os.environ.get("PYTHONPATH")])]),
        "PYTHONDONTWRITEBYTECODE": "1",
    }
    command = [sys.executable, "-m", "gunicorn", f"--bind=127.0.0.1:{port}", f"--workers={WORKERS}", "--threads=4"]
    command += [f"--user={nobody.pw_uid}", f"--group={nobody.pw_gid}", "--timeout=60", "soak_app:app"]
    with (directory / "log").open("w") as log:
        master = subprocess.Popen(command, cwd=directory, env=environ, stdout=log, stderr=log)
        wait_for(port)
        clients, began, did = Clients(port), time.monotonic(), Counter[str]()
        drain = [sys.executable, "-m", "pixelmw", "drain", str(spool), "--sink", "soak_app:destination"]

        def drain_as_root() -> None:
            ended = subprocess.run(
                [*drain, "--follow", "--timeout", "20"], cwd=directory, env=environ, stdout=log, stderr=log
            )
            did[f"root's drain ended with {ended.returncode}"] += 1

        def stop_a_worker() -> None:
            holder = (spool / "drain.lock").read_text().split()
            pid = int(holder[0]) if holder else random.choice(children(master.pid))
            os.kill(pid, signal.SIGSTOP)
            time.sleep(15)
            with suppress(ProcessLookupError):  # killed meanwhile
                os.kill(pid, signal.SIGCONT)
            did["a worker that forwards was stopped for 15 s"] += 1

        # By the part of the time at which each happens.
        moods = [(0.0, "well"), (0.25, "away"), (0.35, "well"), (0.5, "slow"), (0.6, "well")]
        once = [(0.15, lambda: spool.chmod(0o2770)), (0.3, drain_as_root), (0.45, stop_a_worker), (0.7, drain_as_root)]
        once += [(0.75, stop_a_worker), (0.8, lambda: [each.chmod(0o640) for each in spool.glob("*.segment")])]
        next_kill = 10.0
        while (now := time.monotonic() - began) < minutes * 60:
            part = now / (minutes * 60)
            destination.mood = [mood for at, mood in moods if at <= part][-1]
            while once and once[0][0] <= part:
                threading.Thread(target=once.pop(0)[1]).start()
            if now > next_kill and (alive := children(master.pid)):
                next_kill = now + 20
                os.kill(random.choice(alive), signal.SIGKILL)
                did["a worker was killed"] += 1
            time.sleep(0.2)
        clients.stop()
        master.terminate()
        master.wait(60)
        ended = subprocess.run([*drain, "--timeout", "120"], cwd=directory, env=environ, stdout=log, stderr=log)
        did[f"the last drain ended with {ended.returncode}"] += 1
    waiting = sum(path.read_bytes().count(b'"messageId"') for path in spool.glob("*.segment"))
    dead = sum(1 for _ in (spool / "dead").iterdir()) if (spool / "dead").is_dir() else 0
    delivered = set(destination.copies)
    missing = clients.acknowledged - delivered
    twice = sum(count > 1 for count in destination.copies.values())
    print("what happened:", dict(did))
    print("answers:", dict(clients.answers))
    print(
        f"acknowledged {len(clients.acknowledged)}, delivered {len(delivered)} (of them {twice} more than once; copies "
        f"{destination.copies.total()}), waiting {waiting}, dead {dead}, missing {len(missing)}"
    )
    if not clients.acknowledged:  # such as where the other user may not enter the folder of this Python
        print("nothing was acknowledged; the log ends with:", (directory / "log").read_text()[-2000:], sep="\n")
        return 1
    return 1 if len(missing) > waiting + dead else 0


def wait_for(port: int) -> None:
    """Wait until something listens."""
    for _ in range(300):
        try:
            socket.create_connection(("127.0.0.1", port), 1).close()
            return
        except OSError:
            time.sleep(0.1)
    raise SystemExit("gunicorn did not start")


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--minutes", type=float, default=10.0)
    parser.add_argument("--keep", action="store_true", help="keep the directory, with the log")
    arguments = parser.parse_args()
    place = Path(tempfile.mkdtemp())
    place.chmod(0o755)
    try:
        sys.exit(soak(arguments.minutes, place))
    finally:
        if arguments.keep:
            print(place)
        else:
            shutil.rmtree(place, ignore_errors=True)
