// SPDX-License-Identifier: Apache-2.0
package kagibin.kda;

import javacard.framework.APDU;
import javacard.framework.Applet;
import javacard.framework.ISO7816;
import javacard.framework.ISOException;
import javacard.framework.Util;
import org.globalplatform.GPSystem;
import org.globalplatform.SecureChannel;

/**
 * The key delivery application for Java Card Classic 3.0.4 and later: the same commands, messages, states and status words
 * as the native one (kagibin/se/kda/key_delivery_application.h).
 *
 * <p>Install parameters (tag C9): none, or one octet, the number of (SPID, target) pairs that it can ever serve, 1 to 8;
 * 1 without; behind it the card data, or nothing. With b8 of the octet the card's CASD speaks for the application (Casd), and
 * 80 stands for 81. Everything is allocated there, and what the card lacks makes the
 * installation fail.
 *
 * <p>GENERATE and STORE CERTIFICATES need a session of the associated security domain with C-MAC and are closed for good
 * once certificates are stored; all other commands are refused under secure messaging.
 */
public final class KeyDeliveryApplet extends Applet {
  private static final byte ENROL = 0x10;
  private static final byte LOAD = 0x12;
  private static final byte NEXT = 0x14;
  private static final byte GET_RECEIPT = 0x16;
  private static final byte CANCEL = 0x18;
  private static final byte STATUS = 0x1A;
  private static final byte STATEMENT = 0x1C;
  private static final byte CAPABILITIES = 0x1E;
  private static final byte GENERATE = 0x20;
  private static final byte STORE_CERTIFICATES = 0x22;
  private static final byte GET_RESPONSE = (byte) 0xC0;
  private static final byte INITIALIZE_UPDATE = 0x50;
  private static final byte EXTERNAL_AUTHENTICATE = (byte) 0x82;
  private static final byte BEGIN_R_MAC_SESSION = 0x7A;
  private static final byte END_R_MAC_SESSION = 0x78;
  private static final byte PERFORM_SECURITY_OPERATION = 0x2A;
  private static final byte INTERNAL_AUTHENTICATE = (byte) 0x88;
  private static final short HANDLE_MESSAGE = 18;
  private static final byte DEFAULT_SLOTS = 1;
  private static final byte MOST_SLOTS = 8;
  private static final byte ATTESTED = (byte) 0x80;

  private final byte[] aid; // length, AID
  private final CardData cardData;
  private final Engines engines;
  private final Store store;
  private final Blocks blocks;
  private final Answer answer;
  private final Enrolment enrolment;
  private final Loading loading;
  private final Delivery delivery;
  private final Receipting receipting;
  private final Authority authority;
  private final Maker maker;

  private KeyDeliveryApplet(byte[] parameters, short aidAt, byte slots, CardData ofCard) {
    cardData = ofCard;
    aid = new byte[(short) (parameters[aidAt] + 1)];
    Util.arrayCopyNonAtomic(parameters, aidAt, aid, (short) 0, (short) aid.length);
    engines = new Engines();
    store = new Store(slots);
    blocks = new Blocks(engines.ram);
    answer = new Answer();
    Certificate certificate = new Certificate(engines);
    Request request = new Request(engines, store, certificate);
    enrolment = new Enrolment(engines, store, request, aid);
    receipting = new Receipting(engines, store, request);
    loading = new Loading(engines, store, certificate, receipting);
    Scp11 scp11 = new Scp11(engines, store.identity, certificate);
    delivery = new Delivery(engines, store, loading, receipting, answer, scp11);
    authority = new Authority(engines, store);
    maker = new Maker(engines, store, certificate, aid);
  }

  /** Length and instance AID, length and control information, length and applet data. */
  public static void install(byte[] parameters, short at, byte length) {
    short control = (short) (at + 1 + parameters[at]);
    short data = (short) (control + 1 + parameters[control]);
    short size = parameters[data];
    byte slots = size > 0 ? parameters[(short) (data + 1)] : DEFAULT_SLOTS;
    boolean isAttested = slots < 0;
    slots = slots == ATTESTED ? DEFAULT_SLOTS : (byte) (slots & 0x7F);
    if (size < 0 || slots < 1 || slots > MOST_SLOTS) {
      ISOException.throwIt(ISO7816.SW_WRONG_DATA);
    }
    CardData ofCard = new CardData(parameters, (short) (data + 2), size > 0 ? (short) (size - 1) : (short) 0);
    KeyDeliveryApplet made = new KeyDeliveryApplet(parameters, at, slots, ofCard);
    made.register(parameters, (short) (at + 1), parameters[at]);
    if (isAttested) {
      Casd.require();
      made.store.identity.generate();
      made.store.identity.isAttested = true;
    }
  }

  @Override
  public void process(APDU apdu) {
    byte[] buffer = apdu.getBuffer();
    if (selectingApplet()) {
      tidy();
      sendControlInformation(apdu, buffer);
      return;
    }
    try {
      dispatch(apdu, buffer, ClassOctet.plain(buffer[ISO7816.OFFSET_CLA]));
    } finally {
      engines.forget();
      if (!delivery.hasSession()) {
        receipting.forget();
      }
    }
  }

  /** Keys that a tear between a transaction and its wiping left behind go; so does a pair of a session that a reset ended. */
  private void tidy() {
    if (!delivery.hasSession()) {
      engines.dropEphemeral();
    }
    store.spare.wipe();
    for (short i = 0; i < store.slots.length; ++i) {
      if (store.slots[i].attempt != null && Journal.isFinal(store.slots[i].state())) {
        store.slots[i].attempt.wipe();
      }
    }
  }

  /** 6F { 84 AID, A5 {} } (GPCS 11.9.3.1). */
  private void sendControlInformation(APDU apdu, byte[] buffer) {
    answer.clear();
    short size = aid[0];
    Tlv.head(buffer, (short) 0, (byte) 0x6F, (short) (size + 4));
    short end = Tlv.put(buffer, (short) 2, (byte) 0x84, aid, (short) 1, size);
    Tlv.head(buffer, end, (byte) 0xA5, (short) 0);
    apdu.setOutgoingAndSend((short) 0, (short) (size + 6));
  }

  private void dispatch(APDU apdu, byte[] buffer, byte cla) {
    byte instruction = buffer[ISO7816.OFFSET_INS];
    boolean isSecure = ClassOctet.isSecure(cla);
    if (instruction == GET_RESPONSE && !isSecure && (!ClassOctet.isProprietary(cla) || !answer.isEmpty())) {
      answer.goOn(apdu, buffer);
      return;
    }
    answer.clear();
    if (isOfSecureChannel(buffer, cla)) {
      authenticateMaker(apdu);
      return;
    }
    if (cardData.areAskedFor(buffer, cla)) {
      cardData.tell(answer);
      answer.send(apdu);
      return;
    }
    if (!ClassOctet.isProprietary(cla)) {
      ISOException.throwIt(ISO7816.SW_CLA_NOT_SUPPORTED);
    }
    short octets = apdu.setIncomingAndReceive();
    if (instruction == GENERATE || instruction == STORE_CERTIFICATES) {
      obeyMaker(apdu, buffer, octets, cla);
      return;
    }
    if (isSecure) {
      ISOException.throwIt(Status.SECURE_MESSAGING_NOT_SUPPORTED);
    }
    if (instruction == ENROL || instruction == LOAD || instruction == NEXT || instruction == CANCEL) {
      if (blocks.accept(buffer, ClassOctet.isChained(cla), buffer, ISO7816.OFFSET_CDATA, octets)) {
        obeyChained(instruction, blocks.size());
      }
    } else {
      obeySingle(buffer, octets, cla);
    }
    answer.send(apdu);
  }

  /** Commands that the security domain answers: SCP03's, and those that SCP11 has beside them. */
  private static boolean isOfSecureChannel(byte[] buffer, byte cla) {
    byte instruction = buffer[ISO7816.OFFSET_INS];
    boolean isPlain = cla == (byte) 0x80;
    boolean isScp03 = instruction == INITIALIZE_UPDATE || instruction == EXTERNAL_AUTHENTICATE
        || instruction == BEGIN_R_MAC_SESSION || instruction == END_R_MAC_SESSION;
    return (isScp03 && (isPlain || cla == (byte) 0x84)) || (instruction == INTERNAL_AUTHENTICATE && isPlain)
        || (instruction == PERFORM_SECURITY_OPERATION && (isPlain || cla == (byte) 0x90));
  }

  private void authenticateMaker(APDU apdu) {
    if (store.identity.isClosed()) {
      ISOException.throwIt(ISO7816.SW_CONDITIONS_NOT_SATISFIED);
    }
    short size = GPSystem.getSecureChannel().processSecurity(apdu);
    if (size > 0) {
      apdu.setOutgoingAndSend(ISO7816.OFFSET_CDATA, size);
    }
  }

  private void obeyMaker(APDU apdu, byte[] buffer, short octets, byte cla) {
    if (store.identity.isClosed()) {
      ISOException.throwIt(ISO7816.SW_CONDITIONS_NOT_SATISFIED);
    }
    SecureChannel channel = GPSystem.getSecureChannel();
    byte needed = (byte) (SecureChannel.AUTHENTICATED | SecureChannel.C_MAC);
    if ((byte) (channel.getSecurityLevel() & needed) != needed) {
      ISOException.throwIt(ISO7816.SW_SECURITY_STATUS_NOT_SATISFIED);
    }
    short size = channel.unwrap(buffer, (short) 0, (short) (ISO7816.OFFSET_CDATA + octets));
    short left = (short) (size - ISO7816.OFFSET_CDATA);
    short status = Status.OK;
    short answered = 0;
    try {
      if (blocks.accept(buffer, ClassOctet.isChained(cla), buffer, ISO7816.OFFSET_CDATA, left)) {
        answered = makersAnswer(buffer[ISO7816.OFFSET_INS], blocks.size());
      }
    } catch (ISOException refused) {
      status = refused.getReason();
    }
    sendWrapped(apdu, buffer, channel, answered, status);
  }

  private short makersAnswer(byte instruction, short size) {
    if (instruction == STORE_CERTIFICATES) {
      maker.storeCertificates(size);
      return 0;
    }
    if (size != 0) {
      ISOException.throwIt(ISO7816.SW_WRONG_LENGTH);
    }
    return maker.generate();
  }

  /** The status word goes behind the data for the channel's R-MAC, and is taken away again. */
  private void sendWrapped(APDU apdu, byte[] buffer, SecureChannel channel, short octets, short status) {
    Util.arrayCopyNonAtomic(engines.ram.exchange, (short) 0, buffer, (short) 0, octets);
    Util.setShort(buffer, octets, status);
    short size = channel.wrap(buffer, (short) 0, (short) (octets + 2));
    if (size > 2) {
      apdu.setOutgoingAndSend((short) 0, (short) (size - 2));
    }
    if (status != Status.OK) {
      ISOException.throwIt(status);
    }
  }

  private void obeyChained(byte instruction, short size) {
    if (instruction != NEXT) {
      delivery.drop();
    }
    switch (instruction) {
      case NEXT:
        delivery.next(size);
        break;
      case ENROL:
        enrolment.enrol(size, answer);
        break;
      case LOAD:
        loading.load(size);
        break;
      default:
        receipting.cancel(size);
    }
  }

  private void obeySingle(byte[] buffer, short octets, byte cla) {
    if (ClassOctet.isChained(cla)) {
      ISOException.throwIt(Status.CHAINING_NOT_SUPPORTED);
    }
    if (buffer[ISO7816.OFFSET_P1] != 0 || buffer[ISO7816.OFFSET_P2] != 0) {
      ISOException.throwIt(ISO7816.SW_INCORRECT_P1P2);
    }
    switch (buffer[ISO7816.OFFSET_INS]) {
      case GET_RECEIPT:
        receipting.get(buffer, handleOf(buffer, octets), blocks, answer);
        break;
      case STATUS:
        delivery.status(buffer, handleOf(buffer, octets), answer);
        break;
      case STATEMENT:
        short room = blocks.roomFor(octets);
        Util.arrayCopyNonAtomic(buffer, ISO7816.OFFSET_CDATA, engines.ram.exchange, room, octets);
        authority.obey(room, octets);
        delivery.drop();
        break;
      case CAPABILITIES:
        if (octets != 0) {
          ISOException.throwIt(ISO7816.SW_WRONG_LENGTH);
        }
        tellCapabilities();
        break;
      default:
        ISOException.throwIt(ISO7816.SW_INS_NOT_SUPPORTED);
    }
  }

  private static short handleOf(byte[] buffer, short octets) {
    if (octets != HANDLE_MESSAGE || buffer[ISO7816.OFFSET_CDATA] != (byte) 0x83
        || buffer[(short) (ISO7816.OFFSET_CDATA + 1)] != 16) {
      ISOException.throwIt(ISO7816.SW_WRONG_DATA);
    }
    return (short) (ISO7816.OFFSET_CDATA + 2);
  }

  private void tellCapabilities() {
    byte[] out = answer.small;
    short end = Tlv.put(out, (short) 0, (byte) 0x80, Suites.VERSION);
    end = Tlv.put(out, end, (byte) 0x81, Suites.SUITE);
    end = Tlv.put(out, end, (byte) 0x82, store.identity.levels());
    end = Tlv.head(out, end, (byte) 0x83, (short) 2);
    answer.set(out, (short) 0, Util.setShort(out, end, Ram.EXCHANGE));
  }
}
