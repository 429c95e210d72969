// SPDX-License-Identifier: Apache-2.0
#include "kagibin/cli/fleet/load/faulty_http.h"

#include <thread>

namespace kagibin::cli::fleet {

bool FaultyHttp::happens(Failure failure) {
  const bool now = dice_.hits(conditions_.mix.of(failure));
  if (now) {
    conditions_.failures.add(failure);
  }
  return now;
}

Result<delivery::HttpResponse> FaultyHttp::send(const delivery::HttpRequest& request) {
  KB_CHECK(client_ != nullptr);
  if (conditions_.latency.count() > 0) {
    std::this_thread::sleep_for(conditions_.latency);
  }
  ++conditions_.requests;
  if (happens(Failure::kLostRequest)) {
    return fail(Errc::kNetwork, "the network lost the request");
  }
  if (happens(Failure::kTwice)) {
    static_cast<void>(client_->send(request));
  }
  delivery::HttpResponse answer = KB_TRY(client_->send(request));
  if (happens(Failure::kLostAnswer)) {
    return fail(Errc::kNetwork, "the network lost the answer");
  }
  if (on_answer) {
    on_answer(request, answer);
  }
  return answer;
}

}  // namespace kagibin::cli::fleet
