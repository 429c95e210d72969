// SPDX-License-Identifier: Apache-2.0
#include "tests/token/faults.h"

#include <cstdlib>
#include <iostream>

#include <dlfcn.h>

namespace kagibin::test {
namespace {

template <typename Function>
Function* symbol(void* module, const char* name) {
  // NOLINTNEXTLINE(cppcoreguidelines-pro-type-reinterpret-cast): dlsym gives functions as void*
  auto* out = reinterpret_cast<Function*>(dlsym(module, name));
  if (out == nullptr) {
    std::cerr << "the faulty module has no " << name << '\n';
    std::abort();
  }
  return out;
}

}  // namespace

std::string Faults::module_path() {
  return KAGIBIN_BINARY_DIR "/tests/token/libkagibin_faulty_module.so";
}

Faults::Faults() : module_(dlopen(module_path().c_str(), RTLD_NOW | RTLD_LOCAL)) {
  if (module_ == nullptr) {
    std::cerr << "the faulty module is not built\n";
    std::abort();
  }
}

void Faults::fail(const char* function, CK_RV rv, When when) {
  symbol<void(const char*, CK_RV, int, int)>(module_, "kagibin_faulty_set")(
      function, rv, when.skipped, when.times);
}
void Faults::remove_token(When when) { fail("no slots", CKR_TOKEN_NOT_PRESENT, when); }
void Faults::hide(CK_MECHANISM_TYPE mechanism) {
  symbol<void(CK_MECHANISM_TYPE)>(module_, "kagibin_faulty_hide")(mechanism);
}
void Faults::spoil_signatures() {
  symbol<void(int)>(module_, "kagibin_faulty_spoil_signatures")(1);
}
void Faults::spoil_wrapping() { symbol<void(int)>(module_, "kagibin_faulty_spoil_wrapping")(1); }
void Faults::deny_sensitive() { symbol<void(int)>(module_, "kagibin_faulty_deny_sensitive")(1); }
Bytes Faults::returned() const {
  auto* read = symbol<std::size_t(unsigned char*, std::size_t)>(module_, "kagibin_faulty_returned");
  Bytes out(read(nullptr, 0));
  read(out.data(), out.size());
  return out;
}
void Faults::close_sessions() { symbol<void()>(module_, "kagibin_faulty_close_sessions")(); }
int Faults::logins() const { return symbol<int()>(module_, "kagibin_faulty_logins")(); }
void Faults::clear() { symbol<void()>(module_, "kagibin_faulty_clear")(); }

}  // namespace kagibin::test
