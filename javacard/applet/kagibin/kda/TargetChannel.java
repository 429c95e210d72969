// SPDX-License-Identifier: Apache-2.0
package kagibin.kda;

/**
 * The secure channel of one run: under which keys it opens, or by which certificates, what the card's answer to INITIALIZE
 * UPDATE has to be, and what that answer proves by itself (kagibin/se/kda/target/target_channel.cc). Each step answers what
 * follows from it.
 */
final class TargetChannel {
  // What follows.
  static final byte WAITS = 0; // a command is on its way
  static final byte BLOCKED = 1; // nothing of the current action can leave
  static final byte UNRESOLVED = 2; // no proof is to be had now
  static final byte PROVED = 3; // the answer carries a cryptogram under the keys that the action leaves
  static final byte ABSENT = 4; // and under those that it would have moved away
  static final byte OPEN = 5;

  private static final byte REQUIRED_BITS = 0x7F;
  private static final short NO_PSEUDO_RANDOM = 0x80;

  final Scp03 scp;
  final ChannelKeys keys;
  private final Scp11 scp11;
  private final Engines engines;
  private final SessionState state;
  private final Envelope envelope;
  private final Actions actions;
  private final Probe probe;
  private final NextAnswer out;
  private final byte[] exchange;

  TargetChannel(Engines all, SessionState session, Envelope opened, NextAnswer answer, Scp11 byCertificates) {
    scp11 = byCertificates;
    engines = all;
    state = session;
    envelope = opened;
    actions = opened.actions;
    out = answer;
    exchange = all.ram.exchange;
    scp = new Scp03(all);
    keys = new ChannelKeys(actions, all.ram);
    probe = new Probe(actions, keys, scp, all.ram);
  }

  Probe probe() {
    return probe;
  }

  /** INITIALIZE UPDATE with this version. */
  void update(byte stage, byte version) {
    short size = scp.initializeUpdate(version, state.is(SessionState.IS_S16), exchange, NextAnswer.COMMAND);
    state.fields[SessionState.STAGE] = stage;
    out.selectAndSend(size, state.slot());
  }

  /** Whether the card wants challenges of 16 octets; asked for once. */
  boolean wantsS16(short sw) {
    boolean wants = sw == (short) 0x6700 && !state.is(SessionState.IS_S16);
    if (wants) {
      state.set(SessionState.IS_S16, true);
    }
    return wants;
  }

  /** The keys that the channel opens with, in BEFORE; false when the delivery leaves none. */
  boolean findSet() {
    short action = state.current();
    boolean isKnown = keys.follow(action, ChannelKeys.BEFORE);
    boolean mayBeGone = state.isSent() && isKnown && actions.kind(action) == Actions.DELETE_KEY
        && actions.deletedVersion(action) == keys.version(ChannelKeys.BEFORE);
    if (mayBeGone && keys.follow((short) (action + 1), ChannelKeys.AFTER)) {
      keys.preferAfter();
    }
    return isKnown;
  }

  byte open(byte purpose) {
    close();
    state.fields[SessionState.PURPOSE] = purpose;
    if (envelope.isByCertificates()) {
      return openByCertificates();
    }
    if (!findSet() || !keys.isUsable(ChannelKeys.BEFORE)) {
      return BLOCKED;
    }
    update(SessionState.CHANNEL_UPDATE, (byte) keys.version(ChannelKeys.BEFORE));
    return WAITS;
  }

  byte updateAnswered(short sw, short at, short size) {
    if (wantsS16(sw)) {
      return open(state.fields[SessionState.PURPOSE]);
    }
    short required = (short) (envelope.mask() & REQUIRED_BITS);
    boolean isAccepted = sw == Status.OK && scp.readUpdate(exchange, at, size)
        && (short) (scp.parameter() & required) == required;
    if (!isAccepted) {
      return BLOCKED;
    }
    if (state.isSent() && probe.isProvedByChannel(state.current())) {
      close();
      return PROVED;
    }
    findSet();
    return scp.offersRmac() ? authenticate() : withoutRmac();
  }

  private byte withoutRmac() {
    for (short action = state.current(); action < actions.count(); ++action) {
      if (!keys.isWholeSet(action)) {
        return BLOCKED;
      }
    }
    if (state.fields[SessionState.PURPOSE] != Probe.KEY_LIST) {
      return authenticate();
    }
    return probe.isDisprovedByChannel(state.current()) ? ABSENT : UNRESOLVED;
  }

  private byte authenticate() {
    Slot slot = state.slot();
    boolean mayBePseudoRandom = (short) (envelope.mask() & NO_PSEUDO_RANDOM) == 0;
    boolean isGood = scp.fitsMode() && (mayBePseudoRandom || (byte) (scp.parameter() & Scp03.PSEUDO_RANDOM) == 0);
    if (isGood) {
      short size = keys.copy(ChannelKeys.BEFORE, ChannelKeys.ENC);
      isGood = scp.isChallengeUnder(engines.ram.work, Ram.KEY, size, slot.record, Slot.TARGET,
          slot.record[Slot.TARGET_SIZE]);
    }
    if (isGood) {
      short size = keys.copy(ChannelKeys.BEFORE, ChannelKeys.MAC);
      isGood = scp.isCryptogramUnder(engines.ram.work, Ram.KEY, size);
      scp.deriveFromMac(engines.ram.work, Ram.KEY, size);
      size = keys.copy(ChannelKeys.BEFORE, ChannelKeys.ENC);
      scp.deriveFromEnc(engines.ram.work, Ram.KEY, size);
    }
    keys.wipeCopy();
    if (!isGood) {
      return BLOCKED;
    }
    state.fields[SessionState.STAGE] = SessionState.CHANNEL_AUTHENTICATION;
    out.send(scp.externalAuthenticate(exchange, NextAnswer.COMMAND));
    return WAITS;
  }

  byte authenticationAnswered(short sw, short size) {
    if (sw != Status.OK || size != 0) {
      return BLOCKED;
    }
    scp.setOpen();
    return OPEN;
  }

  private byte openByCertificates() {
    if (!scp11.isPossible(state.slot().attempt)) {
      return BLOCKED;
    }
    state.fields[SessionState.STAGE] = SessionState.CARD_DATA;
    out.selectAndSend(Scp11.askCardData(exchange, NextAnswer.COMMAND), state.slot());
    return WAITS;
  }

  byte cardDataAnswered(short sw, short at, short size) {
    short macSize = sw == Status.OK ? scp11.macSize(at, size) : (short) 0;
    if (macSize == 0) {
      return BLOCKED;
    }
    scp.setMode(macSize == 16);
    state.fields[SessionState.STAGE] = SessionState.HOST_CERTIFICATE;
    out.send(scp11.certificate(exchange, NextAnswer.COMMAND));
    return WAITS;
  }

  byte certificateAnswered(short sw) {
    if (sw != Status.OK) {
      return BLOCKED;
    }
    state.fields[SessionState.STAGE] = SessionState.AGREEMENT;
    out.send(scp11.authenticate(envelope.version(), exchange, NextAnswer.COMMAND));
    return WAITS;
  }

  byte agreementAnswered(short sw, short at, short size) {
    if (!engines.hasEphemeral()) {
      return open(state.fields[SessionState.PURPOSE]); // a receipt was made meanwhile, and took its place
    }
    if (sw != Status.OK || !scp11.agree(state.slot().attempt, at, size)) {
      return BLOCKED;
    }
    scp.openAgreed(engines.ram.work, Scp11.SESSION_KEYS, Scp11.RECEIPT);
    return OPEN;
  }

  /** The cipher takes what sensitive data go under: Key-DEK, and by certificates the session's own. */
  void encryptUnderDek() {
    if (envelope.isByCertificates()) {
      scp.encryptUnderDek();
      return;
    }
    short size = keys.copy(ChannelKeys.BEFORE, ChannelKeys.DEK);
    engines.aes.encryptUnder(engines.ram.work, Ram.KEY, size);
    keys.wipeCopy();
  }

  boolean isOpen() {
    return scp.isOpen();
  }

  /** Sends what stands in the answer, under the channel; false when it does not fit. */
  boolean transmit(byte stage, short octets) {
    short size = scp.wrap(exchange, NextAnswer.COMMAND, octets);
    if (size == 0) {
      return false;
    }
    state.fields[SessionState.STAGE] = stage;
    out.send(size);
    return true;
  }

  /** The length of the data in the clear when an R-MAC covers the answer; -1 otherwise. */
  short authenticated(short sw, short at, short size) {
    return scp.isOpen() && scp.isCovered(sw) ? scp.unwrap(exchange, at, size, sw) : (short) -1;
  }

  void close() {
    scp.close();
    engines.dropEphemeral();
    state.set(SessionState.IS_COUNTED, false);
  }
}
