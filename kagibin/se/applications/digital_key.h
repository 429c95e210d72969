// SPDX-License-Identifier: Apache-2.0
// A built-in application that knows nothing of key delivery: digital keys (a car, a door) in eight
// slots. It opens its security domain's secure channel itself and has key-setting commands of its
// own.
//
//   80 50, 80 82  INITIALIZE UPDATE, EXTERNAL AUTHENTICATE (by the domain's secure channel)
//   80 52 ss 00   SET KEY: AES-128 key 10 | KCV 03; only in a session with C-MAC and C-DECRYPTION
//   (6982), KCV checked (6A80) 80 54 ss 00   CHECK KEY: KCV 03 -> 9000 when slot ss holds a key
//   with it, 6A88 otherwise; only in a session with C-MAC 80 56 ss 00   CLEAR KEY; only in a
//   session with C-MAC; 9000 also when the slot was empty 00 88 00 ss   INTERNAL AUTHENTICATE:
//   challenge 8 to 64 -> AES-CMAC(key, challenge); 6A88 for an empty slot
// Slots are 01 to 08.
#pragma once

#include <memory>

#include "kagibin/se/application.h"

namespace kagibin::se {

std::unique_ptr<Application> make_digital_key(const ApplicationContext& context);

}  // namespace kagibin::se
