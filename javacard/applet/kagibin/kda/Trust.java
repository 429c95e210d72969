// SPDX-License-Identifier: Apache-2.0
package kagibin.kda;

/** The controlling authority's two root slots, and what it has said: least epoch, time, number of its last root. */
final class Trust {
  static final short ROOT = 0; // 65
  static final short SECOND_ROOT = 65; // 65
  static final short HAS_SECOND = 130;
  static final short MIN_EPOCH = 131; // 2
  static final short AUTH_TIME = 133; // 4, minutes since 2020-01-01
  static final short AUTH_DATE = 137; // 4, the same day as certificates write it
  static final short ROOT_NUMBER = 141; // 4
  static final short SIZE = 145;

  final byte[] record = new byte[SIZE];

  Trust() {
    record[AUTH_DATE] = 0x20;
    record[(short) (AUTH_DATE + 1)] = 0x20;
    record[(short) (AUTH_DATE + 2)] = 0x01;
    record[(short) (AUTH_DATE + 3)] = 0x01;
  }

  /**
   * Whether a certificate of this kind counts now: a root in force, epoch, date. An element has no clock: authTime is the
   * least that it can be, so a certificate that begins later is not refused.
   */
  boolean accepts(Certificate certificate, byte[] octets, byte kind) {
    if (certificate.kind() != kind
        || Numbers.compare(octets, certificate.epoch(), record, MIN_EPOCH, (short) 2) < 0
        || Numbers.compare(octets, certificate.expiration(), record, AUTH_DATE, (short) 4) < 0) {
      return false;
    }
    return certificate.isSignedBy(record, ROOT)
        || (record[HAS_SECOND] != 0 && certificate.isSignedBy(record, SECOND_ROOT));
  }
}
