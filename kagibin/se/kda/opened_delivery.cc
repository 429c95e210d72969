// SPDX-License-Identifier: Apache-2.0
#include "kagibin/se/kda/opened_delivery.h"

#include <algorithm>
#include <utility>

#include "kagibin/crypto/sha256.h"
#include "kagibin/envelope/delivery_open.h"
#include "kagibin/kda/commands.h"
#include "kagibin/se/kda/enrolment/next_enrolment.h"
#include "kagibin/se/kda/enrolment/provider_request.h"
#include "kagibin/se/kda/records/kda_receipts.h"
#include "kagibin/tlv/ber_tlv.h"

namespace kagibin::se {

namespace {

using kagibin::kda::State;

struct Message {
  Handle handle;
  ByteView encoded;  // E2
  envelope::Envelope envelope;
  envelope::EnvelopeHeader header;

  static Result<Message> decode(ByteView octets) {
    tlv::TlvReader in(octets);
    const tlv::Tlv handle = KB_TRY(in.expect(0x83, 16));
    Message out;
    out.handle = KB_TRY(kagibin::kda::decode_handle(handle.encoded));
    out.encoded = in.rest();
    out.envelope = KB_TRY(envelope::Envelope::decode(out.encoded));
    out.header = KB_TRY(envelope::EnvelopeHeader::decode(out.envelope.header));
    return out;
  }
};

// Whether the enrolment offered RL2 and its CERT.SD counts now.
KdaResult<bool> is_domain_accepted(const KdaEnvironment& kda, const KdaSlot& slot) {
  if (!slot.domain_certificate) {
    return false;
  }
  const auto certificate = pki::Certificate::decode(*slot.domain_certificate);
  return certificate ? is_domain_accepted(kda, *certificate) : KdaResult<bool>(false);
}

KdaResult<bool> is_header_accepted(const KdaEnvironment& kda,
                                   const KdaSlot& slot,
                                   const envelope::EnvelopeHeader& header) {
  const KdaTrust trust = KB_TRY(or_internal(kda.store.trust()));
  const KdaProvider provider = KB_TRY(or_internal(kda.store.provider(slot.spid)));
  const std::uint32_t least = std::max({provider.last_issued, trust.auth_time, header.issued_at});
  const bool is_ours =
      header.spid == slot.spid && header.handle == slot.handle && header.suite == slot.suite;
  const bool is_new = header.seq > slot.last_committed_seq;
  const bool is_high_enough = header.level >= slot.level_floor;
  const bool is_certified = KB_TRY(is_domain_accepted(kda, slot));
  const bool is_offered = !header.is_by_certificates() || is_certified;
  const bool is_in_time = header.not_after >= least;
  const bool is_for_us = header.is_own_delivery() == (kda.own_domain() != nullptr);
  return is_ours && is_new && is_high_enough && is_offered && is_for_us && is_in_time;
}

Result<void> close_refused(const KdaEnvironment& kda, KdaStore::Slot& slot) {
  slot.journal.state = State::kRefused;
  return close_slot(kda, slot, {envelope::ActionResult::kRefusedBeforeOpening}, nullptr);
}

// Behind A's signature: this envelope was refused. The last refusal closes the slot.
KdaResult<void> count_refusal(const KdaEnvironment& kda,
                              KdaStore::Slot slot,
                              const Message& message) {
  ++slot.journal.refusals;
  slot.journal.header_hash = crypto::sha256(message.envelope.header);
  slot.journal.seq = message.header.seq;
  slot.journal.level = message.header.level;
  NvmTransaction transaction(kda.nvm());
  if (slot.journal.refusals == KdaJournal::kMaxRefusals) {
    KB_TRY(or_internal(close_refused(kda, slot)));
  } else {
    KB_TRY(or_internal(kda.store.put_journal(slot)));
  }
  KB_TRY(or_internal(transaction.commit()));
  return refuse(sw::kConditionsNotSatisfied);
}

KdaResult<void> accept(const KdaEnvironment& kda,
                       KdaStore::Slot slot,
                       const Message& message,
                       std::size_t actions) {
  slot.journal = KdaJournal{.state = State::kLoaded,
                            .refusals = slot.journal.refusals,
                            .actions = static_cast<std::uint8_t>(actions),
                            .header_hash = crypto::sha256(message.envelope.header),
                            .seq = message.header.seq,
                            .level = message.header.level};
  KdaProvider provider = KB_TRY(or_internal(kda.store.provider(slot.record.spid)));
  provider.last_issued = std::max(provider.last_issued, message.header.issued_at);
  NvmTransaction transaction(kda.nvm());
  KB_TRY(or_internal(kda.store.put(provider)));
  KB_TRY(or_internal(kda.store.put_envelope(slot.number, message.encoded)));
  KB_TRY(or_internal(kda.store.erase_answer(slot.number)));
  if (const auto announced_by = std::exchange(slot.record.announced_by, std::nullopt)) {
    KB_TRY(or_internal(kda.store.acknowledge(*announced_by)));
  }
  KB_TRY(or_internal(kda.store.put(slot)));
  return or_internal(transaction.commit());
}

}  // namespace

KdaResult<void> load_envelope(const KdaEnvironment& kda, ByteView octets) {
  const Message message = KB_TRY(or_malformed(Message::decode(octets)));
  auto slot = KB_TRY(or_internal(kda.store.find(message.handle)));
  if (!slot) {
    return refuse(sw::kConditionsNotSatisfied);
  }
  if (slot->journal.state == State::kLoaded) {
    const Bytes loaded = KB_TRY(or_internal(kda.store.envelope(slot->number)));
    if (equal(loaded, message.encoded)) {
      return {};
    }
  }
  if (slot->journal.state != State::kEnrolled) {
    return refuse(sw::kConditionsNotSatisfied);
  }
  const pki::Certificate provider = KB_TRY(provider_certificate(kda, slot->record));
  const ByteView statement_hash = slot->record.statement_hash;
  if (!envelope::verify_envelope(message.envelope, statement_hash, provider.key())) {
    return refuse(sw::kConditionsNotSatisfied);
  }
  if (message.header.next_nonce_a && !kda.answers_next_enrolment()) {
    return refuse(sw::kFunctionNotSupported);
  }
  const bool header_accepted = KB_TRY(is_header_accepted(kda, slot->record, message.header));
  const crypto::KemPrivateKey key = KB_TRY(or_internal(kda.store.enrolment_key(*slot)));
  const auto payload = envelope::open_delivery(message.envelope, statement_hash, key);
  const bool may_ask = !payload || may_ask_for_next(slot->record, message.header, *payload);
  if (!header_accepted || !payload || !may_ask) {
    return count_refusal(kda, std::move(*slot), message);
  }
  return accept(kda, std::move(*slot), message, payload->actions.size());
}

KdaResult<bool> is_still_accepted(const KdaEnvironment& kda,
                                  const KdaSlot& slot,
                                  const envelope::EnvelopeHeader& header) {
  const bool provider_accepted = KB_TRY(is_provider_accepted(kda, slot));
  const bool header_accepted = KB_TRY(is_header_accepted(kda, slot, header));
  return provider_accepted && header_accepted;
}

KdaResult<void> refuse_loaded(const KdaEnvironment& kda, KdaStore::Slot slot) {
  KB_CHECK(!slot.journal.has_begun());
  NvmTransaction transaction(kda.nvm());
  KB_TRY(or_internal(close_refused(kda, slot)));
  return or_internal(transaction.commit());
}

Result<OpenedDelivery> open_loaded(const KdaStore& store, const KdaStore::Slot& slot) {
  const Bytes encoded = KB_TRY(store.envelope(slot.number));
  const envelope::Envelope sealed = KB_TRY(envelope::Envelope::decode(encoded));
  const crypto::KemPrivateKey key = KB_TRY(store.enrolment_key(slot));
  const envelope::EnvelopeHeader header = KB_TRY(envelope::EnvelopeHeader::decode(sealed.header));
  return OpenedDelivery{header,
                        KB_TRY(envelope::open_delivery(sealed, slot.record.statement_hash, key))};
}

}  // namespace kagibin::se
