// SPDX-License-Identifier: Apache-2.0
#include "tests/support/failing_rng.h"

namespace kagibin::test {

Result<void> FailingRng::fill(MutableByteView out) {
  ++calls_;
  if (calls_ == failing_call_) {
    return fail(Errc::kCrypto, "the test's random source fails here");
  }
  return stream_.fill(out);
}

}  // namespace kagibin::test
