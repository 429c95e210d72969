// SPDX-License-Identifier: Apache-2.0
package kagibin.kda;

import javacard.framework.JCSystem;
import javacard.framework.Util;

/**
 * The working memory, CLEAR_ON_RESET: what a session or an answer on its way keeps outlives a deselection, and nothing
 * outlives a reset.
 *
 * <p>{@code exchange} holds the message that comes in by blocks, and then the answer that goes out. {@code work} holds
 * what one step computes; its areas say which of them a step may use at a time.
 */
final class Ram {
  static final short EXCHANGE = 1024;

  // Areas of work.
  static final short HASH = 0; // 32: a hash, or Z
  static final short CONTEXT = 32; // 32: ctx of a key derivation
  static final short KEYS = 64; // 64: Kenc | Kmac | IV and 16 more
  static final short KENC = KEYS;
  static final short KMAC = 80;
  static final short IV = 96;
  static final short KEY = 112; // 32: a key of the target's channel, on its way
  static final short SIGNATURE = 144; // 72: DER
  static final short BLOCK = 216; // 16
  static final short OWN_POINT = 160; // 65: of an agreement that is under way, beside 96 octets in KEYS
  static final short HELD = 232; // 24: what a command keeps of its message
  static final short FIELD = KEYS; // 98: of CurveEquation, over keys that are not there yet
  static final short WORK = 256;

  final byte[] exchange = JCSystem.makeTransientByteArray(EXCHANGE, JCSystem.CLEAR_ON_RESET);
  final byte[] work = JCSystem.makeTransientByteArray(WORK, JCSystem.CLEAR_ON_RESET);

  /** After each command: no key and no secret value is left in work. */
  void wipeWork() {
    Util.arrayFillNonAtomic(work, (short) 0, WORK, (byte) 0);
  }
}
