// SPDX-License-Identifier: Apache-2.0
package kagibin.kda;

import javacard.framework.Util;

/** Days as certificates write them, four octets BCD YYYYMMDD, and minutes since 2020-01-01 as the protocol counts. */
final class Dates {
  private static final byte[] DAYS = {31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31};
  private static final short FIRST_YEAR = 2020;
  private static final short LAST_YEAR = 9999;

  private Dates() {}

  /** The number of two digits, -1 when they are none. */
  private static short number(byte digits) {
    short high = (short) ((short) (digits & 0xF0) >> 4);
    short low = (short) (digits & 0x0F);
    return high > 9 || low > 9 ? (short) -1 : (short) (high * 10 + low);
  }

  private static byte digits(short number) {
    return (byte) ((short) ((short) (number / 10) << 4) | (short) (number % 10));
  }

  private static boolean isLeap(short year) {
    return year % 4 == 0 && (year % 100 != 0 || year % 400 == 0);
  }

  private static short daysOf(short year, short month) {
    return month == 2 && isLeap(year) ? (short) 29 : DAYS[(short) (month - 1)];
  }

  /** Whether the four octets are a day of the calendar. */
  static boolean isDay(byte[] date, short at) {
    short century = number(date[at]);
    short year = number(date[(short) (at + 1)]);
    short month = number(date[(short) (at + 2)]);
    short day = number(date[(short) (at + 3)]);
    if (century < 0 || year < 0 || month < 1 || month > 12 || day < 1) {
      return false;
    }
    return day <= daysOf((short) (century * 100 + year), month);
  }

  /** The day on which this minute lies, at most 9999-12-31. Uses {@code scratch}, four octets. */
  static void fromMinutes(byte[] minutes, short at, byte[] scratch, short scratchAt, byte[] date, short dateAt) {
    toDays(minutes, at, scratch, scratchAt);
    short year = FIRST_YEAR;
    while (year <= LAST_YEAR
        && Numbers.subtract(scratch, scratchAt, (short) 4, isLeap(year) ? (short) 366 : (short) 365)) {
      ++year;
    }
    if (year > LAST_YEAR) {
      date[dateAt] = (byte) 0x99;
      date[(short) (dateAt + 1)] = (byte) 0x99;
      date[(short) (dateAt + 2)] = 0x12;
      date[(short) (dateAt + 3)] = 0x31;
      return;
    }
    short day = Util.getShort(scratch, (short) (scratchAt + 2));
    short month = 1;
    while (day >= daysOf(year, month)) {
      day = (short) (day - daysOf(year, month));
      ++month;
    }
    date[dateAt] = digits((short) (year / 100));
    date[(short) (dateAt + 1)] = digits((short) (year % 100));
    date[(short) (dateAt + 2)] = digits(month);
    date[(short) (dateAt + 3)] = digits((short) (day + 1));
  }

  /** Four octets of minutes as four octets of days: a shift by 5, then a division by 45. */
  private static void toDays(byte[] minutes, short at, byte[] days, short to) {
    short before = 0;
    short rest = 0;
    for (short i = 0; i < 4; ++i) {
      short octet = (short) (minutes[(short) (at + i)] & 0xFF);
      short shifted = (short) ((short) ((short) (before << 3) & 0xFF) | (short) (octet >> 5));
      before = octet;
      short part = (short) ((short) (rest << 8) | shifted);
      days[(short) (to + i)] = (byte) (part / 45);
      rest = (short) (part % 45);
    }
  }
}
