#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""KEM keys of orders in a token of SoftHSM, between programs: the key of an attempt that was cut before it stood in the journal is found and
erased, a live one never; and KEM keys are records again when the provider says so, while those in the token still open.

  kem_keys_test.py [FOLDER OF PROGRAMS] [-v]

Skipped (exit code 77) where SoftHSM is not installed. Standard library only.
"""
import os
import pathlib
import sys
import time

import process_site
from process_site import FAILED, KILLED, OK, USAGE, Bench, check, run, run_cases

MODULE = "/usr/lib/softhsm/libsofthsm2.so"
MINUTES = 60


class Tokens(Bench):
    """One token for all copies; each case counts from what it finds there."""

    def __init__(self, folder):
        super().__init__(pathlib.Path(folder))
        (self.folder / "tokens").mkdir()
        (self.folder / "softhsm2.conf").write_text(f"directories.tokendir = {folder}/tokens\n")
        os.environ["SOFTHSM2_CONF"] = str(self.folder / "softhsm2.conf")
        for name, content in (("pin", "27182818"), ("so", "16180339")):
            (self.folder / name).touch(mode=0o600)
            (self.folder / name).write_text(content + "\n")
        self.uri = f"pkcs11:token=acme?module-path={MODULE}&pin-source=file:{folder}/pin"
        run("token", "init", self.uri, "--so-pin-file", self.folder / "so").expect(OK)
        process_site.build_base(self.folder / "base")

    def __enter__(self):
        return self

    def __exit__(self, *_):
        pass

    def keys(self):
        """Halves of key pairs in the token."""
        return len([path for path in (self.folder / "tokens").rglob("*.object") if path.name != "token.object"])


def swept(site, *arguments, after=0):
    clock = time.strftime("%Y-%m-%d %H:%M:%S", time.localtime(time.time() + after)) if after else None
    return site.provider("erase-kem-keys", *arguments, way=False, clock=clock).expect(OK).results[0]


def the_key_of_an_attempt_that_was_cut_is_erased_and_a_live_one_is_not(bench):
    with bench.site() as site:
        site.provider("kem-keys", "--token", bench.uri, way=False).expect(OK)
        before = bench.keys()
        # Cut before the key was made, and between the key and the journal.
        site.order(crash="provider.kem_key.before_made").expect(KILLED)
        check(bench.keys() == before, "a key was made before its note")
        site.order(crash="provider.attempt.before_open").expect(KILLED)
        check(bench.keys() == before + 2, f"{bench.keys()} halves of keys, and {before} before")
        found = swept(site)
        check(found["orphans"] == [] and found["erased"] == 0, f"a young one was not left: {found}")
        site.order().expect(OK)
        check(bench.keys() == before + 4, "the attempt has no key in the token")
        found = swept(site, "--dry-run", after=20 * MINUTES)
        check(len(found["orphans"]) == 2 and found["over"] == [] and found["erased"] == 0, f"{found}")
        check(bench.keys() == before + 4, "something was erased")
        found = swept(site, after=20 * MINUTES)
        check(len(found["orphans"]) == 2 and found["erased"] == 1, f"{found}")
        check(bench.keys() == before + 2, "another one than the lost key is gone")
        check(swept(site, after=20 * MINUTES)["orphans"] == [], "they are found for ever")
        site.finish()
        site.confirmed()


def kem_keys_are_records_again_and_those_in_the_token_still_open(bench):
    with bench.site() as site:
        site.provider("kem-keys", way=False).expect(USAGE)
        site.provider("kem-keys", "--records", "--token", bench.uri, way=False).expect(USAGE)
        site.provider("kem-keys", "--records", way=False).expect(OK)  # as it is
        site.provider("kem-keys", "--token", bench.uri, way=False).expect(OK)
        before = bench.keys()
        site.order().expect(OK)
        check(bench.keys() == before + 2, "the attempt has no key in the token")
        site.provider("kem-keys", "--records", way=False).expect(OK)
        site.order("in-a-record", device="phone-2").expect(OK)
        check(bench.keys() == before + 2, "a key was made in the token")
        site.agent().expect(OK)
        site.follow()
        site.agent().expect(OK)
        site.follow()
        check(site.show()[process_site.ORDER]["state"] == "confirmed", f"{site.show()}")
        check(swept(site)["erased"] == 0, "its validity is not over")
        found = swept(site, after=2 * 1440 * MINUTES)
        check(len(found["over"]) == 1 and found["erased"] == 1, f"{found}")
        check(bench.keys() == before, "keys of orders that are over stay in the token")


def without_its_token_an_order_waits(bench):
    with bench.site() as site:
        site.provider("kem-keys", "--token", bench.uri, way=False).expect(OK)
        os.environ["SOFTHSM2_CONF"] = os.devnull
        try:
            site.order().expect(FAILED, process_site.TRY_AGAIN)
        finally:
            os.environ["SOFTHSM2_CONF"] = str(bench.folder / "softhsm2.conf")
        site.order().expect(OK)


if __name__ == "__main__":
    if not pathlib.Path(MODULE).exists():
        sys.exit(77)
    run_cases(__doc__, Tokens, [the_key_of_an_attempt_that_was_cut_is_erased_and_a_live_one_is_not,
                                kem_keys_are_records_again_and_those_in_the_token_still_open, without_its_token_an_order_waits])
