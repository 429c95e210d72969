// SPDX-License-Identifier: Apache-2.0
package kagibin.simulation;

import java.security.SecureRandom;
import java.util.Arrays;

/** P and its parts (doc/wire_format.md, 5), with keys drawn at random. */
public final class PayloadText {
  private static final SecureRandom RANDOM = new SecureRandom();

  private PayloadText() {}

  public static byte[] random(int size) {
    byte[] out = new byte[size];
    RANDOM.nextBytes(out);
    return out;
  }

  public static Scp03Card.KeySet keySet(int size) {
    return new Scp03Card.KeySet(random(size), random(size), random(size));
  }

  private static byte[] key(byte[] value) {
    byte[] ones = new byte[16];
    Arrays.fill(ones, (byte) 1);
    byte[] kcv = Arrays.copyOf(Cryptography.block(value, ones), 3);
    return Octets.tlv(0xA0, Octets.tlv(0x80, Octets.of(0x88)), Octets.tlv(0x81, value), Octets.tlv(0x82, kcv));
  }

  /** PUT KEY of one to three keys. */
  public static byte[] putKeys(int oldVersion, int newVersion, int identifier, byte[]... keys) {
    byte[] body = Octets.join(Octets.tlv(0x80, Octets.of(oldVersion)), Octets.tlv(0x81, Octets.of(newVersion)),
        Octets.tlv(0x82, Octets.of(identifier)));
    for (byte[] one : keys) {
      body = Octets.join(body, key(one));
    }
    return Octets.tlv(0xA1, body);
  }

  public static byte[] putSet(int oldVersion, int newVersion, Scp03Card.KeySet set) {
    return putKeys(oldVersion, newVersion, 1, set.enc, set.mac, set.dek);
  }

  public static byte[] deleteKey(int version) {
    return Octets.tlv(0xA3, Octets.tlv(0x80, Octets.of(version)));
  }

  /** {@code application} and {@code probe} may be null. */
  public static byte[] storeData(byte[] application, int flags, byte[] groups, byte[] probe) {
    return Octets.tlv(0xA2, application == null ? new byte[0] : Octets.tlv(0x80, application),
        Octets.tlv(0x81, Octets.of(flags)), Octets.tlv(0x82, groups),
        probe == null ? new byte[0] : Octets.tlv(0x83, probe));
  }

  public static byte[] command(byte[] header, byte[] data, byte[] probe) {
    return Octets.tlv(0xA4, Octets.tlv(0x80, header), Octets.tlv(0x81, data),
        probe == null ? new byte[0] : Octets.tlv(0x83, probe));
  }

  /** {@code channel} may be null: without C1, as at RL2. */
  public static byte[] payload(int version, Scp03Card.KeySet channel, byte[] receiptKey, byte[]... actions) {
    byte[] keys = channel == null ? new byte[0]
        : Octets.tlv(0xC1, Octets.tlv(0x80, Octets.of(version)), Octets.tlv(0x81, channel.enc),
            Octets.tlv(0x82, channel.mac), Octets.tlv(0x83, channel.dek));
    return Octets.join(Octets.tlv(0xC0, actions), keys, Octets.tlv(0xC2, receiptKey));
  }
}
