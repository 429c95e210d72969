// SPDX-License-Identifier: Apache-2.0
package kagibin.kda;

import javacard.framework.JCSystem;
import javacard.framework.Util;

/**
 * AES-CMAC (SP 800-38B) over pieces. Cards offer it from Java Card 3.1 on, if at all; here it is made from AES blocks.
 * Between {@code begin} and {@code finish} the block cipher serves nobody else.
 */
final class Cmac {
  static final short SIZE = Aes.BLOCK;
  private static final short STATE = 0;
  private static final short WAITING = 16;
  private static final short USED = 32;

  private final Aes aes;
  private final byte[] memory = JCSystem.makeTransientByteArray((short) 33, JCSystem.CLEAR_ON_RESET);

  Cmac(Aes cipher) {
    aes = cipher;
  }

  void begin(byte[] key, short at, short octets) {
    aes.encryptUnder(key, at, octets);
    Util.arrayFillNonAtomic(memory, (short) 0, (short) 33, (byte) 0);
  }

  void add(byte[] from, short at, short octets) {
    while (octets > 0) {
      makeRoom();
      short room = (short) (SIZE - memory[USED]);
      short count = octets < room ? octets : room;
      Util.arrayCopyNonAtomic(from, at, memory, (short) (WAITING + memory[USED]), count);
      memory[USED] += (byte) count;
      at = (short) (at + count);
      octets = (short) (octets - count);
    }
  }

  void add(byte octet) {
    makeRoom();
    memory[(short) (WAITING + memory[USED]++)] = octet;
  }

  /** A full block waits until it is known not to be the last. */
  private void makeRoom() {
    if (memory[USED] == SIZE) {
      Aes.xor(memory, STATE, memory, WAITING);
      aes.block(memory, STATE, memory, STATE);
      memory[USED] = 0;
    }
  }

  /** Sixteen octets. {@code to} may be any memory but the cipher's. */
  void finish(byte[] to, short at) {
    boolean isWhole = memory[USED] == SIZE;
    if (!isWhole) {
      memory[(short) (WAITING + memory[USED])] = (byte) 0x80;
      Util.arrayFillNonAtomic(memory, (short) (WAITING + memory[USED] + 1), (short) (SIZE - 1 - memory[USED]), (byte) 0);
    }
    Aes.xor(memory, STATE, memory, WAITING);
    Util.arrayFillNonAtomic(memory, WAITING, SIZE, (byte) 0);
    aes.block(memory, WAITING, memory, WAITING);
    twice();
    if (!isWhole) {
      twice();
    }
    Aes.xor(memory, STATE, memory, WAITING);
    aes.block(memory, STATE, to, at);
    Util.arrayFillNonAtomic(memory, (short) 0, (short) 33, (byte) 0);
  }

  /** The waiting block, doubled in the field of SP 800-38B, 6.1. */
  private void twice() {
    byte carry = 0;
    for (short i = (short) (WAITING + SIZE - 1); i >= WAITING; --i) {
      byte next = (byte) ((byte) (memory[i] >> 7) & 0x01);
      memory[i] = (byte) ((byte) (memory[i] << 1) | carry);
      carry = next;
    }
    memory[(short) (WAITING + SIZE - 1)] ^= (byte) (carry * (byte) 0x87);
  }
}
