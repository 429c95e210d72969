// SPDX-License-Identifier: Apache-2.0
#include "kagibin/se/load_file.h"

#include <gtest/gtest.h>

#include "kagibin/se/module_registry.h"

namespace kagibin::se {
namespace {

LoadFile sample() {
  return {.aid = *Aid::from_hex("F000000002"),
          .version = {1, 2},
          .sources = {0xAB},
          .modules = {*Aid::from_hex("F00000000201"), *Aid::from_hex("F00000000202")}};
}

TEST(LoadFileTest, HasTheLayoutThatItsHeaderSays) {
  EXPECT_EQ(to_hex(sample().data_block()),
            "4B424C46"
            "8005F000000002"
            "81020102"
            "8220AB" +
                std::string(62, '0') +
                "8306F00000000201"
                "8306F00000000202");
}

TEST(LoadFileTest, DecodesToWhatItWas) {
  EXPECT_EQ(LoadFile::decode(sample().data_block()).value(), sample());
}

TEST(LoadFileTest, RefusesADataBlockCutAtAnyOctet) {
  const Bytes block = sample().data_block();
  const std::size_t one_module = block.size() - 8;
  for (std::size_t size = 0; size < block.size(); ++size) {
    EXPECT_EQ(LoadFile::decode(ByteView(block).first(size)).has_value(), size == one_module);
  }
}

TEST(LoadFileTest, RefusesForeignTagsTrailingOctetsAndAModuleTwice) {
  Bytes block = sample().data_block();
  block.push_back(0x00);
  EXPECT_FALSE(LoadFile::decode(block).has_value());
  LoadFile twice = sample();
  twice.modules[1] = twice.modules[0];
  EXPECT_EQ(LoadFile::decode(twice.data_block()).error().code, Errc::kConflict);
  block = sample().data_block();
  block[0] = 'X';
  EXPECT_EQ(LoadFile::decode(block).error().code, Errc::kEncoding);
  block = sample().data_block();
  block[4] = 0x84;
  EXPECT_EQ(LoadFile::decode(block).error().code, Errc::kUnexpectedTag);
}

TEST(LoadFileTest, TheCodeHashFollowsTheSources) {
  LoadFile other = sample();
  other.sources[31] = 1;
  EXPECT_NE(other.code_hash(), sample().code_hash());
}

TEST(ModuleRegistryTest, HasASecurityDomainWhoseSourcesAreHashed) {
  const ModuleRegistry modules;
  const LoadFile* file = modules.load_file(security_domain_load_file_aid());
  ASSERT_NE(file, nullptr);
  EXPECT_NE(file->sources, crypto::Digest256{});
}

TEST(ModuleRegistryTest, RefusesALoadFileTwiceOrWithoutAFactoryForEachModule) {
  ModuleRegistry modules;
  const ApplicationFactory none;
  EXPECT_EQ(modules.add({.file = sample(), .factories = {none}}).error().code,
            Errc::kInvalidArgument);
  EXPECT_TRUE(modules.add({.file = sample(), .factories = {none, none}}).has_value());
  EXPECT_EQ(modules.add({.file = sample(), .factories = {none, none}}).error().code,
            Errc::kConflict);
}

}  // namespace
}  // namespace kagibin::se
