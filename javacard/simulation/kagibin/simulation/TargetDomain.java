// SPDX-License-Identifier: Apache-2.0
package kagibin.simulation;

import java.util.Arrays;
import java.util.Map;
import java.util.TreeMap;
import java.util.function.UnaryOperator;

/**
 * A security domain to deliver into: SCP03 and, if asked for, SCP11a; PUT KEY, DELETE KEY, STORE DATA, GET DATA 00E0. It
 * keeps what it was given for a test to look at. Short APDUs on channel 0, without SELECT.
 */
public final class TargetDomain implements PlainApplication {
  private static final byte[] OK = Octets.of(0x90, 0x00);
  public final Map<Integer, Scp03Card.KeySet> keySets = new TreeMap<>();
  /** Keys that are no whole set: version * 256 + identifier. */
  public final Map<Integer, byte[]> otherKeys = new TreeMap<>();
  /** Plain data of every STORE DATA and other command, header before it. */
  public byte[] received = new byte[0];
  /** Looks at every plain answer before it is wrapped, and may change its last two octets, the status word. */
  public UnaryOperator<byte[]> fault = answer -> answer;
  /** SCP11a beside SCP03; null: it does not speak it. */
  public Scp11Card scp11;
  private final byte[] aid;
  private final Scp03Card channel;

  public TargetDomain(byte[] ownAid, int i) {
    aid = ownAid;
    channel = new Scp03Card(i);
  }

  /** Key-DEK of the session that was opened last. */
  public byte[] keyDek() {
    return channel.keys().dek;
  }

  public boolean isOpen() {
    return channel.isOpen();
  }

  @Override
  public void reset() {
    channel.close();
    if (scp11 != null) {
      scp11.reset();
    }
  }

  private static byte[] status(int sw) {
    return Octets.number(sw, 2);
  }

  @Override
  public byte[] process(byte[] command) {
    int instruction = command[1] & 0xFF;
    boolean isSecure = (command[0] & 0x0C) != 0;
    boolean isOfScp11 = instruction == 0xCA || instruction == 0x2A || instruction == 0x82;
    if (scp11 != null && !isSecure && isOfScp11) {
      return byCertificates(command);
    }
    if (instruction == 0x50) {
      return initializeUpdate(command);
    }
    if (instruction == 0x82) {
      return channel.externalAuthenticate(command) ? OK : status(0x6300);
    }
    if (!isSecure) {
      return status(0x6982);
    }
    int lc = command.length > 5 ? command[4] & 0xFF : 0;
    byte[] data = channel.unwrap(Octets.cut(command, 0, 5 + lc));
    if (data == null) {
      return status(0x6982);
    }
    byte[] plain = fault.apply(obey(command, data));
    int sw = (plain[plain.length - 2] & 0xFF) << 8 | plain[plain.length - 1] & 0xFF;
    return Octets.join(channel.wrap(Octets.cut(plain, 0, plain.length - 2), sw), status(sw));
  }

  private byte[] byCertificates(byte[] command) {
    switch (command[1] & 0xFF) {
      case 0xCA:
        return command[2] == 0 && command[3] == 0x66 ? Octets.join(scp11.cardData(), OK) : status(0x6A88);
      case 0x2A:
        return scp11.verify(command);
      default:
        return scp11.authenticate(command, channel);
    }
  }

  private byte[] initializeUpdate(byte[] command) {
    channel.close();
    int size = command[4] & 0xFF;
    if (size != channel.mode()) {
      return status(0x6700);
    }
    int version = command[2] & 0xFF;
    Scp03Card.KeySet set = keySets.get(version);
    if (set == null) {
      return status(0x6A88);
    }
    return Octets.join(channel.initializeUpdate(version, set, Octets.cut(command, 5, 5 + size), aid), OK);
  }

  private byte[] obey(byte[] header, byte[] data) {
    received = Octets.join(received, Octets.cut(header, 1, 4), data);
    switch (header[1] & 0xFF) {
      case 0xD8:
        return putKey(header, data);
      case 0xE4:
        return deleteKey(data);
      case 0xCA:
        return Octets.join(keyInformation(), OK);
      default:
        return OK;
    }
  }

  private byte[] deleteKey(byte[] data) {
    int version = data[2];
    boolean wasThere = keySets.remove(version) != null;
    wasThere = otherKeys.keySet().removeIf(name -> name >> 8 == version) || wasThere;
    return wasThere ? Octets.of(0x00, 0x90, 0x00) : status(0x6A88);
  }

  private byte[] putKey(byte[] header, byte[] data) {
    int oldVersion = header[2];
    int newVersion = data[0];
    int identifier = header[3] & 0x7F;
    byte[][] keys = new byte[3][];
    byte[] answer = Octets.of(newVersion);
    int count = 0;
    for (int at = 1; at < data.length; ++count) {
      int blockSize = data[at + 1];
      int clearSize = data[at + 2];
      byte[] block = Octets.cut(data, at + 3, at + 2 + blockSize);
      keys[count] = Arrays.copyOf(Cryptography.cbcDecrypt(channel.keys().dek, new byte[16], block), clearSize);
      byte[] kcv = Octets.cut(data, at + 3 + blockSize, at + 6 + blockSize);
      byte[] ones = new byte[16];
      Arrays.fill(ones, (byte) 1);
      if (!Arrays.equals(kcv, Arrays.copyOf(Cryptography.block(keys[count], ones), 3))) {
        return status(0x6982);
      }
      answer = Octets.join(answer, kcv);
      at += 6 + blockSize;
    }
    if (oldVersion == 0 && keySets.containsKey(newVersion)) {
      return status(0x6A80);
    }
    if (oldVersion != 0 && !keySets.containsKey(oldVersion) && !otherKeys.containsKey(oldVersion << 8 | identifier)) {
      return status(0x6A88);
    }
    if (identifier == 1 && count == 3) {
      keySets.remove(oldVersion);
      keySets.put(newVersion, new Scp03Card.KeySet(keys[0], keys[1], keys[2]));
    } else {
      for (int i = 0; i < count; ++i) {
        putOne(newVersion, identifier + i, keys[i]);
      }
    }
    return Octets.join(answer, OK);
  }

  private void putOne(int version, int identifier, byte[] key) {
    Scp03Card.KeySet set = keySets.get(version);
    if (set == null || identifier > 3) {
      otherKeys.put(version << 8 | identifier, key);
      return;
    }
    keySets.put(version, new Scp03Card.KeySet(identifier == 1 ? key : set.enc, identifier == 2 ? key : set.mac,
        identifier == 3 ? key : set.dek));
  }

  private byte[] keyInformation() {
    byte[] entries = new byte[0];
    for (Map.Entry<Integer, Scp03Card.KeySet> one : keySets.entrySet()) {
      for (int identifier = 1; identifier <= 3; ++identifier) {
        byte[] entry = Octets.of(identifier, one.getKey(), 0x88, one.getValue().enc.length);
        entries = Octets.join(entries, Octets.tlv(0xC0, entry));
      }
    }
    for (Map.Entry<Integer, byte[]> one : otherKeys.entrySet()) {
      byte[] entry = Octets.of(one.getKey(), one.getKey() >> 8, 0x88, one.getValue().length);
      entries = Octets.join(entries, Octets.tlv(0xC0, entry));
    }
    return Octets.tlv(0xE0, entries);
  }
}
