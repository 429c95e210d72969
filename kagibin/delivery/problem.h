// SPDX-License-Identifier: Apache-2.0
// Problem details (RFC 9457): how the distributor says no. One table maps error codes to HTTP
// status codes and back.
//
//   HttpResponse answer = problem_response(error);          // server
//   return std::unexpected(error_of(response));             // client
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "kagibin/base/result.h"
#include "kagibin/delivery/http_port.h"

namespace kagibin::delivery {

struct Problem {
  int status = 500;
  std::string type{};    // "urn:kagibin:problem:conflict": the name of the error code
  std::string title{};   // one line for people, the same for all problems of a type
  std::string detail{};  // what was wrong with this request
  friend bool operator==(const Problem&, const Problem&) = default;
};

Problem problem_of(const Error& error);
HttpResponse problem_response(const Error& error);

// What no error of ours says: a tenant is over its limit (429, "quota"); a key of an earlier
// request came with another one (422, "idempotency_key"). To a client they are kInterrupted and
// kConflict.
enum class Refusal : std::uint8_t { kQuota, kIdempotencyKey, kMethod };
Problem problem_of(Refusal refusal, Detail why);
HttpResponse problem_response(const Problem& problem);
std::string to_json(const Problem& problem);
Result<Problem> problem_from_json(std::string_view text);

// The error that an answer of 400 and above stands for: by its type where the body is a problem,
// else by its status; kInterrupted for a failure of the other end's disk or store, kHttp for
// anything unforeseen.
Error error_of(const HttpResponse& response);

}  // namespace kagibin::delivery
