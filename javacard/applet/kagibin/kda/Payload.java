// SPDX-License-Identifier: Apache-2.0
package kagibin.kda;

import javacard.framework.JCSystem;
import javacard.framework.Util;
import javacard.security.AESKey;
import javacard.security.KeyBuilder;
import javacardx.crypto.Cipher;

/**
 * P, the plaintext of an envelope, never in memory as a whole: it rests as ciphertext where the envelope is, and an octet
 * is decrypted with its block when it is read. Keys, and the one block that is in the clear, are in memory that a reset
 * clears; {@code close} wipes them.
 */
final class Payload {
  private static final byte CIPHERTEXT = 0;
  private static final byte LENGTH = 1;
  private static final byte CACHED = 2; // number of the block in the clear, from 1; 0: none
  private static final short BLOCK = Aes.BLOCK;

  private final AESKey key = Aes.key(KeyBuilder.LENGTH_AES_128);
  private final Cipher cipher = Cipher.getInstance(Cipher.ALG_AES_BLOCK_128_ECB_NOPAD, false);
  private final short[] numbers = JCSystem.makeTransientShortArray((short) 3, JCSystem.CLEAR_ON_RESET);
  private final byte[] initial = JCSystem.makeTransientByteArray(BLOCK, JCSystem.CLEAR_ON_RESET);
  private final byte[] clear = JCSystem.makeTransientByteArray(BLOCK, JCSystem.CLEAR_ON_RESET);
  private final Object[] envelope = JCSystem.makeTransientObjectArray((short) 1, JCSystem.CLEAR_ON_RESET);

  /** The MAC was good. Takes Kenc and IV from the work memory; false when the padding is wrong. */
  boolean open(byte[] work, byte[] ciphertext, short at, short octets) {
    close();
    key.setKey(work, Ram.KENC);
    cipher.init(key, Cipher.MODE_DECRYPT);
    Util.arrayCopyNonAtomic(work, Ram.IV, initial, (short) 0, BLOCK);
    envelope[0] = ciphertext;
    numbers[CIPHERTEXT] = at;
    return unpad(octets);
  }

  /** From the end zeros, then 80, within the last block; every octet of it is looked at. */
  private boolean unpad(short octets) {
    boolean isSearching = true;
    short end = 0;
    for (short i = 1; i <= BLOCK; ++i) {
      byte octet = at((short) (octets - i));
      if (isSearching && octet == (byte) 0x80) {
        end = (short) (octets - i);
        numbers[LENGTH] = end;
        isSearching = false;
        continue;
      }
      isSearching = isSearching && octet == 0;
    }
    return end > 0;
  }

  boolean isOpen() {
    return numbers[LENGTH] > 0;
  }

  void close() {
    if (key.isInitialized()) {
      key.clearKey();
    }
    numbers[LENGTH] = 0;
    numbers[CACHED] = 0;
    envelope[0] = null;
    Util.arrayFillNonAtomic(initial, (short) 0, BLOCK, (byte) 0);
    Util.arrayFillNonAtomic(clear, (short) 0, BLOCK, (byte) 0);
  }

  short length() {
    return numbers[LENGTH];
  }

  byte at(short offset) {
    short number = (short) ((short) (offset >> 4) + 1);
    if (number != numbers[CACHED]) {
      byte[] octets = (byte[]) envelope[0];
      short here = (short) (numbers[CIPHERTEXT] + (short) (offset & (short) 0xFFF0));
      cipher.doFinal(octets, here, BLOCK, clear, (short) 0);
      if (number == 1) {
        Aes.xor(clear, (short) 0, initial, (short) 0);
      } else {
        Aes.xor(clear, (short) 0, octets, (short) (here - BLOCK));
      }
      numbers[CACHED] = number;
    }
    return clear[(short) (offset & 0x0F)];
  }

  /** The number that an octet is, 0 to 255. */
  short number(short offset) {
    return (short) (at(offset) & 0xFF);
  }

  /** Answers where the next octet goes. */
  short copy(short offset, byte[] to, short toAt, short octets) {
    while (octets > 0) {
      to[toAt++] = at(offset++);
      --octets;
    }
    return toAt;
  }
}
