// SPDX-License-Identifier: Apache-2.0
package kagibin.kda;

import javacard.framework.Util;

/** One (SPID, target), for good: what outlives its enrolments, and the one enrolment that it serves. */
final class Slot {
  static final short SPID = 0; // 16
  static final short TARGET_SIZE = 16;
  static final short TARGET = 17; // 16
  static final short COMMITTED_SEQ = 33; // 4
  static final short LEVEL_FLOOR = 37;
  static final short HIGHEST_VERSION = 38; // highest KVN seen under R-MAC
  static final short LAST_ISSUED = 39; // 4, of the SPID: alike in all its slots
  static final short NONCE_COUNT = 43;
  static final short NEXT_NONCE = 44;
  static final short ENROLMENTS = 45; // 4, of the SPID: in its first slot (Store.counting)
  static final short RECEIPTS = 49; // 4, as well
  static final short RECORD = 53;
  static final byte MOST_NONCES = 16;

  final byte[] record = new byte[RECORD];
  final byte[] nonces = new byte[(short) (MOST_NONCES * 16)];
  final byte[] journal = new byte[Journal.SIZE];
  Attempt attempt; // null: the slot is free

  byte state() {
    return journal[Journal.STATE];
  }

  boolean isOf(byte[] spid, short spidAt, byte[] target, short targetAt, short size) {
    return isOfProvider(spid, spidAt) && record[TARGET_SIZE] == size
        && Numbers.equal(record, TARGET, target, targetAt, size);
  }

  boolean isOfProvider(byte[] spid, short at) {
    return attempt != null && Numbers.equal(record, SPID, spid, at, (short) 16);
  }

  /** Whether nA is among the last sixteen. */
  boolean knows(byte[] nonce, short at) {
    for (short i = 0; i < record[NONCE_COUNT]; ++i) {
      if (Numbers.equal(nonces, (short) (i * 16), nonce, at, (short) 16)) {
        return true;
      }
    }
    return false;
  }

  boolean knewLast(byte[] nonce, short at) {
    short last = (short) ((short) (record[NEXT_NONCE] + MOST_NONCES - 1) % MOST_NONCES);
    return record[NONCE_COUNT] > 0 && Numbers.equal(nonces, (short) (last * 16), nonce, at, (short) 16);
  }

  /** In a transaction. */
  void remember(byte[] nonce, short at) {
    Util.arrayCopy(nonce, at, nonces, (short) (record[NEXT_NONCE] * 16), (short) 16);
    record[NEXT_NONCE] = (byte) ((short) (record[NEXT_NONCE] + 1) % MOST_NONCES);
    if (record[NONCE_COUNT] < MOST_NONCES) {
      ++record[NONCE_COUNT];
    }
  }
}
