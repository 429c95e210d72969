// SPDX-License-Identifier: Apache-2.0
#include "kagibin/link/in_process_link.h"

namespace kagibin::link {

Result<Bytes> InProcessLink::transmit(ByteView command) { return card_.transmit(command); }

}  // namespace kagibin::link
