// SPDX-License-Identifier: Apache-2.0
// A built-in application that knows nothing of key delivery: a payment credential, personalised
// through its security domain.
//
// Its key arrives by STORE DATA after INSTALL [for personalization] (GPCS 11.5.2.3.5 and 11.11), in
// data groups:
//   8010  credential number, 1 to 16 octets
//   8020  key: 10 octets AES-128, under Key-DEK when P1 says so (b7 b6 = 11)
// A block may carry both; they take effect together. Personalisation may be repeated: a later block
// replaces.
//
//   00 88 00 00  INTERNAL AUTHENTICATE: challenge 8 to 64 -> AES-CMAC(key, challenge)   6985 before
//   the key is there 00 CA 00 5A  GET DATA: credential number 6A88 before it is there
#pragma once

#include <memory>

#include "kagibin/se/application.h"

namespace kagibin::se {

std::unique_ptr<Application> make_payment_credential(const ApplicationContext& context);

}  // namespace kagibin::se
