// SPDX-License-Identifier: Apache-2.0
package kagibin.kda;

import javacard.framework.Util;

/** Writes BER-TLV with tags of one octet. Every function answers where the next octet goes. */
final class Tlv {
  private Tlv() {}

  /** Octets of tag and length. */
  static short headSize(short length) {
    return length < 0x80 ? (short) 2 : length < 0x100 ? (short) 3 : (short) 4;
  }

  static short head(byte[] out, short at, byte tag, short length) {
    out[at++] = tag;
    if (length >= 0x100) {
      out[at++] = (byte) 0x82;
      return Util.setShort(out, at, length);
    }
    if (length >= 0x80) {
      out[at++] = (byte) 0x81;
    }
    out[at++] = (byte) length;
    return at;
  }

  /** Puts tag and length before a value that stands there already; answers where they start. */
  static short headBefore(byte[] out, short at, byte tag, short length) {
    short start = (short) (at - headSize(length));
    head(out, start, tag, length);
    return start;
  }

  static short put(byte[] out, short at, byte tag, byte[] value, short valueAt, short length) {
    at = head(out, at, tag, length);
    return Util.arrayCopyNonAtomic(value, valueAt, out, at, length);
  }

  static short put(byte[] out, short at, byte tag, byte value) {
    at = head(out, at, tag, (short) 1);
    out[at++] = value;
    return at;
  }
}
