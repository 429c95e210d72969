// SPDX-License-Identifier: Apache-2.0
// Small answers that several calls give.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "kagibin/delivery/http_port.h"
#include "kagibin/delivery/order_store.h"

namespace kagibin::roles::key_distribution_operator {

inline delivery::HttpResponse json(int status, std::string body) {
  delivery::HttpResponse response;
  response.status = status;
  response.body = std::move(body);
  return response;
}

inline delivery::HttpResponse no_content() {
  delivery::HttpResponse response;
  response.status = 204;
  response.content_type.clear();
  return response;
}

inline delivery::AttemptStatus status_of(const delivery::AttemptRow& attempt) {
  return {attempt.number, attempt.state, attempt.verdict};
}

inline delivery::HttpResponse changed(const delivery::AttemptRow& attempt,
                                      int status,
                                      std::vector<std::string> wakes) {
  delivery::HttpResponse response = json(status, to_json(status_of(attempt)));
  response.wakes = std::move(wakes);
  return response;
}

// Seconds until a device with no work should ask again: 5 to 14, spread over devices and over time,
// so that they do not all come back in the same second.
inline std::uint32_t retry_after(std::string_view who, std::int64_t now) {
  std::uint32_t hash = 2'166'136'261U ^ static_cast<std::uint32_t>(now);
  for (const char c : who) {
    hash = (hash ^ static_cast<std::uint8_t>(c)) * 16'777'619U;
  }
  return 5 + (hash >> 16U) % 10;
}

}  // namespace kagibin::roles::key_distribution_operator
