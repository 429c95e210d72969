// SPDX-License-Identifier: Apache-2.0
// Reading JSON that decides about keys and that people write: nothing unknown, nothing twice,
// nothing out of range, and a sentence about what is wrong.
//
// parse_strict() reads as delivery/strict_json.h does, up to 1 MiB and 16 levels. Members reads one
// object; finish() refuses what was not read, by name. Messages carry the path
// ("policy.elements[3].seid"), never the value. Ownership: Members views a value that outlives it.
// Thread-safety: one thread.
//
//   Members in = KB_TRY(Members::of(value, "policy"));
//   policy.accept_rl1 = KB_TRY(in.optional_text("accept_rl1"));
//   KB_TRY(in.finish());
#pragma once

#include <cstdint>
#include <optional>
#include <set>
#include <string>
#include <string_view>

#include <boost/json.hpp>

#include "kagibin/base/aid.h"
#include "kagibin/base/bytes.h"
#include "kagibin/roles/service_provider/problem.h"

namespace kagibin::roles::service_provider {

// `name` is what messages call the text: "policy", "payload".
Checked<boost::json::value> parse_strict(std::string_view text, std::string_view name);

class Members {
 public:
  // kEncoding unless the value is an object.
  static Checked<Members> of(const boost::json::value& value, std::string path);

  bool has(std::string_view name) const { return object_->contains(name); }
  // kNotFound when there is no such member, kEncoding or kValue when it is not what it must be.
  Checked<const boost::json::value*> value(std::string_view name);
  Checked<std::string> text(std::string_view name);
  Checked<std::optional<std::string>> optional_text(std::string_view name);
  Checked<bool> boolean(std::string_view name);
  Checked<std::uint32_t> number(std::string_view name, std::uint32_t min, std::uint32_t max);
  // Octets as hexadecimal text.
  Checked<Bytes> hex(std::string_view name, std::size_t min, std::size_t max);
  Checked<std::uint8_t> hex_octet(std::string_view name);
  Checked<Aid> aid(std::string_view name);
  // The object under this member.
  Checked<Members> object(std::string_view name);
  // An array with at least one value.
  Checked<const boost::json::array*> array(std::string_view name);

  // kValue, naming a member that was never asked for.
  Checked<void> finish() const;
  std::string path_of(std::string_view name) const { return path_ + "." + std::string(name); }
  const std::string& path() const { return path_; }

 private:
  Members(const boost::json::object& object, std::string path)
      : object_(&object), path_(std::move(path)) {}
  const boost::json::object* object_;
  std::string path_;
  std::set<std::string, std::less<>> read_;
};

}  // namespace kagibin::roles::service_provider
