// SPDX-License-Identifier: Apache-2.0
// DELETE of applications and load files: who deletes what, and what stays.
#include "kagibin/se/domain/content/content_test_bench.h"

namespace kagibin::se {
namespace {

using gp::Privileges;

class DeleteCommandsTest : public ContentBench {};

// GPCS 9.5, 11.2: DELETE of load files
TEST_F(DeleteCommandsTest, DeletesLoadFilesAloneOrWithTheirApplications) {
  load();
  ASSERT_EQ(install_with(0), 0x9000);
  EXPECT_EQ(status(erase(kPackage)), 0x6985) << "it has an instance";
  const std::uint8_t channel = bench_.open_channel();
  bench_.select(kInstance, channel);
  EXPECT_EQ(status(erase(kPackage, true)), 0x6985) << "selected";
  EXPECT_TRUE(entry(kInstance).has_value());
  bench_.select("", channel);
  EXPECT_EQ(status(erase(kPackage, true)), 0x9000);
  EXPECT_FALSE(entry(kInstance).has_value());
  EXPECT_FALSE(load_file().has_value());
  EXPECT_EQ(status(erase(kPackage)), 0x6A88);
  EXPECT_EQ(status(erase(kTestFile, true)), 0x6985) << "built in";
  load();
  EXPECT_EQ(status(erase(kPackage)), 0x9000);
}

// GPCS 9.5: what is in use
TEST_F(DeleteCommandsTest, WhatAnotherLoadFileImportsStays) {
  load();
  const Bytes user =
      test::CapBuilder{.package = "F000000008", .applets = {"F00000000801"}, .imports = {kPackage}}
          .build();
  ASSERT_EQ(status_of_all(load_all({.load_file = aid("F000000008")}, {}, user)), 0x9000);
  EXPECT_EQ(status(erase(kPackage)), 0x6985);
  EXPECT_EQ(status(erase("F000000008")), 0x9000);
  EXPECT_EQ(status(erase(kPackage)), 0x9000);
}

// GPCS 9.1.3, 9.5: who deletes what
TEST_F(DeleteCommandsTest, ADomainDeletesWhatIsBelowItAndNothingElse) {
  install_domain(kDomainAid, Privileges::kAuthorizedManagement);
  load();
  ASSERT_EQ(install_with(0), 0x9000);
  open_domain(kDomainAid);
  EXPECT_EQ(status(erase(kInstance)), 0x6985);
  EXPECT_EQ(status(erase(kPackage, true)), 0x6985);
  EXPECT_TRUE(entry(kInstance).has_value());
  open_isd();
  ASSERT_EQ(status(extradite(kPackage, kDomainAid)), 0x9000);
  EXPECT_EQ(status(erase(kDomainAid)), 0x6985) << "a load file is in it";
  open_domain(kDomainAid);
  EXPECT_EQ(status(erase(kPackage, true)), 0x6985) << "an instance is another's";
  EXPECT_TRUE(load_file().has_value());
}

// GPCS 9.1.3.4: Global Delete
TEST_F(DeleteCommandsTest, ADomainWithGlobalDeleteDeletesAnything) {
  install_domain(kDomainAid, Privileges::kAuthorizedManagement | Privileges::kGlobalDelete);
  load();
  ASSERT_EQ(install_with(0), 0x9000);
  open_domain(kDomainAid);
  EXPECT_EQ(status(erase(kPackage, true)), 0x9000);
}

}  // namespace
}  // namespace kagibin::se
