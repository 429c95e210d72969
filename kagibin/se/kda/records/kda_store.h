// SPDX-License-Identifier: Apache-2.0
// The KDA's records in the element's memory, by name under the application's prefix, and the one
// way to its private keys.
//
//   signing-key, agreement-key      32 octets each, made by GENERATE
//   certificates, trust             kda_records.h; `certificates` closes the maker's commands
//   attested                        01: by the element's CASD, in place of `certificates`
//   owner                           SPID, of a domain's own delivery (own/own_delivery.h)
//   provider/NN                     one a service provider, from its first enrolment, for good
//   slot/NN  journal/NN             one a (SPID, target); NN is the slot's number, hexadecimal
//   key/NN                          skE, 32 octets, of the KEM of the slot's suite: until the
//                                   outcome is final
//   answer/NN                       E4: until a good envelope came
//   envelope/NN                     E2: from LOAD until the outcome is final
//   receipt/NN                      E3 of one handle: until acknowledged
//
// Writes are not durable before the caller's NvmTransaction has committed. Errors: kIo and kNoSpace
// from the memory, kEncoding and others for a damaged record, kLimit when no number is free.
#pragma once

#include <optional>
#include <string>

#include "kagibin/crypto/ec/ec_key.h"
#include "kagibin/crypto/hpke/kem.h"
#include "kagibin/se/kda/records/kda_records.h"
#include "kagibin/se/nvm/nvm.h"

namespace kagibin::se {

class KdaStore {
 public:
  // As many providers as can each have all their targets: what one takes leaves the others theirs,
  // so that none that was let in learns from 6A84 what another does.
  static constexpr std::size_t kMaxTargetsOfProvider = 4;
  static constexpr std::size_t kMaxProviders = 8;
  static constexpr std::size_t kMaxSlots = kMaxProviders * kMaxTargetsOfProvider;
  // Receipts that wait to be acknowledged, for one (SPID, target).
  static constexpr std::size_t kMaxReceiptsOfSlot = 8;
  static constexpr std::size_t kMaxReceipts = kMaxSlots * kMaxReceiptsOfSlot;

  KdaStore(Nvm& nvm, std::string prefix) : nvm_(nvm), prefix_(std::move(prefix)) {}

  Nvm& nvm() { return nvm_; }

  enum class KeyName : std::uint8_t { kSigning, kAgreement };
  bool has_key(KeyName name) const;
  Result<crypto::EcPrivateKey> key(KeyName name) const;
  Result<void> put_key(KeyName name, const crypto::EcPrivateKey& key);

  // Whether the maker's commands are closed.
  bool is_certified() const;
  // Whether the element's CASD speaks for this KDA: then there are no certificates.
  bool is_attested_by_casd() const;
  Result<void> put_attested_by_casd();
  // Who alone is served; kNotFound where everybody is.
  Result<Spid> owner() const;
  Result<void> put_owner(const Spid& owner);
  Result<KdaCertificates> certificates() const;
  Result<void> put(const KdaCertificates& certificates);
  Result<KdaTrust> trust() const;
  Result<void> put(const KdaTrust& trust);

  // What counts for this provider; zeros before its first enrolment. put(): kLimit for one provider
  // more than there is room for.
  Result<KdaProvider> provider(const Spid& spid) const;
  Result<void> put(const KdaProvider& provider);

  struct Slot {
    std::size_t number = 0;
    KdaSlot record;
    KdaJournal journal;
  };
  Result<std::optional<Slot>> find(const Handle& handle) const;
  Result<std::optional<Slot>> find(const Spid& spid, const Aid& target) const;
  // A number for a new (SPID, target); kLimit when the provider or the element has no slot left.
  Result<std::size_t> free_slot(const Spid& spid) const;
  Result<void> put(const Slot& slot);
  Result<void> put_journal(const Slot& slot);

  // skE and E2 of a slot; E4 of the enrolment. erase_secrets takes all three away.
  Result<crypto::KemPrivateKey> enrolment_key(const Slot& slot) const;
  Result<void> put_enrolment_key(std::size_t slot, const crypto::KemPrivateKey& key);
  Result<Bytes> envelope(std::size_t slot) const;
  Result<void> put_envelope(std::size_t slot, ByteView envelope);
  Result<Bytes> answer(std::size_t slot) const;
  Result<void> put_answer(std::size_t slot, ByteView answer);
  Result<void> erase_answer(std::size_t slot);
  Result<void> erase_secrets(std::size_t slot);

  // E3 under this handle.
  Result<std::optional<KdaReceipt>> receipt(const Handle& handle) const;
  // Replaces the handle's earlier one.
  Result<void> put(const KdaReceipt& receipt);
  // Takes away the receipt of this (SPID, target) whose E3 has this hash, and every older one (its
  // counter). False when none has it: then all stay.
  Result<bool> acknowledge(const Spid& spid, const Aid& target, const envelope::Digest& hash);
  // The same for the receipt of this handle, where it is still kept.
  Result<void> acknowledge(const Handle& handle);
  Result<std::size_t> receipts_of(const Spid& spid, const Aid& target) const;

 private:
  std::string name(std::string_view kind) const;
  std::string name(std::string_view kind, std::size_t number) const;
  // Of the records of one kind that there are, in order.
  std::vector<std::size_t> numbers(std::string_view kind) const;
  Result<ByteView> get(const std::string& record) const;
  Result<Slot> slot(std::size_t number) const;

  Nvm& nvm_;
  std::string prefix_;
};

}  // namespace kagibin::se
