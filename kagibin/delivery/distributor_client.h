// SPDX-License-Identifier: Apache-2.0
// The distributor's API as calls, for the service provider and the agent (protocol, section 4).
// Each call is one request; every PUT may be repeated with the same content as often as the caller
// likes.
//
// Failures: kNotFound, kConflict (the same name with other content), kState, kExpired, kLimit,
// kUntrusted (this certificate may not), kInterrupted (the server says come back later:
// retry_after_seconds()), kNoSpace, kHttp (something was sent, and the answer cannot be read), and
// those of HttpClient. Does not retry, does not wait.
//
//   ProviderApi api(http);
//   KB_TRY(api.put_order(order, {.device = device, .not_after = when}));
//   KB_TRY(api.put_attempt(order, 1, {.kind = AttemptRequest::Kind::kRequest, .message = e0}));
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "kagibin/delivery/http_port.h"
#include "kagibin/delivery/messages.h"
#include "kagibin/delivery/submission.h"

namespace kagibin::delivery {

// What both ends share: the last answer's status, Retry-After and Date.
class ApiConnection {
 public:
  explicit ApiConnection(HttpClient& http) : http_(http) {}

  // The body of a 2xx answer ("" for 204), or the error that the answer stands for.
  Result<std::string> call(HttpMethod method, std::string target, std::string body = {});
  // The same for a question after news, which may be given up while it waits.
  Result<std::string> ask_for_news(std::string target);
  std::optional<std::uint32_t> retry_after_seconds() const { return retry_after_seconds_; }
  // 0: the last request was not answered.
  int status() const { return status_; }
  // The server's clock at its last answer; empty when there was none.
  std::optional<std::int64_t> server_time() const { return server_time_; }

 private:
  Result<std::string> send(const HttpRequest& request);

  HttpClient& http_;
  int status_ = 0;
  std::optional<std::uint32_t> retry_after_seconds_;
  std::optional<std::int64_t> server_time_;
};

class ProviderApi {
 public:
  explicit ProviderApi(HttpClient& http) : connection_(http) {}

  Result<OrderStatus> put_order(const OrderId& order, const OrderRequest& request);
  Result<OrderStatus> order(const OrderId& order);
  Result<AttemptStatus> put_attempt(const OrderId& order,
                                    AttemptNumber attempt,
                                    const AttemptRequest& request);
  // Many orders with their first attempts; each has a result of its own.
  Result<SubmissionResults> submit(const Submission& submission);
  // kNotFound until the agent has brought it.
  Result<EnrolmentMessage> enrolment(const OrderId& order, AttemptNumber attempt);
  Result<AttemptStatus> put_delivery(const OrderId& order,
                                     AttemptNumber attempt,
                                     const DeliveryMessage& delivery);
  Result<ReceiptMessage> receipt(const OrderId& order, AttemptNumber attempt);
  Result<AttemptStatus> put_verdict(const OrderId& order,
                                    AttemptNumber attempt,
                                    const VerdictMessage& verdict);
  // Takes back an attempt that nobody fetched yet; kState once it was handed over.
  Result<AttemptStatus> withdraw(const OrderId& order,
                                 AttemptNumber attempt,
                                 const WithdrawalMessage& why);
  // Attempts that changed behind the cursor ("" from the beginning), in one state or in all; waits
  // at the server for the first for up to `wait_seconds`.
  Result<OrderListing> list(std::optional<State> state,
                            std::string_view after,
                            std::uint32_t limit = 100,
                            std::uint32_t wait_seconds = 0);
  const ApiConnection& connection() const { return connection_; }

 private:
  ApiConnection connection_;
};

class DeviceApi {
 public:
  explicit DeviceApi(HttpClient& http) : connection_(http) {}

  // The next piece of work behind the cursor ("" from the first); waits at the server for up to
  // `wait_seconds`. Empty when there is none.
  Result<std::optional<Work>> work(std::string_view after, std::uint32_t wait_seconds);
  Result<AttemptStatus> put_enrolment(const OrderKey& order,
                                      AttemptNumber attempt,
                                      const EnrolmentMessage& enrolment);
  Result<AttemptStatus> put_receipt(const OrderKey& order,
                                    AttemptNumber attempt,
                                    const ReceiptMessage& receipt);
  const ApiConnection& connection() const { return connection_; }

 private:
  ApiConnection connection_;
};

// Of any provider or device, about its own connection.
Result<TransportRoots> transport_roots(HttpClient& http);
Result<IssuedCertificate> renew_certificate(HttpClient& http, const CertificateRequest& request);

// Exchanges an invitation for a certificate; `http` speaks with the invitation's own certificate.
Result<IssuedCertificate> redeem_invitation(HttpClient& http, const CertificateRequest& request);

}  // namespace kagibin::delivery
