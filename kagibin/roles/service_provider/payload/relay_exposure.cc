// SPDX-License-Identifier: Apache-2.0
#include "kagibin/roles/service_provider/payload/relay_exposure.h"

#include <algorithm>

#include <fmt/format.h>

namespace kagibin::roles::service_provider {
namespace {

using envelope::OwnCommand;

constexpr std::string_view kPutKeyHeader = "80D8";
constexpr std::string_view kStoreDataHeader = "80E2";
constexpr std::string_view kDeleteKeyHeader = "80E4";

void add_probe(std::vector<OwnCommand>& out,
               std::size_t index,
               const std::optional<PlannedProbe>& probe) {
  if (!probe) {
    return;
  }
  OwnCommand command{.action = index, .header = probe->header, .is_probe = true};
  if (!probe->command.empty()) {
    std::ranges::copy(ByteView(probe->command).first(command.header.size()),
                      command.header.begin());
  }
  out.push_back(command);
}

std::string source_text(const KeySource& source) {
  if (const auto* derived = std::get_if<DerivedKey>(&source)) {
    return fmt::format("the key of {} octets derived from master key {}", derived->size_bytes,
                       derived->master);
  }
  if (const auto* random = std::get_if<RandomKey>(&source)) {
    return fmt::format("the random key of {} octets", random->size_bytes);
  }
  if (const auto* csv = std::get_if<CsvKey>(&source)) {
    return fmt::format("the key of {}, column {}", csv->file, csv->column);
  }
  return fmt::format("the literal key {}", std::get<LiteralKey>(source).name);
}

// What an action's command would show: its header as far as it is known, and the keys in it.
struct Shown {
  std::string command;
  std::vector<std::string> keys;

  void add(const PlannedValue& value) {
    if (const auto* source = std::get_if<KeySource>(&value)) {
      keys.push_back(source_text(*source));
    }
  }
  std::string list() const { return fmt::format("{}", fmt::join(keys, ", ")); }
};

Shown shown(const PlannedAction& action) {
  Shown out;
  if (const auto* put = std::get_if<PlannedPutKey>(&action)) {
    out.command = fmt::format("PUT KEY {}", kPutKeyHeader);
    std::ranges::for_each(put->keys, [&](const KeySource& key) { out.add(PlannedValue(key)); });
  } else if (const auto* store = std::get_if<PlannedStoreData>(&action)) {
    out.command = fmt::format("STORE DATA {}", kStoreDataHeader);
    std::ranges::for_each(store->groups, [&](const auto& group) { out.add(group.value); });
  } else if (const auto* own = std::get_if<PlannedCommand>(&action)) {
    out.command = fmt::format("the target's own command {}", to_hex(own->header));
    std::ranges::for_each(own->data, [&](const PlannedValue& value) { out.add(value); });
  } else {
    out.command = fmt::format("DELETE {}", kDeleteKeyHeader);
  }
  return out;
}

}  // namespace

std::vector<OwnCommand> planned_commands(const PayloadFile& payload) {
  std::vector<OwnCommand> out;
  for (std::size_t i = 0; i < payload.actions.size(); ++i) {
    if (const auto* command = std::get_if<PlannedCommand>(&payload.actions[i])) {
      out.push_back({.action = i, .header = command->header, .is_probe = false});
      add_probe(out, i, command->probe);
    } else if (const auto* store = std::get_if<PlannedStoreData>(&payload.actions[i])) {
      add_probe(out, i, store->probe);
    }
  }
  return out;
}

Checked<void> refuse_answers_in_clear(const std::vector<OwnCommand>& commands,
                                      std::uint8_t required_i_mask,
                                      std::string_view undone) {
  const bool is_encrypted =
      (required_i_mask & envelope::kAnswersEncryptedMask) == envelope::kAnswersEncryptedMask;
  if (is_encrypted || commands.empty()) {
    return {};
  }
  const OwnCommand& first = commands.front();
  return problem(
      Errc::kPolicy,
      fmt::format(
          "payload.actions[{}] sends {} {} to the target, and policy.required_i_mask {:02X} "
          "admits a target that does not encrypt its answers (SCP03 without R-MAC and "
          "R-ENC): the device would see everything that the application answers to it. {} "
          "Take required_i_mask \"60\", or a target whose keys are set by put_key or "
          "store_data without a probe.",
          first.action, first.is_probe ? "the probe" : "the application's own command",
          to_hex(first.header), required_i_mask, undone));
}

Problem without_channel(const std::vector<PlannedAction>& actions) {
  std::size_t index = 0;
  Shown first = shown(actions.front());
  for (std::size_t i = 0; i < actions.size() && first.keys.empty(); ++i) {
    if (Shown next = shown(actions[i]); !next.keys.empty()) {
      index = i;
      first = std::move(next);
    }
  }
  const std::string seen = first.keys.empty()
                               ? "all of its data"
                               : fmt::format("all of its data, in it {}", first.list());
  return Problem(
      Errc::kPolicy,
      fmt::format(
          "payload.channel is missing: payload.actions[{}] would go over the relay in the clear, "
          "for without a secure channel nothing hides {} from the device, which would see {}. "
          "Such a target is not deliverable. Name payload.channel where the target or its "
          "security domain opens SCP03, or payload.own_delivery where the domain opens the "
          "envelope itself; otherwise the key has to get there another way.",
          index, first.command, seen));
}

}  // namespace kagibin::roles::service_provider
