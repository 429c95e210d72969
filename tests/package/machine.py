# SPDX-License-Identifier: Apache-2.0
"""A machine of its own to install packages on: this one's files under a writable layer in memory, in namespaces of its own, with
systemd as its first process. What is done in it is gone with it, and nothing of it is seen outside. Needs root.

  with Machine(folder) as machine:
      machine.run("dpkg", "-i", package)
      machine.run("systemctl", "is-active", "kagibin-distributor", expect=0)
"""
import os
import pathlib
import shutil
import signal
import subprocess
import time

# The layer, then what a kernel gives every machine. /dev has no devices but the harmless ones.
BOOT = r"""
set -e
mount -t tmpfs none "$1"
mkdir "$1/upper" "$1/work" "$1/root"
mount -t overlay overlay -o "lowerdir=/,upperdir=$1/upper,workdir=$1/work" "$1/root"
cd "$1/root"
rm -f usr/sbin/policy-rc.d  # images of containers keep packages from starting services
mount -t proc proc proc
mount -t sysfs sysfs sys
mount -t cgroup2 cgroup2 sys/fs/cgroup
mount -t tmpfs -o mode=755 tmpfs run
mount -t tmpfs tmpfs tmp
mkdir tmp/shared && mount --bind "$2" tmp/shared
mount -t tmpfs -o mode=755 tmpfs dev
for device in null zero full random urandom tty; do : >"dev/$device"; mount --bind "/dev/$device" "dev/$device"; done
mkdir dev/shm dev/pts dev/mqueue
mount -t tmpfs tmpfs dev/shm
mount -t devpts -o newinstance,ptmxmode=0666 devpts dev/pts
ln -s pts/ptmx dev/ptmx
mount -t mqueue mqueue dev/mqueue
: >dev/console; : >dev/kmsg
export container=other
[ "$3" = probe ] && exit
# Not chroot: in one, nobody may make user namespaces.
mkdir old
pivot_root . old
umount --lazy old
exec /lib/systemd/systemd --system --unit=basic.target --log-target=journal
"""


class Refused(Exception):
    """This machine lets nobody make namespaces and layers."""


def unshare(*arguments):
    return ["unshare", "--mount", "--pid", "--fork", "--kill-child", "--cgroup", "--ipc", "--uts", "--net", "--propagation", "private",
            "bash", "-c", BOOT, "bash", *map(str, arguments)]


class Machine:
    def __init__(self, folder):
        """`folder` is seen as /tmp/shared."""
        self.shared = pathlib.Path(folder)
        self.mount = self.shared / "machine"
        self.process = None

    def __enter__(self):
        if os.geteuid() != 0:
            raise Refused("needs root, to install a package")
        if not shutil.which("/lib/systemd/systemd"):
            raise Refused("needs systemd")
        self.mount.mkdir()
        probe = subprocess.run(unshare(self.mount, self.shared, "probe"), capture_output=True, text=True, timeout=60)
        if probe.returncode != 0:
            raise Refused(f"needs namespaces, an overlay and a cgroup of its own: {probe.stderr.strip()}")
        with open(self.shared / "boot.log", "wb") as log:
            self.process = subprocess.Popen(unshare(self.mount, self.shared, "boot"), stdin=subprocess.DEVNULL, stdout=log, stderr=log,
                                            start_new_session=True)
        try:
            self.first = self._first_process()
            self.wait_for("running", "systemctl", "is-system-running")
        except BaseException:
            self.__exit__()
            raise
        return self

    def _first_process(self):
        """The pid, outside, of the machine's pid 1: the only child of unshare."""
        children = pathlib.Path(f"/proc/{self.process.pid}/task/{self.process.pid}/children")
        until = time.monotonic() + 30
        while time.monotonic() < until:
            found = children.read_text().split() if children.exists() else []
            if found and os.readlink(f"/proc/{found[0]}/exe").endswith("/systemd"):
                return found[0]
            time.sleep(0.1)
        raise AssertionError(f"no systemd: {(self.shared / 'boot.log').read_text()}")

    def run(self, *command, expect=None, **more):
        inside = ["nsenter", "--target", self.first, "--mount", "--pid", "--cgroup", "--ipc", "--uts", "--net", "--root", "--wd",
                  *map(str, command)]
        done = subprocess.run(inside, capture_output=True, text=True, timeout=120, **more)
        if expect is not None and done.returncode != expect:
            raise AssertionError(f"{' '.join(map(str, command))}: {done.returncode}, not {expect}: {done.stdout}{done.stderr}")
        return done

    def wait_for(self, text, *command, seconds=60):
        """Until the command's whole output is the text."""
        until = time.monotonic() + seconds
        while (done := self.run(*command)).stdout.strip() != text:
            if time.monotonic() > until:
                raise AssertionError(f"{' '.join(command)}: not '{text}' but: {done.stdout}{done.stderr}")
            time.sleep(0.2)

    def __exit__(self, *_):
        if self.process is not None:
            os.killpg(self.process.pid, signal.SIGKILL)  # --kill-child: the machine ends with it, and its mounts
            self.process.wait()
