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

  /** Whether the pair made last is still there: a session's waits over commands, and a receipt takes its place. */
  boolean hasEphemeral() {
    return ephemeral.getPrivate().isInitialized();
  }

  void dropEphemeral() {
    if (hasEphemeral()) {
      ephemeral.getPrivate().clearKey();
    }
  }

  void ephemeralPoint(byte[] to, short at) {
    ((ECPublicKey) ephemeral.getPublic()).getW(to, at);
  }

  /**
   * Two agreements and X9.63 (SCP11a): the two values one behind the other, {@code info} behind them; 96 octets of key
   * material stand in KEYS and what follows. The ephemeral private key goes. Both points are on the curve already.
   */
  void agreeTwice(byte[] answered, short answeredAt, PrivateKey own, byte[] peer, short peerAt, byte[] info) {
    secret(ephemeral.getPrivate(), answered, answeredAt, Ram.HASH);
    ephemeral.getPrivate().clearKey();
    secret(own, peer, peerAt, Ram.CONTEXT);
    for (byte number = 1; number <= 3; ++number) {
      short to = (short) (Ram.KEYS + (short) (32 * (short) (number - 1)));
      deriveBlock(number, (short) 64, info, (short) 0, (short) info.length, to);
    }
    Util.arrayFillNonAtomic(ram.work, Ram.HASH, (short) 64, (byte) 0);
  }

  private void secret(PrivateKey own, byte[] peer, short at, short to) {
    agreement.init(own);
    agreement.generateSecret(peer, at, Curve.POINT, ram.work, to);
  }

  /** Keys of suite 01 from CONTEXT in the work memory. The peer's point is on the curve already. */
  void agree(PrivateKey own, byte[] peer, short at) {
    byte[] work = ram.work;
    secret(own, peer, at, Ram.HASH);
    deriveBlock((byte) 1, (short) 32, work, Ram.CONTEXT, (short) 32, Ram.KEYS);
    deriveBlock((byte) 2, (short) 32, work, Ram.CONTEXT, (short) 32, (short) (Ram.KEYS + 32));
    Util.arrayFillNonAtomic(work, Ram.HASH, (short) 32, (byte) 0);
  }

  /** SHA-256(Z | number | info), Z in HASH and what follows. */
  private void deriveBlock(byte number, short secretSize, byte[] info, short at, short size, short to) {
    counter[3] = number;
    sha.update(ram.work, Ram.HASH, secretSize);
    sha.update(counter, (short) 0, (short) 4);
    sha.doFinal(info, at, size, ram.work, to);
  }

  /** Encrypts whole blocks under Kenc and IV, in place, and goes on where the piece before ended. */
  void sealBlocks(byte[] text, short at, short octets) {
    aes.encryptUnder(ram.work, Ram.KENC, (short) 16);
    aes.cbcEncrypt(text, at, octets, ram.work, Ram.IV);
  }

  /** The same of the last piece; the padding goes behind it. Answers the ciphertext's length. */
  short seal(byte[] text, short at, short octets) {
    octets = Aes.pad(text, at, octets);
    sealBlocks(text, at, octets);
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
