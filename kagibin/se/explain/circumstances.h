// SPDX-License-Identifier: Apache-2.0
// What the element knows of the command in hand beyond its status word, in names and numbers: what
// an explanation is made of (explanation.h). For whoever runs the element; nothing of it is sent.
//
// OPEN begins it anew with every command and notes channel and selection; whoever refuses notes
// the tag, the key, the tries. Numbers and AIDs alone: there is no field that an octet of a data
// field or a key could get into by way of text. Ownership: values. Thread-safety: one element, one
// thread.
//
//   command.platform.circumstances.about_key(domain, version, identifier);
//   return fail(Errc::kNotFound, "a key to replace is not there");
#pragma once

#include <cstdint>
#include <optional>

#include "kagibin/base/aid.h"

namespace kagibin::se {

struct Circumstances {
  std::uint8_t channel = 0;
  std::optional<Aid> selected{};  // on that channel, when the command came
  bool in_session = false;        // likewise

  std::optional<std::uint32_t> tag{};            // of the field that is wrong
  std::optional<Aid> key_domain{};               // whose key it is
  std::optional<std::uint8_t> key_version{};     // KVN
  std::optional<std::uint8_t> key_identifier{};  // KID
  std::optional<std::uint8_t> tries_left{};      // of the key set, where the profile limits them

  void about_key(const Aid& domain, std::uint8_t version) {
    key_domain = domain;
    key_version = version;
    key_identifier.reset();
  }
  void about_key(const Aid& domain, std::uint8_t version, std::uint8_t identifier) {
    about_key(domain, version);
    key_identifier = identifier;
  }
};

}  // namespace kagibin::se
