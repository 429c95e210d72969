// SPDX-License-Identifier: Apache-2.0
// Who may call what, and how strictly a request is read.
#include "kagibin/roles/key_distribution_operator/routes.h"

#include <algorithm>
#include <cctype>

#include "kagibin/delivery/problem.h"
#include "kagibin/roles/key_distribution_operator/test_distributor.h"

namespace kagibin::roles::key_distribution_operator {
namespace {

using RoutesTest = DistributorTest;

TEST_F(RoutesTest, OnlyTheHealthOfTheServiceIsSeenWithoutACertificate) {
  EXPECT_EQ(send(HttpMethod::kGet, "/healthz", {}).status, 200);
  for (const Route& route : routes()) {
    if (route.callers == Callers::kAnybody) {
      continue;
    }
    std::string target(route.pattern);
    for (const std::string_view name : {"{provider}", "{order}", "{attempt}"}) {
      if (const auto at = target.find(name); at != std::string::npos) {
        target.replace(at, name.size(), "1");
      }
    }
    EXPECT_EQ(send(route.method, target, {}).status, 403) << target;
    EXPECT_EQ(send(route.method, target, "somebody").status, 403) << target;
    for (const delivery::Party party :
         {delivery::Party::kProvider, delivery::Party::kDevice, delivery::Party::kInvitation}) {
      const bool allowed = admits(route.callers, party);
      const std::string subject = delivery::Subject{party, std::string(32, 'A')}.common_name();
      const HttpResponse response = send(route.method, target, subject);
      const bool stranger =
          response.status == 403 &&
          response.body.find("this certificate's subject may not call this") != std::string::npos;
      EXPECT_NE(stranger, allowed) << target << " " << subject;
    }
  }
}

TEST_F(RoutesTest, TargetsAndBodiesAreReadStrictly) {
  const std::string subject = provider_http.subject;
  EXPECT_EQ(send(HttpMethod::kGet, "/v1/orders/x/", subject).status, 404);
  EXPECT_EQ(send(HttpMethod::kGet, "//v1/orders", subject).status, 404);
  EXPECT_EQ(send(HttpMethod::kGet, "/v1/orders?limit=0", subject).status, 200);
  for (const char* target :
       {"/v1/orders?limit=01", "/v1/orders?limit=1001", "/v1/orders?limit=1&limit=1",
        "/v1/orders?foo=1", "/v1/orders?state=Sealed", "/v1/orders?after=-1",
        "/v1/orders?after=99999999999999999999", "/v1/orders/x?limit=1", "/v1/orders/%78",
        "/v1/orders/a b"}) {
    EXPECT_EQ(send(HttpMethod::kGet, target, subject).status, 400) << target;
  }
  for (const char* target : {"/v1/orders/x/attempts/0", "/v1/orders/x/attempts/1000",
                             "/v1/orders/x/attempts/+1", "/v1/orders/x/attempts/1x"}) {
    EXPECT_EQ(send(HttpMethod::kPut, target, subject).status, 400) << target;
  }
  EXPECT_EQ(send(HttpMethod::kDelete, "/v1/orders/x", subject).status, 404);
  const HttpResponse broken = send(HttpMethod::kPut, "/v1/orders/x", subject, "{");
  EXPECT_EQ(broken.status, 400);
  EXPECT_EQ(broken.content_type, "application/problem+json");
  EXPECT_EQ(delivery::problem_from_json(broken.body)->type, "urn:kagibin:problem:encoding");
  EXPECT_EQ(send(HttpMethod::kPut, "/v1/orders/x", subject,
                 R"({"device":"phone","notAfter":1900000000,"priority":1})")
                .status,
            400);
  EXPECT_EQ(send(HttpMethod::kGet, "/v1/orders/x", subject).status, 404);
}

TEST_F(RoutesTest, AProviderHasOneSpellingInAPath) {
  const std::string upper = kSpid.hex();
  std::string lower = upper;
  std::ranges::transform(lower, lower.begin(), [](unsigned char c) { return std::tolower(c); });
  for (const std::string& spid : {lower, upper.substr(2), upper + "00", "x" + upper.substr(1)}) {
    EXPECT_EQ(send(HttpMethod::kPut, "/v1/providers/" + spid + "/orders/x/attempts/1/receipt",
                   "device:phone", "{}")
                  .status,
              400)
        << spid;
  }
}

TEST_F(RoutesTest, PathsWithAnEmptySegmentAreNoPaths) {
  using std::string_literals::operator""s;
  const auto provider = provider_http.subject;
  for (const char* path :
       {"/v1/orders//", "/v1/orders//attempts/1/receipt", "/v1/orders/x/attempts//receipt"}) {
    EXPECT_EQ(send(HttpMethod::kGet, path, provider).status, 404) << path;
  }
  const std::string by = "/v1/providers/" + kSpid.hex() + "/orders/";
  for (const std::string& path :
       {"/v1/providers//orders/x/attempts/1/receipt"s, by + "/attempts/1/receipt",
        by + "x/attempts//receipt", "/v1/orders/x/attempts/1/receipt"s}) {
    EXPECT_EQ(send(HttpMethod::kPut, path, "device:phone", "{}").status, 404) << path;
  }
  for (const char* path : {"/v1/orders//", "/v1/orders//attempts/1", "/v1/orders/x/attempts/"}) {
    EXPECT_EQ(send(HttpMethod::kPut, path, provider, "{}").status, 404) << path;
  }
}

}  // namespace
}  // namespace kagibin::roles::key_distribution_operator
