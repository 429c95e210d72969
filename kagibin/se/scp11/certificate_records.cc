// SPDX-License-Identifier: Apache-2.0
#include "kagibin/se/scp11/certificate_records.h"

#include <algorithm>
#include <array>
#include <string>
#include <utility>

#include "kagibin/base/byte_io.h"
#include "kagibin/tlv/ber_tlv.h"

namespace kagibin::se {

using scp::CaIdentifier;
using scp::KeyReference;

namespace {

constexpr tlv::Tag kIsThere = 0x81;
constexpr tlv::Tag kCounter = 0x92;
constexpr tlv::Tag kAllowList = 0x70;
constexpr tlv::Tag kSerial = 0x93;

std::string folder_of(const Aid& domain) { return "dat/" + domain.hex() + "/"; }

std::string name_of(const Aid& domain, const char* kind, KeyReference key) {
  return folder_of(domain) + kind + "/" + to_hex(std::array{key.identifier, key.version});
}

std::string store_name(const Aid& domain, KeyReference key) { return name_of(domain, "BF21", key); }

std::string list_name(const Aid& domain, KeyReference key) { return name_of(domain, "70", key); }

std::string identifiers_name(const Aid& domain, bool of_cards) {
  return folder_of(domain) + (of_cards ? "FF34" : "FF33");
}

}  // namespace

struct CertificateRecords::StoredList {
  bool is_there = false;
  std::uint16_t counter = 0;
  std::vector<Bytes> serials{};

  static Result<StoredList> decode(ByteView octets);
  Bytes encode() const;
};

Result<CertificateRecords::StoredList> CertificateRecords::StoredList::decode(ByteView octets) {
  tlv::TlvReader in(octets);
  StoredList out;
  out.is_there = tlv::to_u8(KB_TRY(in.expect(kIsThere, 1))) != 0;
  const tlv::Tlv counter = KB_TRY(in.expect(kCounter, 2));
  out.counter = KB_TRY(ByteReader(counter.value).u16());
  tlv::TlvReader inner(KB_TRY(in.expect(kAllowList, 0, tlv::TlvReader::kAnyLength)).value);
  KB_TRY(in.finish());
  while (!inner.empty()) {
    const tlv::Tlv serial = KB_TRY(inner.expect(kSerial, 1, tlv::TlvReader::kAnyLength));
    out.serials.emplace_back(serial.value.begin(), serial.value.end());
  }
  return out;
}

Bytes CertificateRecords::StoredList::encode() const {
  tlv::TlvWriter inner;
  for (const Bytes& serial : serials) {
    inner.put(kSerial, serial);
  }
  return tlv::TlvWriter()
      .put_u8(kIsThere, is_there ? 1 : 0)
      .put(kCounter, ByteWriter().u16(counter).view())
      .put(kAllowList, inner.view())
      .take();
}

Bytes CertificateRecords::certificates(const Aid& domain, KeyReference key) const {
  const SecretBytes* record = nvm_.get(store_name(domain, key));
  return record == nullptr ? Bytes{} : Bytes(record->expose().begin(), record->expose().end());
}

Result<void> CertificateRecords::put(const Aid& domain, const scp::CertificateStore& store) {
  if (store.certificates.empty()) {
    return nvm_.erase(store_name(domain, store.key));
  }
  if (store.certificates.size() > kMaxStore) {
    return fail(Errc::kLimit, "a certificate store has at most 4,096 octets");
  }
  return nvm_.put(store_name(domain, store.key), store.certificates);
}

// A record that does not decode allows nobody.
std::optional<CertificateRecords::StoredList> CertificateRecords::list(const Aid& domain,
                                                                       KeyReference ca) const {
  const SecretBytes* record = nvm_.get(list_name(domain, ca));
  if (record == nullptr) {
    return std::nullopt;
  }
  return StoredList::decode(record->expose()).value_or(StoredList{.is_there = true});
}

bool CertificateRecords::allows(const Aid& domain, KeyReference ca, ByteView serial) const {
  const auto stored = list(domain, ca);
  return !stored || !stored->is_there || std::ranges::any_of(stored->serials, [&](const auto& one) {
    return scp::same_serial(one, serial);
  });
}

std::uint16_t CertificateRecords::counter(const Aid& domain, KeyReference ca) const {
  const auto stored = list(domain, ca);
  return stored ? stored->counter : std::uint16_t{0};
}

Result<void> CertificateRecords::put(const Aid& domain, const scp::AllowList& list) {
  const StoredList out{.is_there = !list.serials.empty(),
                       .counter = list.counter.value_or(counter(domain, list.ca)),
                       .serials = list.serials};
  if (!out.is_there && out.counter == 0) {
    return nvm_.erase(list_name(domain, list.ca));
  }
  return nvm_.put(list_name(domain, list.ca), out.encode());
}

std::vector<CaIdentifier> CertificateRecords::identifiers(const Aid& domain, bool of_cards) const {
  const SecretBytes* record = nvm_.get(identifiers_name(domain, of_cards));
  if (record == nullptr) {
    return {};
  }
  return scp::decode_ca_identifiers(record->expose(), of_cards)
      .value_or(std::vector<CaIdentifier>{});
}

Result<void> CertificateRecords::put_identifiers(const Aid& domain,
                                                 bool of_cards,
                                                 const std::vector<CaIdentifier>& all) {
  const std::string name = identifiers_name(domain, of_cards);
  return all.empty() ? nvm_.erase(name) : nvm_.put(name, scp::encode_ca_identifiers(all));
}

Result<void> CertificateRecords::put(const Aid& domain, const CaIdentifier& identifier) {
  std::vector<CaIdentifier> all = identifiers(domain, identifier.of_cards);
  std::erase_if(all, [&](const auto& one) { return equal(one.identifier, identifier.identifier); });
  if (all.size() >= kMaxIdentifiers) {
    return fail(Errc::kLimit, "a security domain keeps at most 32 CA identifiers of each kind");
  }
  all.push_back(identifier);
  return put_identifiers(domain, identifier.of_cards, all);
}

Result<void> CertificateRecords::erase_key(const Aid& domain, KeyReference key) {
  KB_TRY(nvm_.erase(store_name(domain, key)));
  KB_TRY(nvm_.erase(list_name(domain, key)));
  for (const bool of_cards : {false, true}) {
    std::vector<CaIdentifier> all = identifiers(domain, of_cards);
    if (std::erase_if(all, [&](const auto& one) { return one.key == key; }) != 0) {
      KB_TRY(put_identifiers(domain, of_cards, all));
    }
  }
  return {};
}

}  // namespace kagibin::se
