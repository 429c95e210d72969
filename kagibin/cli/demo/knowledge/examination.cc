// SPDX-License-Identifier: Apache-2.0
#include "kagibin/cli/demo/knowledge/examination.h"

#include <algorithm>
#include <initializer_list>

#include "kagibin/cli/demo/knowledge/tls_records.h"
#include "kagibin/crypto/key_file/key_file.h"
#include "kagibin/roles/carrier/capture.h"

namespace kagibin::cli::demo {

namespace {

bool contains(ByteView octets, std::string_view text) {
  return !std::ranges::search(octets, ascii(text)).empty();
}

const Secret* secret_with(const std::vector<Secret>& all, const SecretBytes& value) {
  const auto found = std::ranges::find_if(
      all, [&](const Secret& secret) { return ct_equal(secret.value.expose(), value.expose()); });
  return found == all.end() ? nullptr : &*found;
}

}  // namespace

Examination::Examination(const Site& site)
    : site_(site),
      distributor_({site.home(Role::kDistributor)}, site.examiner()),
      manager_({site.home(Role::kManager)}, site.examiner()),
      carrier_({site.home(Role::kCarrier)}, site.examiner()),
      device_({site.home(Role::kDevice), site.reader()}, site.examiner()) {}

Holdings* Examination::holdings_of(Role role) {
  switch (role) {
    case Role::kDistributor:
      return &distributor_;
    case Role::kManager:
      return &manager_;
    case Role::kCarrier:
      return &carrier_;
    case Role::kDevice:
      return &device_;
    default:
      return nullptr;
  }
}

void Examination::watch(Role role, pid_t process, const std::string& name) {
  if (Holdings* holdings = holdings_of(role)) {
    holdings->watch(process, name);
  }
}

Child::LastLook Examination::last_look(Role role) {
  Holdings* holdings = holdings_of(role);
  if (holdings == nullptr) {
    return {};
  }
  return [holdings](pid_t process) { holdings->look_at(process, "a program at its end"); };
}

void Examination::look() {
  for (Holdings* holdings : {&distributor_, &manager_, &carrier_, &device_}) {
    holdings->look();
  }
}

// The capture as the carrier has it lies among its files; here come its streams without the records
// of the file around them, and what is under TLS.
Outcome<void> Examination::take_capture(const std::string& known_plaintext) {
  const SecretBytes file = KB_TRY(crypto::read_file(capture(site_)));
  const auto pieces = KB_TRY(roles::carrier::decode_capture(file.expose()));
  std::uint32_t connections = 0;
  for (const roles::carrier::Piece& piece : pieces) {
    connections = std::max(connections, piece.connection);
  }
  if (connections == 0) {
    return failure("the carrier captured nothing", capture(site_));
  }
  TlsKeyLog log;
  if (!known_plaintext.empty()) {
    const SecretBytes text = KB_TRY(crypto::read_file(tls_key_log(site_)));
    log =
        TlsKeyLog::parse(std::string_view(std::string(text.expose().begin(), text.expose().end())));
  }
  bool known_in_raw = false;
  bool known_in_plain = false;
  for (std::uint32_t connection = 1; connection <= connections; ++connection) {
    using roles::carrier::Direction;
    Bytes up = roles::carrier::joined(pieces, connection, Direction::kToServer);
    Bytes down = roles::carrier::joined(pieces, connection, Direction::kToClient);
    if (!known_plaintext.empty()) {
      Bytes plain = KB_TRY(open_tls(up, down, log));
      known_in_raw =
          known_in_raw || contains(up, known_plaintext) || contains(down, known_plaintext);
      known_in_plain = known_in_plain || contains(plain, known_plaintext);
      carrier_.add("the capture, TLS removed", std::move(plain));
    }
    carrier_.add("the capture", std::move(up));
    carrier_.add("the capture", std::move(down));
  }
  if (!known_plaintext.empty() && (known_in_raw || !known_in_plain)) {
    return failure(known_in_raw ? "the carrier reads what TLS should hide"
                                : "the capture does not show what passed, even without its TLS: "
                                  "searching it would prove nothing");
  }
  return {};
}

// With every key set, the examiner opens the SCP03 sessions that the device relayed: their keys are
// secrets too. SCP11a sessions are nobody's to open afterwards (rehearsal.h).
Outcome<std::vector<Secret>> Examination::session_keys(const Evidence& evidence) const {
  CoalitionView view{.apdus = read_apdu_log(apdu_log(site_))};
  for (const scp::Scp03KeySet& keys : evidence.all_key_sets) {
    view.key_sets.push_back(keys.duplicate());
  }
  const Derived derived = derive(view);
  const bool by_key_sets =
      evidence.level == envelope::RelayLevel::kRl1 || evidence.level == envelope::RelayLevel::kRl3;
  if (derived.session_keys.empty() && by_key_sets) {
    return failure("no relayed session opens even with every key: the solver would prove nothing",
                   apdu_log(site_));
  }
  const bool by_certificates =
      evidence.level == envelope::RelayLevel::kRl2 || evidence.level == envelope::RelayLevel::kRl4;
  if (by_certificates && derived.agreements == 0) {
    return failure("no SCP11a session was relayed: there is nothing to try the solver on",
                   apdu_log(site_));
  }
  std::vector<Secret> out;
  out.reserve(derived.session_keys.size());
  for (const SecretBytes& key : derived.session_keys) {
    out.push_back({fmt::format("session key {}", out.size() + 1), key.duplicate(), false});
  }
  return out;
}

Examination::Party Examination::search_party(const char* name,
                                             const Holdings& holdings,
                                             const SecretSearch& search,
                                             const Evidence& evidence) {
  Party out{.name = name, .holdings = &holdings};
  for (const Holdings::Piece& piece : holdings.pieces()) {
    for (const SecretSearch::Hit& hit : search.find(piece.octets)) {
      out.hits.emplace(hit, piece.where);
    }
    for (crypto::EcPrivateKey& key : private_keys_in(piece.octets)) {
      const bool known =
          std::ranges::any_of(out.private_keys, [&](const crypto::EcPrivateKey& other) {
            return other.public_key() == key.public_key();
          });
      if (!known) {
        out.private_keys.push_back(std::move(key));
      }
    }
  }
  for (const SealedEnvelope& envelope : evidence.envelopes) {
    if (holdings.holds(envelope.envelope)) {
      out.envelopes.push_back(envelope);
    }
  }
  return out;
}

KnowledgeRow Examination::row(const Coalition& members,
                              const std::vector<Secret>& sessions,
                              const Evidence& evidence) const {
  KnowledgeRow out;
  std::set<std::string> held;
  const bool has_manager = std::ranges::any_of(
      members, [&](const Party* party) { return party->holdings == &manager_; });
  const auto is_by_right = [&](const std::string& name) {
    return has_manager && std::ranges::any_of(evidence.secrets, [&](const Secret& secret) {
             return secret.name == name && secret.issued_by_manager;
           });
  };
  for (const Party* party : members) {
    out.who += (out.who.empty() ? "" : " + ") + std::string(party->name);
    out.files += party->holdings->files();
    out.memories += party->holdings->memories();
    out.octets += party->holdings->octets();
    out.unread.insert(party->holdings->unread().begin(), party->holdings->unread().end());
    for (const auto& [hit, where] : party->hits) {
      held.insert(hit.name);
      if (is_by_right(hit.name)) {
        out.by_right.insert(hit.name);
      } else {
        out.found.insert(fmt::format("{} ({}, {})", hit.name, hit.form, where));
      }
    }
  }
  if (has_manager && evidence.has_managers_set) {
    out.by_right.insert("the channel keys that it issued");
  }
  solve(members, sessions, evidence, held, out);
  return out;
}

void Examination::solve(const Coalition& members,
                        const std::vector<Secret>& sessions,
                        const Evidence& evidence,
                        const std::set<std::string>& held,
                        KnowledgeRow& out) const {
  CoalitionView view{.agreement_keys = evidence.agreement_keys};
  for (const Party* party : members) {
    if (party->holdings == &manager_) {
      if (evidence.has_managers_set) {
        view.key_sets.push_back(evidence.all_key_sets.front().duplicate());
      }
      for (const crypto::EcPrivateKey& key : evidence.manager_keys) {
        if (auto copy = crypto::EcPrivateKey::from_scalar(key.expose_scalar())) {
          view.private_keys.push_back(std::move(*copy));
        }
      }
    }
    if (party->holdings == &device_) {
      view.apdus = read_apdu_log(apdu_log(site_));
    }
    for (const crypto::EcPrivateKey& key : party->private_keys) {
      if (auto copy = crypto::EcPrivateKey::from_scalar(key.expose_scalar())) {
        view.private_keys.push_back(std::move(*copy));
      }
    }
    view.envelopes.insert(view.envelopes.end(), party->envelopes.begin(), party->envelopes.end());
  }
  // What the search found is used as well.
  const auto is_held = [&](const Secret& secret) { return held.contains(secret.name); };
  for (const Secret& secret : evidence.secrets) {
    if (is_held(secret)) {
      view.static_deks.push_back(secret.value.duplicate());
      auto key = crypto::EcPrivateKey::from_scalar(secret.value.expose());
      if (key) {
        view.private_keys.push_back(std::move(*key));
      }
    }
  }
  for (const scp::Scp03KeySet& keys : evidence.all_key_sets) {
    const auto holds_part = [&](const SecretBytes& part) {
      const Secret* secret = secret_with(evidence.secrets, part);
      return secret != nullptr && is_held(*secret);
    };
    if (holds_part(keys.enc) && holds_part(keys.mac) && holds_part(keys.dek)) {
      view.key_sets.push_back(keys.duplicate());
    }
  }
  const Derived derived = derive(view);
  out.sessions = derived.sessions;
  out.sets_tried = derived.sets_tried;
  out.keys_tried = derived.tried;
  out.agreements = derived.agreements;
  out.agreements_tried = derived.agreements_tried;
  for (const SecretBytes& key : derived.keys) {
    const Secret* secret = secret_with(evidence.secrets, key);
    if (secret != nullptr && !held.contains(secret->name) && !secret->issued_by_manager) {
      out.derived.insert(secret->name);
    }
  }
  // Keys of sessions whose static keys it found say nothing new.
  if (!out.derived.empty()) {
    for (const SecretBytes& key : derived.session_keys) {
      if (const Secret* secret = secret_with(sessions, key)) {
        out.derived.insert(secret->name);
      }
    }
  }
}

Outcome<KnowledgeTable> Examination::conclude(const Evidence& evidence) {
  look();
  KB_TRY(take_capture(evidence.known_plaintext));
  const std::vector<Secret> sessions = KB_TRY(session_keys(evidence));
  KnowledgeTable table{.scheme = evidence.scheme, .level = evidence.level};
  SecretSearch search;
  for (const std::vector<Secret>* all : {&evidence.secrets, &sessions}) {
    for (const Secret& secret : *all) {
      search.add(secret.name, secret.value.expose());
      table.secrets.push_back(secret.name);
    }
  }
  const Party b = search_party("B", distributor_, search, evidence);
  const Party c = search_party("C", manager_, search, evidence);
  const Party d = search_party("D", carrier_, search, evidence);
  const Party device = search_party("device", device_, search, evidence);
  for (const Coalition& members :
       std::initializer_list<Coalition>{{&b}, {&c}, {&d}, {&device}, {&b, &c}, {&c, &device}}) {
    table.rows.push_back(row(members, sessions, evidence));
  }
  return table;
}

}  // namespace kagibin::cli::demo
