// SPDX-License-Identifier: Apache-2.0
// The payload file: what to put into an element, in JSON, without a key in it (doc/payload.md).
//
//   { "target": "A0000001510000F0",
//     "channel": { "security_domain": "A0000001510000F0", "key_version": "30",
//                  "agreement_key_version": "03" },          or "own_delivery": true
//     "actions": [
//       { "put_key": { "replace": "30", "key_version": "30", "key_identifier": "01",
//                      "keys": [ { "derive": { "master": "fleet", "size": 16 } }, ... ] } },
//       { "store_data": { "application": "A0...", "under_key_dek": true, "probe": "80CA...",
//                         "groups": [ { "dgi": "8000", "key": { "random": 16 } } ] } },
//       { "delete_key": { "key_version": "31" } },
//       { "command": { "header": "80D80000", "data": [ { "value": "01" }, { "key": {...} } ] } } ]
//       }
//
// A key comes from one of: derive { master, size }, random SIZE, csv { file, column }, literal
// NAME. What can be decided without keys is decided here: a domain that gets its own secure channel
// keys beside those of the issuer has to lose the issuer's in the same payload, and a payload
// without a channel is refused by what the device would see of it, unless it says that the target
// takes the delivery by itself. Limits: 1 MiB, 1 to
// 8 actions, 1 to 3 keys a PUT KEY. Ownership: values. Thread-safety: values.
//
//   const PayloadFile payload = KB_TRY(PayloadFile::parse(text));
#pragma once

#include <array>
#include <cstdint>
#include <optional>
#include <set>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

#include "kagibin/base/aid.h"
#include "kagibin/crypto/sha256.h"
#include "kagibin/roles/service_provider/keys/blocks/key_attributes.h"
#include "kagibin/roles/service_provider/problem.h"

namespace kagibin::roles::service_provider {

struct DerivedKey {
  std::string master;
  std::size_t size_bytes = 0;
  // Part of what the key is derived over: SEID | target | KVN | KID.
  std::uint8_t key_version = 0;
  std::uint8_t key_identifier = 0;
};
struct RandomKey {
  std::size_t size_bytes = 0;
};
struct CsvKey {
  std::string file;
  std::string column;
};
struct LiteralKey {
  std::string name;
  std::optional<KeySlot> slot{};  // of the PUT KEY that it stands in
};
using KeySource = std::variant<DerivedKey, RandomKey, CsvKey, LiteralKey>;

struct PlannedPutKey {
  std::uint8_t old_key_version = 0;  // 00: add
  std::uint8_t new_key_version = 0;
  std::uint8_t first_key_identifier = 0;
  std::vector<KeySource> keys;
};

// The key check value of the last key before it in the same action.
struct KeyCheck {};
using PlannedValue = std::variant<Bytes, KeySource, KeyCheck>;

// A C-APDU that proves an action: as it stands, or a header and parts of data that are no keys.
struct PlannedProbe {
  Bytes command;  // empty: made of the following
  std::array<std::uint8_t, 4> header{};
  std::vector<PlannedValue> data;  // Bytes and KeyCheck only
};

struct PlannedStoreData {
  struct Group {
    std::uint16_t dgi = 0;
    PlannedValue value;
  };
  std::optional<Aid> application;
  bool under_key_dek = false;
  std::vector<Group> groups;
  std::optional<PlannedProbe> probe;
};

struct PlannedDeleteKey {
  std::uint8_t key_version = 0;
};

struct PlannedCommand {
  std::array<std::uint8_t, 4> header{};
  std::vector<PlannedValue> data;
  std::optional<PlannedProbe> probe;
};

using PlannedAction =
    std::variant<PlannedPutKey, PlannedStoreData, PlannedDeleteKey, PlannedCommand>;

struct PayloadFile {
  Aid target;                            // selected to open the channel
  Aid security_domain;                   // whose key set opens it; the target itself by default
  std::uint8_t channel_key_version = 0;  // of that key set
  // Of the domain's SK.SD.ECKA, KID 11: allows RL2, where the key set opens nothing.
  std::optional<std::uint8_t> agreement_key_version{};
  // The target's own OS opens the envelope: there is no channel, and nothing is relayed.
  bool own_delivery = false;
  std::vector<PlannedAction> actions;
  crypto::Digest256 digest{};  // of the text, to tell one payload from another

  static Checked<PayloadFile> parse(std::string_view text);
  std::vector<KeySource> key_sources() const;
  // Whether a key of it is under the channel's session alone, and not under a Key-DEK beside that:
  // in a command, or in STORE DATA without under_key_dek.
  bool has_key_under_session_alone() const;
  // Names of the CSV files that the payload refers to.
  std::set<std::string> csv_files() const;
};

}  // namespace kagibin::roles::service_provider
