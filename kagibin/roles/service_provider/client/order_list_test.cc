// SPDX-License-Identifier: Apache-2.0
#include "kagibin/roles/service_provider/client/order_list.h"

#include <string>

#include <fmt/format.h>
#include <gtest/gtest.h>

namespace kagibin::roles::service_provider {
namespace {

constexpr const char* kOne = R"({"order":"a","device":"phone-1"})";

std::string refusal(const std::string& text) {
  const auto list = parse_order_list(text);
  return list ? "" : list.error().text;
}

std::string lines(std::size_t count) {
  std::string out;
  for (std::size_t i = 1; i <= count; ++i) {
    out += fmt::format("{{\"order\":\"o-{}\",\"device\":\"phone\"}}\n", i);
  }
  return out;
}

TEST(OrderListTest, ReadsOneOrderALineWithOrWithoutAttributes) {
  const auto list = parse_order_list(
      "{\"order\":\"a\",\"device\":\"phone-1\"}\n"
      "{\"device\":\"phone-2\",\"attributes\":{\"site\":\"lab\"},\"order\":\"b\"}\r\n");
  ASSERT_TRUE(list) << list.error().text;
  ASSERT_EQ(list->size(), 2U);
  EXPECT_EQ(list->at(0).id.text(), "a");
  EXPECT_EQ(list->at(0).device.text(), "phone-1");
  EXPECT_TRUE(list->at(0).attributes.empty());
  EXPECT_EQ(list->at(1).id.text(), "b");
  EXPECT_EQ(list->at(1).device.text(), "phone-2");
  EXPECT_EQ(list->at(1).attributes, (delivery::Attributes{{"site", "lab"}}));
  EXPECT_EQ(parse_order_list(kOne)->size(), 1U) << "the last line needs no end";
}

TEST(OrderListTest, WhatIsWrongIsSaidWithItsLine) {
  const std::string good = lines(2);
  struct Case {
    const char* line;
    const char* says;
  };
  for (const Case& one : {
           Case{"", "line 3 is empty"},
           Case{"# a comment", "line 3 is not valid JSON"},
           Case{"[]", "line 3 has to be a JSON object"},
           Case{R"({"order":"a","device":"b"} {})", "line 3 is not valid JSON"},
           Case{R"({"order":"a","order":"a","device":"b"})", "line 3 names \"order\" twice"},
           Case{R"({"device":"b"})", "line 3.order is missing"},
           Case{R"({"order":"a"})", "line 3.device is missing"},
           Case{R"({"order":7,"device":"b"})", "line 3.order has to be a text"},
           Case{R"({"order":"a b","device":"b"})", "line 3.order: "},
           Case{R"({"order":"a","device":"b/c"})", "line 3.device: "},
           Case{R"({"order":"a","device":"b","campaign":"c"})", "line 3.campaign is not known"},
           Case{R"({"order":"a","device":"b","attributes":[]})", "line 3.attributes: "},
           Case{R"({"order":"a","device":"b","attributes":{"site":""}})", "line 3.attributes: "},
           Case{R"({"order":"o-2","device":"b"})", "line 3 names order o-2, as line 2 does"},
       }) {
    const std::string said = refusal(good + one.line + "\n" + lines(1));
    EXPECT_NE(said.find(one.says), std::string::npos) << one.line << ": " << said;
  }
}

TEST(OrderListTest, HasOneOrderAtLeastAndNoMoreThanItsLimit) {
  EXPECT_NE(refusal("").find("no order"), std::string::npos);
  EXPECT_NE(refusal("\xEF\xBB\xBF" + lines(1)).find("byte order mark"), std::string::npos);
  EXPECT_EQ(parse_order_list(lines(kMaxListedOrders))->size(), kMaxListedOrders);
  EXPECT_NE(refusal(lines(kMaxListedOrders + 1)).find("more than 100000"), std::string::npos);
  const std::string filler(4'096 - std::string(kOne).size(), ' ');
  EXPECT_EQ(parse_order_list(kOne + filler)->size(), 1U);
  EXPECT_NE(refusal(kOne + filler + " ").find("line 1 is too long"), std::string::npos);
}

}  // namespace
}  // namespace kagibin::roles::service_provider
