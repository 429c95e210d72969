// SPDX-License-Identifier: Apache-2.0
#include "kagibin/gp/content/cap_file.h"

#include <gtest/gtest.h>

#include "kagibin/base/byte_io.h"

#include "tests/support/cap_builder.h"

namespace kagibin::gp {
namespace {

Aid aid(std::string_view text) { return Aid::from_hex(text).value(); }

test::CapBuilder two_applets() {
  return {
      .package = "F000000009", .applets = {"F00000000901", "F0000000090202"}, .version = {3, 1}};
}
Errc error_of(ByteView octets) {
  const auto cap = CapFile::decode(octets);
  EXPECT_FALSE(cap.has_value());
  return cap ? Errc::kState : cap.error().code;
}

// Where a component with this tag begins.
std::size_t component(const Bytes& block, std::uint8_t tag) {
  std::size_t at = 0;
  while (block.at(at) != tag) {
    at += 3U + (std::size_t{block.at(at + 1)} << 8U) + block.at(at + 2);
  }
  return at;
}

TEST(CapFileTest, ReadsPackageImportsAndAppletsInEveryFormat) {
  for (std::uint8_t format = 1; format <= 3; ++format) {
    test::CapBuilder parts = two_applets();
    parts.format = format;
    const auto cap = CapFile::decode(parts.build());
    ASSERT_TRUE(cap.has_value()) << unsigned{format} << cap.error().detail.text();
    EXPECT_EQ(cap->package.aid, aid("F000000009"));
    EXPECT_EQ(cap->package.version, (std::array<std::uint8_t, 2>{3, 1}));
    ASSERT_EQ(cap->imports.size(), 1U);
    EXPECT_EQ(cap->imports[0].aid, aid("A0000000620101"));
    EXPECT_EQ(cap->applets, (std::vector<Aid>{aid("F00000000901"), aid("F0000000090202")}));
  }
}

TEST(CapFileTest, ALibraryHasNoApplet) {
  const auto cap = CapFile::decode(test::CapBuilder{.package = "F000000009"}.build());
  ASSERT_TRUE(cap.has_value());
  EXPECT_TRUE(cap->applets.empty());
}

TEST(CapFileTest, IsRefusedWhenItIsCutAnywhere) {
  const Bytes block = two_applets().build();
  const std::size_t descriptor = component(block, 11);  // what a card may do without
  for (std::size_t size = 0; size < block.size(); ++size) {
    EXPECT_EQ(CapFile::decode(ByteView(block).first(size)).has_value(), size == descriptor) << size;
  }
  Bytes longer = block;
  longer.push_back(0);
  EXPECT_FALSE(CapFile::decode(longer).has_value());
}

TEST(CapFileTest, EveryFlippedBitOfHeaderAndCountsIsSeenOrHarmless) {
  const Bytes block = two_applets().build();
  for (std::size_t at = 0; at < block.size(); ++at) {
    for (unsigned bit = 0; bit < 8; ++bit) {
      Bytes changed = block;
      changed[at] = static_cast<std::uint8_t>(changed[at] ^ (1U << bit));
      const auto cap = CapFile::decode(changed);  // total: a value or an error
      if (cap) {
        EXPECT_EQ(cap->applets.size(), 2U);
      }
    }
  }
}

TEST(CapFileTest, ComponentsStandOnceAndTheHeaderFirst) {
  const Bytes block = two_applets().build();
  const std::size_t method = component(block, 7);
  Bytes twice = block;
  twice.insert(twice.end(), block.begin() + static_cast<std::ptrdiff_t>(method), block.end());
  EXPECT_EQ(error_of(twice), Errc::kConflict);
  Bytes late(block.begin() + static_cast<std::ptrdiff_t>(method), block.end());
  late.insert(late.end(), block.begin(), block.begin() + static_cast<std::ptrdiff_t>(method));
  EXPECT_EQ(error_of(late), Errc::kConflict);
  Bytes unknown = block;
  unknown[method] = 0x0E;
  EXPECT_EQ(error_of(unknown), Errc::kEncoding);
}

TEST(CapFileTest, TheDirectoryTellsTheTruth) {
  const Bytes block = two_applets().build();
  const std::size_t directory = component(block, 2) + 3;
  Bytes wrong_size = block;
  wrong_size[directory + 2 * (7 - 1) + 1] ^= 0x01;
  EXPECT_EQ(error_of(wrong_size), Errc::kEncoding);
  Bytes wrong_count = block;
  ++wrong_count[directory + 22 + 6 + 1];  // applets
  EXPECT_EQ(error_of(wrong_count), Errc::kEncoding);
  // A card does without the Descriptor, and tools leave it out.
  Bytes without(block.begin(), block.begin() + static_cast<std::ptrdiff_t>(component(block, 11)));
  EXPECT_TRUE(CapFile::decode(without).has_value());
}

TEST(CapFileTest, RefusesOtherFormats) {
  const Bytes block = two_applets().build();
  Bytes magic = block;
  magic[3] = 0xDF;
  EXPECT_EQ(error_of(magic), Errc::kEncoding);
  for (const std::uint8_t minor : Bytes{0, 4}) {
    Bytes other = block;
    other[7] = minor;
    EXPECT_EQ(error_of(other), Errc::kNotSupported);
  }
  Bytes extended = block;
  extended[9] |= 0x08;
  EXPECT_EQ(error_of(extended), Errc::kNotSupported);
  Bytes no_applets = block;
  no_applets[9] = 0x00;
  EXPECT_EQ(error_of(no_applets), Errc::kEncoding);
}

TEST(CapFileTest, AppletsBearTheirPackagesRidEachOnce) {
  EXPECT_EQ(
      error_of(test::CapBuilder{.package = "F000000009", .applets = {"F10000000901"}}.build()),
      Errc::kEncoding);
  EXPECT_EQ(error_of(test::CapBuilder{.package = "F000000009",
                                      .applets = {"F00000000901", "F00000000901"}}
                         .build()),
            Errc::kConflict);
  EXPECT_EQ(error_of(test::CapBuilder{.package = "F0000000"}.build()), Errc::kLength);
  EXPECT_EQ(error_of(test::CapBuilder{.package = "F000000009",
                                      .applets = std::vector<std::string_view>(17, "F00000000901")}
                         .build()),
            Errc::kLimit);
  EXPECT_EQ(
      error_of(test::CapBuilder{.package = "F000000009",
                                .imports = std::vector<std::string_view>(65, "A0000000620101")}
                   .build()),
      Errc::kLimit);
}

// The block with another content of one component, whose size the Directory tells.
Bytes replaced(const Bytes& block, std::uint8_t tag, const Bytes& content) {
  Bytes out;
  for (ByteReader in(block); !in.empty();) {
    const std::uint8_t each = in.u8().value();
    const ByteView old = in.bytes(in.u16().value()).value();
    Bytes octets = each == tag ? content : Bytes(old.begin(), old.end());
    const std::size_t entry = 2U * (tag - 1U);
    if (each == 2 && octets.size() > entry + 1) {
      octets[entry] = static_cast<std::uint8_t>(content.size() >> 8U);
      octets[entry + 1] = static_cast<std::uint8_t>(content.size());
    }
    ByteWriter component;
    component.u8(each).u16(static_cast<std::uint16_t>(octets.size())).bytes(octets);
    append(out, component.view());
  }
  return out;
}

Bytes content_of(const Bytes& block, std::uint8_t tag) {
  ByteReader in(ByteView(block).subspan(component(block, tag) + 1));
  const ByteView content = in.bytes(in.u16().value()).value();
  return {content.begin(), content.end()};
}

TEST(CapFileTest, EveryComponentThatIsReadEndsWhereItsContentDoes) {
  const Bytes block = two_applets().build();
  for (const std::uint8_t tag : Bytes{1, 2, 3, 4}) {
    const Bytes whole = content_of(block, tag);
    ASSERT_TRUE(CapFile::decode(replaced(block, tag, whole)).has_value());
    for (std::size_t size = 0; size < whole.size(); ++size) {
      const Bytes cut(whole.begin(), whole.begin() + static_cast<std::ptrdiff_t>(size));
      EXPECT_EQ(error_of(replaced(block, tag, cut)), Errc::kTruncated) << int{tag} << " " << size;
    }
    Bytes longer = whole;
    longer.push_back(0);
    EXPECT_EQ(error_of(replaced(block, tag, longer)), Errc::kTrailing) << int{tag};
  }
}

TEST(CapFileTest, AHeaderOfFormat22MayLackTheNameButNotAPartOfIt) {
  test::CapBuilder parts = two_applets();
  parts.format = 2;
  const Bytes block = parts.build();
  const Bytes whole = content_of(block, 1);
  const std::size_t name = whole.size() - 5;
  for (std::size_t size = name - 1; size < whole.size(); ++size) {
    const Bytes cut(whole.begin(), whole.begin() + static_cast<std::ptrdiff_t>(size));
    const auto cap = CapFile::decode(replaced(block, 1, cut));
    EXPECT_EQ(cap.has_value(), size == name) << size;
    EXPECT_TRUE(cap.has_value() || cap.error().code == Errc::kTruncated) << size;
  }
}

// The block with a custom component and this entry for it in the Directory.
Bytes with_custom(std::uint8_t count, const Bytes& entry) {
  Bytes block = two_applets().build();
  Bytes directory = content_of(block, 2);
  directory.back() = count;
  append(directory, entry);
  block = replaced(block, 2, directory);
  append(block, *from_hex("80 0002 AABB"));
  return block;
}

TEST(CapFileTest, CustomComponentsAreCountedAndNamedOnce) {
  const Bytes entry = *from_hex("80 0002 05 F000000009");
  EXPECT_TRUE(CapFile::decode(with_custom(1, entry)).has_value());
  EXPECT_EQ(error_of(with_custom(0, {})), Errc::kEncoding);
  EXPECT_EQ(error_of(with_custom(2, entry)), Errc::kEncoding);
  for (std::size_t size = 0; size < entry.size(); ++size) {
    const Bytes cut(entry.begin(), entry.begin() + static_cast<std::ptrdiff_t>(size));
    EXPECT_EQ(error_of(with_custom(1, cut)), Errc::kTruncated) << size;
  }
  EXPECT_EQ(error_of(with_custom(1, *from_hex("80 0002 04 F0000000"))), Errc::kLength);
  Bytes twice = with_custom(1, entry);
  append(twice, *from_hex("80 0002 AABB"));
  EXPECT_EQ(error_of(twice), Errc::kConflict);
}

}  // namespace
}  // namespace kagibin::gp
