// SPDX-License-Identifier: Apache-2.0
// Extended card resources information, GET DATA FF21 (ETSI TS 102 226, 8.2.1.7.2): what is
// installed, and what is left.
//
//   FF21 { 81 applications installed | 82 free non-volatile octets | 83 free volatile octets }
//
// Numbers of one to four octets; objects in any order, each once, others passed over; with or
// without the tag around. Values.
//
//   const CardResources left = KB_TRY(CardResources::decode(answer));
#pragma once

#include <cstdint>
#include <optional>

#include "kagibin/base/bytes.h"
#include "kagibin/base/result.h"

namespace kagibin::cli {

struct CardResources {
  std::optional<std::uint32_t> applications{};
  std::optional<std::uint32_t> free_non_volatile_octets{};
  std::optional<std::uint32_t> free_volatile_octets{};

  // Total. kUnexpectedTag for an object that stands twice, kLength for a number of another size;
  // kTruncated, kEncoding.
  static Result<CardResources> decode(ByteView answer);
  friend bool operator==(const CardResources&, const CardResources&) = default;
};

}  // namespace kagibin::cli
