#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""A distributor as its operator sees it, as a process with real TLS: its log, its metrics, its readiness, how it drains
and ends, its store's backups, and a full disk.

  operations_test.py [FOLDER OF PROGRAMS] [-v]

Standard library only.
"""
import contextlib
import pathlib
import shutil
import sys

sys.path[1:1] = [str(pathlib.Path(__file__).resolve().parents[1]), str(pathlib.Path(__file__).resolve().parents[1] / "processes")]

from backups import (a_backup_is_one_moment_of_a_store_that_is_served, a_backup_that_is_cut_leaves_the_whole_or_nothing,
                     a_backup_to_a_full_disk_changes_nothing, a_changed_or_damaged_backup_is_found,
                     a_restored_backup_is_an_earlier_log_and_says_so, what_was_moved_is_no_store_to_back_up)
from drains import (a_drained_distributor_answers_everybody_and_ends, a_second_signal_ends_it_at_once,
                    the_service_manager_hears_of_it)
from full_stores import reads_go_on_while_a_full_disk_refuses_writes
from logs import a_log_that_nobody_reads_ends_nothing, what_happens_is_logged_once_and_no_secret_is
from metrics import an_operator_reads_metrics_and_nobody_else_does
from process_site import Site, build_base, run_cases


class OperationsBench:
    def __init__(self, folder):
        self.folder, self.number = pathlib.Path(folder), 0

    def __enter__(self):
        build_base(self.folder / "base")
        return self

    def __exit__(self, *_):
        pass

    @contextlib.contextmanager
    def site(self, **more):
        self.number += 1
        folder = self.folder / str(self.number)
        shutil.copytree(self.folder / "base", folder)
        with Site(folder, **more) as site:
            yield site


CASES = (a_drained_distributor_answers_everybody_and_ends, a_second_signal_ends_it_at_once, the_service_manager_hears_of_it,
         what_happens_is_logged_once_and_no_secret_is, a_log_that_nobody_reads_ends_nothing,
         an_operator_reads_metrics_and_nobody_else_does, a_backup_is_one_moment_of_a_store_that_is_served,
         a_restored_backup_is_an_earlier_log_and_says_so, a_changed_or_damaged_backup_is_found,
         a_backup_that_is_cut_leaves_the_whole_or_nothing, a_backup_to_a_full_disk_changes_nothing,
         what_was_moved_is_no_store_to_back_up, reads_go_on_while_a_full_disk_refuses_writes)

if __name__ == "__main__":
    run_cases(__doc__, OperationsBench, CASES)
