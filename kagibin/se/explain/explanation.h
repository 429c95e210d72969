// SPDX-License-Identifier: Apache-2.0
// Why a command was refused, for whoever runs the element (`kagibin se run --explain`): its name,
// where it went, the status word's meaning, the reason with its clause, the tag, key and tries
// that it is about, and what to do.
//
// Made from the header of the C-APDU, the status word of the R-APDU, its reason (status_word.h) and
// the circumstances (circumstances.h), all of which the element tells. It holds no octet of any
// data field, so no key, cryptogram or MAC; a wrong cryptogram and wrong padding read as the wire
// tells them. A tag that a reason names as "tag C9" is taken from there unless one was noted.
// Ownership: the text is literals but for the name. Thread-safety: values.
//
//   const Bytes answer = KB_TRY(element.transmit(command));
//   if (const auto why = explain(command, answer, element)) { ... why->reason ... }
#pragma once

#include <array>
#include <optional>
#include <string>
#include <string_view>

#include "kagibin/base/bytes.h"
#include "kagibin/base/status_word.h"
#include "kagibin/se/explain/circumstances.h"

namespace kagibin::se {

class Element;

struct Explanation {
  std::array<std::uint8_t, 4> header{};  // CLA INS P1 P2; missing octets are 00
  std::string command{};                 // "INSTALL [for load]"; "INS 52" when it has no name
  StatusWord sw{};
  std::string_view meaning{};  // of the status word, in general
  std::string_view reason{};   // what is wrong with this command; never empty
  std::string_view clause{};   // the reason's; without one the command's, then the word's
  std::string_view advice{};
  Circumstances about{};
};

// Of a command of any length.
Explanation explain(ByteView c_apdu, StatusWord sw, const Circumstances& circumstances);
// Of the command that the element answered last; empty unless it was refused.
std::optional<Explanation> explain(ByteView c_apdu, ByteView r_apdu, const Element& element);

}  // namespace kagibin::se
