// SPDX-License-Identifier: Apache-2.0
package kagibin.kda;

import static org.junit.Assert.assertArrayEquals;
import static org.junit.Assert.assertEquals;
import static org.junit.Assert.assertThrows;

import kagibin.simulation.MakerSession;
import kagibin.simulation.Octets;
import kagibin.simulation.PayloadText;
import kagibin.simulation.SimulatedCard;
import org.junit.Test;

/** GET DATA 0066 with the applet selected, as hosts ask before they authenticate. */
public class CardDataTest {
  // 73 with SCP03 and i = 70 under 64; of our virtual element.
  private static final byte[] CARD_DATA =
      Octets.hex("66 17 73 15 06072A864886FC6B01 640A06082A864886FC6B0403");

  private static SimulatedCard card(byte[] parameters) {
    SimulatedCard card = new SimulatedCard(PayloadText.keySet(16), parameters);
    card.reset();
    byte[] select = Octets.join(Octets.of(0, 0xA4, 4, 0, SimulatedCard.KDA.length), SimulatedCard.KDA, Octets.of(0));
    assertEquals(0x9000, MakerSession.status(card.transmit(select)));
    return card;
  }

  private static int word(SimulatedCard card, String command) {
    return MakerSession.status(card.transmit(Octets.hex(command)));
  }

  @Test
  public void tellsWhatItsInstallationGave() {
    SimulatedCard card = card(Octets.join(Octets.of(1), CARD_DATA));
    for (String command : new String[] {"80CA006600", "00CA006600"}) {
      byte[] answer = card.transmit(Octets.hex(command));
      assertEquals(0x9000, MakerSession.status(answer));
      assertArrayEquals(CARD_DATA, MakerSession.data(answer));
    }
    assertEquals(0x6A86, word(card, "80CA016600"));
    assertEquals(0x6A86, word(card, "80CA006700"));
    assertEquals(0x6E00, word(card, "00CA006700"));
    assertEquals(0x6882, word(card, "84CA006600"));
  }

  @Test
  public void saysNothingWhereNothingWasGiven() {
    for (byte[] parameters : new byte[][] {{}, {1}, {8}}) {
      assertEquals(0x6A86, word(card(parameters), "80CA006600"));
    }
  }

  @Test
  public void isNotInstalledWithSomethingElse() {
    byte[] longer = CARD_DATA.clone();
    longer[1]++;
    for (byte[] behind : new byte[][] {{0x66}, {0x67, 0}, longer, Octets.cut(CARD_DATA, 0, CARD_DATA.length - 1),
        Octets.join(CARD_DATA, new byte[1])}) {
      assertThrows(Exception.class, () -> card(Octets.join(Octets.of(1), behind)));
    }
    assertThrows(Exception.class, () -> card(CARD_DATA));
  }
}
