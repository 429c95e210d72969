// SPDX-License-Identifier: Apache-2.0
package kagibin.kda;

import static org.junit.Assert.assertEquals;
import static org.junit.Assert.assertTrue;

import java.io.IOException;
import java.nio.file.DirectoryStream;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.Paths;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.HashSet;
import java.util.List;
import java.util.Set;
import java.util.TreeSet;
import org.junit.Test;
import org.objectweb.asm.ClassReader;
import org.objectweb.asm.ClassVisitor;
import org.objectweb.asm.FieldVisitor;
import org.objectweb.asm.Label;
import org.objectweb.asm.MethodVisitor;
import org.objectweb.asm.Opcodes;

/**
 * What a converter would refuse, or a card of 3.0.4 would not have, found in the compiled applet: types wider than sixteen
 * bits, strings, allocation outside installation, and calls to anything but the API's floor.
 */
public class CodeTest {
  private static final Path CLASSES = Paths.get("target", "classes", "kagibin", "kda");
  /** Called at installation alone, and allowed to allocate. */
  private static final Set<String> INSTALLATION = new HashSet<>(Arrays.asList("<init>", "<clinit>", "install",
      "Curve.publicKey", "Curve.pair", "Aes.key", "Engines.ephemeralPair"));
  /** Classes of Java Card 3.0.4 Classic, of the GlobalPlatform API and of java.lang that the applet may name. */
  private static final Set<String> FLOOR = new HashSet<>(Arrays.asList("javacard/framework/APDU",
      "javacard/framework/Applet", "javacard/framework/ISO7816", "javacard/framework/ISOException",
      "javacard/framework/JCSystem", "javacard/framework/Util", "javacard/security/AESKey",
      "org/globalplatform/GlobalService",
      "javacard/security/CryptoException", "javacard/security/ECKey", "javacard/security/ECPrivateKey",
      "javacard/security/ECPublicKey", "javacard/security/Key", "javacard/security/KeyAgreement",
      "javacard/security/KeyBuilder", "javacard/security/KeyPair", "javacard/security/MessageDigest",
      "javacard/security/PrivateKey", "javacard/security/PublicKey", "javacard/security/RandomData",
      "javacard/security/Signature", "javacardx/crypto/Cipher", "org/globalplatform/GPSystem",
      "org/globalplatform/SecureChannel", "java/lang/Object", "java/lang/Throwable"));
  /** Methods that came after 3.0.4. */
  private static final Set<String> LATER = new HashSet<>(Arrays.asList("javacard/security/RandomData.nextBytes",
      "javacard/security/Signature.signPreComputedHash", "javacard/framework/Util.arrayFill",
      "javacard/security/MessageDigest.getInitializedMessageDigestInstance#", "javacard/framework/JCSystem.makeGlobalArray"));

  private final List<String> faults = new ArrayList<>();
  private final Set<String> named = new TreeSet<>();
  private int methods;

  private final class Reader extends ClassVisitor {
    private String type;

    Reader() {
      super(Opcodes.ASM7);
    }

    @Override
    public void visit(int version, int access, String name, String signature, String parent, String[] interfaces) {
      type = name.substring(name.lastIndexOf('/') + 1);
      if (version > Opcodes.V1_8) {
        faults.add(type + " is of a later class file version");
      }
    }

    @Override
    public FieldVisitor visitField(int access, String name, String descriptor, String signature, Object value) {
      checkType(type + "." + name, descriptor);
      return null;
    }

    @Override
    public MethodVisitor visitMethod(int access, String name, String descriptor, String signature, String[] thrown) {
      ++methods;
      checkType(type + "." + name, descriptor);
      return new Method(type + "." + name, INSTALLATION.contains(name) || INSTALLATION.contains(type + "." + name));
    }
  }

  private final class Method extends MethodVisitor {
    private final String where;
    private final boolean mayAllocate;

    Method(String name, boolean isInstallation) {
      super(Opcodes.ASM7);
      where = name;
      mayAllocate = isInstallation;
    }

    @Override
    public void visitTypeInsn(int opcode, String type) {
      name(type);
      if (!mayAllocate && (opcode == Opcodes.NEW || opcode == Opcodes.ANEWARRAY)) {
        faults.add(where + " makes a " + type);
      }
    }

    @Override
    public void visitIntInsn(int opcode, int operand) {
      if (!mayAllocate && opcode == Opcodes.NEWARRAY) {
        faults.add(where + " makes an array");
      }
    }

    @Override
    public void visitMultiANewArrayInsn(String descriptor, int dimensions) {
      faults.add(where + " makes an array of more than one dimension");
    }

    @Override
    public void visitInvokeDynamicInsn(String name, String descriptor, org.objectweb.asm.Handle handle,
        Object... arguments) {
      faults.add(where + " has a lambda or joins strings");
    }

    @Override
    public void visitMethodInsn(int opcode, String owner, String name, String descriptor, boolean isInterface) {
      name(owner);
      String called = owner.substring(owner.lastIndexOf('/') + 1) + "." + name;
      boolean allocates = INSTALLATION.contains(called) || name.startsWith("makeTransient") || name.equals("buildKey")
          || name.equals("getInstance");
      if (!mayAllocate && allocates) {
        faults.add(where + " calls " + called);
      }
      if (LATER.contains(owner + "." + name)) {
        faults.add(where + " calls " + called + ", which 3.0.4 has not");
      }
    }

    @Override
    public void visitLdcInsn(Object value) {
      if (!(value instanceof Integer)) {
        faults.add(where + " has a constant " + value);
      }
    }

    @Override
    public void visitInsn(int opcode) {
      boolean isWide = (opcode >= Opcodes.LCONST_0 && opcode <= Opcodes.DCONST_1) || opcode == Opcodes.I2L
          || opcode == Opcodes.MONITORENTER;
      if (isWide || opcode == Opcodes.IALOAD || opcode == Opcodes.IASTORE) {
        faults.add(where + " computes with what a card has not");
      }
    }

    @Override
    public void visitLocalVariable(String name, String descriptor, String signature, Label start, Label end, int index) {
      checkType(where + " " + name, descriptor);
    }
  }

  private void name(String type) {
    if (!type.startsWith("[") && !type.startsWith("kagibin/kda/")) {
      named.add(type);
    }
  }

  /** No int, long, float, double, char or String in a field, a local variable or a method's descriptor. */
  private void checkType(String where, String descriptor) {
    String letters = descriptor.replaceAll("L[^;]*;", "");
    if (letters.matches(".*[IJFDC].*") || descriptor.contains("java/lang/String")) {
      faults.add(where + " has a type that a card has not: " + descriptor);
    }
    if (descriptor.contains("[[")) {
      faults.add(where + " has an array of arrays: " + descriptor);
    }
  }

  private void readAll() throws IOException {
    try (DirectoryStream<Path> files = Files.newDirectoryStream(CLASSES, "*.class")) {
      for (Path file : files) {
        new ClassReader(Files.readAllBytes(file)).accept(new Reader(), 0);
      }
    }
  }

  @Test
  public void theAppletKeepsToTheFloorOfTheApi() throws IOException {
    readAll();
    named.removeAll(FLOOR);
    assertEquals("[]", named.toString());
    assertEquals("", String.join("\n", faults));
    assertTrue("read " + methods, methods > 300);
  }
}
