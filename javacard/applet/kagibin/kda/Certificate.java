// SPDX-License-Identifier: Apache-2.0
package kagibin.kda;

import javacard.framework.ISO7816;
import javacard.framework.ISOException;
import javacard.framework.JCSystem;

/**
 * A certificate of the delivery PKI (doc/wire_format.md, 2), read where it stands. {@code read} takes what the native
 * application takes and nothing else: 6A80, or 6A81 for another curve. Who signed it is asked of {@code isSignedBy}.
 */
final class Certificate {
  static final short MOST = 320;
  static final byte MAKER = 1;
  static final byte KDA = 2;
  static final byte OCE = 3;
  static final byte SECURITY_DOMAIN = 4;
  static final byte SERVICE_PROVIDER = 5;
  static final byte ATT_1 = 1;

  // Places, and lengths behind those that vary.
  private static final byte ISSUER = 0;
  private static final byte ISSUER_SIZE = 1;
  private static final byte SUBJECT = 2;
  private static final byte USAGE = 3;
  private static final byte USAGE_SIZE = 4;
  private static final byte EFFECTIVE = 5;
  private static final byte EXPIRATION = 6;
  private static final byte EPOCH = 7;
  private static final byte AIDS = 8;
  private static final byte AID_COUNT = 9;
  private static final byte CODE_HASH = 10;
  private static final byte PLATFORM = 11;
  private static final byte OWNER = 12;
  private static final byte BODY = 13;
  private static final byte BODY_SIZE = 14;
  private static final byte SIGNATURE = 15;
  private static final byte KIND = 16;
  private static final byte ATTESTATION = 17; // -1: none
  private static final byte POINT = 18;
  private static final byte MAKER_KEY = 19;
  private static final byte PLACES = 20;

  private final Engines engines;
  private final short[] places = JCSystem.makeTransientShortArray(PLACES, JCSystem.CLEAR_ON_RESET);
  private final Object[] octets = JCSystem.makeTransientObjectArray((short) 1, JCSystem.CLEAR_ON_RESET);
  private final Cursor outer;
  private final Cursor inner;

  Certificate(Engines all) {
    engines = all;
    outer = all.cursor;
    inner = all.inner;
  }

  /** The complete TLV 7F21, and nothing behind it. */
  void read(byte[] from, short at, short size) {
    readKnown(from, at, size);
    require(CurveEquation.holds(engines.ram.work, from, places[POINT]));
  }

  /** The same of a certificate that was read before: its point need not be looked at again. */
  void readKnown(byte[] from, short at, short size) {
    octets[0] = from;
    outer.open(from, at, size);
    outer.expect((short) 0x7F21, (short) 1, Cursor.ANY_LENGTH);
    short value = outer.value();
    short valueSize = outer.length();
    outer.finish();
    require(size <= MOST);
    outer.open(from, value, valueSize);
    outer.expect((short) 0x93, (short) 1, (short) 16);
    places[BODY] = outer.start();
    places[ISSUER] = outer.expect((short) 0x42, (short) 1, (short) 16);
    places[ISSUER_SIZE] = outer.length();
    places[SUBJECT] = outer.expect((short) 0x5F20, (short) 16);
    places[USAGE] = outer.expect((short) 0x95, (short) 1, (short) 2);
    places[USAGE_SIZE] = outer.length();
    places[EFFECTIVE] = outer.expect((short) 0x5F25, (short) 4);
    places[EXPIRATION] = outer.expect((short) 0x5F24, (short) 4);
    outer.expect((short) 0x53, (short) 1, (short) 127);
    readDiscretionary(from, outer.value(), outer.length());
    outer.expect((short) 0x7F49, (short) 1, Cursor.ANY_LENGTH);
    readKey(from, outer.value(), outer.length());
    places[BODY_SIZE] = (short) (outer.next() - places[BODY]);
    places[SIGNATURE] = outer.expect((short) 0x5F37, Ecdsa.RAW);
    outer.finish();
    require(Dates.isDay(from, places[EFFECTIVE]) && Dates.isDay(from, places[EXPIRATION])
        && Numbers.compare(from, places[EXPIRATION], from, places[EFFECTIVE], (short) 4) >= 0);
    require(hasFieldsOfItsKind());
  }

  private void readDiscretionary(byte[] from, short at, short size) {
    inner.open(from, at, size);
    places[KIND] = (short) (inner.expectByte((short) 0x80) & 0xFF);
    places[EPOCH] = inner.expect((short) 0x81, (short) 2);
    places[AIDS] = inner.next();
    places[AID_COUNT] = 0;
    while (inner.optional((short) 0x82, (short) 5, (short) 16)) {
      ++places[AID_COUNT];
    }
    places[CODE_HASH] = inner.optional((short) 0x83, (short) 32, (short) 32) ? inner.value() : 0;
    places[PLATFORM] = inner.optional((short) 0x84, (short) 16, (short) 16) ? inner.value() : 0;
    places[ATTESTATION] = inner.optional((short) 0x85, (short) 1, (short) 1) ? from[inner.value()] : (short) -1;
    require(places[ATTESTATION] >= -1 && places[ATTESTATION] <= 2);
    places[OWNER] = inner.optional((short) 0x86, (short) 16, (short) 16) ? inner.value() : 0;
    places[MAKER_KEY] = inner.optional((short) 0x87, (short) 32, (short) 32) ? inner.value() : 0;
    inner.finish();
  }

  private void readKey(byte[] from, short at, short size) {
    inner.open(from, at, size);
    places[POINT] = inner.expect((short) 0xB0, Curve.POINT);
    if (inner.expectByte((short) 0xF0) != 0) {
      ISOException.throwIt(ISO7816.SW_FUNC_NOT_SUPPORTED);
    }
    inner.finish();
  }

  /** The table of doc/wire_format.md, 2. */
  private boolean hasFieldsOfItsKind() {
    short kind = places[KIND];
    if (kind < MAKER || kind > 7) {
      return false;
    }
    short aids = places[AID_COUNT];
    boolean hasRightAids = kind == MAKER || kind == OCE ? aids == 0 : kind == SERVICE_PROVIDER ? aids >= 1 : aids == 1;
    boolean hasPlatform = kind == MAKER || kind >= 6;
    boolean agrees = kind == OCE || kind == SECURITY_DOMAIN || kind == 6;
    byte[] from = (byte[]) octets[0];
    boolean hasUsage = agrees
        ? places[USAGE_SIZE] == 2 && from[places[USAGE]] == 0 && from[(short) (places[USAGE] + 1)] == (byte) 0x80
        : places[USAGE_SIZE] == 1 && from[places[USAGE]] == (byte) 0x82;
    return hasRightAids && hasUsage && (places[CODE_HASH] != 0) == (kind == KDA)
        && (places[PLATFORM] != 0) == hasPlatform && (places[ATTESTATION] >= 0) == (kind == KDA)
        && (places[OWNER] != 0) == (kind == SECURITY_DOMAIN)
        && (places[MAKER_KEY] != 0) == (kind == SECURITY_DOMAIN);
  }

  private static void require(boolean holds) {
    if (!holds) {
      ISOException.throwIt(ISO7816.SW_WRONG_DATA);
    }
  }

  boolean isSignedBy(byte[] point, short at) {
    byte[] from = (byte[]) octets[0];
    engines.ecdsa.beginVerifying(point, at);
    engines.ecdsa.add(from, places[BODY], places[BODY_SIZE]);
    return engines.ecdsa.verifyRaw(from, places[SIGNATURE]);
  }

  /** Whether an AID begins with one of those in 82; the one and only AID is its own longest prefix. */
  boolean allowsAid(byte[] aid, short at, short size) {
    byte[] from = (byte[]) octets[0];
    short next = places[AIDS];
    for (short i = 0; i < places[AID_COUNT]; ++i) {
      short prefix = from[(short) (next + 1)];
      if (prefix <= size && Numbers.equal(from, (short) (next + 2), aid, at, prefix)) {
        return true;
      }
      next = (short) (next + 2 + prefix);
    }
    return false;
  }

  /** Whether 82 is exactly this AID. */
  boolean isForAid(byte[] aid, short at, short size) {
    byte[] from = (byte[]) octets[0];
    return places[AID_COUNT] == 1 && from[(short) (places[AIDS] + 1)] == size && allowsAid(aid, at, size);
  }

  short kind() {
    return places[KIND];
  }

  short subject() {
    return places[SUBJECT];
  }

  boolean hasIssuer(byte[] name, short at) {
    return places[ISSUER_SIZE] == 16 && Numbers.equal((byte[]) octets[0], places[ISSUER], name, at, (short) 16);
  }

  short effective() {
    return places[EFFECTIVE];
  }

  short expiration() {
    return places[EXPIRATION];
  }

  short epoch() {
    return places[EPOCH];
  }

  short codeHash() {
    return places[CODE_HASH];
  }

  short owner() {
    return places[OWNER];
  }

  /** SHA-256 of PK.EUM, of a CERT.SD. */
  short makerKey() {
    return places[MAKER_KEY];
  }

  short attestation() {
    return places[ATTESTATION];
  }

  short point() {
    return places[POINT];
  }
}
