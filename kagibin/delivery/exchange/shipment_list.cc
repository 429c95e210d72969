// SPDX-License-Identifier: Apache-2.0
#include "kagibin/delivery/exchange/shipment_list.h"

#include <set>

#include <boost/json/array.hpp>
#include <boost/json/object.hpp>
#include <boost/json/serialize.hpp>

#include "kagibin/base/base64.h"
#include "kagibin/delivery/strict_json.h"

namespace kagibin::delivery {
namespace {

namespace json = boost::json;

constexpr std::size_t kMaxText = std::size_t{32} * 1024 * 1024;
constexpr std::size_t kMaxElements = 100'000;
constexpr std::size_t kMaxCertificate = 320;
constexpr std::size_t kMaxCardNumber = 16;
constexpr std::size_t kMaxMakerName = 64;
constexpr std::string_view kKdaCertificate = "kdaCertificateSha256";
constexpr std::string_view kCasd = "casd";
constexpr std::string_view kSignatureKey = "signatureKeySha256";
constexpr std::string_view kAgreementKey = "agreementKeySha256";
constexpr std::string_view kOwnDelivery = "ownDeliverySha256";
constexpr std::size_t kMaxOwnDeliveries = 8;
constexpr std::int64_t kLatestTime = 253'402'300'799;

json::string text_of(std::string_view text) { return json::string(text.data(), text.size()); }

using Hash = std::array<std::uint8_t, 32>;

Result<Hash> read_hash(ObjectReader& in, std::string_view key) {
  return *to_array<32>(KB_TRY(in.hex(key, 32, 32)));
}

json::string hash_text(const Hash& hash) { return text_of(to_hex(hash)); }

Result<ShippedCasd> read_casd(ObjectReader& in) {
  const ShippedCasd out{.signature_key_sha256 = KB_TRY(read_hash(in, kSignatureKey)),
                        .agreement_key_sha256 = KB_TRY(read_hash(in, kAgreementKey))};
  KB_TRY(in.finish());
  return out;
}

// One or more, where the member is there.
Result<std::vector<Hash>> read_hashes(ObjectReader& in) {
  std::vector<Hash> out;
  if (!in.has(kOwnDelivery)) {
    return out;
  }
  for (const json::value& value : *KB_TRY(in.array(kOwnDelivery, kMaxOwnDeliveries))) {
    const auto octets =
        value.is_string() ? from_hex(std::string_view(value.get_string())) : std::nullopt;
    const auto hash = octets ? to_array<32>(*octets) : std::nullopt;
    if (!hash || to_hex(*hash) != std::string_view(value.get_string())) {
      return fail(Errc::kEncoding, "a hash is 64 hexadecimal digits");
    }
    out.push_back(*hash);
  }
  if (out.empty()) {
    return fail(Errc::kEncoding, "a list of hashes without one is left out");
  }
  return out;
}

Result<ShippedElement> read_element(const json::value& value) {
  ObjectReader in = KB_TRY(ObjectReader::of(value));
  ShippedElement element;
  const Bytes seid = KB_TRY(in.hex("seid", 16, 16));
  element.seid = KB_TRY(Seid::from(seid));
  element.iin = KB_TRY(in.hex("iin", 1, kMaxCardNumber));
  element.cin = KB_TRY(in.hex("cin", 1, kMaxCardNumber));
  if (in.has(kKdaCertificate)) {
    element.kda_certificate_sha256 = KB_TRY(read_hash(in, kKdaCertificate));
  }
  if (in.has(kCasd)) {
    ObjectReader casd = KB_TRY(in.object(kCasd));
    element.casd = KB_TRY(read_casd(casd));
  }
  element.own_delivery_sha256 = KB_TRY(read_hashes(in));
  if (!element.kda_certificate_sha256 && !element.casd && element.own_delivery_sha256.empty()) {
    return fail(Errc::kEncoding,
                "a shipment list pins an element's certificate or its CASD's keys");
  }
  KB_TRY(in.finish());
  return element;
}

}  // namespace

std::string to_json(const ShipmentList& list) {
  json::array elements;
  for (const ShippedElement& element : list.elements) {
    json::object out{
        {"seid", text_of(element.seid.hex())},
        {"iin", text_of(to_hex(element.iin))},
        {"cin", text_of(to_hex(element.cin))},
    };
    if (element.kda_certificate_sha256) {
      out[kKdaCertificate] = hash_text(*element.kda_certificate_sha256);
    }
    if (element.casd) {
      out[kCasd] = json::object{{kSignatureKey, hash_text(element.casd->signature_key_sha256)},
                                {kAgreementKey, hash_text(element.casd->agreement_key_sha256)}};
    }
    if (!element.own_delivery_sha256.empty()) {
      json::array& hashes = out[kOwnDelivery].emplace_array();
      for (const Hash& hash : element.own_delivery_sha256) {
        hashes.push_back(hash_text(hash));
      }
    }
    elements.push_back(std::move(out));
  }
  return json::serialize(json::object{
      {"version", 1},
      {"maker", json::object{{"name", text_of(list.maker_name)},
                             {"certificate", text_of(to_base64(list.maker_certificate))}}},
      {"issuedAt", list.issued_at},
      {"elements", std::move(elements)},
  });
}

Result<ShipmentList> shipment_list_from_json(std::string_view text) {
  const json::value value = KB_TRY(parse_json(text, kMaxText));
  ObjectReader in = KB_TRY(ObjectReader::of(value));
  KB_TRY(in.integer("version", 1, 1));
  ShipmentList list;
  ObjectReader maker = KB_TRY(in.object("maker"));
  list.maker_name = KB_TRY(maker.text("name", kMaxMakerName));
  if (list.maker_name.empty() || !is_printable(list.maker_name)) {
    return fail(Errc::kValue, "a maker's name is printable text");
  }
  list.maker_certificate = KB_TRY(maker.base64("certificate", kMaxCertificate));
  KB_TRY(maker.finish());
  list.issued_at = KB_TRY(in.integer("issuedAt", 0, kLatestTime));
  std::set<Seid> seen;
  const json::array* elements = KB_TRY(in.array("elements", kMaxElements));
  for (const json::value& entry : *elements) {
    const ShippedElement element = KB_TRY(read_element(entry));
    if (!seen.insert(element.seid).second) {
      return fail(Errc::kConflict, "a shipment list names a SEID twice");
    }
    list.elements.push_back(element);
  }
  KB_TRY(in.finish());
  return list;
}

std::string to_json(const SignedShipmentList& list) {
  return json::serialize(json::object{
      {"list", text_of(to_base64(ascii(list.list)))},
      {"signature", text_of(to_base64(list.signature))},
  });
}

Result<SignedShipmentList> signed_shipment_list_from_json(std::string_view text) {
  const json::value value = KB_TRY(parse_json(text, 2 * kMaxText));
  ObjectReader in = KB_TRY(ObjectReader::of(value));
  const Bytes list = KB_TRY(in.base64("list", kMaxText));
  SignedShipmentList out;
  out.list.assign(list.begin(), list.end());
  out.signature = KB_TRY(in.base64("signature", 72));
  KB_TRY(in.finish());
  if (out.signature.size() < 8) {
    return fail(Errc::kLength, "a shipment list's signature has 8 to 72 octets");
  }
  return out;
}

}  // namespace kagibin::delivery
