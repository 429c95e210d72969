// SPDX-License-Identifier: Apache-2.0
#include "kagibin/se/kda/target/probe.h"

#include <algorithm>

#include "kagibin/scp/scp03/scp03_host.h"

namespace kagibin::se {

namespace {

using envelope::PutKeyAction;

const PutKeyAction* whole_set(const envelope::Action& action) {
  const auto* put = std::get_if<PutKeyAction>(&action);
  return put != nullptr && is_whole_set(*put) ? put : nullptr;
}

Finding judge_added(const PutKeyAction& action, const gp::KeyInformation& keys) {
  if (is_whole_set(action)) {
    // A version that is there may hold other keys: only its card cryptogram tells.
    return keys.holds(action.new_key_version) ? Finding::kOpen : Finding::kAbsent;
  }
  std::size_t there = 0;
  for (std::size_t i = 0; i < action.keys.size(); ++i) {
    const auto identifier = static_cast<std::uint8_t>(action.first_key_identifier + i);
    there += keys.holds(action.new_key_version, identifier) ? 1U : 0U;
  }
  if (there == 0) {
    return Finding::kAbsent;
  }
  return there == action.keys.size() ? Finding::kPresent : Finding::kOpen;
}

}  // namespace

ProbeKind probe_for(const envelope::Action& action) {
  if (const auto* put = std::get_if<PutKeyAction>(&action)) {
    if (is_whole_set(*put)) {
      return ProbeKind::kCardCryptogram;
    }
    return put->old_key_version == 0 ? ProbeKind::kKeyList : ProbeKind::kSendAgain;
  }
  if (std::holds_alternative<envelope::DeleteKeyAction>(action)) {
    return ProbeKind::kKeyList;
  }
  const auto* store = std::get_if<envelope::StoreDataAction>(&action);
  const auto* command = std::get_if<envelope::CommandAction>(&action);
  const bool has_probe =
      (store != nullptr && store->probe) || (command != nullptr && command->probe);
  return has_probe ? ProbeKind::kCommand : ProbeKind::kSendAgain;
}

Finding judge_cryptogram(const envelope::Payload& payload,
                         std::size_t index,
                         ByteView host_challenge,
                         const scp::InitializeUpdateAnswer& answer) {
  const PutKeyAction* put = whole_set(payload.actions.at(index));
  KB_CHECK(put != nullptr);
  if (card_holds(set_of(*put), host_challenge, answer)) {
    return Finding::kPresent;
  }
  const auto before = channel_keys_after(payload, index);
  if (before && before->version == put->new_key_version &&
      put->old_key_version == put->new_key_version && card_holds(*before, host_challenge, answer)) {
    return Finding::kAbsent;
  }
  return Finding::kOpen;
}

ProbeKind after_open_cryptogram(const envelope::Payload& payload, std::size_t index) {
  const PutKeyAction* put = whole_set(payload.actions.at(index));
  KB_CHECK(put != nullptr);
  if (put->old_key_version != put->new_key_version) {
    return ProbeKind::kKeyList;
  }
  const auto before = channel_keys_after(payload, index);
  return before && before->version == put->new_key_version ? ProbeKind::kCardCryptogram
                                                           : ProbeKind::kSendAgain;
}

Finding judge_key_list(const envelope::Action& action, const gp::KeyInformation& keys) {
  if (const auto* put = std::get_if<PutKeyAction>(&action)) {
    return judge_added(*put, keys);
  }
  if (const auto* deletion = std::get_if<envelope::DeleteKeyAction>(&action)) {
    return keys.holds(deletion->key_version) ? Finding::kAbsent : Finding::kPresent;
  }
  return Finding::kOpen;
}

bool is_disproved_by_channel(const envelope::Action& action, const ChannelKeySet& before) {
  const PutKeyAction* put = whole_set(action);
  return put != nullptr && put->old_key_version == before.version &&
         put->new_key_version != before.version;
}

bool works_without_rmac(const envelope::Action& action) { return whole_set(action) != nullptr; }

bool card_holds(const ChannelKeySet& set,
                ByteView host_challenge,
                const scp::InitializeUpdateAnswer& answer) {
  const auto keys = set.duplicate_set();
  return keys && scp::scp03_card_holds(*keys, host_challenge, answer);
}

}  // namespace kagibin::se
