// SPDX-License-Identifier: Apache-2.0
#include "kagibin/roles/service_provider/members.h"

#include <utility>

#include <fmt/format.h>

#include "kagibin/delivery/strict_json.h"

namespace kagibin::roles::service_provider {
namespace {

namespace json = boost::json;

constexpr std::size_t kMaxText = 1U << 20U;
constexpr std::size_t kMaxDepth = 16;

}  // namespace

Checked<json::value> parse_strict(std::string_view text, std::string_view name) {
  auto value = delivery::examine_json(text, kMaxText, kMaxDepth);
  if (value) {
    return std::move(*value);
  }
  const delivery::JsonFault& fault = value.error();
  if (fault.error.code == Errc::kLimit) {
    return problem(Errc::kLimit,
                   fmt::format("The {} is longer than 1 MiB; nothing was done.", name));
  }
  if (fault.reason.empty()) {
    return problem(
        fault.error.code,
        fmt::format("The {} names \"{}\" twice in one object; nothing was done. Keep the "
                    "one that is meant.",
                    name, fault.duplicate));
  }
  return problem(
      fault.error.code,
      fmt::format("The {} is not valid JSON ({}, near octet {}); nothing was done. Correct it.",
                  name, fault.reason, fault.octet));
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
    return problem(Errc::kEncoding,
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
