// SPDX-License-Identifier: Apache-2.0
#include "tests/simulation/core/network.h"

namespace kagibin::simulation {

using delivery::HttpRequest;
using delivery::HttpResponse;

namespace {

constexpr Moment kGivesUpAfter = 30 * kSecond;
constexpr std::uint64_t kLongestWait = 40;  // seconds, of one that asks for news

struct Call {
  Role::Waiting waiting;
  Result<HttpResponse> result = fail(Errc::kNetwork, "no answer came in time");
};

std::string_view name(delivery::HttpMethod method) {
  switch (method) {
    case delivery::HttpMethod::kGet:
      return "GET ";
    case delivery::HttpMethod::kPut:
      return "PUT ";
    default:
      return "POST ";
  }
}

}  // namespace

Moment Network::latency() {
  constexpr std::uint64_t kSpread = 40'000;
  return kMillisecond + static_cast<Moment>(ground_.faults.dice().below(kSpread));
}

// One roll of the dice after another: compilers differ in the order of operands.
Moment Network::way() {
  Moment out = latency();
  if (ground_.faults.hits(Fault::kDelayed)) {
    constexpr std::uint64_t kLongest = 180;
    out += static_cast<Moment>(1 + ground_.faults.dice().below(kLongest)) * kSecond;
  }
  return out;
}

Result<HttpResponse> Network::exchange(Role& from, HttpRequest request) {
  Faults& faults = ground_.faults;
  ++requests_;
  ground_.trace.add(ground_.time.now(), from.name(),
                    std::string(name(request.method)) + request.target, fingerprint(request.body));
  auto call = std::make_shared<Call>();
  call->waiting = from.begin_waiting();
  const auto settle = [this, &from, call](Moment after, Result<HttpResponse> result) {
    ground_.time.after(after, [&from, call, result = std::move(result)]() mutable {
      if (!*call->waiting) {
        call->result = std::move(result);
        from.wake(call->waiting);
      }
    });
  };
  Server& server = *servers_.at(servers_.size() == 1 ? 0 : faults.dice().below(servers_.size()));
  const bool is_lost = faults.hits(Fault::kRequestLost);
  const bool is_cut = !is_lost && faults.hits(Fault::kCut);
  const bool is_mute = faults.hits(Fault::kHalfOpen);
  const Moment longest =
      kGivesUpAfter + (request.waits ? static_cast<Moment>(kLongestWait) * kSecond : 0);
  if (is_cut) {
    settle(latency(), fail(Errc::kHttp, "the request was cut short"));
  } else if (!is_lost) {
    const auto answered = [this, settle, is_mute](std::optional<HttpResponse> answer) {
      if (is_mute || ground_.faults.hits(Fault::kAnswerLost)) {
        return;
      }
      if (!answer) {
        settle(latency(), fail(Errc::kNetwork, "the connection ended"));
      } else if (ground_.faults.hits(Fault::kCut)) {
        settle(latency(), fail(Errc::kHttp, "the answer was cut short"));
      } else {
        settle(way(), std::move(*answer));
      }
    };
    const Moment soon = way();
    if (faults.hits(Fault::kTwice)) {
      constexpr std::uint64_t kLatest = 150'000;  // milliseconds
      const Moment late = static_cast<Moment>(faults.dice().below(kLatest)) * kMillisecond;
      ground_.time.after(late, [&server, request] {
        server.arrive(request, [](const std::optional<HttpResponse>&) {});
      });
    }
    ground_.time.after(soon, [&server, request = std::move(request), answered]() mutable {
      server.arrive(std::move(request), std::move(answered));
    });
  }
  ground_.time.after(longest, [&from, call] { from.wake(call->waiting); });
  from.wait(call->waiting);
  return std::move(call->result);
}

Result<HttpResponse> RoleHttp::send(const HttpRequest& request) {
  if (role_.may_die()) {
    return fail(Errc::kNetwork, "the process has ended");
  }
  HttpRequest seen = request;
  seen.subject = subject_;
  auto answer = network_.exchange(role_, std::move(seen));
  if (role_.may_die()) {
    return fail(Errc::kNetwork, "the process has ended");
  }
  if (answer && on_answer) {
    on_answer(request, *answer);
  }
  return answer;
}

}  // namespace kagibin::simulation
