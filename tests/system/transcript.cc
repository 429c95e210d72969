// SPDX-License-Identifier: Apache-2.0
#include "tests/system/transcript.h"

#include <algorithm>
#include <sstream>

#include <fmt/format.h>

#include "kagibin/apdu/apdu.h"
#include "kagibin/kda/instructions.h"

namespace kagibin::test {

namespace {

using Fields = std::vector<Transcript::Field>;

constexpr std::size_t kHeader = 4;

bool is_kda(const apdu::CommandApdu& command) {
  const std::uint8_t base = command.cla & 0x90U;
  return base >= 0x80 && command.ins >= kda::ins::kEnrol &&
         command.ins <= kda::ins::kStoreCertificates;
}

// Lc and data, but not a trailing Le: DER signatures make lengths random, too.
Fields whole_data(const char* name, const apdu::CommandApdu& command) {
  return command.data.empty() ? Fields{} : Fields{{name, kHeader, command.data.size() + 1}};
}

// What of a C-APDU follows from random numbers. E0 comes from the roles' seed and is fixed; E2
// answers the element's own key.
Fields random_of_command(const apdu::CommandApdu& command) {
  if (is_kda(command)) {
    switch (command.ins) {
      case kda::ins::kLoad:
        return whole_data("handle_and_envelope", command);
      case kda::ins::kNext:
        return whole_data("handle_and_answer", command);
      case kda::ins::kGetReceipt:
      case kda::ins::kStatus:
        return whole_data("handle", command);
      default:
        return {};
    }
  }
  switch (command.ins) {
    case apdu::ins::kInitializeUpdate:
      return whole_data("challenge", command);
    case apdu::ins::kExternalAuthenticate:
      return whole_data("cryptogram", command);
    case apdu::ins::kGetResponse:
      return {{"remaining", kHeader, 1}};
    default:
      break;
  }
  const auto octet = apdu::ClassOctet::decode(command.cla);
  return octet && octet->secure_messaging ? whole_data("wrapped", command) : Fields{};
}

// The data of an R-APDU; SW1-SW2 is never random.
Fields random_of_answer(const apdu::CommandApdu& command, ByteView answer) {
  // 61xx tells how much is left: SW2 belongs to the field.
  const bool more = answer[answer.size() - 2] == 0x61;
  const std::size_t size = answer.size() - (more ? 0 : 2);
  if (size == 0) {
    return {};
  }
  if (is_kda(command) || command.ins == apdu::ins::kGetResponse) {
    switch (command.ins) {
      case kda::ins::kEnrol:
        return {{"answer_e4", 0, size}};
      case kda::ins::kNext:
        return {{"next", 0, size}};
      case kda::ins::kGetReceipt:
        return {{"receipt_e3", 0, size}};
      case apdu::ins::kGetResponse:
        return {{"continued", 0, size}};
      default:
        return {};
    }
  }
  const auto octet = apdu::ClassOctet::decode(command.cla);
  if (command.ins == apdu::ins::kInitializeUpdate) {
    return {
        {"challenge_and_cryptogram", 13, size - 13}};  // behind diversification data, KVN, 03, i
  }
  return octet && octet->secure_messaging ? Fields{{"wrapped", 0, size}} : Fields{};
}

// The octets outside the random fields, whose lengths may differ from run to run.
Bytes fixed_octets(const Transcript::Line& line) {
  Bytes out;
  for (std::size_t at = 0; at < line.octets.size(); ++at) {
    if (!line.is_random(at)) {
      out.push_back(line.octets[at]);
    }
  }
  return out;
}

bool same_names(const Fields& one, const Fields& other) {
  return std::ranges::equal(one, other, {}, &Transcript::Field::name, &Transcript::Field::name);
}

// Where two transcripts differ; `all` looks into random fields, too.
std::string compare_lines(const Transcript& one, const Transcript& other, bool all) {
  if (one.lines.size() != other.lines.size()) {
    return fmt::format("{} lines against {}", one.lines.size(), other.lines.size());
  }
  for (std::size_t i = 0; i < one.lines.size(); ++i) {
    const Transcript::Line& a = one.lines[i];
    const Transcript::Line& b = other.lines[i];
    const bool same = a.command == b.command && same_names(a.random, b.random) &&
                      (all ? a.octets == b.octets : fixed_octets(a) == fixed_octets(b));
    if (!same) {
      return fmt::format("line {}: {} against {}", i, to_hex(a.octets), to_hex(b.octets));
    }
  }
  return {};
}

}  // namespace

bool Transcript::Line::is_random(std::size_t at) const {
  for (const Field& field : random) {
    if (at >= field.offset && at < field.offset + field.length) {
      return true;
    }
  }
  return false;
}

Result<Transcript> Transcript::parse(std::string_view text) {
  Transcript out;
  std::istringstream in{std::string(text)};
  for (std::string row; std::getline(in, row);) {
    if (row.empty() || row[0] == '#' || row[0] == '[' || row.find(" = ") != std::string::npos) {
      continue;
    }
    if (row.starts_with("> ") || row.starts_with("< ")) {
      auto octets = from_hex(row.substr(2));
      if (!octets) {
        return fail(Errc::kEncoding, "a line of a transcript is not hexadecimal");
      }
      out.lines.push_back({.command = row[0] == '>', .octets = std::move(*octets), .random = {}});
      continue;
    }
    std::istringstream words(row);
    std::string mark;
    Field field;
    if (!(words >> mark >> field.name >> field.offset >> field.length) || mark != "~" ||
        out.lines.empty()) {
      return fail(Errc::kEncoding, "a line of a transcript has none of its forms");
    }
    Line& line = out.lines.back();
    const bool fits = field.length > 0 && field.offset + field.length <= line.octets.size();
    if (!fits || line.is_random(field.offset)) {
      return fail(Errc::kEncoding, "a random field does not fit its line");
    }
    line.random.push_back(std::move(field));
  }
  return out;
}

std::string compare_outside_random_fields(const Transcript& one, const Transcript& other) {
  return compare_lines(one, other, false);
}

std::string compare_all(const Transcript& one, const Transcript& other) {
  return compare_lines(one, other, true);
}

Result<Bytes> TranscriptWriter::transmit(ByteView command) {
  const apdu::CommandApdu decoded = KB_TRY(apdu::CommandApdu::decode(command));
  line('>', command, random_of_command(decoded));
  Bytes answer = KB_TRY(card_.transmit(command));
  line('<', answer, random_of_answer(decoded, answer));
  return answer;
}

void TranscriptWriter::remark(std::string_view text) { text_ += fmt::format("# {}\n", text); }
void TranscriptWriter::head(std::string_view name, std::string_view value) {
  text_ += fmt::format("{} = {}\n", name, value);
}
void TranscriptWriter::section(std::string_view name) { text_ += fmt::format("[{}]\n", name); }

void TranscriptWriter::line(char direction, ByteView octets, const Fields& fields) {
  text_ += fmt::format("{} {}\n", direction, to_hex(octets));
  for (const Transcript::Field& field : fields) {
    text_ += fmt::format("  ~ {} {} {}\n", field.name, field.offset, field.length);
  }
}

}  // namespace kagibin::test
