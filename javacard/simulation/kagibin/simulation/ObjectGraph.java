// SPDX-License-Identifier: Apache-2.0
package kagibin.simulation;

import java.lang.reflect.Array;
import java.lang.reflect.Field;
import java.lang.reflect.Modifier;
import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.Collections;
import java.util.Deque;
import java.util.IdentityHashMap;
import java.util.List;
import java.util.Map;
import java.util.Set;

/**
 * Everything that an applet holds on to: its objects, their arrays, and the key objects of jCardSim. jCardSim rolls no
 * transaction back; this takes a copy of all that lasts and puts it back, which is how a tear is simulated. It is ours and
 * no property of jCardSim or of any card.
 *
 * <p>Cryptographic engines are not followed: what they keep is a card's volatile memory.
 */
public final class ObjectGraph {
  private final List<Object> objects = new ArrayList<>();

  private ObjectGraph() {}

  public static ObjectGraph of(Object root) {
    ObjectGraph out = new ObjectGraph();
    Set<Object> seen = Collections.newSetFromMap(new IdentityHashMap<>());
    Deque<Object> waiting = new ArrayDeque<>();
    waiting.add(root);
    while (!waiting.isEmpty()) {
      Object next = waiting.remove();
      if (!seen.add(next)) {
        continue;
      }
      out.objects.add(next);
      for (Object referenced : references(next)) {
        if (referenced != null && isFollowed(referenced.getClass())) {
          waiting.add(referenced);
        }
      }
    }
    return out;
  }

  private static boolean isFollowed(Class<?> type) {
    if (type.isArray()) {
      return true;
    }
    String name = type.getName();
    boolean isKey = name.startsWith("com.licel.jcardsim.crypto.") && (name.contains("Key") || name.contains("ByteContainer"))
        && !name.contains("Agreement");
    return name.startsWith("kagibin.kda.") || name.startsWith("javacard.security.KeyPair") || isKey;
  }

  private static List<Field> fields(Class<?> type) {
    List<Field> out = new ArrayList<>();
    for (Class<?> at = type; at != null && isFollowed(at); at = at.getSuperclass()) {
      for (Field field : at.getDeclaredFields()) {
        if (!Modifier.isStatic(field.getModifiers())) {
          field.setAccessible(true);
          out.add(field);
        }
      }
    }
    return out;
  }

  private static Object get(Field field, Object of) {
    try {
      return field.get(of);
    } catch (IllegalAccessException impossible) {
      throw new IllegalStateException(impossible);
    }
  }

  private static List<Object> references(Object of) {
    List<Object> out = new ArrayList<>();
    if (of instanceof Object[]) {
      Collections.addAll(out, (Object[]) of);
    } else if (!of.getClass().isArray()) {
      for (Field field : fields(of.getClass())) {
        if (!field.getType().isPrimitive()) {
          out.add(get(field, of));
        }
      }
    }
    return out;
  }

  public static boolean refersTo(Object from, Object to) {
    return references(from).stream().anyMatch(one -> one == to);
  }

  public List<Object> objects() {
    return objects;
  }

  /** A copy of all fields and elements but those of some arrays, to be put back. */
  public Map<Object, Object> copyWithout(List<Object> arrays) {
    Map<Object, Object> out = new IdentityHashMap<>();
    for (Object one : objects) {
      out.put(one, one.getClass().isArray() ? copyOfArray(one) : copyOfFields(one));
    }
    arrays.forEach(out::remove);
    return out;
  }

  private static Object copyOfArray(Object array) {
    int length = Array.getLength(array);
    Object copy = Array.newInstance(array.getClass().getComponentType(), length);
    System.arraycopy(array, 0, copy, 0, length);
    return copy;
  }

  private static Object[] copyOfFields(Object of) {
    return fields(of.getClass()).stream().map(field -> get(field, of)).toArray();
  }

  public static void putBack(Map<Object, Object> copy) {
    copy.forEach((one, content) -> {
      if (one.getClass().isArray()) {
        System.arraycopy(content, 0, one, 0, Array.getLength(content));
        return;
      }
      int i = 0;
      for (Field field : fields(one.getClass())) {
        Object value = ((Object[]) content)[i++];
        if (!Modifier.isFinal(field.getModifiers())) {
          try {
            field.set(one, value);
          } catch (IllegalAccessException impossible) {
            throw new IllegalStateException(impossible);
          }
        }
      }
    });
  }
}
