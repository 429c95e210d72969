// SPDX-License-Identifier: Apache-2.0
#include "kagibin/cli/demo/sealed_scheme.h"

#include "kagibin/cli/demo/hsm/key_places.h"
#include "kagibin/cli/demo/key_use.h"
#include "kagibin/cli/demo/knowledge/examination.h"
#include "kagibin/cli/demo/knowledge/rehearsal.h"
#include "kagibin/cli/demo/sealed_delivery.h"

namespace kagibin::cli::demo {

namespace {

Result<scp::Scp03KeySet> key_set(const roles::service_provider::ChannelKeySet& keys) {
  return scp::Scp03KeySet::create(keys.enc.duplicate(), keys.mac.duplicate(), keys.dek.duplicate());
}

bool has_own_set(envelope::RelayLevel level) {
  return level == envelope::RelayLevel::kRl3 || level == envelope::RelayLevel::kRl4;
}

void watch_all(Examination& examination, const Cast& cast) {
  examination.watch(Role::kDistributor, cast.distributor->process(), "kagibin-distributor");
  examination.watch(Role::kCarrier, cast.carrier->process(), "kagibin-carrier");
  examination.watch(Role::kDevice, cast.agent->process(), "kagibin-agent");
  if (cast.element.pcscd) {
    examination.watch(Role::kDevice, cast.element.pcscd->process(), "pcscd");
  }
}

// Both look at a program in its last moment.
Site::Watch watch_by(Examination& examination, KeyPlaces* places) {
  return [&examination, places](Role role) -> Child::LastLook {
    const Child::LastLook party = examination.last_look(role);
    const Child::LastLook keys = places != nullptr ? places->last_look(role) : Child::LastLook();
    if (!party || !keys) {
      return party ? party : keys;
    }
    return [party, keys](pid_t process) {
      party(process);
      keys(process);
    };
  };
}

// What the certificates of SCP11 name is everybody's to know.
Outcome<void> add_agreement_keys(const Site& site,
                                 const Cast& cast,
                                 const KnownSecrets& secrets,
                                 Evidence& evidence) {
  const crypto::EcPrivateKey domain = KB_TRY(secrets.key("SK.SD.ECKA"));
  const crypto::EcPrivateKey host = KB_TRY(secrets.key("SK.OCE.ECKA"));
  for (const crypto::EcPrivateKey* key : {&domain, &host}) {
    evidence.agreement_keys.push_back(crypto::CurvePublicKey::from(key->public_key()));
  }
  const SecretBytes* const dek = secrets.static_dek().empty() ? nullptr : &secrets.static_dek();
  return rehearse_agreement(cast.element.reader, read_apdu_log(apdu_log(site)), host,
                            domain.public_key(), dek);
}

}  // namespace

Outcome<KnowledgeTable> run_sealed_scheme(Site& site,
                                          const SchemeOptions& options,
                                          Narrator& narrator) {
  crypto::SystemRng rng;
  narrator.chapter("The players");
  Examination examination(site);
  KeyPlaces places(site);
  const bool looks_for_keys = options.hsm || options.look_for_keys;
  site.watch_by(watch_by(examination, looks_for_keys ? &places : nullptr));
  if (options.hsm) {
    KB_TRY(site.keep_keys_in_tokens(rng));
    narrator.step("", "A, C, E and M have a token of SoftHSM each, for all their long-term keys");
  }
  Cast cast =
      KB_TRY(Cast::assemble(site, {.pcsc = options.pcsc, .level = options.level}, narrator));
  watch_all(examination, cast);
  const auto secrets = KB_TRY(KnownSecrets::open(site, cast.element));
  KB_TRY(secrets->collect_long_lived());
  examination.look();
  if (options.level == envelope::RelayLevel::kRl4) {
    narrator.chapter("What goes before RL4");
    KB_TRY(prepare_rl4(site, cast, narrator));
    KB_TRY(secrets->collect_prepared());
    examination.look();
  }

  narrator.chapter("The delivery");
  SealedDelivery delivery(site, cast, narrator);
  const auto look = [&] {
    examination.look();
    if (looks_for_keys) {
      places.look();
    }
  };
  KB_TRY(delivery.order());
  KB_TRY(secrets->collect_enrolment());
  look();
  KB_TRY(delivery.seal());
  places.watch(Role::kProvider, delivery.provider(), "kagibin-provider");
  KB_TRY(secrets->collect_receipt_key());
  look();
  KB_TRY(delivery.install());
  KB_TRY(secrets->collect_delivered());
  look();

  narrator.chapter("The key in use");
  Evidence evidence{.scheme = "sealed",
                    .level = options.level,
                    .secrets = secrets->all(),
                    .known_plaintext = kOrder};
  evidence.has_managers_set = options.level != envelope::RelayLevel::kOs;
  if (evidence.has_managers_set) {
    evidence.all_key_sets.push_back(KB_TRY(key_set(secrets->first())));
  }
  evidence.all_key_sets.push_back(KB_TRY(key_set(secrets->delivered())));
  const std::size_t delivered = evidence.all_key_sets.size() - 1;
  if (has_own_set(options.level)) {
    evidence.all_key_sets.push_back(KB_TRY(key_set(secrets->agreed())));
  }
  KB_TRY(use_key(cast.element.reader,
                 evidence.has_managers_set ? &evidence.all_key_sets.front() : nullptr,
                 evidence.all_key_sets[delivered], narrator));

  narrator.chapter("Who knows what");
  for (const Role role : options.plant) {
    KB_TRY(write_text(site.home(role) / "log" / "planted.log",
                      "K = " + to_hex(secrets->delivered().enc.expose())));
  }
  evidence.envelopes.push_back(KB_TRY(secrets->envelope()));
  evidence.manager_keys = KB_TRY(manager_private_keys(site));
  if (options.level == envelope::RelayLevel::kRl2 || options.level == envelope::RelayLevel::kRl4) {
    KB_TRY(add_agreement_keys(site, cast, *secrets, evidence));
    narrator.step("",
                  options.level == envelope::RelayLevel::kRl2
                      ? "the solver opens an SCP11a session when it is given the keys of one end"
                      : "the solver reads an SCP11a session with one end's keys and Key-DEK, and "
                        "with neither alone");
  }
  if (has_own_set(options.level)) {
    narrator.step("", "the solver opens the relayed SCP03 session when it is given A's key set");
  }
  KnowledgeTable table = KB_TRY(examination.conclude(evidence));
  if (looks_for_keys) {
    places.add_opened(Role::kProvider, "the KEM key's record in A's journal, opened",
                      secrets->kem_record());
    table.keys = KB_TRY(places.conclude(secrets->long_term()));
  }
  narrator.step("", "looked at files, logs, captures and memory, at every step");
  // Each has to end well. The agent waits for work at the distributor, which lets it go.
  cast.agent->ask_to_stop();
  KB_TRY(cast.distributor->stop());
  KB_TRY(cast.agent->stop());
  KB_TRY(cast.carrier->stop());
  cast.element.pcscd.reset();
  KB_TRY(cast.element.process->stop());
  return table;
}

}  // namespace kagibin::cli::demo
