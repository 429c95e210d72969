// SPDX-License-Identifier: Apache-2.0
#include "kagibin/se/explain/explanation.h"

#include <algorithm>

#include "kagibin/apdu/apdu.h"
#include "kagibin/apdu/command_name.h"
#include "kagibin/apdu/status_meaning.h"
#include "kagibin/apdu/status_words.h"
#include "kagibin/kda/instruction_name.h"
#include "kagibin/kda/instructions.h"
#include "kagibin/kda/status_meaning.h"
#include "kagibin/se/element.h"

namespace kagibin::se {

namespace sw = apdu::sw;

namespace {

constexpr std::string_view kNoReason =
    "the application that is selected names no reason: only the status word is known";
constexpr std::string_view kTagWord = "tag ";
constexpr std::size_t kMaxTagDigits = 6;

// "... (GPCS 10.2)" at the end of a reason.
std::string_view clause_of(std::string_view reason) {
  const std::size_t opens = reason.rfind('(');
  if (opens == std::string_view::npos || !reason.ends_with(')')) {
    return {};
  }
  const std::string_view inside = reason.substr(opens + 1, reason.size() - opens - 2);
  const bool cites = std::ranges::any_of(
      std::array<std::string_view, 6>{"GPCS", "Amendment", "ISO/IEC", "SP 800", "RFC", "protocol"},
      [&](std::string_view source) { return inside.starts_with(source); });
  return cites ? inside : std::string_view{};
}

// "tag C9", "tag 9F65": whole octets in upper-case hexadecimal.
std::optional<std::uint32_t> tag_of(std::string_view reason) {
  const std::size_t at = reason.find(kTagWord);
  if (at == std::string_view::npos) {
    return std::nullopt;
  }
  const std::string_view rest = reason.substr(at + kTagWord.size());
  const std::size_t digits = std::min(rest.find_first_not_of("0123456789ABCDEF"), rest.size());
  if (digits == 0 || digits % 2 != 0 || digits > kMaxTagDigits) {
    return std::nullopt;
  }
  const Bytes octets = from_hex(rest.substr(0, digits)).value_or(Bytes{});
  std::uint32_t tag = 0;
  for (const std::uint8_t octet : octets) {
    tag = (tag << 8U) | octet;
  }
  return tag;
}

std::string_view advice_for(const Explanation& why, const apdu::StatusMeaning& meaning) {
  const auto tries = why.about.tries_left;
  if (tries && *tries == 0) {
    return "use another key set: this one is blocked until PUT KEY replaces it";
  }
  if (tries && *tries == 1) {
    return "stop: the next wrong try blocks the key set; check the keys and the key version first";
  }
  return meaning.advice;
}

// The KDA refuses by its own table (protocol, section 9), so that its refusals look alike.
void explain_delivery(Explanation& why) {
  const std::uint8_t ins = why.header[1];
  const std::string_view name = kda::instruction_name(ins);
  if (name.empty()) {
    return;
  }
  why.command = std::string(name);
  const kda::StatusMeaning meaning = kda::meaning(ins, why.sw);
  why.reason = meaning.happened;
  why.clause = "protocol, section 9";
  why.advice = meaning.advice;
}

}  // namespace

Explanation explain(ByteView c_apdu, StatusWord word, const Circumstances& circumstances) {
  Explanation out{.sw = word, .about = circumstances};
  std::ranges::copy(c_apdu.first(std::min(c_apdu.size(), out.header.size())), out.header.begin());
  const auto& [cla, ins, p1, p2] = out.header;
  const bool whole = c_apdu.size() >= out.header.size();
  const apdu::CommandName name = whole ? apdu::command_name(cla, ins, p1, p2) : apdu::CommandName{};
  const apdu::StatusMeaning meaning = apdu::status_meaning(word);
  out.command = !whole              ? "no whole header"
                : name.text.empty() ? "INS " + to_hex(ByteView(&ins, 1))
                                    : std::string(name.text);
  out.meaning = meaning.text;
  out.reason = word.reason.text().empty() ? kNoReason : word.reason.text();
  out.clause = clause_of(out.reason);
  if (out.clause.empty()) {
    out.clause = name.clause.empty() ? meaning.clause : name.clause;
  }
  if (!out.about.tag) {
    out.about.tag = tag_of(out.reason);
  }
  if (!out.about.tag && ins == apdu::ins::kGetData && word == sw::kReferencedDataNotFound) {
    out.about.tag = (std::uint32_t{p1} << 8U) | p2;
  }
  out.advice = advice_for(out, meaning);
  if (word.reason.text().empty() && out.about.selected == kda::aid()) {
    explain_delivery(out);
  }
  return out;
}

std::optional<Explanation> explain(ByteView c_apdu, ByteView r_apdu, const Element& element) {
  const auto answer = apdu::ResponseApdu::decode(r_apdu);
  if (!answer || !apdu::is_refusal(answer->sw)) {
    return std::nullopt;
  }
  return explain(c_apdu, answer->sw.because(element.reason()), element.circumstances());
}

}  // namespace kagibin::se
