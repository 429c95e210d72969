// SPDX-License-Identifier: Apache-2.0
// One way to fail: Result<T> is a value or an Error; KB_TRY passes the Error up.
//
// An Error carries a code, a literal that says what to do (detail.h), and a status word where a
// card answered one. Ownership: values, nothing allocated. Thread-safety: values.
//
//   Result<Bytes> read(ByteReader& in) {
//     const std::uint8_t length = KB_TRY(in.u8());
//     KB_TRY(check(length));                       // as a whole statement
//     return in.bytes(length);
//   }
#pragma once

#include <cstdint>
#include <expected>
#include <string_view>

#include "kagibin/base/detail.h"
#include "kagibin/base/status_word.h"

namespace kagibin {

enum class Errc : std::uint8_t {
  // any layer
  kInvalidArgument,
  kNotSupported,  // understood, not built: refused with its name
  kLimit,         // a documented limit was passed
  kState,         // right call, wrong moment
  kNotFound,
  kConflict,  // the same id with other content
  // octets
  kTruncated,  // ended before the element did
  kTrailing,   // octets after the last element
  kEncoding,   // not the one valid encoding
  kUnexpectedTag,
  kLength,
  kValue,
  // cryptography
  kAuthentication,  // MAC, signature, padding, key: one code, whatever the cause
  kCrypto,          // the library or its random source failed
  // trust
  kUntrusted,  // chain, issuer or pin
  kExpired,
  kNotYetValid,
  kRevoked,
  kPolicy,  // the service provider's policy says no
  // card
  kCardStatus,  // the card answered an error; sw says which
  kCardLink,    // the reader or the connection to the card failed
  // outside
  kIo,
  kNoSpace,
  kNetwork,
  kTls,
  kHttp,
  kStore,
  kInterrupted,
};

// The stable lower-case name of a code, as printed by the tools and in JSON ("authentication").
std::string_view name(Errc code);

struct Error {
  Errc code;
  Detail detail;
  StatusWord sw{};
};

template <typename T>
using Result = std::expected<T, Error>;

// Builds the error half of a Result: `return fail(Errc::kLength, "nK is 16 octets");`
inline std::unexpected<Error> fail(Errc code, Detail detail, StatusWord sw = {}) {
  return std::unexpected(Error{code, detail, sw});
}

[[noreturn]] void check_failed(const char* condition, const char* file, int line);

}  // namespace kagibin

// The value of `expr`, or return its Error from the enclosing function. Only as a whole initialiser
// or statement.
#define KB_TRY(expr)                                            \
  __extension__({                                               \
    auto kb_try_result = (expr);                                \
    if (!kb_try_result.has_value()) {                           \
      return std::unexpected(std::move(kb_try_result).error()); \
    }                                                           \
    std::move(kb_try_result).value();                           \
  })

// A broken invariant ends the process. Never for input.
#define KB_CHECK(condition) \
  ((condition) ? static_cast<void>(0) : ::kagibin::check_failed(#condition, __FILE__, __LINE__))
