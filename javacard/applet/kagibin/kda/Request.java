// SPDX-License-Identifier: Apache-2.0
package kagibin.kda;

import javacard.framework.ISO7816;
import javacard.framework.ISOException;
import javacard.framework.JCSystem;

/** E0, a provider's request (doc/wire_format.md, 3), read where it stands and checked as ENROL and CANCEL both do. */
final class Request {
  private static final byte START = 0;
  private static final byte SIZE = 1;
  private static final byte SPID = 2;
  private static final byte NONCE = 3;
  private static final byte TARGET = 4;
  private static final byte TARGET_SIZE = 5;
  private static final byte KEM_KEY = 6;
  private static final byte CANCEL = 7;
  private static final byte ACKNOWLEDGED = 8; // 0: none
  private static final byte CERTIFICATE = 9;
  private static final byte CERTIFICATE_SIZE = 10;
  private static final byte SIGNATURE = 11;
  private static final byte SIGNATURE_SIZE = 12;
  private static final byte BODY = 13;
  private static final byte BODY_SIZE = 14;
  private static final byte PLACES = 15;
  private static final byte[] LABEL = {'K', 'B', '1', '-', 'E', 'N', 'R'};

  final Certificate certificate;
  private final Engines engines;
  private final Store store;
  private final short[] places = JCSystem.makeTransientShortArray(PLACES, JCSystem.CLEAR_ON_RESET);
  private final Cursor cursor;

  Request(Engines all, Store memory, Certificate reader) {
    engines = all;
    cursor = all.cursor;
    store = memory;
    certificate = reader;
  }

  /**
   * Reads and checks a whole E0. 6A88 before the maker's certificates are stored; 6A80 and 6A81 by reading; 6982 for every
   * refusal of the certificate or of the signature.
   */
  void read(byte[] from, short at, short size) {
    if (!store.identity.isCertified) {
      ISOException.throwIt(Status.REFERENCED_DATA_NOT_FOUND);
    }
    decode(from, at, size);
    certificate.read(from, places[CERTIFICATE], places[CERTIFICATE_SIZE]);
    if (!CurveEquation.holds(engines.ram.work, from, places[KEM_KEY])) {
      ISOException.throwIt(ISO7816.SW_WRONG_DATA);
    }
    boolean isAccepted = store.trust.accepts(certificate, from, Certificate.SERVICE_PROVIDER)
        && Numbers.equal(from, certificate.subject(), from, places[SPID], (short) 16)
        && certificate.allowsAid(from, places[TARGET], places[TARGET_SIZE]);
    if (!isAccepted || !isSigned(from)) {
      ISOException.throwIt(ISO7816.SW_SECURITY_STATUS_NOT_SATISFIED);
    }
  }

  private void decode(byte[] from, short at, short size) {
    places[START] = at;
    places[SIZE] = size;
    cursor.open(from, at, size);
    short value = cursor.expect((short) 0xE0, (short) 0, Cursor.ANY_LENGTH);
    short length = cursor.length();
    cursor.finish();
    cursor.open(from, value, length);
    places[BODY] = value;
    Suites.requireVersion(cursor.expectByte((short) 0x80));
    Suites.require(cursor.expectByte((short) 0x81));
    places[SPID] = cursor.expect((short) 0x82, (short) 16);
    places[NONCE] = cursor.expect((short) 0x83, (short) 16);
    places[TARGET] = cursor.expect((short) 0x84, (short) 5, (short) 16);
    places[TARGET_SIZE] = cursor.length();
    places[KEM_KEY] = cursor.expect((short) 0x85, Curve.POINT);
    places[CANCEL] = cursor.expectByte((short) 0x86);
    boolean isForm = from[places[KEM_KEY]] == 0x04 && places[CANCEL] >= 0 && places[CANCEL] <= 1;
    places[ACKNOWLEDGED] = cursor.optional((short) 0x87, (short) 32, (short) 32) ? cursor.value() : 0;
    cursor.expect((short) 0x7F21, (short) 1, Cursor.ANY_LENGTH);
    places[CERTIFICATE] = cursor.start();
    places[CERTIFICATE_SIZE] = cursor.size();
    places[BODY_SIZE] = (short) (cursor.next() - value);
    places[SIGNATURE] = cursor.expect((short) 0x9E, Ecdsa.LEAST, Ecdsa.MOST);
    places[SIGNATURE_SIZE] = cursor.length();
    cursor.finish();
    if (!isForm || places[CERTIFICATE_SIZE] > Certificate.MOST) {
      ISOException.throwIt(ISO7816.SW_WRONG_DATA);
    }
  }

  private boolean isSigned(byte[] from) {
    engines.ecdsa.beginVerifying(from, certificate.point());
    engines.ecdsa.add(LABEL);
    engines.ecdsa.add(from, places[BODY], places[BODY_SIZE]);
    return engines.ecdsa.verifyDer(from, places[SIGNATURE], places[SIGNATURE_SIZE]);
  }

  short start() {
    return places[START];
  }

  short size() {
    return places[SIZE];
  }

  short spid() {
    return places[SPID];
  }

  short nonce() {
    return places[NONCE];
  }

  short target() {
    return places[TARGET];
  }

  short targetSize() {
    return places[TARGET_SIZE];
  }

  short kemKey() {
    return places[KEM_KEY];
  }

  boolean cancels() {
    return places[CANCEL] == 1;
  }

  /** Where the hash of the acknowledged E3 stands; 0 when there is none. */
  short acknowledged() {
    return places[ACKNOWLEDGED];
  }

  short certificateAt() {
    return places[CERTIFICATE];
  }

  short certificateSize() {
    return places[CERTIFICATE_SIZE];
  }
}
