"""A real cluster of Apache Kafka on loopback: three nodes, each of them broker and controller, that can be killed.

Maven fetches Kafka itself once, and keeps it in its own repository below the home directory.
"""

from __future__ import annotations

import fcntl
import json
import os
import subprocess
import tempfile
import time
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager, suppress
from pathlib import Path

from confluent_kafka import KafkaException

from tests.support import process_tree
from tests.support.backends import PASSWORD
from tests.support.kafka_topics import TIMEOUT, USER, KafkaTopics
from tests.support.needs import need
from tests.support.ports import free_port

NUMBERS = (1, 2, 3)
# Seconds to wait for a turn: less than faulthandler_timeout, which would end this process.
_TURN = 540.0
_CLUSTER_ID = "cGl4ZWxtdy10ZXN0cy0wMQ"  # any 16 bytes in base64

_POM = """
<project xmlns="http://maven.apache.org/POM/4.0.0">
  <modelVersion>4.0.0</modelVersion>
  <groupId>pixelmw</groupId><artifactId>kafka</artifactId><version>1</version><packaging>pom</packaging>
  <dependencies>
    <dependency><groupId>org.apache.kafka</groupId><artifactId>kafka_2.13</artifactId><version>4.1.1</version></dependency>
    <dependency><groupId>org.apache.kafka</groupId><artifactId>kafka-tools</artifactId><version>4.1.1</version></dependency>
    <dependency><groupId>org.slf4j</groupId><artifactId>slf4j-simple</artifactId><version>1.7.36</version></dependency>
  </dependencies>
</project>
"""
# Two cores run three nodes and the tests: the simplest collector, and the compiler that is done soon.
_JAVA = ("-Xmx512m", "-Xms256m", "-XX:+UseSerialGC", "-XX:TieredStopAtLevel=1", "-XX:-UsePerfData")
# Nodes end with the process of the tests, also if that has no time to end them: a test that hangs is ended at once.
_WITH_US = ("--pdeathsig", "KILL")
_QUIET = "-Dlog4j2.loggerContextFactory=org.apache.logging.log4j.simple.SimpleLoggerContextFactory"
# A dead node is noticed after 4 seconds, not after 9: the tests wait for it.
_PROPERTIES = """
process.roles=broker,controller
node.id={number}
controller.quorum.voters={voters}
listeners=PLAINTEXT://127.0.0.1:{port},SASL_PLAINTEXT://127.0.0.1:{sasl_port},CONTROLLER://127.0.0.1:{controller_port}
advertised.listeners=PLAINTEXT://127.0.0.1:{port},SASL_PLAINTEXT://127.0.0.1:{sasl_port}
controller.listener.names=CONTROLLER
listener.security.protocol.map=CONTROLLER:PLAINTEXT,PLAINTEXT:PLAINTEXT,SASL_PLAINTEXT:SASL_PLAINTEXT
inter.broker.listener.name=PLAINTEXT
sasl.enabled.mechanisms=PLAIN
listener.name.sasl_plaintext.plain.sasl.jaas.config=\
org.apache.kafka.common.security.plain.PlainLoginModule required user_{user}="{password}";
authorizer.class.name=org.apache.kafka.metadata.authorizer.StandardAuthorizer
allow.everyone.if.no.acl.found=true
super.users=User:ANONYMOUS
log.dirs={data}
num.partitions=3
default.replication.factor=3
min.insync.replicas=2
offsets.topic.replication.factor=3
offsets.topic.num.partitions=1
transaction.state.log.replication.factor=3
transaction.state.log.min.isr=2
share.coordinator.state.topic.replication.factor=3
auto.create.topics.enable=false
broker.heartbeat.interval.ms=1000
broker.session.timeout.ms=4000
"""


class KafkaCluster(KafkaTopics):
    """Three nodes, numbered from 1.

    :ivar sasl_servers: where :data:`USER` is let in with the tests' password.
    """

    def __init__(self, directory: Path, class_path: str) -> None:
        self._directory = directory
        self._java = [need("setpriv"), *_WITH_US, need("java"), *_JAVA, _QUIET, "-cp", class_path]
        self._ports = {number: (free_port(), free_port(), free_port()) for number in NUMBERS}
        self._processes: dict[int, subprocess.Popen[bytes]] = {}
        super().__init__(",".join(f"127.0.0.1:{plain}" for plain, _, _ in self._ports.values()), replicas=len(NUMBERS))
        self.sasl_servers = ",".join(f"127.0.0.1:{sasl}" for _, sasl, _ in self._ports.values())

    def format(self) -> None:
        """Write the nodes' properties, and prepare their empty directories."""
        voters = ",".join(f"{number}@127.0.0.1:{ports[2]}" for number, ports in self._ports.items())
        formatting = []
        for number, (port, sasl_port, controller_port) in self._ports.items():
            text = _PROPERTIES.format(
                number=number, voters=voters, port=port, sasl_port=sasl_port, controller_port=controller_port,
                data=self._data(number), user=USER, password=PASSWORD,
            )  # fmt: skip
            self._file(number).write_text(text)
            arguments = ["kafka.tools.StorageTool", "format", "-t", _CLUSTER_ID, "-c", str(self._file(number))]
            formatting.append(self._spawn(number, *arguments))
        try:
            assert [process.wait(TIMEOUT) for process in formatting] == [0] * len(NUMBERS), self.logs()
        finally:
            for process in formatting:
                process.kill()  # which is for those that have not ended

    def start(self, *numbers: int) -> None:
        """Start these nodes, or all; returns once each of them answers, and leads what it may."""
        for number in numbers or NUMBERS:
            assert number not in self._processes
            self._processes[number] = self._spawn(number, "kafka.Kafka", str(self._file(number)))
        self.wait_until_up()

    def restore(self) -> None:
        """Start those that do not run."""
        if missing := [number for number in NUMBERS if number not in self._processes]:
            self.start(*missing)

    def wait_until_up(self) -> None:
        """Wait until all running nodes know each other, and each partition has all of them in sync."""
        deadline = time.monotonic() + TIMEOUT
        running = set(self._processes)
        while True:
            with suppress(KafkaException):
                found = self.admin.list_topics(timeout=2)
                partitions = [each for topic in found.topics.values() for each in topic.partitions.values()]
                if running == set(found.brokers) and all(
                    each.leader in running and running & set(each.replicas) <= set(each.isrs) for each in partitions
                ):
                    return
            assert time.monotonic() < deadline, self.logs()
            time.sleep(0.05)

    def kill(self, *numbers: int) -> None:
        """End these nodes at once, as kill -9 does."""
        for number in numbers:
            self._processes[number].kill()
        self._forget(numbers)

    def kill_all(self) -> None:
        """End the nodes that run."""
        self.kill(*self._processes)

    def terminate(self, *numbers: int) -> None:
        """Ask these nodes to end in order."""
        for number in numbers:
            self._processes[number].terminate()
        self._forget(numbers)

    @contextmanager
    def frozen(self, *numbers: int) -> Iterator[None]:
        """Stop these nodes for the block: they keep their connections, and do nothing."""
        with ExitStack() as stack:
            for number in numbers:
                stack.enter_context(process_tree.stopped(self._processes[number].pid))
            yield

    def controller(self) -> int:
        """The number of the active controller; asked for it, the brokers would name any node."""
        # Each node writes down whom it follows: org.apache.kafka.raft.FileQuorumStateStore.
        paths = [self._data(number) / "__cluster_metadata-0" / "quorum-state" for number in self._processes]
        states = [json.loads(path.read_text()) for path in paths]
        leader: int = max(states, key=lambda state: state["leaderEpoch"])["leaderId"]
        return leader

    def logs(self) -> str:
        """The end of what each node has written."""
        return "\n".join(self._log(number).read_text(errors="replace")[-2000:] for number in NUMBERS)

    def _forget(self, numbers: Sequence[int]) -> None:
        for number in numbers:
            process = self._processes.pop(number)
            try:
                process.wait(TIMEOUT)
            finally:
                process.kill()  # which is for one that has not ended

    def _data(self, number: int) -> Path:
        return self._directory / f"data-{number}"

    def _file(self, number: int) -> Path:
        return self._directory / f"node-{number}.properties"

    def _log(self, number: int) -> Path:
        return self._directory / f"node-{number}.log"

    def _spawn(self, number: int, *arguments: str) -> subprocess.Popen[bytes]:
        with self._log(number).open("ab") as log:
            return subprocess.Popen(
                [*self._java, *arguments],
                cwd=self._directory,
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=subprocess.STDOUT,
                start_new_session=True,  # Ctrl-C is for the tests; they end the nodes
            )


@contextmanager
def kafka_cluster() -> Iterator[KafkaCluster]:
    """Run a cluster. One runs at a time on this machine: whoever comes meanwhile waits for its turn."""
    with ExitStack() as stack:
        turn = stack.enter_context((Path(tempfile.gettempdir()) / f"pixelmw-kafka-{os.getuid()}.lock").open("w"))
        _take(turn.fileno())
        directory = Path(stack.enter_context(tempfile.TemporaryDirectory(ignore_cleanup_errors=True)))
        cluster = KafkaCluster(directory, _class_path(directory))
        stack.callback(cluster.kill_all)
        cluster.format()
        cluster.start()
        yield cluster


def _take(descriptor: int) -> None:
    deadline = time.monotonic() + _TURN
    while True:
        with suppress(BlockingIOError):
            return fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        assert time.monotonic() < deadline, "other tests on this machine keep the cluster to themselves"
        time.sleep(0.5)


def _class_path(directory: Path) -> str:
    """Kafka's jars in Maven's own repository, where Maven puts those that are not there yet."""
    (directory / "pom.xml").write_text(_POM)
    command = [need("mvn"), "-q", "-B", "dependency:build-classpath", "-Dmdep.outputFile=class-path"]
    built = subprocess.run(command, cwd=directory, capture_output=True, text=True, timeout=300)
    assert built.returncode == 0, built.stdout + built.stderr
    return (directory / "class-path").read_text()
