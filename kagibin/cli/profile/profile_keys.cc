// SPDX-License-Identifier: Apache-2.0
#include "kagibin/cli/profile/profile_keys.h"

#include <algorithm>
#include <array>
#include <optional>
#include <utility>
#include <vector>

#include "kagibin/base/byte_io.h"

namespace kagibin::cli {

namespace {

constexpr std::size_t kMaxFile = 65'536;
constexpr std::size_t kMaxValues = 64;
constexpr std::size_t kMaxName = 48;
constexpr std::size_t kMaxValue = 32;
constexpr std::string_view kDigits = "0123456789ABCDEF";

// The part of `rest` before the separator, which is taken away with it.
ByteView take_until(ByteView& rest, char separator) {
  const auto end = std::ranges::find(rest, static_cast<std::uint8_t>(separator));
  const auto size = static_cast<std::size_t>(end - rest.begin());
  const ByteView part = rest.first(size);
  rest = rest.subspan(end == rest.end() ? size : size + 1);
  return part;
}

ByteView trim(ByteView text) {
  const auto blank = [](std::uint8_t c) { return c == ' ' || c == '\t' || c == '\r'; };
  while (!text.empty() && blank(text.front())) {
    text = text.subspan(1);
  }
  while (!text.empty() && blank(text.back())) {
    text = text.first(text.size() - 1);
  }
  return text;
}

std::optional<std::uint8_t> digit(std::uint8_t c) {
  const auto upper = static_cast<char>(c >= 'a' && c <= 'f' ? c - 0x20 : c);
  const std::size_t value = kDigits.find(upper);
  return value == std::string_view::npos ? std::nullopt
                                         : std::optional(static_cast<std::uint8_t>(value));
}

// Digits as octets that are wiped.
std::optional<SecretBytes> octets_of(ByteView digits) {
  if (digits.empty() || digits.size() % 2 != 0 || digits.size() > 2 * kMaxValue) {
    return std::nullopt;
  }
  SecretBytes out(digits.size() / 2);
  for (std::size_t i = 0; i < out.size(); ++i) {
    const auto high = digit(digits[2 * i]);
    const auto low = digit(digits[2 * i + 1]);
    if (!high || !low) {
      return std::nullopt;
    }
    out.expose_mutable()[i] = static_cast<std::uint8_t>(*high << 4U | *low);
  }
  return out;
}

// Parts of a key set's values in a key file.
std::vector<std::string> parts_of(const ProfileKeySet& set) {
  switch (set.source) {
    case KeySource::kMaster:
      return {"master"};
    case KeySource::kGiven:
      return {"enc", "mac", "dek"};
    case KeySource::kPublished:
      break;
  }
  return {};
}

}  // namespace

Result<ProfileKeys> ProfileKeys::parse(const SecretBytes& text) {
  if (text.size() > kMaxFile) {
    return fail(Errc::kLimit, "a key file has at most 64 KiB");
  }
  ProfileKeys out;
  ByteView rest = text.expose();
  while (!rest.empty()) {
    ByteView line = take_until(rest, '\n');
    ByteView told = take_until(line, '#');
    if (trim(told).empty()) {
      continue;
    }
    if (std::ranges::find(told, std::uint8_t{'='}) == told.end()) {
      return fail(Errc::kEncoding, "a line of a key file is NAME.PART = hexadecimal digits");
    }
    const ByteView name = trim(take_until(told, '='));
    auto value = octets_of(trim(told));
    if (name.empty() || name.size() > kMaxName || !value) {
      return fail(Errc::kEncoding,
                  "a line of a key file is NAME.PART = hexadecimal digits, at most 32 octets");
    }
    if (!out.values_.emplace(std::string(name.begin(), name.end()), std::move(*value)).second) {
      return fail(Errc::kConflict, "a value stands twice in the key file");
    }
    if (out.values_.size() > kMaxValues) {
      return fail(Errc::kLimit, "a key file has at most 64 values");
    }
  }
  return out;
}

SecretBytes ProfileKeys::encode() const {
  constexpr std::string_view kEquals = " = ";
  std::size_t size = 0;
  for (const auto& [name, value] : values_) {
    size += name.size() + kEquals.size() + 2 * value.size() + 1;
  }
  SecretBytes out(size);
  auto at = out.expose_mutable().begin();
  for (const auto& [name, value] : values_) {
    at = std::ranges::copy(ascii(name), at).out;
    at = std::ranges::copy(ascii(kEquals), at).out;
    for (const std::uint8_t octet : value.expose()) {
      *at++ = static_cast<std::uint8_t>(kDigits[octet >> 4U]);
      *at++ = static_cast<std::uint8_t>(kDigits[octet & 0x0FU]);
    }
    *at++ = '\n';
  }
  return out;
}

const SecretBytes* ProfileKeys::find(const std::string& set, const std::string& part) const {
  const auto found = values_.find(set + "." + part);
  return found == values_.end() ? nullptr : &found->second;
}

std::string ProfileKeys::missing(const ProfileFile& profile) const {
  for (const ProfileKeySet& set : profile.keys) {
    for (const std::string& part : parts_of(set)) {
      if (find(set.name, part) == nullptr) {
        return set.name + "." + part;
      }
    }
  }
  return {};
}

Result<void> ProfileKeys::fill(const ProfileFile& profile, crypto::Rng& rng) {
  for (const ProfileKeySet& set : profile.keys) {
    for (const std::string& part : parts_of(set)) {
      if (find(set.name, part) == nullptr) {
        values_.emplace(set.name + "." + part, KB_TRY(crypto::random_secret(rng, set.size)));
      }
    }
  }
  return {};
}

}  // namespace kagibin::cli
