// SPDX-License-Identifier: Apache-2.0
#include "kagibin/delivery/strict_json.h"

#include <array>
#include <functional>
#include <optional>
#include <utility>
#include <vector>

#include <boost/json/basic_parser_impl.hpp>
#include <boost/json/parse.hpp>

#include "kagibin/base/base64.h"

namespace kagibin::delivery {
namespace {

namespace json = boost::json;

// Notices a member that stands twice in one object, for the parser of values keeps only the last of
// them.
class DuplicateFinder {
 public:
  static constexpr std::size_t max_object_size = SIZE_MAX;
  static constexpr std::size_t max_array_size = SIZE_MAX;
  static constexpr std::size_t max_key_size = SIZE_MAX;
  static constexpr std::size_t max_string_size = SIZE_MAX;
  using Ec = json::error_code;

  bool on_document_begin(Ec&) { return true; }
  bool on_document_end(Ec&) { return true; }
  bool on_object_begin(Ec&) {
    open_.emplace_back();
    return true;
  }
  bool on_object_end(std::size_t, Ec&) {
    open_.pop_back();
    return true;
  }
  bool on_array_begin(Ec&) { return true; }
  bool on_array_end(std::size_t, Ec&) { return true; }
  bool on_key_part(json::string_view part, std::size_t, Ec&) {
    key_.append(part);
    return true;
  }
  bool on_key(json::string_view part, std::size_t, Ec& error) {
    key_.append(part);
    if (!open_.back().insert(key_).second) {
      duplicate_ = key_;
      error = json::error::syntax;
      return false;
    }
    key_.clear();
    return true;
  }
  bool on_string_part(json::string_view, std::size_t, Ec&) { return true; }
  bool on_string(json::string_view, std::size_t, Ec&) { return true; }
  bool on_number_part(json::string_view, Ec&) { return true; }
  bool on_int64(std::int64_t, json::string_view, Ec&) { return true; }
  bool on_uint64(std::uint64_t, json::string_view, Ec&) { return true; }
  bool on_double(double, json::string_view, Ec&) { return true; }
  bool on_bool(bool, Ec&) { return true; }
  bool on_null(Ec&) { return true; }
  bool on_comment_part(json::string_view, Ec&) { return true; }
  bool on_comment(json::string_view, Ec&) { return true; }

  const std::optional<std::string>& duplicate() const { return duplicate_; }

 private:
  std::vector<std::set<std::string, std::less<>>> open_;
  std::string key_;
  std::optional<std::string> duplicate_;
};

std::string_view view_of(const json::string& text) { return {text.data(), text.size()}; }

}  // namespace

std::expected<json::value, JsonFault> examine_json(std::string_view text,
                                                   std::size_t max_size,
                                                   std::size_t max_depth) {
  if (text.size() > max_size) {
    return std::unexpected(JsonFault{{Errc::kLimit, "the JSON text is over its limit"}});
  }
  json::parse_options options;
  options.max_depth = max_depth;
  json::error_code error;
  json::basic_parser<DuplicateFinder> finder(options);
  const std::size_t octet = finder.write_some(false, text.data(), text.size(), error);
  if (finder.handler().duplicate()) {
    return std::unexpected(JsonFault{.error = {Errc::kEncoding, "a JSON member stands twice"},
                                     .duplicate = *finder.handler().duplicate(),
                                     .octet = octet});
  }
  json::value value;
  if (!error) {
    value = json::parse(json::string_view(text.data(), text.size()), error, {}, options);
  }
  if (error) {
    return std::unexpected(JsonFault{.error = {Errc::kEncoding, "not JSON, or nested too deep"},
                                     .reason = error.message(),
                                     .octet = octet});
  }
  return value;
}

Result<json::value> parse_json(std::string_view text, std::size_t max_size, std::size_t max_depth) {
  auto value = examine_json(text, max_size, max_depth);
  if (!value) {
    return std::unexpected(value.error().error);
  }
  return std::move(*value);
}

Result<ObjectReader> ObjectReader::of(const json::value& value) {
  const json::object* object = value.if_object();
  if (object == nullptr) {
    return fail(Errc::kEncoding, "a JSON object is expected");
  }
  return ObjectReader(*object);
}

bool ObjectReader::has(std::string_view key) const {
  return object_->contains(json::string_view(key.data(), key.size()));
}

Result<const json::value*> ObjectReader::value(std::string_view key) {
  const json::value* found = object_->if_contains(json::string_view(key.data(), key.size()));
  if (found == nullptr) {
    return fail(Errc::kEncoding, "a JSON member is missing");
  }
  taken_.insert(key);
  return found;
}

Result<std::string> ObjectReader::text(std::string_view key, std::size_t max_size) {
  const json::value* found = KB_TRY(value(key));
  const json::string* text = found->if_string();
  if (text == nullptr) {
    return fail(Errc::kEncoding, "a JSON member is not a string");
  }
  if (text->size() > max_size) {
    return fail(Errc::kLimit, "a JSON string is over its limit");
  }
  return std::string(view_of(*text));
}

Result<std::int64_t> ObjectReader::integer(std::string_view key,
                                           std::int64_t min,
                                           std::int64_t max) {
  const json::value* found = KB_TRY(value(key));
  const std::int64_t* number = found->if_int64();
  if (number == nullptr) {
    return fail(Errc::kEncoding, "a JSON member is not an integer");
  }
  if (*number < min || *number > max) {
    return fail(Errc::kValue, "a JSON number is out of range");
  }
  return *number;
}

Result<bool> ObjectReader::boolean(std::string_view key) {
  const json::value* found = KB_TRY(value(key));
  const bool* truth = found->if_bool();
  if (truth == nullptr) {
    return fail(Errc::kEncoding, "a JSON member is not true or false");
  }
  return *truth;
}

Result<Bytes> ObjectReader::base64(std::string_view key, std::size_t max_size) {
  const std::string text = KB_TRY(this->text(key, (max_size + 2) / 3 * 4));
  Bytes octets = KB_TRY(from_base64(text));
  if (octets.size() > max_size) {
    return fail(Errc::kLimit, "a base64 member is over its limit");
  }
  return octets;
}

Result<Bytes> ObjectReader::hex(std::string_view key, std::size_t min_size, std::size_t max_size) {
  const std::string text = KB_TRY(this->text(key, max_size * 2));
  const auto octets = from_hex(text);
  if (!octets || octets->size() * 2 != text.size()) {
    return fail(Errc::kEncoding, "a JSON member is not hexadecimal");
  }
  if (octets->size() < min_size) {
    return fail(Errc::kLength, "a hexadecimal member is too short");
  }
  return *octets;
}

Result<const json::array*> ObjectReader::array(std::string_view key, std::size_t max_size) {
  const json::value* found = KB_TRY(value(key));
  const json::array* array = found->if_array();
  if (array == nullptr) {
    return fail(Errc::kEncoding, "a JSON member is not an array");
  }
  if (array->size() > max_size) {
    return fail(Errc::kLimit, "a JSON array is over its limit");
  }
  return array;
}

Result<ObjectReader> ObjectReader::object(std::string_view key) {
  const json::value* found = KB_TRY(value(key));
  return of(*found);
}

Result<void> ObjectReader::finish() const {
  if (taken_.size() != object_->size()) {
    return fail(Errc::kEncoding, "a JSON member that is not known here");
  }
  return {};
}

bool is_printable(std::string_view utf8) {
  std::size_t i = 0;
  while (i < utf8.size()) {
    const auto lead = static_cast<std::uint8_t>(utf8[i]);
    if (lead < 0x80) {
      if (lead < 0x20 || lead == 0x7F) {
        return false;
      }
      ++i;
      continue;
    }
    std::size_t more = 0;
    std::uint32_t point = 0;
    if (lead >= 0xC2 && lead <= 0xDF) {
      more = 1;
      point = lead & 0x1FU;
    } else if (lead >= 0xE0 && lead <= 0xEF) {
      more = 2;
      point = lead & 0x0FU;
    } else if (lead >= 0xF0 && lead <= 0xF4) {
      more = 3;
      point = lead & 0x07U;
    } else {
      return false;
    }
    if (utf8.size() - i <= more) {
      return false;
    }
    for (std::size_t j = 1; j <= more; ++j) {
      const auto next = static_cast<std::uint8_t>(utf8[i + j]);
      if ((next & 0xC0U) != 0x80U) {
        return false;
      }
      point = (point << 6U) | (next & 0x3FU);
    }
    constexpr std::array<std::uint32_t, 4> kSmallest = {0, 0x80, 0x800, 0x10000};
    const bool surrogate = point >= 0xD800 && point <= 0xDFFF;
    const bool control = point >= 0x80 && point <= 0x9F;
    if (point < kSmallest.at(more) || point > 0x10FFFF || surrogate || control) {
      return false;
    }
    i += more + 1;
  }
  return true;
}

}  // namespace kagibin::delivery
