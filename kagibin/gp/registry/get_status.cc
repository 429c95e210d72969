// SPDX-License-Identifier: Apache-2.0
#include "kagibin/gp/registry/get_status.h"

#include <algorithm>
#include <utility>

#include "kagibin/base/byte_io.h"

namespace kagibin::gp {

namespace {

constexpr std::uint8_t kNext = 0x01;
constexpr std::uint8_t kTlvFormat = 0x02;

constexpr tlv::Tag kAid = 0x4F;
constexpr tlv::Tag kTagList = 0x5C;
constexpr tlv::Tag kEntry = 0xE3;
constexpr tlv::Tag kState = 0x9F70;
constexpr tlv::Tag kPrivileges = 0xC5;
constexpr tlv::Tag kImplicitSelection = 0xCF;
constexpr tlv::Tag kLoadFile = 0xC4;
constexpr tlv::Tag kDomain = 0xCC;
constexpr tlv::Tag kVersion = 0xCE;
constexpr tlv::Tag kModule = 0x84;

Result<std::vector<tlv::Tag>> read_tag_list(ByteView value) {
  ByteReader in(value);
  std::vector<tlv::Tag> out;
  while (!in.empty()) {
    tlv::Tag tag = KB_TRY(in.u8());
    if ((tag & 0x1FU) == 0x1FU) {
      const unsigned second = KB_TRY(in.u8());
      if ((second & 0x80U) != 0) {
        return fail(Errc::kEncoding, "a tag of GET STATUS has one or two octets");
      }
      tag = (tag << 8U) | second;
    }
    out.push_back(tag);
  }
  return out;
}

Bytes write_tag_list(const std::vector<tlv::Tag>& tags) {
  ByteWriter out;
  for (const tlv::Tag tag : tags) {
    if (tag > 0xFF) {
      out.u16(static_cast<std::uint16_t>(tag));
    } else {
      out.u8(static_cast<std::uint8_t>(tag));
    }
  }
  return out.take();
}

Bytes encode_plain(const StatusEntry& entry, StatusScope scope) {
  ByteWriter out;
  out.u8(static_cast<std::uint8_t>(entry.aid.size())).bytes(entry.aid.view()).u8(entry.state);
  out.u8(entry.privileges.value_or(Privileges{}).encode_three()[0]);
  if (scope == StatusScope::kLoadFilesAndModules) {
    out.u8(static_cast<std::uint8_t>(std::min<std::size_t>(entry.modules.size(), 0xFF)));
    for (const Aid& module : entry.modules) {
      out.u8(static_cast<std::uint8_t>(module.size())).bytes(module.view());
    }
  }
  return out.take();
}

Result<Aid> read_plain_aid(ByteReader& in) {
  const std::size_t length = KB_TRY(in.u8());
  return Aid::from(KB_TRY(in.bytes(length)));
}

Result<StatusEntry> read_plain(ByteReader& in, StatusScope scope) {
  StatusEntry out{.aid = KB_TRY(read_plain_aid(in))};
  out.state = KB_TRY(in.u8());
  const std::uint8_t privileges = KB_TRY(in.u8());
  if (scope == StatusScope::kIssuerSecurityDomain || scope == StatusScope::kApplications) {
    out.privileges = Privileges{static_cast<std::uint32_t>(privileges) << 16U};
  }
  if (scope == StatusScope::kLoadFilesAndModules) {
    const unsigned count = KB_TRY(in.u8());
    for (unsigned i = 0; i < count; ++i) {
      out.modules.push_back(KB_TRY(read_plain_aid(in)));
    }
  }
  return out;
}

template <typename T>
Result<void> take_once(std::optional<T>& out, Result<T> value) {
  if (out) {
    return fail(Errc::kUnexpectedTag, "an object of an entry stands once");
  }
  out = KB_TRY(std::move(value));
  return {};
}

// The objects of one E3, in whatever order they come.
struct Collected {
  std::optional<Aid> aid;
  std::optional<std::uint8_t> state;
  std::optional<Privileges> privileges;
  std::optional<std::uint8_t> implicit_selection;
  std::optional<Aid> load_file;
  std::optional<Aid> security_domain;
  Bytes version;
  std::vector<Aid> modules;
};

Result<void> take(const tlv::Tlv& object, Collected& out) {
  switch (object.tag) {
    case kAid:
      return take_once(out.aid, Aid::from(object.value));
    case kState:
      if (object.value.empty() || object.value.size() > 2) {
        return fail(Errc::kLength, "a life-cycle state has one octet or two");
      }
      return take_once(out.state, Result<std::uint8_t>(object.value[0]));
    case kPrivileges:
      return take_once(out.privileges, Privileges::decode(object.value));
    case kImplicitSelection:
      // Cards with several interfaces send several: the first is kept.
      if (!out.implicit_selection && object.value.size() == 1) {
        out.implicit_selection = object.value[0];
      }
      return {};
    case kLoadFile:
      return take_once(out.load_file, Aid::from(object.value));
    case kDomain:
      return take_once(out.security_domain, Aid::from(object.value));
    case kVersion:
      out.version.assign(object.value.begin(), object.value.end());
      return {};
    case kModule:
      out.modules.push_back(KB_TRY(Aid::from(object.value)));
      return {};
    default:
      return {};
  }
}

Result<StatusEntry> read_tlv(ByteView value) {
  tlv::TlvReader in(value);
  Collected out;
  while (!in.empty()) {
    const tlv::Tlv object = KB_TRY(in.next());
    KB_TRY(take(object, out));
  }
  if (!out.aid) {
    return fail(Errc::kTruncated, "an entry of GET STATUS has an AID (4F)");
  }
  return StatusEntry{.aid = *out.aid,
                     .state = out.state.value_or(0),
                     .privileges = out.privileges,
                     .implicit_selection = out.implicit_selection,
                     .load_file = out.load_file,
                     .security_domain = out.security_domain,
                     .version = std::move(out.version),
                     .modules = std::move(out.modules)};
}

}  // namespace

Result<GetStatus> GetStatus::decode(std::uint8_t p1, std::uint8_t p2, ByteView data) {
  if (p1 != 0x80 && p1 != 0x40 && p1 != 0x20 && p1 != 0x10) {
    return fail(Errc::kValue, "P1 of GET STATUS is 80, 40, 20 or 10");
  }
  if ((p2 & ~unsigned{kNext | kTlvFormat}) != 0) {
    return fail(Errc::kValue, "P2 of GET STATUS is 00 to 03");
  }
  GetStatus out{.scope = static_cast<StatusScope>(p1),
                .next = (p2 & kNext) != 0,
                .tlv_format = (p2 & kTlvFormat) != 0};
  tlv::TlvReader in(data);
  const tlv::Tlv filter = KB_TRY(in.expect(kAid, 0, Aid::kMaxLength));
  out.filter.assign(filter.value.begin(), filter.value.end());
  if (const auto tags = KB_TRY(in.optional(kTagList, 0, 0xFF))) {
    out.tags = KB_TRY(read_tag_list(tags->value));
  }
  if (!in.empty()) {
    return fail(Errc::kNotSupported, "GET STATUS searches by AID (tag 4F) alone (GPCS 11.4.2.3)");
  }
  return out;
}

apdu::CommandApdu GetStatus::encode() const {
  tlv::TlvWriter data;
  data.put(kAid, filter);
  if (!tags.empty()) {
    data.put(kTagList, write_tag_list(tags));
  }
  return {.cla = 0x80,
          .ins = apdu::ins::kGetStatus,
          .p1 = std::to_underlying(scope),
          .p2 = static_cast<std::uint8_t>((next ? kNext : 0U) | (tlv_format ? kTlvFormat : 0U)),
          .data = data.take(),
          .le = 256};
}

Bytes encode_entry(const StatusEntry& entry, const GetStatus& command) {
  if (!command.tlv_format) {
    return encode_plain(entry, command.scope);
  }
  const auto wanted = [&](tlv::Tag tag) {
    return command.tags.empty() ||
           std::find(command.tags.begin(), command.tags.end(), tag) != command.tags.end();
  };
  tlv::TlvWriter out;
  out.put(kAid, entry.aid.view());  // always: an entry without one says nothing
  if (wanted(kState)) {
    out.put_u8(kState, entry.state);
  }
  if (entry.privileges && wanted(kPrivileges)) {
    out.put(kPrivileges, entry.privileges->encode_three());
  }
  if (entry.implicit_selection && wanted(kImplicitSelection)) {
    out.put_u8(kImplicitSelection, *entry.implicit_selection);
  }
  if (entry.load_file && wanted(kLoadFile)) {
    out.put(kLoadFile, entry.load_file->view());
  }
  if (entry.security_domain && wanted(kDomain)) {
    out.put(kDomain, entry.security_domain->view());
  }
  if (!entry.version.empty() && wanted(kVersion)) {
    out.put(kVersion, entry.version);
  }
  if (command.scope == StatusScope::kLoadFilesAndModules && wanted(kModule)) {
    for (const Aid& module : entry.modules) {
      out.put(kModule, module.view());
    }
  }
  return tlv::encode(kEntry, out.view());
}

Result<std::vector<StatusEntry>> decode_entries(ByteView data, const GetStatus& command) {
  std::vector<StatusEntry> out;
  if (!command.tlv_format) {
    ByteReader in(data);
    while (!in.empty()) {
      out.push_back(KB_TRY(read_plain(in, command.scope)));
    }
    return out;
  }
  tlv::TlvReader in(data);
  while (!in.empty()) {
    const tlv::Tlv entry = KB_TRY(in.expect(kEntry, 0, tlv::TlvReader::kAnyLength));
    out.push_back(KB_TRY(read_tlv(entry.value)));
  }
  return out;
}

StatusPage status_page(std::span<const StatusEntry> entries,
                       const GetStatus& command,
                       std::size_t max_bytes) {
  StatusPage out;
  for (const StatusEntry& entry : entries) {
    const Bytes encoded = encode_entry(entry, command);
    if (out.count > 0 && out.data.size() + encoded.size() > max_bytes) {
      break;
    }
    append(out.data, encoded);
    ++out.count;
  }
  out.more = out.count < entries.size();
  return out;
}

}  // namespace kagibin::gp
