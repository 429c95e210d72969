# SPDX-License-Identifier: Apache-2.0
"""Cases of operations_test.py: backups of a store that is served, and what a restored one is."""
import contextlib
import shutil
import signal
import sqlite3
import subprocess
import threading
import time

from process_site import BOUND, FAILED, KILLED, OK, REFUSED, TRY_AGAIN, USAGE, check, command, environment, run
from raw_request import request


def put(site, name, expected=(201,)):
    status, text = request(site, "provider", "PUT", f"/v1/orders/{name}", {"device": "phone-1", "notAfter": 4_000_000_000})
    check(status in expected, f"{name}: {status} {text}")
    return status


def orders_of(file):
    with contextlib.closing(sqlite3.connect(f"file:{file}?mode=ro", uri=True)) as opened:
        return {row[0] for row in opened.execute("SELECT id FROM orders")}


def placed(site, home="distributor"):
    """Until every entry of the log has its place."""
    end = time.monotonic() + BOUND
    while not any(line.get("withoutPlace") == 0 for line in run("audit", "verify", site.log(), "--key", site.home(home) / "log.vkey").results):
        check(time.monotonic() < end, "entries wait for their place for ever")
        time.sleep(0.2)


def digests(done):
    return {line["table"]: (line["rows"], line["sha256"]) for line in done.results if "table" in line}


def a_backup_is_one_moment_of_a_store_that_is_served(bench):
    """Orders come in while backups are made: each backup is whole, and has all that was acknowledged before it began."""
    with bench.site(start=False) as site:
        site.start_distributor()
        acknowledged, ending = [], threading.Event()

        def load():
            while not ending.is_set():
                name = f"load-{len(acknowledged)}"
                put(site, name)
                acknowledged.append(name)

        thread = threading.Thread(target=load, daemon=True)
        thread.start()
        backups = []
        for number in range(4):
            before = set(acknowledged)
            file = site.folder / f"backup-{number}"
            done = run("store", "backup", site.home("distributor") / "orders.sqlite3", file).expect(OK)
            inside = orders_of(file)
            check(before <= inside <= set(acknowledged) | {f"load-{len(acknowledged)}"}, f"the backup has {len(inside)} orders")
            check(file.stat().st_mode & 0o777 == 0o600, f"mode {file.stat().st_mode:o}")
            check(digests(done) == digests(run("store", "verify", file).expect(OK)), "another store was verified")
            backups.append((len(inside), file))
        ending.set()
        thread.join(BOUND)
        check(backups[-1][0] > backups[0][0], "nothing came in meanwhile")
        check(sorted(path.name for path in site.folder.glob("backup-*")) == [f"backup-{n}" for n in range(4)], "something is left beside")
        # What is there is not written over.
        whole = backups[0][1].read_bytes()
        run("store", "backup", site.home("distributor") / "orders.sqlite3", backups[0][1]).expect(FAILED).says("already")
        check(backups[0][1].read_bytes() == whole, "a backup was written over")
        run("store", "backup", site.folder / "nothing", site.folder / "b").expect(USAGE).says("no such file")
        run("store", "backup", site.folder / "payload.json", site.folder / "b").expect(FAILED)
        run("store", "backup", backups[0][1], site.folder / "no" / "folder").expect(TRY_AGAIN).says("folder")
        check(not (site.folder / "b").exists(), "there is a backup of nothing")


def a_restored_backup_is_an_earlier_log_and_says_so(bench):
    """promises, I6; doc/audit.md, a restored backup."""
    with bench.site(start=False) as site:
        home, key = site.home("distributor"), site.home("distributor") / "log.vkey"
        site.start_distributor()
        put(site, "before")
        placed(site)
        run("audit", "export", site.log(), site.folder / "copy-before").expect(OK)
        backup = site.folder / "backup"
        run("store", "backup", home / "orders.sqlite3", backup).expect(OK)
        put(site, "behind")
        placed(site)
        run("audit", "export", site.log(), site.folder / "copy-behind").expect(OK)
        site.distributor.stop()

        # Not over what is there, nor beside its log.
        run("store", "restore", backup, "--to", home / "orders.sqlite3").expect(FAILED).says("already")
        lost = site.folder / "lost"
        lost.mkdir()
        for path in home.glob("orders.sqlite3*"):
            path.rename(lost / path.name)
        (home / "orders.sqlite3-wal").write_bytes(b"of another file")
        run("store", "restore", backup, "--to", home / "orders.sqlite3").expect(FAILED).says("-wal")
        (home / "orders.sqlite3-wal").unlink()
        restored = run("store", "restore", backup, "--to", home / "orders.sqlite3").expect(OK)
        check(digests(restored) == digests(run("store", "verify", backup).expect(OK)), "it is another store")

        # What was signed before the backup is continued; what was signed behind it is not there.
        verify = ("audit", "verify", site.log(), "--key", key, "--from")
        run(*verify, site.folder / "copy-before" / "checkpoint").expect(OK)
        run(*verify, site.folder / "copy-behind" / "checkpoint").expect(REFUSED).says("behind the earlier checkpoint")

        # It serves, signs nothing beside what it signed, and says so.
        site.start_distributor()
        check(request(site, "provider", "GET", "/v1/orders/before")[0] == 200, "what was backed up is gone")
        check(request(site, "provider", "GET", "/v1/orders/behind")[0] == 404, "what came behind the backup is there")
        check(request(site, "provider", "GET", "/readyz", certificate=False)[0] == 200, "it is not ready")
        signed = (home / "log.checkpoint").read_bytes()
        put(site, "behind")  # whoever ordered it orders it again
        time.sleep(2.5)
        check((home / "log.checkpoint").read_bytes() == signed, "it signed beside what it had signed")
        site.distributor.process.send_signal(signal.SIGTERM)
        done = site.distributor.done().expect(OK)
        check(done.err.count("audit_log_stands") == 1 and str(home / "log.checkpoint") in done.err, done.err)
        run(*verify, site.folder / "copy-before" / "checkpoint").expect(OK)

        # The older state is meant: the log goes on from there, and does not pretend to continue the other.
        (home / "log.checkpoint").rename(site.folder / "log.checkpoint")
        site.start_distributor()
        put(site, "after")
        placed(site)
        for name in ("before", "behind", "after"):
            check(request(site, "provider", "GET", f"/v1/orders/{name}")[0] == 200, f"{name} is not there")
        run(*verify, site.folder / "copy-before" / "checkpoint").expect(OK)
        run(*verify, site.folder / "copy-behind" / "checkpoint").expect(REFUSED).says("does not continue")
        run("audit", "export", site.log(), site.folder / "copy-before").expect(OK)
        run("audit", "export", site.log(), site.folder / "copy-behind").expect(FAILED, REFUSED)
        run("store", "verify", home / "orders.sqlite3").expect(OK)


def a_changed_or_damaged_backup_is_found(bench):
    with bench.site(start=False) as site:
        site.start_distributor()
        put(site, "order")
        placed(site)
        backup = site.folder / "backup"
        run("store", "backup", site.home("distributor") / "orders.sqlite3", backup).expect(OK)
        changed = site.folder / "changed"
        shutil.copy(backup, changed)
        with contextlib.closing(sqlite3.connect(changed)) as file, file:
            file.execute("UPDATE orders SET state = 'confirmed'")
        run("store", "verify", changed).expect(REFUSED).says("order", "find out who")
        damaged = site.folder / "damaged"
        octets = bytearray(backup.read_bytes())
        octets[len(octets) // 2:] = b"\x5a" * (len(octets) - len(octets) // 2)
        damaged.write_bytes(octets)
        run("store", "verify", damaged).expect(FAILED).says("damaged")
        run("store", "restore", damaged, "--to", site.folder / "from-damaged").expect(FAILED).says("damaged")
        damaged.write_bytes(octets[: len(octets) // 2])
        run("store", "restore", damaged, "--to", site.folder / "from-damaged").expect(FAILED)
        check(not (site.folder / "from-damaged").exists(), "a damaged store was restored")
        # An older version's is copied as it is.
        old = site.folder / "old"
        shutil.copy(backup, old)
        with contextlib.closing(sqlite3.connect(old)) as file:
            file.execute("PRAGMA user_version = 2")
        run("store", "verify", old).expect(OK).says('"version":2,"compared":false')
        run("store", "restore", old, "--to", site.folder / "from-old").expect(OK)
        run("store", "restore", old, "--to", "postgresql:///d?host=/nowhere").expect(REFUSED).says("older")
        with contextlib.closing(sqlite3.connect(old)) as file:
            file.execute("PRAGMA user_version = 2000")
        run("store", "restore", old, "--to", site.folder / "from-newer").expect(REFUSED).says("newer")
        run("store", "restore", backup, "--to", "mysql://h/d").expect(USAGE).says("postgresql://")


def a_backup_that_is_cut_leaves_the_whole_or_nothing(bench):
    with bench.site(start=False) as site:
        store, file = site.home("distributor") / "orders.sqlite3", site.folder / "backup"
        for point, there in (("before_name", False), ("after_name", True)):
            run("store", "backup", store, file, crash=f"store.whole_file.{point}").expect(KILLED)
            check(file.exists() == there, f"{point}: {file.exists()}")
        run("store", "verify", file).expect(OK)
        file.unlink()
        # At any moment: at each of its first system calls that write, one after another.
        whole, cut = 0, 0
        for delay in range(0, 400, 20):
            process = subprocess.Popen(command("store", ["backup", store, file]), stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
                                       env=environment())
            time.sleep(delay / 1000)
            process.kill()
            process.wait()
            if file.exists():
                run("store", "verify", file).expect(OK)
                file.unlink()
                whole += 1
            else:
                cut += 1
        check(cut > 0, "it was never cut")
        run("store", "backup", store, file).expect(OK)
        check(sorted(path.name for path in site.folder.glob("backup*")) == ["backup"], "parts are left")
        # Two at a time: one of them makes it.
        file.unlink()
        runs = [subprocess.Popen(command("store", ["backup", store, file]), stdout=subprocess.PIPE, stderr=subprocess.PIPE, env=environment())
                for _ in range(4)]
        codes = [process.wait(BOUND) for process in runs]
        for process in runs:
            process.stdout.close()
            process.stderr.close()
        check(codes.count(OK) == 1 and set(codes) <= {OK, FAILED}, f"exit codes {codes}")
        run("store", "verify", file).expect(OK)


def a_backup_to_a_full_disk_changes_nothing(bench):
    with bench.site(start=False) as site:
        store, file = site.home("distributor") / "orders.sqlite3", site.folder / "backup"
        size = store.stat().st_size
        for limit in (0, 4096, size // 2):
            run("store", "backup", store, file, file_limit=limit).expect(TRY_AGAIN).says("room|limit|full")
            check(not list(site.folder.glob("backup*")), "something is left")
        run("store", "backup", store, file).expect(OK)
        for limit in (4096, size // 2):
            run("store", "restore", file, "--to", site.folder / "restored", file_limit=limit).expect(TRY_AGAIN)
            check(not list(site.folder.glob("restored*")), "half a store was restored")


def what_was_moved_is_no_store_to_back_up(bench):
    with bench.site(start=False) as site:
        store = site.home("distributor") / "orders.sqlite3"
        with contextlib.closing(sqlite3.connect(store)) as file:
            file.execute(f"PRAGMA application_id = {0x4B424F4D}")
        run("store", "backup", store, site.folder / "backup").expect(FAILED).says("moved to a database server")
