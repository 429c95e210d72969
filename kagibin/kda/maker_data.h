// SPDX-License-Identifier: Apache-2.0
// What the maker exchanges with a new KDA in its own session: the answer of GENERATE (INS 20) and
// the data of STORE CERTIFICATES (INS 22). Protocol, section 9.
//
//   GENERATE            80 41 PK.KDA.SIG | 81 41 PK.OCE.ECKA
//   STORE CERTIFICATES  80 41 PK.AUTH | 81 var CERT.EUM | 82 var CERT.KDA | 83 var CERT.OCE (opt)
//
// 81 to 83 hold the complete TLV 7F21 of a certificate, at most 323 octets each; it is not decoded
// here. decode() is total; what decodes encodes to the same octets.
#pragma once

#include <array>
#include <optional>

#include "kagibin/base/bytes.h"
#include "kagibin/base/result.h"

namespace kagibin::kda {

using Point = std::array<std::uint8_t, 65>;  // 04 | X | Y, not checked here

struct GeneratedKeys {
  Point signing_key{};    // PK.KDA.SIG
  Point agreement_key{};  // PK.OCE.ECKA

  static Result<GeneratedKeys> decode(ByteView octets);
  Bytes encode() const;
  friend bool operator==(const GeneratedKeys&, const GeneratedKeys&) = default;
};

struct StoredCertificates {
  static constexpr std::size_t kMaxCertificate = 323;

  Point authority_key{};
  Bytes maker_certificate{};
  Bytes kda_certificate{};
  std::optional<Bytes> oce_certificate{};

  static Result<StoredCertificates> decode(ByteView octets);
  Bytes encode() const;
  friend bool operator==(const StoredCertificates&, const StoredCertificates&) = default;
};

}  // namespace kagibin::kda
