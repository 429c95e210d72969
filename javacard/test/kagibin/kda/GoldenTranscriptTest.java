// SPDX-License-Identifier: Apache-2.0
package kagibin.kda;

import static org.junit.Assert.assertArrayEquals;
import static org.junit.Assert.assertEquals;
import static org.junit.Assert.assertTrue;

import java.io.IOException;
import java.nio.file.Paths;
import java.security.PrivateKey;
import java.util.Arrays;
import kagibin.simulation.Cryptography;
import kagibin.simulation.Issuer;
import kagibin.simulation.MakerSession;
import kagibin.simulation.Octets;
import kagibin.simulation.PayloadText;
import kagibin.simulation.Provider;
import kagibin.simulation.Scp03Card;
import kagibin.simulation.SimulatedCard;
import kagibin.simulation.TargetDomain;
import org.junit.Test;

/**
 * The transcripts that the native application reproduces byte for byte, replayed against the applet: what a card draws, or
 * derives from what it drew, is captured, opened and verified; every other octet of every line is the same.
 */
public class GoldenTranscriptTest {
  private static final byte[] TARGET = Octets.hex("A00000015153504B01");
  private static final int OLD_VERSION = 0x30;
  private static final int NEW_VERSION = 0x31;

  @Test
  public void addsAKeySetAndDeletesTheIssuersAsTheNativeOneDoes() throws IOException {
    Scp03Card.KeySet fresh = PayloadText.keySet(16);
    Replay replay = new Replay("add_then_delete", fresh, PayloadText.putSet(0, NEW_VERSION, fresh),
        PayloadText.deleteKey(OLD_VERSION));
    replay.run();
    assertArrayEquals(Octets.of(0, 0), replay.results);
  }

  @Test
  public void replacesAKeySetAsTheNativeOneDoes() throws IOException {
    Scp03Card.KeySet fresh = PayloadText.keySet(16);
    Replay replay = new Replay("replace_key_set", fresh, PayloadText.putSet(OLD_VERSION, NEW_VERSION, fresh));
    replay.run();
    assertArrayEquals(Octets.of(0), replay.results);
  }

  /** The roles of one transcript, and a card. */
  private static final class Replay {
    final Transcript kept;
    final SimulatedCard card;
    final TargetDomain target;
    final Provider provider;
    final Provider.Attempt attempt = new Provider.Attempt();
    final Scp03Card.KeySet fresh;
    final byte[] payload;
    byte[] results;
    private byte[] last = new byte[0]; // answer
    private byte[] collected = new byte[0]; // E4 or E3 so far
    private byte[] envelope; // what LOAD still carries
    private byte[] ofTarget; // its last answer

    Replay(String name, Scp03Card.KeySet set, byte[]... actions) throws IOException {
      kept = Transcript.read(Paths.get("..", "tests", "system", "testdata", name + ".apdu"));
      fresh = set;
      GoldenSeed seed = new GoldenSeed(kept.head.get("rng"));
      byte[] e0 = kept.message(0x10);
      byte[] certificate = Octets.tlv(0x7F21, Octets.find(Octets.value(e0, 0), 0x7F21));
      PrivateKey root = seed.issuerOf(certificate);
      byte[] rootPoint = Point.of(((java.security.interfaces.ECPrivateKey) root).getS());
      byte[] spPoint = Octets.find(Octets.find(Octets.value(certificate, 0), 0x7F49), 0xB0);
      attempt.nonce = Octets.find(Octets.value(e0, 0), 0x83);
      attempt.kemPoint = Octets.find(Octets.value(e0, 0), 0x85);
      attempt.kem = seed.keyOf(attempt.kemPoint, "PK.SP.KEM's key");
      provider = new Provider(Octets.find(Octets.value(e0, 0), 0x82), certificate,
          seed.keyOf(spPoint, "SK.SP.SIG"), rootPoint);

      Scp03Card.KeySet makers = PayloadText.keySet(16);
      card = new SimulatedCard(makers, 0);
      new MakerSession(card, makers).make(Fixture.issuer(root, rootPoint));
      card.reset();
      target = new TargetDomain(TARGET, 0x70);
      Scp03Card.KeySet issuers = PayloadText.keySet(16);
      target.keySets.put(OLD_VERSION, issuers);
      attempt.receiptKey = PayloadText.random(16);
      payload = PayloadText.payload(OLD_VERSION, issuers, attempt.receiptKey, actions);
    }

    void run() {
      for (int i = 0; i < kept.lines.size(); i += 2) {
        Transcript.Line line = kept.lines.get(i);
        Transcript.Line answer = kept.lines.get(i + 1);
        if (!line.isCommand || answer.isCommand) {
          throw new AssertionError("commands and answers alternate");
        }
        if ((line.octets[1] & 0xFF) == 0xA4 && line.octets[0] == 0x02) {
          card.add(TARGET, new SimulatedCard.Application(target, MakerSession.data(answer.octets)));
        }
        byte[] command = command(line);
        assertEquals("line " + i, "", line.compare(command));
        last = card.transmit(command);
        assertEquals("line " + (i + 1), "", answer.compare(last));
        take(answer.field);
      }
      assertArrayEquals(fresh.mac, target.keySets.get(NEW_VERSION).mac);
      assertTrue(!target.keySets.containsKey(OLD_VERSION));
    }

    /** The command of a line, with what this card has drawn in it. */
    private byte[] command(Transcript.Line line) {
      byte[] header = Octets.cut(line.octets, 0, 4);
      byte[] handleTlv = attempt.handle == null ? null : Octets.tlv(0x83, attempt.handle);
      switch (line.field) {
        case "":
          return line.octets;
        case "remaining":
          return Octets.join(header, Octets.of(last[last.length - 1]));
        case "handle":
          return Octets.join(header, Octets.of(18), handleTlv, Octets.of(0));
        case "handle_and_envelope": {
          byte[] message = envelope == null ? Octets.join(handleTlv, sealed()) : envelope;
          int size = Math.min(255, message.length);
          envelope = Octets.cut(message, size, message.length);
          return Octets.join(header, Octets.of(size), Octets.cut(message, 0, size));
        }
        case "handle_and_answer": {
          byte[] answer = ofTarget == null ? new byte[0]
              : Octets.join(Octets.tlv(0xD3, Octets.cut(ofTarget, ofTarget.length - 2, ofTarget.length)),
                  Octets.tlv(0xD4, MakerSession.data(ofTarget)));
          byte[] message = Octets.join(handleTlv, answer);
          return Octets.join(header, Octets.of(message.length), message, Octets.of(0));
        }
        default: { // to the target: what NEXT gave, on its channel
          byte[] command = commandOfNext;
          command[0] |= (byte) (line.octets[0] & 0x03);
          return command;
        }
      }
    }

    private byte[] commandOfNext;

    private void take(String field) {
      byte[] data = MakerSession.data(last);
      int sw = MakerSession.status(last);
      switch (field) {
        case "answer_e4":
        case "receipt_e3":
        case "continued":
          collected = Octets.join(collected, data);
          if (sw == 0x9000) {
            takeMessage();
          }
          break;
        case "next":
          commandOfNext = Octets.find(data, 0xD0);
          break;
        default:
          ofTarget = last;
      }
    }

    private void takeMessage() {
      if (collected[0] == (byte) 0xE4) {
        byte[] e1 = provider.open(attempt, collected);
        assertArrayEquals(TARGET, Octets.find(e1, 0x8A));
        assertArrayEquals(Octets.of(5), Octets.find(e1, 0x88));
        assertArrayEquals(SimulatedCard.KDA, Octets.find(e1, 0x86));
        assertArrayEquals(Issuer.CODE_HASH, Octets.find(e1, 0x87));
      } else {
        results = provider.judge(attempt, collected);
      }
      collected = new byte[0];
    }

    /** The transcript's envelope for this card: its header with another handle, its payload under other keys. */
    private byte[] sealed() {
      byte[] message = kept.message(0x12);
      byte[] golden = Octets.object(message, 1);
      byte[] header = Octets.object(Octets.value(golden, 0), 0);
      byte[] old = Octets.find(Octets.value(header, 0), 0x83);
      int at = Octets.hex(header).indexOf(Octets.hex(old)) / 2;
      System.arraycopy(attempt.handle, 0, header, at, 16);
      byte[] e2 = provider.seal(attempt, header, payload);
      int ofGolden = Octets.find(Octets.find(Octets.value(golden, 0), 0xA1), 0x81).length;
      int ofThis = Octets.find(Octets.find(Octets.value(e2, 0), 0xA1), 0x81).length;
      assertEquals("the payload is as long as the transcript's", ofGolden, ofThis);
      ofTarget = null;
      return e2;
    }
  }

  @Test
  public void aChangedOctetIsNoticed() throws IOException {
    Transcript.Line line = Transcript.read(Paths.get("..", "tests", "system", "testdata", "replace_key_set.apdu")).lines
        .stream().filter(one -> one.field.equals("cryptogram")).findFirst().get();
    assertEquals("", line.compare(line.octets));
    for (int i = 0; i < line.octets.length; ++i) {
      byte[] damaged = line.octets.clone();
      damaged[i] ^= 1;
      assertEquals("octet " + i, i < line.from || i >= line.to, !line.compare(damaged).isEmpty());
    }
    assertTrue(!line.compare(Arrays.copyOf(line.octets, 3)).isEmpty());
    assertEquals(32, Cryptography.sha256(line.octets).length);
  }
}
