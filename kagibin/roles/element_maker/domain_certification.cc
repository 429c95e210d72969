// SPDX-License-Identifier: Apache-2.0
#include "kagibin/roles/element_maker/domain_certification.h"

#include <algorithm>

#include "kagibin/apdu/exchange.h"
#include "kagibin/apdu/status_words.h"
#include "kagibin/gp/put_key.h"
#include "kagibin/gp/select.h"
#include "kagibin/gp/store_data.h"
#include "kagibin/scp/scp03/scp03_link.h"
#include "kagibin/scp/scp11/domain_data.h"
#include "kagibin/scp/scp11/key_generation.h"
#include "kagibin/tlv/ber_tlv.h"

namespace kagibin::roles::element_maker {

namespace {

constexpr std::size_t kBlock = 200;  // fits every session's C-APDU

Result<scp::Scp03Link> open(apdu::CardLink& card,
                            const delivery::KeyExport& keys,
                            crypto::Rng& rng) {
  const ByteView name = keys.security_domain.view();
  const gp::Select select{.name = Bytes(name.begin(), name.end())};
  const apdu::ResponseApdu selected = KB_TRY(apdu::exchange(card, select.encode()));
  if (!apdu::sw::is_ok(selected.sw)) {
    return fail(Errc::kCardStatus, "the card has no such security domain", selected.sw);
  }
  const auto parameter = KB_TRY(scp::Scp03Parameter::from(keys.i));
  const scp::Scp03KeySet set = KB_TRY(scp::Scp03KeySet::create(
      keys.key_enc.duplicate(), keys.key_mac.duplicate(), keys.key_dek.duplicate()));
  return scp::Scp03Link::open(
      card, set, {.key_version_number = keys.key_version_number, .s16 = parameter.s16()},
      scp::highest_level(parameter), rng);
}

// B0 point | 9E r|s, as GenerateKey::verify_answer took it.
Result<std::array<std::uint8_t, 64>> proof_of(ByteView answer) {
  tlv::TlvReader in(answer);
  KB_TRY(in.expect(0xB0, crypto::kEcPointSize));
  const tlv::Tlv proof = KB_TRY(in.expect(0x9E, 64));
  KB_TRY(in.finish());
  return *to_array<64>(proof.value);
}

}  // namespace

Result<pki::DomainKey> make_domain_key(apdu::CardLink& card,
                                       const delivery::KeyExport& keys,
                                       const DomainKeyPlan& plan,
                                       const crypto::EcPublicKey& host_authority,
                                       crypto::Rng& rng) {
  scp::Scp03Link session = KB_TRY(open(card, keys, rng));
  const auto challenge = KB_TRY(crypto::random_array<16>(rng));
  const scp::GenerateKey generate{
      .key = {.identifier = scp::kKidScp11a, .version = plan.key_version},
      .challenge = Bytes(challenge.begin(), challenge.end())};
  const Bytes answer = KB_TRY(session.send(generate.encode()));
  const crypto::CurvePublicKey made = KB_TRY(generate.verify_answer(answer));
  const gp::Key authority =
      KB_TRY(gp::Key::ec_public(crypto::CurvePublicKey::from(host_authority)));
  const gp::PutKey put{
      .new_version = plan.key_version,
      .first_identifier = scp::kKidCaKloc,
      .keys = {KB_TRY(gp::seal_key(authority, {.encrypt = [&](ByteView value) {
                                     return session.host().encrypt_sensitive(value);
                                   }}))}};
  const apdu::CommandApdu command = KB_TRY(put.encode());
  KB_TRY(session.send(command));
  return pki::DomainKey{.element = plan.element,
                        .domain = keys.security_domain,
                        .owner = plan.owner,
                        .key_version = plan.key_version,
                        .challenge = challenge,
                        .key = KB_TRY(crypto::EcPublicKey::from_point(made.point())),
                        .proof = KB_TRY(proof_of(answer))};
}

Result<void> store_domain_certificate(apdu::CardLink& card,
                                      const delivery::KeyExport& keys,
                                      std::uint8_t key_version,
                                      ByteView certificate,
                                      crypto::Rng& rng) {
  scp::Scp03Link session = KB_TRY(open(card, keys, rng));
  const Bytes data = scp::encode_domain_data(
      scp::CertificateStore{.key = {.identifier = scp::kKidScp11a, .version = key_version},
                            .certificates = Bytes(certificate.begin(), certificate.end())});
  ByteView rest = data;
  for (std::uint8_t block = 0; !rest.empty(); ++block) {
    const ByteView octets = rest.first(std::min(rest.size(), kBlock));
    rest = rest.subspan(octets.size());
    const gp::StoreData head{
        .last = rest.empty(), .structure = gp::StoreStructure::kTlv, .block = block};
    KB_TRY(session.send(scp::PlainCommand{
        .ins = apdu::ins::kStoreData, .p1 = head.p1(), .p2 = head.block, .data = octets}));
  }
  return {};
}

}  // namespace kagibin::roles::element_maker
