// SPDX-License-Identifier: Apache-2.0
// Orders of one payload for one device, opened and sent together, and an operator that takes no
// lists of them. Thread-safety: none.
//
//   Orders orders(net, 3);
//   ASSERT_TRUE(orders.open());
//   EXPECT_EQ(must(orders.send()).taken, 3U);
#pragma once

#include <cstddef>
#include <vector>

#include <fmt/format.h>
#include <gtest/gtest.h>

#include "tests/system/order_network.h"

namespace kagibin::test {

// Orders of one payload for the network's device.
struct Orders {
  Orders(Network& to, std::size_t count)
      : net(to), payload(must(provider::PayloadFile::parse(Deployment::payload_text()))) {
    for (std::size_t i = 1; i <= count; ++i) {
      ids.push_back(must(delivery::OrderId::from(fmt::format("order-{}", i))));
      wishes.push_back({.id = ids.back(),
                        .device = net.card.device,
                        .payload = payload,
                        .csv = net.world.csv,
                        .validity_minutes = Deployment::kValidityMinutes});
    }
  }

  provider::Checked<provider::OpenedOrders> open() { return net.client().open(wishes, report); }
  provider::Checked<provider::SentOrders> send() { return net.client().send_orders(ids, report); }
  void all_are_at_the_operator_once() {
    EXPECT_TRUE(must(net.world.journal.unacknowledged()).empty());
    for (const delivery::OrderId& id : ids) {
      const auto status = net.provider_api.order(id);
      ASSERT_TRUE(status) << id.text();
      EXPECT_EQ(status->state, delivery::State::kOrdered) << id.text();
      EXPECT_EQ(status->attempts.size(), 1U) << id.text();
    }
  }

  Network& net;
  provider::PayloadFile payload;
  std::vector<delivery::OrderId> ids;
  std::vector<provider::OrderWish> wishes;
  provider::RunReport report;
};

// An operator that has no such path, or does not let us use it: each goes by itself.
class WithoutLists final : public delivery::HttpClient {
 public:
  explicit WithoutLists(delivery::HttpClient& real, int status = 404)
      : real_(real), status_(status) {}
  Result<delivery::HttpResponse> send(const delivery::HttpRequest& request) override {
    if (request.method == delivery::HttpMethod::kPost) {
      return delivery::HttpResponse{.status = status_, .body = status_ < 300 ? "{" : ""};
    }
    return real_.send(request);
  }

 private:
  delivery::HttpClient& real_;
  int status_;
};

}  // namespace kagibin::test
