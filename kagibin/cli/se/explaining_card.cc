// SPDX-License-Identifier: Apache-2.0
#include "kagibin/cli/se/explaining_card.h"

#include <cstdio>

#include <boost/json/object.hpp>
#include <boost/json/serialize.hpp>
#include <fmt/format.h>

namespace kagibin::cli {

namespace {

std::string tag_text(std::uint32_t tag) {
  return fmt::format("{:0{}X}", tag, tag > 0xFFFF ? 6 : tag > 0xFF ? 4 : 2);
}

}  // namespace

std::string explanation_text(const se::Explanation& why, std::optional<std::uint32_t> number) {
  const auto& [cla, ins, p1, p2] = why.header;
  const se::Circumstances& about = why.about;
  std::string out = number ? fmt::format("element {}: ", *number) : std::string();
  out += fmt::format(
      "refused: {} ({:02X} {:02X} {:02X} {:02X}), channel {}, {} selected\n"
      "  {:04X}   {}\n  why    {}\n  clause {}\n",
      why.command, cla, ins, p1, p2, about.channel,
      about.selected ? about.selected->hex() : "nothing", why.sw.value, why.meaning, why.reason,
      why.clause);
  if (about.tag) {
    out += fmt::format("  tag    {}\n", tag_text(*about.tag));
  }
  if (about.key_version || about.key_identifier) {
    out += "  key   ";
    out += about.key_version ? fmt::format(" KVN {:02X}", *about.key_version) : "";
    out += about.key_identifier ? fmt::format(" KID {:02X}", *about.key_identifier) : "";
    out += about.key_domain ? fmt::format(" of {}", about.key_domain->hex()) : "";
    out += '\n';
  }
  if (about.tries_left) {
    out += fmt::format("  tries  {} left\n", *about.tries_left);
  }
  out += fmt::format("  do     {}\n", why.advice);
  return out;
}

std::string explanation_json(const se::Explanation& why, std::optional<std::uint32_t> number) {
  const auto& [cla, ins, p1, p2] = why.header;
  const se::Circumstances& about = why.about;
  boost::json::object out{{"refused", why.command},
                          {"header", fmt::format("{:02X}{:02X}{:02X}{:02X}", cla, ins, p1, p2)},
                          {"channel", about.channel},
                          {"in_session", about.in_session},
                          {"sw", fmt::format("{:04X}", why.sw.value)},
                          {"meaning", why.meaning},
                          {"reason", why.reason},
                          {"clause", why.clause},
                          {"advice", why.advice}};
  if (number) {
    out["element"] = *number;
  }
  if (about.selected) {
    out["selected"] = about.selected->hex();
  }
  if (about.tag) {
    out["tag"] = tag_text(*about.tag);
  }
  if (about.key_domain) {
    out["key_domain"] = about.key_domain->hex();
  }
  if (about.key_version) {
    out["key_version"] = fmt::format("{:02X}", *about.key_version);
  }
  if (about.key_identifier) {
    out["key_identifier"] = fmt::format("{:02X}", *about.key_identifier);
  }
  if (about.tries_left) {
    out["tries_left"] = *about.tries_left;
  }
  return boost::json::serialize(out);
}

Result<Bytes> ExplainingCard::transmit(ByteView command) {
  auto answer = card_.transmit(command);
  if (answer) {
    if (const auto why = se::explain(command, *answer, element_)) {
      const std::string text =
          json_ ? explanation_json(*why, number_) + '\n' : explanation_text(*why, number_);
      fmt::print(stderr, "{}", text);
      static_cast<void>(std::fflush(stderr));
    }
  }
  return answer;
}

}  // namespace kagibin::cli
