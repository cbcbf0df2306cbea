"""A spool whose syncs fail, or whose file system gives up: no false acks, and it goes on without a restart."""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Callable
from pathlib import Path

import pytest

from pixelmw import Event
from pixelmw.delivery import Retry, Spool
from tests.support.faults import strace
from tests.support.processes import event, run, wait_until
from tests.support.spools import THREADLESS, Volume, descriptors, report, scale, volume, waiting

_REQUESTS = (
    THREADLESS
    + """
import threading
from tests.support.pixel import Pixel
from pixelmw.delivery import Spool

pixel = Pixel(sink=Spool(sys.argv[1], print))

def request(thread):
    for number in range(int(sys.argv[3])):
        name = f"v-{thread}-{number}"
        answer = pixel.get("/pixel/v1/track", f"writeKey=k&anonymousId=a&event=e&messageId={name}")
        os.write(1, f"{name}={answer.status_code}\\n".encode())

threads = [threading.Thread(target=request, args=[thread]) for thread in range(int(sys.argv[2]))]
for thread in threads:
    thread.start()
for thread in threads:
    thread.join()
os._exit(0)
"""
)


class Call:
    """A system call of a trace: its name, the path of its descriptor, what it was given, and what became of it."""

    def __init__(self, name: str, path: str, given: str, result: str) -> None:
        self.name, self.path, self.given, self.result = name, path, given, result

    @property
    def is_sync(self) -> bool:
        return self.name in ("fsync", "fdatasync")

    @property
    def ids(self) -> set[str]:
        """The ids in what was written."""
        return set(re.findall(r'messageId\\":\\"(v-\d+-\d+)', self.given))


def calls(trace: Path) -> list[Call]:
    """The calls on descriptors in a trace, in the order in which they returned."""
    begun: dict[str, str] = {}
    found = []
    for line in trace.read_text().splitlines():
        process, _, text = line.partition(" ")
        text = text.strip()
        if text.endswith("<unfinished ...>"):
            begun[process] = text.removesuffix("<unfinished ...>")
            continue
        if resumed := re.match(r"<\.\.\. \w+ resumed>(.*)", text):
            text = begun.pop(process) + resumed[1]
        if call := re.match(r"(\w+)\(\d+<(.*?)>(.*)\)\s+= (.*)", text):
            found.append(Call(*call.groups()))
    return found


def request_under_faults(
    tmp_path: Path, threads: int, requests: int, *faults: str
) -> tuple[dict[str, str], list[Call]]:
    """Send requests from threads of a process whose system calls fail; returns the answers by id, and its calls."""
    trace = tmp_path / "trace"
    under = [strace(), "-f", "-qq", "-y", "-s", "100000", "-o", str(trace), "-e", "trace=write,fsync,fdatasync,close"]
    inject = [option for fault in faults for option in ("-e", f"inject={fault}")]
    answers = run(_REQUESTS, tmp_path / "spool", threads, requests, under=[*under, *inject])
    return dict(answer.split("=") for answer in answers), calls(trace)


def acknowledged(answers: dict[str, str]) -> set[str]:
    assert set(answers.values()) <= {"200", "503"}
    return {name for name, answer in answers.items() if answer == "200"}


def test_nothing_is_acknowledged_before_it_is_synced_nor_in_a_new_file_before_its_name_is(tmp_path: Path) -> None:
    answers, done = request_under_faults(tmp_path, 1, 3)
    assert set(answers.values()) == {"200"}
    steps = [
        (call.name, "segment" if call.path.endswith(".segment") else Path(call.path).name)
        for call in done
        if call.name != "close" and (str(tmp_path) in call.path or "pipe:" in call.path)
    ]
    pipe = steps[-1]
    first = [("fsync", tmp_path.name), ("write", "segment"), ("fsync", "segment"), ("fsync", "spool"), pipe]
    assert steps == first + [("write", "segment"), ("fdatasync", "segment"), pipe] * 2


@pytest.mark.slow
@pytest.mark.parametrize(
    ("call", "when", "refused"),
    # The first one is that of the directory's name, for which nobody waits yet: it is made anew for the first event.
    [
        *[("fsync", 1, None), ("fsync", 2, 0), ("fsync", 3, 0)],
        *[("fdatasync", 1, 1), ("fdatasync", 2, 2), ("fdatasync", 5, 5)],
    ],
)
def test_a_sync_that_fails_is_a_503_for_who_waited_for_it_and_is_not_tried_again(
    tmp_path: Path, call: str, when: int, refused: int | None
) -> None:
    answers, done = request_under_faults(tmp_path, 1, 8, f"{call}:error=EIO:when={when}")
    expected = [] if refused is None else [f"v-0-{refused}"]
    assert [name for name, answer in answers.items() if answer != "200"] == expected
    assert len(answers) == 8
    place = next(number for number, each in enumerate(done) if "INJECTED" in each.result)
    path = done[place].path
    later = [each for each in done[place + 1 :] if each.path == path]
    assert later[0].name == "close"
    if path.endswith(".segment"):
        assert len(later) == 1
    if refused is None:
        assert "fsync" in [each.name for each in later]
    assert acknowledged(answers) <= set(waiting(tmp_path / "spool"))


def test_threads_whose_syncs_fail_now_and_then_are_told_so_and_go_on(tmp_path: Path) -> None:
    faults = ("fdatasync:error=EIO:when=4+5", "fsync:error=EIO:when=6+7")
    answers, done = request_under_faults(tmp_path, 8, scale(25, 250), *faults)
    unsynced: dict[str, set[str]] = defaultdict(set)  # by path: the ids that wait for its sync
    failed: set[str] = set()
    left: set[str] = set()  # segments whose sync failed
    failures = 0
    for call in done:
        assert call.path not in left or call.name == "close" or not call.path.endswith(".segment")
        if call.is_sync and "INJECTED" in call.result:
            failures += 1
            left.add(call.path)
            failed |= unsynced.pop(call.path, set())
        elif call.is_sync:
            unsynced.pop(call.path, None)
        elif call.name == "write":
            unsynced[call.path] |= call.ids
    told = acknowledged(answers)
    report(
        "failing syncs", failed=failures, acknowledged=len(told), refused=len(answers) - len(told),
        false_acks=len(told & failed), lost=len(told - set(waiting(tmp_path / "spool"))),
    )  # fmt: skip
    assert failures > 3
    assert failed
    assert not told & failed
    assert told <= set(waiting(tmp_path / "spool"))
    assert len(told) > len(answers) / 3


@pytest.mark.parametrize("down", [False, True], ids=["its sink up", "its sink down"])
@pytest.mark.parametrize("fault", [Volume.abort, Volume.cut_power])
def test_a_file_system_that_gave_up_can_be_mounted_again_and_the_spool_goes_on(
    tmp_path: Path, fault: Callable[[Volume], None], down: bool
) -> None:
    forwarded: list[str] = []
    is_down = down

    def sink(event: Event) -> None:
        if is_down:
            raise ConnectionError
        forwarded.append(event["messageId"])

    with volume(tmp_path) as made, Spool(made.path / "spool", sink, retry=Retry(cap=0.1)) as spool:
        for number in range(20):
            spool(event(f"before-{number}"))
        assert spool.flush(0 if down else 5) is not down
        fault(made)
        if not down:  # else nobody stores while it is out of order
            with pytest.raises(OSError, match=r"Read-only|Input/output"):
                spool(event("refused"))
        wait_until(lambda: not descriptors(made.path))
        made.unmount()
        with pytest.raises(OSError, match="No such file"):
            spool(event("refused, too"))
        assert list(made.path.iterdir()) == []
        made.mount()
        spool(event("after"))
        is_down = False
        assert spool.flush(20)
    assert {*(f"before-{number}" for number in range(20)), "after"} <= set(forwarded) <= {
        *(f"before-{number}" for number in range(20)), "after", "refused",
    }  # fmt: skip


def test_a_thread_that_cannot_be_started_now_is_started_with_a_later_event(tmp_path: Path) -> None:
    script = """
import os, sys
from pixelmw.delivery import Spool
from tests.support.processes import event, wait_until

events = []
spool = Spool(sys.argv[1], events.append)
for name in ("first", "second"):
    spool(event(name))
assert spool.flush(10)
print(*[event["messageId"] for event in events], flush=True)
os._exit(0)
"""
    fail = [option for call in ("clone3", "clone") for option in ("-e", f"inject={call}:error=EAGAIN:when=1")]
    under = [strace(), "-f", "-qq", "-o", str(tmp_path / "trace"), "-e", "trace=clone3,clone", *fail]
    assert run(script, tmp_path / "spool", under=under) == ["first", "second"]
    assert "(INJECTED)" in (tmp_path / "trace").read_text()
