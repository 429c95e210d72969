// SPDX-License-Identifier: Apache-2.0
#include "kagibin/cli/demo/conventional_scheme.h"

#include <chrono>

#include "kagibin/cli/demo/key_use.h"
#include "kagibin/cli/demo/knowledge/examination.h"
#include "kagibin/crypto/key_file/key_file.h"

namespace kagibin::cli::demo {

namespace {

constexpr const char* kProgram = "kagibin-conventional";
constexpr std::size_t kKeySize = 16;
constexpr auto kLimit = std::chrono::seconds(30);

// A's keys, handed over as a file that the operator keeps.
Outcome<void> entrust(const std::filesystem::path& file, const scp::Scp03KeySet& keys) {
  const std::string text = to_hex(keys.enc.expose()) + "\n" + to_hex(keys.mac.expose()) + "\n" +
                           to_hex(keys.dek.expose()) + "\n";
  KB_TRY(crypto::write_file(file, ascii(text), true));
  return {};
}

void add_set(std::vector<Secret>& out,
             const char* name,
             const scp::Scp03KeySet& keys,
             bool issued_by_manager) {
  out.push_back({fmt::format("{} Key-ENC", name), keys.enc.duplicate(), issued_by_manager});
  out.push_back({fmt::format("{} Key-MAC", name), keys.mac.duplicate(), issued_by_manager});
  out.push_back({fmt::format("{} Key-DEK", name), keys.dek.duplicate(), issued_by_manager});
}

}  // namespace

Outcome<KnowledgeTable> run_conventional_scheme(Site& site,
                                                const SchemeOptions& options,
                                                Narrator& narrator) {
  narrator.chapter("The players");
  Examination examination(site);
  site.watch_by([&](Role role) { return examination.last_look(role); });
  const ElementInReader element = KB_TRY(make_element(site, {.pcsc = options.pcsc}, narrator));
  const std::filesystem::path operator_home = site.home(Role::kDistributor);
  KB_TRY(site.run_program(Role::kDistributor, kProgram, {"found", "--home", operator_home}));
  KB_TRY(site.run(Role::kManager, {"export-keys", "--to", operator_home / "exchange.pem", "--out",
                                   operator_home / "export.cms", "--aid", kTarget, "--card",
                                   element.iin + ":" + element.cin}));
  narrator.step("C", "gave the operator the key set of the domain");
  crypto::SystemRng rng;
  SecretBytes enc = KB_TRY(crypto::random_secret(rng, kKeySize));
  SecretBytes mac = KB_TRY(crypto::random_secret(rng, kKeySize));
  SecretBytes dek = KB_TRY(crypto::random_secret(rng, kKeySize));
  const auto delivered =
      KB_TRY(scp::Scp03KeySet::create(std::move(enc), std::move(mac), std::move(dek)));
  KB_TRY(entrust(operator_home / "service-keys.txt", delivered));
  narrator.step("A", "entrusted its keys to the operator");

  narrator.chapter("The delivery");
  const auto device = KB_TRY(
      site.start_program(Role::kDevice, kProgram,
                         {"device", "--reader", element.reader, "--apdu-log", apdu_log(site)}));
  const std::string reached = KB_TRY(address_of(*device));
  const auto carrier =
      KB_TRY(site.start(Role::kCarrier, {"run", "--to", reached, "--capture", capture(site)}));
  const std::string carried = KB_TRY(address_of(*carrier));
  examination.watch(Role::kCarrier, carrier->process(), "kagibin-carrier");
  if (element.pcscd) {
    examination.watch(Role::kDevice, element.pcscd->process(), "pcscd");
  }
  narrator.restart();
  KB_TRY(site.run_program(Role::kDistributor, kProgram,
                          {"push", "--home", operator_home, "--to", carried, "--manager",
                           site.file(Role::kManager, "signing.pem"), "--aid", kTarget, "--replace",
                           fmt::format("{:02X}", kFirstKeyVersion), "--key-version",
                           fmt::format("{:02X}", kNewKeyVersion)}));
  narrator.step("B", "set the keys in the target, in a session of its own through the device");
  KB_TRY(device->wait_until_done(kLimit));
  examination.look();

  narrator.chapter("The key in use");
  const delivery::KeyExport issued = KB_TRY(manager_key_set(site, element));
  const auto first = KB_TRY(scp::Scp03KeySet::create(
      issued.key_enc.duplicate(), issued.key_mac.duplicate(), issued.key_dek.duplicate()));
  KB_TRY(use_key(element.reader, &first, delivered, narrator));

  narrator.chapter("Who knows what");
  std::vector<Secret> secrets;
  add_set(secrets, "delivered", delivered, false);
  add_set(secrets, "first", first, true);
  Evidence evidence{.scheme = "conventional", .secrets = secrets};
  evidence.all_key_sets.push_back(first.duplicate());
  evidence.all_key_sets.push_back(delivered.duplicate());
  KnowledgeTable table = KB_TRY(examination.conclude(evidence));
  narrator.step("", "looked at files, logs, captures and memory");
  return table;
}

}  // namespace kagibin::cli::demo
