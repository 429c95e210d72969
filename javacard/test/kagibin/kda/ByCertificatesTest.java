// SPDX-License-Identifier: Apache-2.0
package kagibin.kda;

import static org.junit.Assert.assertArrayEquals;
import static org.junit.Assert.assertEquals;
import static org.junit.Assert.assertFalse;
import static org.junit.Assert.assertNull;
import static org.junit.Assert.assertTrue;

import java.util.Arrays;
import java.util.function.UnaryOperator;
import kagibin.simulation.Cryptography;
import kagibin.simulation.Issuer;
import kagibin.simulation.MakerSession;
import kagibin.simulation.Octets;
import kagibin.simulation.PayloadText;
import kagibin.simulation.Provider;
import kagibin.simulation.Scp03Card;
import kagibin.simulation.Scp11Card;
import org.junit.Test;

/** RL2: the applet as the off-card entity of SCP11a, with a domain whose key the authority certified. */
public class ByCertificatesTest {
  private final World world = World.byCertificates(16);
  private final Scp03Card.KeySet fresh = PayloadText.keySet(16);

  private byte[] hand() {
    return PayloadText.putSet(World.OLD_VERSION, World.NEW_VERSION, fresh);
  }

  private Provider.Attempt loaded(byte[]... actions) {
    world.select();
    Provider.Attempt attempt = world.enrol();
    World.ok(world.load(attempt, world.seal(attempt, actions)));
    return attempt;
  }

  private boolean hasArrived() {
    return World.holds(world.target.keySets.get(World.NEW_VERSION), fresh);
  }

  private boolean wasPut() {
    return world.sent.stream().anyMatch(command -> command[1] == (byte) 0xD8);
  }

  /** Refused before anything left, told so, and healed by an honest run. */
  private void isBlockedAndHealed(String what, Provider.Attempt attempt, Runnable heal) {
    assertEquals(what, World.WAIT, world.pump(attempt));
    assertArrayEquals(what, Octets.of(5), world.results(attempt));
    assertFalse(what, wasPut());
    heal.run();
    assertEquals(what, World.DONE, world.pump(attempt));
    assertArrayEquals(what, Octets.of(0), world.results(attempt));
    assertTrue(what, hasArrived());
  }

  @Test
  public void theKeyArrivesInSessionsOfS8AndOfS16() {
    for (int macSize : new int[] {8, 16}) {
      World here = World.byCertificates(macSize);
      here.select();
      Provider.Attempt attempt = here.deliver(hand());
      assertArrayEquals(Octets.of(0), here.results(attempt));
      assertTrue(World.holds(here.target.keySets.get(World.NEW_VERSION), fresh));
      byte[] receipt = Octets.value(World.ok(here.receipt(attempt)), 0);
      assertArrayEquals("the level that it was delivered at", Octets.of(2), Octets.find(receipt, 0x84));
    }
  }

  @Test
  public void whatGoesToTheDomainIsWhatTheNativeOneSends() {
    world.select();
    world.deliver(hand());
    assertEquals(4, world.sent.size());
    assertEquals("80CA006600", Octets.hex(world.sent.get(0)));
    byte[] certificate = world.sent.get(1);
    assertEquals("802A0010", Octets.hex(Octets.cut(certificate, 0, 4)));
    assertEquals(certificate.length - 5, certificate[4] & 0xFF);
    byte[] value = Octets.value(Octets.cut(certificate, 5, certificate.length), 0);
    assertArrayEquals(world.issuer.seid, Octets.find(value, 0x5F20));
    String agreement = Octets.hex(world.sent.get(2));
    assertTrue(agreement, agreement.startsWith("8082031153A60D9002110195013C8001888101105F494104"));
    assertTrue(agreement, agreement.endsWith("00") && agreement.length() == 2 * 89);
    assertEquals("84D830", Octets.hex(Octets.cut(world.sent.get(3), 0, 3)));
  }

  @Test
  public void everyKindOfActionArrivesUnderTheSessionsKeyDek() {
    byte[] value = PayloadText.random(300);
    byte[] groups = Octets.join(Octets.hex("8010 FF"), Octets.number(300, 2), value);
    byte[] single = PayloadText.random(32);
    Provider.Attempt attempt = loaded(PayloadText.putSet(0, 0x32, fresh), PayloadText.putKeys(0, 0x40, 5, single),
        PayloadText.deleteKey(World.OLD_VERSION), PayloadText.storeData(null, 1, groups, Octets.hex("80CA00CF00")),
        PayloadText.command(Octets.hex("80F00102"), Octets.hex("AABB"), null));
    assertEquals(World.DONE, world.pump(attempt));
    assertArrayEquals(new byte[5], world.results(attempt));
    assertTrue(World.holds(world.target.keySets.get(0x32), fresh));
    assertArrayEquals(single, world.target.otherKeys.get(0x40 << 8 | 5));
    assertNull(world.target.keySets.get(World.OLD_VERSION));
    byte[] cipher = Cryptography.cbcEncrypt(world.target.keyDek(), new byte[16], Cryptography.pad(value));
    String received = Octets.hex(world.target.received);
    String first = "E26800" + "8010FF0130" + Octets.hex(Octets.cut(cipher, 0, 218));
    assertTrue("blocks of 223 octets at S16", received.contains(first));
    assertTrue(received.endsWith(Octets.hex(Octets.cut(cipher, 218, 304)) + "F00102AABB"));
  }

  @Test
  public void levelsAreOfferedWhereTheyAreToBeHadAndNeverBelowTheFloor() {
    world.select();
    assertEquals("800101810101820107830204009000", Octets.hex(world.transmit(Octets.hex("801E000000"))));
    Provider.Attempt bare = world.attempt();
    bare.domain = null;
    bare.request = world.provider.request(bare, World.TARGET, 0, null);
    assertArrayEquals(Octets.of(5), Octets.find(world.provider.open(bare, World.ok(world.send(0x10, bare.request))), 0x88));
    Provider.Attempt both = world.attempt();
    both.request = world.provider.request(both, World.TARGET, 0, null);
    byte[] e1 = world.provider.open(both, World.ok(world.send(0x10, World.message(both))));
    assertArrayEquals(Octets.of(7), Octets.find(e1, 0x88));
    world.deliver(hand());
    Provider.Attempt without = world.attempt();
    without.domain = null;
    without.request = world.provider.request(without, World.TARGET, 0, null);
    e1 = world.provider.open(without, World.ok(world.send(0x10, without.request)));
    assertArrayEquals("RL3 alone takes no CERT.SD", Octets.of(4), Octets.find(e1, 0x88));
    Provider.Attempt next = world.attempt();
    next.request = world.provider.request(next, World.TARGET, 0, null);
    e1 = world.provider.open(next, World.ok(world.send(0x10, World.message(next))));
    assertArrayEquals(Octets.of(6), Octets.find(e1, 0x88));
    byte[] low = world.provider.header(next, World.OLD_VERSION, 0x60, ++world.seq, 1000, 2000);
    byte[] payload = PayloadText.payload(World.OLD_VERSION, world.channelKeys, next.receiptKey, PayloadText.deleteKey(1));
    assertEquals(0x6985, World.status(world.load(next, world.provider.seal(next, low, payload))));
  }

  @Test
  public void withoutCertOceOrCertSdThereIsNoRl2() {
    World plain = new World();
    plain.select();
    assertEquals("800101810101820105830204009000", Octets.hex(plain.transmit(Octets.hex("801E000000"))));
    byte[] point = freshPoint();
    byte[] certificate =
        plain.issuer.certifyDomain(plain.root.getPrivate(), plain.issuer.seid, World.TARGET, World.SPID, point);
    Provider.Attempt attempt = plain.attempt();
    attempt.request = plain.provider.request(attempt, World.TARGET, 0, null);
    byte[] e4 = World.ok(plain.send(0x10, Octets.join(attempt.request, certificate)));
    assertArrayEquals(Octets.of(5), Octets.find(plain.provider.open(attempt, e4), 0x88));
    byte[] header = plain.provider.header(attempt, 2, Octets.of(0x11, 3), 1, 1000, 2000);
    byte[] payload = PayloadText.payload(0, null, attempt.receiptKey, PayloadText.deleteKey(1));
    assertEquals(0x6985, World.status(plain.load(attempt, plain.provider.seal(attempt, header, payload))));

    world.select();
    world.domainCertificate = null;
    Provider.Attempt bare = world.enrol();
    header = world.provider.header(bare, 2, Octets.of(0x11, 3), 1, 1000, 2000);
    payload = PayloadText.payload(0, null, bare.receiptKey, PayloadText.deleteKey(1));
    assertEquals(0x6985, World.status(world.load(bare, world.provider.seal(bare, header, payload))));
    assertArrayEquals(Octets.of(4), world.results(bare));
  }

  private static byte[] freshPoint() {
    return MakerSession.point(Cryptography.newKeyPair());
  }

  private int enrolsWith(byte[] certificate) {
    Provider.Attempt attempt = world.attempt();
    byte[] request = world.provider.request(attempt, World.TARGET, 0, null);
    return World.status(world.send(0x10, Octets.join(request, certificate)));
  }

  private byte[] certified(byte[] seid, byte[] aid, byte[] owner, byte[] point) {
    return world.issuer.certifyDomain(world.root.getPrivate(), seid, aid, owner, point);
  }

  @Test
  public void aCertSdByAnotherHandOrForSomethingElseIsRefused() {
    world.select();
    byte[] seid = world.issuer.seid;
    byte[] point = world.target.scp11.point();
    assertEquals(0x9000, enrolsWith(certified(seid, World.TARGET, World.SPID, point)));
    byte[] byOther = world.issuer.certifyDomain(Cryptography.newKeyPair().getPrivate(), seid, World.TARGET, World.SPID, point);
    assertEquals(0x6982, enrolsWith(byOther));
    byte[] otherSeid = seid.clone();
    otherSeid[0] ^= 1;
    assertEquals(0x6982, enrolsWith(certified(otherSeid, World.TARGET, World.SPID, point)));
    assertEquals(0x6982, enrolsWith(certified(seid, Octets.hex("A00000015153504B02"), World.SPID, point)));
    assertEquals(0x6982, enrolsWith(certified(seid, Octets.hex("A00000015153504B"), World.SPID, point)));
    byte[] otherOwner = World.SPID.clone();
    otherOwner[15] ^= 1;
    assertEquals(0x6982, enrolsWith(certified(seid, World.TARGET, otherOwner, point)));
    byte[] byOtherMaker =
        world.issuer.certifyDomain(world.root.getPrivate(), seid, World.TARGET, World.SPID, point, freshPoint());
    assertEquals("on another maker's word", 0x6982, enrolsWith(byOtherMaker));
    byte[] unnamed = Octets.join(Issuer.kind(4, 1), Octets.tlv(0x82, World.TARGET), Octets.tlv(0x86, World.SPID));
    assertEquals("on nobody's word", 0x6A80, enrolsWith(Issuer.certificate(9, Octets.ascii("AUTH"), seid,
        Octets.of(0x00, 0x80), unnamed, point, world.root.getPrivate())));
    assertEquals("CERT.OCE", 0x6982, enrolsWith(world.issuer.certifyOce(point)));
    byte[] off = point.clone();
    off[64] ^= 1;
    assertEquals("a point that is not on the curve", 0x6A80, enrolsWith(certified(seid, World.TARGET, World.SPID, off)));
  }

  @Test
  public void everyChangedOctetOfACertSdIsRefused() {
    world.select();
    for (int i = 0; i < world.domainCertificate.length; ++i) {
      byte[] damaged = world.domainCertificate.clone();
      damaged[i] ^= 0x01;
      int word = enrolsWith(damaged);
      assertTrue("octet " + i + " " + Integer.toHexString(word), word == 0x6982 || word == 0x6A80 || word == 0x6A81);
    }
    for (int size : new int[] {1, 20, world.domainCertificate.length - 1}) {
      assertEquals(0x6A80, enrolsWith(Octets.cut(world.domainCertificate, 0, size)));
    }
    assertEquals(0x6A80, enrolsWith(Octets.join(world.domainCertificate, Octets.of(0))));
    assertEquals(0x9000, enrolsWith(world.domainCertificate));
  }

  @Test
  public void aWrongAnswerOfMutualAuthenticateOpensNothing() {
    Provider.Attempt attempt = loaded(hand());
    Scp11Card domain = world.target.scp11;
    int size = 3 + 65 + 2 + 16 + 2;
    // The receipt, the point and the heads, octet by octet: each begins a session of its own.
    for (int at : new int[] {0, 1, 2, 3, 4, 36, 67, 68, 69, 70, 85}) {
      domain.fault = answer -> {
        assertEquals(size, answer.length);
        answer[at] ^= 0x01;
        return answer;
      };
      assertEquals("octet " + at, World.WAIT, world.pump(attempt));
    }
    domain.fault = answer -> Octets.join(Octets.cut(answer, 0, 85), Octets.hex("9000"));
    assertEquals("truncated", World.WAIT, world.pump(attempt));
    domain.fault = answer -> Octets.hex("9000");
    assertEquals("nothing", World.WAIT, world.pump(attempt));
    domain.fault = answer -> Octets.join(Octets.cut(answer, 0, 86), Octets.of(0), Octets.hex("9000"));
    assertEquals("an octet behind it", World.WAIT, world.pump(attempt));
    domain.fault = answer -> Octets.join(Octets.cut(answer, 0, 86), Octets.hex("6982"));
    assertEquals("another status word", World.WAIT, world.pump(attempt));
    isBlockedAndHealed("at the end", attempt, () -> domain.fault = UnaryOperator.identity());
  }

  @Test
  public void anotherCertifiedDomainDoesNotAnswerForTheTarget() {
    Provider.Attempt attempt = loaded(hand());
    Scp11Card own = world.target.scp11;
    world.target.scp11 = new Scp11Card(world.issuer.makerPoint(), 16);
    isBlockedAndHealed("another key", attempt, () -> world.target.scp11 = own);
  }

  @Test
  public void aDomainOfAnotherMakerTakesNoHostOfOurs() {
    Provider.Attempt attempt = loaded(hand());
    Scp11Card own = world.target.scp11;
    world.target.scp11 = new Scp11Card(freshPoint(), 16);
    isBlockedAndHealed("another maker", attempt, () -> world.target.scp11 = own);
    assertTrue(world.sent.stream().anyMatch(command -> command[1] == (byte) 0x2A));
  }

  @Test
  public void cardDataThatDoNotTellOfScp11aOpenNothing() {
    Provider.Attempt attempt = loaded(hand());
    String good = Octets.hex(world.target.scp11.cardData());
    String[][] changes = {
      {"11DB02", "11DA02"}, // b and c, no a
      {"11DB02", "11DB06"}, // X.509 alone
      {"0411DB02", "0412DB02"}, // another protocol
      {"11DB02", "118002"}, // an arc that is not minimal
      {"11DB02", "11DB82"}, // no end
      {"0A2A864886FC6B0411DB02", "0A2A864886FC6C0411DB02"}, // not GlobalPlatform's
      {"06072A864886FC6B01", "06072A864886FC6B02"}, // not recognition data
      {"02020301", "03020301"}, // a version that is none
      {"660", "670"}};
    for (String[] change : changes) {
      assertTrue(good + " has " + change[0], good.contains(change[0]) || change[0].equals("660"));
      String text = change[0].equals("660") ? "67" + good.substring(2) : good.replace(change[0], change[1]);
      world.relay = answer -> Arrays.equals(MakerSession.data(answer), Octets.hex(good)) ? Octets.hex(text + "9000") : answer;
      assertEquals(change[1], World.WAIT, world.pump(attempt));
    }
    world.relay = answer -> Arrays.equals(MakerSession.data(answer), Octets.hex(good))
        ? Octets.join(Octets.cut(answer, 0, answer.length - 3), Octets.hex("9000")) : answer;
    assertEquals("truncated", World.WAIT, world.pump(attempt));
    world.relay = answer -> Arrays.equals(MakerSession.data(answer), Octets.hex(good)) ? Octets.hex("6A88") : answer;
    isBlockedAndHealed("none", attempt, () -> world.relay = UnaryOperator.identity());
  }

  @Test
  public void anEnvelopeOfAnotherFormIsRefused() {
    world.select();
    Provider.Attempt attempt = world.enrol();
    byte[] payload = PayloadText.payload(0, null, attempt.receiptKey, PayloadText.deleteKey(1));
    for (byte[] parameters : new byte[][] {Octets.of(0x10, 3), Octets.of(0x15, 3), Octets.of(3, 0x11), Octets.of(0x11, 0),
        Octets.of(0x11, 0x80), Octets.of(0x11), Octets.of(0x11, 3, 0)}) {
      byte[] header = world.provider.header(attempt, 2, parameters, 1, 1000, 2000);
      byte[] envelope = world.provider.seal(attempt, header, payload);
      assertEquals(Octets.hex(parameters), 0x6A80, World.status(world.load(attempt, envelope)));
    }
    byte[][] wrong = {
        PayloadText.payload(World.OLD_VERSION, world.channelKeys, attempt.receiptKey, PayloadText.deleteKey(1)),
        PayloadText.payload(0, null, attempt.receiptKey, PayloadText.deleteKey(1), PayloadText.deleteKey(3)),
        PayloadText.payload(0, null, attempt.receiptKey, PayloadText.putKeys(0, 3, 5, PayloadText.random(16)))};
    for (byte[] one : wrong) {
      assertEquals(0x6985, World.status(world.load(attempt, world.provider.seal(attempt, world.header(attempt), one))));
      assertArrayEquals(Octets.of(4), world.results(attempt));
    }
    assertEquals(Journal.REFUSED, world.state(attempt));
  }

  @Test
  public void everyLostAnswerEndsInTheKeyInstalledOnce() {
    for (int lost = 0; lost < 4; ++lost) {
      World here = World.byCertificates(8);
      here.select();
      Provider.Attempt attempt = here.enrol();
      World.ok(here.load(attempt, here.seal(attempt, hand())));
      int[] count = {0};
      int at = lost;
      here.relay = answer -> count[0]++ == at ? null : answer;
      assertEquals("answer " + lost, World.DONE, here.pump(attempt));
      assertArrayEquals("answer " + lost, Octets.of(lost == 3 ? 1 : 0), here.results(attempt));
      assertTrue(World.holds(here.target.keySets.get(World.NEW_VERSION), fresh));
      assertNull(here.target.keySets.get(World.OLD_VERSION));
    }
  }

  @Test
  public void anActionWithoutACryptogramIsFoundInTheKeyListOfANewSession() {
    Provider.Attempt attempt = loaded(PayloadText.deleteKey(World.OLD_VERSION));
    int[] count = {0};
    world.relay = answer -> ++count[0] == 4 ? Octets.hex("6F00") : answer;
    assertEquals(World.DONE, world.pump(attempt));
    assertArrayEquals(Octets.of(1), world.results(attempt));
    assertEquals(2, world.sent.stream().filter(command -> command[1] == (byte) 0x82).count());
  }

  /** A receipt needs the pair's memory: the session begins again, and nothing is lost by it. */
  @Test
  public void aReceiptAskedForWhileTheAgreementIsOpenCostsTheSessionAlone() {
    Provider.Attempt attempt = loaded(hand());
    world.relay = answer -> Octets.hex("6F00");
    assertEquals(World.WAIT, world.pump(attempt));
    world.relay = answer -> {
      boolean isAgreement = answer.length == 88 && answer[0] == 0x5F;
      if (isAgreement && world.sent.stream().filter(command -> command[1] == (byte) 0x82).count() == 1) {
        World.ok(world.receipt(attempt));
      }
      return answer;
    };
    assertEquals(World.DONE, world.pump(attempt));
    assertArrayEquals(Octets.of(0), world.results(attempt));
    assertTrue(hasArrived());
  }

  @Test
  public void whatTheAuthoritySaidBehindLoadEndsTheDeliveryBeforeAKeyLeaves() {
    Provider.Attempt attempt = loaded(hand());
    byte[] body = Octets.join(Octets.tlv(0x80, Octets.of(2)), Octets.tlv(0x81, Octets.number(2, 2)));
    byte[] statement = Octets.join(body,
        Octets.tlv(0x9E, Cryptography.sign(world.root.getPrivate(), Octets.ascii("KB1-AUT"), body)));
    World.ok(world.transmit(Octets.join(Octets.hex("801C0000"), Octets.of(statement.length), statement)));
    assertEquals(World.DONE, world.pump(attempt));
    assertArrayEquals(Octets.of(4), world.results(attempt));
    assertTrue(world.sent.isEmpty());
  }
}
