// SPDX-License-Identifier: Apache-2.0
package kagibin.kda;

import static org.junit.Assert.assertEquals;
import static org.junit.Assert.assertFalse;
import static org.junit.Assert.assertTrue;

import java.util.Arrays;
import java.util.Map;
import java.util.Random;
import kagibin.simulation.CardRuntime.Moment;
import kagibin.simulation.Octets;
import kagibin.simulation.PayloadText;
import kagibin.simulation.Provider;
import kagibin.simulation.Scp03Card;
import org.junit.Test;

/**
 * The power goes before, inside and after every transaction of a delivery, once or twice; the agent begins again each time,
 * and the delivery ends as it should: installed once, told by a receipt that verifies.
 *
 * <p>jCardSim rolls nothing back. What undoes a transaction here is a copy of the applet's object graph, taken when the
 * transaction began (ObjectGraph): a harness of ours, and no proof about any card's own transactions.
 */
public class TearTest {
  /** Thrown through the applet, as if the power went. */
  private static final class PowerCut extends Error {
    private static final long serialVersionUID = 1;
  }

  /** A world whose card loses its power at chosen transactions. */
  private static final class Site {
    final World world;
    final Scp03Card.KeySet fresh = PayloadText.keySet(16);
    final byte[][] actions;
    final Provider.Attempt attempt;
    byte[] envelope;
    int[] at; // transactions, from 0
    Moment[] moments;
    int count; // transactions that began
    int done; // cuts that happened
    boolean isCut;
    Map<Object, Object> before;

    Site(String kind) {
      world = kind.startsWith("by certificates") ? World.byCertificates(16) : new World();
      attempt = world.attempt();
      switch (kind) {
        case "replace":
        case "by certificates":
          actions = new byte[][] {PayloadText.putSet(World.OLD_VERSION, World.NEW_VERSION, fresh)};
          break;
        case "in place":
          actions = new byte[][] {PayloadText.putSet(World.OLD_VERSION, World.OLD_VERSION, fresh)};
          break;
        case "add and delete":
        case "by certificates, add and delete":
          actions = new byte[][] {PayloadText.putSet(0, World.NEW_VERSION, fresh),
              PayloadText.deleteKey(World.OLD_VERSION)};
          break;
        default:
          actions = new byte[][] {PayloadText.storeData(null, 0, Octets.hex("0101 01 AA"), null),
              PayloadText.putKeys(0, 0x40, 5, fresh.enc)};
      }
      world.select();
    }

    void plan(int[] transactions, Moment[] where) {
      at = transactions;
      moments = where;
      world.card.runtime.listen(moment -> {
        int number = moment == Moment.BEGINS ? count++ : count - 1;
        if (done == at.length || number != at[done] || isCut) {
          return;
        }
        if (moment == Moment.BEGINS) {
          before = world.card.copyOfMemory();
        }
        if (moment == moments[done]) {
          isCut = true;
          before = moment == Moment.ENDS ? before : null;
          throw new PowerCut();
        }
      });
    }

    byte[] send(byte[] answer) {
      if (isCut) {
        throw new PowerCut();
      }
      return answer;
    }

    void begin() {
      if (attempt.handle == null) {
        if (attempt.request == null) {
          attempt.request = world.provider.request(attempt, World.TARGET, 0, null);
        }
        byte[] answer = send(world.send(0x10, World.message(attempt)));
        world.provider.open(attempt, World.ok(answer));
      }
      if (envelope == null) {
        envelope = world.seal(attempt, actions);
      }
      if (world.state(attempt) == Journal.ENROLLED) {
        World.ok(send(world.load(attempt, envelope)));
      }
      int end = world.pump(attempt);
      send(null);
      assertEquals(World.DONE, end);
    }

    /** Delivers over all cuts. */
    byte[] deliver() {
      for (int tries = 0; tries < 10; ++tries) {
        try {
          begin();
          byte[] results = World.ok(send(world.receipt(attempt)));
          return world.provider.judge(attempt, results);
        } catch (PowerCut cut) {
          recover();
        } catch (IllegalStateException refused) {
          if (!isCut) {
            throw refused;
          }
          recover();
        }
      }
      throw new AssertionError("no end");
    }

    private void recover() {
      world.card.cutPower(before);
      before = null;
      isCut = false;
      ++done;
      world.select();
    }

    void check(String what, byte[] results) {
      for (byte result : results) {
        assertTrue(what + ": " + Octets.hex(results), result == 0 || result == 1);
      }
      int version = actions[0][4] == World.OLD_VERSION && Arrays.equals(Octets.cut(actions[0], 5, 8),
          Octets.of(0x81, 1, World.OLD_VERSION)) ? World.OLD_VERSION : World.NEW_VERSION;
      boolean isSet = actions[0][0] == (byte) 0xA1;
      assertTrue(what, isSet ? World.holds(world.target.keySets.get(version), fresh)
          : Arrays.equals(world.target.otherKeys.get(0x40 << 8 | 5), fresh.enc));
      assertFalse(what, isSet && version == World.NEW_VERSION && world.target.keySets.containsKey(World.OLD_VERSION));
      assertEquals(what, Journal.DONE, world.state(attempt));
    }
  }

  private static int transactions(String kind) {
    Site site = new Site(kind);
    site.plan(new int[0], new Moment[0]);
    site.check(kind, site.deliver());
    return site.count;
  }

  private static void tearEverywhere(String kind) {
    int all = transactions(kind);
    assertTrue(kind + " takes " + all + " transactions", all >= 4 && all <= 10);
    for (int number = 0; number < all; ++number) {
      for (Moment moment : Moment.values()) {
        Site site = new Site(kind);
        site.plan(new int[] {number}, new Moment[] {moment});
        String what = kind + ", transaction " + number + " " + moment;
        site.check(what, site.deliver());
        assertEquals(what, 1, site.done);
      }
    }
  }

  @Test
  public void aTearAtAnyTransactionOfAReplacementIsHealed() {
    tearEverywhere("replace");
    tearEverywhere("in place");
  }

  @Test
  public void aTearAtAnyTransactionOfAnAdditionAndADeletionIsHealed() {
    tearEverywhere("add and delete");
  }

  @Test
  public void aTearAtAnyTransactionOfADeliveryByCertificatesIsHealed() {
    tearEverywhere("by certificates");
    tearEverywhere("by certificates, add and delete");
  }

  @Test
  public void aTearAtAnyTransactionOfDataAndASingleKeyIsHealed() {
    tearEverywhere("data and one key");
  }

  @Test
  public void twoTearsAreHealedToo() {
    Random random = new Random(4);
    String[] kinds = {"replace", "in place", "add and delete", "data and one key", "by certificates"};
    for (int i = 0; i < 30; ++i) {
      Site site = new Site(kinds[i % kinds.length]);
      int first = random.nextInt(4);
      int[] at = {first, first + 1 + random.nextInt(4)};
      Moment[] moments = {Moment.values()[random.nextInt(3)], Moment.values()[random.nextInt(3)]};
      site.plan(at, moments);
      site.check("cuts at " + Arrays.toString(at) + Arrays.toString(moments), site.deliver());
      assertTrue(site.done >= 1);
    }
  }

  /** The harness itself: without putting back, what an open transaction wrote would stay. */
  @Test
  public void theHarnessUndoesWhatATransactionWrote() {
    Site site = new Site("replace");
    site.plan(new int[] {0}, new Moment[] {Moment.ENDS});
    site.attempt.request = site.world.provider.request(site.attempt, World.TARGET, 0, null);
    site.world.send(0x10, site.attempt.request);
    assertTrue(site.isCut);
    Map<Object, Object> torn = site.world.card.copyOfMemory();
    assertTrue(differs(torn, site.before));
    site.world.card.cutPower(site.before);
    assertFalse(differs(site.world.card.copyOfMemory(), site.before));
  }

  private static boolean differs(Map<Object, Object> one, Map<Object, Object> other) {
    for (Map.Entry<Object, Object> entry : other.entrySet()) {
      Object now = one.get(entry.getKey());
      boolean isSame = now != null && Arrays.deepEquals(new Object[] {now}, new Object[] {entry.getValue()});
      if (!isSame && now instanceof byte[]) {
        return true;
      }
    }
    return false;
  }
}
