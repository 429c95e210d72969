// SPDX-License-Identifier: Apache-2.0
#include "kagibin/roles/service_provider/order_annotation.h"

#include <algorithm>
#include <array>
#include <utility>
#include <variant>

#include "kagibin/roles/service_provider/members.h"

namespace kagibin::roles::service_provider {

namespace {

constexpr std::uint8_t kDefaultSuite = 0x01;  // of orders made before there were others

std::vector<KeyOrigin> masters_of(const PayloadFile& payload) {
  std::vector<KeyOrigin> out;
  for (const PlannedAction& action : payload.actions) {
    KeyOrigin& origin = out.emplace_back();
    const auto* put = std::get_if<PlannedPutKey>(&action);
    for (const KeySource& source : put == nullptr ? std::vector<KeySource>() : put->keys) {
      const auto* derived = std::get_if<DerivedKey>(&source);
      if (derived != nullptr && std::ranges::find(origin, derived->master) == origin.end()) {
        origin.push_back(derived->master);
      }
    }
  }
  return out;
}

Checked<KeyOrigin> names_of(const boost::json::value& value) {
  KeyOrigin out;
  const boost::json::array* names = value.if_array();
  if (names == nullptr) {
    return problem(Errc::kEncoding, "annotation.masters is not a list of lists.");
  }
  for (const boost::json::value& name : *names) {
    if (!name.is_string()) {
      return problem(Errc::kEncoding, "annotation.masters names a master key by something else.");
    }
    out.emplace_back(name.get_string());
  }
  return out;
}

}  // namespace

OrderAnnotation OrderAnnotation::of(const PayloadFile& payload, std::uint8_t suite) {
  return {.payload_sha256 = to_hex(payload.digest),
          .security_domain = payload.security_domain,
          .key_version = payload.channel_key_version,
          .agreement_key_version = payload.agreement_key_version,
          .suite = suite,
          .own_delivery = payload.own_delivery,
          .key_under_session_alone = payload.has_key_under_session_alone(),
          .masters = masters_of(payload)};
}

std::optional<KeyOrigin> OrderAnnotation::origin_of(std::size_t action) const {
  if (!masters || action >= masters->size()) {
    return std::nullopt;
  }
  return (*masters)[action];
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
  if (in.has("masters")) {
    out.masters.emplace();
    for (const boost::json::value& action : *KB_TRY(in.array("masters"))) {
      out.masters->push_back(KB_TRY(names_of(action)));
    }
  }
  if (in.has("campaign")) {
    const std::string campaign = KB_TRY(in.text("campaign"));
    out.campaign = KB_TRY(delivery::CampaignId::from(campaign));
    const boost::json::value* attributes = KB_TRY(in.value("attributes"));
    out.attributes = KB_TRY(delivery::read_attributes(*attributes));
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
  if (masters) {
    boost::json::array actions;
    for (const KeyOrigin& origin : *masters) {
      actions.emplace_back(boost::json::array(origin.begin(), origin.end()));
    }
    out["masters"] = std::move(actions);
  }
  if (campaign) {
    out["campaign"] = campaign->text();
    out["attributes"] = delivery::json_of(attributes);
  }
  return boost::json::serialize(out);
}

}  // namespace kagibin::roles::service_provider
