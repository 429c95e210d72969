// SPDX-License-Identifier: Apache-2.0
// What kagibin gp info shows of a card: lines for people, one object with --json. Objects that a
// specification divides into fields are shown by their fields (gp/decoding); one that does not
// decode is shown as octets.
//
// Ownership: values. Thread-safety: one thread.
//
//   FactsOutput out(access.facts());
//   out.add_resources(answer);
//   console.result(out.object(), "{}", out.text());
#pragma once

#include <string>

#include <boost/json/object.hpp>

#include "kagibin/roles/security_module_manager/card/card_facts.h"

namespace kagibin::cli {

class FactsOutput {
 public:
  explicit FactsOutput(const roles::security_module_manager::CardFacts& facts);

  // Protocol and level of the channel that was opened.
  void add_session(std::uint8_t scp, std::uint8_t level);
  // The answer to GET DATA FF21.
  void add_resources(ByteView answer);

  const boost::json::object& object() const { return object_; }
  // Without a line feed at the end.
  const std::string& text() const { return text_; }

 private:
  void line(std::string_view name, const std::string& value);
  void octets(std::string_view key, std::string_view name, ByteView value);
  void add_protocols(const gp::CardData& data);
  void add_capabilities(ByteView value);
  void add_cplc(ByteView value);
  void add_keys(const gp::KeyInformation& keys);

  boost::json::object object_{};
  std::string text_{};
};

}  // namespace kagibin::cli
