// SPDX-License-Identifier: Apache-2.0
#include "kagibin/scp/scp11/domain_data.h"

#include <array>

#include "kagibin/base/byte_io.h"
#include "kagibin/tlv/ber_tlv.h"

namespace kagibin::scp {

using tlv::Tlv;
using tlv::TlvReader;
using tlv::TlvWriter;

namespace {

constexpr tlv::Tag kControlReference = 0xA6;
constexpr tlv::Tag kAuthorityKind = 0x80;
constexpr tlv::Tag kIdentifier = 0x42;
constexpr tlv::Tag kKeyReferenceTag = 0x83;
constexpr tlv::Tag kCounter = 0x92;
constexpr tlv::Tag kAllowListTag = 0x70;
constexpr tlv::Tag kSerial = 0x93;
constexpr std::size_t kSerialMaxSize = 21;

Bytes to_bytes(ByteView view) { return {view.begin(), view.end()}; }

Result<KeyReference> read_reference(TlvReader& in) {
  const Tlv reference = KB_TRY(in.expect(kKeyReferenceTag, 2));
  return KeyReference{.identifier = reference.value[0], .version = reference.value[1]};
}

std::array<std::uint8_t, 2> octets_of(KeyReference key) { return {key.identifier, key.version}; }

Result<CaIdentifier> decode_ca_identifier(TlvReader& in) {
  CaIdentifier out;
  if (const std::optional<Tlv> kind = KB_TRY(in.optional(kAuthorityKind, 1))) {
    if (tlv::to_u8(*kind) > 1) {
      return fail(Errc::kValue, "80 says 00, a CA-KLOC, or 01, a CA-KLCC");
    }
    out.of_cards = tlv::to_u8(*kind) == 1;
  }
  out.identifier = to_bytes(KB_TRY(in.expect(kIdentifier, 1, kIdentifierMaxSize)).value);
  out.key = KB_TRY(read_reference(in));
  KB_TRY(in.finish());
  return out;
}

Result<AllowList> decode_allow_list(TlvReader& in, KeyReference ca) {
  AllowList out{.ca = ca};
  if (const std::optional<Tlv> counter = KB_TRY(in.optional(kCounter, 2))) {
    out.counter = KB_TRY(ByteReader(counter->value).u16());
  }
  const Tlv list = KB_TRY(in.expect(kAllowListTag, 0, TlvReader::kAnyLength));
  KB_TRY(in.finish());
  TlvReader inner(list.value);
  while (!inner.empty()) {
    out.serials.push_back(to_bytes(KB_TRY(inner.expect(kSerial, 1, kSerialMaxSize)).value));
    if (out.serials.size() > kAllowListMaxCount) {
      return fail(Errc::kLimit, "an allow list has at most 64 serial numbers");
    }
  }
  return out;
}

Bytes encode(const CertificateStore& store) {
  return TlvWriter()
      .raw(encode_key_reference(store.key))
      .put(kCertificateStoreTag, store.certificates)
      .take();
}

Bytes encode(const AllowList& list) {
  TlvWriter out;
  out.raw(encode_key_reference(list.ca));
  if (list.counter) {
    out.put(kCounter, ByteWriter().u16(*list.counter).view());
  }
  TlvWriter serials;
  for (const Bytes& serial : list.serials) {
    serials.put(kSerial, serial);
  }
  return out.put(kAllowListTag, serials.view()).take();
}

Bytes encode(const CaIdentifier& ca) {
  TlvWriter inner;
  inner.put_u8(kAuthorityKind, ca.of_cards ? 1 : 0).put(kIdentifier, ca.identifier);
  inner.put(kKeyReferenceTag, octets_of(ca.key));
  return tlv::encode(kControlReference, inner.view());
}

ByteView without_zeros(ByteView number) {
  while (number.size() > 1 && number.front() == 0) {
    number = number.subspan(1);
  }
  return number;
}

}  // namespace

Result<DomainData> decode_domain_data(ByteView data) {
  TlvReader in(data);
  const Tlv reference = KB_TRY(in.expect(kControlReference, 1, TlvReader::kAnyLength));
  TlvReader inner(reference.value);
  if (in.empty()) {
    return KB_TRY(decode_ca_identifier(inner));
  }
  const KeyReference key = KB_TRY(read_reference(inner));
  KB_TRY(inner.finish());
  const std::optional<Tlv> store =
      KB_TRY(in.optional(kCertificateStoreTag, 0, TlvReader::kAnyLength));
  if (store) {
    KB_TRY(in.finish());
    return CertificateStore{.key = key, .certificates = to_bytes(store->value)};
  }
  return KB_TRY(decode_allow_list(in, key));
}

Bytes encode_domain_data(const DomainData& data) {
  return std::visit([](const auto& one) { return encode(one); }, data);
}

Bytes encode_key_reference(KeyReference key) {
  return tlv::encode(kControlReference, tlv::encode(kKeyReferenceTag, octets_of(key)));
}

Result<StoreQuery> decode_store_query(ByteView data) {
  const Tlv reference = KB_TRY(tlv::read_single(data, kControlReference));
  TlvReader in(reference.value);
  const std::optional<Tlv> identifier = KB_TRY(in.optional(kIdentifier, 1, kIdentifierMaxSize));
  if (identifier) {
    KB_TRY(in.finish());
    return to_bytes(identifier->value);
  }
  const KeyReference key = KB_TRY(read_reference(in));
  KB_TRY(in.finish());
  return key;
}

Bytes encode_ca_identifiers(const std::vector<CaIdentifier>& identifiers) {
  TlvWriter out;
  for (const CaIdentifier& one : identifiers) {
    out.put(kIdentifier, one.identifier).put(kKeyReferenceTag, octets_of(one.key));
  }
  return out.take();
}

Result<std::vector<CaIdentifier>> decode_ca_identifiers(ByteView value, bool of_cards) {
  TlvReader in(value);
  std::vector<CaIdentifier> out;
  while (!in.empty()) {
    Bytes identifier = to_bytes(KB_TRY(in.expect(kIdentifier, 1, kIdentifierMaxSize)).value);
    const KeyReference key = KB_TRY(read_reference(in));
    out.push_back({.of_cards = of_cards, .identifier = std::move(identifier), .key = key});
  }
  return out;
}

bool same_serial(ByteView one, ByteView other) {
  return equal(without_zeros(one), without_zeros(other));
}

}  // namespace kagibin::scp
