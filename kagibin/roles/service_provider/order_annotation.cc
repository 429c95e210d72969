// SPDX-License-Identifier: Apache-2.0
#include "kagibin/roles/service_provider/order_annotation.h"

#include <array>

#include "kagibin/roles/service_provider/members.h"

namespace kagibin::roles::service_provider {

namespace {

constexpr std::uint8_t kDefaultSuite = 0x01;  // of orders made before there were others

}  // namespace

OrderAnnotation OrderAnnotation::of(const PayloadFile& payload, std::uint8_t suite) {
  return {.payload_sha256 = to_hex(payload.digest),
          .security_domain = payload.security_domain,
          .key_version = payload.channel_key_version,
          .agreement_key_version = payload.agreement_key_version,
          .suite = suite,
          .own_delivery = payload.own_delivery,
          .key_under_session_alone = payload.has_key_under_session_alone()};
}

Checked<OrderAnnotation> OrderAnnotation::parse(std::string_view text) {
  const boost::json::value value = KB_TRY(parse_strict(text, "order's annotation"));
  Members in = KB_TRY(Members::of(value, "annotation"));
  const std::string digest = KB_TRY(in.text("payload_sha256"));
  OrderAnnotation out{.payload_sha256 = digest,
                      .security_domain = KB_TRY(in.aid("security_domain")),
                      .key_version = KB_TRY(in.hex_octet("key_version"))};
  if (in.has("agreement_key_version")) {
    out.agreement_key_version = KB_TRY(in.hex_octet("agreement_key_version"));
  }
  if (in.has("suite")) {
    out.suite = KB_TRY(in.hex_octet("suite"));
  }
  if (in.has("own_delivery")) {
    out.own_delivery = KB_TRY(in.boolean("own_delivery"));
  }
  if (in.has("key_under_session_alone")) {
    out.key_under_session_alone = KB_TRY(in.boolean("key_under_session_alone"));
  }
  KB_TRY(in.finish());
  return out;
}

std::string OrderAnnotation::text() const {
  boost::json::object out;
  out["payload_sha256"] = payload_sha256;
  out["security_domain"] = security_domain.hex();
  out["key_version"] = to_hex(std::array{key_version});
  if (agreement_key_version) {
    out["agreement_key_version"] = to_hex(std::array{*agreement_key_version});
  }
  if (suite != kDefaultSuite) {
    out["suite"] = to_hex(std::array{suite});
  }
  if (own_delivery) {
    out["own_delivery"] = true;
  }
  if (key_under_session_alone) {
    out["key_under_session_alone"] = true;
  }
  return boost::json::serialize(out);
}

}  // namespace kagibin::roles::service_provider
