// SPDX-License-Identifier: Apache-2.0
// Card production life cycle data, GET DATA 9F7F, in named fields: 42 octets, who made and
// personalized the chip, and when (GlobalPlatform Card Customization Guidelines).
//
// A date is four decimal digits, YDDD: the last digit of the year and the day in it. 0000 is a date
// that nobody wrote. Of a value that has not 42 octets the fields that are whole, and the rest as
// it is. Values and functions without state.
//
//   for (const CplcField& field : cplc_fields(value)) { field.name, field.octets, field.date }
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "kagibin/base/bytes.h"

namespace kagibin::cli {

struct CplcDate {
  std::uint8_t year_digit = 0;  // of an unknown decade
  std::uint16_t day = 0;        // 1 to 366
  friend bool operator==(const CplcDate&, const CplcDate&) = default;
};

struct CplcField {
  std::string_view name;  // "ic_fabrication_date"
  Bytes octets{};
  bool is_date = false;
  std::optional<CplcDate> date{};  // empty: not written, or no date
};

std::vector<CplcField> cplc_fields(ByteView value);
// "day 123 of a year ending in 6"; "not written" for 0000; "no date" for other octets.
std::string date_text(const CplcField& field);

}  // namespace kagibin::cli
