// SPDX-License-Identifier: Apache-2.0
#include "kagibin/se/kda/enrolment/kda_enrolment.h"

#include "kagibin/crypto/sha256.h"
#include "kagibin/se/kda/enrolment/provider_request.h"
#include "kagibin/se/kda/enrolment/slot_answer.h"
#include "kagibin/tlv/ber_tlv.h"

namespace kagibin::se {

namespace {

using kagibin::kda::State;

constexpr tlv::Tag kRequestTag = 0xE0;
constexpr tlv::Tag kCertificateTag = 0x7F21;

struct Message {
  ByteView request;
  std::optional<ByteView> security_domain_certificate;

  static Result<Message> decode(ByteView octets) {
    tlv::TlvReader in(octets);
    const tlv::Tlv request = KB_TRY(in.expect(kRequestTag, 1, tlv::TlvReader::kAnyLength));
    Message out{.request = request.encoded, .security_domain_certificate = {}};
    if (const auto sd = KB_TRY(in.optional(kCertificateTag, 1, tlv::TlvReader::kAnyLength))) {
      out.security_domain_certificate = sd->encoded;
    }
    KB_TRY(in.finish());
    return out;
  }
};

// It names this element, its maker, the target and the provider of E0.
KdaResult<void> check_security_domain(const KdaEnvironment& kda,
                                      ByteView octets,
                                      const envelope::EnrolmentRequest& request) {
  const auto certificate = KB_TRY(or_malformed(pki::Certificate::decode(octets)));
  const Seid seid = KB_TRY(own_seid(kda));
  const pki::CertificateFields& fields = certificate.fields();
  const bool accepted = KB_TRY(is_domain_accepted(kda, certificate));
  const bool fits = accepted && fields.subject == seid.octets && fields.aids.size() == 1 &&
                    equal(fields.aids[0], request.target->view()) && fields.owner == request.spid;
  if (!fits) {
    return refuse(sw::kSecurityStatusNotSatisfied);
  }
  return {};
}

// The slot with everything about the new attempt but the statement, which is still to be made.
KdaResult<KdaStore::Slot> next_slot(const KdaEnvironment& kda,
                                    std::optional<KdaStore::Slot> old,
                                    const ProviderRequest& checked,
                                    std::optional<ByteView> domain_certificate) {
  const KdaCertificates stored = KB_TRY(own_certificates(kda));
  const envelope::EnrolmentRequest& request = checked.request;
  KdaStore::Slot slot =
      old ? std::move(*old)
          : KdaStore::Slot{
                .number = KB_TRY(or_internal(kda.store.free_slot(request.spid))),
                .record = {.spid = request.spid, .target = *request.target, .handle = {}},
                .journal = {}};
  slot.record.handle = Handle{KB_TRY(or_internal(crypto::random_array<16>(kda.rng())))};
  slot.record.certificate = request.certificate;
  slot.record.kem_key = request.kem_key;
  slot.record.suite = request.suite;
  slot.record.request_hash = checked.hash;
  slot.record.remember(request.nonce_a);
  slot.record.announced_by.reset();
  slot.record.domain_certificate.reset();
  if (domain_certificate && stored.oce) {
    slot.record.domain_certificate.emplace(domain_certificate->begin(), domain_certificate->end());
  }
  slot.journal = KdaJournal{};
  return slot;
}

}  // namespace

KdaResult<Bytes> enrol(const KdaEnvironment& kda, ByteView octets) {
  const Message message = KB_TRY(or_malformed(Message::decode(octets)));
  const ProviderRequest checked = KB_TRY(ProviderRequest::check(kda, message.request));
  const envelope::EnrolmentRequest& request = checked.request;
  if (request.cancel) {
    return refuse(sw::kWrongData);  // a cancellation goes to CANCEL
  }
  if (message.security_domain_certificate && kda.own_domain() != nullptr) {
    return refuse(sw::kWrongData);  // nobody opens a channel here
  }
  if (message.security_domain_certificate) {
    KB_TRY(check_security_domain(kda, *message.security_domain_certificate, request));
  }
  auto old = KB_TRY(or_internal(kda.store.find(request.spid, *request.target)));
  if (old) {
    // Open too is a delivery of which some actions are proved and others are still to come.
    if (old->journal.is_delivering() && old->journal.has_begun()) {
      return refuse(sw::kConditionsNotSatisfied);
    }
    if (old->journal.state == State::kEnrolled && old->record.request_hash == checked.hash) {
      return or_internal(kda.store.answer(old->number));
    }
    if (old->record.knows(request.nonce_a)) {
      return refuse(sw::kCommandNotAllowed);
    }
  }

  NvmTransaction transaction(kda.nvm());
  if (request.acknowledged_receipt) {
    KB_TRY(or_internal(
        kda.store.acknowledge(request.spid, *request.target, *request.acknowledged_receipt)));
  }
  if (KB_TRY(or_internal(kda.store.receipts_of(request.spid, *request.target))) >=
      KdaStore::kMaxReceiptsOfSlot) {
    return refuse(sw::kNotEnoughMemory);
  }
  KdaStore::Slot slot =
      KB_TRY(next_slot(kda, std::move(old), checked, message.security_domain_certificate));
  KdaProvider provider = KB_TRY(or_internal(kda.store.provider(request.spid)));
  ++provider.enrolments;
  const crypto::KemPrivateKey key =
      KB_TRY(or_internal(crypto::KemPrivateKey::generate(checked.enrolment_kem, kda.rng())));
  SlotAnswer made =
      KB_TRY(make_answer(kda, slot.record, request.nonce_a, key.public_key(), provider.enrolments));
  slot.record.statement_hash = crypto::sha256(made.statement);
  KB_TRY(or_internal(kda.store.erase_secrets(slot.number)));
  KB_TRY(or_internal(kda.store.put(slot)));
  KB_TRY(or_internal(kda.store.put(provider)));
  KB_TRY(or_internal(kda.store.put_enrolment_key(slot.number, key)));
  KB_TRY(or_internal(kda.store.put_answer(slot.number, made.answer)));
  KB_TRY(or_internal(transaction.commit()));
  return std::move(made.answer);
}

}  // namespace kagibin::se
