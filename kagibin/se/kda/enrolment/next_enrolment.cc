// SPDX-License-Identifier: Apache-2.0
#include "kagibin/se/kda/enrolment/next_enrolment.h"

#include "kagibin/crypto/sha256.h"
#include "kagibin/se/kda/enrolment/offered_suites.h"
#include "kagibin/se/kda/enrolment/slot_answer.h"

namespace kagibin::se {

namespace {

struct NextAttempt {
  KdaStore::Slot slot;
  crypto::KemPrivateKey key;
  Bytes answer;  // E4
};

// Key-ENC is what opens a recorded session: another one than that of the session to come.
bool puts_next_channel_keys(const envelope::Payload& payload) {
  const auto* put = std::get_if<envelope::PutKeyAction>(&payload.actions.back());
  return put != nullptr && put->first_key_identifier == 0x01 && put->keys.size() == 3 &&
         payload.channel_keys &&
         !ct_equal(put->keys[0].value.expose(), payload.channel_keys->enc.expose());
}

// `provider` counts it.
KdaResult<NextAttempt> prepare(const KdaEnvironment& kda,
                               const KdaStore::Slot& done,
                               const Nonce16& nonce_a,
                               const KdaProvider& provider) {
  KdaStore::Slot slot = done;
  slot.record.announced_by = done.record.handle;
  slot.record.handle = Handle{KB_TRY(or_internal(crypto::random_array<16>(kda.rng())))};
  slot.record.request_hash = done.journal.header_hash;  // no E0 has this hash: none is answered
  slot.record.remember(nonce_a);
  slot.journal = KdaJournal{};
  const crypto::HpkeKem kem = KB_TRY(or_internal(kem_of_suite(slot.record.suite)));
  crypto::KemPrivateKey key = KB_TRY(or_internal(crypto::KemPrivateKey::generate(kem, kda.rng())));
  SlotAnswer made =
      KB_TRY(make_answer(kda, slot.record, nonce_a, key.public_key(), provider.enrolments));
  slot.record.statement_hash = crypto::sha256(made.statement);
  return NextAttempt{std::move(slot), std::move(key), std::move(made.answer)};
}

}  // namespace

bool may_ask_for_next(const KdaSlot& slot,
                      const envelope::EnvelopeHeader& header,
                      const envelope::Payload& payload) {
  if (!header.next_nonce_a) {
    return true;
  }
  return !slot.knows(*header.next_nonce_a) &&
         (header.is_by_certificates() || puts_next_channel_keys(payload));
}

KdaResult<bool> close_and_open_next(const KdaEnvironment& kda,
                                    const KdaStore::Slot& done,
                                    const KdaResults& results,
                                    const SecretArray<16>& receipt_key,
                                    const Nonce16& nonce_a) {
  const KdaSlot& record = done.record;
  if (KB_TRY(or_internal(kda.store.receipts_of(record.spid, record.target))) + 1 >=
      KdaStore::kMaxReceiptsOfSlot) {
    return false;
  }
  NvmTransaction transaction(kda.nvm());
  KdaProvider provider = KB_TRY(or_internal(kda.store.provider(record.spid)));
  ++provider.enrolments;
  const auto opened = [&]() -> KdaResult<void> {
    const NextAttempt next = KB_TRY(prepare(kda, done, nonce_a, provider));
    KB_TRY(or_internal(kda.store.put(provider)));
    KB_TRY(or_internal(close_slot(kda, done, results, &receipt_key, next.answer)));
    KB_TRY(or_internal(kda.store.put(next.slot)));
    KB_TRY(or_internal(kda.store.put_enrolment_key(next.slot.number, next.key)));
    return or_internal(transaction.commit());
  }();
  if (!opened && opened.error() == sw::kMemoryFailure) {
    return refuse(opened.error());
  }
  return opened.has_value();
}

}  // namespace kagibin::se
