// SPDX-License-Identifier: Apache-2.0
package kagibin.kda;

import static org.junit.Assert.assertArrayEquals;
import static org.junit.Assert.assertTrue;

import kagibin.simulation.Octets;
import kagibin.simulation.PayloadText;
import kagibin.simulation.Provider;
import kagibin.simulation.Scp03Card;
import kagibin.simulation.TargetApplet;
import kagibin.simulation.TargetDomain;
import org.junit.Test;

/** The key delivery application and its target are two applets of one card: each command selects the other anew. */
public class OneCardTest {
  private static final byte[] TARGET = Octets.hex("A00000015153504B01");

  @Test
  public void theAppletDeliversIntoAnAppletOfTheSameCard() {
    World world = new World();
    TargetDomain target = TargetApplet.prepare(TARGET, world.channelKeys);
    world.card.install(TARGET, TargetApplet.class);
    world.select();
    Scp03Card.KeySet fresh = PayloadText.keySet(16);
    Provider.Attempt attempt = world.deliver(PayloadText.putSet(World.OLD_VERSION, World.NEW_VERSION, fresh));
    assertArrayEquals(Octets.of(0), world.results(attempt));
    assertTrue(World.holds(target.keySets.get(World.NEW_VERSION), fresh));
    assertTrue(!target.keySets.containsKey(World.OLD_VERSION));
  }
}
