// SPDX-License-Identifier: Apache-2.0
package kagibin.kda;

import static org.junit.Assert.assertArrayEquals;
import static org.junit.Assert.assertEquals;
import static org.junit.Assert.assertFalse;
import static org.junit.Assert.assertThrows;
import static org.junit.Assert.assertTrue;

import java.util.ArrayList;
import java.util.List;
import javacard.security.ECPrivateKey;
import kagibin.simulation.ObjectGraph;
import kagibin.simulation.Octets;
import kagibin.simulation.PayloadText;
import kagibin.simulation.Provider;
import kagibin.simulation.Scp03Card;
import org.junit.Test;

/**
 * Every class and every instruction in every state of a delivery: no answer carries a private key, a delivered key, a
 * channel key or Kr, nor half of one.
 */
public class PrivateKeyTest {
  private final List<String> secrets = new ArrayList<>();
  private long asked;

  private void guard(byte[] secret) {
    secrets.add(Octets.hex(Octets.cut(secret, 0, secret.length / 2)));
    secrets.add(Octets.hex(Octets.cut(secret, secret.length / 2, secret.length)));
  }

  /** Every private key that the applet's memory holds now. */
  private int guardPrivateKeys(World world) {
    int count = 0;
    for (Object one : ObjectGraph.of(world.card.applet()).objects()) {
      if (one instanceof ECPrivateKey && ((ECPrivateKey) one).isInitialized()) {
        byte[] scalar = new byte[32];
        ((ECPrivateKey) one).getS(scalar, (short) 0);
        guard(scalar);
        ++count;
      }
    }
    return count;
  }

  private void check(byte[] command, byte[] answer) {
    ++asked;
    if (answer.length < 10) {
      return;
    }
    String told = Octets.hex(answer);
    for (String secret : secrets) {
      assertFalse(Octets.hex(command) + " is answered by a secret", told.contains(secret));
    }
  }

  private void ask(World world, byte[] command) {
    check(command, world.card.transmitPlainly(command));
  }

  private void askEverything(World world, byte[] handle) {
    byte[] handleTlv = Octets.tlv(0x83, handle);
    for (int cla = 0; cla < 256; ++cla) {
      for (int instruction = 0; instruction < 256; ++instruction) {
        ask(world, Octets.of(cla, instruction, 0, 0, 0));
      }
    }
    for (int instruction = 0; instruction < 256; ++instruction) {
      for (int parameter : new int[] {0x0000, 0x0001, 0x0100, 0x00E0, 0x9F7F, 0xFFFF}) {
        byte[] head = Octets.of(0x80, instruction, parameter >> 8, parameter);
        ask(world, Octets.join(head, Octets.of(18), handleTlv, Octets.of(0)));
        ask(world, Octets.join(head, Octets.of(1, 0, 0)));
      }
    }
  }

  @Test
  public void noAnswerToAnyClassAndInstructionCarriesASecret() {
    World world = new World();
    world.select();
    Provider.Attempt attempt = world.enrol();
    Scp03Card.KeySet fresh = PayloadText.keySet(16);
    for (byte[] key : new byte[][] {fresh.enc, fresh.mac, fresh.dek, world.channelKeys.enc, world.channelKeys.mac,
        world.channelKeys.dek, attempt.receiptKey}) {
      guard(key);
    }
    assertEquals("SK.KDA.SIG, SK.OCE.ECKA, skE", 3, guardPrivateKeys(world));
    askEverything(world, attempt.handle);
    byte[] envelope = world.seal(attempt, PayloadText.putSet(World.OLD_VERSION, World.NEW_VERSION, fresh));
    World.ok(world.load(attempt, envelope));
    askEverything(world, attempt.handle);
    World.ok(world.next(attempt, null));
    askEverything(world, attempt.handle);
    assertEquals(World.DONE, world.pump(attempt));
    askEverything(world, attempt.handle);
    assertTrue("asked " + asked, asked > 4 * 65_536);
  }

  @Test
  public void noKeyIsLeftInWorkingMemoryBetweenCommands() {
    World world = new World();
    world.select();
    Scp03Card.KeySet fresh = PayloadText.keySet(16);
    Provider.Attempt attempt = world.deliver(PayloadText.putSet(World.OLD_VERSION, World.NEW_VERSION, fresh));
    guard(fresh.enc);
    guard(fresh.mac);
    guard(world.channelKeys.dek);
    guard(world.channelKeys.mac);
    guard(attempt.receiptKey);
    for (Object one : ObjectGraph.of(world.card.applet()).objects()) {
      if (one instanceof byte[]) {
        check(new byte[0], (byte[]) one);
      }
    }
    assertEquals("SK.KDA.SIG and SK.OCE.ECKA, no skE", 2, guardPrivateKeys(world));
  }

  /** A session by certificates: the pair of the agreement waits over commands, and goes with the answer or the session. */
  @Test
  public void noAnswerAndNoMemoryBetweenCommandsCarriesAKeyOfASessionByCertificates() {
    World world = World.byCertificates(16);
    world.select();
    Provider.Attempt attempt = world.enrol();
    Scp03Card.KeySet fresh = PayloadText.keySet(16);
    World.ok(world.load(attempt, world.seal(attempt, PayloadText.putSet(0, World.NEW_VERSION, fresh))));
    int[] kept = new int[5];
    world.relay = answer -> {
      kept[world.sent.size()] = guardPrivateKeys(world);
      return answer;
    };
    assertEquals(World.DONE, world.pump(attempt));
    assertArrayEquals("one more while MUTUAL AUTHENTICATE is open", new int[] {0, 3, 3, 4, 3}, kept);
    assertEquals("SK.KDA.SIG and SK.OCE.ECKA", 2, guardPrivateKeys(world));
    secrets.clear(); // private keys lie in memory, in their key objects
    for (byte[] key : new byte[][] {fresh.enc, fresh.dek, attempt.receiptKey, world.target.keyDek()}) {
      guard(key);
    }
    for (Object one : ObjectGraph.of(world.card.applet()).objects()) {
      if (one instanceof byte[]) {
        check(new byte[0], (byte[]) one);
      }
    }

    Provider.Attempt second = world.enrol();
    World.ok(world.load(second, world.seal(second, PayloadText.deleteKey(World.NEW_VERSION))));
    world.relay = answer -> {
      if (guardPrivateKeys(world) == 4) {
        askEverything(world, second.handle);
        throw new IllegalStateException("far enough");
      }
      return answer;
    };
    assertThrows(IllegalStateException.class, () -> world.pump(second));
    world.send(0x12, new byte[1]); // a LOAD, which ends a session
    assertEquals("SK.KDA.SIG, SK.OCE.ECKA, skE", 3, guardPrivateKeys(world));
  }

  /** Kenc opens a payload; a receipt and a refusal open one for themselves alone. */
  @Test
  public void noPayloadStaysOpenBehindAReceiptOrARefusal() {
    World world = new World();
    world.select();
    Provider.Attempt attempt = world.enrol();
    byte[] early = world.provider.header(attempt, World.OLD_VERSION, 0x60, 1, 2000, 1999);
    byte[] refused = world.provider.seal(attempt, early, world.payload(attempt, PayloadText.deleteKey(1)));
    assertEquals(0x6985, World.status(world.load(attempt, refused)));
    assertFalse(hasOpenPayload(world));
    World.ok(world.load(attempt, world.seal(attempt, PayloadText.putSet(0, 0x31, PayloadText.keySet(16)))));
    assertFalse(hasOpenPayload(world));
    world.relay = answer -> Octets.hex("6F00");
    assertEquals(World.WAIT, world.pump(attempt));
    World.ok(world.receipt(attempt));
    assertFalse(hasOpenPayload(world));
    World.ok(world.next(attempt, null));
    assertTrue(hasOpenPayload(world));
  }

  private static boolean hasOpenPayload(World world) {
    return ObjectGraph.of(world.card.applet()).objects().stream()
        .anyMatch(one -> one instanceof Payload && ((Payload) one).isOpen());
  }

  /** Of the simulation: with jCardSim's own randomness all of these would be one key. */
  @Test
  public void everyKeyOfEveryCardIsAnother() {
    for (int i = 0; i < 2; ++i) {
      World world = new World();
      world.select();
      world.enrol();
      guardPrivateKeys(world);
    }
    assertEquals(12, secrets.stream().distinct().count());
  }
}
