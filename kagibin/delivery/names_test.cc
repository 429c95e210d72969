// SPDX-License-Identifier: Apache-2.0
// Subjects of transport certificates have one spelling, which is theirs alone.
#include "kagibin/delivery/names.h"

#include <gtest/gtest.h>

namespace kagibin::delivery {
namespace {

std::string of_a_provider(std::string_view suffix = "") {
  return "provider:AA000000000000000000000000000000" + std::string(suffix);
}

TEST(SubjectTest, WhatIsReadIsWrittenAgain) {
  for (const std::string& text :
       {of_a_provider(), of_a_provider(";submit"), of_a_provider(";operate"),
        of_a_provider(";audit"), of_a_provider(";submit;operate"), of_a_provider(";submit;audit"),
        of_a_provider(";operate;audit"), std::string("device:phone-7"),
        std::string("operator:on.call"), std::string("auditor:" + std::string(48, 'x')),
        std::string("invitation:000102030405060708090A0B0C0D0E0F")}) {
    const auto subject = Subject::parse(text);
    ASSERT_TRUE(subject.has_value()) << text;
    EXPECT_EQ(subject->common_name(), text);
    EXPECT_LE(text.size(), 64U) << "ub-common-name (RFC 5280, A.1)";
  }
}

TEST(SubjectTest, AProviderHasTheRolesThatItsSubjectNames) {
  const Roles all = Subject::parse(of_a_provider())->roles;
  EXPECT_TRUE(all.has(Role::kSubmit) && all.has(Role::kOperate) && all.has(Role::kAudit));
  const Roles two = Subject::parse(of_a_provider(";submit;audit"))->roles;
  EXPECT_TRUE(two.has(Role::kSubmit) && two.has(Role::kAudit));
  EXPECT_FALSE(two.has(Role::kOperate));
  EXPECT_EQ(two, (Roles{Role::kAudit, Role::kSubmit}));
  EXPECT_NE(Roles::none(), Roles());
}

TEST(SubjectTest, OtherSpellingsAreNoSubjects) {
  for (const std::string& text : {std::string(),
                                  std::string("provider:"),
                                  std::string("operator:"),
                                  std::string("auditor:"),
                                  std::string("Operator:x"),
                                  std::string("operator:a b"),
                                  std::string("operator:a;submit"),
                                  std::string("operator:" + std::string(49, 'x')),
                                  std::string("device:x;audit"),
                                  of_a_provider(";"),
                                  of_a_provider(";admin"),
                                  of_a_provider(";audit;submit"),
                                  of_a_provider(";submit;submit"),
                                  of_a_provider(";submit;operate;audit"),
                                  of_a_provider(";submit;"),
                                  of_a_provider(";Submit"),
                                  of_a_provider(";submitoperate"),
                                  of_a_provider("submit"),
                                  of_a_provider(";submit\n"),
                                  of_a_provider(std::string_view("\0", 1)),
                                  std::string("invitation:000102030405060708090A0B0C0D0E0F;audit"),
                                  std::string("provider:aa000000000000000000000000000000;audit")}) {
    EXPECT_FALSE(Subject::parse(text).has_value()) << text;
  }
}

TEST(SubjectTest, WithoutARoleThereIsNoSubject) {
  Subject nobody = Subject::parse(of_a_provider()).value();
  nobody.roles = Roles::none();
  EXPECT_FALSE(Subject::parse(nobody.common_name()).has_value());
}

TEST(SubjectTest, RolesHaveNames) {
  for (const Role role : {Role::kSubmit, Role::kOperate, Role::kAudit}) {
    EXPECT_EQ(role_by_name(name(role)), role);
  }
  EXPECT_EQ(role_by_name("admin").error().code, Errc::kValue);
  EXPECT_EQ(role_by_name("").error().code, Errc::kValue);
}

}  // namespace
}  // namespace kagibin::delivery
