// SPDX-License-Identifier: Apache-2.0
package kagibin.kda;

import static org.junit.Assert.assertArrayEquals;
import static org.junit.Assert.assertEquals;
import static org.junit.Assert.assertFalse;
import static org.junit.Assert.assertTrue;

import kagibin.simulation.Cryptography;
import kagibin.simulation.Octets;
import kagibin.simulation.PayloadText;
import kagibin.simulation.Provider;
import kagibin.simulation.Scp03Card;
import org.junit.Test;

/** Whole deliveries, over the sizes of keys and the modes of the channel, and over the kinds of actions. */
public class DeliveryTest {
  private static final int[] PARAMETERS = {0x20, 0x30, 0x60, 0x70, 0x21, 0x31, 0x61, 0x71};

  @Test
  public void opensEveryKindOfScp03Channel() {
    for (int size : new int[] {16, 24, 32}) {
      for (int i : PARAMETERS) {
        World world = new World(size, i, 0);
        world.mask = i & 0x21;
        world.select();
        Scp03Card.KeySet fresh = PayloadText.keySet(size);
        Provider.Attempt attempt = world.deliver(PayloadText.putSet(World.OLD_VERSION, World.NEW_VERSION, fresh));
        assertArrayEquals(size + " " + i, Octets.of(0), world.results(attempt));
        assertTrue(World.holds(world.target.keySets.get(World.NEW_VERSION), fresh));
        assertEquals(6, world.state(attempt));
      }
    }
  }

  @Test
  public void withoutRmacOnlyAWholeKeySetIsDeliveredAndItsCryptogramProvesIt() {
    for (int i : new int[] {0x00, 0x10, 0x01, 0x11}) {
      World world = new World(16, i, 0);
      world.mask = 0;
      world.select();
      Scp03Card.KeySet fresh = PayloadText.keySet(16);
      Provider.Attempt attempt = world.deliver(PayloadText.putSet(World.OLD_VERSION, World.NEW_VERSION, fresh));
      assertArrayEquals(Octets.of(1), world.results(attempt));
      assertTrue(World.holds(world.target.keySets.get(World.NEW_VERSION), fresh));
    }
    World world = new World(16, 0x00, 0);
    world.mask = 0;
    world.select();
    Provider.Attempt attempt = world.enrol();
    World.ok(world.load(attempt, world.seal(attempt, PayloadText.deleteKey(World.OLD_VERSION))));
    assertEquals(World.WAIT, world.pump(attempt));
    assertArrayEquals(Octets.of(5), world.results(attempt));
  }

  @Test
  public void everyKindOfActionArrivesInOrderAndUnderItsKeys() {
    World world = new World(32, 0x71, 0);
    world.select();
    byte[] longValue = PayloadText.random(300);
    byte[] groups = Octets.join(Octets.hex("0101 03 010203"), Octets.hex("8010 FF"), Octets.number(300, 2), longValue,
        Octets.hex("0102 05 0504030201"));
    Scp03Card.KeySet added = PayloadText.keySet(24);
    byte[] single = PayloadText.random(16);
    Provider.Attempt attempt = world.deliver(
        PayloadText.storeData(Octets.hex("A00000015153504101"), 0, groups, null),
        PayloadText.command(Octets.hex("80F00102"), Octets.hex("AABB"), null),
        PayloadText.putSet(0, 0x32, added),
        PayloadText.putKeys(0, 0x40, 5, single));
    assertArrayEquals(Octets.of(0, 0, 0, 0), world.results(attempt));
    assertTrue(World.holds(world.target.keySets.get(0x32), added));
    assertArrayEquals(single, world.target.otherKeys.get(0x40 << 8 | 5));
    // INSTALL [for personalization], blocks of 223 octets at most, the command.
    String received = Octets.hex(world.target.received);
    String install = Octets.hex(Octets.join(Octets.hex("E62000 0000 09 A00000015153504101 000000")));
    assertTrue(received.startsWith(install));
    String blocks = Octets.hex(Octets.hex("E20800 0101 03 010203"))
        + Octets.hex(Octets.join(Octets.hex("E20801 8010 FF"), Octets.number(300, 2), Octets.cut(longValue, 0, 218)))
        + Octets.hex(Octets.join(Octets.hex("E28802"), Octets.cut(longValue, 218, 300), Octets.hex("0102 05 0504030201")));
    assertEquals(blocks, received.substring(install.length(), install.length() + blocks.length()));
    assertTrue(received.substring(install.length() + blocks.length()).startsWith("F00102AABB"));
  }

  @Test
  public void aValueUnderKeyDekIsEncryptedByItselfAlsoOverSeveralBlocks() {
    World world = new World();
    world.select();
    byte[] value = PayloadText.random(300);
    byte[] whole = PayloadText.random(16);
    byte[] groups = Octets.join(Octets.hex("8010 FF"), Octets.number(300, 2), value, Octets.hex("8011 10"), whole,
        Octets.hex("8012 00"));
    world.deliver(PayloadText.storeData(null, 1, groups, null));
    byte[] dek = world.channelKeys.dek;
    byte[] cipher = Cryptography.cbcEncrypt(dek, new byte[16], Cryptography.pad(value));
    byte[] expected = Octets.join(Octets.hex("8010 FF"), Octets.number(304, 2), cipher, Octets.hex("8011 10"),
        Cryptography.cbcEncrypt(dek, new byte[16], whole), Octets.hex("8012 00"));
    byte[] received = world.target.received;
    byte[] joined = Octets.join(Octets.cut(received, 3, 3 + 239), Octets.cut(received, 3 + 239 + 3, received.length));
    assertEquals("E26800", Octets.hex(Octets.cut(received, 0, 3)));
    assertEquals("E2E801", Octets.hex(Octets.cut(received, 242, 245)));
    assertArrayEquals(expected, joined);
  }

  /** RL3: the channel of RL1 under a set that the provider alone knows, which only the level says. */
  @Test
  public void atRl3TheFloorRisesAndNothingBelowIsOfferedOrTaken() {
    World world = new World();
    world.select();
    Provider.Attempt attempt = world.enrol();
    assertArrayEquals(Octets.of(5), Octets.find(Octets.value(attempt.statement, 0), 0x88));
    byte[] own = Octets.of(World.OLD_VERSION, world.mask);
    Scp03Card.KeySet fresh = PayloadText.keySet(16);
    byte[] payload = world.payload(attempt, PayloadText.putSet(0, World.NEW_VERSION, fresh));
    byte[] header = world.provider.header(attempt, 3, own, ++world.seq, 1000, 2000);
    World.ok(world.load(attempt, world.provider.seal(attempt, header, payload)));
    assertEquals(World.DONE, world.pump(attempt));
    assertArrayEquals(Octets.of(0), world.results(attempt));
    assertArrayEquals(Octets.of(3), Octets.find(Octets.value(World.ok(world.receipt(attempt)), 0), 0x84));
    assertTrue(World.holds(world.target.keySets.get(World.NEW_VERSION), fresh));

    Provider.Attempt next = world.enrol();
    assertArrayEquals("below the floor", Octets.of(4), Octets.find(Octets.value(next.statement, 0), 0x88));
    byte[] low = world.provider.header(next, 1, own, ++world.seq, 1000, 2000);
    byte[] deletion = world.payload(next, PayloadText.deleteKey(World.NEW_VERSION));
    assertEquals(0x6985, World.status(world.load(next, world.provider.seal(next, low, deletion))));
    byte[] high = world.provider.header(next, 3, own, world.seq, 1000, 2000);
    World.ok(world.load(next, world.provider.seal(next, high, deletion)));
    assertEquals(World.DONE, world.pump(next));
  }

  /** The level is in the aad: an envelope goes neither up nor down on the way. */
  @Test
  public void aLevelThatWasNotSealedIsRefusedInBothDirections() {
    for (int[] levels : new int[][] {{1, 3}, {3, 1}}) {
      World world = new World();
      world.select();
      Provider.Attempt attempt = world.enrol();
      byte[] own = Octets.of(World.OLD_VERSION, world.mask);
      byte[] header = world.provider.header(attempt, levels[0], own, ++world.seq, 1000, 2000);
      byte[] envelope = world.provider.seal(attempt, header,
          world.payload(attempt, PayloadText.putSet(0, World.NEW_VERSION, PayloadText.keySet(16))));
      byte[] changed = envelope.clone();
      changed[Octets.hex(changed).indexOf("84010" + levels[0]) / 2 + 2] = (byte) levels[1];
      assertEquals(0x6985, World.status(world.load(attempt, changed)));
      World.ok(world.load(attempt, envelope));
      assertEquals(World.DONE, world.pump(attempt));
    }
  }

  @Test
  public void severalDeliveriesToOneTargetKeepTheirOrder() {
    World world = new World();
    world.select();
    Scp03Card.KeySet one = PayloadText.keySet(16);
    Provider.Attempt first = world.deliver(PayloadText.putSet(0, 0x32, one));
    byte[] acknowledged = Cryptography.sha256(World.ok(world.receipt(first)));
    Provider.Attempt second = world.attempt();
    second.request = world.provider.request(second, World.TARGET, 0, acknowledged);
    byte[] e1 = world.provider.open(second, World.ok(world.send(0x10, second.request)));
    assertArrayEquals(Octets.number(1, 4), Octets.find(e1, 0x8C));
    assertArrayEquals(Octets.of(0x32), Octets.find(e1, 0x8B));
    assertArrayEquals(Octets.number(2, 4), Octets.find(e1, 0x89));
    assertEquals(0x6A88, World.status(world.receipt(first)));
    // The same SEQ again is refused behind the signature, and counted.
    world.seq = 0;
    assertEquals(0x6985, World.status(world.load(second, world.seal(second, PayloadText.deleteKey(0x32)))));
    assertArrayEquals(Octets.of(4), world.results(second));
    world.seq = 1;
    World.ok(world.load(second, world.seal(second, PayloadText.deleteKey(0x32))));
    assertEquals(World.DONE, world.pump(second));
    assertArrayEquals(Octets.of(0), world.results(second));
    assertFalse(world.target.keySets.containsKey(0x32));
  }

  @Test
  public void countsEnrolmentsAndReceiptsForEachProviderAlone() {
    World world = new World(16, 0x70, 4);
    world.select();
    Provider other = world.provider(Octets.hex("53504944020000000000000000000000"), 1);
    int[] counts = new int[2]; // of the other's enrolments and receipts
    byte[][] targets = {World.TARGET, Octets.hex("A00000015153504B02")};
    for (int round = 1; round <= 3; ++round) {
      Provider.Attempt own = world.deliver(PayloadText.putSet(0, 0x40 + round, PayloadText.keySet(16)));
      assertArrayEquals(Octets.number(round, 4), Octets.find(Octets.value(own.statement, 0), 0x89));
      world.results(own);
      assertArrayEquals(Octets.number(round, 4), own.counter);
      for (byte[] target : targets) { // in a slot more than one
        Provider.Attempt attempt = world.attempt();
        attempt.request = other.request(attempt, target, 0, null);
        byte[] e1 = other.open(attempt, World.ok(world.send(0x10, attempt.request)));
        assertArrayEquals(Octets.number(++counts[0], 4), Octets.find(e1, 0x89));
        byte[] request = other.request(cancellation(world, attempt), target, 1, null);
        assertEquals(0x9000, World.status(world.send(0x18, request)));
        assertArrayEquals(Octets.of(6), other.judge(attempt, World.ok(world.receipt(attempt))));
        assertArrayEquals(Octets.number(++counts[1], 4), attempt.counter);
      }
    }
  }

  /** With a nonce of its own, under the key of the attempt that it cancels. */
  private static Provider.Attempt cancellation(World world, Provider.Attempt of) {
    Provider.Attempt out = world.attempt();
    out.kemPoint = of.kemPoint;
    return out;
  }
}
