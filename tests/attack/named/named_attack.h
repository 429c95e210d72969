// SPDX-License-Identifier: Apache-2.0
// Attacks that have a name: each tries one thing in every way that it knows, and shows by controls
// that the same would succeed against a receiver that lacks the check. Values.
//
//   for (const NamedAttack& attack : named_attacks()) { const Finding finding = attack.run(); ... }
#pragma once

#include <array>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "kagibin/base/bytes.h"
#include "kagibin/base/result.h"

namespace kagibin::attack {

struct Fact {
  enum class Kind : std::uint8_t {
    kTry,
    kControl,  // against a weakened receiver
    kOpen,     // a try that succeeds, as doc/threat_model.md says
    kLook,     // told, and not judged
  };
  std::string what;
  std::string how;  // what stopped it, or how far it came
  Kind kind = Kind::kTry;
  bool is_right = false;  // a try was stopped; a control succeeded; what is open is as it is known
};

struct Finding {
  std::vector<Fact> facts{};

  void tried(std::string what, bool is_stopped, std::string how);
  void control(std::string what, bool succeeded, std::string how);
  void open(std::string what, bool is_as_known, std::string how);
  void look(std::string what, std::string how);
  bool is_stopped() const;  // every try was
  bool is_open() const;     // something is known to succeed
  bool is_earnest() const;  // something was tried; every control succeeded, and there is one
};

struct NamedAttack {
  std::string_view name;
  std::string_view what;
  Finding (*run)();
};

std::span<const NamedAttack> named_attacks();
// kValue for another name.
Result<NamedAttack> find_attack(std::string_view name);

// The attacks, one or a few a file.
Finding forge();
Finding replay();
Finding roll_back();
Finding swap_target();
Finding swap_element();
Finding swap_provider();
Finding mint_certificates();
Finding rogue_code();
Finding lower_level();
Finding invalid_curve();
Finding truncated_mac();
Finding padding_oracle();
Finding scp02_oracle();
Finding tenant_read();
Finding tenant_change();
Finding tenant_replace();
Finding tenant_block();
Finding tenant_detect();
Finding tenant_memory();

// "9000", or what was said.
template <typename T>
std::string said(const Result<T>& result) {
  if (result) {
    return "taken";
  }
  if (result.error().code != Errc::kCardStatus) {
    return std::string(result.error().detail.text());
  }
  const std::array<std::uint8_t, 2> sw{result.error().sw.sw1(), result.error().sw.sw2()};
  return to_hex(sw);
}

}  // namespace kagibin::attack
