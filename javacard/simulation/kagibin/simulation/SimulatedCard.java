// SPDX-License-Identifier: Apache-2.0
package kagibin.simulation;

import com.licel.jcardsim.base.Simulator;
import com.licel.jcardsim.utils.AIDUtil;
import java.util.Map;
import java.util.TreeMap;
import javacard.framework.AID;
import kagibin.kda.KeyDeliveryApplet;
import org.globalplatform.GPSystem;

/**
 * A card in jCardSim with the key delivery applet, and with what a card manager adds that jCardSim has not: logical
 * channels, and the secure channel of the domain that loaded the applet. Applications that are plain Java, such as a
 * TargetDomain, stand beside it.
 *
 * <p>jCardSim keeps one application selected; another channel's is selected again before its command, silently.
 */
public final class SimulatedCard {
  public static final byte[] KDA = Octets.hex("F04B41474942494E01");
  private static final byte[] DOMAIN = Octets.hex("A000000151000000");
  private static final int CHANNELS = 4;
  private static final int MOST_SHORT = 261;

  public final CardRuntime runtime = new CardRuntime();
  public final DomainChannel domain;
  private final Simulator simulator = new Simulator(runtime);
  private final Map<String, Application> applications = new TreeMap<>();
  private final String[] selected = new String[CHANNELS];
  private final boolean[] isOpen = {true, false, false, false};
  private String active = "";

  /** An application in plain Java, and the answer to its SELECT. */
  public static final class Application {
    private final PlainApplication code;
    private final byte[] selectAnswer;

    public Application(PlainApplication plain, byte[] answer) {
      code = plain;
      selectAnswer = answer;
    }
  }

  static {
    Randomness.ofRandomData();
  }

  public SimulatedCard(Scp03Card.KeySet makers, int slots) {
    this(makers, slots == 0 ? new byte[0] : Octets.of(slots));
  }

  /** {@code own}: the install parameters of the applet (C9). */
  public SimulatedCard(Scp03Card.KeySet makers, byte[] own) {
    this(makers, own, null);
  }

  /** With a CASD that speaks for the applet; null: none. */
  public SimulatedCard(Scp03Card.KeySet makers, byte[] own, CasdStandIn casd) {
    if (casd != null) {
      add(CasdStandIn.AID, new Application(casd, new byte[0]));
    }
    GPSystem.simulate(casd);
    domain = new DomainChannel(makers, 0x70, DOMAIN);
    GPSystem.simulate(domain);
    byte[] parameters = Octets.join(Octets.of(KDA.length), KDA, Octets.of(0), Octets.of(own.length), own);
    simulator.installApplet(AIDUtil.create(KDA), KeyDeliveryApplet.class, parameters, (short) 0,
        (byte) parameters.length);
    Randomness.giveTo(applet());
  }

  /** The one instance of the applet, for tests that look at its memory. */
  public KeyDeliveryApplet applet() {
    return (KeyDeliveryApplet) runtime.lookupApplet(AIDUtil.create(KDA)).getApplet();
  }

  public void add(byte[] aid, Application application) {
    applications.put(Octets.hex(aid), application);
  }

  /** An applet beside the key delivery application. */
  public void install(byte[] aid, Class<? extends javacard.framework.Applet> code) {
    byte[] parameters = Octets.join(Octets.of(aid.length), aid, Octets.of(0, 0));
    simulator.installApplet(AIDUtil.create(aid), code, parameters, (short) 0, (byte) parameters.length);
    applications.put(Octets.hex(aid), new Application(null, null));
  }

  public void reset() {
    simulator.reset();
    domain.reset();
    applications.values().forEach(one -> {
      if (one.code != null) {
        one.code.reset();
      }
    });
    java.util.Arrays.fill(selected, null);
    for (int i = 1; i < CHANNELS; ++i) {
      isOpen[i] = false;
    }
    active = "";
  }

  private static byte[] status(int sw) {
    return Octets.number(sw, 2);
  }

  public byte[] transmit(byte[] command) {
    if (command.length < 4) {
      return status(0x6700);
    }
    int cla = command[0] & 0xFF;
    if (cla == 0xFF || (cla & 0x60) == 0x20) {
      return status(0x6E00);
    }
    if ((cla & 0x68) == 0x08) {
      return status(0x6882);
    }
    int channel = (cla & 0x40) != 0 ? CHANNELS : cla & 0x03;
    if (channel >= CHANNELS || !isOpen[channel]) {
      return status(0x6881);
    }
    if ((cla & 0x80) == 0 && command[1] == 0x70) {
      return manageChannel(command);
    }
    if ((cla & 0x80) == 0 && command[1] == (byte) 0xA4 && command[2] == 0x04) {
      return select(channel, Octets.cut(command, 5, 5 + (command[4] & 0xFF)));
    }
    if (selected[channel] == null) {
      return status(0x6985);
    }
    Application application = applications.get(selected[channel]);
    if (application != null && application.code != null) {
      byte[] plain = command.clone();
      plain[0] = (byte) (cla & 0xFC);
      return application.code.process(plain);
    }
    activate(selected[channel]);
    // jCardSim's APDU buffer ends one octet before the longest short command does: its Le stays outside.
    boolean isTooLong = command.length == MOST_SHORT && (command[4] & 0xFF) == 0xFF;
    return simulator.transmitCommand(isTooLong ? Octets.cut(command, 0, MOST_SHORT - 1) : command);
  }

  /** To the key delivery applet as it is, past the channels. */
  public byte[] transmitPlainly(byte[] command) {
    activate(Octets.hex(KDA));
    return simulator.transmitCommand(command);
  }

  /** What lasts, for ObjectGraph. */
  public java.util.Map<Object, Object> copyOfMemory() {
    return ObjectGraph.of(applet()).copyWithout(runtime.transientArrays());
  }

  /** The power goes; with a copy, what a transaction had written until then is undone. */
  public void cutPower(java.util.Map<Object, Object> before) {
    if (before != null) {
      ObjectGraph.putBack(before);
    }
    runtime.forgetTransaction();
    reset();
  }

  private byte[] manageChannel(byte[] command) {
    if (command[2] == 0) {
      for (int i = 1; i < CHANNELS; ++i) {
        if (!isOpen[i]) {
          isOpen[i] = true;
          selected[i] = null;
          return Octets.of(i, 0x90, 0x00);
        }
      }
      return status(0x6A81);
    }
    isOpen[command[3]] = false;
    return status(0x9000);
  }

  private byte[] select(int channel, byte[] aid) {
    String name = Octets.hex(aid);
    Application application = applications.get(name);
    if (application != null && application.code != null) {
      application.code.reset();
      selected[channel] = name;
      return Octets.join(application.selectAnswer, status(0x9000));
    }
    if (application == null && !name.equals(Octets.hex(KDA))) {
      return status(0x6A82);
    }
    selected[channel] = name;
    active = name;
    return simulator.transmitCommand(Octets.join(Octets.of(0, 0xA4, 4, 0, aid.length), aid, Octets.of(0)));
  }

  private void activate(String name) {
    if (!active.equals(name)) {
      byte[] aid = Octets.hex(name);
      simulator.transmitCommand(Octets.join(Octets.of(0, 0xA4, 4, 0, aid.length), aid, Octets.of(0)));
      active = name;
    }
  }

  public static AID aid(byte[] octets) {
    return AIDUtil.create(octets);
  }
}
