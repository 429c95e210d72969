// SPDX-License-Identifier: Apache-2.0
// Who may call what, and how strictly a request is read.
#include "kagibin/roles/key_distribution_operator/routes.h"

#include <algorithm>
#include <cctype>
#include <map>
#include <utility>

#include "kagibin/delivery/problem.h"
#include "kagibin/roles/key_distribution_operator/test_distributor.h"

namespace kagibin::roles::key_distribution_operator {
namespace {

using RoutesTest = DistributorTest;

// The route's path, with something at every place.
std::string a_target(const Route& route) {
  std::string target(route.pattern);
  for (const auto& [place, text] :
       {std::pair("{provider}", kSpid.hex()), std::pair("{order}", std::string("x")),
        std::pair("{attempt}", std::string("1")), std::pair("{campaign}", std::string("c"))}) {
    if (const auto at = target.find(place); at != std::string::npos) {
      target.replace(at, std::string_view(place).size(), text);
    }
  }
  return target;
}

TEST_F(RoutesTest, OnlyTheHealthOfTheServiceIsSeenWithoutACertificate) {
  EXPECT_EQ(send(HttpMethod::kGet, "/healthz", {}).status, 200);
  EXPECT_EQ(send(HttpMethod::kGet, "/readyz", {}).status, 200);
  for (const Route& route : routes()) {
    if (route.callers == kAnybody) {
      EXPECT_TRUE(route.pattern == "/healthz" || route.pattern == "/readyz") << route.pattern;
      continue;
    }
    EXPECT_EQ(send(route.method, a_target(route), {}).status, 403) << route.pattern;
    for (const char* nobody :
         {"somebody", "", "provider:", "operator:", "operator", "admin:root"}) {
      const HttpResponse response = send(route.method, a_target(route), nobody);
      EXPECT_EQ(response.status, 403) << route.pattern << " " << nobody;
      EXPECT_NE(response.body.find("none of this distributor's"), std::string::npos);
    }
  }
}

TEST_F(RoutesTest, APathNamesTheMethodsThatItTakes) {
  const std::string provider = delivery::provider_subject(kSpid).common_name();
  for (const auto& [target, allow] :
       {std::pair("/v1/orders", "GET, POST"), std::pair("/v1/orders/x", "GET, PUT"),
        std::pair("/v1/orders?after=1", "GET, POST"), std::pair("/healthz", "GET")}) {
    const HttpResponse response = send(HttpMethod::kDelete, target, provider);
    EXPECT_EQ(response.status, 405) << target;
    EXPECT_EQ(response.allow, allow) << target;
    EXPECT_EQ(response.content_type, "application/problem+json");
    const auto problem = delivery::problem_from_json(response.body);
    ASSERT_TRUE(problem.has_value()) << response.body;
    EXPECT_EQ(problem->detail, std::string("this path takes ") + allow);
  }
  for (const char* none : {"/v1/order", "/v1/orders/", "/v1/orders//attempts/1", "", "/"}) {
    const HttpResponse response = send(HttpMethod::kDelete, none, provider);
    EXPECT_EQ(response.status, 404) << none;
    EXPECT_EQ(response.allow, "") << none;
  }
}

TEST_F(RoutesTest, EveryRouteAdmitsTheRolesOfTheTableAndNamesThemToTheOthers) {
  // s submit, o operate, a audit: of a provider; D device, I invitation, O operator, A auditor.
  const std::map<std::string, std::string> expected = {
      {"get /metrics", "OA"},
      {"get /v1/audit/checkpoint", "A"},
      {"get /v1/audit/tile/{tile}", "A"},
      {"get /v1/orders", "soa"},
      {"post /v1/orders", "s"},
      {"put /v1/orders/{order}", "s"},
      {"get /v1/orders/{order}", "soa"},
      {"put /v1/orders/{order}/attempts/{attempt}", "s"},
      {"get /v1/orders/{order}/attempts/{attempt}/enrolment", "sa"},
      {"put /v1/orders/{order}/attempts/{attempt}/delivery", "s"},
      {"get /v1/orders/{order}/attempts/{attempt}/receipt", "sa"},
      {"put /v1/orders/{order}/attempts/{attempt}/verdict", "s"},
      {"put /v1/orders/{order}/attempts/{attempt}/withdrawal", "so"},
      {"put /v1/providers/{provider}/orders/{order}/attempts/{attempt}/enrolment", "D"},
      {"put /v1/providers/{provider}/orders/{order}/attempts/{attempt}/receipt", "D"},
      {"get /v1/orders/{order}/history", "soa"},
      {"get /v1/campaigns", "soa"},
      {"put /v1/campaigns/{campaign}", "s"},
      {"get /v1/campaigns/{campaign}", "soa"},
      {"put /v1/campaigns/{campaign}/state", "so"},
      {"get /v1/providers/{provider}/orders/{order}/history", "OA"},
      {"get /v1/providers/{provider}/campaigns", "OA"},
      {"get /v1/providers/{provider}/campaigns/{campaign}", "OA"},
      {"put /v1/providers/{provider}/campaigns/{campaign}/state", "O"},
      {"get /v1/devices/self/work", "D"},
      {"get /v1/providers/{provider}/orders", "OA"},
      {"get /v1/providers/{provider}/orders/{order}", "OA"},
      {"put /v1/invitations/self/certificate", "I"},
      {"get /v1/transport/roots", "soaDOA"},
      {"put /v1/transport/certificate", "soaDOA"},
  };
  const std::string provider = delivery::provider_subject(kSpid).common_name();
  const std::map<std::string, std::string> subjects = {
      {provider, "soa"},
      {provider + ";submit", "s"},
      {provider + ";operate", "o"},
      {provider + ";audit", "a"},
      {provider + ";submit;operate", "so"},
      {provider + ";submit;audit", "sa"},
      {provider + ";operate;audit", "oa"},
      {"device:phone", "D"},
      {"invitation:" + std::string(32, 'A'), "I"},
      {"operator:ops", "O"},
      {"auditor:eve", "A"},
  };
  for (const auto& [subject, roles] : subjects) {
    EXPECT_FALSE(admits(Callers{}, delivery::Subject::parse(subject).value())) << subject;
    EXPECT_TRUE(admits(kAnybody, delivery::Subject::parse(subject).value())) << subject;
  }
  std::size_t seen = 0;
  for (const Route& route : routes()) {
    if (route.callers == kAnybody) {
      continue;
    }
    const std::string what = std::string(name(route.method)) + " " + std::string(route.pattern);
    ASSERT_TRUE(expected.contains(what)) << what << " has no row in this test";
    ++seen;
    const std::string who(who_may(route.callers).text());
    EXPECT_TRUE(who.starts_with("this is for ")) << what << ": " << who;
    for (const auto& [subject, roles] : subjects) {
      const bool allowed = expected.at(what).find_first_of(roles) != std::string::npos;
      EXPECT_EQ(admits(route.callers, delivery::Subject::parse(subject).value()), allowed)
          << what << " " << subject;
      const HttpResponse response = send(route.method, a_target(route), subject);
      const bool refused = response.status == 403 && response.body.find(who) != std::string::npos;
      EXPECT_NE(refused, allowed) << what << " " << subject << ": " << response.body;
    }
  }
  EXPECT_EQ(seen, expected.size());
}

TEST_F(RoutesTest, OperatorsAndAuditorsSeeStatesOfAllTenantsAndNoMessage) {
  hand_over(id("order-1"), 7);
  ASSERT_TRUE(other.put_order(id("order-2"), {device("phone"), kNow + 600}).has_value());
  const std::string envelope =
      to_json(delivery::DeliveryMessage{an_envelope(kSpid, 7)}).substr(20, 60);
  for (const char* who : {"operator:ops", "auditor:eve"}) {
    const std::string of = "/v1/providers/" + kSpid.hex() + "/orders";
    const HttpResponse list = send(HttpMethod::kGet, of, who);
    EXPECT_EQ(list.status, 200);
    EXPECT_NE(list.body.find("order-1"), std::string::npos) << list.body;
    EXPECT_EQ(list.body.find("order-2"), std::string::npos) << list.body;
    const HttpResponse one = send(HttpMethod::kGet, of + "/order-1", who);
    EXPECT_EQ(one.status, 200);
    EXPECT_NE(one.body.find("handed_over"), std::string::npos) << one.body;
    EXPECT_EQ(one.body.find(envelope), std::string::npos);
    EXPECT_EQ(send(HttpMethod::kGet, of + "/order-2", who).status, 404);
    EXPECT_EQ(
        send(HttpMethod::kGet, "/v1/providers/" + kOtherSpid.hex() + "/orders/order-2", who).status,
        200);
    EXPECT_EQ(send(HttpMethod::kGet, of + "?limit=1&state=handed_over&wait=0", who).status, 200);
    // What is inside orders stands at paths that have no provider in them, or is another's to read.
    for (const char* behind : {"/attempts/1/enrolment", "/attempts/1/receipt",
                               "/attempts/1/delivery", "/attempts/1", "/attempts/1/withdrawal"}) {
      EXPECT_NE(send(HttpMethod::kGet, of + "/order-1" + behind, who).status, 200) << behind;
      EXPECT_EQ(
          send(HttpMethod::kPut, "/v1/orders/order-1" + std::string(behind), who, "{}").status,
          std::string_view(behind) == "/attempts/1/enrolment" ||
                  std::string_view(behind) == "/attempts/1/receipt"
              ? 405
              : 403)
          << behind;
    }
  }
}

TEST_F(RoutesTest, ALimitedCertificateActsInItsTenantAsAnyOther) {
  const std::string mine = delivery::provider_subject(kSpid).common_name();
  Current submit_http{*this, mine + ";submit"};
  Current operate_http{*this, mine + ";operate"};
  Current audit_http{*this, mine + ";audit"};
  ProviderApi submitter(submit_http);
  ProviderApi steward(operate_http);
  ProviderApi reader(audit_http);
  ASSERT_TRUE(submitter.put_order(id("o"), {device("phone"), kNow + 600}).has_value());
  ASSERT_TRUE(submitter.put_attempt(id("o"), 1, request(a_request(kSpid, 1))).has_value());
  EXPECT_EQ(reader.order(id("o"))->state, State::kOrdered);
  EXPECT_EQ(reader.withdraw(id("o"), 1, {"no"}).error().code, Errc::kUntrusted);
  EXPECT_EQ(steward.put_order(id("p"), {device("phone"), kNow + 600}).error().code,
            Errc::kUntrusted);
  EXPECT_EQ(steward.receipt(id("o"), 1).error().code, Errc::kUntrusted);
  EXPECT_EQ(steward.withdraw(id("o"), 1, {"stop"})->state, State::kCancelled);
  EXPECT_EQ(other.order(id("o")).error().code, Errc::kNotFound) << "of another tenant";
}

// Octet by octet: neither a name nor a status says that somebody else has such an order.
TEST_F(RoutesTest, WhatIsAnothersIsAnsweredAsWhatIsNot) {
  hand_over(id("here"), 7);
  const std::string receipt =
      to_json(delivery::ReceiptMessage{a_receipt(7, ActionResult::kInstalled), {}});
  const std::string verdict = to_json(delivery::VerdictMessage{Verdict::kConfirmed, "", {}});
  struct Question {
    HttpMethod method;
    std::string path;
    std::string subject;
    std::string body{};
  };
  const std::string of_spid = "/v1/providers/" + kSpid.hex() + "/orders/@/attempts/1/";
  const std::string mine = other_http.subject;
  const std::vector<Question> questions = {
      {HttpMethod::kGet, "/v1/orders/@", mine},
      {HttpMethod::kGet, "/v1/orders/@/attempts/1/enrolment", mine},
      {HttpMethod::kGet, "/v1/orders/@/attempts/1/receipt", mine},
      {HttpMethod::kPut, "/v1/orders/@/attempts/1", mine, to_json(deliver(an_envelope(kSpid, 7)))},
      {HttpMethod::kPut, "/v1/orders/@/attempts/1/verdict", mine, verdict},
      {HttpMethod::kPut, "/v1/orders/@/attempts/1/withdrawal", mine, R"({"reason":""})"},
      {HttpMethod::kGet, "/v1/providers/" + kSpid.hex() + "/orders/@", mine},
      {HttpMethod::kPut, of_spid + "receipt", "device:thief", receipt},
      {HttpMethod::kPut, of_spid + "enrolment", "device:thief", R"({"answer":"4AA="})"},
      {HttpMethod::kGet, "/v1/providers/" + kSpid.hex() + "/orders/@", "device:thief"},
  };
  for (const Question& question : questions) {
    const auto ask = [&](const char* order) {
      std::string path = question.path;
      path.replace(path.find('@'), 1, order);
      return send(question.method, path, question.subject, question.body);
    };
    const HttpResponse there = ask("here");
    const HttpResponse nowhere = ask("nowhere");
    EXPECT_GE(there.status, 403) << question.path;
    EXPECT_LE(there.status, 404) << question.path;
    EXPECT_EQ(there.status, nowhere.status) << question.path;
    EXPECT_EQ(there.body, nowhere.body) << question.path;
    EXPECT_EQ(there.retry_after_seconds, nowhere.retry_after_seconds) << question.path;
  }
  // Its name is free for another tenant.
  EXPECT_EQ(send(HttpMethod::kPut, "/v1/orders/here", mine,
                 to_json(delivery::OrderRequest{device("phone"), kNow + 600}))
                .status,
            201);
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
  EXPECT_EQ(send(HttpMethod::kDelete, "/v1/orders/x", subject).status, 405);
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

TEST_F(RoutesTest, APathHasOneSpelling) {
  ASSERT_TRUE(a().put_order(id("x"), {device("phone"), kNow + 600}).has_value());
  EXPECT_EQ(send(HttpMethod::kGet, "/v1/orders/x", provider_http.subject).status, 200);
  for (const char* path : {"/v1/orders/x/", "/v1/orders/x//", "/v1//orders/x", "//v1/orders/x",
                           "/v1/orders/./x", "/V1/orders/x", "v1/orders/x"}) {
    EXPECT_NE(send(HttpMethod::kGet, path, provider_http.subject).status, 200) << path;
  }
  EXPECT_EQ(send(HttpMethod::kGet, "/healthz/", {}).status, 404);
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
  for (const std::string& path : {"/v1/providers//orders/x/attempts/1/receipt"s,
                                  by + "/attempts/1/receipt", by + "x/attempts//receipt"}) {
    EXPECT_EQ(send(HttpMethod::kPut, path, "device:phone", "{}").status, 404) << path;
  }
  EXPECT_EQ(send(HttpMethod::kPut, "/v1/orders/x/attempts/1/receipt", "device:phone", "{}").status,
            405);
  for (const char* path : {"/v1/orders//", "/v1/orders//attempts/1", "/v1/orders/x/attempts/"}) {
    EXPECT_EQ(send(HttpMethod::kPut, path, provider, "{}").status, 404) << path;
  }
}

}  // namespace
}  // namespace kagibin::roles::key_distribution_operator
