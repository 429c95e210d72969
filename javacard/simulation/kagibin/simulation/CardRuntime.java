// SPDX-License-Identifier: Apache-2.0
package kagibin.simulation;

import com.licel.jcardsim.base.SimulatorRuntime;
import com.licel.jcardsim.base.TransientMemory;
import java.lang.reflect.Array;
import java.lang.reflect.Field;
import java.util.ArrayList;
import java.util.List;

/** jCardSim's runtime, told of transactions and asked how much transient memory there is. */
public final class CardRuntime extends SimulatorRuntime {
  /** Where in a transaction the runtime is. */
  public enum Moment { BEGINS, ENDS, HAS_ENDED }

  /** What wants to know. It may throw, as if the power went. */
  public interface Listener {
    void at(Moment moment);
  }

  private Listener listener = moment -> { };
  private int transactions;

  public void listen(Listener whoever) {
    listener = whoever;
  }

  public int transactions() {
    return transactions;
  }

  @Override
  public void beginTransaction() {
    listener.at(Moment.BEGINS);
    super.beginTransaction();
  }

  @Override
  public void commitTransaction() {
    listener.at(Moment.ENDS);
    super.commitTransaction();
    ++transactions;
    listener.at(Moment.HAS_ENDED);
  }

  /** The power went in a transaction: jCardSim rolls nothing back and would refuse the next one. */
  public void forgetTransaction() {
    transactionDepth = 0;
  }

  /** Every transient array that was made: two lists that jCardSim shows its own package alone. */
  public List<Object> transientArrays() {
    List<Object> all = new ArrayList<>();
    for (String name : new String[] {"clearOnReset", "clearOnDeselect"}) {
      try {
        Field field = TransientMemory.class.getDeclaredField(name);
        field.setAccessible(true);
        all.addAll((List<?>) field.get(transientMemory));
      } catch (ReflectiveOperationException changed) {
        throw new IllegalStateException("this jCardSim keeps its transient memory otherwise", changed);
      }
    }
    return all;
  }

  public static int octets(Object array) {
    int length = Array.getLength(array);
    return array instanceof byte[] || array instanceof boolean[] ? length : 2 * length;
  }
}
