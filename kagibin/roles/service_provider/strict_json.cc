// SPDX-License-Identifier: Apache-2.0
#include "kagibin/roles/service_provider/strict_json.h"

#include <boost/json/basic_parser_impl.hpp>
#include <fmt/format.h>

namespace kagibin::roles::service_provider {
namespace {

namespace json = boost::json;

constexpr std::size_t kMaxText = 1U << 20U;
constexpr std::size_t kMaxDepth = 16;

// Notices a member that stands twice in one object; everything else is left to the parser proper.
class DuplicateFinder {
 public:
  static constexpr std::size_t max_object_size = kMaxText;
  static constexpr std::size_t max_array_size = kMaxText;
  static constexpr std::size_t max_key_size = kMaxText;
  static constexpr std::size_t max_string_size = kMaxText;

  bool on_document_begin(json::error_code&) { return true; }
  bool on_document_end(json::error_code&) { return true; }
  bool on_object_begin(json::error_code&) {
    open_.emplace_back();
    return true;
  }
  bool on_object_end(std::size_t, json::error_code&) {
    open_.pop_back();
    return true;
  }
  bool on_array_begin(json::error_code&) { return true; }
  bool on_array_end(std::size_t, json::error_code&) { return true; }
  bool on_key_part(json::string_view part, std::size_t, json::error_code&) {
    key_.append(part);
    return true;
  }
  bool on_key(json::string_view part, std::size_t, json::error_code& error) {
    key_.append(part);
    if (!open_.back().insert(key_).second) {
      duplicate_ = key_;
      error = json::error::syntax;
      return false;
    }
    key_.clear();
    return true;
  }
  bool on_string_part(json::string_view, std::size_t, json::error_code&) { return true; }
  bool on_string(json::string_view, std::size_t, json::error_code&) { return true; }
  bool on_number_part(json::string_view, json::error_code&) { return true; }
  bool on_int64(std::int64_t, json::string_view, json::error_code&) { return true; }
  bool on_uint64(std::uint64_t, json::string_view, json::error_code&) { return true; }
  bool on_double(double, json::string_view, json::error_code&) { return true; }
  bool on_bool(bool, json::error_code&) { return true; }
  bool on_null(json::error_code&) { return true; }
  bool on_comment_part(json::string_view, json::error_code&) { return true; }
  bool on_comment(json::string_view, json::error_code&) { return true; }

  const std::string& duplicate() const { return duplicate_; }

 private:
  std::vector<std::set<std::string, std::less<>>> open_;
  std::string key_;
  std::string duplicate_;
};

}  // namespace

Checked<json::value> parse_strict(std::string_view text, std::string_view name) {
  if (text.size() > kMaxText) {
    return problem(Errc::kLimit,
                   fmt::format("The {} is longer than 1 MiB; nothing was done.", name));
  }
  json::parse_options options;
  options.max_depth = kMaxDepth;
  json::basic_parser<DuplicateFinder> finder(options);
  json::error_code error;
  const std::size_t read = finder.write_some(false, text.data(), text.size(), error);
  if (!finder.handler().duplicate().empty()) {
    return problem(
        Errc::kEncoding,
        fmt::format("The {} names \"{}\" twice in one object; nothing was done. Keep the "
                    "one that is meant.",
                    name, finder.handler().duplicate()));
  }
  if (!error && text.find_first_not_of(" \t\r\n", read) != std::string_view::npos) {
    error = json::error::extra_data;
  }
  json::value value;
  if (!error) {
    value = json::parse(text, error, {}, options);
  }
  if (error) {
    return problem(
        Errc::kEncoding,
        fmt::format("The {} is not valid JSON ({}, near octet {}); nothing was done. Correct it.",
                    name, error.message(), read));
  }
  return value;
}

Checked<Members> Members::of(const json::value& value, std::string path) {
  const json::object* object = value.if_object();
  if (object == nullptr) {
    return problem(Errc::kEncoding, fmt::format("{} has to be a JSON object.", path));
  }
  return Members(*object, std::move(path));
}

Checked<const json::value*> Members::value(std::string_view name) {
  const json::value* found = object_->if_contains(name);
  if (found == nullptr) {
    return problem(Errc::kNotFound,
                   fmt::format("{} is missing, and it has no default.", path_of(name)));
  }
  read_.emplace(name);
  return found;
}

Checked<std::string> Members::text(std::string_view name) {
  const json::value* found = KB_TRY(value(name));
  if (!found->is_string() || found->get_string().empty()) {
    return problem(Errc::kEncoding, fmt::format("{} has to be a text.", path_of(name)));
  }
  return std::string(found->get_string());
}

Checked<std::optional<std::string>> Members::optional_text(std::string_view name) {
  if (!has(name)) {
    return std::optional<std::string>();
  }
  return std::optional<std::string>(KB_TRY(text(name)));
}

Checked<bool> Members::boolean(std::string_view name) {
  const json::value* found = KB_TRY(value(name));
  if (!found->is_bool()) {
    return problem(Errc::kEncoding, fmt::format("{} has to be true or false.", path_of(name)));
  }
  return found->get_bool();
}

Checked<std::uint32_t> Members::number(std::string_view name,
                                       std::uint32_t min,
                                       std::uint32_t max) {
  const json::value* found = KB_TRY(value(name));
  json::error_code error;
  const auto number = found->to_number<std::uint32_t>(error);
  if (error || found->is_double() || number < min || number > max) {
    return problem(Errc::kValue, fmt::format("{} has to be a whole number from {} to {}.",
                                             path_of(name), min, max));
  }
  return number;
}

Checked<Bytes> Members::hex(std::string_view name, std::size_t min, std::size_t max) {
  const std::string digits = KB_TRY(text(name));
  std::optional<Bytes> octets = from_hex(digits);
  if (!octets || octets->size() < min || octets->size() > max) {
    return problem(Errc::kValue, fmt::format("{} has to be {} to {} octets in hexadecimal digits.",
                                             path_of(name), min, max));
  }
  return std::move(*octets);
}

Checked<std::uint8_t> Members::hex_octet(std::string_view name) {
  return KB_TRY(hex(name, 1, 1)).front();
}

Checked<Aid> Members::aid(std::string_view name) {
  const Bytes octets = KB_TRY(hex(name, Aid::kMinLength, Aid::kMaxLength));
  return *Aid::from(octets);
}

Checked<Members> Members::object(std::string_view name) {
  const json::value* found = KB_TRY(value(name));
  return of(*found, path_of(name));
}

Checked<const json::array*> Members::array(std::string_view name) {
  const json::value* found = KB_TRY(value(name));
  const json::array* list = found->if_array();
  if (list == nullptr || list->empty()) {
    return problem(Errc::kEncoding,
                   fmt::format("{} has to be a list with at least one entry.", path_of(name)));
  }
  return list;
}

Checked<void> Members::finish() const {
  for (const auto& member : *object_) {
    if (!read_.contains(std::string_view(member.key()))) {
      return problem(Errc::kValue,
                     fmt::format("{} is not known here, and nothing unknown is passed over: take "
                                 "it out or correct its name.",
                                 path_of(member.key())));
    }
  }
  return {};
}

}  // namespace kagibin::roles::service_provider
