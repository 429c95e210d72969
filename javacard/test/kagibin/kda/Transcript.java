// SPDX-License-Identifier: Apache-2.0
package kagibin.kda;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import kagibin.simulation.Octets;

/** A transcript of APDUs as tests/system/transcript.h describes it. */
final class Transcript {
  /** One command or answer, and where its random fields begin and end; -1: it has none. */
  static final class Line {
    final boolean isCommand;
    final byte[] octets;
    String field = "";
    int from = -1;
    int to = -1;

    Line(boolean command, byte[] content) {
      isCommand = command;
      octets = content;
    }

    /** "" when the octets before and behind the random field are those of the transcript, else what differs. */
    String compare(byte[] actual) {
      byte[] before = from < 0 ? octets : Octets.cut(octets, 0, from);
      byte[] behind = from < 0 ? new byte[0] : Octets.cut(octets, to, octets.length);
      boolean isLong = from < 0 ? actual.length == octets.length : actual.length >= before.length + behind.length;
      boolean isSame = isLong && Octets.hex(actual).startsWith(Octets.hex(before))
          && Octets.hex(actual).endsWith(Octets.hex(behind));
      return isSame ? "" : field + ": " + Octets.hex(actual) + " against " + Octets.hex(octets);
    }
  }

  final Map<String, String> head = new HashMap<>();
  final List<Line> lines = new ArrayList<>();

  static Transcript read(Path file) throws IOException {
    Transcript out = new Transcript();
    for (String row : Files.readAllLines(file)) {
      if (row.startsWith("> ") || row.startsWith("< ")) {
        out.lines.add(new Line(row.startsWith(">"), Octets.hex(row.substring(2))));
      } else if (row.trim().startsWith("~")) {
        String[] words = row.trim().split(" ");
        Line line = out.lines.get(out.lines.size() - 1);
        if (line.from >= 0) {
          throw new IOException("a line has one random field here: " + row);
        }
        line.field = words[1];
        line.from = Integer.parseInt(words[2]);
        line.to = line.from + Integer.parseInt(words[3]);
      } else if (row.contains(" = ")) {
        String[] words = row.split(" = ");
        out.head.put(words[0], words[1]);
      }
    }
    return out;
  }

  /** The message of chained commands with this instruction, in order. */
  byte[] message(int instruction) {
    byte[] out = new byte[0];
    for (Line line : lines) {
      if (line.isCommand && (line.octets[0] & 0x80) != 0 && (line.octets[1] & 0xFF) == instruction) {
        out = Octets.join(out, Octets.cut(line.octets, 5, 5 + (line.octets[4] & 0xFF)));
      }
    }
    return out;
  }
}
