// SPDX-License-Identifier: Apache-2.0
#include "kagibin/delivery/problem.h"

#include <array>

#include <boost/json/object.hpp>
#include <boost/json/serialize.hpp>

#include "kagibin/delivery/messages.h"
#include "kagibin/delivery/strict_json.h"

namespace kagibin::delivery {
namespace {

namespace json = boost::json;

constexpr std::string_view kTypePrefix = "urn:kagibin:problem:";

struct Row {
  Errc code;
  int status;  // RFC 9110, 15.5 and 15.6; RFC 4918 (507)
  std::string_view title;
  Detail received;  // what a client's error says
  // What the client's error is: a failure of the distributor's disk is not one of ours.
  Errc received_code = code;
};

// The first row of a status is what the status alone stands for.
constexpr std::array kRows = {
    Row{Errc::kInvalidArgument, 400, "The request is not valid",
        "the distributor says: the request is not valid"},
    Row{Errc::kUntrusted, 403, "This certificate may not do that",
        "the distributor says: this certificate may not do that"},
    Row{Errc::kNotFound, 404, "There is no such thing for this certificate",
        "the distributor says: not found"},
    Row{Errc::kNotSupported, 501, "Not offered here",
        "the distributor says: it does not offer that"},
    Row{Errc::kConflict, 409, "The same name stands for other content",
        "the distributor says: the same name stands for other content"},
    Row{Errc::kState, 409, "Not in this state",
        "the distributor says: the order is not in a state for that"},
    Row{Errc::kExpired, 410, "Too late",
        "the distributor says: it has expired, by the distributor's clock"},
    Row{Errc::kLimit, 413, "Over a limit", "the distributor says: over a limit"},
    Row{Errc::kInterrupted, 503, "Come back later", "the distributor says: come back later"},
    Row{Errc::kNoSpace, 507, "The disk is full; nothing was changed",
        "the distributor says: its disk is full, nothing was changed"},
    Row{Errc::kEncoding, 400, "The request cannot be read",
        "the distributor says: the request cannot be read"},
    Row{Errc::kValue, 400, "A value is not allowed",
        "the distributor says: a value is not allowed"},
    Row{Errc::kLength, 400, "A length is not allowed",
        "the distributor says: a length is not allowed"},
    Row{Errc::kTruncated, 400, "A message ends too early",
        "the distributor says: a message ends too early"},
    Row{Errc::kTrailing, 400, "Something follows a message",
        "the distributor says: something follows a message"},
    Row{Errc::kUnexpectedTag, 400, "A message has another layout",
        "the distributor says: a message has another layout"},
    Row{Errc::kAuthentication, 403, "A signature does not hold",
        "the distributor says: a signature does not hold"},
    Row{Errc::kIo, 503, "The disk failed; nothing was acknowledged",
        "the distributor says: its disk failed, nothing was acknowledged", Errc::kInterrupted},
    Row{Errc::kStore, 503, "The store failed; nothing was acknowledged",
        "the distributor says: its store failed, nothing was acknowledged", Errc::kInterrupted},
};
// By Refusal.
struct RefusalRow {
  std::string_view type;
  int status;  // RFC 6585, 4; RFC 9110, 15.5.21
  std::string_view title;
  Error received;
};
constexpr std::array kRefusals = {
    RefusalRow{"quota", 429, "Over this tenant's limit",
               Error{Errc::kInterrupted,
                     "the distributor says: over this tenant's limit; come back later, or ask its "
                     "operator"}},
    RefusalRow{
        "idempotency_key", 422, "This Idempotency-Key is another request's",
        Error{Errc::kConflict, "the distributor says: this Idempotency-Key is another request's"}},
    RefusalRow{"method", 405, "The path takes other methods",
               Error{Errc::kNotFound, "the distributor says: this path takes other methods"}},
};
constexpr std::string_view kOtherTitle = "The distributor failed";

const Row* row_of(Errc code) {
  for (const Row& row : kRows) {
    if (row.code == code) {
      return &row;
    }
  }
  return nullptr;
}

}  // namespace

Problem problem_of(const Error& error) {
  const Row* row = row_of(error.code);
  if (row == nullptr) {
    return {500, "about:blank", std::string(kOtherTitle), ""};
  }
  return {row->status, std::string(kTypePrefix) + std::string(name(row->code)),
          std::string(row->title), std::string(error.detail.text())};
}

Problem problem_of(Refusal refusal, Detail why) {
  const RefusalRow& row = kRefusals.at(static_cast<std::size_t>(refusal));
  return {row.status, std::string(kTypePrefix) + std::string(row.type), std::string(row.title),
          std::string(why.text())};
}

HttpResponse problem_response(const Error& error) { return problem_response(problem_of(error)); }

HttpResponse problem_response(const Problem& problem) {
  HttpResponse response;
  response.status = problem.status;
  response.content_type = "application/problem+json";
  response.body = to_json(problem);
  if (problem.status == 503 || problem.status == 507) {
    response.retry_after_seconds = 5;
  }
  return response;
}

std::string to_json(const Problem& problem) {
  return json::serialize(json::object{
      {"type", json::string(problem.type.data(), problem.type.size())},
      {"title", json::string(problem.title.data(), problem.title.size())},
      {"status", problem.status},
      {"detail", json::string(problem.detail.data(), problem.detail.size())},
  });
}

Result<Problem> problem_from_json(std::string_view text) {
  const json::value value = KB_TRY(parse_json(text, kMaxBodyBytes));
  ObjectReader in = KB_TRY(ObjectReader::of(value));
  Problem problem;
  problem.type = KB_TRY(in.text("type", 256));
  problem.title = KB_TRY(in.text("title", 256));
  const std::int64_t status = KB_TRY(in.integer("status", 400, 599));
  problem.status = static_cast<int>(status);
  problem.detail = KB_TRY(in.text("detail", 1024));
  KB_TRY(in.finish());
  return problem;
}

Error error_of(const HttpResponse& response) {
  std::string type;
  if (response.content_type.starts_with("application/problem+json")) {
    if (const auto problem = problem_from_json(response.body)) {
      type = problem->type;
    }
  }
  for (const RefusalRow& row : kRefusals) {
    if (type == std::string(kTypePrefix).append(row.type) ||
        (type.empty() && row.status == response.status)) {
      return row.received;
    }
  }
  for (const Row& row : kRows) {
    if (!type.empty() && type.starts_with(kTypePrefix) &&
        std::string_view(type).substr(kTypePrefix.size()) == name(row.code)) {
      return {row.received_code, row.received};
    }
  }
  for (const Row& row : kRows) {
    if (row.status == response.status) {
      return {row.received_code, row.received};
    }
  }
  return {Errc::kHttp, "the distributor answered with an HTTP status that is not expected here"};
}

}  // namespace kagibin::delivery
