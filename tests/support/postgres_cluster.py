#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""A PostgreSQL server of a test's own: no port, no system service, a socket and data in a temporary folder.

  tests/support/postgres_cluster.py [NAME=VALUE ...]     with settings of postgresql.conf

Says "ready ADDRESS" when it takes connections, then does what standard input says, line by line, and answers "ok" to each:
  kill     SIGKILL to the server and to every process of it, as a machine that lost its power would end it
  stop     an orderly stop
  start    start again, on the same data
When standard input ends, the server is stopped and the folder is removed. As root, the server runs as the user postgres, or
nobody. Also imported: with Cluster() as cluster: ... cluster.address
"""
import contextlib
import os
import pathlib
import pwd
import shutil
import signal
import subprocess
import sys
import tempfile
import time

BOUND = 60
QUIET = {"listen_addresses": "''", "max_connections": "40", "shared_buffers": "'64MB'", "log_min_messages": "fatal",
         "log_min_error_statement": "panic", "autovacuum_naptime": "'1s'", "dynamic_shared_memory_type": "mmap"}


def server_program():
    found = sorted(pathlib.Path("/usr/lib/postgresql").glob("*/bin/postgres"), key=lambda path: float(path.parts[-3]))
    path = str(found[-1]) if found else shutil.which("postgres")
    if not path:
        raise SystemExit("postgres_cluster: there is no PostgreSQL server here: run scripts/setup")
    return pathlib.Path(path)


def server_user():
    """Who the server runs as: it refuses root."""
    if os.geteuid() != 0:
        return None
    for name in ("postgres", "nobody"):
        with contextlib.suppress(KeyError):
            return pwd.getpwnam(name)
    raise SystemExit("postgres_cluster: no user to run the server as")


class Cluster:
    def __init__(self, settings=()):
        base = os.environ.get("TMPDIR", "/tmp")
        self.folder = pathlib.Path(tempfile.mkdtemp(prefix="kagibin-pg-", dir=base if len(base) < 60 else "/tmp"))
        self.program, self.user, self.process = server_program(), server_user(), None
        self.data, self.socket = self.folder / "data", self.folder / "socket"
        self.socket.mkdir(mode=0o700)
        if self.user:
            for path in (self.folder, self.socket):
                os.chown(path, self.user.pw_uid, self.user.pw_gid)
        self.address = f"postgresql:///postgres?host={self.socket}&user=kagibin"
        self.settings = QUIET | dict(one.split("=", 1) for one in settings)
        try:
            self.call("initdb", "-D", self.data, "-U", "kagibin", "--auth=trust", "--encoding=UTF8", "--locale=C", "--no-sync")
            with (self.data / "postgresql.auto.conf").open("a") as out:
                out.writelines(f"{name} = {value}\n" for name, value in self.settings.items())
            self.start()
        except BaseException:
            self.close()
            raise

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.close()

    def spawn(self, *line, **more):
        if self.user:
            more |= {"user": self.user.pw_uid, "group": self.user.pw_gid, "extra_groups": []}
        clean = {key: value for key, value in os.environ.items() if not key.startswith(("PG", "LC_"))} | {"LC_ALL": "C"}
        return subprocess.Popen(list(map(str, line)), stdin=subprocess.DEVNULL, env=clean, cwd="/", **more)

    def call(self, tool, *arguments):
        process = self.spawn(self.program.parent / tool, *arguments, stdout=subprocess.PIPE, stderr=subprocess.STDOUT)
        said = process.communicate(timeout=BOUND)[0].decode()
        if process.returncode:
            raise SystemExit(f"postgres_cluster: {tool}: {said}")

    def start(self):
        with (self.folder / "log").open("ab") as log:
            self.process = self.spawn(self.program, "-D", self.data, "-k", self.socket, stdout=log, stderr=log,
                                      start_new_session=True)
        end = time.monotonic() + BOUND
        while subprocess.run([self.program.parent / "pg_isready", "-q", "-h", self.socket], check=False).returncode:
            if time.monotonic() > end or self.process.poll() is not None:
                raise SystemExit(f"postgres_cluster: the server does not start:\n{(self.folder / 'log').read_text()}")
            time.sleep(0.02)

    def family(self):
        """The server and its children, by their parents: nothing of anybody else's."""
        found = [self.process.pid]
        for entry in pathlib.Path("/proc").glob("[0-9]*/stat"):
            with contextlib.suppress(OSError):
                fields = entry.read_text().rpartition(")")[2].split()
                if int(fields[1]) == self.process.pid:
                    found.append(int(entry.parent.name))
        return found

    def hang(self, hangs):
        """The whole of it stands still, as behind a network that is gone, or goes on."""
        for pid in self.family():
            with contextlib.suppress(ProcessLookupError):
                os.kill(pid, signal.SIGSTOP if hangs else signal.SIGCONT)

    def kill(self):
        self.process.send_signal(signal.SIGSTOP)  # or it would see its children die, and make new ones
        children = self.family()[1:]
        for pid in [self.process.pid, *children]:
            with contextlib.suppress(ProcessLookupError):
                os.kill(pid, signal.SIGKILL)
        self.process.wait(BOUND)
        end = time.monotonic() + BOUND
        while any(pathlib.Path(f"/proc/{pid}").exists() and not self.is_zombie(pid) for pid in children):
            if time.monotonic() > end:
                raise SystemExit("postgres_cluster: the server's processes do not end")
            time.sleep(0.01)

    @staticmethod
    def is_zombie(pid):
        with contextlib.suppress(OSError):
            return pathlib.Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] == "Z"
        return True

    def stop(self, how=signal.SIGINT):
        if self.process and self.process.poll() is None:
            self.process.send_signal(how)
            self.process.wait(BOUND)

    def close(self):
        self.stop(signal.SIGQUIT)
        shutil.rmtree(self.folder, ignore_errors=True)


def main():
    for number in (signal.SIGTERM, signal.SIGINT, signal.SIGHUP):
        signal.signal(number, lambda *_: sys.exit(1))
    with Cluster(sys.argv[1:]) as cluster:
        print(f"ready {cluster.address}", flush=True)
        for line in sys.stdin:
            {"kill": cluster.kill, "stop": cluster.stop, "start": cluster.start}[line.strip()]()
            print("ok", flush=True)


if __name__ == "__main__":
    main()
