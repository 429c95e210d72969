// SPDX-License-Identifier: Apache-2.0
// A single order beside others who submit in bulk waits for what is being committed and for its own
// commit, and what is committed at once is bounded by orders.
#include <atomic>
#include <chrono>
#include <thread>

#include "kagibin/net/handler_queue.h"
#include "kagibin/roles/key_distribution_operator/test_distributor.h"

namespace kagibin::roles::key_distribution_operator {
namespace {

constexpr std::size_t kMaxBatch = 64;

// Counts what the distributor is given together.
class Counting final : public delivery::HttpHandler {
 public:
  explicit Counting(Distributor& behind) : behind_(behind) {}
  HttpResponse handle(const HttpRequest& request) override { return behind_.handle(request); }
  std::vector<HttpResponse> handle_batch(std::span<const HttpRequest> requests) override {
    std::size_t orders = 0;
    for (const HttpRequest& request : requests) {
      orders += request.method == HttpMethod::kPost
                    ? delivery::submission_from_json(request.body)->orders.size()
                    : 1;
    }
    most = std::max(most.load(), orders);
    ++batches;
    return behind_.handle_batch(requests);
  }
  std::size_t weight(const HttpRequest& request) const override { return behind_.weight(request); }
  std::vector<std::string> tick() override {
    ++ticks;
    return behind_.tick();
  }
  std::atomic<std::size_t> most = 0;
  std::atomic<int> batches = 0;
  std::atomic<int> ticks = 0;

 private:
  Distributor& behind_;
};

struct BulkLatencyTest : DistributorTest {
  HttpRequest bulk(int who, int round, std::size_t orders) {
    delivery::Submission many;
    for (std::size_t i = 0; i < orders; ++i) {
      many.orders.push_back(
          {id("b" + std::to_string(who) + "-" + std::to_string(round) + "-" + std::to_string(i)),
           {device("phone"), kNow + 600},
           request(a_request(kSpid, static_cast<std::uint8_t>(i)))});
    }
    return {.method = HttpMethod::kPost,
            .target = "/v1/orders",
            .body = to_json(many),
            .subject = provider_http.subject};
  }
};

TEST_F(BulkLatencyTest, NoOrderIsShorterThanItIsWeighed) {
  delivery::Submission many;
  for (std::size_t i = 0; i < delivery::kMaxSubmitted; ++i) {
    many.orders.push_back({id(std::string(1, static_cast<char>(i < 26 ? 'a' + i : 'A' + i % 26))),
                           {device("d"), 0},
                           request(Bytes{0})});
    const HttpRequest post{.method = HttpMethod::kPost,
                           .target = "/v1/orders",
                           .body = to_json(many),
                           .subject = provider_http.subject};
    EXPECT_GE(distributor->weight(post), many.orders.size());
  }
  EXPECT_EQ(distributor->weight({.method = HttpMethod::kPut, .body = std::string(60'000, 'x')}),
            1U);
}

TEST_F(BulkLatencyTest, WhoMayNotSubmitStandsInNoSubmittersWay) {
  HttpRequest post = bulk(1, 1, delivery::kMaxSubmitted);
  EXPECT_EQ(distributor->weight(post), delivery::kMaxSubmitted);
  for (const std::optional<std::string>& who :
       {std::optional<std::string>(), std::optional<std::string>("somebody"),
        std::optional<std::string>("device:phone"), std::optional<std::string>("operator:ops"),
        std::optional<std::string>(provider_http.subject + ";audit")}) {
    post.subject = who;
    EXPECT_EQ(distributor->weight(post), 1U) << who.value_or("nobody");
  }
  post.subject = provider_http.subject;
  post.target = "/v1/nothing";
  EXPECT_EQ(distributor->weight(post), 1U);
}

TEST_F(BulkLatencyTest, ASingleOrderWaitsForOneCommitAndItsOwnAndTicksGoOn) {
  Counting counting(*distributor);
  net::HandlerQueue queue(counting, kMaxBatch, [](const std::vector<std::string>&) {}, nullptr);
  constexpr int kSubmitters = 8;
  constexpr int kSingles = 25;
  std::atomic<bool> stop = false;
  std::vector<std::jthread> submitters;
  submitters.reserve(kSubmitters);
  for (int who = 0; who < kSubmitters; ++who) {
    submitters.emplace_back([&, who] {
      for (int round = 0; !stop; ++round) {
        std::atomic<bool> done = false;
        queue.submit({.request = bulk(who, round, delivery::kMaxSubmitted),
                      .done = [&](const HttpResponse& response) {
                        EXPECT_EQ(response.status, 200);
                        done = true;
                        done.notify_one();
                      }});
        done.wait(false);
      }
    });
  }
  const auto until = std::chrono::steady_clock::now() + std::chrono::milliseconds(2'500);
  for (int i = 0; i < kSingles || std::chrono::steady_clock::now() < until; ++i) {
    std::atomic<int> status = 0;
    const int before = counting.batches;
    queue.submit({.request = {.method = HttpMethod::kPut,
                              .target = "/v1/orders/single-" + std::to_string(i),
                              .body = to_json(delivery::OrderRequest{device("phone"), kNow + 600}),
                              .subject = other_http.subject},
                  .done = [&](const HttpResponse& response) {
                    status = response.status;
                    status.notify_one();
                  }});
    status.wait(0);
    EXPECT_EQ(status, 201);
    // The one under way, its own, and one that may begin while this thread reads the number.
    EXPECT_LE(counting.batches - before, 3);
  }
  stop = true;
  submitters.clear();
  EXPECT_GT(counting.most, delivery::kMaxSubmitted / 2) << "they were in bulk";
  EXPECT_LE(counting.most, kMaxBatch + delivery::kMaxSubmitted);
  EXPECT_GT(counting.batches, kSingles / 2);
  EXPECT_GE(counting.ticks, 1) << "nobody starves what ends orders";
}

}  // namespace
}  // namespace kagibin::roles::key_distribution_operator
