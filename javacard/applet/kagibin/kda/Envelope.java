// SPDX-License-Identifier: Apache-2.0
package kagibin.kda;

import javacard.framework.ISO7816;
import javacard.framework.ISOException;
import javacard.framework.JCSystem;
import javacard.framework.Util;

/** E2 (doc/wire_format.md, 5), read where it stands; its signature asked for, its payload opened. */
final class Envelope {
  private static final byte HEADER = 0;
  private static final byte HEADER_SIZE = 1;
  private static final byte SPID = 2;
  private static final byte HANDLE = 3;
  private static final byte LEVEL = 4;
  private static final byte VERSION = 5; // of the channel's keys, or of SK.SD.ECKA
  private static final byte MASK = 6; // bits of i that the card must have; by certificates 0
  private static final byte SEQ = 7;
  private static final byte ISSUED_AT = 8;
  private static final byte NOT_AFTER = 9;
  private static final byte ASKS_NEXT = 10;
  private static final byte SEALED = 11; // TLV A1
  private static final byte SEALED_SIZE = 12;
  private static final byte POINT_TLV = 13;
  private static final byte CIPHERTEXT = 14;
  private static final byte CIPHERTEXT_SIZE = 15;
  private static final byte MAC = 16;
  private static final byte SIGNATURE = 17;
  private static final byte SIGNATURE_SIZE = 18;
  private static final byte PLACES = 19;
  private static final short POINT_TLV_SIZE = 67;
  private static final short ANSWERS_ENCRYPTED = 0x60; // R-MAC and R-ENC in i
  private static final byte AGREEMENT_KEY = 0x11; // KID of SK.SD.ECKA of SCP11a (Amendment F, 5.1)
  private static final byte[] LABEL = {'K', 'B', '1', '-', 'E', 'N', 'V'};
  private static final byte[] CONTEXT = {'K', 'B', '1', '-', 'C', 'T', 'X'};

  final Actions actions;
  private final Engines engines;
  private final short[] places = JCSystem.makeTransientShortArray(PLACES, JCSystem.CLEAR_ON_RESET);
  private final Object[] octets = JCSystem.makeTransientObjectArray((short) 1, JCSystem.CLEAR_ON_RESET);
  private final Cursor cursor;

  Envelope(Engines all) {
    engines = all;
    cursor = all.cursor;
    actions = new Actions(new Payload());
  }

  /** The whole TLV E2. 6A80, 6A81. */
  void read(byte[] from, short at, short size) {
    octets[0] = from;
    cursor.open(from, at, size);
    short value = cursor.expect((short) 0xE2, (short) 0, Cursor.ANY_LENGTH);
    short length = cursor.length();
    cursor.finish();
    cursor.open(from, value, length);
    short header = cursor.expect((short) 0xA0, (short) 1, Cursor.ANY_LENGTH);
    short headerLength = cursor.length();
    places[HEADER] = cursor.start();
    places[HEADER_SIZE] = cursor.size();
    readHeader(from, header, headerLength);
    cursor.open(from, (short) (header + headerLength), (short) (value + length - header - headerLength));
    short sealed = cursor.expect((short) 0xA1, (short) 1, Cursor.ANY_LENGTH);
    short sealedLength = cursor.length();
    places[SEALED] = cursor.start();
    places[SEALED_SIZE] = cursor.size();
    places[SIGNATURE] = cursor.expect((short) 0x9E, Ecdsa.LEAST, Ecdsa.MOST);
    places[SIGNATURE_SIZE] = cursor.length();
    cursor.finish();
    readSealed(from, sealed, sealedLength);
  }

  private void readHeader(byte[] from, short at, short length) {
    cursor.open(from, at, length);
    Suites.requireVersion(cursor.expectByte((short) 0x80));
    Suites.require(cursor.expectByte((short) 0x81));
    places[SPID] = cursor.expect((short) 0x82, (short) 16);
    places[HANDLE] = cursor.expect((short) 0x83, (short) 16);
    places[LEVEL] = cursor.expectByte((short) 0x84);
    Suites.requireLevel((byte) places[LEVEL]);
    short parameters = cursor.expect((short) 0x85, (short) 2);
    boolean isNamed = true;
    if (isByCertificates()) {
      isNamed = from[parameters] == AGREEMENT_KEY;
      places[VERSION] = from[(short) (parameters + 1)];
      places[MASK] = 0;
    } else {
      places[VERSION] = from[parameters];
      places[MASK] = (short) (from[(short) (parameters + 1)] & 0xFF);
    }
    places[SEQ] = cursor.expect((short) 0x86, (short) 4);
    places[ISSUED_AT] = cursor.expect((short) 0x87, (short) 4);
    places[NOT_AFTER] = cursor.expect((short) 0x88, (short) 4);
    places[ASKS_NEXT] = cursor.optional((short) 0x89, (short) 16, (short) 16) ? (short) 1 : (short) 0;
    cursor.finish();
    if (!isNamed || places[VERSION] < 0x01 || Numbers.isZero(from, places[SEQ], (short) 4)) {
      ISOException.throwIt(ISO7816.SW_WRONG_DATA);
    }
  }

  private void readSealed(byte[] from, short at, short length) {
    cursor.open(from, at, length);
    short point = cursor.expect((short) 0x80, Curve.POINT);
    places[POINT_TLV] = cursor.start();
    places[CIPHERTEXT] = cursor.expect((short) 0x81, (short) 16, (short) 736);
    places[CIPHERTEXT_SIZE] = cursor.length();
    places[MAC] = cursor.expect((short) 0x82, Cmac.SIZE);
    cursor.finish();
    if (from[point] != 0x04 || (short) (places[CIPHERTEXT_SIZE] & 0x0F) != 0) {
      ISOException.throwIt(ISO7816.SW_WRONG_DATA);
    }
  }

  /** By the provider with this point, over the statement that the attempt made. */
  boolean isSignedBy(byte[] point, short at, Attempt attempt) {
    byte[] from = (byte[]) octets[0];
    engines.ecdsa.beginVerifying(point, at);
    engines.ecdsa.add(LABEL);
    engines.ecdsa.add(from, places[HEADER], places[HEADER_SIZE]);
    engines.ecdsa.add(from, places[SEALED], places[SEALED_SIZE]);
    engines.ecdsa.add(attempt.head, Attempt.STATEMENT_HASH, (short) 32);
    return engines.ecdsa.verifyDer(from, places[SIGNATURE], places[SIGNATURE_SIZE]);
  }

  /**
   * False when it does not open for this attempt, for whatever reason; then nothing of it is left. {@code isKnown}: it
   * opened before, so that its point need not be looked at again.
   */
  boolean open(Attempt attempt, boolean isKnown) {
    boolean isOpen = false;
    try {
      isOpen = isAuthentic(attempt, isKnown) && actions.payload.open(engines.ram.work, (byte[]) octets[0], places[CIPHERTEXT],
          places[CIPHERTEXT_SIZE]);
      if (isOpen) {
        actions.read((byte) places[VERSION], isByCertificates());
        isOpen = encryptsAnswers() || !actions.haveOwnCommand();
      }
    } catch (ISOException malformed) {
      isOpen = false;
    }
    if (!isOpen) {
      actions.payload.close();
    }
    return isOpen;
  }

  /**
   * Whether the target has to offer R-MAC and R-ENC, so that nothing it answers crosses the relay in the clear. A session
   * by certificates always has both.
   */
  private boolean encryptsAnswers() {
    return isByCertificates() || (short) (places[MASK] & ANSWERS_ENCRYPTED) == ANSWERS_ENCRYPTED;
  }

  private boolean isAuthentic(Attempt attempt, boolean isKnown) {
    byte[] from = (byte[]) octets[0];
    byte[] work = engines.ram.work;
    short point = (short) (places[POINT_TLV] + 2);
    if (!isKnown && !CurveEquation.holds(work, from, point)) {
      return false;
    }
    engines.hash(CONTEXT);
    engines.sha.update(from, places[HEADER], places[HEADER_SIZE]);
    engines.sha.update(attempt.head, Attempt.STATEMENT_HASH, (short) 32);
    engines.sha.update(from, places[POINT_TLV], POINT_TLV_SIZE);
    engines.finishHash(work, Ram.CONTEXT);
    engines.agree(attempt.key(), from, point);
    engines.beginSealMac();
    engines.cmac.add(from, places[HEADER], places[HEADER_SIZE]);
    engines.cmac.add(attempt.head, Attempt.STATEMENT_HASH, (short) 32);
    engines.cmac.add(from, places[POINT_TLV], (short) (places[MAC] - 2 - places[POINT_TLV]));
    engines.cmac.finish(work, Ram.BLOCK);
    return Numbers.equal(work, Ram.BLOCK, from, places[MAC], Cmac.SIZE);
  }

  void hashHeader(byte[] to, short at) {
    engines.sha.doFinal((byte[]) octets[0], places[HEADER], places[HEADER_SIZE], to, at);
  }

  short spid() {
    return places[SPID];
  }

  short handle() {
    return places[HANDLE];
  }

  byte level() {
    return (byte) places[LEVEL];
  }

  /** RL2: SCP11a opens the channel. */
  boolean isByCertificates() {
    return places[LEVEL] == Suites.BY_CERTIFICATES;
  }

  /** Of the channel's keys; by certificates, of SK.SD.ECKA. */
  byte version() {
    return (byte) places[VERSION];
  }

  short mask() {
    return places[MASK];
  }

  short seq() {
    return places[SEQ];
  }

  short issuedAt() {
    return places[ISSUED_AT];
  }

  short notAfter() {
    return places[NOT_AFTER];
  }

  boolean asksNext() {
    return places[ASKS_NEXT] != 0;
  }

  byte[] octets() {
    return (byte[]) octets[0];
  }
}
