// SPDX-License-Identifier: Apache-2.0
// For the tests of campaigns: a distributor over a real store, and time second by second. At the
// end of each the audit has to find the store as the log says.
#pragma once

#include <gtest/gtest.h>

#include "kagibin/delivery/campaign_client.h"
#include "kagibin/roles/key_distribution_operator/campaigns/campaign_run.h"
#include "kagibin/roles/key_distribution_operator/test_distributor.h"
#include "kagibin/roles/key_distribution_operator/test_messages.h"

namespace kagibin::roles::key_distribution_operator {

using delivery::CampaignActor;
using delivery::CampaignApi;
using delivery::CampaignId;
using delivery::CampaignState;
using delivery::CampaignStatus;
using delivery::CampaignTerms;

struct CampaignsTest : DistributorTest {
  static CampaignId name(std::string_view text = "c") { return CampaignId::from(text).value(); }
  static CampaignTerms terms(std::uint32_t per_minute = 60) {
    CampaignTerms out{.not_after = kNow + 3'600};
    out.groups = {{.name = "all"}};
    out.rollout = {.per_minute = per_minute, .max = per_minute};
    return out;
  }
  void make(const CampaignTerms& of) { ASSERT_TRUE(api.put_campaign(name(), of).has_value()); }
  delivery::OrderRequest wish(std::string_view to, delivery::Attributes attributes = {}) const {
    return {.device = device(to),
            .not_after = kNow + 500'000'000,
            .campaign = name(),
            .attributes = std::move(attributes)};
  }
  // An order of which the first attempt is an envelope at once; its handle is `handle`.
  void join(const std::string& order,
            std::uint8_t handle,
            std::string_view to = "phone",
            delivery::Attributes attributes = {}) {
    ASSERT_TRUE(a().put_order(id(order), wish(to, std::move(attributes))).has_value());
    ASSERT_TRUE(a().put_attempt(id(order), 1, deliver(an_envelope(kSpid, handle))).has_value());
  }
  void join_many(int count) {
    for (int i = 0; i < count; ++i) {
      join("o" + std::to_string(1'000 + i), static_cast<std::uint8_t>(i));
    }
  }
  void pass(std::int64_t seconds) {
    for (std::int64_t i = 0; i < seconds; ++i) {
      clock.advance_seconds(1);
      static_cast<void>(distributor->tick());
    }
  }
  // What the agent gets, and gives its receipt for.
  std::vector<std::string> fetch() {
    std::vector<std::string> orders;
    std::string cursor;
    for (auto work = agent().work(cursor, 0).value(); work;
         work = agent().work(cursor, 0).value()) {
      orders.push_back(work->order.id.text());
      cursor = work->cursor;
    }
    return orders;
  }
  void judge(const std::string& order, std::uint8_t handle, Verdict verdict) {
    ASSERT_TRUE(agent()
                    .put_receipt(ours(id(order)), 1, {a_receipt(handle, ActionResult::kInstalled)})
                    .has_value());
    ASSERT_TRUE(a().put_verdict(id(order), 1, {verdict, "", 1}).has_value());
  }
  // As a request does that read its campaign as open.
  void insert_beside_its_campaign(std::string_view order) {
    delivery::OrderRow late{.id = id(order), .provider = kSpid, .device = device("phone")};
    late.not_after = kNow + 600;
    late.membership = delivery::Membership{.campaign = name()};
    auto t = store->begin().value();
    ASSERT_TRUE(t->insert_order(late).has_value());
    const Bytes made =
        encode(OrderChange{.time = 0,
                           .order = late.key(),
                           .digest = crypto::sha256(ascii(to_json(delivery::request_of(late))))});
    ASSERT_TRUE(t->audit().append(made).has_value());
    ASSERT_TRUE(t->commit().has_value());
  }
  CampaignStatus status() { return api.campaign(name()).value(); }
  Result<CampaignStatus> set(CampaignState state, std::string reason = "") {
    return api.put_state(name(), {state, std::move(reason)});
  }
  State state_of(const std::string& order) { return a().order(id(order)).value().state; }
  ~CampaignsTest() override {
    static_cast<void>(distributor->tick());
    for (const std::string& sentence : audit().findings.sentences()) {
      ADD_FAILURE() << sentence;
    }
  }
  CampaignApi api{provider_http};
  CampaignApi others{other_http};
};

}  // namespace kagibin::roles::key_distribution_operator
