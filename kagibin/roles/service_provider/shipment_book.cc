// SPDX-License-Identifier: Apache-2.0
#include "kagibin/roles/service_provider/shipment_book.h"

#include <algorithm>

#include <fmt/format.h>

#include "kagibin/base/byte_io.h"
#include "kagibin/crypto/ec/ecdsa.h"
#include "kagibin/delivery/exchange/shipment_list.h"

namespace kagibin::roles::service_provider {
namespace {

constexpr std::string_view kElementKind = "element";
constexpr std::string_view kCardKind = "card";
constexpr std::string_view kCasdKind = "casd";  // by SEID: CasdPin, or no octets
constexpr std::string_view kMakerKind = "maker";
constexpr std::string_view kOwnKind = "own_delivery";  // by SEID: hashes, 32 octets each

constexpr crypto::Digest256 kNoCertificate{};

Bytes card_key(ByteView iin, ByteView cin) {
  return ByteWriter().u8(static_cast<std::uint8_t>(iin.size())).bytes(iin).bytes(cin).take();
}

Bytes encode(const ShipmentEntry& entry) {
  return ByteWriter()
      .bytes(entry.maker)
      .bytes(entry.kda_certificate.value_or(kNoCertificate))
      .u8(static_cast<std::uint8_t>(entry.iin.size()))
      .bytes(entry.iin)
      .bytes(entry.cin)
      .take();
}

Result<ShipmentEntry> decode(ByteView octets) {
  ByteReader in(octets);
  ShipmentEntry out;
  out.maker = *to_array<16>(KB_TRY(in.bytes(16)));
  const auto certificate = to_array<32>(KB_TRY(in.bytes(32)));
  out.kda_certificate = certificate == kNoCertificate ? std::nullopt : certificate;
  const std::uint8_t size = KB_TRY(in.u8());
  const ByteView iin = KB_TRY(in.bytes(size));
  const ByteView cin = in.take_rest();
  out.iin.assign(iin.begin(), iin.end());
  out.cin.assign(cin.begin(), cin.end());
  return out;
}

Bytes joined(const std::vector<crypto::Digest256>& hashes) {
  Bytes out;
  for (const crypto::Digest256& hash : hashes) {
    append(out, hash);
  }
  return out;
}

Bytes encode(const CasdPin& pin) {
  return ByteWriter().bytes(pin.signature_key).bytes(pin.agreement_key).bytes(pin.maker_key).take();
}

Result<CasdPin> decode_pin(ByteView octets) {
  ByteReader in(octets);
  CasdPin out;
  out.signature_key = *to_array<32>(KB_TRY(in.bytes(32)));
  out.agreement_key = *to_array<32>(KB_TRY(in.bytes(32)));
  out.maker_key = *to_array<32>(KB_TRY(in.bytes(32)));
  return out;
}

}  // namespace

bool ShipmentEntry::pins(const pki::Certificate& kda) const {
  return kda_certificate == kda.fingerprint() ||
         std::ranges::find(own_deliveries, kda.fingerprint()) != own_deliveries.end();
}

Checked<std::size_t> ShipmentBook::import(std::string_view file,
                                          const Trust& trust,
                                          pki::CertificateDate today) {
  const auto refuse = [](const Error& error) {
    return problem(error.code,
                   fmt::format("The shipment list is refused: {}. Nothing was taken from it; ask "
                               "the maker for a list that it signed.",
                               error.detail.text()));
  };
  const auto container = delivery::signed_shipment_list_from_json(file);
  if (!container) {
    return refuse(container.error());
  }
  const auto list = delivery::shipment_list_from_json(container->list);
  if (!list) {
    return refuse(list.error());
  }
  const auto maker = pki::Certificate::decode(list->maker_certificate);
  if (!maker) {
    return refuse(maker.error());
  }
  const auto chain = pki::verify_under_root(trust.anchors, *maker, pki::CertificateKind::kMaker,
                                            today, trust.revoked);
  if (!chain) {
    return refuse(chain.error());
  }
  if (!crypto::ecdsa_verify_der(maker->key(),
                                {ascii(delivery::kLabelShipment), ascii(container->list)},
                                container->signature)) {
    return refuse(
        {.code = Errc::kAuthentication, .detail = "it is not signed by the maker that it names"});
  }
  for (const delivery::ShippedElement& element : list->elements) {
    const auto known = KB_TRY(find(element.seid));
    if (known && known->maker != maker->fields().subject) {
      return problem(
          Errc::kConflict,
          fmt::format("The shipment list names element {}, which an earlier list pins to "
                      "another maker. Nothing was taken from it: ask both makers which "
                      "of them made the element.",
                      element.seid.hex()));
    }
    const auto card = KB_TRY(find_card(element.iin, element.cin));
    if (card && *card != element.seid) {
      return problem(Errc::kConflict,
                     fmt::format("The shipment list gives element {} the card identity of element "
                                 "{}. Nothing was taken from it.",
                                 element.seid.hex(), card->hex()));
    }
  }
  for (const delivery::ShippedElement& element : list->elements) {
    const ShipmentEntry entry{.maker = maker->fields().subject,
                              .kda_certificate = element.kda_certificate_sha256,
                              .iin = element.iin,
                              .cin = element.cin};
    KB_TRY(journal_.put_record(kCardKind, card_key(element.iin, element.cin), element.seid.view()));
    KB_TRY(journal_.put_record(kElementKind, element.seid.view(), encode(entry)));
    const Bytes pin = element.casd
                          ? encode(CasdPin{.signature_key = element.casd->signature_key_sha256,
                                           .agreement_key = element.casd->agreement_key_sha256,
                                           .maker_key = maker->key_hash()})
                          : Bytes();
    KB_TRY(journal_.put_record(kCasdKind, element.seid.view(), pin));
    KB_TRY(journal_.put_record(kOwnKind, element.seid.view(), joined(element.own_delivery_sha256)));
  }
  KB_TRY(journal_.put_record(kMakerKind, maker->fields().subject, maker->encoded()));
  return list->elements.size();
}

Result<std::optional<ShipmentEntry>> ShipmentBook::find(const Seid& seid) const {
  const std::optional<Bytes> stored = KB_TRY(journal_.find_record(kElementKind, seid.view()));
  if (!stored) {
    return std::optional<ShipmentEntry>();
  }
  ShipmentEntry entry = KB_TRY(decode(*stored));
  const std::optional<Bytes> casd = KB_TRY(journal_.find_record(kCasdKind, seid.view()));
  if (casd && !casd->empty()) {
    entry.casd = KB_TRY(decode_pin(*casd));
  }
  const std::optional<Bytes> own = KB_TRY(journal_.find_record(kOwnKind, seid.view()));
  ByteReader hashes(own ? ByteView(*own) : ByteView{});
  while (!hashes.empty()) {
    entry.own_deliveries.push_back(*to_array<32>(KB_TRY(hashes.bytes(32))));
  }
  return std::optional(std::move(entry));
}

Result<std::optional<pki::Certificate>> ShipmentBook::find_maker(
    const std::array<std::uint8_t, 16>& maker) const {
  const std::optional<Bytes> stored = KB_TRY(journal_.find_record(kMakerKind, maker));
  if (!stored) {
    return std::optional<pki::Certificate>();
  }
  return std::optional(KB_TRY(pki::Certificate::decode(*stored)));
}

Result<std::optional<Seid>> ShipmentBook::find_card(ByteView iin, ByteView cin) const {
  const std::optional<Bytes> stored = KB_TRY(journal_.find_record(kCardKind, card_key(iin, cin)));
  if (!stored) {
    return std::optional<Seid>();
  }
  return std::optional<Seid>(KB_TRY(Seid::from(*stored)));
}

}  // namespace kagibin::roles::service_provider
