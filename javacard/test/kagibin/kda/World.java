// SPDX-License-Identifier: Apache-2.0
package kagibin.kda;

import java.security.KeyPair;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import kagibin.simulation.CasdStandIn;
import kagibin.simulation.Cryptography;
import kagibin.simulation.Issuer;
import kagibin.simulation.MakerSession;
import kagibin.simulation.Octets;
import kagibin.simulation.PayloadText;
import kagibin.simulation.Provider;
import kagibin.simulation.Scp03Card;
import kagibin.simulation.Scp11Card;
import kagibin.simulation.SimulatedCard;
import kagibin.simulation.TargetDomain;

/** A card with a certified applet, a target, a provider, and the agent that pumps between them. */
final class World {
  static final byte[] TARGET = Octets.hex("A00000015153504B01");
  static final byte[] SPID = Octets.hex("53504944010000000000000000000000");
  static final int OLD_VERSION = 0x30;
  static final int NEW_VERSION = 0x31;
  static final int RESET = 1;
  static final int SELECT = 2;
  static final int WAIT = 3;
  static final int DONE = 4;

  final KeyPair root = Cryptography.newKeyPair();
  final Issuer issuer;
  /** null: the card has none. */
  final CasdStandIn casd;
  final SimulatedCard card;
  final TargetDomain target;
  final Scp03Card.KeySet channelKeys;
  final Provider provider;
  /** CERT.SD, which the agent hands in with every request; null: none, and deliveries are at RL1. */
  byte[] domainCertificate;
  int mask = 0x60;
  int seq;
  /** The commands that went to the target. */
  final List<byte[]> sent = new ArrayList<>();
  /** What the target answers on its way to the applet; null: the answer is lost, and the agent begins again. */
  java.util.function.UnaryOperator<byte[]> relay = answer -> answer;

  World() {
    this(16, 0x70, 0);
  }

  World(int keySize, int i, int slots) {
    this(keySize, i, slots, 0);
  }

  /** At RL2: the domain speaks SCP11a with MACs of so many octets, and the authority certified its key. */
  static World byCertificates(int macSize) {
    return new World(16, 0x70, 0, macSize);
  }

  World(int keySize, int i, int slots, int macSize) {
    this(keySize, i, slots, macSize, false);
  }

  /** No maker's session: the applet is installed to be attested by the card's CASD, whose key the authority certified. */
  static World attested() {
    return new World(16, 0x70, 0, 0, true);
  }

  private World(int keySize, int i, int slots, int macSize, boolean isAttested) {
    Scp03Card.KeySet makers = PayloadText.keySet(16);
    issuer = Fixture.issuer(root.getPrivate(), MakerSession.point(root));
    if (isAttested) {
      casd = new CasdStandIn(MakerSession.point(root), Issuer.CODE_HASH);
      casd.certificate = issuer.certifyCasd(root.getPrivate(), casd.point());
      card = new SimulatedCard(makers, Octets.of(0x80), casd);
    } else {
      casd = null;
      card = new SimulatedCard(makers, slots);
      new MakerSession(card, makers).make(issuer, macSize > 0);
    }
    card.reset();
    target = new TargetDomain(TARGET, i);
    channelKeys = PayloadText.keySet(keySize);
    target.keySets.put(OLD_VERSION, channelKeys);
    card.add(TARGET, new SimulatedCard.Application(target, new byte[0]));
    provider = provider(SPID, 1);
    if (macSize > 0) {
      target.scp11 = new Scp11Card(issuer.makerPoint(), macSize);
      domainCertificate = issuer.certifyDomain(root.getPrivate(), issuer.seid, TARGET, SPID, target.scp11.point());
    }
  }

  Provider provider(byte[] spid, int epoch) {
    KeyPair own = Cryptography.newKeyPair();
    byte[] discretionary = Octets.join(Issuer.kind(5, epoch), Octets.tlv(0x82, Octets.hex("A000000151")));
    byte[] certificate = Issuer.certificate(9, Octets.ascii("AUTH"), spid, Octets.of(0x82), discretionary,
        MakerSession.point(own), root.getPrivate());
    return new Provider(spid, certificate, own.getPrivate(), MakerSession.point(root));
  }

  static int status(byte[] answer) {
    return MakerSession.status(answer);
  }

  /** Resets that the applet asked for in pump(). */
  int resets;
  boolean canReset = true;

  /** The applet on the basic channel; the target is on channel 1. */
  void select() {
    byte[] select = Octets.join(Octets.of(0, 0xA4, 4, 0, SimulatedCard.KDA.length), SimulatedCard.KDA, Octets.of(0));
    if (status(card.transmit(select)) != 0x9000) {
      throw new IllegalStateException("no applet");
    }
    card.transmit(Octets.hex("0070000001"));
  }

  /** One command with its whole answer. */
  byte[] transmit(byte[] command) {
    byte[] answer = card.transmit(command);
    byte[] data = MakerSession.data(answer);
    while ((answer[answer.length - 2] & 0xFF) == 0x61) {
      answer = card.transmit(Octets.join(Octets.hex("00C00000"), Octets.of(answer[answer.length - 1])));
      data = Octets.join(data, MakerSession.data(answer));
    }
    return Octets.join(data, Octets.cut(answer, answer.length - 2, answer.length));
  }

  /** A message in blocks; the answer to the last, or to the first that is refused. */
  byte[] send(int instruction, byte[] message) {
    for (int block = 0, at = 0; ; ++block, at += 255) {
      boolean isLast = message.length - at <= 255;
      byte[] part = Octets.cut(message, at, isLast ? message.length : at + 255);
      byte[] header = Octets.of(isLast ? 0x80 : 0x90, instruction, 0, block);
      byte[] answer = transmit(part.length == 0 ? header
          : Octets.join(header, Octets.of(part.length), part, isLast ? Octets.of(0) : new byte[0]));
      if (isLast || status(answer) != 0x9000) {
        return answer;
      }
    }
  }

  static byte[] ok(byte[] answer) {
    if (status(answer) != 0x9000) {
      throw new IllegalStateException("refused: " + Octets.hex(answer));
    }
    return MakerSession.data(answer);
  }

  Provider.Attempt attempt() {
    Provider.Attempt out = new Provider.Attempt();
    KeyPair kem = Cryptography.newKeyPair();
    out.kem = kem.getPrivate();
    out.kemPoint = MakerSession.point(kem);
    out.nonce = PayloadText.random(16);
    out.receiptKey = PayloadText.random(16);
    out.domain = domainCertificate;
    return out;
  }

  /** A whole enrolment; the attempt knows its handle and statement afterwards. */
  Provider.Attempt enrol() {
    Provider.Attempt attempt = attempt();
    attempt.request = provider.request(attempt, TARGET, 0, null);
    provider.open(attempt, ok(send(0x10, message(attempt))));
    return attempt;
  }

  /** What ENROL takes: E0, and CERT.SD where the attempt has one. */
  static byte[] message(Provider.Attempt attempt) {
    return attempt.domain == null ? attempt.request : Octets.join(attempt.request, attempt.domain);
  }

  byte[] payload(Provider.Attempt attempt, byte[]... actions) {
    Scp03Card.KeySet keys = attempt.domain == null ? channelKeys : null;
    return PayloadText.payload(OLD_VERSION, keys, attempt.receiptKey, actions);
  }

  byte[] seal(Provider.Attempt attempt, byte[]... actions) {
    return provider.seal(attempt, header(attempt), payload(attempt, actions));
  }

  /** A0 of the next SEQ. */
  byte[] header(Provider.Attempt attempt) {
    boolean isByCertificates = attempt.domain != null;
    byte[] parameters = isByCertificates ? Octets.of(0x11, Scp11Card.KEY_VERSION) : Octets.of(OLD_VERSION, mask);
    return provider.header(attempt, isByCertificates ? 2 : 1, parameters, ++seq, 1000, 2000);
  }

  byte[] load(Provider.Attempt attempt, byte[] envelope) {
    return send(0x12, Octets.join(Octets.tlv(0x83, attempt.handle), envelope));
  }

  /** One NEXT; {@code last} is the target's R-APDU or null. */
  byte[] next(Provider.Attempt attempt, byte[] last) {
    byte[] told = last == null ? new byte[0]
        : Octets.join(Octets.tlv(0xD3, Octets.cut(last, last.length - 2, last.length)),
            Octets.tlv(0xD4, MakerSession.data(last)));
    return send(0x14, Octets.join(Octets.tlv(0x83, attempt.handle), told));
  }

  /** Pumps until a hint says to stop; answers it, or minus the status word that refused. */
  int pump(Provider.Attempt attempt) {
    byte[] last = null;
    for (int i = 0; i < 200; ++i) {
      byte[] answer = next(attempt, last);
      if (status(answer) != 0x9000) {
        return -status(answer);
      }
      byte[] data = MakerSession.data(answer);
      byte[] hint = Octets.find(data, 0xD2);
      byte[] command = Octets.find(data, 0xD0);
      if (command == null && hint[0] == RESET && canReset) {
        ++resets;
        card.reset();
        select();
        last = null;
        continue;
      }
      if (command == null) {
        return hint[0];
      }
      if (hint != null && hint[0] == SELECT) {
        byte[] aid = Octets.find(data, 0xD1);
        card.transmit(Octets.join(Octets.of(1, 0xA4, 4, 0, aid.length), aid, Octets.of(0)));
      }
      sent.add(command.clone());
      command[0] |= 1;
      last = relay.apply(card.transmit(command));
    }
    throw new IllegalStateException("no end");
  }

  byte[] receipt(Provider.Attempt attempt) {
    return transmit(Octets.join(Octets.hex("8016000012"), Octets.tlv(0x83, attempt.handle), Octets.of(0)));
  }

  /** The results of a good receipt. */
  byte[] results(Provider.Attempt attempt) {
    return provider.judge(attempt, ok(receipt(attempt)));
  }

  int state(Provider.Attempt attempt) {
    byte[] answer = ok(transmit(Octets.join(Octets.hex("801A000012"), Octets.tlv(0x83, attempt.handle), Octets.of(0))));
    return Octets.value(answer, 0)[0];
  }

  /** Enrol, load, pump: done. Answers the attempt. */
  Provider.Attempt deliver(byte[]... actions) {
    Provider.Attempt attempt = enrol();
    ok(load(attempt, seal(attempt, actions)));
    int end = pump(attempt);
    if (end != DONE) {
      throw new IllegalStateException("the delivery ended with " + end);
    }
    return attempt;
  }

  static boolean holds(Scp03Card.KeySet set, Scp03Card.KeySet other) {
    return set != null && Arrays.equals(set.enc, other.enc) && Arrays.equals(set.mac, other.mac)
        && Arrays.equals(set.dek, other.dek);
  }
}
