// SPDX-License-Identifier: Apache-2.0
// Reading JSON (RFC 8259) strictly: every member is asked for by name, and what nobody asked for is
// an error.
//
// parse_json refuses comments, trailing octets, invalid UTF-8, repeated members, and more than
// `max_depth` levels (kEncoding), and text over its limit (kLimit). Ownership: an ObjectReader
// views the value. Numbers are integers; JSON is never used for secrets.
//
//   const boost::json::value value = KB_TRY(parse_json(text, kMaxBodyBytes));
//   ObjectReader in = KB_TRY(ObjectReader::of(value));
//   const std::string device = KB_TRY(in.text("device", 48));
//   KB_TRY(in.finish());                            // nothing else was there
#pragma once

#include <cstdint>
#include <expected>
#include <set>
#include <string>
#include <string_view>

#include <boost/json/value.hpp>

#include "kagibin/base/bytes.h"
#include "kagibin/base/result.h"

namespace kagibin::delivery {

Result<boost::json::value> parse_json(std::string_view text,
                                      std::size_t max_size,
                                      std::size_t max_depth = 8);

// The same with what somebody needs who wrote the text by hand.
struct JsonFault {
  Error error;
  std::string duplicate{};  // the member that stands twice, where that is the fault
  std::string reason{};     // the parser's words for any other
  std::size_t octet = 0;    // near this one
};
std::expected<boost::json::value, JsonFault> examine_json(std::string_view text,
                                                          std::size_t max_size,
                                                          std::size_t max_depth = 8);

class ObjectReader {
 public:
  // kEncoding unless the value is an object.
  static Result<ObjectReader> of(const boost::json::value& value);

  bool has(std::string_view key) const;
  // Each takes one member: kEncoding when it is absent or of another type, kValue out of range,
  // kLimit over the limit.
  Result<const boost::json::value*> value(std::string_view key);
  Result<std::string> text(std::string_view key, std::size_t max_size);
  Result<std::int64_t> integer(std::string_view key, std::int64_t min, std::int64_t max);
  Result<bool> boolean(std::string_view key);
  Result<Bytes> base64(std::string_view key, std::size_t max_size);
  Result<Bytes> hex(std::string_view key, std::size_t min_size, std::size_t max_size);
  Result<const boost::json::array*> array(std::string_view key, std::size_t max_size);
  Result<ObjectReader> object(std::string_view key);
  // kEncoding when a member was not taken.
  Result<void> finish() const;

 private:
  explicit ObjectReader(const boost::json::object& object) : object_(&object) {}
  const boost::json::object* object_;
  std::set<std::string_view> taken_;
};

// True for well-formed UTF-8 without control characters.
bool is_printable(std::string_view utf8);

}  // namespace kagibin::delivery
