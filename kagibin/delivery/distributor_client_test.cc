// SPDX-License-Identifier: Apache-2.0
#include "kagibin/delivery/distributor_client.h"

#include <gtest/gtest.h>

#include "kagibin/delivery/problem.h"

namespace kagibin::delivery {
namespace {

class ScriptedHttp final : public HttpClient {
 public:
  Result<HttpResponse> send(const HttpRequest& request) override {
    last = request;
    return answer;
  }
  HttpRequest last;
  Result<HttpResponse> answer = HttpResponse{};
};

OrderId order_id() { return OrderId::from("order-1").value(); }

TEST(DistributorClientTest, SaysWhatTheProtocolSays) {
  ScriptedHttp http;
  ProviderApi provider(http);
  http.answer->body = to_json(AttemptStatus{1, State::kOrdered, {}});
  EXPECT_EQ(provider.put_attempt(order_id(), 1, {AttemptRequest::Kind::kRequest, Bytes{0xE0}})
                .value()
                .state,
            State::kOrdered);
  EXPECT_EQ(http.last.method, HttpMethod::kPut);
  EXPECT_EQ(http.last.target, "/v1/orders/order-1/attempts/1");
  EXPECT_EQ(http.last.body, R"({"request":"4A=="})");

  ASSERT_TRUE(provider.put_verdict(order_id(), 1, {Verdict::kConfirmed, ""}).has_value());
  EXPECT_EQ(http.last.target, "/v1/orders/order-1/attempts/1/verdict");

  http.answer->body = to_json(OrderListing{{}, "7", false});
  EXPECT_EQ(provider.list(State::kEnrolled, "3").value().next, "7");
  EXPECT_EQ(http.last.method, HttpMethod::kGet);
  EXPECT_EQ(http.last.target, "/v1/orders?limit=100&state=enrolled&after=3");
  EXPECT_EQ(provider.list({}, "3&limit=9").error().code, Errc::kInvalidArgument);
}

TEST(DistributorClientTest, NoContentIsNoWork) {
  ScriptedHttp http;
  DeviceApi device(http);
  http.answer = HttpResponse{.status = 204, .retry_after_seconds = 30, .date = 1'700'000'000};
  EXPECT_EQ(device.work("", 20).value(), std::nullopt);
  EXPECT_EQ(http.last.target, "/v1/devices/self/work?wait=20");
  EXPECT_EQ(device.connection().retry_after_seconds(), 30U);
  EXPECT_EQ(device.connection().server_time(), 1'700'000'000);
}

TEST(DistributorClientTest, ProblemsAndBrokenAnswersAreErrors) {
  ScriptedHttp http;
  ProviderApi provider(http);
  http.answer = problem_response({Errc::kConflict, "other content"});
  EXPECT_EQ(provider.order(order_id()).error().code, Errc::kConflict);
  http.answer = HttpResponse{.body = "{\"order\":"};
  EXPECT_EQ(provider.order(order_id()).error().code, Errc::kEncoding);
  EXPECT_EQ(provider.connection().status(), 200);
  // Something was sent: whether it was taken is not known.
  EXPECT_EQ(provider.put_order(order_id(), {.device = *DeviceId::from("phone"), .not_after = 9})
                .error()
                .code,
            Errc::kHttp);
  EXPECT_EQ(provider.put_verdict(order_id(), 1, {}).error().code, Errc::kHttp);
  http.answer = fail(Errc::kNetwork, "cut off");
  EXPECT_EQ(provider.order(order_id()).error().code, Errc::kNetwork);
  EXPECT_EQ(provider.connection().status(), 0);
}

}  // namespace
}  // namespace kagibin::delivery
