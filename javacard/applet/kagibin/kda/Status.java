// SPDX-License-Identifier: Apache-2.0
package kagibin.kda;

/** Status words beside those of ISO7816, as the native application answers them (kagibin/apdu/status_words.h). */
final class Status {
  static final short OK = (short) 0x9000;
  static final short NO_DIAGNOSIS = 0x6400;
  static final short SECURE_MESSAGING_NOT_SUPPORTED = 0x6882;
  static final short CHAINING_NOT_SUPPORTED = 0x6884;
  static final short NOT_ENOUGH_MEMORY = 0x6A84;
  static final short REFERENCED_DATA_NOT_FOUND = 0x6A88;

  private Status() {}
}
