// SPDX-License-Identifier: Apache-2.0
#include "kagibin/base/result.h"

#include <cstdio>
#include <cstdlib>

namespace kagibin {

std::string_view name(Errc code) {
  switch (code) {
    case Errc::kInvalidArgument:
      return "invalid_argument";
    case Errc::kNotSupported:
      return "not_supported";
    case Errc::kLimit:
      return "limit";
    case Errc::kState:
      return "state";
    case Errc::kNotFound:
      return "not_found";
    case Errc::kConflict:
      return "conflict";
    case Errc::kTruncated:
      return "truncated";
    case Errc::kTrailing:
      return "trailing";
    case Errc::kEncoding:
      return "encoding";
    case Errc::kUnexpectedTag:
      return "unexpected_tag";
    case Errc::kLength:
      return "length";
    case Errc::kValue:
      return "value";
    case Errc::kAuthentication:
      return "authentication";
    case Errc::kCrypto:
      return "crypto";
    case Errc::kUntrusted:
      return "untrusted";
    case Errc::kExpired:
      return "expired";
    case Errc::kNotYetValid:
      return "not_yet_valid";
    case Errc::kRevoked:
      return "revoked";
    case Errc::kPolicy:
      return "policy";
    case Errc::kCardStatus:
      return "card_status";
    case Errc::kCardLink:
      return "card_link";
    case Errc::kIo:
      return "io";
    case Errc::kNoSpace:
      return "no_space";
    case Errc::kNetwork:
      return "network";
    case Errc::kTls:
      return "tls";
    case Errc::kHttp:
      return "http";
    case Errc::kStore:
      return "store";
    case Errc::kInterrupted:
      return "interrupted";
  }
  return "unknown";
}

void check_failed(const char* condition, const char* file, int line) {
  // NOLINTNEXTLINE(cppcoreguidelines-pro-type-vararg): last words, nothing that allocates
  static_cast<void>(std::fprintf(stderr, "%s:%d: invariant broken: %s\n", file, line, condition));
  std::abort();
}

}  // namespace kagibin
