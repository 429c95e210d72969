// SPDX-License-Identifier: Apache-2.0
package kagibin.kda;

/**
 * How it is found out what became of an action whose answer proved nothing (kagibin/se/kda/target/probe.h): decisions
 * only. The card's answer to INITIALIZE UPDATE has been read by the channel.
 */
final class Probe {
  static final byte SEND_AGAIN = 0;
  static final byte CARD_CRYPTOGRAM = 1;
  static final byte KEY_LIST = 2;
  static final byte COMMAND = 3;

  static final byte OPEN = 0;
  static final byte PRESENT = 1;
  static final byte ABSENT = 2;

  private final Actions actions;
  private final ChannelKeys keys;
  private final Scp03 channel;
  private final byte[] work;

  Probe(Actions payload, ChannelKeys channelKeys, Scp03 target, Ram ram) {
    actions = payload;
    keys = channelKeys;
    channel = target;
    work = ram.work;
  }

  byte kindFor(short action, boolean hasProbe) {
    switch (actions.kind(action)) {
      case Actions.PUT_KEY:
        if (keys.isWholeSet(action)) {
          return CARD_CRYPTOGRAM;
        }
        return actions.oldVersion(action) == 0 ? KEY_LIST : SEND_AGAIN;
      case Actions.DELETE_KEY:
        return KEY_LIST;
      default:
        return hasProbe ? COMMAND : SEND_AGAIN;
    }
  }

  private boolean cardHolds(byte which) {
    if (!keys.isUsable(which)) {
      return false;
    }
    short size = keys.copy(which, ChannelKeys.MAC);
    boolean holds = channel.isCryptogramUnder(work, Ram.KEY, size);
    keys.wipeCopy();
    return holds;
  }

  /** Of a PUT KEY of a whole set, asked under its new version. */
  byte judgeCryptogram(short action) {
    keys.takeSetOf(action);
    if (cardHolds(ChannelKeys.AFTER)) {
      return PRESENT;
    }
    byte version = actions.newVersion(action);
    boolean isReplaced = keys.follow(action, ChannelKeys.BEFORE) && keys.version(ChannelKeys.BEFORE) == version
        && actions.oldVersion(action) == version;
    return isReplaced && cardHolds(ChannelKeys.BEFORE) ? ABSENT : OPEN;
  }

  /** What to do when that leaves it open; CARD_CRYPTOGRAM: nothing else is left, ask again later. */
  byte afterOpenCryptogram(short action) {
    byte version = actions.newVersion(action);
    if (actions.oldVersion(action) != version) {
      return KEY_LIST;
    }
    boolean isChannels = keys.follow(action, ChannelKeys.BEFORE) && keys.version(ChannelKeys.BEFORE) == version;
    return isChannels ? CARD_CRYPTOGRAM : SEND_AGAIN;
  }

  byte judgeKeyList(short action, KeyList list) {
    byte kind = actions.kind(action);
    if (kind == Actions.DELETE_KEY) {
      return list.holds(actions.deletedVersion(action)) ? ABSENT : PRESENT;
    }
    if (kind != Actions.PUT_KEY) {
      return OPEN;
    }
    byte version = actions.newVersion(action);
    if (keys.isWholeSet(action)) {
      // A version that is there may hold other keys: only its card cryptogram tells.
      return list.holds(version) ? OPEN : ABSENT;
    }
    short count = 0;
    while (count < 3 && actions.key(action, count) != 0) {
      ++count;
    }
    short there = list.count(version, actions.firstIdentifier(action), count);
    return there == 0 ? ABSENT : there == count ? PRESENT : OPEN;
  }

  /** Whether the channel's answer carries a cryptogram under the keys that the open action would have left. */
  boolean isProvedByChannel(short action) {
    return keys.follow(action, ChannelKeys.BEFORE) && keys.follow((short) (action + 1), ChannelKeys.AFTER)
        && keys.version(ChannelKeys.AFTER) == keys.version(ChannelKeys.BEFORE) && !keys.isSame()
        && cardHolds(ChannelKeys.AFTER);
  }

  /** Whether a channel under the set in BEFORE proves that the action, which moves that very set, has not taken effect. */
  boolean isDisprovedByChannel(short action) {
    return keys.isWholeSet(action) && actions.oldVersion(action) == keys.version(ChannelKeys.BEFORE)
        && actions.newVersion(action) != actions.oldVersion(action) && cardHolds(ChannelKeys.BEFORE);
  }
}
