// SPDX-License-Identifier: Apache-2.0
// A write with an Idempotency-Key is done once, and answered alike for a day, at every distributor.
#include "kagibin/roles/key_distribution_operator/tenants/kept_answers.h"

#include <algorithm>
#include <chrono>
#include <thread>

#include "kagibin/crypto/x509/transport_x509.h"
#include "kagibin/delivery/problem.h"
#include "kagibin/roles/key_distribution_operator/invitations.h"
#include "kagibin/roles/key_distribution_operator/test_distributor.h"
#include "kagibin/store/postgres/order_store_postgres.h"
#include "kagibin/store/postgres/test_cluster.h"

namespace kagibin::roles::key_distribution_operator {
namespace {

struct KeptAnswersTest : DistributorTest {
  HttpRequest with_key(HttpMethod method, std::string target, std::string body, std::string key) {
    return {.method = method,
            .target = std::move(target),
            .body = std::move(body),
            .subject = provider_http.subject,
            .idempotency_key = std::move(key)};
  }
  HttpRequest an_order(const std::string& name, std::string key = "\"k-1\"") {
    return with_key(HttpMethod::kPut, "/v1/orders/" + name,
                    to_json(delivery::OrderRequest{device("phone"), kNow + 100'000}),
                    std::move(key));
  }
  HttpResponse handle(const HttpRequest& request) { return distributor->handle(request); }
  std::uint64_t kept(std::string_view owner) {
    return store->begin().value()->answers().count_answers(owner).value();
  }
};

TEST_F(KeptAnswersTest, TheVerySameAnswerComesAgainAfterARestart) {
  const HttpResponse first = handle(an_order("a"));
  EXPECT_EQ(first.status, 201);
  ASSERT_TRUE(a().put_attempt(id("a"), 1, request(a_request(kSpid, 1))).has_value());
  reopen();
  const HttpResponse again = handle(an_order("a"));
  EXPECT_EQ(again.status, 201) << "and not the 200 of a name that stands";
  EXPECT_EQ(again.body, first.body) << "as it was, not as it is";
  EXPECT_EQ(again.content_type, first.content_type);
  EXPECT_EQ(handle(an_order("a", "\"k-2\"")).status, 200);
  clock.advance_seconds(delivery::kKeptSeconds);
  EXPECT_EQ(handle(an_order("a")).status, 201) << "for a day";
  clock.advance_seconds(1);
  EXPECT_EQ(handle(an_order("a")).status, 200) << "and no longer";
  EXPECT_EQ(handle(an_order("a")).status, 200) << "kept anew";
}

TEST_F(KeptAnswersTest, AKeyOfAnotherRequestIsRefused) {
  ASSERT_EQ(handle(an_order("a")).status, 201);
  HttpRequest other_body = an_order("a");
  other_body.body = to_json(delivery::OrderRequest{device("phone-2"), kNow + 100'000});
  HttpRequest other_method = an_order("a");
  other_method.method = HttpMethod::kPost;
  other_method.target = "/v1/orders";
  other_method.body = to_json(delivery::Submission{
      {{id("x"), {device("phone"), kNow + 600}, request(a_request(kSpid, 1))}}});
  for (const HttpRequest& asked : {an_order("b"), other_body, other_method}) {
    const HttpResponse refused = handle(asked);
    EXPECT_EQ(refused.status, 422) << asked.target;
    EXPECT_EQ(delivery::problem_from_json(refused.body)->type,
              "urn:kagibin:problem:idempotency_key");
    EXPECT_EQ(delivery::error_of(refused).code, Errc::kConflict);
  }
  EXPECT_EQ(a().order(id("b")).error().code, Errc::kNotFound);
}

TEST_F(KeptAnswersTest, ARefusalIsDecidedAnew) {
  const HttpRequest attempt = with_key(HttpMethod::kPut, "/v1/orders/a/attempts/1",
                                       to_json(request(a_request(kSpid, 1))), "\"attempt\"");
  EXPECT_EQ(handle(attempt).status, 404);
  ASSERT_EQ(handle(an_order("a")).status, 201);
  EXPECT_EQ(handle(attempt).status, 201);
  EXPECT_EQ(handle(attempt).status, 201);
  EXPECT_EQ(kept(provider_http.subject), 2U);
}

TEST_F(KeptAnswersTest, EveryPartyAndEveryWriteHasItsOwnKeys) {
  const std::string key = "\"one\"";
  ASSERT_EQ(handle(an_order("a", key)).status, 201);
  HttpRequest others = an_order("a", key);
  others.subject = other_http.subject;
  EXPECT_EQ(handle(others).status, 201) << "another tenant's key is another key";
  // So is that of a certificate with other roles; who may not do it is not answered.
  HttpRequest limited = an_order("a", key);
  limited.subject = provider_http.subject + ";submit";
  EXPECT_EQ(handle(limited).status, 200);
  limited.subject = provider_http.subject + ";audit";
  EXPECT_EQ(handle(limited).status, 403);
  ASSERT_TRUE(a().put_attempt(id("a"), 1, deliver(an_envelope(kSpid, 7))).has_value());
  ASSERT_TRUE(agent().work("", 0).value().has_value());
  HttpRequest receipt =
      with_key(HttpMethod::kPut, "/v1/providers/" + kSpid.hex() + "/orders/a/attempts/1/receipt",
               to_json(delivery::ReceiptMessage{a_receipt(7, ActionResult::kInstalled), {}}), key);
  receipt.subject = device_http.subject;
  const HttpResponse first = handle(receipt);
  EXPECT_EQ(first.status, 201);
  const HttpRequest verdict =
      with_key(HttpMethod::kPut, "/v1/orders/a/attempts/1/verdict",
               to_json(delivery::VerdictMessage{Verdict::kConfirmed, "", 1}), "\"two\"");
  EXPECT_EQ(handle(verdict).status, 201);
  EXPECT_EQ(handle(receipt).body, first.body) << "reported, as it was then";
  EXPECT_EQ(handle(verdict).status, 201);
  const auto certificate = [&](const std::string& subject) {
    test::FixedRng own("certificate");
    const auto made = crypto::EcPrivateKey::generate(own).value();
    HttpRequest renewal = with_key(
        HttpMethod::kPut, "/v1/transport/certificate",
        to_json(delivery::CertificateRequest{crypto::certificate_request(made, "x").value()}), key);
    renewal.subject = subject;
    return renewal;
  };
  for (const std::string& who : {std::string("operator:ops"), std::string("auditor:eve"),
                                 std::string("device:other"), provider_http.subject + ";audit"}) {
    const HttpRequest renewal = certificate(who);
    const HttpResponse issued = handle(renewal);
    EXPECT_EQ(issued.status, 201);
    EXPECT_EQ(handle(renewal).body, issued.body) << "no second certificate: " << who;
  }
}

TEST_F(KeptAnswersTest, WhoMayOnlyReadTakesNoKeyFromItsTenant) {
  test::FixedRng own("reader");
  const auto made = crypto::EcPrivateKey::generate(own).value();
  HttpRequest renewal = with_key(
      HttpMethod::kPut, "/v1/transport/certificate",
      to_json(delivery::CertificateRequest{crypto::certificate_request(made, "x").value()}),
      "\"next\"");
  renewal.subject = provider_http.subject + ";audit";
  ASSERT_EQ(handle(renewal).status, 201);
  EXPECT_EQ(handle(an_order("a", "\"next\"")).status, 201);
}

TEST_F(KeptAnswersTest, ASubmissionThatOpenedNothingIsDecidedAnew) {
  const auto limit = [&](std::uint32_t max_open) {
    const auto t = store->begin().value();
    ASSERT_TRUE(t->tenants().put_limits(kSpid, {.max_open = max_open}, kNow).has_value());
    ASSERT_TRUE(t->commit().has_value());
  };
  limit(0);
  const delivery::Submission one{
      {{id("a"), {device("phone"), kNow + 600}, request(a_request(kSpid, 1))}}};
  const HttpRequest post = with_key(HttpMethod::kPost, "/v1/orders", to_json(one), "\"k\"");
  EXPECT_NE(handle(post).body.find("429"), std::string::npos);
  EXPECT_EQ(kept(provider_http.subject), 0U);
  limit(1);
  const HttpResponse opened = handle(post);
  EXPECT_NE(opened.body.find("201"), std::string::npos) << opened.body;
  EXPECT_EQ(handle(post).body, opened.body);
}

TEST_F(KeptAnswersTest, AnAnswerFromTheFutureIsOver) {
  clock.advance_seconds(kNow);  // a clock that jumps, and comes back
  HttpRequest late = an_order("a");
  late.body = to_json(delivery::OrderRequest{device("phone"), 4'102'444'800});
  ASSERT_EQ(handle(late).status, 201);
  clock.advance_seconds(-kNow);
  EXPECT_EQ(handle(an_order("b")).status, 201) << "its key is free";
  clock.advance_seconds(kNow);
  ASSERT_EQ(handle(an_order("x", "\"later\"")).status, 410);
  late.idempotency_key = "\"later\"";
  ASSERT_EQ(handle(late).status, 200);
  clock.advance_seconds(-kNow);
  distributor->tick();
  EXPECT_EQ(kept(provider_http.subject), 1U) << "ticks forget it";
}

TEST_F(KeptAnswersTest, AnInvitationsTokenIsNotKept) {
  const std::string token = "000102030405060708090A0B0C0D0E0F";
  const Once once =
      once_of({.idempotency_key = "\"k\""}, {delivery::Party::kInvitation, token}).value();
  EXPECT_EQ(once.name.owner.find(token), std::string::npos) << once.name.owner;
}

TEST_F(KeptAnswersTest, ManyOrdersAreAnsweredAlikeAndSpentOnce) {
  {
    const auto t = store->begin().value();
    ASSERT_TRUE(t->tenants().put_limits(kSpid, {.max_open = 1}, kNow).has_value());
    ASSERT_TRUE(t->commit().has_value());
  }
  const delivery::Submission two{
      {{id("a"), {device("phone"), kNow + 600}, request(a_request(kSpid, 1))},
       {id("b"), {device("phone"), kNow + 600}, request(a_request(kSpid, 2))}}};
  const HttpRequest post = with_key(HttpMethod::kPost, "/v1/orders", to_json(two), "\"many\"");
  const HttpResponse first = handle(post);
  EXPECT_EQ(first.status, 200);
  EXPECT_NE(first.body.find("429"), std::string::npos);
  EXPECT_EQ(handle(post).body, first.body) << "what was refused wants another key";
}

TEST_F(KeptAnswersTest, TheSameKeyTwiceInOneBatchIsDoneOnce) {
  const std::vector<HttpRequest> batch = {an_order("a"), an_order("a"), an_order("b"),
                                          an_order("c", "\"other\"")};
  const auto answers = distributor->handle_batch(batch);
  EXPECT_EQ(answers.at(0).status, 201);
  EXPECT_EQ(answers.at(1).status, 201);
  EXPECT_EQ(answers.at(1).body, answers.at(0).body);
  EXPECT_EQ(answers.at(2).status, 422);
  EXPECT_EQ(answers.at(3).status, 201);
}

TEST_F(KeptAnswersTest, TheFieldIsOneQuotedString) {
  for (const char* field :
       {"", "k", "\"", "\"\"", "\"k", "k\"", "\"k\";a=1", "\"k\", \"l\"", "\"a\"b\"", "\"a\\b\"",
        "\"a\\\"", "\"\x7F\"", "\"a\tb\"", "\"\xC3\xA9\"", "?1", ":YQ==:"}) {
    const HttpResponse refused = handle(an_order("a", field));
    EXPECT_EQ(refused.status, 400) << field;
    EXPECT_NE(refused.body.find("Idempotency-Key"), std::string::npos) << field;
  }
  EXPECT_EQ(handle(an_order("a", "\"" + std::string(129, 'k') + "\"")).status, 400);
  EXPECT_EQ(handle(an_order("a", "\"" + std::string(128, 'k') + "\"")).status, 201);
  EXPECT_EQ(handle(an_order("a", R"("8e03978e \" \\ ok")")).status, 200);
  // Reads take no notice of it.
  HttpRequest read = an_order("a", "nonsense");
  read.method = HttpMethod::kGet;
  read.body.clear();
  EXPECT_EQ(handle(read).status, 200);
}

TEST_F(KeptAnswersTest, WhoFillsItFillsHisOwn) {
  {
    const auto t = store->begin().value();
    for (std::uint64_t i = 0; i < kMaxKeptOfADevice; ++i) {
      ASSERT_TRUE(
          t->answers()
              .put_answer(
                  {.name = {.owner = "device:phone", .key = std::to_string(i)}, .body = "{}"}, kNow)
              .has_value());
    }
    ASSERT_TRUE(t->commit().has_value());
  }
  hand_over(id("a"), 7);
  HttpRequest receipt = with_key(
      HttpMethod::kPut, "/v1/providers/" + kSpid.hex() + "/orders/a/attempts/1/receipt",
      to_json(delivery::ReceiptMessage{a_receipt(7, ActionResult::kInstalled), {}}), "\"more\"");
  receipt.subject = device_http.subject;
  const HttpResponse full = handle(receipt);
  EXPECT_EQ(full.status, 429);
  EXPECT_GT(full.retry_after_seconds.value_or(0), 0U);
  EXPECT_NE(full.body.find("without the field"), std::string::npos);
  EXPECT_EQ(handle(an_order("b")).status, 201) << "a tenant is not hindered by a device";
  receipt.idempotency_key.reset();
  EXPECT_EQ(handle(receipt).status, 201) << "nor the device, without a key";
}

TEST_F(KeptAnswersTest, TicksForgetWhatIsOver) {
  ASSERT_EQ(handle(an_order("a")).status, 201);
  distributor->tick();
  EXPECT_EQ(kept(provider_http.subject), 1U);
  clock.advance_seconds(delivery::kKeptSeconds);
  distributor->tick();
  EXPECT_EQ(kept(provider_http.subject), 1U);
  clock.advance_seconds(1);
  distributor->tick();
  EXPECT_EQ(kept(provider_http.subject), 0U);
}

struct SharedAnswersTest : testing::Test {
  struct Node {
    explicit Node(const TransportCa& of)
        : store(
              store::open_order_store_postgres({.address = store::TestCluster::shared().address()})
                  .value()),
          distributor({.store = *store, .ca = of, .clock = clock, .rng = rng}) {}
    test::FakeClock clock{kNow};
    test::FixedRng rng{"node"};
    std::unique_ptr<delivery::OrderStore> store;
    Distributor distributor;
  };
  SharedAnswersTest() { store::TestCluster::shared().empty_database(); }
  static HttpRequest an_order(const std::string& name) {
    return {.method = HttpMethod::kPut,
            .target = "/v1/orders/o" + name,
            .body = to_json(delivery::OrderRequest{device("phone"), kNow + 600}),
            .subject = delivery::provider_subject(kSpid).common_name(),
            .idempotency_key = "\"k" + name + "\""};
  }
  test::FixedRng rng{"ca"};
  TransportCa ca = create_transport_ca("test", kNow, rng).value();
};

// Who sends the same keys in opposite orders to two distributors holds neither up: one waits for
// the other, and PostgreSQL has no circle of waits to end (after a second).
TEST_F(SharedAnswersTest, KeysInOppositeOrdersMakeNobodyWaitInACircle) {
  constexpr int kRounds = 12;
  Node one(ca);
  Node two(ca);
  const auto begin = std::chrono::steady_clock::now();
  const auto work = [&](Node& node, bool reverse) {
    for (int round = 0; round < kRounds; ++round) {
      std::vector<HttpRequest> batch;
      batch.reserve(20);
      for (int i = 0; i < 20; ++i) {
        // The order is each distributor's own, so that the keys alone are in each other's way.
        HttpRequest request = an_order(std::to_string(round) + "-" + std::to_string(i));
        request.target += reverse ? "-r" : "";
        batch.push_back(std::move(request));
      }
      if (reverse) {
        std::ranges::reverse(batch);
      }
      const auto answers = node.distributor.handle_batch(batch);
      for (const HttpResponse& answer : answers) {
        EXPECT_TRUE(answer.status == 201 || answer.status == 422 || answer.status == 503);
      }
    }
  };
  {
    const std::jthread first([&] { work(one, false); });
    const std::jthread second([&] { work(two, true); });
  }
  EXPECT_LT(std::chrono::steady_clock::now() - begin, std::chrono::seconds(8));
}

TEST_F(SharedAnswersTest, SeveralDistributorsDoItOnceAndAnswerAlike) {
  constexpr int kNodes = 3;
  constexpr int kRounds = 40;
  std::vector<std::unique_ptr<Node>> nodes;
  nodes.reserve(kNodes);
  for (int i = 0; i < kNodes; ++i) {
    nodes.push_back(std::make_unique<Node>(ca));
  }
  std::vector<std::vector<HttpResponse>> answers(kNodes);
  std::vector<std::jthread> threads;
  threads.reserve(kNodes);
  for (int i = 0; i < kNodes; ++i) {
    threads.emplace_back([&, i] {
      Node& node = *nodes[static_cast<std::size_t>(i)];
      for (int round = 0; round < kRounds; ++round) {
        const HttpRequest request = an_order(std::to_string(round));
        HttpResponse answer;
        do {
          answer = node.distributor.handle(request);
        } while (answer.status == 503);
        answers[static_cast<std::size_t>(i)].push_back(answer);
      }
    });
  }
  threads.clear();
  for (std::size_t round = 0; round < kRounds; ++round) {
    for (const auto& of_node : answers) {
      EXPECT_EQ(of_node[round].status, 201) << of_node[round].body;
      EXPECT_EQ(of_node[round].body, answers[0][round].body);
    }
  }
  const auto t = nodes[0]->store->begin().value();
  EXPECT_EQ(t->order_counts(kSpid)->at(0).count, static_cast<std::uint64_t>(kRounds));
}

}  // namespace
}  // namespace kagibin::roles::key_distribution_operator
