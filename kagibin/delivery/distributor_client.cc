// SPDX-License-Identifier: Apache-2.0
#include "kagibin/delivery/distributor_client.h"

#include <algorithm>
#include <utility>

#include "kagibin/delivery/problem.h"

namespace kagibin::delivery {
namespace {

// A device names the provider too, for its work may come from several.
std::string path_of(const OrderKey& order, AttemptNumber attempt, std::string_view leaf) {
  return "/v1/providers/" + order.provider.hex() + "/orders/" + order.id.text() + "/attempts/" +
         std::to_string(attempt) + "/" + std::string(leaf);
}

std::string path_of(const OrderId& order) { return "/v1/orders/" + order.text(); }

std::string path_of(const OrderId& order, AttemptNumber attempt, std::string_view leaf = {}) {
  std::string path = path_of(order) + "/attempts/" + std::to_string(attempt);
  if (!leaf.empty()) {
    path += '/';
    path += leaf;
  }
  return path;
}

template <typename T>
Result<T> read(Result<std::string> body, Result<T> (*decode)(std::string_view)) {
  const std::string text = KB_TRY(std::move(body));
  return decode(text);
}

// The answer to a message: one that cannot be read is not the server's no.
template <typename T>
Result<T> taken(Result<std::string> body, Result<T> (*decode)(std::string_view)) {
  const std::string text = KB_TRY(std::move(body));
  Result<T> answer = decode(text);
  return answer ? std::move(answer)
                : fail(Errc::kHttp, "the distributor's answer to a message cannot be read");
}

// Cursors are the server's digits; anything else would change the query.
Result<void> check_cursor(std::string_view cursor) {
  for (const char c : cursor) {
    if (c < '0' || c > '9') {
      return fail(Errc::kInvalidArgument, "a cursor is what the distributor gave, unchanged");
    }
  }
  return {};
}

}  // namespace

Result<std::string> ApiConnection::call(HttpMethod method, std::string target, std::string body) {
  return send({.method = method, .target = std::move(target), .body = std::move(body)});
}

Result<std::string> ApiConnection::ask_for_news(std::string target) {
  return send({.method = HttpMethod::kGet, .target = std::move(target), .waits = true});
}

Result<std::string> ApiConnection::send(const HttpRequest& request) {
  status_ = 0;
  retry_after_seconds_.reset();
  HttpResponse response = KB_TRY(http_.send(request));
  status_ = response.status;
  retry_after_seconds_ = response.retry_after_seconds;
  if (response.date) {
    server_time_ = response.date;
  }
  if (response.status < 200 || response.status > 299) {
    return std::unexpected(error_of(response));
  }
  return std::move(response.body);
}

Result<OrderStatus> ProviderApi::put_order(const OrderId& order, const OrderRequest& request) {
  return taken(connection_.call(HttpMethod::kPut, path_of(order), to_json(request)),
               order_status_from_json);
}

Result<OrderStatus> ProviderApi::order(const OrderId& order) {
  return read(connection_.call(HttpMethod::kGet, path_of(order)), order_status_from_json);
}

Result<AttemptStatus> ProviderApi::put_attempt(const OrderId& order,
                                               AttemptNumber attempt,
                                               const AttemptRequest& request) {
  return taken(connection_.call(HttpMethod::kPut, path_of(order, attempt), to_json(request)),
               attempt_status_from_json);
}

Result<SubmissionResults> ProviderApi::submit(const Submission& submission) {
  SubmissionResults results =
      KB_TRY(taken(connection_.call(HttpMethod::kPost, "/v1/orders", to_json(submission)),
                   submission_results_from_json));
  const bool ours =
      std::ranges::equal(results.results, submission.orders,
                         [](const SubmissionResult& result, const SubmittedOrder& order) {
                           return result.id == order.id;
                         });
  return ours ? Result<SubmissionResults>(std::move(results))
              : fail(Errc::kHttp, "the distributor answered for other orders");
}

Result<EnrolmentMessage> ProviderApi::enrolment(const OrderId& order, AttemptNumber attempt) {
  return read(connection_.call(HttpMethod::kGet, path_of(order, attempt, "enrolment")),
              enrolment_message_from_json);
}

Result<AttemptStatus> ProviderApi::put_delivery(const OrderId& order,
                                                AttemptNumber attempt,
                                                const DeliveryMessage& delivery) {
  return taken(
      connection_.call(HttpMethod::kPut, path_of(order, attempt, "delivery"), to_json(delivery)),
      attempt_status_from_json);
}

Result<ReceiptMessage> ProviderApi::receipt(const OrderId& order, AttemptNumber attempt) {
  ReceiptMessage message =
      KB_TRY(read(connection_.call(HttpMethod::kGet, path_of(order, attempt, "receipt")),
                  receipt_message_from_json));
  if (!message.revision) {
    return fail(Errc::kEncoding, "the distributor gave a receipt without its revision");
  }
  return message;
}

Result<AttemptStatus> ProviderApi::put_verdict(const OrderId& order,
                                               AttemptNumber attempt,
                                               const VerdictMessage& verdict) {
  return taken(
      connection_.call(HttpMethod::kPut, path_of(order, attempt, "verdict"), to_json(verdict)),
      attempt_status_from_json);
}

Result<AttemptStatus> ProviderApi::withdraw(const OrderId& order,
                                            AttemptNumber attempt,
                                            const WithdrawalMessage& why) {
  return taken(
      connection_.call(HttpMethod::kPut, path_of(order, attempt, "withdrawal"), to_json(why)),
      attempt_status_from_json);
}

Result<OrderListing> ProviderApi::list(std::optional<State> state,
                                       std::string_view after,
                                       std::uint32_t limit,
                                       std::uint32_t wait_seconds) {
  KB_TRY(check_cursor(after));
  std::string target = "/v1/orders?limit=" + std::to_string(limit);
  if (state) {
    target += "&state=";
    target += name(*state);
  }
  if (wait_seconds > 0) {
    target += "&wait=" + std::to_string(wait_seconds);
  }
  if (!after.empty()) {
    target += "&after=";
    target += after;
  }
  return read(connection_.ask_for_news(std::move(target)), order_listing_from_json);
}

Result<std::optional<Work>> DeviceApi::work(std::string_view after, std::uint32_t wait_seconds) {
  KB_TRY(check_cursor(after));
  std::string target = "/v1/devices/self/work?wait=" + std::to_string(wait_seconds);
  if (!after.empty()) {
    target += "&after=";
    target += after;
  }
  const std::string body = KB_TRY(connection_.ask_for_news(std::move(target)));
  if (body.empty()) {
    return std::optional<Work>();
  }
  const Work work = KB_TRY(work_from_json(body));
  return std::optional<Work>(work);
}

Result<AttemptStatus> DeviceApi::put_enrolment(const OrderKey& order,
                                               AttemptNumber attempt,
                                               const EnrolmentMessage& enrolment) {
  return read(
      connection_.call(HttpMethod::kPut, path_of(order, attempt, "enrolment"), to_json(enrolment)),
      attempt_status_from_json);
}

Result<AttemptStatus> DeviceApi::put_receipt(const OrderKey& order,
                                             AttemptNumber attempt,
                                             const ReceiptMessage& receipt) {
  return read(
      connection_.call(HttpMethod::kPut, path_of(order, attempt, "receipt"), to_json(receipt)),
      attempt_status_from_json);
}

Result<TransportRoots> transport_roots(HttpClient& http) {
  ApiConnection connection(http);
  return read(connection.call(HttpMethod::kGet, "/v1/transport/roots"), transport_roots_from_json);
}

Result<IssuedCertificate> renew_certificate(HttpClient& http, const CertificateRequest& request) {
  ApiConnection connection(http);
  return read(connection.call(HttpMethod::kPut, "/v1/transport/certificate", to_json(request)),
              issued_certificate_from_json);
}

Result<IssuedCertificate> redeem_invitation(HttpClient& http, const CertificateRequest& request) {
  ApiConnection connection(http);
  auto body =
      connection.call(HttpMethod::kPut, "/v1/invitations/self/certificate", to_json(request));
  if (!body && body.error().code == Errc::kConflict) {
    return fail(Errc::kConflict,
                "this invitation was used already, with another key; ask the distributor for a new "
                "one, and tell it if it was not you who used this one");
  }
  return read(std::move(body), issued_certificate_from_json);
}

}  // namespace kagibin::delivery
