// SPDX-License-Identifier: Apache-2.0
#include <algorithm>
#include <chrono>

#include "kagibin/pki/certificate.h"

namespace kagibin::pki {

namespace {

constexpr std::int64_t kSecondsPerDay = 86'400;
constexpr std::int64_t kLastDay = 2'932'896;  // 9999-12-31, in days since 1970-01-01

std::chrono::year_month_day to_calendar(CertificateDate date) {
  return {std::chrono::year(static_cast<int>(date.yyyymmdd / 10'000)),
          std::chrono::month(date.yyyymmdd / 100 % 100), std::chrono::day(date.yyyymmdd % 100)};
}

}  // namespace

CertificateDate CertificateDate::from_unix(std::int64_t seconds) {
  const std::int64_t days =
      std::clamp<std::int64_t>(seconds, 0, kLastDay * kSecondsPerDay) / kSecondsPerDay;
  const std::chrono::year_month_day day{
      std::chrono::sys_days{std::chrono::days{static_cast<int>(days)}}};
  return {static_cast<std::uint32_t>(static_cast<int>(day.year())) * 10'000 +
          static_cast<unsigned>(day.month()) * 100 + static_cast<unsigned>(day.day())};
}

bool CertificateDate::is_calendar_day() const {
  return yyyymmdd <= 99'991'231 && to_calendar(*this).ok();
}

}  // namespace kagibin::pki
