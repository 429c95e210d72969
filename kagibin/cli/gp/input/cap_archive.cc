// SPDX-License-Identifier: Apache-2.0
#include "kagibin/cli/gp/input/cap_archive.h"

#include <algorithm>
#include <array>
#include <optional>
#include <string_view>

#include <zlib.h>

namespace kagibin::cli {

namespace {

// ZIP (PKWARE APPNOTE 4.3): little-endian, found from its end.
constexpr std::uint32_t kLocalHeader = 0x04034B50;
constexpr std::uint32_t kCentralHeader = 0x02014B50;
constexpr std::uint32_t kEndRecord = 0x06054B50;
constexpr std::size_t kLocalHeaderSize = 30;
constexpr std::size_t kCentralHeaderSize = 46;
constexpr std::size_t kEndRecordSize = 22;
constexpr std::size_t kLongestComment = 65'535;
constexpr std::uint16_t kStored = 0;
constexpr std::uint16_t kDeflated = 8;
constexpr std::uint16_t kEncrypted = 0x0001;
constexpr std::size_t kLargestBlock = 65'535;

constexpr std::array<std::string_view, 11> kComponents = {
    "Header.cap",       "Directory.cap",   "Import.cap",      "Applet.cap",
    "Class.cap",        "Method.cap",      "StaticField.cap", "Export.cap",
    "ConstantPool.cap", "RefLocation.cap", "Descriptor.cap"};
constexpr std::size_t kDescriptorPlace = 10;

class Archive {
 public:
  explicit Archive(ByteView octets) : octets_(octets) {}

  // Precondition of u16 and u32: has(at, size).
  bool has(std::size_t at, std::size_t size) const {
    return at <= octets_.size() && size <= octets_.size() - at;
  }
  std::uint16_t u16(std::size_t at) const {
    return static_cast<std::uint16_t>(octets_[at] | octets_[at + 1] << 8U);
  }
  std::uint32_t u32(std::size_t at) const {
    return u16(at) | static_cast<std::uint32_t>(u16(at + 2)) << 16U;
  }
  ByteView view(std::size_t at, std::size_t size) const { return octets_.subspan(at, size); }
  std::size_t size() const { return octets_.size(); }

 private:
  ByteView octets_;
};

struct Entry {
  std::string_view name;
  std::uint16_t method = 0;
  std::uint16_t flags = 0;
  std::uint32_t packed = 0;
  std::uint32_t size = 0;
  std::uint32_t checksum = 0;
  std::uint32_t local = 0;  // where its local header stands
};

std::string_view text_of(ByteView octets) {
  // NOLINTNEXTLINE(cppcoreguidelines-pro-type-reinterpret-cast): a name in an archive
  return {reinterpret_cast<const char*>(octets.data()), octets.size()};
}

Result<std::size_t> find_end(const Archive& zip) {
  if (!zip.has(0, kEndRecordSize)) {
    return fail(Errc::kEncoding, "this is neither a CAP archive nor a load file data block");
  }
  const std::size_t last = zip.size() - kEndRecordSize;
  for (std::size_t back = 0; back <= std::min(last, kLongestComment); ++back) {
    if (zip.u32(last - back) == kEndRecord && zip.u16(last - back + 20) == back) {
      return last - back;
    }
  }
  return fail(Errc::kEncoding, "this is neither a CAP archive nor a load file data block");
}

Result<Bytes> inflated(ByteView packed, std::size_t size) {
  Bytes out(size);
  z_stream stream{};
  if (inflateInit2(&stream, -MAX_WBITS) != Z_OK) {
    return fail(Errc::kIo, "the archive cannot be unpacked");
  }
  // NOLINTNEXTLINE(cppcoreguidelines-pro-type-const-cast): zlib does not write to its input
  stream.next_in = const_cast<std::uint8_t*>(packed.data());
  stream.avail_in = static_cast<uInt>(packed.size());
  std::uint8_t none = 0;
  stream.next_out = out.empty() ? &none : out.data();
  stream.avail_out = static_cast<uInt>(out.size());
  const int code = inflate(&stream, Z_FINISH);
  const bool whole = code == Z_STREAM_END && stream.total_out == size && stream.avail_in == 0;
  inflateEnd(&stream);
  if (!whole) {
    return fail(Errc::kEncoding, "a component of the CAP archive does not unpack");
  }
  return out;
}

Result<Bytes> content_of(const Archive& zip, const Entry& entry) {
  if ((entry.flags & kEncrypted) != 0 || (entry.method != kStored && entry.method != kDeflated)) {
    return fail(Errc::kNotSupported, "the CAP archive is encrypted or packed in an unusual way");
  }
  if (entry.size > kLargestBlock || entry.packed > kLargestBlock + kLocalHeaderSize) {
    return fail(Errc::kLimit, "a CAP file has at most 65,535 octets");
  }
  if (!zip.has(entry.local, kLocalHeaderSize) || zip.u32(entry.local) != kLocalHeader) {
    return fail(Errc::kTruncated, "the CAP archive is cut or damaged");
  }
  const std::size_t at =
      entry.local + kLocalHeaderSize + zip.u16(entry.local + 26) + zip.u16(entry.local + 28);
  if (!zip.has(at, entry.packed)) {
    return fail(Errc::kTruncated, "the CAP archive is cut or damaged");
  }
  const ByteView packed = zip.view(at, entry.packed);
  Bytes out = entry.method == kStored ? Bytes(packed.begin(), packed.end())
                                      : KB_TRY(inflated(packed, entry.size));
  const auto checksum = crc32(0, out.data(), static_cast<uInt>(out.size()));
  if (out.size() != entry.size || checksum != entry.checksum) {
    return fail(Errc::kEncoding, "a component of the CAP archive has another checksum");
  }
  return out;
}

// The place among kComponents; the folder before the name is the package's and not looked at.
std::optional<std::size_t> place_of(std::string_view path) {
  const std::size_t slash = path.rfind('/');
  const std::string_view name = slash == std::string_view::npos ? path : path.substr(slash + 1);
  const auto* found = std::ranges::find(kComponents, name);
  if (found == kComponents.end()) {
    return std::nullopt;
  }
  return static_cast<std::size_t>(found - kComponents.begin());
}

Result<Bytes> read_archive(const Archive& zip, DescriptorComponent descriptor) {
  const std::size_t end = KB_TRY(find_end(zip));
  std::size_t at = zip.u32(end + 16);
  std::array<std::optional<Bytes>, kComponents.size()> found{};
  for (unsigned left = zip.u16(end + 10); left > 0; --left) {
    if (!zip.has(at, kCentralHeaderSize) || zip.u32(at) != kCentralHeader) {
      return fail(Errc::kTruncated, "the CAP archive is cut or damaged");
    }
    const std::size_t name = zip.u16(at + 28);
    if (!zip.has(at + kCentralHeaderSize, name)) {
      return fail(Errc::kTruncated, "the CAP archive is cut or damaged");
    }
    const Entry entry{.name = text_of(zip.view(at + kCentralHeaderSize, name)),
                      .method = zip.u16(at + 10),
                      .flags = zip.u16(at + 8),
                      .packed = zip.u32(at + 20),
                      .size = zip.u32(at + 24),
                      .checksum = zip.u32(at + 16),
                      .local = zip.u32(at + 42)};
    if (const auto place = place_of(entry.name)) {
      if (found.at(*place)) {
        return fail(Errc::kConflict, "the archive holds more than one package: a component twice");
      }
      found.at(*place) = KB_TRY(content_of(zip, entry));
    }
    at += kCentralHeaderSize + name + zip.u16(at + 30) + zip.u16(at + 32);
  }
  if (!found.front()) {
    return fail(Errc::kNotFound, "the archive holds no Header.cap: it is no CAP file");
  }
  if (descriptor == DescriptorComponent::kWithout) {
    found.at(kDescriptorPlace).reset();
  }
  Bytes out;
  for (const auto& component : found) {
    if (component) {
      append(out, *component);
    }
  }
  if (out.size() > kLargestBlock) {
    return fail(Errc::kLimit, "a load file data block has at most 65,535 octets");
  }
  return out;
}

}  // namespace

Result<Bytes> read_cap(ByteView file, DescriptorComponent descriptor) {
  constexpr std::array<std::uint8_t, 4> kMagic{0xDE, 0xCA, 0xFF, 0xED};
  if (file.size() >= 7 && file[0] == 0x01 && equal(file.subspan(3, 4), kMagic)) {
    return Bytes(file.begin(), file.end());
  }
  return read_archive(Archive(file), descriptor);
}

}  // namespace kagibin::cli
