// SPDX-License-Identifier: Apache-2.0
#include "kagibin/cli/demo/known_secrets.h"

#include <algorithm>

#include "kagibin/cli/demo/sealed_delivery.h"
#include "kagibin/crypto/key_file/key_file.h"
#include "kagibin/crypto/sha256.h"
#include "kagibin/envelope/enrolment/answer_open.h"
#include "kagibin/roles/security_module_manager/domain_keys.h"
#include "kagibin/roles/security_module_manager/manager_folder.h"
#include "kagibin/roles/service_provider/keys/static_deks.h"
#include "kagibin/roles/service_provider/order_records.h"
#include "kagibin/scp/scp11/scp11.h"
#include "kagibin/se/domain/keys/key_set_record.h"
#include "kagibin/se/nvm/nvm_log.h"
#include "kagibin/store/journal_store_sqlite.h"

namespace kagibin::cli::demo {

namespace {

namespace provider = roles::service_provider;
namespace manager = roles::security_module_manager;

constexpr std::uint8_t kScp03 = 0x70;  // what `manager create-domain` takes by default
constexpr std::size_t kKeySize = 16;
constexpr delivery::AttemptNumber kFirstAttempt = 1;

Result<Bytes> octets_of(const std::string& hex) {
  auto octets = from_hex(hex);
  if (!octets) {
    return fail(Errc::kEncoding, "the maker named a card in other than hexadecimal digits");
  }
  return std::move(*octets);
}

}  // namespace

Outcome<std::unique_ptr<KnownSecrets>> KnownSecrets::open(const Site& site,
                                                          const ElementInReader& element) {
  std::unique_ptr<KnownSecrets> out(new KnownSecrets(site, element));
  const std::filesystem::path home = site.home(Role::kProvider);
  const SecretBytes passphrase = KB_TRY(site.passphrase(Role::kProvider));
  out->journal_ = KB_TRY(store::open_journal_store({.path = home / "journal.sqlite3"}));
  out->keys_.emplace(KB_TRY(crypto::RecordFolder::open(home / "keys", passphrase)), *out->journal_,
                     out->rng_, &out->tokens_);
  return out;
}

void KnownSecrets::add(std::string name, ByteView value, bool issued_by_manager) {
  const bool known = std::ranges::any_of(
      all_, [&](const Secret& secret) { return ct_equal(secret.value.expose(), value); });
  if (!known) {
    all_.push_back({std::move(name), SecretBytes::copy_of(value), issued_by_manager});
  }
}

Outcome<void> KnownSecrets::add_records(
    Role role, std::initializer_list<std::pair<const char*, const char*>> names, bool for_all) {
  const SecretBytes passphrase = KB_TRY(site_.passphrase(role));
  const auto records = KB_TRY(crypto::RecordFolder::open(site_.home(role) / "keys", passphrase));
  for (const auto& [record, name] : names) {
    SecretBytes content = KB_TRY(records.get(record));
    SecretBytes value = KB_TRY(key_of(std::move(content)));
    if (for_all) {
      add(name, value.expose());
    }
    long_term_.push_back({name, std::move(value), false});
  }
  return {};
}

Result<SecretBytes> KnownSecrets::key_of(SecretBytes record) const {
  if (!crypto::is_place_in_token(record.expose())) {
    return record;
  }
  return tokens_.value(KB_TRY(crypto::token_uri_of(record.expose())));
}

Outcome<void> KnownSecrets::add_channel_keys(std::uint8_t version,
                                             const char* name,
                                             bool issued_by_manager,
                                             provider::ChannelKeySet& out) {
  const Aid target = KB_TRY(Aid::from_hex(kTarget));
  auto keys = KB_TRY(keys_->channel_keys(element_.seid, target, version));
  if (!keys) {
    return failure(fmt::format("the provider holds no key set {:02X} of the target", version));
  }
  out = std::move(*keys);
  add(fmt::format("{} Key-ENC", name), out.enc.expose(), issued_by_manager);
  add(fmt::format("{} Key-MAC", name), out.mac.expose(), issued_by_manager);
  add(fmt::format("{} Key-DEK", name), out.dek.expose(), issued_by_manager);
  return {};
}

// Everything that is a key among the KDA's records (se/kda/kda_store.h).
Outcome<void> KnownSecrets::add_element_keys() {
  const SecretBytes log = KB_TRY(crypto::read_file(element_.state));
  const se::nvm_log::Replayed memory = KB_TRY(se::nvm_log::replay(log.expose()));
  std::size_t found = 0;
  for (const auto& [name, value] : memory.records) {
    if (name.ends_with("signing-key")) {
      add("SK.KDA.SIG", value.expose());
    } else if (name.ends_with("agreement-key")) {
      add("SK.OCE.ECKA", value.expose());
    } else if (name.find("key/") != std::string::npos && value.size() == crypto::kEcScalarSize) {
      add("skE", value.expose());
    } else {
      continue;
    }
    ++found;
  }
  if (found == 0) {
    return failure("the element's memory shows no key of the KDA to search for");
  }
  return {};
}

Outcome<void> KnownSecrets::add_domain_key() {
  const SecretBytes log = KB_TRY(crypto::read_file(element_.state));
  const se::nvm_log::Replayed memory = KB_TRY(se::nvm_log::replay(log.expose()));
  const auto record = memory.records.find(
      fmt::format("key/{}/{:02X}", KB_TRY(Aid::from_hex(kTarget)).hex(), kAgreementKeyVersion));
  if (record == memory.records.end()) {
    return failure("the element's memory shows no SCP11a key of the domain to search for");
  }
  const auto set = KB_TRY(se::KeySetRecord::decode(record->second.expose()));
  const auto stored = std::ranges::find(set.keys, scp::kKidScp11a, &se::StoredKey::identifier);
  if (stored == set.keys.end()) {
    return failure("the domain's key set in the element's memory has no SK.SD.ECKA");
  }
  const auto key = KB_TRY(stored->key.ec_private_key());
  add("SK.SD.ECKA", key.expose_scalar());
  return {};
}

// Above RL1 nobody gives them to the provider.
Outcome<void> KnownSecrets::add_managers_keys() {
  delivery::KeyExport issued = KB_TRY(manager_key_set(site_, element_));
  first_ = {.i = issued.i,
            .enc = std::move(issued.key_enc),
            .mac = std::move(issued.key_mac),
            .dek = std::move(issued.key_dek)};
  add("first Key-ENC", first_.enc.expose(), true);
  add("first Key-MAC", first_.mac.expose(), true);
  add("first Key-DEK", first_.dek.expose(), true);
  return {};
}

Outcome<crypto::EcPrivateKey> KnownSecrets::key(std::string_view name) const {
  const auto secret = std::ranges::find(all_, name, &Secret::name);
  if (secret == all_.end()) {
    return failure(fmt::format("the examiner does not have {}", name));
  }
  return KB_TRY(crypto::EcPrivateKey::from_scalar(secret->value.expose()));
}

Outcome<void> KnownSecrets::collect_long_lived() {
  KB_TRY(add_records(Role::kAuthority, {{"root", "SK.AUTH (root)"}}));
  KB_TRY(add_records(Role::kMaker, {{"signing_key", "SK.EUM"}}));
  KB_TRY(add_element_keys());
  const std::string master = std::string("master.").append(kMasterKey);
  KB_TRY(add_records(Role::kProvider, {{"signing_key", "SK.SP.SIG"},
                                       {"exchange_key", "A's exchange key"},
                                       {master.c_str(), "A's master key"}}));
  KB_TRY(add_records(Role::kManager,
                     {{"signing_key", "C's signing key"},
                      {"exchange_key", "C's exchange key"},
                      {"master_key", "C's master key"}},
                     false));
  if (element_.is_at(envelope::RelayLevel::kOs)) {
    return {};  // there is no other key
  }
  if (element_.is_at(envelope::RelayLevel::kRl2) || element_.is_at(envelope::RelayLevel::kRl4)) {
    KB_TRY(add_domain_key());
    return add_managers_keys();
  }
  if (element_.level == envelope::RelayLevel::kRl3) {
    KB_TRY(add_managers_keys());
    return add_channel_keys(kAgreedKeyVersion, "agreed", false, agreed_);
  }
  return add_channel_keys(kFirstKeyVersion, "first", true, first_);
}

Outcome<void> KnownSecrets::collect_prepared() {
  KB_TRY(add_channel_keys(kAgreedKeyVersion, "A's first own", false, agreed_));
  const Aid target = KB_TRY(Aid::from_hex(kTarget));
  auto dek = KB_TRY(provider::StaticDeks(*journal_, *keys_)
                        .find({.seid = element_.seid,
                               .security_domain = target,
                               .key_version = kAgreementKeyVersion}));
  if (!dek || !dek->is_exclusive) {
    return failure("the provider holds no static Key-DEK of the target for itself alone");
  }
  static_dek_ = std::move(dek->key);
  add("static Key-DEK", static_dek_.expose());
  return {};
}

Outcome<void> KnownSecrets::collect_enrolment() {
  const std::size_t before = all_.size();
  KB_TRY(add_element_keys());
  if (std::ranges::none_of(all_, [](const Secret& secret) { return secret.name == "skE"; })) {
    return failure("the element's memory shows no skE after the enrolment");
  }
  const delivery::OrderId order = KB_TRY(delivery::OrderId::from(kOrder));
  const auto attempt = KB_TRY(journal_->find_attempt(order, kFirstAttempt));
  if (!attempt) {
    return failure("the provider's journal has no attempt of the order");
  }
  kem_record_ =
      KB_TRY(keys_->unseal(provider::kem_label(order, kFirstAttempt), attempt->sealed_kem_key));
  SecretBytes kem = KB_TRY(key_of(kem_record_.duplicate()));
  add("SK.SP.KEM", kem.expose());
  long_term_.push_back({"SK.SP.KEM", std::move(kem), false});
  return all_.size() > before ? Outcome<void>() : failure("step 1 made no key");
}

Outcome<void> KnownSecrets::collect_receipt_key() {
  const delivery::OrderId order = KB_TRY(delivery::OrderId::from(kOrder));
  const auto attempt = KB_TRY(journal_->find_attempt(order, kFirstAttempt));
  if (!attempt || attempt->sealed_receipt_key.empty()) {
    return failure("the provider's journal has no receipt key of the attempt");
  }
  const SecretBytes key = KB_TRY(keys_->unseal(provider::receipt_key_label(order, kFirstAttempt),
                                               attempt->sealed_receipt_key));
  add("Kr", key.expose());
  return {};
}

Outcome<SealedEnvelope> KnownSecrets::envelope() const {
  const delivery::OrderId order = KB_TRY(delivery::OrderId::from(kOrder));
  const auto sent =
      KB_TRY(journal_->find_entry(order, kFirstAttempt, delivery::JournalStep::kDelivery));
  const auto received =
      KB_TRY(journal_->find_entry(order, kFirstAttempt, delivery::JournalStep::kAnswer));
  const auto kem = std::ranges::find(all_, "SK.SP.KEM", &Secret::name);
  if (!sent || !received || kem == all_.end()) {
    return failure("the provider's journal has no envelope of the order");
  }
  const auto key = KB_TRY(crypto::EcPrivateKey::from_scalar(kem->value.expose()));
  const auto answer = KB_TRY(envelope::EnrolmentAnswer::decode(received->message));
  const auto content = KB_TRY(envelope::open_answer(answer, key));
  const crypto::Digest256 hash = crypto::sha256(content.statement);
  return SealedEnvelope{sent->message, Bytes(hash.begin(), hash.end())};
}

Outcome<void> KnownSecrets::collect_delivered() {
  return add_channel_keys(kNewKeyVersion, "delivered", false, delivered_);
}

Outcome<std::vector<crypto::EcPrivateKey>> manager_private_keys(const Site& site) {
  const SecretBytes passphrase = KB_TRY(site.passphrase(Role::kManager));
  auto records = KB_TRY(crypto::RecordFolder::open(site.home(Role::kManager) / "keys", passphrase));
  ExaminersTokens tokens(site);
  const crypto::HeldKeys held(records, &tokens);
  std::vector<crypto::EcPrivateKey> out;
  for (const char* record : {"signing_key", "exchange_key"}) {
    const crypto::SigningKey key = KB_TRY(held.signing_key(record));
    out.push_back(KB_TRY(crypto::EcPrivateKey::from_scalar(key.in_memory()->expose_scalar())));
  }
  return out;
}

Outcome<delivery::KeyExport> manager_key_set(const Site& site, const ElementInReader& element) {
  const SecretBytes passphrase = KB_TRY(site.passphrase(Role::kManager));
  ExaminersTokens tokens(site);
  auto folder =
      KB_TRY(manager::ManagerFolder::open(site.home(Role::kManager), passphrase, &tokens));
  const manager::DomainName name{.iin = KB_TRY(octets_of(element.iin)),
                                 .cin = KB_TRY(octets_of(element.cin)),
                                 .security_domain = KB_TRY(Aid::from_hex(kTarget)),
                                 .key_version = kFirstKeyVersion};
  return KB_TRY(folder.domain_keys(name, kKeySize, kScp03));
}

}  // namespace kagibin::cli::demo
