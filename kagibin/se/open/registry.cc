// SPDX-License-Identifier: Apache-2.0
#include "kagibin/se/open/registry.h"

#include <utility>

#include "kagibin/base/byte_io.h"
#include "kagibin/scp/protocol_identifier.h"
#include "kagibin/tlv/ber_tlv.h"

namespace kagibin::se {

namespace {

constexpr std::string_view kEntries = "reg/";
constexpr std::string_view kLoadFiles = "elf/";
constexpr std::size_t kMaxProtocols = 16;
constexpr std::size_t kMemoryOctets = 16;
constexpr tlv::Tag kImplicitSelection = 0x87;

std::string name_of(std::string_view folder, const Aid& aid) {
  std::string out;
  out.reserve(folder.size() + 2 * Aid::kMaxLength);
  out.append(folder).append(aid.hex());
  return out;
}

Result<Aid> read_aid(tlv::TlvReader& in, tlv::Tag tag) {
  return Aid::from(KB_TRY(in.expect(tag, Aid::kMinLength, Aid::kMaxLength)).value);
}

Result<std::vector<gp::ChannelProtocol>> decode_protocols(ByteView octets) {
  if (octets.size() == 1) {  // as elements were made before domains had a list: i of SCP03
    return std::vector<gp::ChannelProtocol>{{.scp = scp::kScp03, .parameter = octets[0]}};
  }
  std::vector<gp::ChannelProtocol> out;
  ByteReader in(octets);
  while (!in.empty()) {
    const std::uint8_t scp = KB_TRY(in.u8());
    const std::uint16_t parameter = KB_TRY(in.u16());
    out.push_back({.scp = scp, .parameter = parameter});
  }
  return out;
}

Bytes encode_protocols(const std::vector<gp::ChannelProtocol>& protocols) {
  ByteWriter out;
  for (const gp::ChannelProtocol& protocol : protocols) {
    out.u8(protocol.scp).u16(protocol.parameter);
  }
  return out.take();
}

Result<MemoryShare> decode_memory(ByteView octets) {
  ByteReader in(octets);
  MemoryShare out;
  out.reserved_data = KB_TRY(in.u32());
  out.reserved_volatile = KB_TRY(in.u32());
  out.data_quota = KB_TRY(in.u32());
  out.volatile_quota = KB_TRY(in.u32());
  return out;
}

Bytes encode_memory(const MemoryShare& memory) {
  return ByteWriter()
      .u32(memory.reserved_data)
      .u32(memory.reserved_volatile)
      .u32(memory.data_quota)
      .u32(memory.volatile_quota)
      .take();
}

Result<std::optional<gp::Acceptance>> read_acceptance(tlv::TlvReader& in, tlv::Tag tag) {
  const auto object = KB_TRY(in.optional(tag, 2));
  if (!object) {
    return std::nullopt;
  }
  return gp::Acceptance{.applications = object->value[0], .load_files = object->value[1]};
}

void write_acceptance(tlv::TlvWriter& out,
                      tlv::Tag tag,
                      const std::optional<gp::Acceptance>& acceptance) {
  if (acceptance) {
    out.put(tag, Bytes{acceptance->applications, acceptance->load_files});
  }
}

// What elements that were made before it was there do not have.
Result<void> decode_rest(tlv::TlvReader& in, RegistryEntry& out) {
  if (in.empty()) {
    return {};
  }
  if (const auto selection = KB_TRY(in.optional(kImplicitSelection, 1))) {
    out.implicit_selection = KB_TRY(gp::ImplicitSelection::from(selection->value[0]));
  }
  out.extradition_here = KB_TRY(read_acceptance(in, 0x88));
  out.extradition_away = KB_TRY(read_acceptance(in, 0x89));
  out.deletion = KB_TRY(read_acceptance(in, 0x8A));
  out.personalized_at_once = KB_TRY(in.optional(0x8B, 0)).has_value();
  if (const auto memory = KB_TRY(in.optional(0x8C, kMemoryOctets))) {
    out.memory = KB_TRY(decode_memory(memory->value));
  }
  return in.finish();
}

void encode_rest(const RegistryEntry& entry, tlv::TlvWriter& out) {
  if (entry.implicit_selection) {
    out.put_u8(kImplicitSelection, entry.implicit_selection->octet);
  }
  write_acceptance(out, 0x88, entry.extradition_here);
  write_acceptance(out, 0x89, entry.extradition_away);
  write_acceptance(out, 0x8A, entry.deletion);
  if (entry.personalized_at_once) {
    out.put(0x8B, {});
  }
  if (entry.memory != MemoryShare{}) {
    out.put(0x8C, encode_memory(entry.memory));
  }
}

Result<RegistryEntry> decode_entry(const Aid& aid, ByteView octets) {
  tlv::TlvReader in(octets);
  const std::uint8_t kind = tlv::to_u8(KB_TRY(in.expect(0x80, 1)));
  const std::uint8_t state = tlv::to_u8(KB_TRY(in.expect(0x81, 1)));
  const tlv::Tlv privileges = KB_TRY(in.expect(0x82, 3));
  RegistryEntry out{.aid = aid,
                    .kind = static_cast<EntryKind>(kind),
                    .life_cycle = state,
                    .privileges = KB_TRY(gp::Privileges::decode(privileges.value)),
                    .security_domain = KB_TRY(read_aid(in, 0x83)),
                    .load_file = KB_TRY(read_aid(in, 0x84)),
                    .module = KB_TRY(read_aid(in, 0x85)),
                    .protocols = {}};
  const tlv::Tlv protocols = KB_TRY(in.expect(0x86, 0, kMaxProtocols * 3));
  out.protocols = KB_TRY(decode_protocols(protocols.value));
  KB_TRY(decode_rest(in, out));
  return out;
}

// Most entries have none, and need not be decoded to say so.
bool has_implicit_selection(ByteView octets) {
  tlv::TlvReader in(octets);
  while (const auto next = in.next()) {
    if (next->tag >= kImplicitSelection) {
      return next->tag == kImplicitSelection;
    }
  }
  return false;
}

Result<LoadFileEntry> decode_load_file(const Aid& aid, ByteView octets) {
  tlv::TlvReader in(octets);
  const std::uint8_t state = tlv::to_u8(KB_TRY(in.expect(0x80, 1)));
  const Aid domain = KB_TRY(read_aid(in, 0x81));
  const auto hash =
      to_array<sizeof(crypto::Digest256)>(KB_TRY(in.expect(0x82, sizeof(crypto::Digest256))).value);
  KB_CHECK(hash.has_value());
  LoadFileEntry out{.aid = aid, .life_cycle = state, .security_domain = domain, .code_hash = *hash};
  if (in.empty()) {
    return out;
  }
  out.loaded = true;
  const auto version = to_array<2>(KB_TRY(in.expect(0x83, 2)).value);
  KB_CHECK(version.has_value());
  out.version = *version;
  out.octets = tlv::to_u32(KB_TRY(in.expect(0x84, 4)));
  for (std::vector<Aid>* list : {&out.modules, &out.imports}) {
    const tlv::Tag tag = list == &out.modules ? 0x85 : 0x86;
    while (const auto name = KB_TRY(in.optional(tag, Aid::kMinLength, Aid::kMaxLength))) {
      list->push_back(KB_TRY(Aid::from(name->value)));
    }
  }
  KB_TRY(in.finish());
  return out;
}

}  // namespace

// Records are written by put() alone and checked by the log: one that does not decode is a broken
// invariant.
std::optional<RegistryEntry> Registry::find(const Aid& aid) const {
  const SecretBytes* record = nvm_.get(name_of(kEntries, aid));
  if (record == nullptr) {
    return std::nullopt;
  }
  auto entry = decode_entry(aid, record->expose());
  KB_CHECK(entry.has_value());
  return *entry;
}

Result<void> Registry::put(const RegistryEntry& entry) {
  tlv::TlvWriter out;
  out.put_u8(0x80, static_cast<std::uint8_t>(entry.kind)).put_u8(0x81, entry.life_cycle);
  out.put(0x82, entry.privileges.encode_three()).put(0x83, entry.security_domain.view());
  out.put(0x84, entry.load_file.view()).put(0x85, entry.module.view());
  out.put(0x86, encode_protocols(entry.protocols));
  encode_rest(entry, out);
  return nvm_.put(name_of(kEntries, entry.aid), out.view());
}

Result<void> Registry::erase(const Aid& aid) { return nvm_.erase(name_of(kEntries, aid)); }

std::vector<RegistryEntry> Registry::entries() const {
  std::vector<RegistryEntry> out;
  for (const std::string& name : nvm_.names(kEntries)) {
    const auto aid = Aid::from_hex(std::string_view(name).substr(kEntries.size()));
    KB_CHECK(aid.has_value());
    auto entry = decode_entry(*aid, nvm_.get(name)->expose());
    KB_CHECK(entry.has_value());
    out.push_back(std::move(*entry));
  }
  return out;
}

std::optional<LoadFileEntry> Registry::find_load_file(const Aid& aid) const {
  const SecretBytes* record = nvm_.get(name_of(kLoadFiles, aid));
  if (record == nullptr) {
    return std::nullopt;
  }
  auto entry = decode_load_file(aid, record->expose());
  KB_CHECK(entry.has_value());
  return *entry;
}

Result<void> Registry::put_load_file(const LoadFileEntry& entry) {
  tlv::TlvWriter out;
  out.put_u8(0x80, entry.life_cycle).put(0x81, entry.security_domain.view());
  out.put(0x82, entry.code_hash);
  if (entry.loaded) {
    out.put(0x83, entry.version).put_u32(0x84, entry.octets);
    for (const Aid& module : entry.modules) {
      out.put(0x85, module.view());
    }
    for (const Aid& import : entry.imports) {
      out.put(0x86, import.view());
    }
  }
  return nvm_.put(name_of(kLoadFiles, entry.aid), out.view());
}

Result<void> Registry::erase_load_file(const Aid& aid) {
  return nvm_.erase(name_of(kLoadFiles, aid));
}

std::vector<LoadFileEntry> Registry::load_files() const {
  std::vector<LoadFileEntry> out;
  for (const std::string& name : nvm_.names(kLoadFiles)) {
    const auto aid = Aid::from_hex(std::string_view(name).substr(kLoadFiles.size()));
    KB_CHECK(aid.has_value());
    const auto entry = find_load_file(*aid);
    KB_CHECK(entry.has_value());
    out.push_back(*entry);
  }
  return out;
}

std::optional<RegistryEntry> Registry::implicitly_selected(std::uint8_t channel) const {
  for (const std::string& name : nvm_.names(kEntries)) {
    if (!has_implicit_selection(nvm_.get(name)->expose())) {
      continue;
    }
    const auto aid = Aid::from_hex(std::string_view(name).substr(kEntries.size()));
    KB_CHECK(aid.has_value());
    auto entry = find(*aid);
    const auto& selection = entry->implicit_selection;
    if (selection && selection->on_contact() && selection->channel() == channel &&
        entry->selectable()) {
      return entry;
    }
  }
  return std::nullopt;
}

std::optional<RegistryEntry> Registry::select(ByteView prefix,
                                              const std::optional<Aid>& after) const {
  std::string begins(kEntries);
  begins += to_hex(prefix);
  const std::string behind = after ? name_of(kEntries, *after) : std::string();
  for (const std::string& name : nvm_.names(begins)) {
    if (after && name <= behind) {
      continue;
    }
    const auto aid = Aid::from_hex(std::string_view(name).substr(kEntries.size()));
    KB_CHECK(aid.has_value());
    auto entry = find(*aid);
    if (entry && entry->selectable()) {
      return entry;
    }
  }
  return std::nullopt;
}

}  // namespace kagibin::se
