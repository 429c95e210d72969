// SPDX-License-Identifier: Apache-2.0
#include "kagibin/se/kda/records/kda_receipts.h"

#include <utility>

#include "kagibin/crypto/sha256.h"
#include "kagibin/se/kda/enrolment/provider_request.h"
#include "kagibin/se/kda/opened_delivery.h"

namespace kagibin::se {

namespace {

using envelope::ActionResult;
using kagibin::kda::State;

// The proved results, then `rest` for the actions that follow.
KdaResults with_rest(const KdaJournal& journal, ActionResult rest) {
  KdaResults out = journal.proved;
  out.resize(journal.actions, rest);
  return out;
}

std::optional<KdaResults> interim_results(const KdaEnvironment& kda, const KdaJournal& journal) {
  if (kda.own_domain() != nullptr && journal.is_delivering()) {
    return std::nullopt;  // NEXT decides it at once
  }
  if (journal.state == State::kEnrolled) {
    return journal.refusals == 0 ? std::nullopt
                                 : std::optional(KdaResults{ActionResult::kRefusedBeforeOpening});
  }
  const bool untouched =
      journal.state == State::kLoaded && journal.proved.empty() && journal.sessions == 0;
  if (!untouched) {
    return with_rest(journal, ActionResult::kUnknown);
  }
  return journal.channel_refused ? std::optional(KdaResults{ActionResult::kChannelKeysRefused})
                                 : std::nullopt;
}

KdaResults cancelled_results(const KdaJournal& journal) {
  if (journal.actions == 0) {
    return {ActionResult::kCancelled};
  }
  KdaResults out = with_rest(journal, ActionResult::kCancelled);
  if (journal.state == State::kSent && journal.current_action() < out.size()) {
    out[journal.current_action()] = ActionResult::kUnknown;
  }
  return out;
}

Result<Bytes> make_receipt(const KdaEnvironment& kda,
                           const KdaStore::Slot& slot,
                           KdaResults results,
                           const SecretArray<16>* receipt_key,
                           std::optional<Bytes> next_enrolment) {
  KdaProvider provider = KB_TRY(kda.store.provider(slot.record.spid));
  ++provider.receipts;
  KB_TRY(kda.store.put(provider));
  envelope::Receipt receipt{.header_hash = slot.journal.header_hash,
                            .handle = slot.record.handle,
                            .seq = slot.journal.seq,
                            .results = std::move(results),
                            .level = slot.journal.level,
                            .suite = slot.record.suite,
                            .next_enrolment = std::move(next_enrolment),
                            .mac = {},
                            .seal = {}};
  const crypto::EcPrivateKey signing = KB_TRY(kda.store.key(KdaStore::KeyName::kSigning));
  const crypto::EcPublicKey kem_key = KB_TRY(crypto::EcPublicKey::from_point(slot.record.kem_key));
  Bytes e3 =
      KB_TRY(envelope::seal_receipt(std::move(receipt), slot.record.statement_hash, receipt_key,
                                    provider.receipts, signing, kem_key, kda.rng()));
  KB_TRY(kda.store.put(KdaReceipt{.handle = slot.record.handle,
                                  .spid = slot.record.spid,
                                  .target = slot.record.target,
                                  .receipt = e3,
                                  .counter = provider.receipts}));
  return e3;
}

// Whether a kept receipt still tells how things stand.
bool is_current(const KdaReceipt& kept, const KdaJournal& journal, const KdaResults& results) {
  const auto receipt = envelope::Receipt::decode(kept.receipt);
  return receipt && receipt->results == results && receipt->header_hash == journal.header_hash;
}

KdaResult<Bytes> interim_receipt(const KdaEnvironment& kda, const KdaStore::Slot& slot) {
  auto results = interim_results(kda, slot.journal);
  if (!results) {
    return refuse(sw::kConditionsNotSatisfied);
  }
  auto kept = KB_TRY(or_internal(kda.store.receipt(slot.record.handle)));
  if (kept && is_current(*kept, slot.journal, *results)) {
    return std::move(kept->receipt);
  }
  std::optional<OpenedDelivery> opened;
  if (slot.journal.is_delivering()) {
    opened = KB_TRY(or_internal(open_loaded(kda.store, slot)));
  }
  NvmTransaction transaction(kda.nvm());
  Bytes e3 = KB_TRY(
      or_internal(make_receipt(kda, slot, std::move(*results),
                               opened ? &opened->payload.receipt_key : nullptr, std::nullopt)));
  KB_TRY(or_internal(transaction.commit()));
  return e3;
}

}  // namespace

Result<void> close_slot(const KdaEnvironment& kda,
                        const KdaStore::Slot& slot,
                        KdaResults results,
                        const SecretArray<16>* receipt_key,
                        std::optional<Bytes> next_enrolment) {
  KB_TRY(make_receipt(kda, slot, std::move(results), receipt_key, std::move(next_enrolment)));
  KB_TRY(kda.store.erase_secrets(slot.number));
  return kda.store.put(slot);
}

KdaResult<Bytes> get_receipt(const KdaEnvironment& kda, const Handle& handle) {
  const auto slot = KB_TRY(or_internal(kda.store.find(handle)));
  if (slot && !kagibin::kda::is_final(slot->journal.state)) {
    return interim_receipt(kda, *slot);
  }
  auto kept = KB_TRY(or_internal(kda.store.receipt(handle)));
  if (!kept) {
    return refuse(sw::kReferencedDataNotFound);
  }
  return std::move(kept->receipt);
}

KdaResult<void> cancel(const KdaEnvironment& kda, ByteView octets) {
  const ProviderRequest checked = KB_TRY(ProviderRequest::check(kda, octets));
  const envelope::EnrolmentRequest& request = checked.request;
  if (!request.cancel) {
    return refuse(sw::kWrongData);
  }
  auto slot = KB_TRY(or_internal(kda.store.find(request.spid, *request.target)));
  if (!slot) {
    return refuse(sw::kReferencedDataNotFound);
  }
  if (slot->record.kem_key != request.kem_key) {
    return refuse(sw::kConditionsNotSatisfied);  // it is about another attempt
  }
  if (slot->journal.state == State::kCancelled && slot->record.nonces.back() == request.nonce_a) {
    return {};
  }
  if (kagibin::kda::is_final(slot->journal.state)) {
    return refuse(sw::kConditionsNotSatisfied);
  }
  if (slot->record.knows(request.nonce_a)) {
    return refuse(sw::kCommandNotAllowed);
  }
  std::optional<OpenedDelivery> opened;
  if (slot->journal.is_delivering()) {
    opened = KB_TRY(or_internal(open_loaded(kda.store, *slot)));
  }
  KdaResults results = cancelled_results(slot->journal);
  slot->journal.state = State::kCancelled;
  slot->record.remember(request.nonce_a);
  NvmTransaction transaction(kda.nvm());
  if (request.acknowledged_receipt) {
    KB_TRY(or_internal(
        kda.store.acknowledge(request.spid, *request.target, *request.acknowledged_receipt)));
  }
  KB_TRY(or_internal(
      close_slot(kda, *slot, std::move(results), opened ? &opened->payload.receipt_key : nullptr)));
  return or_internal(transaction.commit());
}

}  // namespace kagibin::se
