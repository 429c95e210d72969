// SPDX-License-Identifier: Apache-2.0
package kagibin.kda;

import javacard.framework.JCSystem;
import javacard.framework.Util;

/**
 * The off-card entity of SCP03 (GlobalPlatform Amendment D 1.2) with keys of 16, 24 and 32 octets, S8 and S16: makes
 * INITIALIZE UPDATE and EXTERNAL AUTHENTICATE, wraps commands, unwraps answers. A session whose keys SCP11 agreed on is
 * wrapped and unwrapped the same way ({@code openAgreed}). One session; all of it is in memory that a reset clears, and
 * {@code close} wipes the keys. The C-MAC is over channel 0.
 */
final class Scp03 {
  private static final short HOST_CHALLENGE = 0; // 16
  private static final short CARD_CHALLENGE = 16; // 16
  private static final short CRYPTOGRAM = 32; // 16, the card's
  private static final short S_DEK = 32; // 16, in the cryptogram's place: Key-DEK of a session that SCP11 opened
  private static final short S_ENC = 48; // 32
  private static final short S_MAC = 80; // 32
  private static final short S_RMAC = 112; // 32
  private static final short CHAINING = 144; // 16
  private static final short ICV = 160; // 16
  private static final short SEQUENCE = 176; // 3
  private static final short COUNTER = 179; // 2
  private static final short MODE = 181; // 8 or 16: octets of challenges, cryptograms and MACs
  private static final short KEY_SIZE = 182;
  private static final short PARAMETER = 183; // i
  private static final short LEVEL = 184;
  private static final short IS_OPEN = 185;
  private static final short SIZE = 186;

  static final byte S16 = 0x01;
  static final byte PSEUDO_RANDOM = 0x10;
  private static final byte R_MAC = 0x20;
  private static final byte R_ENCRYPTION = 0x40;

  private static final short AGREED = 16; // octets of each key that SCP11 agreed on
  private static final byte EVERYTHING = 0x33; // C-MAC, C-ENC, R-MAC, R-ENC

  private static final byte DERIVE_CARD = 0x00;
  private static final byte DERIVE_HOST = 0x01;
  private static final byte DERIVE_CHALLENGE = 0x02;
  private static final byte DERIVE_S_ENC = 0x04;
  private static final byte DERIVE_S_MAC = 0x06;
  private static final byte DERIVE_S_RMAC = 0x07;

  private final Engines engines;
  private final byte[] memory = JCSystem.makeTransientByteArray(SIZE, JCSystem.CLEAR_ON_RESET);

  Scp03(Engines all) {
    engines = all;
  }

  void close() {
    Util.arrayFillNonAtomic(memory, CARD_CHALLENGE, (short) (MODE - CARD_CHALLENGE), (byte) 0);
    memory[IS_OPEN] = 0;
  }

  boolean isOpen() {
    return memory[IS_OPEN] != 0;
  }

  void setOpen() {
    memory[IS_OPEN] = 1;
  }

  void setMode(boolean isS16) {
    memory[MODE] = isS16 ? (byte) 16 : (byte) 8;
  }

  /** Opens with S-ENC, S-MAC, S-RMAC and Key-DEK, 16 octets each in this order; the receipt is the first chaining value. */
  void openAgreed(byte[] from, short keys, short receipt) {
    Util.arrayCopyNonAtomic(from, keys, memory, S_ENC, AGREED);
    Util.arrayCopyNonAtomic(from, (short) (keys + AGREED), memory, S_MAC, AGREED);
    Util.arrayCopyNonAtomic(from, (short) (keys + 2 * AGREED), memory, S_RMAC, AGREED);
    Util.arrayCopyNonAtomic(from, (short) (keys + 3 * AGREED), memory, S_DEK, AGREED);
    Util.arrayCopyNonAtomic(from, receipt, memory, CHAINING, (short) 16);
    Util.setShort(memory, COUNTER, (short) 0);
    memory[KEY_SIZE] = (byte) AGREED;
    memory[LEVEL] = EVERYTHING;
    setOpen();
  }

  /** The cipher takes the Key-DEK of a session that SCP11 opened. */
  void encryptUnderDek() {
    engines.aes.encryptUnder(memory, S_DEK, AGREED);
  }

  /** 80 50 KVN 00 with a fresh host challenge; answers the command's length. */
  short initializeUpdate(byte version, boolean isS16, byte[] to, short at) {
    close();
    setMode(isS16);
    engines.random.generateData(memory, HOST_CHALLENGE, memory[MODE]);
    to[at] = (byte) 0x80;
    to[(short) (at + 1)] = 0x50;
    to[(short) (at + 2)] = version;
    to[(short) (at + 3)] = 0;
    to[(short) (at + 4)] = memory[MODE];
    Util.arrayCopyNonAtomic(memory, HOST_CHALLENGE, to, (short) (at + 5), memory[MODE]);
    to[(short) (at + 5 + memory[MODE])] = 0;
    return (short) (6 + memory[MODE]);
  }

  /** Takes the answer to INITIALIZE UPDATE; false when it is not one of SCP03 (Amendment D, table 7-2). */
  boolean readUpdate(byte[] from, short at, short octets) {
    if (octets < 13 || from[(short) (at + 11)] != 0x03) {
      return false;
    }
    byte i = from[(short) (at + 12)];
    byte rest = (byte) (i & 0xFE);
    boolean isKnown = rest == 0x00 || rest == 0x10 || rest == 0x20 || rest == 0x30 || rest == 0x60 || rest == 0x70;
    short mode = (byte) (i & S16) != 0 ? (short) 16 : (short) 8;
    short expected = (short) (13 + 2 * mode + ((byte) (i & PSEUDO_RANDOM) != 0 ? 3 : 0));
    if (!isKnown || octets != expected) {
      return false;
    }
    memory[PARAMETER] = i;
    Util.arrayCopyNonAtomic(from, (short) (at + 13), memory, CARD_CHALLENGE, mode);
    Util.arrayCopyNonAtomic(from, (short) (at + 13 + mode), memory, CRYPTOGRAM, mode);
    if ((byte) (i & PSEUDO_RANDOM) != 0) {
      Util.arrayCopyNonAtomic(from, (short) (at + 13 + 2 * mode), memory, SEQUENCE, (short) 3);
    }
    return true;
  }

  /** i of the answer read last. */
  byte parameter() {
    return memory[PARAMETER];
  }

  private boolean isOfThisMode() {
    return ((byte) (memory[PARAMETER] & S16) != 0) == (memory[MODE] == 16);
  }

  boolean offersRmac() {
    return (byte) (memory[PARAMETER] & R_MAC) != 0;
  }

  /** 03, 13 or 33. */
  byte highestLevel() {
    return !offersRmac() ? (byte) 0x03 : (byte) (memory[PARAMETER] & R_ENCRYPTION) != 0 ? (byte) 0x33 : (byte) 0x13;
  }

  /** Octets of plain data that a short command of this session takes. */
  short plainLimit() {
    return (short) ((short) ((short) (255 - memory[MODE]) & (short) 0xFFF0) - 1);
  }

  /** One value of SP 800-108 in counter mode (Amendment D, 4.1.5), the challenges as context. */
  private void derive(byte[] key, short at, short keySize, byte constant, short size, byte[] to, short toAt) {
    for (byte counter = 1; (short) ((short) (counter - 1) * 16) < size; ++counter) {
      beginDerivation(key, at, keySize, constant, size, counter);
      engines.cmac.add(memory, HOST_CHALLENGE, memory[MODE]);
      engines.cmac.add(memory, CARD_CHALLENGE, memory[MODE]);
      finishDerivation(counter, size, to, toAt);
    }
  }

  private void beginDerivation(byte[] key, short at, short keySize, byte constant, short size, byte counter) {
    Cmac cmac = engines.cmac;
    cmac.begin(key, at, keySize);
    for (short i = 0; i < 11; ++i) {
      cmac.add((byte) 0);
    }
    cmac.add(constant);
    cmac.add((byte) 0);
    short bits = (short) (size * 8);
    cmac.add((byte) (bits >> 8));
    cmac.add((byte) bits);
    cmac.add(counter);
  }

  private void finishDerivation(byte counter, short size, byte[] to, short toAt) {
    byte[] work = engines.ram.work;
    short before = (short) ((short) (counter - 1) * 16);
    short count = (short) (size - before) < 16 ? (short) (size - before) : (short) 16;
    engines.cmac.finish(work, Ram.BLOCK);
    Util.arrayCopyNonAtomic(work, Ram.BLOCK, to, (short) (toAt + before), count);
  }

  /**
   * Whether the cryptogram of the answer read last is valid under the set whose Key-MAC is this one. Leaves S-MAC derived.
   */
  boolean isCryptogramUnder(byte[] mac, short at, short keySize) {
    if (!isOfThisMode()) {
      return false;
    }
    derive(mac, at, keySize, DERIVE_S_MAC, keySize, memory, S_MAC);
    derive(memory, S_MAC, keySize, DERIVE_CARD, memory[MODE], memory, ICV);
    return Numbers.equal(memory, ICV, memory, CRYPTOGRAM, memory[MODE]);
  }

  /** Behind isCryptogramUnder: the other keys that come from Key-MAC, and those from Key-ENC. */
  void deriveFromMac(byte[] mac, short at, short keySize) {
    derive(mac, at, keySize, DERIVE_S_RMAC, keySize, memory, S_RMAC);
    memory[KEY_SIZE] = (byte) keySize;
  }

  void deriveFromEnc(byte[] enc, short at, short keySize) {
    derive(enc, at, keySize, DERIVE_S_ENC, keySize, memory, S_ENC);
  }

  /** Whether a pseudo-random card challenge is that of this set (Amendment D, 6.2.2.1). */
  boolean isChallengeUnder(byte[] enc, short at, short keySize, byte[] aid, short aidAt, short aidSize) {
    if ((byte) (memory[PARAMETER] & PSEUDO_RANDOM) == 0) {
      return true;
    }
    beginDerivation(enc, at, keySize, DERIVE_CHALLENGE, memory[MODE], (byte) 1);
    engines.cmac.add(memory, SEQUENCE, (short) 3);
    engines.cmac.add(aid, aidAt, aidSize);
    finishDerivation((byte) 1, memory[MODE], memory, ICV);
    return Numbers.equal(memory, ICV, memory, CARD_CHALLENGE, memory[MODE]);
  }

  boolean fitsMode() {
    return isOfThisMode();
  }

  /** 84 82 level 00 cryptogram MAC, under the keys derived; answers its length. No Le. */
  short externalAuthenticate(byte[] to, short at) {
    memory[LEVEL] = highestLevel();
    short mode = memory[MODE];
    to[at] = (byte) 0x84;
    to[(short) (at + 1)] = (byte) 0x82;
    to[(short) (at + 2)] = memory[LEVEL];
    to[(short) (at + 3)] = 0;
    to[(short) (at + 4)] = (byte) (2 * mode);
    derive(memory, S_MAC, memory[KEY_SIZE], DERIVE_HOST, mode, to, (short) (at + 5));
    Util.arrayFillNonAtomic(memory, CHAINING, (short) 16, (byte) 0);
    Util.setShort(memory, COUNTER, (short) 0);
    chain(to, at, (short) (5 + mode));
    Util.arrayCopyNonAtomic(memory, CHAINING, to, (short) (at + 5 + mode), mode);
    return (short) (5 + 2 * mode);
  }

  /** The C-MAC over header, length and data that stand in order; it is the next chaining value. */
  private void chain(byte[] command, short at, short octets) {
    engines.cmac.begin(memory, S_MAC, memory[KEY_SIZE]);
    engines.cmac.add(memory, CHAINING, (short) 16);
    engines.cmac.add(command, at, octets);
    engines.cmac.finish(memory, CHAINING);
  }

  private void makeIcv(byte mark) {
    Util.arrayFillNonAtomic(memory, ICV, (short) 16, (byte) 0);
    memory[ICV] = mark;
    Util.arrayCopyNonAtomic(memory, COUNTER, memory, (short) (ICV + 14), (short) 2);
    engines.aes.encryptUnder(memory, S_ENC, memory[KEY_SIZE]);
    engines.aes.block(memory, ICV, memory, ICV);
  }

  /**
   * Wraps a command where it stands: CLA INS P1 P2, one octet left for Lc, then {@code octets} of data. Answers its length
   * with Le 00, and 0 when it does not fit.
   */
  short wrap(byte[] command, short at, short octets) {
    short mode = memory[MODE];
    short body = octets == 0 ? (short) 0 : (short) ((short) (octets & (short) 0xFFF0) + 16);
    short counter = Util.getShort(memory, COUNTER);
    if ((short) (body + mode) > 255 || counter == (short) 0x7FFF) {
      return 0;
    }
    Util.setShort(memory, COUNTER, (short) (counter + 1));
    if (body > 0) {
      Aes.pad(command, (short) (at + 5), octets);
      makeIcv((byte) 0);
      engines.aes.cbcEncrypt(command, (short) (at + 5), body, memory, ICV);
    }
    command[at] = (byte) (command[at] | 0x04);
    command[(short) (at + 4)] = (byte) (body + mode);
    chain(command, at, (short) (5 + body));
    short end = Util.arrayCopyNonAtomic(memory, CHAINING, command, (short) (at + 5 + body), mode);
    command[end] = 0;
    return (short) (6 + body + mode);
  }

  /** Whether an answer with this status word carries an R-MAC in this session. */
  boolean isCovered(short sw) {
    byte first = (byte) (sw >> 8);
    return (byte) (memory[LEVEL] & 0x10) != 0 && (sw == Status.OK || first == 0x62 || first == 0x63);
  }

  /**
   * Unwraps where it stands an answer that is covered; answers the length of its data in the clear. A wrong R-MAC or
   * padding closes the session: -1.
   */
  short unwrap(byte[] answer, short at, short octets, short sw) {
    short mode = memory[MODE];
    short body = (short) (octets - mode);
    if (body < 0) {
      close();
      return -1;
    }
    byte[] work = engines.ram.work;
    engines.cmac.begin(memory, S_RMAC, memory[KEY_SIZE]);
    engines.cmac.add(memory, CHAINING, (short) 16);
    engines.cmac.add(answer, at, body);
    engines.cmac.add((byte) (sw >> 8));
    engines.cmac.add((byte) sw);
    engines.cmac.finish(work, Ram.BLOCK);
    boolean isGood = Numbers.equal(work, Ram.BLOCK, answer, (short) (at + body), mode);
    if (isGood && body > 0 && (byte) (memory[LEVEL] & 0x20) != 0) {
      isGood = (short) (body & 0x0F) == 0;
      if (isGood) {
        makeIcv((byte) 0x80);
        engines.aes.decryptUnder(memory, S_ENC, memory[KEY_SIZE]);
        engines.aes.cbcDecrypt(answer, at, body, memory, ICV);
        body = unpadded(answer, at, body);
        isGood = body >= 0;
      }
    }
    if (!isGood) {
      close();
      return -1;
    }
    return body;
  }

  /** Published sessions show answers padded by more than a block; the R-MAC covered it. */
  private static short unpadded(byte[] text, short at, short octets) {
    while (octets > 0 && text[(short) (at + octets - 1)] == 0) {
      --octets;
    }
    return octets > 0 && text[(short) (at + octets - 1)] == (byte) 0x80 ? (short) (octets - 1) : (short) -1;
  }
}
