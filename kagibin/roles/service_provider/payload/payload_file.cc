// SPDX-License-Identifier: Apache-2.0
#include "kagibin/roles/service_provider/payload/payload_file.h"

#include <fmt/format.h>

#include "kagibin/crypto/cipher/aes.h"
#include "kagibin/envelope/payload/own_command.h"
#include "kagibin/roles/service_provider/members.h"
#include "kagibin/roles/service_provider/payload/relay_exposure.h"

namespace kagibin::roles::service_provider {
namespace {

namespace json = boost::json;

constexpr std::uint8_t kFirstScp03KeyVersion = 0x30;  // Amendment D, 4.1.2: 30 to 3F
constexpr std::uint8_t kLastScp03KeyVersion = 0x3F;
constexpr std::uint8_t kHighestKeyVersion = 0x7F;
constexpr std::size_t kMaxGroupValue = 900;
constexpr std::size_t kMaxCommandData = 223;

Checked<std::size_t> aes_size(Members& in, std::string_view name) {
  const std::uint32_t size = KB_TRY(in.number(name, 16, 32));
  if (!crypto::is_aes_key_size(size)) {
    return problem(Errc::kValue,
                   fmt::format("{} has to be 16, 24 or 32 octets.", in.path_of(name)));
  }
  return std::size_t{size};
}

// Inside PUT KEY, version and identifier of a derived key are the action's; elsewhere the source
// states them.
Checked<KeySource> parse_source(const json::value& value,
                                const std::string& path,
                                const std::optional<KeySlot>& place) {
  Members in = KB_TRY(Members::of(value, path));
  KeySource out;
  if (in.has("derive")) {
    Members derive = KB_TRY(in.object("derive"));
    DerivedKey key;
    key.master = KB_TRY(derive.text("master"));
    key.size_bytes = KB_TRY(aes_size(derive, "size"));
    key.key_version = place ? place->key_version : KB_TRY(derive.hex_octet("key_version"));
    key.key_identifier = place ? place->key_identifier : KB_TRY(derive.hex_octet("key_identifier"));
    KB_TRY(derive.finish());
    out = std::move(key);
  } else if (in.has("random")) {
    out = RandomKey{KB_TRY(aes_size(in, "random"))};
  } else if (in.has("csv")) {
    Members csv = KB_TRY(in.object("csv"));
    CsvKey key;
    key.file = KB_TRY(csv.text("file"));
    key.column = KB_TRY(csv.text("column"));
    KB_TRY(csv.finish());
    out = std::move(key);
  } else if (in.has("literal")) {
    out = LiteralKey{.name = KB_TRY(in.text("literal")), .slot = place};
  } else {
    return problem(Errc::kNotFound,
                   fmt::format("{} names no source of a key: give one of derive, random, csv, "
                               "literal. A key itself never stands in a payload file.",
                               path));
  }
  KB_TRY(in.finish());
  return out;
}

Checked<PlannedValue> parse_value(Members& in, std::size_t max) {
  if (in.has("key")) {
    const json::value* source = KB_TRY(in.value("key"));
    return PlannedValue(KB_TRY(parse_source(*source, in.path_of("key"), std::nullopt)));
  }
  if (in.has("kcv")) {
    const bool wanted = KB_TRY(in.boolean("kcv"));
    if (!wanted) {
      return problem(Errc::kValue, fmt::format("{} is true or absent.", in.path_of("kcv")));
    }
    return PlannedValue(KeyCheck{});
  }
  return PlannedValue(KB_TRY(in.hex("value", 0, max)));
}

Checked<std::vector<PlannedValue>> parse_values(Members& in, bool keys_allowed) {
  std::vector<PlannedValue> out;
  const json::array& data = *KB_TRY(in.array("data"));
  for (std::size_t i = 0; i < data.size(); ++i) {
    Members part = KB_TRY(Members::of(data[i], fmt::format("{}[{}]", in.path_of("data"), i)));
    out.push_back(KB_TRY(parse_value(part, kMaxCommandData)));
    KB_TRY(part.finish());
    if (!keys_allowed && std::holds_alternative<KeySource>(out.back())) {
      return problem(Errc::kPolicy,
                     fmt::format("{} puts a key into a probe, which proves by what the element "
                                 "holds already; use its check value (kcv).",
                                 part.path()));
    }
  }
  return out;
}

Checked<std::array<std::uint8_t, 4>> parse_header(Members& in) {
  const Bytes header = KB_TRY(in.hex("header", 4, 4));
  if (!envelope::is_plain_class(header[0])) {
    return problem(Errc::kValue,
                   fmt::format("{} {} has class octet {:02X}, and both ends refuse it: give 00 or "
                               "80, without channel, chaining and secure messaging; the secure "
                               "channel adds its own bits.",
                               in.path_of("header"), to_hex(header), header[0]));
  }
  return *to_array<4>(header);
}

Checked<std::optional<PlannedProbe>> parse_probe(Members& in) {
  if (!in.has("probe")) {
    return std::optional<PlannedProbe>();
  }
  const json::value* value = KB_TRY(in.value("probe"));
  PlannedProbe out;
  if (!value->is_object()) {
    out.command = KB_TRY(in.hex("probe", envelope::kProbeMinSize, envelope::kProbeMaxSize));
    if (const auto sendable = envelope::check_probe_command(out.command); !sendable) {
      return problem(sendable.error().code, fmt::format("{} {}: {}.", in.path_of("probe"),
                                                        to_hex(ByteView(out.command).first(4)),
                                                        sendable.error().detail.text()));
    }
    return std::optional<PlannedProbe>(std::move(out));
  }
  Members probe = KB_TRY(in.object("probe"));
  out.header = KB_TRY(parse_header(probe));
  out.data = KB_TRY(parse_values(probe, false));
  KB_TRY(probe.finish());
  return std::optional<PlannedProbe>(std::move(out));
}

Checked<PlannedAction> parse_put_key(Members in) {
  PlannedPutKey out;
  if (in.has("replace")) {
    out.old_key_version = KB_TRY(in.hex_octet("replace"));
  }
  out.new_key_version = KB_TRY(in.hex_octet("key_version"));
  out.first_key_identifier = KB_TRY(in.hex_octet("key_identifier"));
  const json::array& keys = *KB_TRY(in.array("keys"));
  if (keys.size() > envelope::kMaxKeysPerAction || out.first_key_identifier > 0x7D) {
    return problem(Errc::kLimit, fmt::format("{} has 1 to 3 keys up to identifier 7F.", in.path()));
  }
  for (std::size_t i = 0; i < keys.size(); ++i) {
    const KeySlot place{out.new_key_version,
                        static_cast<std::uint8_t>(out.first_key_identifier + i)};
    out.keys.push_back(
        KB_TRY(parse_source(keys[i], fmt::format("{}[{}]", in.path_of("keys"), i), place)));
  }
  KB_TRY(in.finish());
  return PlannedAction(std::move(out));
}

Checked<PlannedAction> parse_store_data(Members in) {
  PlannedStoreData out;
  if (in.has("application")) {
    out.application = KB_TRY(in.aid("application"));
  }
  const json::array& groups = *KB_TRY(in.array("groups"));
  bool has_key = false;
  std::string written_out;
  for (std::size_t i = 0; i < groups.size(); ++i) {
    Members group = KB_TRY(Members::of(groups[i], fmt::format("{}[{}]", in.path_of("groups"), i)));
    const Bytes dgi = KB_TRY(group.hex("dgi", 2, 2));
    PlannedStoreData::Group entry;
    entry.dgi = static_cast<std::uint16_t>(dgi[0] << 8U | dgi[1]);
    entry.value = KB_TRY(parse_value(group, kMaxGroupValue));
    KB_TRY(group.finish());
    if (std::holds_alternative<KeySource>(entry.value)) {
      has_key = true;
    } else {
      written_out = group.path();
    }
    out.groups.push_back(std::move(entry));
  }
  // Only where no key is carried may the question stay open.
  if (has_key || in.has("under_key_dek")) {
    out.under_key_dek = KB_TRY(in.boolean("under_key_dek"));
  }
  if (out.under_key_dek && !written_out.empty()) {
    return problem(Errc::kPolicy,
                   fmt::format("{} is a secret (under_key_dek) written out in the payload file; "
                               "refer to a key by derive, random, csv or literal instead, and put "
                               "what is no secret into a store_data of its own.",
                               written_out));
  }
  out.probe = KB_TRY(parse_probe(in));
  KB_TRY(in.finish());
  return PlannedAction(std::move(out));
}

Checked<PlannedAction> parse_command(Members in) {
  PlannedCommand out;
  out.header = KB_TRY(parse_header(in));
  out.data = KB_TRY(parse_values(in, true));
  out.probe = KB_TRY(parse_probe(in));
  KB_TRY(in.finish());
  return PlannedAction(std::move(out));
}

Checked<PlannedAction> parse_action(const json::value& value, const std::string& path) {
  Members in = KB_TRY(Members::of(value, path));
  std::optional<PlannedAction> out;
  if (in.has("put_key")) {
    Members body = KB_TRY(in.object("put_key"));
    out = KB_TRY(parse_put_key(std::move(body)));
  } else if (in.has("store_data")) {
    Members body = KB_TRY(in.object("store_data"));
    out = KB_TRY(parse_store_data(std::move(body)));
  } else if (in.has("delete_key")) {
    Members key = KB_TRY(in.object("delete_key"));
    out = PlannedDeleteKey{KB_TRY(key.hex_octet("key_version"))};
    KB_TRY(key.finish());
  } else if (in.has("command")) {
    Members body = KB_TRY(in.object("command"));
    out = KB_TRY(parse_command(std::move(body)));
  } else {
    return problem(
        Errc::kNotFound,
        fmt::format("{} names no action: put_key, store_data, delete_key or command.", path));
  }
  KB_TRY(in.finish());
  return std::move(*out);
}

bool is_scp03_set(const PlannedPutKey& action) {
  return action.keys.size() == 3 && action.first_key_identifier == 0x01 &&
         action.new_key_version >= kFirstScp03KeyVersion &&
         action.new_key_version <= kLastScp03KeyVersion;
}

// Protocol, section 8: the delivery that first gives A its own key set replaces C's or ends by
// deleting it.
Checked<void> check_issuer_keys(const PayloadFile& payload) {
  if (payload.target != payload.security_domain) {
    return {};
  }
  bool adds = false;
  bool removes = false;
  for (const PlannedAction& action : payload.actions) {
    if (const auto* put = std::get_if<PlannedPutKey>(&action)) {
      adds = adds || (is_scp03_set(*put) && put->old_key_version == 0);
      // Part of a set leaves the rest, which opens a session still.
      removes =
          removes || (is_scp03_set(*put) && put->old_key_version == payload.channel_key_version);
    } else if (const auto* gone = std::get_if<PlannedDeleteKey>(&action)) {
      removes = removes || gone->key_version == payload.channel_key_version;
    }
  }
  if (adds && !removes) {
    return problem(
        Errc::kPolicy,
        fmt::format("The payload adds a secure channel key set and leaves key version "
                    "{:02X}, which opened the channel, in the domain: whoever holds that "
                    "set keeps its access. Replace {:02X}, or end with delete_key of it.",
                    payload.channel_key_version, payload.channel_key_version));
  }
  return {};
}

Checked<std::vector<PlannedAction>> parse_actions(Members& in) {
  const json::array& actions = *KB_TRY(in.array("actions"));
  if (actions.size() > envelope::kMaxActions) {
    return problem(Errc::kLimit, "payload.actions has at most 8 entries.");
  }
  std::vector<PlannedAction> out;
  out.reserve(actions.size());
  for (std::size_t i = 0; i < actions.size(); ++i) {
    out.push_back(
        KB_TRY(parse_action(actions[i], fmt::format("{}[{}]", in.path_of("actions"), i))));
  }
  return out;
}

// RL2 is for a security domain itself: CERT.SD names it as the target.
Checked<void> check_agreement_key(const PayloadFile& payload) {
  if (payload.target != payload.security_domain) {
    return problem(Errc::kPolicy,
                   "payload.channel.agreement_key_version is for a target that is a security "
                   "domain: CERT.SD names the domain, and RL2 delivers to nobody else. Take it "
                   "out, or deliver to the domain.");
  }
  const std::uint8_t version = *payload.agreement_key_version;
  if (version == 0 || version > kHighestKeyVersion || version == payload.channel_key_version) {
    return problem(Errc::kValue,
                   "payload.channel.agreement_key_version is 01 to 7F and another version than "
                   "the key set's.");
  }
  return {};
}

// What opens its envelope itself has no use for what a relay needs, and its own commands are the
// actions.
Checked<void> check_own_delivery(const PayloadFile& payload) {
  for (const PlannedAction& action : payload.actions) {
    const auto* store = std::get_if<PlannedStoreData>(&action);
    if (std::holds_alternative<PlannedCommand>(action) || (store != nullptr && store->probe)) {
      return problem(Errc::kPolicy,
                     "payload.own_delivery takes put_key, store_data and delete_key, and no probe: "
                     "the domain itself carries them out and knows what came of it. Take the "
                     "command or the probe out.");
    }
  }
  return {};
}

Checked<PayloadFile> parse_own_delivery(Members& in, const Aid& target) {
  if (!KB_TRY(in.boolean("own_delivery"))) {
    return problem(Errc::kValue, "payload.own_delivery is true, or not there.");
  }
  if (in.has("channel")) {
    return problem(Errc::kConflict,
                   "payload.own_delivery says that the target opens the envelope itself, and "
                   "payload.channel how to reach it over a relay: take one of them out.");
  }
  PayloadFile out{.target = target, .security_domain = target, .own_delivery = true, .actions = {}};
  out.actions = KB_TRY(parse_actions(in));
  KB_TRY(in.finish());
  KB_TRY(check_own_delivery(out));
  return out;
}

}  // namespace

Checked<PayloadFile> PayloadFile::parse(std::string_view text) {
  const json::value value = KB_TRY(parse_strict(text, "payload"));
  Members in = KB_TRY(Members::of(value, "payload"));
  const Aid target = KB_TRY(in.aid("target"));
  if (in.has("own_delivery")) {
    PayloadFile own = KB_TRY(parse_own_delivery(in, target));
    own.digest = crypto::sha256(ascii(text));
    return own;
  }
  if (!in.has("channel")) {
    const auto actions = KB_TRY(parse_actions(in));
    return std::unexpected(without_channel(actions));
  }
  Members channel = KB_TRY(in.object("channel"));
  PayloadFile out{.target = target,
                  .security_domain = channel.has("security_domain")
                                         ? KB_TRY(channel.aid("security_domain"))
                                         : target,
                  .channel_key_version = KB_TRY(channel.hex_octet("key_version")),
                  .actions = {},
                  .digest = crypto::sha256(ascii(text))};
  if (channel.has("agreement_key_version")) {
    out.agreement_key_version = KB_TRY(channel.hex_octet("agreement_key_version"));
    KB_TRY(check_agreement_key(out));
  }
  KB_TRY(channel.finish());
  out.actions = KB_TRY(parse_actions(in));
  KB_TRY(in.finish());
  KB_TRY(check_issuer_keys(out));
  return out;
}

std::vector<KeySource> PayloadFile::key_sources() const {
  std::vector<KeySource> out;
  const auto add_value = [&](const PlannedValue& value) {
    if (const auto* source = std::get_if<KeySource>(&value)) {
      out.push_back(*source);
    }
  };
  for (const PlannedAction& action : actions) {
    if (const auto* put = std::get_if<PlannedPutKey>(&action)) {
      out.insert(out.end(), put->keys.begin(), put->keys.end());
    } else if (const auto* store = std::get_if<PlannedStoreData>(&action)) {
      for (const auto& group : store->groups) {
        add_value(group.value);
      }
    } else if (const auto* command = std::get_if<PlannedCommand>(&action)) {
      std::ranges::for_each(command->data, add_value);
    }
  }
  return out;
}

bool PayloadFile::has_key_under_session_alone() const {
  const auto is_key = [](const PlannedValue& value) {
    return std::holds_alternative<KeySource>(value);
  };
  return std::ranges::any_of(actions, [&](const PlannedAction& action) {
    if (const auto* command = std::get_if<PlannedCommand>(&action)) {
      return std::ranges::any_of(command->data, is_key);
    }
    const auto* store = std::get_if<PlannedStoreData>(&action);
    return store != nullptr && !store->under_key_dek &&
           std::ranges::any_of(store->groups, is_key, &PlannedStoreData::Group::value);
  });
}

std::set<std::string> PayloadFile::csv_files() const {
  std::set<std::string> out;
  for (const KeySource& source : key_sources()) {
    if (const auto* csv = std::get_if<CsvKey>(&source)) {
      out.insert(csv->file);
    }
  }
  return out;
}

}  // namespace kagibin::roles::service_provider
