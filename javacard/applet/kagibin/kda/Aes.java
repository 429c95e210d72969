// SPDX-License-Identifier: Apache-2.0
package kagibin.kda;

import javacard.framework.JCSystem;
import javacard.framework.Util;
import javacard.security.AESKey;
import javacard.security.KeyBuilder;
import javacardx.crypto.Cipher;

/**
 * AES block by block, with keys of 16, 24 and 32 octets in memory that a reset clears. CBC is made from blocks, so that
 * nothing but ECB is asked of a card, and so that a text can be encrypted piece by piece where it stands.
 *
 * <p>One key at a time: {@code encryptUnder} and {@code decryptUnder} forget the one before.
 */
final class Aes {
  static final short BLOCK = 16;

  private final Cipher cipher = Cipher.getInstance(Cipher.ALG_AES_BLOCK_128_ECB_NOPAD, false);
  private final AESKey key128 = key(KeyBuilder.LENGTH_AES_128);
  private final AESKey key192 = key(KeyBuilder.LENGTH_AES_192);
  private final AESKey key256 = key(KeyBuilder.LENGTH_AES_256);
  private final byte[] carry = JCSystem.makeTransientByteArray(BLOCK, JCSystem.CLEAR_ON_RESET);

  static AESKey key(short bits) {
    return (AESKey) KeyBuilder.buildKey(KeyBuilder.TYPE_AES_TRANSIENT_RESET, bits, false);
  }

  static boolean isKeySize(short octets) {
    return octets == 16 || octets == 24 || octets == 32;
  }

  void encryptUnder(byte[] key, short at, short octets) {
    use(key, at, octets, Cipher.MODE_ENCRYPT);
  }

  void decryptUnder(byte[] key, short at, short octets) {
    use(key, at, octets, Cipher.MODE_DECRYPT);
  }

  private void use(byte[] key, short at, short octets, byte mode) {
    AESKey object = octets == 16 ? key128 : octets == 24 ? key192 : key256;
    object.setKey(key, at);
    cipher.init(object, mode);
  }

  void block(byte[] from, short at, byte[] to, short toAt) {
    cipher.doFinal(from, at, BLOCK, to, toAt);
  }

  static void xor(byte[] into, short at, byte[] what, short whatAt) {
    for (short i = 0; i < BLOCK; ++i) {
      into[(short) (at + i)] ^= what[(short) (whatAt + i)];
    }
  }

  /** CBC in place, whole blocks; {@code iv} is left holding the last block, for the piece that follows. */
  void cbcEncrypt(byte[] text, short at, short octets, byte[] iv, short ivAt) {
    for (short i = 0; i < octets; i += BLOCK) {
      short here = (short) (at + i);
      xor(text, here, iv, ivAt);
      block(text, here, text, here);
      Util.arrayCopyNonAtomic(text, here, iv, ivAt, BLOCK);
    }
  }

  void cbcDecrypt(byte[] text, short at, short octets, byte[] iv, short ivAt) {
    for (short i = 0; i < octets; i += BLOCK) {
      short here = (short) (at + i);
      Util.arrayCopyNonAtomic(text, here, carry, (short) 0, BLOCK);
      block(text, here, text, here);
      xor(text, here, iv, ivAt);
      Util.arrayCopyNonAtomic(carry, (short) 0, iv, ivAt, BLOCK);
    }
  }

  /** Appends 80 and zeros up to a whole block; answers the padded length. */
  static short pad(byte[] text, short at, short octets) {
    text[(short) (at + octets++)] = (byte) 0x80;
    while ((short) (octets & 0x0F) != 0) {
      text[(short) (at + octets++)] = 0;
    }
    return octets;
  }

  /** No key is left in the key objects. */
  void forget() {
    key128.clearKey();
    key192.clearKey();
    key256.clearKey();
  }
}
