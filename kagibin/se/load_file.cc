// SPDX-License-Identifier: Apache-2.0
#include "kagibin/se/load_file.h"

#include <algorithm>
#include <string_view>

#include "kagibin/base/byte_io.h"
#include "kagibin/tlv/ber_tlv.h"

namespace kagibin::se {

namespace {

constexpr std::string_view kMagic = "KBLF";
constexpr tlv::Tag kAidTag = 0x80;
constexpr tlv::Tag kVersionTag = 0x81;
constexpr tlv::Tag kSourcesTag = 0x82;
constexpr tlv::Tag kModuleTag = 0x83;

}  // namespace

Bytes LoadFile::data_block() const {
  KB_CHECK(!modules.empty() && modules.size() <= kMaxModules);
  tlv::TlvWriter out;
  out.raw(ascii(kMagic)).put(kAidTag, aid.view()).put(kVersionTag, version);
  out.put(kSourcesTag, sources);
  for (const Aid& module : modules) {
    out.put(kModuleTag, module.view());
  }
  return out.take();
}

Result<LoadFile> LoadFile::decode(ByteView data_block) {
  ByteReader head(data_block);
  const ByteView magic = KB_TRY(head.bytes(kMagic.size()));
  if (!equal(magic, ascii(kMagic))) {
    return fail(Errc::kEncoding, "this is not a load file data block");
  }
  tlv::TlvReader in(head.take_rest());
  const tlv::Tlv aid = KB_TRY(in.expect(kAidTag, Aid::kMinLength, Aid::kMaxLength));
  const tlv::Tlv version = KB_TRY(in.expect(kVersionTag, 2));
  const tlv::Tlv sources = KB_TRY(in.expect(kSourcesTag, sizeof(crypto::Digest256)));
  const auto version_octets = to_array<2>(version.value);
  const auto source_hash = to_array<sizeof(crypto::Digest256)>(sources.value);
  KB_CHECK(version_octets.has_value() && source_hash.has_value());
  LoadFile out{.aid = KB_TRY(Aid::from(aid.value)),
               .version = *version_octets,
               .sources = *source_hash,
               .modules = {}};
  do {
    const tlv::Tlv module = KB_TRY(in.expect(kModuleTag, Aid::kMinLength, Aid::kMaxLength));
    const Aid name = KB_TRY(Aid::from(module.value));
    if (std::ranges::find(out.modules, name) != out.modules.end()) {
      return fail(Errc::kConflict, "a module stands twice in a load file");
    }
    out.modules.push_back(name);
  } while (!in.empty() && out.modules.size() < kMaxModules);
  KB_TRY(in.finish());
  return out;
}

}  // namespace kagibin::se
