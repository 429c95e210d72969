// SPDX-License-Identifier: Apache-2.0
package kagibin.kda;

import static org.junit.Assert.assertEquals;
import static org.junit.Assert.assertFalse;
import static org.junit.Assert.assertTrue;

import java.time.LocalDate;
import kagibin.simulation.Octets;
import org.junit.Test;

/** Days without a number wider than sixteen bits, against the Java platform's calendar. */
public class DatesTest {
  @Test
  public void datesAreDaysOfTheCalendarAndMinutesComeOutAsDays() {
    for (String day : new String[] {"20200101", "20240229", "20000229", "99991231"}) {
      assertTrue(day, Dates.isDay(Octets.hex(day), (short) 0));
    }
    for (String day : new String[] {"20230229", "21000229", "20200001", "20201301", "20200431", "2020010A", "20200100"}) {
      assertFalse(day, Dates.isDay(Octets.hex(day), (short) 0));
    }
    LocalDate first = LocalDate.of(2020, 1, 1);
    for (long minute : new long[] {0, 1439, 1440, 525_599, 527_040, 3_000_000, 0xFFFFFFFFL}) {
      byte[] date = new byte[4];
      Dates.fromMinutes(Octets.number(minute, 4), (short) 0, new byte[4], (short) 0, date, (short) 0);
      LocalDate expected = first.plusDays(minute / 1440);
      String text = expected.getYear() > 9999 ? "99991231" : expected.toString().replace("-", "");
      assertEquals(text, Octets.hex(date));
    }
  }
}
