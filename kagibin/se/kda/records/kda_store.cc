// SPDX-License-Identifier: Apache-2.0
#include "kagibin/se/kda/records/kda_store.h"

#include <algorithm>
#include <array>

#include "kagibin/crypto/sha256.h"
#include "kagibin/se/kda/enrolment/offered_suites.h"

namespace kagibin::se {

namespace {

constexpr std::string_view kSlot = "slot";
constexpr std::string_view kJournal = "journal";
constexpr std::string_view kEnrolmentKey = "key";
constexpr std::string_view kAnswer = "answer";
constexpr std::string_view kEnvelope = "envelope";
constexpr std::string_view kReceipt = "receipt";
constexpr std::string_view kProvider = "provider";
constexpr std::string_view kCertificates = "certificates";
constexpr std::string_view kAttested = "attested";
constexpr std::uint8_t kAttestedVersion = 0x01;
constexpr std::string_view kOwner = "owner";
constexpr std::string_view kTrust = "trust";

std::string_view record_of(KdaStore::KeyName name) {
  return name == KdaStore::KeyName::kSigning ? "signing-key" : "agreement-key";
}

// The smallest number that is not among these, which are in order.
std::size_t first_free(const std::vector<std::size_t>& taken) {
  std::size_t free = 0;
  while (free < taken.size() && taken[free] == free) {
    ++free;
  }
  return free;
}

Bytes copy(ByteView octets) { return {octets.begin(), octets.end()}; }

}  // namespace

std::string KdaStore::name(std::string_view kind) const { return prefix_ + std::string(kind); }

std::string KdaStore::name(std::string_view kind, std::size_t number) const {
  const std::array<std::uint8_t, 1> octet{static_cast<std::uint8_t>(number)};
  return name(kind) + "/" + to_hex(octet);
}

std::vector<std::size_t> KdaStore::numbers(std::string_view kind) const {
  const std::string prefix = name(kind) + "/";
  std::vector<std::size_t> out;
  for (const std::string& record : nvm_.names(prefix)) {
    const auto octets = from_hex(std::string_view(record).substr(prefix.size()));
    if (octets && octets->size() == 1) {
      out.push_back(octets->front());
    }
  }
  return out;
}

Result<ByteView> KdaStore::get(const std::string& record) const {
  const SecretBytes* octets = nvm_.get(record);
  if (octets == nullptr) {
    return fail(Errc::kNotFound, "the KDA has no such record");
  }
  return octets->expose();
}

bool KdaStore::has_key(KeyName key_name) const {
  return nvm_.get(name(record_of(key_name))) != nullptr;
}

Result<crypto::EcPrivateKey> KdaStore::key(KeyName key_name) const {
  const ByteView scalar = KB_TRY(get(name(record_of(key_name))));
  return crypto::EcPrivateKey::from_scalar(scalar);
}

Result<void> KdaStore::put_key(KeyName key_name, const crypto::EcPrivateKey& key) {
  return nvm_.put(name(record_of(key_name)), key.expose_scalar());
}

bool KdaStore::is_certified() const {
  return nvm_.get(name(kCertificates)) != nullptr || is_attested_by_casd();
}

bool KdaStore::is_attested_by_casd() const { return nvm_.get(name(kAttested)) != nullptr; }

Result<void> KdaStore::put_attested_by_casd() {
  return nvm_.put(name(kAttested), Bytes{kAttestedVersion});
}

Result<Spid> KdaStore::owner() const {
  const ByteView octets = KB_TRY(get(name(kOwner)));
  return Spid::from(octets);
}

Result<void> KdaStore::put_owner(const Spid& owner) { return nvm_.put(name(kOwner), owner.view()); }

Result<KdaCertificates> KdaStore::certificates() const {
  const ByteView octets = KB_TRY(get(name(kCertificates)));
  return KdaCertificates::decode(octets);
}

Result<void> KdaStore::put(const KdaCertificates& certificates) {
  return nvm_.put(name(kCertificates), certificates.encode());
}

Result<KdaTrust> KdaStore::trust() const {
  const ByteView octets = KB_TRY(get(name(kTrust)));
  return KdaTrust::decode(octets);
}

Result<void> KdaStore::put(const KdaTrust& trust) { return nvm_.put(name(kTrust), trust.encode()); }

Result<KdaProvider> KdaStore::provider(const Spid& spid) const {
  for (const std::string& record : nvm_.names(name(kProvider))) {
    const ByteView octets = KB_TRY(get(record));
    KdaProvider found = KB_TRY(KdaProvider::decode(octets));
    if (found.spid == spid) {
      return found;
    }
  }
  return KdaProvider{.spid = spid};
}

Result<void> KdaStore::put(const KdaProvider& provider) {
  const std::vector<std::size_t> taken = numbers(kProvider);
  std::size_t place = first_free(taken);
  for (const std::size_t number : taken) {
    const ByteView octets = KB_TRY(get(name(kProvider, number)));
    const KdaProvider stored = KB_TRY(KdaProvider::decode(octets));
    if (stored.spid == provider.spid) {
      place = number;
      break;
    }
  }
  if (place >= kMaxProviders) {
    return fail(Errc::kLimit, "the KDA serves as many service providers as it can");
  }
  return nvm_.put(name(kProvider, place), provider.encode());
}

Result<KdaStore::Slot> KdaStore::slot(std::size_t number) const {
  const ByteView slot_octets = KB_TRY(get(name(kSlot, number)));
  const ByteView journal_octets = KB_TRY(get(name(kJournal, number)));
  KdaSlot record = KB_TRY(KdaSlot::decode(slot_octets));
  return Slot{number, std::move(record), KB_TRY(KdaJournal::decode(journal_octets))};
}

Result<std::optional<KdaStore::Slot>> KdaStore::find(const Handle& handle) const {
  for (const std::size_t number : numbers(kSlot)) {
    Slot found = KB_TRY(slot(number));
    if (found.record.handle == handle) {
      return found;
    }
  }
  return std::optional<Slot>();
}

Result<std::optional<KdaStore::Slot>> KdaStore::find(const Spid& spid, const Aid& target) const {
  for (const std::size_t number : numbers(kSlot)) {
    Slot found = KB_TRY(slot(number));
    if (found.record.spid == spid && found.record.target == target) {
      return found;
    }
  }
  return std::optional<Slot>();
}

Result<std::size_t> KdaStore::free_slot(const Spid& spid) const {
  const std::vector<std::size_t> taken = numbers(kSlot);
  std::size_t of_provider = 0;
  for (const std::size_t number : taken) {
    const ByteView octets = KB_TRY(get(name(kSlot, number)));
    const KdaSlot slot = KB_TRY(KdaSlot::decode(octets));
    of_provider += slot.spid == spid ? 1U : 0U;
  }
  const std::size_t free = first_free(taken);
  if (of_provider >= kMaxTargetsOfProvider || free >= kMaxSlots) {
    return fail(Errc::kLimit, "no slot is left");
  }
  return free;
}

Result<void> KdaStore::put(const Slot& slot) {
  KB_TRY(nvm_.put(name(kSlot, slot.number), slot.record.encode()));
  return put_journal(slot);
}

Result<void> KdaStore::put_journal(const Slot& slot) {
  return nvm_.put(name(kJournal, slot.number), slot.journal.encode());
}

Result<crypto::KemPrivateKey> KdaStore::enrolment_key(const Slot& slot) const {
  const ByteView octets = KB_TRY(get(name(kEnrolmentKey, slot.number)));
  return crypto::KemPrivateKey::from(KB_TRY(kem_of_suite(slot.record.suite)), octets);
}

Result<void> KdaStore::put_enrolment_key(std::size_t slot, const crypto::KemPrivateKey& key) {
  return nvm_.put(name(kEnrolmentKey, slot), key.expose());
}

Result<Bytes> KdaStore::envelope(std::size_t slot) const {
  return copy(KB_TRY(get(name(kEnvelope, slot))));
}

Result<void> KdaStore::put_envelope(std::size_t slot, ByteView envelope) {
  return nvm_.put(name(kEnvelope, slot), envelope);
}

Result<Bytes> KdaStore::answer(std::size_t slot) const {
  return copy(KB_TRY(get(name(kAnswer, slot))));
}

Result<void> KdaStore::put_answer(std::size_t slot, ByteView answer) {
  return nvm_.put(name(kAnswer, slot), answer);
}

Result<void> KdaStore::erase_answer(std::size_t slot) { return nvm_.erase(name(kAnswer, slot)); }

Result<void> KdaStore::erase_secrets(std::size_t slot) {
  KB_TRY(nvm_.erase(name(kEnrolmentKey, slot)));
  KB_TRY(nvm_.erase(name(kEnvelope, slot)));
  return erase_answer(slot);
}

Result<std::optional<KdaReceipt>> KdaStore::receipt(const Handle& handle) const {
  for (const std::string& record : nvm_.names(name(kReceipt))) {
    const ByteView octets = KB_TRY(get(record));
    KdaReceipt found = KB_TRY(KdaReceipt::decode(octets));
    if (found.handle == handle) {
      return found;
    }
  }
  return std::optional<KdaReceipt>();
}

Result<void> KdaStore::put(const KdaReceipt& receipt) {
  const std::vector<std::size_t> taken = numbers(kReceipt);
  std::size_t place = first_free(taken);
  for (const std::size_t number : taken) {
    const ByteView octets = KB_TRY(get(name(kReceipt, number)));
    const KdaReceipt stored = KB_TRY(KdaReceipt::decode(octets));
    if (stored.handle == receipt.handle) {
      place = number;
      break;
    }
  }
  if (place >= kMaxReceipts) {
    return fail(Errc::kLimit, "the KDA keeps as many receipts as it can");
  }
  return nvm_.put(name(kReceipt, place), receipt.encode());
}

Result<bool> KdaStore::acknowledge(const Spid& spid,
                                   const Aid& target,
                                   const envelope::Digest& hash) {
  std::vector<std::pair<std::string, std::uint32_t>> receipts;  // record, KDA counter
  std::optional<std::uint32_t> acknowledged;
  for (const std::string& record : nvm_.names(name(kReceipt))) {
    const ByteView octets = KB_TRY(get(record));
    const KdaReceipt stored = KB_TRY(KdaReceipt::decode(octets));
    if (stored.spid != spid || stored.target != target) {
      continue;
    }
    receipts.emplace_back(record, stored.counter);
    if (crypto::sha256(stored.receipt) == hash) {
      acknowledged = stored.counter;
    }
  }
  for (const auto& [record, counter] : receipts) {
    if (acknowledged && counter <= *acknowledged) {
      KB_TRY(nvm_.erase(record));
    }
  }
  return acknowledged.has_value();
}

Result<void> KdaStore::acknowledge(const Handle& handle) {
  const auto kept = KB_TRY(receipt(handle));
  if (kept) {
    KB_TRY(acknowledge(kept->spid, kept->target, crypto::sha256(kept->receipt)));
  }
  return {};
}

Result<std::size_t> KdaStore::receipts_of(const Spid& spid, const Aid& target) const {
  std::size_t count = 0;
  for (const std::string& record : nvm_.names(name(kReceipt))) {
    const ByteView octets = KB_TRY(get(record));
    const KdaReceipt stored = KB_TRY(KdaReceipt::decode(octets));
    count += stored.spid == spid && stored.target == target ? 1U : 0U;
  }
  return count;
}

}  // namespace kagibin::se
