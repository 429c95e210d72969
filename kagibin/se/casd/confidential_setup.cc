// SPDX-License-Identifier: Apache-2.0
#include "kagibin/se/casd/confidential_setup.h"

#include <utility>

#include "kagibin/crypto/ec/ecdh.h"
#include "kagibin/crypto/ec/ecdsa.h"
#include "kagibin/gp/confidential/agreed_key_set.h"
#include "kagibin/gp/get_data.h"
#include "kagibin/pki/chain.h"
#include "kagibin/se/casd/casd.h"
#include "kagibin/se/domain/data_objects.h"
#include "kagibin/se/open/content.h"
#include "kagibin/se/scp11/certificate_records.h"
#include "kagibin/se/scp11/key_store_domain.h"

namespace kagibin::se {

namespace {

std::unexpected<Error> not_authenticated() {
  return fail(Errc::kAuthentication,
              "the provider did not show that he is one: a CERT.SP of the controlling authority "
              "for this domain's AID, good today, and a signature of the challenge by its key "
              "(Amendment A, scenario 3; SGP.02, 4.1.3)");
}

std::unexpected<Error> out_of_turn() {
  return fail(Errc::kPolicy,
              "a confidential set-up shows the certificate and then asks, or gives the reference "
              "and then the key: begin again with block 00 (Amendment A, scenario 3)");
}

Bytes identity(const Platform& platform, const Aid& domain, std::uint16_t tag) {
  const Bytes own = data_object(platform.nvm, domain, tag);
  return own.empty() ? data_object(platform.nvm, platform.facts.isd_aid, tag) : own;
}

gp::CardIdentity card_identity(const Platform& platform, const Aid& domain) {
  return {.iin = identity(platform, domain, gp::data_object::kIssuerIdentification),
          .cin = identity(platform, domain, gp::data_object::kCardImageNumber)};
}

// Whether a key set may be set up here at all, and by this session.
Result<void> check_domain(const DomainCommand& command, const Aid& aid) {
  const Platform& platform = command.platform;
  if (!casd_key(platform, kCasdAgreementKey)) {
    return fail(Errc::kNotFound,
                "this element has no Controlling Authority Security Domain that can be asked");
  }
  const auto domain = platform.registry.find(aid);
  if (!domain || !domain->is_security_domain() || is_casd(platform, aid) ||
      !domain->parameter_of(scp::kScp03)) {
    return fail(Errc::kPolicy,
                "a key set is set up for a security domain that speaks SCP03, not for the CASD");
  }
  if (command.channel.session->is_replayable()) {
    return fail(Errc::kPolicy,
                "keys are not changed in SCP11c, where commands can be sent again (Amendment F)");
  }
  const bool through_parent = aid != command.domain.aid;
  if (through_parent && has_channel_keys(platform.keys, *domain)) {
    return fail(Errc::kPolicy,
                "a domain with keys of its own takes a set-up in a session that they opened, not "
                "through the domain above it");
  }
  return {};
}

Result<Bytes> take_certificate(const DomainCommand& command, const Aid& domain, ByteView octets) {
  const auto certificate = pki::Certificate::decode(octets);
  if (!certificate ||
      !is_certified(command.platform, *certificate, pki::CertificateKind::kServiceProvider) ||
      !pki::allows_aid(*certificate, domain)) {
    return not_authenticated();
  }
  PendingSetup pending{.domain = domain, .provider = certificate->key()};
  pending.challenge = KB_TRY(crypto::random_array<16>(command.platform.rng));
  command.channel.setup = std::move(pending);
  return gp::encode_challenge(command.channel.setup->challenge);
}

Result<void> erase_keys(Platform& platform, const Aid& domain) {
  CertificateRecords records(platform.nvm);
  for (const gp::KeyEntry& key : platform.keys.information(domain).keys) {
    KB_TRY(records.erase_key(domain, {key.identifier, key.version}));
    KB_TRY(platform.keys.erase_key(domain, {key.version, key.identifier}));
  }
  return {};
}

Result<void> put_set(Platform& platform,
                     const Aid& domain,
                     const gp::SetupReference& reference,
                     const gp::AgreedKeySet& set) {
  std::optional<gp::KeyPolicy> policy;
  if (reference.access) {
    policy = gp::KeyPolicy{.says_access = true, .access = *reference.access};
  }
  std::uint8_t identifier = 0;
  for (const SecretBytes* value : {&set.enc, &set.mac, &set.dek}) {
    std::vector<gp::KeyPart> parts;
    parts.push_back({gp::key_type::kAes, value->duplicate()});
    const gp::Key key = KB_TRY(gp::Key::from(std::move(parts), policy));
    KB_TRY(platform.keys.put_key(domain, {reference.key_version, ++identifier}, key));
  }
  if (!platform.keys.is_complete(domain, reference.key_version)) {
    return fail(Errc::kPolicy, "the domain itself may use its secure channel keys");
  }
  return {};
}

// Inside a transaction.
Result<gp::SetupAnswer> set_up(Platform& platform,
                               const Aid& aid,
                               const gp::SetupReference& reference,
                               const gp::SetupRequest& request) {
  const auto own = casd_key(platform, kCasdAgreementKey);
  KB_CHECK(own.has_value());
  const auto peer =
      KB_TRY(crypto::CurvePublicKey::from_point(own->curve(), request.ephemeral_point));
  const gp::CardIdentity card = card_identity(platform, aid);
  if (reference.with_identities && !equal(reference.cin, card.cin)) {
    return fail(Errc::kValue, "45 is not this card's CIN");
  }
  gp::SetupAnswer out;
  if (reference.with_random) {
    const auto random = KB_TRY(crypto::random_array<gp::kSetupRandomSize>(platform.rng));
    out.random.assign(random.begin(), random.end());
  }
  const SecretBytes shared = KB_TRY(crypto::ecdh(*own, peer));
  const gp::AgreedKeySet set = KB_TRY(gp::derive_key_set(shared, reference, out.random, card));
  out.receipt = KB_TRY(gp::setup_receipt(set, request.reference, out.random));
  if (reference.deletes_existing) {
    KB_TRY(erase_keys(platform, aid));
  } else if (platform.keys.has_version(aid, reference.key_version)) {
    return fail(Errc::kValue, "there is a key set of this version: name another, or have all go");
  }
  KB_TRY(put_set(platform, aid, reference, set));
  const auto domain = platform.registry.find(aid);
  KB_CHECK(domain.has_value());
  KB_TRY(mark_personalized(platform, *domain));
  return out;
}

// The sessions that the domain's keys opened.
void end_sessions(const DomainCommand& command, const Aid& domain) {
  for (LogicalChannel& channel : command.channels.all) {
    if (channel.session == nullptr || !channel.session_keys ||
        channel.session_keys->domain != domain) {
      continue;
    }
    if (&channel == &command.channel) {
      channel.ends_with_answer = true;
    } else {
      channel.end_session();
    }
  }
}

apdu::ResponseApdu run(const DomainCommand& command,
                       const Aid& domain,
                       const gp::SetupRequest& request) {
  const auto reference = gp::SetupReference::decode(request.reference);
  if (!reference) {
    return answer(status_of(reference.error()));
  }
  if (reference->certified != request.signed_reference) {
    return answer(status_of({.code = Errc::kValue,
                             .detail = "b4 of the parameters says whether a certificate came "
                                       "before (SGP.02, 4.1.3)"}));
  }
  NvmTransaction transaction(command.platform.nvm);
  const auto made = set_up(command.platform, domain, *reference, request);
  if (!made) {
    return answer(status_of(made.error()));
  }
  apdu::ResponseApdu out = conclude(transaction, {}, made->encode());
  if (apdu::sw::is_ok(out.sw) && reference->deletes_existing) {
    end_sessions(command, domain);
  }
  return out;
}

Result<void> check_signature(const PendingSetup& pending, const gp::SetupRequest& request) {
  const Bytes covered = gp::setup_signed_data(request.signed_octets, pending.challenge);
  if (!crypto::ecdsa_verify_raw(*pending.provider, {covered}, request.signature)) {
    return not_authenticated();
  }
  return {};
}

apdu::ResponseApdu take_block(const DomainCommand& command,
                              const Aid& domain,
                              const std::optional<PendingSetup>& pending,
                              gp::SetupRequest request) {
  const bool goes_on = pending && pending->domain == domain;
  if (!request.certificate.empty()) {
    auto challenge = take_certificate(command, domain, request.certificate);
    return challenge ? answer(apdu::sw::kOk, std::move(*challenge))
                     : answer(status_of(challenge.error()));
  }
  if (request.signed_reference) {
    const Result<void> right = goes_on && pending->provider ? check_signature(*pending, request)
                                                            : Result<void>(out_of_turn());
    return right ? run(command, domain, request) : answer(status_of(right.error()));
  }
  if (request.ephemeral_point.empty()) {
    command.channel.setup = PendingSetup{
        .domain = domain, .reference = Bytes(request.reference.begin(), request.reference.end())};
    return answer(apdu::sw::kOk);
  }
  if (request.reference.empty()) {
    if (!goes_on || pending->reference.empty()) {
      return answer(status_of(out_of_turn().error()));
    }
    request.reference = pending->reference;
  }
  return run(command, domain, request);
}

bool is_in_groupings(const gp::StoreData& head) {
  return head.structure == gp::StoreStructure::kGroupings &&
         head.encryption == gp::StoreEncryption::kNone;
}

// Behind a block that began a certificate.
bool is_next_piece(const DomainCommand& command, const gp::StoreData& head) {
  return head.block != 0 && command.channel.setup && command.channel.setup->certificate;
}

// Whether the certificate is whole now; it stands in `pending`.
Result<bool> take_piece(const DomainCommand& command,
                        const gp::StoreData& head,
                        const Aid& domain,
                        std::optional<PendingSetup>& pending) {
  if (head.last || !is_in_groupings(head)) {
    return out_of_turn();
  }
  if (head.block == 0 || !pending || !pending->certificate) {
    pending = PendingSetup{.domain = domain, .certificate = gp::SetupPieces(command.data)};
    return false;
  }
  return pending->domain == domain ? pending->certificate->add(command.data)
                                   : Result<bool>(out_of_turn());
}

}  // namespace

bool is_setup_block(const DomainCommand& command, const gp::StoreData& head) {
  return is_next_piece(command, head) || (is_in_groupings(head) && gp::begins_setup(command.data));
}

apdu::ResponseApdu store_setup_block(const DomainCommand& command,
                                     const gp::StoreData& head,
                                     const Aid& domain) {
  const auto allowed = check_domain(command, domain);
  if (!allowed) {
    return answer(status_of(allowed.error()));
  }
  const bool is_next = is_next_piece(command, head);
  // Good once, whatever comes of it.
  std::optional<PendingSetup> pending = std::exchange(command.channel.setup, std::nullopt);
  ByteView whole = command.data;
  if (is_next || gp::SetupPieces::begins(command.data)) {
    const auto is_whole = take_piece(command, head, domain, pending);
    if (!is_whole) {
      return answer(status_of(is_whole.error()));
    }
    if (!*is_whole) {
      command.channel.setup = std::move(pending);
      return answer(apdu::sw::kOk);
    }
    whole = pending->certificate->octets();
  }
  const auto request = gp::SetupRequest::decode(whole, head.last);
  if (!request) {
    return answer(status_of(request.error()));
  }
  return take_block(command, domain, pending, *request);
}

}  // namespace kagibin::se
