// SPDX-License-Identifier: Apache-2.0
package kagibin.kda;

import static org.junit.Assert.assertArrayEquals;
import static org.junit.Assert.assertEquals;
import static org.junit.Assert.assertTrue;

import java.util.Arrays;
import java.util.function.UnaryOperator;
import kagibin.simulation.CasdStandIn;
import kagibin.simulation.Issuer;
import kagibin.simulation.MakerSession;
import kagibin.simulation.Octets;
import kagibin.simulation.PayloadText;
import kagibin.simulation.Provider;
import kagibin.simulation.Scp03Card;
import kagibin.simulation.SimulatedCard;
import org.junit.Test;

/**
 * ATT-2 at the applet's end: a CASD of ours, who is no card's, states which code the applet is, and the applet believes nobody
 * else. tests/system/java_card_test.py shows the same answers to the real provider.
 */
public class AttestedByCasdTest {
  private final World world = World.attested();

  private int enrolStatus() {
    Provider.Attempt attempt = world.attempt();
    attempt.request = world.provider.request(attempt, World.TARGET, 0, null);
    return World.status(world.send(0x10, attempt.request));
  }

  /** What ENROL answers while the CASD says this, and that it goes on when the CASD tells the truth again. */
  private int enrolStatusUnder(UnaryOperator<byte[]> lie) {
    world.casd.lie = lie;
    int status = enrolStatus();
    world.casd.lie = said -> said;
    return status;
  }

  @Test
  public void aKeyArrivesWithoutAMakersSession() {
    world.select();
    Scp03Card.KeySet fresh = PayloadText.keySet(16);
    Provider.Attempt attempt = world.deliver(PayloadText.putSet(0, World.NEW_VERSION, fresh));
    assertArrayEquals(Octets.of(0), world.results(attempt));
    assertTrue(World.holds(world.target.keySets.get(World.NEW_VERSION), fresh));
    byte[] e1 = Octets.value(attempt.statement, 0);
    assertArrayEquals(Issuer.CODE_HASH, Octets.find(e1, 0x87));
    assertArrayEquals("RL2 takes a CERT.OCE", Octets.of(5), Octets.find(e1, 0x88));
    world.card.reset();
    world.select();
    world.deliver(PayloadText.deleteKey(World.NEW_VERSION));
  }

  @Test
  public void theMakersCommandsAreClosedFromTheBeginning() {
    world.select();
    assertEquals(0x6985, World.status(world.transmit(Octets.hex("8050000008010203040506070800"))));
    assertEquals(0x6985, World.status(world.transmit(Octets.hex("8020000000"))));
    assertEquals(0x6985, World.status(world.transmit(Octets.hex("80220000010000"))));
  }

  @Test
  public void nothingIsEnrolledOnAnyWordButTheCasds() {
    world.select();
    byte[] certificate = world.casd.certificate;
    world.casd.certificate = null;
    assertEquals("no certificate yet", 0x6A88, enrolStatus());
    world.casd.certificate = certificate;
    UnaryOperator<byte[]> bare = said -> said != null && (said[0] & 0xFF) == 0xE6 ? Arrays.copyOf(said, 64) : said;
    assertEquals("a bare signature is no statement", 0x6A88, enrolStatusUnder(bare));
    UnaryOperator<byte[]> other = said -> {
      if (said != null && (said[0] & 0xFF) == 0xE6) {
        said[8] ^= 1; // E6 81 xx 80 01 01 4F xx | AID
      }
      return said;
    };
    assertEquals("a statement about another application", 0x6A88, enrolStatusUnder(other));
    UnaryOperator<byte[]> offCurve = said -> {
      if (said.length == 67) {
        said[64] ^= 1;
      }
      return said;
    };
    assertEquals("a root off the curve", 0x6A88, enrolStatusUnder(offCurve));
    assertEquals("nobody there", 0x6A88, enrolStatusUnder(said -> null));
    assertEquals(0x9000, enrolStatus());
  }

  @Test
  public void aCasdThatGoesLaterEnrolsNothingMore() {
    world.select();
    world.enrol();
    assertEquals(0x6A88, enrolStatusUnder(said -> null));
    world.enrol();
  }

  @Test
  public void withoutACasdTheInstallationFailsAndWithoutTheBitNothingIsAttested() {
    for (int first : new int[] {0x80, 0x81, 0x88}) {
      boolean isInstalled = true;
      try {
        new SimulatedCard(PayloadText.keySet(16), Octets.of(first));
      } catch (RuntimeException refused) {
        isInstalled = false;
      }
      assertEquals(Integer.toHexString(first), false, isInstalled);
    }
    CasdStandIn casd = new CasdStandIn(MakerSession.point(world.root), Issuer.CODE_HASH);
    for (int wrong : new int[] {0x00, 0x09, 0x89, 0xFF}) {
      boolean isInstalled = true;
      try {
        new SimulatedCard(PayloadText.keySet(16), Octets.of(wrong), casd);
      } catch (RuntimeException refused) {
        isInstalled = false;
      }
      assertEquals(Integer.toHexString(wrong), false, isInstalled);
    }
    SimulatedCard plain = new SimulatedCard(PayloadText.keySet(16), Octets.of(0x01), casd);
    plain.transmit(Octets.join(Octets.of(0, 0xA4, 4, 0, SimulatedCard.KDA.length), SimulatedCard.KDA, Octets.of(0)));
    Provider.Attempt attempt = world.attempt();
    byte[] request = world.provider.request(attempt, World.TARGET, 0, null);
    plain.transmit(Octets.join(Octets.of(0x90, 0x10, 0, 0, 255), Octets.cut(request, 0, 255)));
    byte[] rest = Octets.cut(request, 255, request.length);
    assertEquals(0x6A88, World.status(plain.transmit(Octets.join(Octets.of(0x80, 0x10, 0, 1, rest.length), rest, Octets.of(0)))));
  }
}
