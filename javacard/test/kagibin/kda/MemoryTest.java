// SPDX-License-Identifier: Apache-2.0
package kagibin.kda;

import static org.junit.Assert.assertEquals;
import static org.junit.Assert.assertTrue;

import java.lang.reflect.Array;
import java.util.Collections;
import java.util.IdentityHashMap;
import java.util.List;
import java.util.Set;
import kagibin.simulation.CardRuntime;
import kagibin.simulation.ObjectGraph;
import kagibin.simulation.PayloadText;
import org.junit.Test;

/**
 * What the applet takes of a card's memory: the octets of its arrays and keys, and twelve for each object, which is what a
 * 16-bit card needs about. The figures are printed, and held to the limits: 2 KiB transient, 16 KiB that lasts.
 */
public class MemoryTest {
  private static final int OF_AN_OBJECT = 12;
  private static final int MOST_TRANSIENT = 2048;
  private static final int MOST_LASTING = 16 * 1024;

  private static Set<Object> identities(List<Object> objects) {
    Set<Object> out = Collections.newSetFromMap(new IdentityHashMap<>());
    out.addAll(objects);
    return out;
  }

  private static int octets(Object one) {
    if (!one.getClass().isArray()) {
      return OF_AN_OBJECT;
    }
    int unit = one instanceof byte[] || one instanceof boolean[] ? 1 : 2;
    return OF_AN_OBJECT + unit * Array.getLength(one);
  }

  private static int[] sizes(World world) {
    Set<Object> transients = identities(world.card.runtime.transientArrays());
    int lasting = 0;
    int ofTransients = 0;
    for (Object one : ObjectGraph.of(world.card.applet()).objects()) {
      if (transients.contains(one)) {
        ofTransients += CardRuntime.octets(one);
        lasting += OF_AN_OBJECT;
      } else {
        lasting += octets(one);
      }
    }
    return new int[] {ofTransients, lasting};
  }

  @Test
  public void twoKibibytesOfRamAndSixteenThatLastSuffice() {
    for (int slots = 1; slots <= 8; ++slots) {
      World world = new World(32, 0x71, slots, 16);
      world.select();
      // At RL1 with the longest keys, for a key has no octets in jCardSim before it is set, and then at RL2.
      byte[] certificate = world.domainCertificate;
      world.domainCertificate = null;
      world.deliver(PayloadText.putSet(0, World.NEW_VERSION, PayloadText.keySet(32)));
      world.domainCertificate = certificate;
      world.deliver(PayloadText.deleteKey(World.NEW_VERSION));
      int[] sizes = sizes(world);
      System.out.printf("memory: %d slots: %,d octets transient, %,d octets lasting, %d transactions%n", slots, sizes[0],
          sizes[1], world.card.runtime.transactions());
      assertTrue(sizes[0] + " transient", sizes[0] <= MOST_TRANSIENT);
      assertTrue(sizes[1] + " lasting", slots > 1 || sizes[1] <= MOST_LASTING);
    }
  }

  @Test
  public void nothingIsAllocatedBehindInstallation() {
    allocatesNothing(new World());
    allocatesNothing(World.byCertificates(16));
  }

  private static void allocatesNothing(World world) {
    world.select();
    deliverTwice(world); // keys that were never made have no octets in jCardSim
    Set<Object> before = identities(ObjectGraph.of(world.card.applet()).objects());
    deliverTwice(world);
    List<Object> after = ObjectGraph.of(world.card.applet()).objects();
    long fresh = after.stream().filter(one -> !before.contains(one)).filter(one -> !isOfSimulator(one, world)).count();
    assertEquals("objects that were not there before", 0, fresh);
  }

  /** jCardSim lays the octets of a key anew when they are set; a card has their place from the beginning. */
  private static boolean isOfSimulator(Object one, World world) {
    return one instanceof byte[] && ObjectGraph.of(world.card.applet()).objects().stream()
        .anyMatch(owner -> owner.getClass().getName().endsWith("ByteContainer") && ObjectGraph.refersTo(owner, one));
  }

  private static void deliverTwice(World world) {
    for (int i = 0; i < 2; ++i) {
      int version = 0x50 + world.seq;
      world.deliver(PayloadText.putSet(0, version, PayloadText.keySet(16)), PayloadText.deleteKey(version));
    }
  }
}
