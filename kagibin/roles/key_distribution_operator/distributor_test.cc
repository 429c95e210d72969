// SPDX-License-Identifier: Apache-2.0
// Whole lives of orders through the handler, without sockets: real store, typed API on both ends.
#include "kagibin/roles/key_distribution_operator/distributor.h"

#include "kagibin/roles/key_distribution_operator/test_distributor.h"

namespace kagibin::roles::key_distribution_operator {
namespace {

TEST_F(DistributorTest, AWholeOrderGoesFromOrderedToConfirmedAcrossRestarts) {
  const OrderId order = id("order-1");
  EXPECT_EQ(a().put_order(order, {device("phone"), kNow + 600})->state, State::kOrdered);
  EXPECT_EQ(agent().work("", 0).value(), std::nullopt);
  EXPECT_EQ(a().put_attempt(order, 1, request(a_request(kSpid, 1)))->state, State::kOrdered);
  reopen();

  const Work enrol = agent().work("", 0).value().value();
  EXPECT_EQ(enrol.kind, Work::Kind::kEnrol);
  EXPECT_EQ(enrol.message, a_request(kSpid, 1));
  EXPECT_EQ(a().enrolment(order, 1).error().code, Errc::kNotFound);
  EXPECT_EQ(agent().put_enrolment(ours(order), 1, {an_answer(7, 1)})->state, State::kEnrolled);
  EXPECT_EQ(agent().work("", 0).value(), std::nullopt);
  reopen();

  const auto enrolled = a().list(State::kEnrolled, "").value();
  ASSERT_EQ(enrolled.attempts.size(), 1U);
  EXPECT_EQ(enrolled.attempts[0].order, order);
  EXPECT_EQ(a().enrolment(order, 1)->answer, an_answer(7, 1));
  EXPECT_EQ(a().put_delivery(order, 1, {an_envelope(kSpid, 7)})->state, State::kSealed);
  reopen();

  const Work work = agent().work("", 0).value().value();
  EXPECT_EQ(work.kind, Work::Kind::kDeliver);
  EXPECT_EQ(work.message, an_envelope(kSpid, 7));
  EXPECT_EQ(a().order(order)->state, State::kHandedOver);
  EXPECT_EQ(agent().work("", 0).value(), work) << "a crashed agent gets the same work again";
  EXPECT_EQ(a().receipt(order, 1).error().code, Errc::kNotFound);
  EXPECT_EQ(agent().put_receipt(ours(order), 1, {a_receipt(7, ActionResult::kInstalled)})->state,
            State::kReported);
  reopen();

  EXPECT_EQ(agent().work("", 0).value(), std::nullopt);
  EXPECT_EQ(a().receipt(order, 1)->receipt, a_receipt(7, ActionResult::kInstalled));
  EXPECT_EQ(a().receipt(order, 1)->revision, 1U);
  EXPECT_EQ(a().put_verdict(order, 1, {Verdict::kConfirmed, "", 1})->state, State::kConfirmed);
  const auto status = a().order(order).value();
  EXPECT_EQ(status.state, State::kConfirmed);
  ASSERT_EQ(status.attempts.size(), 1U);
  EXPECT_EQ(status.attempts[0].verdict->verdict, Verdict::kConfirmed);
}

TEST_F(DistributorTest, EveryPutMayBeRepeatedAndOtherContentIsAConflict) {
  const OrderId order = id("order-1");
  const auto twice = [](auto put) {
    const auto first = put();
    const auto second = put();
    ASSERT_TRUE(first.has_value()) << first.error().detail.text();
    ASSERT_TRUE(second.has_value()) << second.error().detail.text();
    EXPECT_EQ(*first, *second);
  };
  twice([&] { return a().put_order(order, {device("phone"), kNow + 600}); });
  EXPECT_EQ(a().put_order(order, {device("phone"), kNow + 601}).error().code, Errc::kConflict);
  EXPECT_EQ(a().put_order(order, {device("tablet"), kNow + 600}).error().code, Errc::kConflict);
  twice([&] { return a().put_attempt(order, 1, request(a_request(kSpid, 1))); });
  EXPECT_EQ(a().put_attempt(order, 1, request(a_request(kSpid, 2))).error().code, Errc::kConflict);
  EXPECT_EQ(a().put_attempt(order, 1, deliver(an_envelope(kSpid, 7))).error().code,
            Errc::kConflict);
  twice([&] { return agent().put_enrolment(ours(order), 1, {an_answer(7, 1)}); });
  EXPECT_EQ(agent().put_enrolment(ours(order), 1, {an_answer(8, 1)}).error().code, Errc::kConflict);
  twice([&] { return a().put_delivery(order, 1, {an_envelope(kSpid, 7)}); });
  EXPECT_EQ(a().put_delivery(order, 1, {an_envelope(kSpid, 7, 1)}).error().code, Errc::kConflict);
  ASSERT_TRUE(agent().work("", 0).value().has_value());
  twice([&] {
    return agent().put_receipt(ours(order), 1, {a_receipt(7, ActionResult::kInstalled)});
  });
  twice([&] { return a().put_verdict(order, 1, {Verdict::kConfirmed, "", 1}); });
  EXPECT_EQ(a().put_verdict(order, 1, {Verdict::kRefused, "", 1}).error().code, Errc::kConflict);
  EXPECT_EQ(
      agent().put_receipt(ours(order), 1, {a_receipt(7, ActionResult::kProvedAbsent)}).error().code,
      Errc::kConflict);
  twice([&] {
    return agent().put_receipt(ours(order), 1, {a_receipt(7, ActionResult::kInstalled)});
  });
}

TEST_F(DistributorTest, AnUnknownOutcomeIsResolvedByALaterReceiptThatNoOldVerdictHides) {
  const OrderId order = id("order-1");
  hand_over(order, 7);
  ASSERT_TRUE(
      agent().put_receipt(ours(order), 1, {a_receipt(7, ActionResult::kUnknown)}).has_value());
  const delivery::VerdictMessage unknown{Verdict::kUnknown, "not proved", 1};
  EXPECT_EQ(a().put_verdict(order, 1, unknown)->state, State::kUnknown);
  EXPECT_EQ(
      agent().put_receipt(ours(order), 1, {a_receipt(7, ActionResult::kInstalledByProbe)})->state,
      State::kReported);
  EXPECT_EQ(a().put_verdict(order, 1, unknown)->state, State::kReported) << "sent again";
  EXPECT_EQ(a().put_verdict(order, 1, {Verdict::kRefused, "", 1}).error().code, Errc::kState);
  EXPECT_EQ(a().receipt(order, 1)->revision, 2U);
  EXPECT_EQ(a().put_verdict(order, 1, {Verdict::kConfirmed, "", 2})->state, State::kConfirmed);
}

TEST_F(DistributorTest, OthersSeeNothingAndChangeNothing) {
  const OrderId order = id("order-1");
  hand_over(order, 7);
  EXPECT_EQ(other.order(order).error().code, Errc::kNotFound);
  EXPECT_EQ(other.put_attempt(order, 2, request(a_request(kOtherSpid, 9))).error().code,
            Errc::kNotFound);
  EXPECT_EQ(other.put_verdict(order, 1, {Verdict::kUnknown, ""}).error().code, Errc::kNotFound);
  EXPECT_EQ(other.withdraw(order, 1, {""}).error().code, Errc::kNotFound);
  EXPECT_EQ(other.receipt(order, 1).error().code, Errc::kNotFound);
  EXPECT_EQ(other.enrolment(order, 1).error().code, Errc::kNotFound);
  EXPECT_EQ(other.put_delivery(order, 1, {an_envelope(kOtherSpid, 7)}).error().code,
            Errc::kNotFound);
  EXPECT_TRUE(other.list({}, "")->attempts.empty());
  const OrderKey as_others{.provider = kOtherSpid, .id = order};
  EXPECT_EQ(
      agent().put_receipt(as_others, 1, {a_receipt(7, ActionResult::kInstalled)}).error().code,
      Errc::kNotFound);
  EXPECT_EQ(thief.work("", 0).value(), std::nullopt);
  EXPECT_EQ(
      thief.put_receipt(ours(order), 1, {a_receipt(7, ActionResult::kInstalled)}).error().code,
      Errc::kNotFound);
  EXPECT_EQ(thief.put_enrolment(ours(order), 1, {an_answer(7, 1)}).error().code, Errc::kNotFound);
  EXPECT_EQ(a().order(order)->state, State::kHandedOver);
}

TEST_F(DistributorTest, TwoProvidersMayUseOneNameAndNeitherLearnsOfTheOther) {
  const OrderId order = id("order-1");
  hand_over(order, 7);
  EXPECT_EQ(other.order(order).error().code, Errc::kNotFound);
  EXPECT_EQ(other.put_order(order, {device("phone"), kNow + 900})->state, State::kOrdered);
  ASSERT_TRUE(other.put_attempt(order, 1, request(a_request(kOtherSpid, 1))).has_value());
  const Work second = agent().work("1", 0).value().value();
  EXPECT_EQ(second.order, (OrderKey{.provider = kOtherSpid, .id = order}));
  EXPECT_EQ(second.message, a_request(kOtherSpid, 1));
  reopen();
  ASSERT_TRUE(agent().put_enrolment(second.order, 1, {an_answer(9, 1)}).has_value());
  ASSERT_TRUE(
      agent().put_receipt(ours(order), 1, {a_receipt(7, ActionResult::kInstalled)}).has_value());
  EXPECT_EQ(a().order(order)->not_after, kNow + 600);
  EXPECT_EQ(a().order(order)->state, State::kReported);
  EXPECT_EQ(a().enrolment(order, 1).error().code, Errc::kNotFound);
  EXPECT_EQ(other.order(order)->not_after, kNow + 900);
  EXPECT_EQ(other.order(order)->state, State::kEnrolled);
  EXPECT_EQ(other.receipt(order, 1).error().code, Errc::kNotFound);
  EXPECT_EQ(other.list({}, "")->attempts.size(), 1U);
  EXPECT_EQ(a().list({}, "")->attempts.size(), 1U);
  EXPECT_EQ(other.withdraw(order, 1, {""})->state, State::kCancelled);
  EXPECT_EQ(a().put_verdict(order, 1, {Verdict::kConfirmed, "", 1})->state, State::kConfirmed);
}

TEST_F(DistributorTest, AVerdictIsOnTheLastReceiptOrOnNoneWhenThereIsNone) {
  const OrderId order = id("order-1");
  hand_over(order, 7);
  const delivery::VerdictMessage on_none{Verdict::kUnknown, "time ran out"};
  EXPECT_EQ(a().put_verdict(order, 1, {Verdict::kUnknown, "", 1}).error().code, Errc::kState)
      << "on a receipt that is not here";
  ASSERT_TRUE(
      agent().put_receipt(ours(order), 1, {a_receipt(7, ActionResult::kUnknown)}).has_value());
  EXPECT_EQ(a().put_verdict(order, 1, on_none).error().code, Errc::kState)
      << "a receipt came while it was on its way: nothing may hide it";
  EXPECT_EQ(a().order(order)->state, State::kReported);
  EXPECT_EQ(a().put_verdict(order, 1, {Verdict::kUnknown, "", 2}).error().code, Errc::kState);
  ASSERT_TRUE(a().put_verdict(order, 1, {Verdict::kUnknown, "", 1}).has_value());
  ASSERT_TRUE(
      agent().put_receipt(ours(order), 1, {a_receipt(7, ActionResult::kInstalled)}).has_value());
  EXPECT_EQ(a().put_verdict(order, 1, {Verdict::kConfirmed, "", 1}).error().code, Errc::kState);
  const HttpResponse stale =
      send(HttpMethod::kPut, "/v1/orders/order-1/attempts/1/verdict", provider_http.subject,
           to_json(delivery::VerdictMessage{Verdict::kConfirmed, ""}));
  EXPECT_EQ(stale.status, 409);
  EXPECT_EQ(a().order(order)->state, State::kReported);
  EXPECT_EQ(a().put_verdict(order, 1, {Verdict::kConfirmed, "", 2})->state, State::kConfirmed);
}

TEST_F(DistributorTest, MessagesThatDoNotBelongTogetherAreRefused) {
  const OrderId order = id("order-1");
  ASSERT_TRUE(a().put_order(order, {device("phone"), kNow + 600}).has_value());
  EXPECT_EQ(a().put_attempt(order, 1, request(a_request(kOtherSpid, 1))).error().code,
            Errc::kValue);
  EXPECT_EQ(a().put_attempt(order, 1, deliver(an_envelope(kOtherSpid, 1))).error().code,
            Errc::kValue);
  EXPECT_FALSE(a().put_attempt(order, 1, request(an_envelope(kSpid, 1))).has_value());
  EXPECT_EQ(a().put_attempt(order, 2, request(a_request(kSpid, 1))).error().code, Errc::kConflict);
  ASSERT_TRUE(a().put_attempt(order, 1, request(a_request(kSpid, 1))).has_value());
  EXPECT_EQ(
      agent().put_receipt(ours(order), 1, {a_receipt(7, ActionResult::kInstalled)}).error().code,
      Errc::kState);
  EXPECT_EQ(a().put_delivery(order, 1, {an_envelope(kSpid, 7)}).error().code, Errc::kState);
  EXPECT_EQ(agent().put_enrolment(ours(order), 1, {an_answer(7, 2)}).error().code, Errc::kValue);
  EXPECT_FALSE(agent().put_enrolment(ours(order), 1, {Bytes{0xE4, 0x00}}).has_value());
  ASSERT_TRUE(agent().put_enrolment(ours(order), 1, {an_answer(7, 1)}).has_value());
  EXPECT_EQ(a().put_delivery(order, 1, {an_envelope(kSpid, 8)}).error().code, Errc::kValue);
  EXPECT_EQ(a().put_delivery(order, 1, {an_envelope(kOtherSpid, 7)}).error().code, Errc::kValue);
  ASSERT_TRUE(a().put_delivery(order, 1, {an_envelope(kSpid, 7)}).has_value());
  ASSERT_TRUE(agent().work("", 0).value().has_value());
  EXPECT_EQ(
      agent().put_receipt(ours(order), 1, {a_receipt(8, ActionResult::kInstalled)}).error().code,
      Errc::kValue);
  EXPECT_EQ(a().put_attempt(order, 2, request(a_request(kSpid, 1))).error().code, Errc::kConflict)
      << "a nonce of an earlier attempt";
}

TEST_F(DistributorTest, ALaterAttemptSupersedesWhatNobodyFetchedAndKeepsWhatWasHandedOver) {
  const OrderId order = id("order-1");
  ASSERT_TRUE(a().put_order(order, {device("phone"), kNow + 600}).has_value());
  ASSERT_TRUE(a().put_attempt(order, 1, request(a_request(kSpid, 1))).has_value());
  ASSERT_TRUE(a().put_attempt(order, 2, request(a_request(kSpid, 2))).has_value());
  EXPECT_EQ(a().order(order)->attempts[0].state, State::kCancelled);
  EXPECT_EQ(agent().work("", 0).value()->attempt, 2U);
  EXPECT_EQ(agent().put_enrolment(ours(order), 1, {an_answer(6, 1)}).error().code, Errc::kState);
  ASSERT_TRUE(agent().put_enrolment(ours(order), 2, {an_answer(7, 2)}).has_value());
  ASSERT_TRUE(a().put_delivery(order, 2, {an_envelope(kSpid, 7)}).has_value());
  ASSERT_TRUE(agent().work("", 0).value().has_value());

  ASSERT_TRUE(a().put_attempt(order, 3, request(a_request(kSpid, 3, true))).has_value());
  const Work cancel = agent().work("", 0).value().value();
  EXPECT_EQ(cancel.kind, Work::Kind::kCancel);
  EXPECT_EQ(cancel.attempt, 3U);
  ASSERT_TRUE(
      agent().put_receipt(ours(order), 2, {a_receipt(7, ActionResult::kInstalled)}).has_value());
  EXPECT_EQ(a().order(order)->state, State::kHandedOver) << "the current attempt's";
  EXPECT_EQ(a().list(State::kReported, "")->attempts.size(), 1U);
  EXPECT_EQ(a().put_verdict(order, 2, {Verdict::kConfirmed, "", 1})->state, State::kConfirmed);
  EXPECT_EQ(a().order(order)->state, State::kConfirmed) << "whatever the cancellation says";
  EXPECT_EQ(a().put_attempt(order, 4, request(a_request(kSpid, 4))).error().code, Errc::kState);
}

TEST_F(DistributorTest, ASignedCancellationEndsCancelled) {
  const OrderId order = id("order-1");
  hand_over(order, 7);
  EXPECT_EQ(a().withdraw(order, 1, {"changed our mind"}).error().code, Errc::kState);
  ASSERT_TRUE(a().put_attempt(order, 2, request(a_request(kSpid, 2, true))).has_value());
  EXPECT_EQ(a().put_attempt(order, 2, request(a_request(kSpid, 2, true)))->state, State::kSealed);
  ASSERT_EQ(agent().work("", 0).value()->kind, Work::Kind::kCancel);
  ASSERT_TRUE(
      agent().put_receipt(ours(order), 2, {a_receipt(7, ActionResult::kCancelled)}).has_value());
  EXPECT_EQ(a().put_verdict(order, 2, {Verdict::kCancelled, "", 1})->state, State::kCancelled);
  EXPECT_EQ(a().order(order)->state, State::kCancelled);
}

TEST_F(DistributorTest, WhatNobodyFetchedCanBeWithdrawn) {
  const OrderId order = id("order-1");
  ASSERT_TRUE(a().put_order(order, {device("phone"), kNow + 600}).has_value());
  ASSERT_TRUE(a().put_attempt(order, 1, deliver(an_envelope(kSpid, 7))).has_value());
  EXPECT_EQ(a().withdraw(order, 1, {"mistake"})->state, State::kCancelled);
  EXPECT_EQ(a().withdraw(order, 1, {"mistake"})->state, State::kCancelled);
  EXPECT_EQ(a().withdraw(order, 1, {"other"}).error().code, Errc::kConflict);
  EXPECT_EQ(agent().work("", 0).value(), std::nullopt);
}

TEST_F(DistributorTest, OrdersExpireAsACourtesyAndLateReceiptsAreStillTaken) {
  const OrderId fetched = id("fetched");
  const OrderId waiting = id("waiting");
  const OrderId bare = id("bare");
  hand_over(fetched, 7);
  ASSERT_TRUE(a().put_order(waiting, {device("phone"), kNow + 600}).has_value());
  ASSERT_TRUE(a().put_attempt(waiting, 1, deliver(an_envelope(kSpid, 8))).has_value());
  ASSERT_TRUE(a().put_order(bare, {device("phone"), kNow + 600}).has_value());
  clock.advance_seconds(600);
  EXPECT_TRUE(distributor->tick().empty()) << "notAfter itself is in time";
  clock.advance_seconds(1);
  EXPECT_EQ(agent().work("", 0).value(), std::nullopt) << "also before the sweep";
  EXPECT_EQ(distributor->tick().size(), 0U) << "fetching expired both attempts";
  for (const OrderId& order : {fetched, waiting, bare}) {
    EXPECT_EQ(a().order(order)->state, State::kExpired) << order.text();
  }
  EXPECT_EQ(a().put_attempt(bare, 1, request(a_request(kSpid, 1))).error().code, Errc::kExpired);
  EXPECT_EQ(a().put_order(id("late"), {device("phone"), kNow}).error().code, Errc::kExpired);
  EXPECT_EQ(agent().put_receipt(ours(waiting), 1, {a_receipt(8, ActionResult::kInstalled)})->state,
            State::kReported);
  EXPECT_EQ(agent().put_receipt(ours(fetched), 1, {a_receipt(7, ActionResult::kInstalled)})->state,
            State::kReported);
  EXPECT_EQ(a().put_verdict(fetched, 1, {Verdict::kUnknown, "too late", 1})->state,
            State::kUnknown);
}

TEST_F(DistributorTest, TheSweepExpiresWhatNobodyAsksFor) {
  ASSERT_TRUE(a().put_order(id("x"), {device("gone"), kNow + 1}).has_value());
  ASSERT_TRUE(a().put_attempt(id("x"), 1, request(a_request(kSpid, 1))).has_value());
  clock.advance_seconds(2);
  EXPECT_EQ(distributor->tick(),
            std::vector<std::string>{delivery::provider_subject(kSpid).common_name()});
  EXPECT_EQ(a().order(id("x"))->state, State::kExpired);
}

TEST_F(DistributorTest, ListsArePagedByCursorAndShowEveryLaterChange) {
  for (int i = 0; i < 5; ++i) {
    const OrderId order = id("order-" + std::to_string(i));
    ASSERT_TRUE(a().put_order(order, {device("phone"), kNow + 600}).has_value());
    ASSERT_TRUE(a().put_attempt(order, 1, request(a_request(kSpid, static_cast<std::uint8_t>(i))))
                    .has_value());
  }
  const auto first = a().list({}, "", 3).value();
  EXPECT_EQ(first.attempts.size(), 3U);
  EXPECT_TRUE(first.more);
  const auto second = a().list({}, first.next, 3).value();
  EXPECT_EQ(second.attempts.size(), 2U);
  EXPECT_FALSE(second.more);
  const auto nothing = a().list({}, second.next, 3).value();
  EXPECT_TRUE(nothing.attempts.empty());
  EXPECT_EQ(nothing.next, second.next);
  ASSERT_TRUE(agent().put_enrolment(ours(id("order-1")), 1, {an_answer(7, 1)}).has_value());
  const auto later = a().list(State::kEnrolled, second.next).value();
  ASSERT_EQ(later.attempts.size(), 1U);
  EXPECT_EQ(later.attempts[0].order, id("order-1"));
}

TEST_F(DistributorTest, WaitersAreWokenByTheirOwnNewsOnly) {
  ASSERT_TRUE(a().put_order(id("x"), {device("phone"), kNow + 600}).has_value());
  const HttpResponse idle = send(HttpMethod::kGet, "/v1/devices/self/work?wait=20", "device:phone");
  EXPECT_EQ(idle.status, 204);
  EXPECT_EQ(idle.wait->topic, "device:phone");
  EXPECT_EQ(idle.wait->seconds, 20U);
  EXPECT_GE(idle.retry_after_seconds.value(), 5U);
  const HttpResponse put = send(HttpMethod::kPut, "/v1/orders/x/attempts/1", provider_http.subject,
                                to_json(request(a_request(kSpid, 1))));
  EXPECT_EQ(put.status, 201);
  EXPECT_EQ(put.wakes, (std::vector<std::string>{"device:phone", provider_http.subject}));
  const std::string listing = "/v1/orders?state=enrolled&after=9&wait=20";
  const HttpResponse nothing = send(HttpMethod::kGet, listing, provider_http.subject);
  EXPECT_EQ(nothing.status, 200);
  EXPECT_EQ(nothing.wait->topic, provider_http.subject);
  EXPECT_EQ(nothing.wait->seconds, 20U);
  const HttpResponse something =
      send(HttpMethod::kGet, "/v1/orders?wait=20", provider_http.subject);
  EXPECT_FALSE(something.wait.has_value()) << "there is something to tell";
  const HttpResponse capped =
      send(HttpMethod::kGet, "/v1/devices/self/work?wait=9999", "device:other");
  EXPECT_EQ(capped.wait->seconds, kMaxWaitSeconds);
}

TEST_F(DistributorTest, RequestsThatArriveTogetherFailAloneAndCommitTogether) {
  const std::string order = to_json(delivery::OrderRequest{device("phone"), kNow + 600});
  const auto put = [&](const std::string& name, std::string body) {
    return HttpRequest{.method = HttpMethod::kPut,
                       .target = "/v1/orders/" + name,
                       .body = std::move(body),
                       .subject = provider_http.subject};
  };
  const std::vector<HttpRequest> requests = {put("a", order), put("b", "{"), put("a", order),
                                             put("c", order)};
  const auto responses = distributor->handle_batch(requests);
  ASSERT_EQ(responses.size(), 4U);
  EXPECT_EQ(responses[0].status, 201);
  EXPECT_EQ(responses[1].status, 400);
  EXPECT_EQ(responses[2].status, 200);
  EXPECT_EQ(responses[3].status, 201);
  reopen();
  EXPECT_TRUE(a().order(id("a")).has_value());
  EXPECT_TRUE(a().order(id("c")).has_value());
}

TEST_F(DistributorTest, WhoIsAboutToEndServesAndIsNotReady) {
  EXPECT_EQ(send(HttpMethod::kGet, "/readyz", {}).status, 200);
  EXPECT_EQ(send(HttpMethod::kGet, "/readyz", {}).body, R"({"status":"ready"})");
  bool draining = false;
  distributor.emplace(Distributor::Parts{
      .store = *store, .ca = ca, .clock = clock, .rng = rng, .draining = [&] { return draining; }});
  EXPECT_EQ(send(HttpMethod::kGet, "/readyz", {}).status, 200);
  draining = true;
  const HttpResponse ending = send(HttpMethod::kGet, "/readyz", {});
  EXPECT_EQ(ending.status, 503);
  EXPECT_EQ(ending.body, R"({"status":"not ready"})");
  EXPECT_TRUE(ending.retry_after_seconds.has_value());
  EXPECT_EQ(send(HttpMethod::kGet, "/healthz", {}).status, 200);
  EXPECT_TRUE(a().put_order(id("late"), {device("phone"), kNow + 600}).has_value());
  distributor.reset();
}

// The answer is there at once: it waits for no store, and no store hears of the question.
TEST_F(DistributorTest, ReadyIsWhoseStoreAnsweredTheLastTickAndNotLongAgo) {
  const auto asked = [&](const char* target = "/readyz") {
    const auto answer = distributor->at_once({.target = target});
    return answer ? answer->status : 0;
  };
  EXPECT_EQ(asked(), 200);
  clock.advance_uptime_ms(8'000);
  EXPECT_EQ(asked(), 200);
  clock.advance_uptime_ms(1);
  EXPECT_EQ(asked(), 503);
  static_cast<void>(distributor->tick());
  EXPECT_EQ(asked(), 200);
  {
    const auto somebody = store->begin().value();  // has the store
    EXPECT_EQ(asked(), 200) << "nobody has noticed yet";
    static_cast<void>(distributor->tick());
    EXPECT_EQ(asked(), 503);
  }
  EXPECT_EQ(asked(), 503);
  static_cast<void>(distributor->tick());
  EXPECT_EQ(asked(), 200);
  EXPECT_EQ(asked("/readyz?wait=1"), 0) << "no such parameter: refused in its turn";
  EXPECT_EQ(asked("/nothing"), 0);
}

// Whatever becomes of its store: who asks is answered by the thread that he asks.
TEST_F(DistributorTest, WhoLivesIsHealthyAtOnceAndAsksNoStore) {
  const auto asked = [&](const HttpRequest& request) { return distributor->at_once(request); };
  const auto somebody = store->begin().value();  // has the store
  static_cast<void>(distributor->tick());
  clock.advance_uptime_ms(3'600'000);
  const auto answer = asked({.target = "/healthz"});
  ASSERT_TRUE(answer.has_value());
  EXPECT_EQ(answer->status, 200);
  EXPECT_EQ(answer->body, R"({"status":"ok"})");
  EXPECT_TRUE(asked({.target = "/healthz", .subject = "device:phone"}).has_value());
  EXPECT_FALSE(asked({.target = "/healthz?wait=1"}).has_value());
  EXPECT_FALSE(asked({.method = HttpMethod::kPut, .target = "/healthz"}).has_value());
}

// Nobody who shows no certificate learns why.
TEST_F(DistributorTest, WhoDoesNotReachItsStoreIsNotReadyAndTheObserverHearsWhy) {
  struct Told final : DistributorObserver {
    void committing() override { ++begun; }
    void committed(std::size_t requests, bool changes) override {
      EXPECT_EQ(begun, commits.size() + 1);
      commits.emplace_back(requests, changes);
    }
    void not_committed(std::size_t requests, const Error& why) override {
      failures.emplace_back(requests, why.code);
    }
    void ticked() override { ++ticks; }
    std::vector<std::pair<std::size_t, bool>> commits;
    std::vector<std::pair<std::size_t, Errc>> failures;
    std::size_t begun = 0;
    int ticks = 0;
  } told;
  distributor.emplace(
      Distributor::Parts{.store = *store, .ca = ca, .clock = clock, .rng = rng, .observer = &told});
  ASSERT_TRUE(a().put_order(id("order"), {device("phone"), kNow + 600}).has_value());
  EXPECT_EQ(send(HttpMethod::kGet, "/readyz", {}).status, 200);
  EXPECT_EQ(told.commits, (std::vector<std::pair<std::size_t, bool>>{{1, true}, {1, false}}));
  {
    const auto somebody = store->begin().value();  // has the store
    const HttpResponse away = send(HttpMethod::kGet, "/readyz", {});
    EXPECT_EQ(away.status, 503);
    EXPECT_EQ(away.body, R"({"status":"not ready"})");
    const std::vector<HttpRequest> two = {{.target = "/readyz"}, {.target = "/healthz"}};
    const auto together = distributor->handle_batch(two);
    EXPECT_EQ(together[0].body, R"({"status":"not ready"})");
    EXPECT_EQ(together[1].body, R"({"status":"ok"})");
    static_cast<void>(distributor->tick());
  }
  using Failures = std::vector<std::pair<std::size_t, Errc>>;
  EXPECT_EQ(told.failures,
            (Failures{{1, Errc::kState}, {1, Errc::kState}, {1, Errc::kState}, {0, Errc::kState}}));
  EXPECT_EQ(told.ticks, 1);
  EXPECT_EQ(send(HttpMethod::kGet, "/readyz", {}).status, 200);
  distributor.reset();
}

// Figures of the store, of all providers, while it answers; the process's own always.
TEST_F(DistributorTest, MetricsAreForTheOperatorsOwnPeople) {
  const auto get = [&](std::optional<std::string> who) {
    return send(HttpMethod::kGet, "/metrics", std::move(who));
  };
  EXPECT_EQ(get("operator:ops").status, 404) << "nobody counts here";
  std::vector<std::string> seen;
  distributor.emplace(Distributor::Parts{
      .store = *store,
      .ca = ca,
      .clock = clock,
      .rng = rng,
      .metrics = [&](const delivery::StoreFigures* figures) {
        seen.push_back(figures == nullptr ? "away"
                                          : std::to_string(figures->in(State::kOrdered)) + " " +
                                                std::to_string(figures->oldest.size()));
        return std::string("a page");
      }});
  ASSERT_TRUE(a().put_order(id("order"), {device("phone"), kNow + 600}).has_value());
  ASSERT_TRUE(other.put_order(id("order"), {device("phone"), kNow + 600}).has_value());
  for (const char* who : {"operator:ops", "auditor:eve"}) {
    const HttpResponse page = get(who);
    EXPECT_EQ(page.status, 200);
    EXPECT_EQ(page.body, "a page");
    EXPECT_TRUE(page.content_type.starts_with("text/plain; version=0.0.4")) << page.content_type;
  }
  for (const std::optional<std::string>& who :
       {std::optional(provider_http.subject), std::optional(std::string("device:phone")),
        std::optional(std::string("invitation:" + std::string(32, 'A'))),
        std::optional<std::string>()}) {
    EXPECT_EQ(get(who).status, 403) << who.value_or("nobody");
  }
  // With others in one batch, in its place.
  const std::vector<HttpRequest> together = {
      {.target = "/healthz"},
      {.target = "/metrics", .subject = "operator:ops"},
      {.method = HttpMethod::kPut,
       .target = "/v1/orders/third",
       .body = to_json(delivery::OrderRequest{device("phone"), kNow + 600}),
       .subject = provider_http.subject}};
  const auto answers = distributor->handle_batch(together);
  EXPECT_EQ(answers[1].body, "a page");
  EXPECT_EQ(answers[2].status, 201);
  {
    const auto somebody = store->begin().value();  // has the store
    EXPECT_EQ(get("operator:ops").body, "a page");
    EXPECT_EQ(get("device:phone").status, 409) << "as any other request then";
  }
  EXPECT_EQ(seen, (std::vector<std::string>{"2 1", "2 1", "3 1", "away"}));
  distributor.reset();
}

// promises, store: a full disk neither loses an entry nor freezes reads
TEST_F(DistributorTest, OnAFullDiskReadsGoOnAndWritesAreRefused) {
  hand_over(id("taken"), 7);
  ASSERT_TRUE(agent().put_receipt(ours(id("taken")), 1, {a_receipt(7, ActionResult::kInstalled)}));
  ASSERT_TRUE(a().put_order(id("waits"), {device("phone"), kNow + 600}).has_value());
  ASSERT_TRUE(a().put_attempt(id("waits"), 1, request(a_request(kSpid, 9))).has_value());
  static_cast<void>(distributor->tick());
  reopen(1);  // not a page more than there is
  const auto put = [&](int i) {
    return send(HttpMethod::kPut, "/v1/orders/more-" + std::to_string(i), provider_http.subject,
                to_json(delivery::OrderRequest{device("phone"), kNow + 600}));
  };
  int taken = 0;
  while (taken < 500 && put(taken).status == 201) {
    ++taken;
  }
  ASSERT_EQ(put(taken).status, 507);
  for (int round = 0; round < 3; ++round) {
    EXPECT_EQ(send(HttpMethod::kGet, "/readyz", {}).status, 200);
    EXPECT_EQ(a().order(id("taken"))->state, State::kReported);
    EXPECT_EQ(
        send(HttpMethod::kGet, "/v1/orders/taken/attempts/1/receipt", provider_http.subject).status,
        200);
    EXPECT_EQ(send(HttpMethod::kGet, "/v1/orders?after=0", provider_http.subject).status, 200);
    EXPECT_EQ(send(HttpMethod::kGet, "/v1/devices/self/work", "device:phone").status, 200);
    EXPECT_EQ(send(HttpMethod::kGet, "/v1/devices/self/work", "device:thief").status, 204);
    EXPECT_EQ(put(taken).status, 507);
    static_cast<void>(distributor->tick());
  }
  // Together with what is refused, what reads is answered.
  const std::vector<HttpRequest> together = {
      {.target = "/v1/orders/taken", .subject = provider_http.subject},
      {.method = HttpMethod::kPut,
       .target = "/v1/orders/one-more",
       .body = to_json(delivery::OrderRequest{device("phone"), kNow + 600}),
       .subject = provider_http.subject}};
  const auto answers = distributor->handle_batch(together);
  EXPECT_EQ(answers[0].status, 200);
  EXPECT_EQ(answers[1].status, 507);
  reopen();
  EXPECT_EQ(put(taken).status, 201) << "with room again";
  EXPECT_EQ(a().order(id("waits"))->state, State::kOrdered);
}

TEST_F(DistributorTest, AFullDiskIsSaidAndNothingAcknowledgedIsLost) {
  reopen(45);
  std::vector<OrderId> acknowledged;
  Errc failure{};
  for (int i = 0; i < 500; ++i) {
    const OrderId order = id("order-" + std::to_string(i));
    Result<AttemptStatus> status = AttemptStatus{};
    if (const auto put = a().put_order(order, {device("phone"), kNow + 600}); put) {
      status = a().put_attempt(order, 1, deliver(an_envelope(kSpid, 7)));
    } else {
      status = std::unexpected(put.error());
    }
    if (!status) {
      failure = status.error().code;
      break;
    }
    acknowledged.push_back(order);
  }
  EXPECT_EQ(failure, Errc::kNoSpace);
  EXPECT_GT(acknowledged.size(), 5U);
  const HttpResponse full =
      send(HttpMethod::kPut, "/v1/orders/one-more/attempts/1", provider_http.subject, "{}");
  EXPECT_NE(full.status, 201);
  reopen();
  for (const OrderId& order : acknowledged) {
    EXPECT_EQ(a().order(order)->state, State::kSealed);
  }
  EXPECT_TRUE(a().put_order(id("after"), {device("phone"), kNow + 600}).has_value());
}

}  // namespace
}  // namespace kagibin::roles::key_distribution_operator
