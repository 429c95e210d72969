// SPDX-License-Identifier: Apache-2.0
package kagibin.simulation;

import java.io.DataInputStream;
import java.io.DataOutputStream;
import java.io.EOFException;
import java.io.IOException;
import java.io.PrintStream;
import java.net.InetAddress;
import java.net.ServerSocket;
import java.net.Socket;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.Paths;
import java.util.HashMap;
import java.util.Map;

/**
 * A simulated card behind a TCP port of this machine, in vpcd's protocol as kagibin/link/vpcd_card.h speaks it: frames of a
 * length and octets; 00 power off, 01 power on, 02 reset, 04 asks for the ATR, a longer one is a C-APDU. One reader at a
 * time. For tests and for trying the applet out; a simulated card keeps no secret (see Randomness).
 *
 * <pre>
 * java -cp ... kagibin.simulation.CardServer [--port N] [--domain-keys FILE] [--slots N] [--target AID=FILE] [--casd ROOTS=HASH]
 * </pre>
 *
 * The first line that it prints is an object with its port. Key files are those of {@code kagibin gp --keys}: lines ENC, MAC and
 * DEK in hexadecimal; without one the domain has the keys 404142...4F. {@code --target} puts a security domain beside the
 * applet, an applet of its own, whose key set 30 is in the file. {@code --slots} and {@code --card-data} (hexadecimal) are
 * what the applet is installed with. {@code --casd} gives the card a CASD that believes the first key of a roots.pem, and says
 * that the applet's load file has this hash: the applet is installed to be attested by it.
 */
public final class CardServer {
  private static final byte[] ATR = Octets.hex("3B80800101");
  private static final int POWER_OFF = 0;
  private static final int POWER_ON = 1;
  private static final int RESET = 2;
  private static final int ASK_ATR = 4;
  private static final byte[] TEST_KEY = Octets.hex("404142434445464748494A4B4C4D4E4F");

  private final SimulatedCard card;

  private CardServer(SimulatedCard simulated) {
    card = simulated;
  }

  private void serve(Socket reader) throws IOException {
    reader.setTcpNoDelay(true);
    DataInputStream in = new DataInputStream(reader.getInputStream());
    DataOutputStream out = new DataOutputStream(reader.getOutputStream());
    while (true) {
      byte[] frame = new byte[in.readUnsignedShort()];
      in.readFully(frame);
      if (frame.length > 1) {
        answer(out, card.transmit(frame));
      } else if (frame.length == 1 && frame[0] == ASK_ATR) {
        answer(out, ATR);
      } else if (frame.length == 1 && (frame[0] == POWER_ON || frame[0] == RESET || frame[0] == POWER_OFF)) {
        card.reset();
      }
    }
  }

  private static void answer(DataOutputStream out, byte[] octets) throws IOException {
    out.write(Octets.join(Octets.number(octets.length, 2), octets));
    out.flush();
  }

  private static Scp03Card.KeySet readKeys(String file) throws IOException {
    if (file == null) {
      return new Scp03Card.KeySet(TEST_KEY, TEST_KEY, TEST_KEY);
    }
    Map<String, byte[]> keys = new HashMap<>();
    Path path = Paths.get(file);
    for (String line : Files.readAllLines(path)) {
      String[] words = line.trim().split("\\s*[=:\\s]\\s*");
      if (words.length == 2 && words[0].matches("(?i)enc|mac|dek")) {
        keys.put(words[0].toLowerCase(java.util.Locale.ROOT), Octets.hex(words[1]));
      }
    }
    if (keys.size() != 3) {
      throw new IOException(path + ": a key file has the lines ENC, MAC and DEK");
    }
    return new Scp03Card.KeySet(keys.get("enc"), keys.get("mac"), keys.get("dek"));
  }

  private static CasdStandIn makeCasd(String option) throws IOException {
    if (option == null) {
      return null;
    }
    String[] parts = option.split("=");
    String pem = new String(Files.readAllBytes(Paths.get(parts[0])), java.nio.charset.StandardCharsets.US_ASCII);
    String first = pem.substring(0, pem.indexOf("-----END")).replaceAll("-----[^-]*-----|\\s", "");
    byte[] spki = java.util.Base64.getDecoder().decode(first);
    return new CasdStandIn(Octets.cut(spki, spki.length - 65, spki.length), Octets.hex(parts[1]));
  }

  public static void main(String[] arguments) throws IOException {
    // jCardSim prints what it makes; the first line is ours.
    PrintStream console = System.out;
    System.setOut(System.err);
    Map<String, String> options = new HashMap<>();
    for (int i = 0; i + 1 < arguments.length; i += 2) {
      options.put(arguments[i], arguments[i + 1]);
    }
    byte[] cardData = Octets.hex(options.getOrDefault("--card-data", ""));
    int slots = Integer.parseInt(options.getOrDefault("--slots", cardData.length == 0 ? "0" : "1"));
    CasdStandIn casd = makeCasd(options.get("--casd"));
    int first = casd == null ? slots : slots | 0x80;
    byte[] own = first == 0 ? cardData : Octets.join(Octets.of(first), cardData);
    SimulatedCard card = new SimulatedCard(readKeys(options.get("--domain-keys")), own, casd);
    String target = options.get("--target");
    if (target != null) {
      String[] parts = target.split("=");
      TargetApplet.prepare(Octets.hex(parts[0]), readKeys(parts[1]));
      card.install(Octets.hex(parts[0]), TargetApplet.class);
    }
    CardServer server = new CardServer(card);
    InetAddress here = InetAddress.getLoopbackAddress();
    try (ServerSocket listener = new ServerSocket(Integer.parseInt(options.getOrDefault("--port", "0")), 1, here)) {
      console.println("{\"port\":" + listener.getLocalPort() + "}");
      console.flush();
      while (true) {
        try (Socket reader = listener.accept()) {
          server.serve(reader);
        } catch (EOFException gone) {
          card.reset();
        }
      }
    }
  }
}
