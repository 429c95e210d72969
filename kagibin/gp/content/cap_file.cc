// SPDX-License-Identifier: Apache-2.0
#include "kagibin/gp/content/cap_file.h"

#include <algorithm>
#include <optional>

#include "kagibin/base/byte_io.h"

namespace kagibin::gp {

namespace {

constexpr std::uint32_t kMagic = 0xDECAFFED;
constexpr std::uint8_t kFormatMajor = 2;
constexpr std::uint8_t kFirstFormat = 1;
constexpr std::uint8_t kLastFormat = 3;
constexpr std::uint8_t kNamedFormat = 2;  // from here on: package name, and Debug in the Directory
constexpr std::uint8_t kResourceFormat = 3;  // from here on: static resources
constexpr unsigned kHasApplets = 0x04;
constexpr unsigned kExtended = 0x08;
constexpr std::size_t kRidSize = 5;  // ISO/IEC 7816-4, 8.2.1.2

enum Component : std::uint8_t {
  kHeader = 1,
  kDirectory = 2,
  kApplet = 3,
  kImport = 4,
  kDescriptor = 11,
  kDebug = 12,
  kStaticResources = 13,
  kFirstCustom = 0x80,
};

// The components by their tags.
struct Components {
  std::array<std::optional<ByteView>, kStaticResources + 1> standard{};
  std::vector<std::uint8_t> custom{};
};

Result<Components> split(ByteView block) {
  ByteReader in(block);
  Components out;
  while (!in.empty()) {
    const std::uint8_t tag = KB_TRY(in.u8());
    const std::size_t size = KB_TRY(in.u16());
    const ByteView content = KB_TRY(in.bytes(size));
    if (tag >= kFirstCustom) {
      if (std::ranges::find(out.custom, tag) != out.custom.end()) {
        return fail(Errc::kConflict, "a component stands twice in the CAP file");
      }
      out.custom.push_back(tag);
      continue;
    }
    if (tag < kHeader || tag > kStaticResources) {
      return fail(Errc::kEncoding, "a component of the CAP file has an unknown tag");
    }
    const bool first =
        std::ranges::none_of(out.standard, [](const auto& one) { return one.has_value(); });
    if (first != (tag == kHeader) || out.standard.at(tag)) {
      return fail(Errc::kConflict,
                  "a CAP file begins with its Header, and no component stands twice (JCVM 6.2)");
    }
    out.standard.at(tag) = content;
  }
  if (!out.standard.at(kHeader) || !out.standard.at(kDirectory)) {
    return fail(Errc::kTruncated, "a CAP file has a Header and a Directory (JCVM 6.2)");
  }
  return out;
}

Result<Aid> read_aid(ByteReader& in) {
  const std::size_t length = KB_TRY(in.u8());
  return Aid::from(KB_TRY(in.bytes(length)));
}

Result<CapPackage> read_package(ByteReader& in) {
  const std::uint8_t minor = KB_TRY(in.u8());
  const std::uint8_t major = KB_TRY(in.u8());
  return CapPackage{.aid = KB_TRY(read_aid(in)), .version = {major, minor}};
}

struct Header {
  CapPackage package;
  std::uint8_t format = 0;  // minor
  bool has_applets = false;
};

Result<Header> read_header(ByteView octets) {
  ByteReader in(octets);
  if (KB_TRY(in.u32()) != kMagic) {
    return fail(Errc::kEncoding, "the Header of a CAP file begins with DECAFFED (JCVM 6.4)");
  }
  const std::uint8_t minor = KB_TRY(in.u8());
  const std::uint8_t major = KB_TRY(in.u8());
  const unsigned flags = KB_TRY(in.u8());
  const bool known = major == kFormatMajor && minor >= kFirstFormat && minor <= kLastFormat;
  if (!known || (flags & kExtended) != 0) {
    return fail(Errc::kNotSupported, "CAP files of format 2.1 to 2.3 in compact form are taken");
  }
  Header out{.package = KB_TRY(read_package(in)),
             .format = minor,
             .has_applets = (flags & kHasApplets) != 0};
  if (minor >= kNamedFormat && !in.empty()) {
    const std::size_t length = KB_TRY(in.u8());
    KB_TRY(in.bytes(length));
  }
  KB_TRY(in.finish());
  return out;
}

struct Counts {
  std::size_t imports = 0;
  std::size_t applets = 0;
};

Result<void> check_size(const Components& all, std::uint8_t tag, std::size_t size) {
  const auto& present = all.standard.at(tag);
  // Tools leave these two out of what they load: cards do without them.
  const bool may_lack = tag == kDescriptor || tag == kDebug;
  const bool right = present ? present->size() == size : (size == 0 || may_lack);
  if (!right) {
    return fail(Errc::kEncoding, "the Directory of the CAP file tells another size (JCVM 6.5)");
  }
  return {};
}

// Nothing when the format has more in its Directory than is read here.
Result<std::optional<Counts>> read_directory(const Components& all, std::uint8_t format) {
  constexpr std::size_t kStaticFields = 6;
  ByteReader in(*all.standard.at(kDirectory));
  const std::uint8_t last = format >= kNamedFormat ? kDebug : kDescriptor;
  for (std::uint8_t tag = kHeader; tag <= last; ++tag) {
    const std::size_t size = KB_TRY(in.u16());
    KB_TRY(check_size(all, tag, size));
  }
  if (format >= kResourceFormat) {
    return std::nullopt;
  }
  KB_TRY(in.bytes(kStaticFields));
  Counts out;
  out.imports = KB_TRY(in.u8());
  out.applets = KB_TRY(in.u8());
  const unsigned custom = KB_TRY(in.u8());
  if (custom != all.custom.size()) {
    return fail(Errc::kEncoding, "the Directory of the CAP file counts other components");
  }
  for (unsigned i = 0; i < custom; ++i) {
    KB_TRY(in.bytes(3));  // tag and size
    KB_TRY(read_aid(in));
  }
  KB_TRY(in.finish());
  return out;
}

Result<std::vector<CapPackage>> read_imports(ByteView octets) {
  ByteReader in(octets);
  const std::size_t count = KB_TRY(in.u8());
  if (count > CapFile::kMaxImports) {
    return fail(Errc::kLimit, "a CAP file imports at most 64 packages");
  }
  std::vector<CapPackage> out;
  for (std::size_t i = 0; i < count; ++i) {
    out.push_back(KB_TRY(read_package(in)));
  }
  KB_TRY(in.finish());
  return out;
}

Result<std::vector<Aid>> read_applets(ByteView octets, const Aid& package) {
  ByteReader in(octets);
  const std::size_t count = KB_TRY(in.u8());
  if (count > CapFile::kMaxApplets) {
    return fail(Errc::kLimit, "a CAP file has at most 16 applets");
  }
  std::vector<Aid> out;
  for (std::size_t i = 0; i < count; ++i) {
    const Aid aid = KB_TRY(read_aid(in));
    KB_TRY(in.u16());  // where install() begins
    if (!aid.starts_with(package.view().first(kRidSize))) {
      return fail(Errc::kEncoding, "an applet's AID begins with the RID of its package (JCVM 6.6)");
    }
    if (std::ranges::find(out, aid) != out.end()) {
      return fail(Errc::kConflict, "an applet stands twice in the CAP file");
    }
    out.push_back(aid);
  }
  KB_TRY(in.finish());
  return out;
}

}  // namespace

Result<CapFile> CapFile::decode(ByteView data_block) {
  const Components all = KB_TRY(split(data_block));
  const Header header = KB_TRY(read_header(*all.standard.at(kHeader)));
  const std::optional<Counts> counts = KB_TRY(read_directory(all, header.format));
  CapFile out{.package = header.package};
  if (all.standard.at(kImport)) {
    out.imports = KB_TRY(read_imports(*all.standard.at(kImport)));
  }
  if (all.standard.at(kApplet)) {
    out.applets = KB_TRY(read_applets(*all.standard.at(kApplet), out.package.aid));
  }
  const bool counted =
      !counts || (counts->imports == out.imports.size() && counts->applets == out.applets.size());
  if (!counted || header.has_applets != !out.applets.empty()) {
    return fail(Errc::kEncoding,
                "Header and Directory of the CAP file count other applets or imports");
  }
  return out;
}

}  // namespace kagibin::gp
