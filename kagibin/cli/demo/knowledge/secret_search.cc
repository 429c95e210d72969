// SPDX-License-Identifier: Apache-2.0
#include "kagibin/cli/demo/knowledge/secret_search.h"

#include <algorithm>
#include <array>
#include <string_view>

#include "kagibin/base/result.h"

namespace kagibin::cli::demo {

namespace {

constexpr std::string_view kUpper = "0123456789ABCDEF";
constexpr std::string_view kLower = "0123456789abcdef";
constexpr std::string_view kBase64 =
    "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
constexpr std::string_view kBase64Url =
    "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";

SecretBytes hex_of(ByteView octets, std::string_view digits) {
  SecretBytes out(2 * octets.size());
  for (std::size_t at = 0; at < octets.size(); ++at) {
    out.expose_mutable()[2 * at] = static_cast<std::uint8_t>(digits[octets[at] >> 4U]);
    out.expose_mutable()[2 * at + 1] = static_cast<std::uint8_t>(digits[octets[at] & 0x0FU]);
  }
  return out;
}

// The characters that depend on these octets alone when `shift` others (0 to 2) stand before them
// in a group of three.
SecretBytes base64_of(ByteView octets, std::size_t shift, std::string_view alphabet) {
  constexpr std::size_t kBits = 6;
  const std::size_t first = (8 * shift + kBits - 1) / kBits;
  const std::size_t end = 8 * (shift + octets.size()) / kBits;
  SecretBytes out(end - first);
  for (std::size_t at = first; at < end; ++at) {
    std::size_t value = 0;
    for (std::size_t bit = kBits * at; bit < kBits * (at + 1); ++bit) {
      const std::size_t own = bit - 8 * shift;
      value = value << 1U | ((std::size_t{octets[own / 8]} >> (7 - own % 8)) & 1U);
    }
    out.expose_mutable()[at - first] = static_cast<std::uint8_t>(alphabet[value]);
  }
  return out;
}

std::uint32_t start_of(const std::uint8_t* octets) {
  return std::uint32_t{octets[0]} << 24U | std::uint32_t{octets[1]} << 16U |
         std::uint32_t{octets[2]} << 8U | octets[3];
}

}  // namespace

void SecretSearch::add(const std::string& name, ByteView secret) {
  KB_CHECK(secret.size() >= kUnit);
  names_.push_back(name);
  add_unit(names_.size() - 1, secret.first(kUnit));
  if (secret.size() > kUnit) {
    add_unit(names_.size() - 1, secret.last(kUnit));
  }
}

void SecretSearch::add_unit(std::size_t name, ByteView unit) {
  add_needle(name, "raw", unit);
  add_needle(name, "hex", hex_of(unit, kUpper).expose());
  add_needle(name, "hex", hex_of(unit, kLower).expose());
  for (std::size_t shift = 0; shift < 3; ++shift) {
    add_needle(name, "base64", base64_of(unit, shift, kBase64).expose());
    add_needle(name, "base64", base64_of(unit, shift, kBase64Url).expose());
  }
}

void SecretSearch::add_needle(std::size_t name, const char* form, ByteView octets) {
  const std::uint32_t start = start_of(octets.data());
  starts_[start >> 16U] = true;
  by_start_[start].push_back(needles_.size());
  needles_.push_back({name, form, SecretBytes::copy_of(octets)});
}

std::set<SecretSearch::Hit> SecretSearch::find(ByteView octets) const {
  std::set<Hit> out;
  const std::uint8_t* data = octets.data();
  for (std::size_t at = 0; at + kUnit <= octets.size(); ++at) {
    if (!starts_[std::size_t{data[at]} << 8U | data[at + 1]]) {
      continue;
    }
    const auto candidates = by_start_.find(start_of(data + at));
    if (candidates == by_start_.end()) {
      continue;
    }
    for (const std::size_t number : candidates->second) {
      const Needle& needle = needles_[number];
      const ByteView wanted = needle.octets.expose();
      if (octets.size() - at >= wanted.size() && equal(octets.subspan(at, wanted.size()), wanted)) {
        out.insert({names_[needle.name], needle.form});
      }
    }
  }
  return out;
}

}  // namespace kagibin::cli::demo
