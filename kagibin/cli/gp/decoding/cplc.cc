// SPDX-License-Identifier: Apache-2.0
#include "kagibin/cli/gp/decoding/cplc.h"

#include <algorithm>
#include <array>

#include <fmt/format.h>

namespace kagibin::cli {

namespace {

struct Shape {
  std::string_view name;
  std::size_t size;
  bool is_date = false;
};

constexpr std::array<Shape, 18> kShapes = {{
    {"ic_fabricator", 2},
    {"ic_type", 2},
    {"operating_system", 2},
    {"operating_system_date", 2, true},
    {"operating_system_level", 2},
    {"ic_fabrication_date", 2, true},
    {"ic_serial_number", 4},
    {"ic_batch", 2},
    {"ic_module_fabricator", 2},
    {"ic_module_date", 2, true},
    {"icc_manufacturer", 2},
    {"ic_embedding_date", 2, true},
    {"pre_personalizer", 2},
    {"pre_personalization_date", 2, true},
    {"pre_personalization_equipment", 4},
    {"personalizer", 2},
    {"personalization_date", 2, true},
    {"personalization_equipment", 4},
}};

// Four decimal digits, YDDD.
std::optional<CplcDate> date_of(ByteView octets) {
  constexpr std::uint16_t kLongestYear = 366;
  std::array<std::uint8_t, 4> digits{};
  for (std::size_t i = 0; i < digits.size(); ++i) {
    const std::uint8_t octet = octets[i / 2];
    digits[i] = i % 2 == 0 ? static_cast<std::uint8_t>(octet >> 4U)
                           : static_cast<std::uint8_t>(octet & 0x0FU);
  }
  if (std::ranges::any_of(digits, [](std::uint8_t digit) { return digit > 9; })) {
    return std::nullopt;
  }
  const auto day = static_cast<std::uint16_t>((digits[1] * 100) + (digits[2] * 10) + digits[3]);
  if (day == 0 || day > kLongestYear) {
    return std::nullopt;
  }
  return CplcDate{.year_digit = digits[0], .day = day};
}

}  // namespace

std::vector<CplcField> cplc_fields(ByteView value) {
  std::vector<CplcField> out;
  std::size_t at = 0;
  for (const Shape& shape : kShapes) {
    if (value.size() - at < shape.size) {
      break;
    }
    const ByteView octets = value.subspan(at, shape.size);
    out.push_back({.name = shape.name,
                   .octets = Bytes(octets.begin(), octets.end()),
                   .is_date = shape.is_date,
                   .date = shape.is_date ? date_of(octets) : std::nullopt});
    at += shape.size;
  }
  if (at < value.size()) {
    const ByteView rest = value.subspan(at);
    out.push_back({.name = "more", .octets = Bytes(rest.begin(), rest.end())});
  }
  return out;
}

std::string date_text(const CplcField& field) {
  if (field.date) {
    return fmt::format("day {} of a year ending in {}", field.date->day, field.date->year_digit);
  }
  const bool written =
      std::ranges::any_of(field.octets, [](std::uint8_t octet) { return octet != 0; });
  return written ? "no date" : "not written";
}

}  // namespace kagibin::cli
