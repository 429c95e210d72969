// SPDX-License-Identifier: Apache-2.0
// A sentence for people that says what is wrong or what to do, and can hold nothing else.
//
// Its constructor is consteval, so that only literals get in: no octet of a key can reach an error
// or a status word by way of formatting. Ownership: a view of a literal. Thread-safety: values.
//
//   Detail detail("the keys of an SCP03 set are AES keys of one size");
#pragma once

#include <string_view>

namespace kagibin {

class Detail {
 public:
  constexpr Detail() = default;
  // NOLINTNEXTLINE(google-explicit-constructor): literals convert, nothing else can
  consteval Detail(const char* literal) : text_(literal) {}
  constexpr std::string_view text() const { return text_; }

 private:
  std::string_view text_{};
};

}  // namespace kagibin
