// SPDX-License-Identifier: Apache-2.0
package kagibin.kda;

import javacard.framework.JCSystem;
import javacard.framework.Util;
import javacard.security.CryptoException;
import javacard.security.ECPublicKey;
import javacard.security.KeyAgreement;
import javacard.security.KeyBuilder;
import javacard.security.KeyPair;
import javacard.security.MessageDigest;
import javacard.security.PrivateKey;
import javacard.security.RandomData;

/**
 * What the application asks of a card's cryptography, made at install: a card that lacks one of these fails there, with
 * the exception of its own runtime, and not at the first delivery. Floor: Java Card 3.0.4 with ECDSA and ECDH on P-256,
 * AES and SHA-256. Probed: private keys in transient memory (fall back to lasting ones, cleared after use).
 *
 * <p>Suite 01's keys (doc/wire_format.md, Suites): {@code agree} leaves Kenc, Kmac and IV in the work memory.
 */
final class Engines {
  final Ram ram = new Ram();
  final MessageDigest sha = MessageDigest.getInstance(MessageDigest.ALG_SHA_256, false);
  final RandomData random = RandomData.getInstance(RandomData.ALG_SECURE_RANDOM);
  final Aes aes = new Aes();
  final Cmac cmac = new Cmac(aes);
  final Ecdsa ecdsa = new Ecdsa(ram);
  // Whoever reads a message has these to itself until it has read it: places are kept, cursors are not.
  final Cursor cursor = new Cursor();
  final Cursor inner = new Cursor();
  private final KeyAgreement agreement = KeyAgreement.getInstance(KeyAgreement.ALG_EC_SVDP_DH_PLAIN, false);
  private final KeyPair ephemeral = ephemeralPair();
  private final byte[] counter = JCSystem.makeTransientByteArray((short) 4, JCSystem.CLEAR_ON_RESET);

  private static KeyPair ephemeralPair() {
    try {
      return Curve.pair(KeyBuilder.TYPE_EC_FP_PRIVATE_TRANSIENT_RESET);
    } catch (CryptoException notOffered) {
      return Curve.pair();
    }
  }

  void hash(byte[] label) {
    sha.update(label, (short) 0, (short) label.length);
  }

  /** Finishes the hash that was fed so far. */
  void finishHash(byte[] to, short at) {
    sha.doFinal(counter, (short) 0, (short) 0, to, at);
  }

  /** A fresh pair for one sealing; writes its point. */
  void newEphemeral(byte[] to, short at) {
    Curve.generate(ephemeral);
    ((ECPublicKey) ephemeral.getPublic()).getW(to, at);
  }

  void agreeEphemeral(byte[] peer, short at) {
    agree(ephemeral.getPrivate(), peer, at);
    ephemeral.getPrivate().clearKey();
  }

  /** Keys of suite 01 from CONTEXT in the work memory. The peer's point is on the curve already. */
  void agree(PrivateKey own, byte[] peer, short at) {
    byte[] work = ram.work;
    agreement.init(own);
    agreement.generateSecret(peer, at, Curve.POINT, work, Ram.HASH);
    deriveBlock((byte) 1, Ram.KEYS);
    deriveBlock((byte) 2, (short) (Ram.KEYS + 32));
    Util.arrayFillNonAtomic(work, Ram.HASH, (short) 32, (byte) 0);
  }

  private void deriveBlock(byte number, short to) {
    counter[3] = number;
    sha.update(ram.work, Ram.HASH, (short) 32);
    sha.update(counter, (short) 0, (short) 4);
    sha.doFinal(ram.work, Ram.CONTEXT, (short) 32, ram.work, to);
  }

  /** Encrypts under Kenc and IV, in place; the padding goes behind the text. Answers the ciphertext's length. */
  short seal(byte[] text, short at, short octets) {
    octets = Aes.pad(text, at, octets);
    aes.encryptUnder(ram.work, Ram.KENC, (short) 16);
    aes.cbcEncrypt(text, at, octets, ram.work, Ram.IV);
    return octets;
  }

  void beginSealMac() {
    cmac.begin(ram.work, Ram.KMAC, (short) 16);
  }

  /** After each command. */
  void forget() {
    sha.reset();
    ram.wipeWork();
    aes.forget();
  }
}
