// SPDX-License-Identifier: Apache-2.0
#include "kagibin/pki/certificate.h"

#include <algorithm>
#include <chrono>

#include "kagibin/crypto/ecdsa.h"
#include "kagibin/pki/certificate_body.h"
#include "kagibin/tlv/ber_tlv.h"

namespace kagibin::pki {

namespace {

using tlv::Tlv;

constexpr std::size_t kSignatureTlvSize = 3 + crypto::kEcdsaRawSize;  // 5F37 40 r|s
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

Result<Certificate> Certificate::decode(ByteView octets) {
  if (octets.size() > kCertificateMaxSize) {
    return fail(Errc::kLength, "a certificate has at most 320 octets");
  }
  const Tlv outer = KB_TRY(tlv::read_single(octets, 0x7F21));
  if (outer.value.size() < kSignatureTlvSize) {
    return fail(Errc::kTruncated, "a certificate ends with its signature");
  }
  const std::size_t signed_size = outer.value.size() - kSignatureTlvSize;
  const Tlv signature = KB_TRY(tlv::read_single(outer.value.subspan(signed_size), 0x5F37));
  CertificateBody body = KB_TRY(decode_body(outer.value.first(signed_size)));
  crypto::EcPublicKey key = KB_TRY(crypto::EcPublicKey::from_point(body.point));
  return Certificate(std::move(body.fields), std::move(key), Bytes(octets.begin(), octets.end()),
                     octets.size() - outer.value.size(), signed_size,
                     *to_array<crypto::kEcdsaRawSize>(signature.value));
}

Result<Certificate> Certificate::issue(const CertificateFields& fields,
                                       const crypto::EcPublicKey& subject_key,
                                       const crypto::EcPrivateKey& issuer_key,
                                       crypto::Rng& rng) {
  if (!check_fields(fields)) {
    return fail(Errc::kInvalidArgument, "the fields do not fit the certificate's kind");
  }
  const Bytes body = encode_body(fields, subject_key.point());
  const Bytes signature = KB_TRY(crypto::ecdsa_sign_raw(issuer_key, {body}, rng));
  const Bytes octets =
      tlv::encode(0x7F21, tlv::TlvWriter().raw(body).put(0x5F37, signature).view());
  Result<Certificate> certificate = decode(octets);
  if (!certificate) {
    return fail(Errc::kInvalidArgument, "names and AIDs do not fit into 320 octets, 127 in 53");
  }
  return certificate;
}

bool Certificate::signed_by(const crypto::EcPublicKey& issuer_key) const {
  const ByteView body = ByteView(encoded_).subspan(signed_at_, signed_size_);
  return crypto::ecdsa_verify_raw(issuer_key, {body}, signature_);
}

}  // namespace kagibin::pki
