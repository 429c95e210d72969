// SPDX-License-Identifier: Apache-2.0
#include "tests/support/vector_file.h"

#include <fstream>
#include <sstream>
#include <utility>

#include <gtest/gtest.h>

namespace kagibin::test {
namespace {

std::string_view trimmed(std::string_view text) {
  constexpr std::string_view kBlanks = " \t\r";
  const std::size_t first = text.find_first_not_of(kBlanks);
  if (first == std::string_view::npos) {
    return {};
  }
  return text.substr(first, text.find_last_not_of(kBlanks) - first + 1);
}

// Collects lines into cases.
class Parser {
 public:
  Result<void> take_line(std::string_view line, std::size_t number) {
    if (line.empty()) {
      end_case();
      return {};
    }
    if (line.starts_with('#')) {
      has_source_ = has_source_ || line.starts_with("# Source: ");
      has_licence_ = has_licence_ || line.starts_with("# Licence: ");
      return {};
    }
    if (!has_source_ || !has_licence_) {
      return fail(Errc::kNotFound, "vectors begin with '# Source: ' and '# Licence: '");
    }
    if (line.starts_with('[') && line.ends_with(']')) {
      end_case();
      section_ = trimmed(line.substr(1, line.size() - 2));
      return {};
    }
    return take_attribute(line, number);
  }

  Result<std::vector<VectorCase>> finish() {
    end_case();
    if (cases_.empty()) {
      return fail(Errc::kNotFound, "a vector file has at least one case");
    }
    return std::move(cases_);
  }

 private:
  Result<void> take_attribute(std::string_view line, std::size_t number) {
    const std::size_t equals = line.find('=');
    if (equals == std::string_view::npos) {
      return fail(Errc::kEncoding, "a line of vectors is '[Section]', 'Name = hex' or a comment");
    }
    const std::string_view name = trimmed(line.substr(0, equals));
    auto value = from_hex(trimmed(line.substr(equals + 1)));
    if (name.empty() || !value) {
      return fail(Errc::kEncoding, "a vector's attribute is 'Name = hex'");
    }
    if (values_.empty()) {
      first_line_ = number;
    }
    if (!values_.emplace(name, std::move(*value)).second) {
      return fail(Errc::kConflict, "a vector has the same attribute twice");
    }
    return {};
  }

  void end_case() {
    if (!values_.empty()) {
      cases_.emplace_back(section_, first_line_, std::exchange(values_, {}));
    }
  }

  bool has_source_ = false;
  bool has_licence_ = false;
  std::string section_;
  std::size_t first_line_ = 0;
  std::map<std::string, Bytes, std::less<>> values_;
  std::vector<VectorCase> cases_;
};

}  // namespace

Bytes VectorCase::octets(std::string_view name) {
  const auto found = values_.find(name);
  if (found == values_.end()) {
    missing_.emplace(name);
    return {};
  }
  used_.emplace(name);
  return found->second;
}

std::uint64_t VectorCase::number(std::string_view name) {
  const Bytes value = octets(name);
  if (value.empty() || value.size() > sizeof(std::uint64_t)) {
    missing_.emplace(name);
    return 0;
  }
  std::uint64_t out = 0;
  for (const std::uint8_t octet : value) {
    out = (out << 8U) | octet;
  }
  return out;
}

std::vector<std::string> VectorCase::unused() const {
  std::vector<std::string> out;
  for (const auto& [name, value] : values_) {
    if (!used_.contains(name)) {
      out.push_back(name);
    }
  }
  return out;
}

Result<std::vector<VectorCase>> parse_vectors(std::string_view text) {
  Parser parser;
  std::size_t number = 0;
  while (!text.empty()) {
    const std::size_t end = std::min(text.find('\n'), text.size());
    KB_TRY(parser.take_line(trimmed(text.substr(0, end)), ++number));
    text.remove_prefix(std::min(end + 1, text.size()));
  }
  return parser.finish();
}

void for_each_vector(std::string_view source_folder,
                     std::string_view path,
                     const std::function<void(VectorCase&)>& function) {
  const std::string full = std::string(source_folder) + "/" + std::string(path);
  const std::ifstream file(full);
  std::ostringstream text;
  text << file.rdbuf();
  auto cases = parse_vectors(text.view());
  if (!file || !cases) {
    ADD_FAILURE() << full << ": "
                  << (file ? cases.error().detail.text() : "the file cannot be read");
    return;
  }
  for (VectorCase& vector : *cases) {
    const testing::ScopedTrace trace(full.c_str(), static_cast<int>(vector.line()),
                                     vector.section());
    function(vector);
    for (const std::string& name : vector.missing()) {
      ADD_FAILURE() << "the test reads an attribute that is missing or not a number: " << name;
    }
    for (const std::string& name : vector.unused()) {
      ADD_FAILURE() << "the test does not read the attribute " << name;
    }
  }
}

}  // namespace kagibin::test
