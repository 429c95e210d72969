// SPDX-License-Identifier: Apache-2.0
package kagibin.kda;

import static org.junit.Assert.assertArrayEquals;
import static org.junit.Assert.assertEquals;
import static org.junit.Assert.assertFalse;
import static org.junit.Assert.assertTrue;

import java.util.Arrays;
import java.util.HashSet;
import java.util.Set;
import java.util.TreeSet;
import kagibin.simulation.Cryptography;
import kagibin.simulation.Issuer;
import kagibin.simulation.MakerSession;
import kagibin.simulation.Octets;
import kagibin.simulation.PayloadText;
import kagibin.simulation.Provider;
import kagibin.simulation.Scp03Card;
import kagibin.simulation.SimulatedCard;
import org.junit.Test;

/** What the applet refuses, with the native application's status words. */
public class RefusalTest {
  private static final Set<Integer> REFUSALS_OF_LOAD = new HashSet<>(Arrays.asList(0x6985, 0x6A80, 0x6A81));

  @Test
  public void everyChangedOctetOfARequestIsRefused() {
    World world = new World();
    world.select();
    Provider.Attempt attempt = world.attempt();
    byte[] request = world.provider.request(attempt, World.TARGET, 0, PayloadText.random(32));
    Set<Integer> words = new TreeSet<>();
    for (int i = 0; i < request.length; ++i) {
      byte[] damaged = request.clone();
      damaged[i] ^= 0x01;
      words.add(World.status(world.send(0x10, damaged)));
    }
    for (int size : new int[] {0, 1, 100, request.length - 1}) {
      words.add(World.status(world.send(0x10, Octets.cut(request, 0, size))));
    }
    assertEquals(new TreeSet<>(Arrays.asList(0x6982, 0x6A80, 0x6A81)), words);
    assertEquals(0x9000, World.status(world.send(0x10, request)));
  }

  @Test
  public void everyChangedOctetOfAnEnvelopeIsRefusedAndNothingIsCounted() {
    World world = new World();
    world.select();
    Provider.Attempt attempt = world.enrol();
    byte[] envelope = world.seal(attempt, PayloadText.deleteKey(0x31));
    Set<Integer> words = new TreeSet<>();
    for (int i = 0; i < envelope.length; ++i) {
      byte[] damaged = envelope.clone();
      damaged[i] ^= 0x01;
      words.add(World.status(world.load(attempt, damaged)));
    }
    assertEquals(REFUSALS_OF_LOAD, words);
    assertEquals(0x6985, World.status(world.receipt(attempt)));
    assertEquals(0x9000, World.status(world.load(attempt, envelope)));
    assertEquals(0x9000, World.status(world.load(attempt, envelope)));
  }

  @Test
  public void threeEnvelopesThatTheProviderSignedAndThatDoNotOpenCloseTheSlot() {
    World world = new World();
    world.select();
    Provider.Attempt attempt = world.enrol();
    byte[][] wrong = {
        world.payload(attempt, PayloadText.putKeys(0, 0x31, 0x7F, PayloadText.random(16), PayloadText.random(16))),
        world.payload(attempt, PayloadText.command(Octets.hex("84F00000"), new byte[0], null)),
        PayloadText.payload(0x29, world.channelKeys, attempt.receiptKey, PayloadText.deleteKey(1))};
    for (byte[] payload : wrong) {
      byte[] header = world.provider.header(attempt, World.OLD_VERSION, 0x60, ++world.seq, 1000, 2000);
      assertEquals(0x6985, World.status(world.load(attempt, world.provider.seal(attempt, header, payload))));
      assertArrayEquals(Octets.of(4), world.results(attempt));
    }
    assertEquals(Journal.REFUSED, world.state(attempt));
    assertEquals(World.DONE, world.pump(attempt));
    assertEquals(0x6985, World.status(world.load(attempt, world.seal(attempt, PayloadText.deleteKey(1)))));
  }

  @Test
  public void headersOutOfTimeOrOfAnotherLevelAreRefused() {
    World world = new World();
    world.select();
    Provider.Attempt attempt = world.enrol();
    byte[] payload = world.payload(attempt, PayloadText.deleteKey(1));
    byte[] late = world.provider.header(attempt, World.OLD_VERSION, 0x60, 1, 2000, 1999);
    assertEquals(0x6985, World.status(world.load(attempt, world.provider.seal(attempt, late, payload))));
    byte[] other = world.provider.header(attempt, World.OLD_VERSION, 0x60, 1, 1000, 2000);
    int level = Octets.hex(other).indexOf("840101") / 2 + 2;
    for (int value : new int[] {0, 2, 4, 5}) {
      other[level] = (byte) value;
      int expected = value == 5 || value == 2 ? 0x6A80 : 0x6A81; // at RL2 85 begins with KID 11
      assertEquals(expected, World.status(world.load(attempt, world.provider.seal(attempt, other, payload))));
    }
    assertArrayEquals(Octets.of(4), judgeAs(world, attempt, late));
  }

  private static byte[] judgeAs(World world, Provider.Attempt attempt, byte[] header) {
    attempt.header = header;
    return world.results(attempt);
  }

  @Test
  public void theAuthoritysTicksEpochsAndRootsCountAtOnce() {
    World world = new World();
    world.select();
    Provider.Attempt attempt = world.enrol();
    World.ok(world.load(attempt, world.seal(attempt, PayloadText.deleteKey(1))));
    assertEquals(0x9000, statement(world, 1, Octets.number(2001, 4)));
    assertEquals(0x9000, statement(world, 1, Octets.number(2001, 4)));
    assertEquals(0x6985, statement(world, 1, Octets.number(2000, 4)));
    assertEquals(World.DONE, world.pump(attempt)); // its time is over: refused before its first key left
    assertArrayEquals(Octets.of(4), world.results(attempt));
    assertEquals(0x9000, statement(world, 2, Octets.number(2, 2)));
    Provider.Attempt second = world.attempt();
    assertEquals(0x6982, World.status(world.send(0x10, world.provider.request(second, World.TARGET, 0, null))));
    assertEquals(0x6A81, statement(world, 4, Octets.number(2, 2)));
    assertEquals(0x6A80, statement(world, 3, Octets.join(Octets.number(1, 4), new byte[65])));
    byte[] point = MakerSession.point(Cryptography.newKeyPair());
    assertEquals(0x9000, statement(world, 3, Octets.join(Octets.number(2, 4), point)));
    assertEquals(0x6985, statement(world, 3, Octets.join(Octets.number(2, 4), point)));
  }

  private static int statement(World world, int kind, byte[] value) {
    byte[] body = Octets.join(Octets.tlv(0x80, Octets.of(kind)), Octets.tlv(0x81, value));
    byte[] message = Octets.join(body,
        Octets.tlv(0x9E, Cryptography.sign(world.root.getPrivate(), Octets.ascii("KB1-AUT"), body)));
    return World.status(world.transmit(Octets.join(Octets.hex("801C0000"), Octets.of(message.length), message)));
  }

  @Test
  public void aCertificateExpiresOnTheDayAfterItsLast() {
    // 2036-12-31 is day 6,209 since 2020-01-01.
    for (int day : new int[] {6209, 6210}) {
      World world = new World();
      world.select();
      assertEquals(0x9000, statement(world, 1, Octets.number(day * 1440L, 4)));
      byte[] request = world.provider.request(world.attempt(), World.TARGET, 0, null);
      assertEquals(day == 6209 ? 0x9000 : 0x6982, World.status(world.send(0x10, request)));
    }
  }

  @Test
  public void theProviderCancelsBeforeAndAfterOpening() {
    World world = new World();
    world.select();
    Provider.Attempt attempt = world.enrol();
    attempt.nonce = PayloadText.random(16);
    byte[] cancel = world.provider.request(attempt, World.TARGET, 1, null);
    assertEquals(0x6A80, World.status(world.send(0x10, cancel)));
    assertEquals(0x9000, World.status(world.send(0x18, cancel)));
    assertEquals(0x9000, World.status(world.send(0x18, cancel)));
    assertArrayEquals(Octets.of(6), world.results(attempt));
    Provider.Attempt second = world.enrol();
    World.ok(world.load(second, world.seal(second, PayloadText.deleteKey(1), PayloadText.deleteKey(2))));
    byte[] old = second.nonce;
    assertEquals(0x6986, World.status(world.send(0x18, world.provider.request(second, World.TARGET, 1, null))));
    second.nonce = PayloadText.random(16);
    assertEquals(0x9000, World.status(world.send(0x18, world.provider.request(second, World.TARGET, 1, null))));
    assertArrayEquals(Octets.of(6, 6), world.results(second));
    assertFalse(Arrays.equals(old, second.nonce));
    second.nonce = PayloadText.random(16);
    assertEquals(0x6985, World.status(world.send(0x18, world.provider.request(second, World.TARGET, 1, null))));
  }

  @Test
  public void wrongChannelKeysKeepTheEnvelopeAndAreTold() {
    World world = new World();
    world.select();
    Provider.Attempt attempt = world.enrol();
    Scp03Card.KeySet right = world.target.keySets.put(World.OLD_VERSION, PayloadText.keySet(16));
    Scp03Card.KeySet fresh = PayloadText.keySet(16);
    World.ok(world.load(attempt, world.seal(attempt, PayloadText.putSet(0, 0x31, fresh))));
    assertEquals(World.WAIT, world.pump(attempt));
    assertArrayEquals(Octets.of(5), world.results(attempt));
    world.target.keySets.put(World.OLD_VERSION, right);
    assertEquals(World.DONE, world.pump(attempt));
    assertArrayEquals(Octets.of(0), world.results(attempt));
  }

  @Test
  public void anAnswerThatSomebodyMadeUpIsNoProof() {
    World world = new World();
    world.select();
    Scp03Card.KeySet fresh = PayloadText.keySet(16);
    Provider.Attempt attempt = world.enrol();
    World.ok(world.load(attempt, world.seal(attempt, PayloadText.putSet(World.OLD_VERSION, 0x31, fresh))));
    int[] count = {0};
    world.relay = answer -> ++count[0] >= 3 ? Octets.hex("9000") : answer;
    assertEquals(World.WAIT, world.pump(attempt));
    assertEquals(Journal.UNKNOWN, world.state(attempt));
    assertArrayEquals(Octets.of(3), world.results(attempt));
    assertEquals(0x6985, World.status(world.send(0x10, world.provider.request(world.attempt(), World.TARGET, 0, null))));
    world.relay = answer -> answer;
    assertEquals(World.DONE, world.pump(attempt));
    assertArrayEquals(Octets.of(1), world.results(attempt));
  }

  /** The target forgets each set that is put under 31 and says 6A84; counted in what is returned. */
  private static int[] refusesEveryPut(World world) {
    int[] puts = {0};
    world.target.fault = answer -> {
      if (answer.length == 12 && answer[0] == 0x31) {
        ++puts[0];
        world.target.keySets.remove(0x31);
        return Octets.hex("6A84");
      }
      return answer;
    };
    return puts;
  }

  /** A command that the device kept back may arrive later, on another logical channel: only a reset makes an absence final. */
  @Test
  public void behindACommandWithoutAProofNoAbsenceCountsAndNothingLeavesBeforeAReset() {
    World world = new World();
    world.select();
    Provider.Attempt attempt = world.enrol();
    World.ok(world.load(attempt, world.seal(attempt, PayloadText.putSet(0, 0x31, PayloadText.keySet(16)))));
    int[] puts = refusesEveryPut(world);
    world.canReset = false;
    for (int asked = 0; asked < 3; ++asked) {
      assertEquals(World.RESET, world.pump(attempt));
      assertEquals(1, puts[0]);
      assertEquals(Journal.UNKNOWN, world.state(attempt));
    }
    world.canReset = true;
    world.target.fault = answer -> answer;
    assertEquals(World.DONE, world.pump(attempt));
    assertArrayEquals(Octets.of(0), world.results(attempt));
  }

  @Test
  public void noMoreThanThreeSessionsBearAKey() {
    World world = new World();
    world.select();
    Provider.Attempt attempt = world.enrol();
    World.ok(world.load(attempt, world.seal(attempt, PayloadText.putSet(0, 0x31, PayloadText.keySet(16)))));
    int[] puts = refusesEveryPut(world);
    assertEquals(World.DONE, world.pump(attempt));
    assertEquals(3, puts[0]);
    assertEquals(3, world.resets);
    assertArrayEquals(Octets.of(2), world.results(attempt));
    assertEquals(Journal.ABSENT, world.state(attempt));
  }

  @Test
  public void commandsAreRefusedByFormBeforeAnythingElse() {
    World world = new World();
    world.select();
    assertEquals(0x6D00, World.status(world.transmit(Octets.hex("8024000000"))));
    assertEquals(0x6A86, World.status(world.transmit(Octets.hex("8024000100"))));
    assertEquals(0x6E00, World.status(world.transmit(Octets.hex("0010000000"))));
    assertEquals(0x6882, World.status(world.transmit(Octets.hex("841E000000"))));
    assertEquals(0x6884, World.status(world.transmit(Octets.hex("901E000000"))));
    assertEquals(0x6A86, World.status(world.transmit(Octets.hex("8010010000"))));
    assertEquals(0x6A80, World.status(world.transmit(Octets.hex("8010000100"))));
    assertEquals(0x6700, World.status(world.transmit(Octets.hex("801E00000100"))));
    assertEquals("800101810101820105830204009000", Octets.hex(world.transmit(Octets.hex("801E000000"))));
    assertEquals(0x6985, World.status(world.transmit(Octets.hex("00C0000000"))));
    assertEquals(0x6985, World.status(world.transmit(Octets.hex("80500000080102030405060708"))));
    assertEquals(0x6985, World.status(world.transmit(Octets.hex("8020000000"))));
    assertEquals(0x6A88, World.status(world.transmit(Octets.join(Octets.hex("801A000012"),
        Octets.tlv(0x83, new byte[16])))));
    for (int block = 0; block < 5; ++block) {
      byte[] command = Octets.join(Octets.of(0x90, 0x10, 0, block, 255), new byte[255]);
      assertEquals(block < 4 ? 0x9000 : 0x6700, World.status(world.transmit(command)));
      if (block < 4) {
        assertEquals("the same block again", 0x9000, World.status(world.transmit(command)));
      }
    }
  }

  @Test
  public void theMakersCommandsNeedItsSessionAndCloseForGood() {
    Scp03Card.KeySet makers = PayloadText.keySet(16);
    java.security.KeyPair root = Cryptography.newKeyPair();
    Issuer issuer = Fixture.issuer(root.getPrivate(), MakerSession.point(root));
    SimulatedCard card = new SimulatedCard(makers, 0);
    MakerSession session = new MakerSession(card, makers);
    session.open();
    assertEquals(0x6985, session.storeCertificates(issuer.stored(new byte[10])));
    byte[] generated = session.generate();
    assertArrayEquals(generated, session.generate());
    byte[] own = issuer.certifyKda(Octets.value(generated, 0));
    byte[] foreign = issuer.certifyKda(Octets.value(generated, 1));
    assertEquals(0x6982, session.storeCertificates(issuer.stored(foreign)));
    byte[] stored = issuer.stored(own);
    for (int i : new int[] {2, 40, 66, 80, 300, stored.length - 1}) {
      byte[] damaged = stored.clone();
      damaged[i] ^= 0x01;
      assertTrue("octet " + i, session.storeCertificates(damaged) != 0x9000);
    }
    assertEquals(0x9000, session.storeCertificates(stored));
    assertEquals(0x6985, World.status(session.send(0x80, 0x20, 0, new byte[0])));
  }

  @Test
  public void anEnvelopeWhoseTargetMayAnswerItsOwnCommandsInTheClearIsRefused() {
    byte[] command = PayloadText.command(Octets.hex("80F00000"), Octets.hex("AABB"), null);
    byte[] groups = Octets.hex("8010 01 AA");
    byte[] probed = PayloadText.storeData(null, 0, groups, Octets.hex("80CA00CF"));
    byte[] unprobed = PayloadText.storeData(null, 0, groups, null);
    for (int mask : new int[] {0x00, 0x20, 0x40, 0x9F, 0x60, 0xE1}) {
      boolean isEncrypted = (mask & 0x60) == 0x60;
      for (byte[] action : new byte[][] {command, probed, unprobed}) {
        World world = new World();
        world.select();
        world.mask = mask;
        Provider.Attempt attempt = world.enrol();
        int expected = isEncrypted || action == unprobed ? 0x9000 : 0x6985;
        assertEquals(mask + " " + Octets.hex(action), expected,
            World.status(world.load(attempt, world.seal(attempt, action))));
        if (expected == 0x6985) {
          assertArrayEquals(Octets.of(4), world.results(attempt));
        }
      }
    }
  }
}
