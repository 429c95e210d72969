// SPDX-License-Identifier: Apache-2.0
package kagibin.kda;

import javacard.framework.Util;

/** One of the certificates that the maker stored, or the place for it. */
final class KeptCertificate {
  private final byte[] octets = new byte[Certificate.MOST];
  private short size;

  void store(byte[] from, short at, short count) {
    Util.arrayCopyNonAtomic(from, at, octets, (short) 0, count);
    size = count;
  }

  boolean isThere() {
    return size > 0;
  }

  /** Answers where the next octet goes. */
  short copy(byte[] to, short at) {
    return Util.arrayCopyNonAtomic(octets, (short) 0, to, at, size);
  }
}
