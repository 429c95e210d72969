// SPDX-License-Identifier: Apache-2.0
// A campaign's terms and the bodies about campaigns: what reads back, and what is refused.
#include "kagibin/delivery/campaign.h"

#include <gtest/gtest.h>

#include "kagibin/delivery/campaign_messages.h"
#include "kagibin/delivery/messages.h"
#include "kagibin/delivery/submission.h"

namespace kagibin::delivery {
namespace {

constexpr const char* kFull =
    R"({"notAfter":1800000000,"orders":300,"groups":[{"name":"pilot","match":{"site":"lab"}},)"
    R"({"name":"rest"}],"nextGroup":"settled","rollout":{"kind":"exponential","first":10,)"
    R"("factor":2,"each":50,"max":600},"abort":[{"on":"refused","percent":10,"after":20}],)"
    R"("windows":[{"days":["mon","sun"],"from":"22:00","to":"04:05"}],)"
    R"("retries":{"declined":0,"refused":1,"unknown":3}})";

std::string with(std::string_view member) {
  return R"({"notAfter":1,"rollout":{"kind":"constant","perMinute":5},)" + std::string(member) +
         "}";
}

TEST(CampaignTest, TermsReadBackToTheSameText) {
  const CampaignTerms terms = campaign_terms_from_json(kFull).value();
  EXPECT_EQ(to_json(terms), kFull);
  EXPECT_EQ(terms.windows[0].days, 0x41);
  EXPECT_EQ(terms.windows[0].from, 22 * 60);
  EXPECT_EQ(terms.windows[0].to, 4 * 60 + 5);
  const CampaignTerms least =
      campaign_terms_from_json(R"({"notAfter":1,"rollout":{"kind":"constant","perMinute":5}})")
          .value();
  ASSERT_EQ(least.groups.size(), 1U);
  EXPECT_EQ(least.groups[0].name, "all");
  EXPECT_FALSE(least.retries.has_value());
  EXPECT_EQ(campaign_terms_from_json(to_json(least)).value(), least);
}

TEST(CampaignTest, TheFirstGroupThatMatchesTakesAnOrder) {
  CampaignTerms terms = campaign_terms_from_json(kFull).value();
  EXPECT_EQ(terms.group_of({{"site", "lab"}, {"model", "x"}}), 0U);
  EXPECT_EQ(terms.group_of({{"site", "Lab"}}), 1U);
  EXPECT_EQ(terms.group_of({}), 1U);
  terms.groups.pop_back();
  EXPECT_EQ(terms.group_of({{"model", "lab"}}), std::nullopt);
}

TEST(CampaignTest, TermsThatMakeNoSenseAreRefused) {
  std::string group_list;
  std::string rules;
  std::string attributes;
  for (int i = 0; i < 17; ++i) {
    const std::string comma = i == 0 ? "" : ",";
    group_list += comma + R"({"name":"g)" + std::to_string(i) + R"(","match":{"a":")" +
                  std::to_string(i) + R"("}})";
    rules += comma + R"({"on":"refused","percent":1,"after":1})";
    attributes += comma + "\"k" + std::to_string(i) + "\":\"v\"";
  }
  for (const std::string& text : {
           std::string("{}"),
           std::string(R"({"notAfter":1})"),
           std::string(R"({"rollout":{"kind":"constant","perMinute":5}})"),
           std::string(R"({"notAfter":-1,"rollout":{"kind":"constant","perMinute":5}})"),
           std::string(R"({"notAfter":1,"rollout":{"kind":"constant","perMinute":0}})"),
           std::string(R"({"notAfter":1,"rollout":{"kind":"constant","perMinute":60001}})"),
           std::string(R"({"notAfter":1,"rollout":{"kind":"linear","perMinute":5}})"),
           std::string(R"({"notAfter":1,"rollout":{"kind":"constant"}})"),
           std::string(R"({"notAfter":1,"rollout":{"kind":"constant","perMinute":5,"max":6}})"),
           std::string(R"({"notAfter":1,"rollout":{"kind":"exponential","first":10,"factor":1,)"
                       R"("each":1,"max":20}})"),
           std::string(R"({"notAfter":1,"rollout":{"kind":"exponential","first":10,"factor":2,)"
                       R"("each":0,"max":20}})"),
           std::string(R"({"notAfter":1,"rollout":{"kind":"exponential","first":10,"factor":2,)"
                       R"("each":1,"max":9}})"),
           with(R"("orders":0)"),
           with(R"("orders":"3")"),
           with(R"("groups":[])"),
           with(R"("groups":[{"name":"a"},{"name":"b"}])"),
           with(R"("groups":[{"name":"a","match":{"k":"v"}},{"name":"a"}])"),
           with(R"("groups":[{"name":""}])"),
           with(R"("groups":[{"match":{"k":"v"}}])"),
           with(R"("groups":[{"name":"a","match":{"k":1}}])"),
           with(R"("groups":[{"name":"a","match":{"":"v"}}])"),
           with(R"("groups":[{"name":"a","match":{"k":""}}])"),
           with(R"("groups":[{"name":"a","match":["k"]}])"),
           with(R"("groups":[{"name":"a","match":{)" + attributes + "}}]"),
           with(R"("groups":[{"name":"a","match":{")" + std::string(33, 'k') + R"(":"v"}}])"),
           with(R"("groups":[{"name":"a","match":{"k":")" + std::string(65, 'v') + R"("}}])"),
           with(R"("groups":[)" + group_list + "]"),
           with(R"("nextGroup":"soon")"),
           with(R"("abort":[{"on":"confirmed","percent":1,"after":1}])"),
           with(R"("abort":[{"on":"refused","percent":0,"after":1}])"),
           with(R"("abort":[{"on":"refused","percent":101,"after":1}])"),
           with(R"("abort":[{"on":"refused","percent":1,"after":0}])"),
           with(R"("abort":[)" + rules + "]"),
           with(R"("windows":[{"from":"22:00"}])"),
           with(R"("windows":[{"from":"22:00","to":"22:00"}])"),
           with(R"("windows":[{"from":"24:00","to":"22:00"}])"),
           with(R"("windows":[{"from":"22:60","to":"22:00"}])"),
           with(R"("windows":[{"from":"2:00","to":"22:00"}])"),
           with(R"("windows":[{"from":"+2:00","to":"22:00"}])"),
           with(R"("windows":[{"days":[],"from":"21:00","to":"22:00"}])"),
           with(R"("windows":[{"days":["Mon"],"from":"21:00","to":"22:00"}])"),
           with(R"("windows":[{"days":[1],"from":"21:00","to":"22:00"}])"),
           with(R"("retries":{"refused":101})"),
           with(R"("retries":{"expired":1})"),
           with(R"("other":1)"),
       }) {
    EXPECT_FALSE(campaign_terms_from_json(text).has_value()) << text;
  }
}

TEST(CampaignTest, AnOrderNamesItsCampaignAndItsAttributes) {
  const OrderRequest request{.device = DeviceId::from("d").value(),
                             .not_after = 5,
                             .campaign = CampaignId::from("c").value(),
                             .attributes = {{"site", "lab"}}};
  EXPECT_EQ(order_request_from_json(to_json(request)).value(), request);
  const Submission submission{
      {{OrderId::from("o").value(), request, {AttemptRequest::Kind::kRequest, {1}}}}};
  EXPECT_EQ(submission_from_json(to_json(submission)).value(), submission);
  EXPECT_FALSE(
      order_request_from_json(R"({"device":"d","notAfter":5,"attributes":{"site":"lab"}})"));
  EXPECT_FALSE(order_request_from_json(R"({"device":"d","notAfter":5,"campaign":"a/b"})"));
  OrderStatus status{
      OrderId::from("o").value(), DeviceId::from("d").value(), 1, State::kSealed, {}};
  EXPECT_EQ(to_json(status).find("held"), std::string::npos) << "as before, outside of campaigns";
  status.campaign = CampaignId::from("c").value();
  status.held = true;
  EXPECT_EQ(order_status_from_json(to_json(status)).value(), status);
}

TEST(CampaignTest, BodiesAboutCampaignsReadBack) {
  const CampaignId id = CampaignId::from("c").value();
  CampaignStatus status{
      .campaign = id, .state = CampaignState::kPaused, .reason = "鍵", .next_release = 7};
  status.groups = {
      {.name = "all", .held = 3, .orders = {{State::kUnknown, 1}, {State::kOrdered, 2}}}};
  status.terms = campaign_terms_from_json(kFull).value();
  EXPECT_EQ(campaign_status_from_json(to_json(status)).value(), status);
  status.next_release.reset();
  status.changed_by = CampaignActor::kDistributor;
  status.paused_by = {.provider = true, .operated = true};
  EXPECT_EQ(campaign_status_from_json(to_json(status)).value(), status);
  for (const char* pausers : {R"(["distributor"])", R"(["operator","operator"])", R"([1])"}) {
    std::string text = to_json(status);
    const std::string both = R"(["provider","operator"])";
    text.replace(text.find(both), both.size(), pausers);
    EXPECT_FALSE(campaign_status_from_json(text).has_value()) << pausers;
  }
  const CampaignListing listing{{{id, CampaignState::kAborted, 5, 6}}, "c", true};
  EXPECT_EQ(campaign_listing_from_json(to_json(listing)).value(), listing);
  const OrderHistory history{{{-1, "receipt", 2, State::kReported, State::kReported, 3},
                              {5, "order", 0, State::kOrdered, State::kOrdered, {}}},
                             "2",
                             false};
  EXPECT_EQ(order_history_from_json(to_json(history)).value(), history);
  for (const auto state :
       {CampaignState::kRunning, CampaignState::kPaused, CampaignState::kCancelled}) {
    const CampaignStateRequest request{state, "why"};
    EXPECT_EQ(campaign_state_request_from_json(to_json(request)).value(), request);
  }
  for (const char* text :
       {R"({"state":"running"})", R"({"state":"aborted","reason":""})",
        R"({"state":"cancelling","reason":""})", R"({"state":"stopped","reason":""})",
        R"({"state":"paused","reason":"a\nb"})", R"({"state":"paused","reason":"","x":1})"}) {
    EXPECT_FALSE(campaign_state_request_from_json(text).has_value()) << text;
  }
}

TEST(CampaignTest, EveryStateHasANameAndLeadsToAnEnd) {
  for (std::size_t i = 0; i < kCampaignStateCount; ++i) {
    const auto state = static_cast<CampaignState>(i);
    EXPECT_EQ(campaign_state_by_name(name(state)).value(), state);
    EXPECT_TRUE(is_end(end_of(state))) << name(state);
    EXPECT_FALSE(is_open(state) && is_end(state)) << name(state);
  }
  EXPECT_FALSE(campaign_state_by_name("done").has_value());
}

}  // namespace
}  // namespace kagibin::delivery
