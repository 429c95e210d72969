// SPDX-License-Identifier: Apache-2.0
package kagibin.simulation;

import java.io.ByteArrayOutputStream;
import java.math.BigInteger;
import java.nio.charset.StandardCharsets;
import java.util.Arrays;

/** Octet strings: hexadecimal, joined, cut, and as BER-TLV. */
public final class Octets {
  private Octets() {}

  public static byte[] hex(String text) {
    String digits = text.replaceAll("\\s", "");
    byte[] out = new byte[digits.length() / 2];
    for (int i = 0; i < out.length; ++i) {
      out[i] = (byte) Integer.parseInt(digits.substring(2 * i, 2 * i + 2), 16);
    }
    return out;
  }

  public static String hex(byte[] octets) {
    StringBuilder out = new StringBuilder();
    for (byte octet : octets) {
      out.append(String.format("%02X", octet));
    }
    return out.toString();
  }

  public static byte[] ascii(String text) {
    return text.getBytes(StandardCharsets.US_ASCII);
  }

  public static byte[] of(int... octets) {
    byte[] out = new byte[octets.length];
    for (int i = 0; i < out.length; ++i) {
      out[i] = (byte) octets[i];
    }
    return out;
  }

  public static byte[] join(byte[]... pieces) {
    ByteArrayOutputStream out = new ByteArrayOutputStream();
    for (byte[] piece : pieces) {
      out.write(piece, 0, piece.length);
    }
    return out.toByteArray();
  }

  public static byte[] cut(byte[] octets, int from, int to) {
    return Arrays.copyOfRange(octets, from, to);
  }

  public static byte[] fixed(BigInteger number, int size) {
    byte[] out = new byte[size];
    byte[] digits = number.toByteArray();
    for (int i = 0; i < Math.min(size, digits.length); ++i) {
      out[size - 1 - i] = digits[digits.length - 1 - i];
    }
    return out;
  }

  public static byte[] number(long value, int size) {
    return fixed(BigInteger.valueOf(value), size);
  }

  private static byte[] tag(int tag) {
    return tag > 0xFF ? of(tag >> 8, tag) : of(tag);
  }

  public static byte[] tlv(int tag, byte[]... pieces) {
    byte[] value = join(pieces);
    int size = value.length;
    byte[] length = size < 0x80 ? of(size) : size < 0x100 ? of(0x81, size) : of(0x82, size >> 8, size);
    return join(tag(tag), length, value);
  }

  /** Where the data object {@code index} of a list starts and its value starts and ends. */
  private static int[] place(byte[] list, int index) {
    int at = 0;
    while (true) {
      int start = at;
      at += (list[at] & 0x1F) == 0x1F ? 2 : 1;
      int length = list[at++] & 0xFF;
      if (length == 0x81) {
        length = list[at++] & 0xFF;
      } else if (length == 0x82) {
        length = (list[at] & 0xFF) << 8 | list[at + 1] & 0xFF;
        at += 2;
      }
      if (index-- == 0) {
        return new int[] {start, at, at + length};
      }
      at += length;
    }
  }

  public static byte[] value(byte[] list, int index) {
    int[] place = place(list, index);
    return cut(list, place[1], place[2]);
  }

  /** With tag and length. */
  public static byte[] object(byte[] list, int index) {
    int[] place = place(list, index);
    return cut(list, place[0], place[2]);
  }

  public static int count(byte[] list) {
    int count = 0;
    for (int at = 0; at < list.length; ++count) {
      at = place(list, count)[2];
    }
    return count;
  }

  /** The value of the first data object with this tag; null when there is none. */
  public static byte[] find(byte[] list, int tag) {
    for (int i = 0; i < count(list); ++i) {
      byte[] object = object(list, i);
      byte[] wanted = tag(tag);
      if (Arrays.equals(cut(object, 0, wanted.length), wanted)) {
        return value(list, i);
      }
    }
    return null;
  }
}
