// SPDX-License-Identifier: Apache-2.0
package kagibin.kda;

import javacard.framework.JCSystem;
import javacard.framework.Util;

/**
 * Under which static keys the target's channel opens after the first n actions: C1 of the payload, as the delivery itself
 * changes, moves or deletes them (kagibin/se/kda/target/channel_keys.h). Two answers at a time, before and after an
 * action. Keys are named by their place in the payload, and copied out only to be used. Without C1 (RL2) these are the
 * sets that the delivery itself has put: they prove an action, and open no channel.
 */
final class ChannelKeys {
  static final byte BEFORE = 0;
  static final byte AFTER = 1;
  static final short ENC = 1;
  static final short MAC = 2;
  static final short DEK = 3;
  private static final short VERSION = 0;
  private static final short SET = 4;

  private final Actions actions;
  private final byte[] work;
  private final short[] sets = JCSystem.makeTransientShortArray((short) (2 * SET), JCSystem.CLEAR_ON_RESET);
  // Actions that put a whole set which is still there, in order, and how many.
  private final byte[] own = JCSystem.makeTransientByteArray((short) (Actions.MOST + 1), JCSystem.CLEAR_ON_RESET);

  ChannelKeys(Actions payload, Ram ram) {
    actions = payload;
    work = ram.work;
  }

  /** Follows the first {@code count} actions; false when they leave no set that is known. */
  boolean follow(short count, byte which) {
    short at = (short) (which * SET);
    sets[at] = 0;
    if (actions.haveChannelKeys()) {
      sets[at] = actions.channelVersion();
      for (short key = ENC; key <= DEK; ++key) {
        sets[(short) (at + key)] = actions.channelKey((short) (key - 1));
      }
    }
    own[Actions.MOST] = 0;
    for (short action = 0; action < count; ++action) {
      if (actions.kind(action) == Actions.PUT_KEY) {
        put(action, at);
      } else if (actions.kind(action) == Actions.DELETE_KEY) {
        delete(actions.deletedVersion(action), at);
      }
    }
    return sets[at] != 0;
  }

  private void put(short action, short at) {
    short oldVersion = actions.oldVersion(action);
    short newVersion = actions.newVersion(action);
    boolean replacesCurrent = sets[at] != 0 && oldVersion == sets[at];
    if (isWholeSet(action)) {
      forget(oldVersion);
      forget(newVersion);
      own[own[Actions.MOST]++] = (byte) action;
      if (replacesCurrent || sets[at] == 0) {
        take(action, at);
      }
    } else if (replacesCurrent && newVersion == sets[at]) {
      for (short i = 0; actions.key(action, i) != 0; ++i) {
        short identifier = (short) (actions.firstIdentifier(action) + i);
        if (identifier <= DEK) {
          sets[(short) (at + identifier)] = actions.key(action, i);
        }
      }
    }
  }

  private void delete(short version, short at) {
    forget(version);
    if (sets[at] == version) {
      if (own[Actions.MOST] == 0) {
        sets[at] = 0;
      } else {
        take(own[(short) (own[Actions.MOST] - 1)], at);
      }
    }
  }

  private void take(short action, short at) {
    sets[at] = actions.newVersion(action);
    for (short key = ENC; key <= DEK; ++key) {
      sets[(short) (at + key)] = actions.key(action, (short) (key - 1));
    }
  }

  private void forget(short version) {
    byte kept = 0;
    for (byte i = 0; i < own[Actions.MOST]; ++i) {
      if (actions.newVersion(own[i]) != version) {
        own[kept++] = own[i];
      }
    }
    own[Actions.MOST] = kept;
  }

  /** Keys 01 to 03, of one size: a set that opens a channel by itself. */
  boolean isWholeSet(short action) {
    if (actions.kind(action) != Actions.PUT_KEY || actions.firstIdentifier(action) != 1) {
      return false;
    }
    short first = actions.key(action, (short) 0);
    short second = actions.key(action, (short) 1);
    short third = actions.key(action, (short) 2);
    return second != 0 && third != 0 && actions.keySize(first) == actions.keySize(second)
        && actions.keySize(first) == actions.keySize(third);
  }

  /** Makes AFTER the set that a PUT KEY of a whole set puts. */
  void takeSetOf(short action) {
    take(action, SET);
  }

  /** BEFORE becomes what AFTER is. */
  void preferAfter() {
    for (short i = 0; i < SET; ++i) {
      sets[i] = sets[(short) (SET + i)];
    }
  }

  short version(byte which) {
    return sets[(short) (which * SET)];
  }

  boolean isSame() {
    boolean isSame = true;
    for (short i = 0; i < SET; ++i) {
      isSame = isSame && sets[i] == sets[(short) (SET + i)];
    }
    return isSame;
  }

  /** Its three keys are of one size; a set that was changed key by key may not be. */
  boolean isUsable(byte which) {
    short at = (short) (which * SET);
    short size = actions.keySize(sets[(short) (at + ENC)]);
    return size == actions.keySize(sets[(short) (at + MAC)]) && size == actions.keySize(sets[(short) (at + DEK)]);
  }

  /** Copies a key to KEY of the work memory; answers its size. */
  short copy(byte which, short key) {
    short at = sets[(short) (which * SET + key)];
    short size = actions.keySize(at);
    actions.payload.copy(at, work, Ram.KEY, size);
    return size;
  }

  void wipeCopy() {
    Util.arrayFillNonAtomic(work, Ram.KEY, (short) 32, (byte) 0);
  }
}
