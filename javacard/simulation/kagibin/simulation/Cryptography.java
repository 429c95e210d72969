// SPDX-License-Identifier: Apache-2.0
package kagibin.simulation;

import java.math.BigInteger;
import java.security.AlgorithmParameters;
import java.security.GeneralSecurityException;
import java.security.KeyFactory;
import java.security.KeyPair;
import java.security.KeyPairGenerator;
import java.security.MessageDigest;
import java.security.PrivateKey;
import java.security.PublicKey;
import java.security.Signature;
import java.security.interfaces.ECPublicKey;
import java.security.spec.ECGenParameterSpec;
import java.security.spec.ECParameterSpec;
import java.security.spec.ECPoint;
import java.security.spec.ECPrivateKeySpec;
import java.security.spec.ECPublicKeySpec;
import java.util.Arrays;
import javax.crypto.Cipher;
import javax.crypto.KeyAgreement;
import javax.crypto.spec.IvParameterSpec;
import javax.crypto.spec.SecretKeySpec;

/** The other ends' cryptography, from the Java platform alone: it shares no code with the applet or its simulator. */
public final class Cryptography {
  private Cryptography() {}

  /** What the platform always has; its absence ends the process. */
  public interface Step<T> {
    T run() throws GeneralSecurityException;
  }

  public static <T> T must(Step<T> step) {
    try {
      return step.run();
    } catch (GeneralSecurityException impossible) {
      throw new IllegalStateException(impossible);
    }
  }

  public static byte[] sha256(byte[]... pieces) {
    return must(() -> MessageDigest.getInstance("SHA-256").digest(Octets.join(pieces)));
  }

  private static byte[] cbc(int mode, byte[] key, byte[] iv, byte[] text) {
    return must(() -> {
      Cipher cipher = Cipher.getInstance("AES/CBC/NoPadding");
      cipher.init(mode, new SecretKeySpec(key, "AES"), new IvParameterSpec(iv));
      return cipher.doFinal(text);
    });
  }

  public static byte[] cbcEncrypt(byte[] key, byte[] iv, byte[] text) {
    return cbc(Cipher.ENCRYPT_MODE, key, iv, text);
  }

  public static byte[] cbcDecrypt(byte[] key, byte[] iv, byte[] text) {
    return cbc(Cipher.DECRYPT_MODE, key, iv, text);
  }

  public static byte[] block(byte[] key, byte[] block) {
    return cbcEncrypt(key, new byte[16], block);
  }

  public static byte[] pad(byte[] text) {
    byte[] padded = Arrays.copyOf(text, (text.length / 16 + 1) * 16);
    padded[text.length] = (byte) 0x80;
    return padded;
  }

  /** Null when there is no padding. */
  public static byte[] unpad(byte[] padded) {
    int end = padded.length;
    while (end > 0 && padded[end - 1] == 0) {
      --end;
    }
    return end > 0 && padded[end - 1] == (byte) 0x80 ? Arrays.copyOf(padded, end - 1) : null;
  }

  /** AES-CMAC (SP 800-38B), by its definition on whole numbers. */
  public static byte[] cmac(byte[] key, byte[]... pieces) {
    byte[] message = Octets.join(pieces);
    BigInteger subkey = twice(new BigInteger(1, block(key, new byte[16])));
    boolean isWhole = message.length > 0 && message.length % 16 == 0;
    byte[] padded = isWhole ? message : pad(message);
    byte[] mask = Octets.fixed(isWhole ? subkey : twice(subkey), 16);
    for (int i = 0; i < 16; ++i) {
      padded[padded.length - 16 + i] ^= mask[i];
    }
    byte[] chained = cbcEncrypt(key, new byte[16], padded);
    return Arrays.copyOfRange(chained, chained.length - 16, chained.length);
  }

  private static BigInteger twice(BigInteger element) {
    BigInteger shifted = element.shiftLeft(1);
    return shifted.testBit(128) ? shifted.clearBit(128).xor(BigInteger.valueOf(0x87)) : shifted;
  }

  public static ECParameterSpec curve() {
    return must(() -> {
      AlgorithmParameters parameters = AlgorithmParameters.getInstance("EC");
      parameters.init(new ECGenParameterSpec("secp256r1"));
      try {
        return parameters.getParameterSpec(ECParameterSpec.class);
      } catch (java.security.spec.InvalidParameterSpecException impossible) {
        throw new IllegalStateException(impossible);
      }
    });
  }

  public static KeyPair newKeyPair() {
    return must(() -> {
      KeyPairGenerator generator = KeyPairGenerator.getInstance("EC");
      generator.initialize(new ECGenParameterSpec("secp256r1"));
      return generator.generateKeyPair();
    });
  }

  public static PrivateKey privateKey(byte[] scalar) {
    return must(() -> KeyFactory.getInstance("EC")
        .generatePrivate(new ECPrivateKeySpec(new BigInteger(1, scalar), curve())));
  }

  public static PublicKey publicKey(byte[] point) {
    BigInteger x = new BigInteger(1, Arrays.copyOfRange(point, 1, 33));
    BigInteger y = new BigInteger(1, Arrays.copyOfRange(point, 33, 65));
    return must(() -> KeyFactory.getInstance("EC").generatePublic(new ECPublicKeySpec(new ECPoint(x, y), curve())));
  }

  public static byte[] point(PublicKey key) {
    ECPoint point = ((ECPublicKey) key).getW();
    return Octets.join(new byte[] {4}, Octets.fixed(point.getAffineX(), 32), Octets.fixed(point.getAffineY(), 32));
  }

  /** Z, the X coordinate. */
  public static byte[] agree(PrivateKey own, byte[] peer) {
    return must(() -> {
      KeyAgreement agreement = KeyAgreement.getInstance("ECDH");
      agreement.init(own);
      agreement.doPhase(publicKey(peer), true);
      return agreement.generateSecret();
    });
  }

  /** DER. */
  public static byte[] sign(PrivateKey key, byte[]... pieces) {
    return must(() -> {
      Signature engine = Signature.getInstance("SHA256withECDSA");
      engine.initSign(key);
      engine.update(Octets.join(pieces));
      return engine.sign();
    });
  }

  /** r | s. */
  public static byte[] signRaw(PrivateKey key, byte[]... pieces) {
    return must(() -> {
      Signature engine = Signature.getInstance("SHA256withECDSAinP1363Format");
      engine.initSign(key);
      engine.update(Octets.join(pieces));
      return engine.sign();
    });
  }

  public static boolean verify(byte[] point, byte[] signature, byte[]... pieces) {
    return must(() -> {
      Signature engine = Signature.getInstance("SHA256withECDSA");
      engine.initVerify(publicKey(point));
      engine.update(Octets.join(pieces));
      return engine.verify(signature);
    });
  }
}
