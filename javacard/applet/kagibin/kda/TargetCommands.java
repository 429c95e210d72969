// SPDX-License-Identifier: Apache-2.0
package kagibin.kda;

import javacard.framework.JCSystem;
import javacard.framework.Util;

/**
 * The commands to the target that carry out one action, before the secure channel wraps them
 * (kagibin/se/kda/target/target_commands.h). Each is made when it is to be sent: CLA INS P1 P2, room for Lc, data.
 *
 * <p>STORE DATA keeps data groups whole while they fit a block; one that is longer goes over several. Under Key-DEK each
 * value is encrypted by itself; a block that starts inside one encrypts it again up to there.
 */
final class TargetCommands {
  private static final byte GROUP = 0; // of the payload: the group to go on with
  private static final byte SENT = 1; // octets of it that have been put in blocks
  private static final byte BLOCK = 2; // number of the next block
  private static final short DATA = 5; // behind header and Lc

  private final Actions actions;
  private final Payload payload;
  private final TargetChannel channel;
  private final Aes aes;
  private final byte[] work;
  private final short[] progress = JCSystem.makeTransientShortArray((short) 3, JCSystem.CLEAR_ON_RESET);

  TargetCommands(Engines engines, Actions what, TargetChannel target) {
    actions = what;
    payload = what.payload;
    channel = target;
    aes = engines.aes;
    work = engines.ram.work;
  }

  static void header(byte[] to, short at, byte cla, byte ins, byte p1, byte p2) {
    to[at] = cla;
    to[(short) (at + 1)] = ins;
    to[(short) (at + 2)] = p1;
    to[(short) (at + 3)] = p2;
  }

  /** Back to the first command of an action. */
  void start(short action) {
    progress[BLOCK] = 0;
    progress[SENT] = 0;
    if (actions.kind(action) == Actions.STORE_DATA) {
      progress[GROUP] = actions.find(action, (short) 0x82).value();
    }
  }

  /** Whether STORE DATA names an application, so that INSTALL [for personalization] goes before it. */
  boolean personalizes(short action) {
    return actions.kind(action) == Actions.STORE_DATA && actions.find(action, (short) 0x80) != null;
  }

  short personalization(short action, byte[] to, short at) {
    header(to, at, (byte) 0x80, (byte) 0xE6, (byte) 0x20, (byte) 0x00);
    Cursor application = actions.find(action, (short) 0x80);
    short size = application.length();
    Util.arrayFillNonAtomic(to, (short) (at + DATA), (short) 2, (byte) 0);
    to[(short) (at + DATA + 2)] = (byte) size;
    short end = payload.copy(application.value(), to, (short) (at + DATA + 3), size);
    Util.arrayFillNonAtomic(to, end, (short) 3, (byte) 0);
    return (short) (end + 3 - at - DATA);
  }

  /** GET DATA 00E0 (GPCS 11.3). */
  static short keyInformation(byte[] to, short at) {
    header(to, at, (byte) 0x80, (byte) 0xCA, (byte) 0x00, (byte) 0xE0);
    return 0;
  }

  short probe(short action, byte[] to, short at) {
    Cursor found = actions.find(action, (short) 0x83);
    short size = found.length();
    short value = found.value();
    payload.copy(value, to, at, (short) 4);
    short octets = size <= 5 ? (short) 0 : payload.number((short) (value + 4));
    payload.copy((short) (value + 5), to, (short) (at + DATA), octets);
    return octets;
  }

  /** Whether commands of this action are left. */
  boolean hasMore(short action) {
    return actions.kind(action) == Actions.STORE_DATA && progress[GROUP] < dataEnd(action);
  }

  private short dataEnd(short action) {
    Cursor data = actions.find(action, (short) 0x82);
    return (short) (data.value() + data.length());
  }

  /** The next command; answers the length of its data, -1 when it does not fit {@code limit}. */
  short next(short action, byte[] to, short at, short limit) {
    switch (actions.kind(action)) {
      case Actions.PUT_KEY:
        return putKey(action, to, at);
      case Actions.STORE_DATA:
        return storeData(action, to, at, limit);
      case Actions.DELETE_KEY:
        header(to, at, (byte) 0x80, (byte) 0xE4, (byte) 0x00, (byte) 0x00);
        Tlv.put(to, (short) (at + DATA), (byte) 0xD2, actions.deletedVersion(action));
        return 3;
      default:
        return own(action, to, at, limit);
    }
  }

  private short own(short action, byte[] to, short at, short limit) {
    short value = actions.value(action);
    payload.copy((short) (value + 2), to, at, (short) 4);
    Cursor data = actions.find(action, (short) 0x81);
    if (data.length() > limit) {
      return -1;
    }
    payload.copy(data.value(), to, (short) (at + DATA), data.length());
    return data.length();
  }

  private short putKey(short action, byte[] to, short at) {
    boolean isOne = actions.key(action, (short) 1) == 0;
    byte p2 = (byte) (actions.firstIdentifier(action) | (isOne ? 0x00 : 0x80));
    header(to, at, (byte) 0x80, (byte) 0xD8, actions.oldVersion(action), p2);
    channel.encryptUnderDek();
    short end = (short) (at + DATA);
    to[end++] = actions.newVersion(action);
    for (short i = 0; i < 3; ++i) {
      short key = actions.key(action, i);
      if (key == 0) {
        break;
      }
      short size = actions.keySize(key);
      short padded = size == 24 ? (short) 32 : size;
      to[end++] = (byte) 0x88;
      to[end++] = (byte) (padded + 1);
      to[end++] = (byte) size;
      Util.arrayFillNonAtomic(to, end, padded, (byte) 0);
      payload.copy(key, to, end, size);
      if (padded > size) {
        to[(short) (end + size)] = (byte) 0x80;
      }
      Util.arrayFillNonAtomic(work, Ram.BLOCK, Aes.BLOCK, (byte) 0);
      aes.cbcEncrypt(to, end, padded, work, Ram.BLOCK);
      end = (short) (end + padded);
      to[end++] = 0x03;
      end = payload.copy((short) (key + size + 2), to, end, (short) 3);
    }
    return (short) (end - at - DATA);
  }

  private short storeData(short action, byte[] to, short at, short limit) {
    Cursor flags = actions.find(action, (short) 0x81);
    boolean isSecret = payload.at(flags.value()) == 1;
    short end = dataEnd(action);
    if (isSecret) {
      channel.encryptUnderDek();
    }
    short used = 0;
    while (progress[GROUP] < end) {
      short group = progress[GROUP];
      short rest = (short) (encodedSize(group, isSecret) - progress[SENT]);
      short room = (short) (limit - used);
      if (rest > room && used > 0) {
        break;
      }
      short count = rest > room ? room : rest;
      putGroup(group, isSecret, progress[SENT], count, to, (short) (at + DATA + used));
      used = (short) (used + count);
      if (count < rest) {
        progress[SENT] = (short) (progress[SENT] + count);
        break;
      }
      progress[GROUP] = (short) (actions.groupValue(group) + actions.groupLength(group));
      progress[SENT] = 0;
    }
    byte p1 = (byte) ((progress[GROUP] < end ? 0x00 : 0x80) | (isSecret ? 0x60 : 0x00) | 0x08);
    header(to, at, (byte) 0x80, (byte) 0xE2, p1, (byte) progress[BLOCK]);
    ++progress[BLOCK];
    return used;
  }

  /** Octets of a value as it goes to the target. */
  private short valueSize(short group, boolean isSecret) {
    short size = actions.groupLength(group);
    return isSecret ? (short) ((short) (size + 15) & (short) 0xFFF0) : size;
  }

  private short encodedSize(short group, boolean isSecret) {
    short size = valueSize(group, isSecret);
    return (short) (size + (size < 0xFF ? 3 : 5));
  }

  /** Octets {@code from} and {@code count} behind it of a group as it goes to the target. */
  private void putGroup(short group, boolean isSecret, short from, short count, byte[] to, short at) {
    short size = valueSize(group, isSecret);
    short head = size < 0xFF ? (short) 3 : (short) 5;
    for (; from < head && count > 0; ++from, --count) {
      to[at++] = headOctet(group, size, from);
    }
    short first = (short) (from - head);
    if (isSecret) {
      putSecret(group, first, count, to, at);
    } else if (count > 0) {
      payload.copy((short) (actions.groupValue(group) + first), to, at, count);
    }
  }

  private byte headOctet(short group, short size, short index) {
    if (index < 2) {
      return payload.at((short) (group + index));
    }
    if (size < 0xFF) {
      return (byte) size;
    }
    return index == 2 ? (byte) 0xFF : index == 3 ? (byte) (size >> 8) : (byte) size;
  }

  /** The value under the key that the cipher has, CBC from a zero IV: those octets of it that are asked for. */
  private void putSecret(short group, short from, short count, byte[] to, short at) {
    short value = actions.groupValue(group);
    short size = actions.groupLength(group);
    short end = (short) (from + count);
    Util.arrayFillNonAtomic(work, Ram.BLOCK, Aes.BLOCK, (byte) 0);
    for (short block = 0; block < end; block = (short) (block + Aes.BLOCK)) {
      for (short i = 0; i < Aes.BLOCK; ++i) {
        short index = (short) (block + i);
        byte octet = index < size ? payload.at((short) (value + index)) : index == size ? (byte) 0x80 : 0;
        work[(short) (Ram.BLOCK + i)] ^= octet;
      }
      aes.block(work, Ram.BLOCK, work, Ram.BLOCK);
      for (short i = 0; i < Aes.BLOCK; ++i) {
        short index = (short) (block + i);
        if (index >= from && index < end) {
          to[at++] = work[(short) (Ram.BLOCK + i)];
        }
      }
    }
  }
}
