// SPDX-License-Identifier: Apache-2.0
#include "kagibin/roles/security_module_manager/card_manager.h"

#include <array>
#include <utility>

#include "kagibin/apdu/exchange.h"
#include "kagibin/apdu/status_words.h"
#include "kagibin/crypto/cipher/aes.h"
#include "kagibin/gp/put_key.h"
#include "kagibin/gp/select.h"
#include "kagibin/roles/security_module_manager/domain_keys.h"
#include "kagibin/tlv/ber_tlv.h"

namespace kagibin::roles::security_module_manager {
namespace {

constexpr std::uint8_t kFirstKeyIdentifier = 0x01;
constexpr std::uint8_t kScp03 = 0x03;

// The security domain's code as GlobalPlatform cards have it under these names by default.
Aid load_file() { return *Aid::from_hex("A0000001515350"); }
Aid module() { return *Aid::from_hex("A000000151535041"); }

Result<scp::Scp03KeySet> key_set(const delivery::KeyExport& keys) {
  return scp::Scp03KeySet::create(keys.key_enc.duplicate(), keys.key_mac.duplicate(),
                                  keys.key_dek.duplicate());
}

Result<apdu::ResponseApdu> select(apdu::CardLink& link, const Aid& aid) {
  const gp::Select command{.name = Bytes(aid.view().begin(), aid.view().end())};
  return apdu::exchange(link, command.encode());
}

// C9 { 81 02 SCP identifier, i } (GPCS 11.5.2.3.7).
Bytes domain_parameters(scp::Scp03Parameter scp03) {
  const std::array<std::uint8_t, 2> protocol{kScp03, scp03.i};
  return gp::with_application_parameters(tlv::encode(0x81, protocol));
}

}  // namespace

Result<scp::Scp03Link> CardManager::open(const delivery::KeyExport& keys) {
  const auto scp03 = KB_TRY(scp::Scp03Parameter::from(keys.i));
  return open(keys.security_domain, keys, scp03);
}

Result<scp::Scp03Link> CardManager::open(const Aid& selected,
                                         const delivery::KeyExport& keys,
                                         scp::Scp03Parameter scp03) {
  const apdu::ResponseApdu answer = KB_TRY(select(link_, selected));
  if (!apdu::sw::is_ok(answer.sw)) {
    return fail(Errc::kCardStatus, "the card has no such security domain", answer.sw);
  }
  const scp::Scp03KeySet set = KB_TRY(key_set(keys));
  return scp::Scp03Link::open(link_, set,
                              {.key_version_number = keys.key_version_number, .s16 = scp03.s16()},
                              scp::highest_level(scp03), rng_);
}

Result<delivery::KeyExport> CardManager::key_set_of(const DomainPlan& plan,
                                                    const crypto::DerivationKey& master_key) const {
  return diversified_keys(master_key,
                          {.iin = issuer_.iin,
                           .cin = issuer_.cin,
                           .security_domain = plan.aid,
                           .key_version = plan.key_version},
                          plan.key_size, plan.scp03.i);
}

Result<delivery::KeyExport> CardManager::create_domain(const DomainPlan& plan,
                                                       const crypto::DerivationKey& master_key) {
  delivery::KeyExport keys = KB_TRY(key_set_of(plan, master_key));
  const apdu::ResponseApdu there = KB_TRY(select(link_, plan.aid));
  if (!apdu::sw::is_ok(there.sw)) {
    scp::Scp03Link session = KB_TRY(open(issuer_));
    const gp::Install install{.purpose = gp::InstallFor::kInstallAndMakeSelectable,
                              .load_file = load_file(),
                              .module = module(),
                              .application = plan.aid,
                              .privileges = plan.privileges,
                              .parameters = domain_parameters(plan.scp03)};
    const apdu::CommandApdu command = KB_TRY(install.encode());
    KB_TRY(session.send(command));
  } else if (open(keys)) {
    return keys;  // made before, keys and all
  }
  KB_TRY(put_first_keys(plan, keys));
  return keys;
}

// A domain without keys of its own opens its channel with those of the domain it is associated with
// (GPCS 7.3): the issuer's.
Result<void> CardManager::put_first_keys(const DomainPlan& plan, const delivery::KeyExport& keys) {
  scp::Scp03Link session = KB_TRY(open(plan.aid, issuer_, plan.scp03));
  gp::PutKey put{
      .old_version = 0, .new_version = plan.key_version, .first_identifier = kFirstKeyIdentifier};
  std::vector<gp::KeyCheckValue> expected;
  for (const SecretBytes* key : {&keys.key_enc, &keys.key_mac, &keys.key_dek}) {
    const SecretBytes padded = KB_TRY(gp::pad_key_value(*key));
    const gp::KeyCheckValue kcv = KB_TRY(crypto::aes_kcv(key->expose()));
    Bytes encrypted = KB_TRY(session.host().encrypt_sensitive(padded.expose()));
    put.keys.push_back(
        gp::encrypted_key(gp::key_type::kAes, std::move(encrypted), key->size(), kcv));
    expected.push_back(kcv);
  }
  const apdu::CommandApdu command = KB_TRY(put.encode());
  const Bytes data = KB_TRY(session.send(command));
  const gp::PutKeyAnswer answer = KB_TRY(gp::PutKeyAnswer::decode(data));
  if (answer.version != plan.key_version || answer.kcvs != expected) {
    return fail(Errc::kAuthentication,
                "the card answers PUT KEY with other check values than those of our keys");
  }
  return {};
}

Result<void> CardManager::install_application(const delivery::KeyExport& domain_keys,
                                              const gp::Install& installation) {
  scp::Scp03Link session = KB_TRY(open(domain_keys));
  const apdu::CommandApdu command = KB_TRY(installation.encode());
  KB_TRY(session.send(command));
  return {};
}

}  // namespace kagibin::roles::security_module_manager
