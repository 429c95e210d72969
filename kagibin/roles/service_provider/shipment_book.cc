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

constexpr std::string_view kIssuedKind = "issued";             // by SEID: issuedAt, 8 octets
constexpr std::string_view kMakerIssuedKind = "maker_issued";  // by the maker's name: the same

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

// What a list of this maker says of this element.
ShipmentEntry entry_of(const delivery::ShippedElement& element, const pki::Certificate& maker) {
  ShipmentEntry out{.maker = maker.fields().subject,
                    .kda_certificate = element.kda_certificate_sha256,
                    .iin = element.iin,
                    .cin = element.cin,
                    .own_deliveries = element.own_delivery_sha256};
  if (element.casd) {
    out.casd = CasdPin{.signature_key = element.casd->signature_key_sha256,
                       .agreement_key = element.casd->agreement_key_sha256,
                       .maker_key = maker.key_hash()};
  }
  return out;
}

Bytes encode_time(std::int64_t time) {
  return ByteWriter().u64(static_cast<std::uint64_t>(time)).take();
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
    const auto since = KB_TRY(issued_at(kIssuedKind, element.seid.view()));
    if (since && *since > list->issued_at && known != entry_of(element, *maker)) {
      return problem(Errc::kConflict,
                     fmt::format("The shipment list says of element {} something else than a later "
                                 "list of its maker that we have. Nothing was taken from it: ask "
                                 "the maker for the newest list.",
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
    KB_TRY(put(entry_of(element, *maker), element.seid, list->issued_at));
  }
  const auto& name = maker->fields().subject;
  const auto since = KB_TRY(issued_at(kMakerIssuedKind, name));
  if (!since || *since <= list->issued_at) {
    KB_TRY(journal_.put_record(kMakerIssuedKind, name, encode_time(list->issued_at)));
    KB_TRY(journal_.put_record(kMakerKind, name, maker->encoded()));
  }
  return list->elements.size();
}

// The date first: a list that was cut off here is taken again, and no older one in its place.
Result<void> ShipmentBook::put(const ShipmentEntry& entry, const Seid& seid, std::int64_t date) {
  const auto since = KB_TRY(issued_at(kIssuedKind, seid.view()));
  if (since && *since > date) {
    return {};  // it says the same
  }
  KB_TRY(journal_.put_record(kIssuedKind, seid.view(), encode_time(date)));
  KB_TRY(journal_.put_record(kCardKind, card_key(entry.iin, entry.cin), seid.view()));
  KB_TRY(journal_.put_record(kElementKind, seid.view(), encode(entry)));
  KB_TRY(journal_.put_record(kCasdKind, seid.view(), entry.casd ? encode(*entry.casd) : Bytes()));
  return journal_.put_record(kOwnKind, seid.view(), joined(entry.own_deliveries));
}

Result<std::optional<std::int64_t>> ShipmentBook::issued_at(std::string_view kind,
                                                            ByteView name) const {
  const std::optional<Bytes> stored = KB_TRY(journal_.find_record(kind, name));
  if (!stored) {
    return std::optional<std::int64_t>();
  }
  return std::optional(static_cast<std::int64_t>(KB_TRY(ByteReader(*stored).u64())));
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
