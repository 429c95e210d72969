// SPDX-License-Identifier: Apache-2.0
package kagibin.kda;

import javacard.framework.ISO7816;
import javacard.framework.ISOException;

/**
 * Card recognition data (GPCS H.2), 66 { 73 { 06 | 60 { 06 } | 64 { 06 ... } ... } }, read as strictly as the native
 * application does: object identifiers of GlobalPlatform in minimal arcs. Asked what the domain's SCP11 is: its parameter
 * "i" (Amendment F, 7.1) is an arc, b8 of the first octet announces the second.
 */
final class Recognition {
  private static final byte[] GLOBAL_PLATFORM = {0x2A, (byte) 0x86, 0x48, (byte) 0x86, (byte) 0xFC, 0x6B};
  private static final short LONGEST = 32; // octets of an object identifier
  private static final byte SCP11 = 0x11;
  private static final byte HAS_A = 0x01;
  private static final byte HAS_S16 = 0x40;
  private static final byte OTHER_FORMAT = 0x04; // of the second octet: no certificates in GlobalPlatform's format

  private final Cursor outer;
  private final Cursor inner;
  private final byte[] octets;

  Recognition(Engines engines) {
    outer = engines.cursor;
    inner = engines.inner;
    octets = engines.ram.exchange;
  }

  /** 8 or 16 where the first SCP11 that is told has variant a, 0 otherwise; throws 6A80 when the data are none. */
  short macSize(short at, short size) {
    outer.open(octets, at, size);
    short value = outer.expect((short) 0x66, (short) 0, Cursor.ANY_LENGTH);
    short length = outer.length();
    outer.finish();
    outer.open(octets, value, length);
    value = outer.expect((short) 0x73, (short) 0, Cursor.ANY_LENGTH);
    outer.open(octets, value, outer.length());
    outer.expect((short) 0x06, (short) 1, LONGEST);
    require(arcs(outer.value(), outer.length()) == 1 && firstArc(outer.value()) == 1);
    boolean hasVersion = false;
    short parameter = 0;
    while (!outer.isEmpty()) {
      outer.read();
      inner.open(octets, outer.value(), outer.length());
      if (outer.tag() == 0x60) {
        inner.expect((short) 0x06, (short) 1, LONGEST);
        inner.finish();
        require(!hasVersion && arcs(inner.value(), inner.length()) >= 2 && firstArc(inner.value()) == 2);
        hasVersion = true;
      } else if (outer.tag() == 0x64) {
        short found = parameterOf();
        parameter = parameter == 0 ? found : parameter;
      }
    }
    return parameter == 0 ? (short) 0 : judge(parameter);
  }

  /** Where the parameter of the first SCP11 in a 64 stands, 0 when there is none. */
  private short parameterOf() {
    short parameter = 0;
    while (!inner.isEmpty()) {
      short at = inner.expect((short) 0x06, (short) 1, LONGEST);
      require(arcs(at, inner.length()) == 3 && firstArc(at) == 4);
      short protocol = (short) (at + GLOBAL_PLATFORM.length + 1);
      boolean isLong = octets[protocol] < 0;
      short own = (short) (protocol + (isLong ? 2 : 1));
      // A protocol up to FF, a parameter of one octet or two.
      require(!isLong || octets[protocol] == (byte) 0x81);
      require((short) (at + inner.length() - own) <= 2);
      if (parameter == 0 && octets[protocol] == SCP11) {
        parameter = own;
      }
    }
    return parameter;
  }

  private short judge(short parameter) {
    byte first = octets[parameter];
    boolean isOther = first < 0 && (byte) (octets[(short) (parameter + 1)] & OTHER_FORMAT) != 0;
    if ((byte) (first & HAS_A) == 0 || isOther) {
      return 0;
    }
    return (byte) (first & HAS_S16) != 0 ? (short) 16 : (short) 8;
  }

  private byte firstArc(short at) {
    return octets[(short) (at + GLOBAL_PLATFORM.length)];
  }

  /** How many arcs follow {globalPlatform}, each minimal and of at most four octets. */
  private short arcs(short at, short size) {
    short end = (short) (at + size);
    short next = (short) (at + GLOBAL_PLATFORM.length);
    require(next < end && Numbers.equal(octets, at, GLOBAL_PLATFORM, (short) 0, (short) GLOBAL_PLATFORM.length));
    short count = 0;
    while (next < end) {
      require(octets[next] != (byte) 0x80);
      short first = next;
      while (next < end && octets[next] < 0) {
        ++next;
      }
      ++next;
      require(next <= end && (short) (next - first) <= 4);
      ++count;
    }
    return count;
  }

  private static void require(boolean holds) {
    if (!holds) {
      ISOException.throwIt(ISO7816.SW_WRONG_DATA);
    }
  }
}
