// SPDX-License-Identifier: Apache-2.0
#include "kagibin/cli/waiting/descriptor_limit.h"

#include <sys/resource.h>

namespace kagibin::cli {

void raise_descriptor_limit() {
  rlimit limit{};
  if (getrlimit(RLIMIT_NOFILE, &limit) == 0) {
    limit.rlim_cur = limit.rlim_max;
    static_cast<void>(setrlimit(RLIMIT_NOFILE, &limit));
  }
}

}  // namespace kagibin::cli
