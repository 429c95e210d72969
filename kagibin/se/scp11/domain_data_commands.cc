// SPDX-License-Identifier: Apache-2.0
#include "kagibin/se/scp11/domain_data_commands.h"

#include <algorithm>
#include <array>

#include "kagibin/base/byte_io.h"
#include "kagibin/se/scp11/certificate_records.h"
#include "kagibin/se/scp11/key_store_domain.h"
#include "kagibin/tlv/ber_tlv.h"

namespace kagibin::se {

namespace sw = apdu::sw;
using scp::KeyReference;

namespace {

constexpr std::uint8_t kControlReference = 0xA6;
constexpr tlv::Tag kKeyReference = 0x83;
constexpr std::size_t kMaxBlocks = CertificateRecords::kMaxStore + 32;

apdu::ResponseApdu nothing_there() {
  return answer(sw::kReferencedDataNotFound.because(
      "the security domain has none for this key or identifier (Amendment F, 7.2 to 7.4)"));
}

std::optional<KeyReference> find_identifier(const CertificateRecords& records,
                                            const Aid& domain,
                                            bool of_cards,
                                            ByteView identifier) {
  const auto all = records.identifiers(domain, of_cards);
  const auto found = std::ranges::find_if(
      all, [&](const scp::CaIdentifier& one) { return equal(one.identifier, identifier); });
  return found == all.end() ? std::nullopt : std::optional(found->key);
}

// The key itself, or the one that the CA-KLCC of this identifier certified.
std::optional<KeyReference> store_key(const DomainCommand& command, const scp::StoreQuery& query) {
  if (const auto* identifier = std::get_if<Bytes>(&query)) {
    return find_identifier(CertificateRecords(command.platform.nvm), command.domain.aid, true,
                           *identifier);
  }
  KeyReference key = std::get<KeyReference>(query);
  if (key.version == 0) {
    key.version =
        first_version_with(command.platform.keys, command.domain.aid, key.identifier).value_or(0);
  }
  return key;
}

apdu::ResponseApdu get_store(const DomainCommand& command, const scp::StoreQuery& query) {
  const auto key = store_key(command, query);
  const Bytes store =
      key ? CertificateRecords(command.platform.nvm).certificates(command.domain.aid, *key)
          : Bytes{};
  return store.empty() ? nothing_there()
                       : answer(sw::kOk, tlv::encode(scp::kCertificateStoreTag, store));
}

apdu::ResponseApdu get_ca_reference(const DomainCommand& command, const scp::StoreQuery& query) {
  const auto* identifier = std::get_if<Bytes>(&query);
  if (identifier == nullptr) {
    return answer(sw::kWrongData.because(
        "GET DATA 0083 asks by the identifier of a CA-KLOC: A6 { 42 } (Amendment F, 7.3)"));
  }
  const auto key = find_identifier(CertificateRecords(command.platform.nvm), command.domain.aid,
                                   false, *identifier);
  return key ? answer(sw::kOk,
                      tlv::encode(kKeyReference, std::array{key->identifier, key->version}))
             : nothing_there();
}

apdu::ResponseApdu get_identifiers(const DomainCommand& command, std::uint16_t tag) {
  if (!command.data.empty()) {
    return answer(sw::kWrongLength.because(
        "the identifiers of CA keys are asked for without data (Amendment F, 7.4)"));
  }
  const auto all = CertificateRecords(command.platform.nvm)
                       .identifiers(command.domain.aid, tag == scp::kCaKlccIdentifiersTag);
  return all.empty() ? nothing_there()
                     : answer(sw::kOk, tlv::encode(tag, scp::encode_ca_identifiers(all)));
}

Result<void> check_key(const DomainCommand& command, KeyReference key, bool right_kind) {
  command.platform.circumstances.about_key(command.domain.aid, key.version, key.identifier);
  if (!right_kind ||
      !command.platform.keys.has_key(command.domain.aid, {key.version, key.identifier})) {
    return fail(Errc::kNotFound,
                "the key that the data belongs to is not there, or not of its kind: certificates "
                "are of KID 11, 13, 15, lists of KID 10 or 20 to 2F (Amendment F, 5.1)");
  }
  return {};
}

Result<void> store(const DomainCommand& command, const scp::CertificateStore& store) {
  KB_TRY(check_key(command, store.key, scp::is_agreement_key(store.key.identifier)));
  return CertificateRecords(command.platform.nvm).put(command.domain.aid, store);
}

Result<void> store(const DomainCommand& command, const scp::AllowList& list) {
  KB_TRY(check_key(command, list.ca, scp::is_ca_kloc(list.ca.identifier)));
  CertificateRecords records(command.platform.nvm);
  const bool replayable = command.channel.session->is_replayable();
  if (replayable != list.counter.has_value()) {
    return fail(
        Errc::kValue,
        "an allow list has a counter in SCP11c sessions and in no other (Amendment F, 7.9)");
  }
  if (list.counter && *list.counter <= records.counter(command.domain.aid, list.ca)) {
    return fail(Errc::kPolicy,
                "the counter of an allow list is higher than the one before (Amendment F, 7.9)");
  }
  return records.put(command.domain.aid, list);
}

Result<void> store(const DomainCommand& command, const scp::CaIdentifier& identifier) {
  KB_TRY(check_key(command, identifier.key,
                   identifier.of_cards ? scp::is_agreement_key(identifier.key.identifier)
                                       : scp::is_ca_kloc(identifier.key.identifier)));
  return CertificateRecords(command.platform.nvm).put(command.domain.aid, identifier);
}

Result<void> store_all(const DomainCommand& command, ByteView data) {
  const scp::DomainData decoded = KB_TRY(scp::decode_domain_data(data));
  return std::visit([&](const auto& one) { return store(command, one); }, decoded);
}

}  // namespace

bool is_certificate_data(std::uint16_t tag) {
  return tag == scp::kCertificateStoreTag || tag == scp::kCaKlocReferenceTag ||
         tag == scp::kCaKlocIdentifiersTag || tag == scp::kCaKlccIdentifiersTag;
}

apdu::ResponseApdu get_certificate_data(const DomainCommand& command) {
  const std::uint16_t tag = command.tag();
  if (tag == scp::kCaKlocIdentifiersTag || tag == scp::kCaKlccIdentifiersTag) {
    return get_identifiers(command, tag);
  }
  const auto query = scp::decode_store_query(command.data);
  if (!query) {
    return answer(sw::kWrongData.because(query.error().detail));
  }
  return tag == scp::kCertificateStoreTag ? get_store(command, *query)
                                          : get_ca_reference(command, *query);
}

bool is_certificate_block(const DomainCommand& command, bool first) {
  return first ? !command.data.empty() && command.data.front() == kControlReference
               : !command.channel.certificate_data.empty();
}

apdu::ResponseApdu store_certificate_block(const DomainCommand& command, bool first, bool last) {
  Bytes& data = command.channel.certificate_data;
  if (first) {
    data.clear();
  }
  if (data.size() + command.data.size() > kMaxBlocks) {
    data.clear();
    return answer(sw::kNotEnoughMemory.because(
        "a certificate store has at most 4,096 octets in all: send a shorter chain (Amendment F, "
        "7.8)"));
  }
  append(data, command.data);
  if (!last) {
    return answer(sw::kOk);
  }
  const Bytes all = std::exchange(data, {});
  NvmTransaction transaction(command.platform.nvm);
  return conclude(transaction, store_all(command, all), {});
}

}  // namespace kagibin::se
