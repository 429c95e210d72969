// SPDX-License-Identifier: Apache-2.0
// Reads an element back: does the provider's domain open a session under these keys?
#pragma once

#include "kagibin/crypto/rng.h"
#include "kagibin/roles/service_provider/keys/key_store.h"

#include "tests/simulation/roles/element_side.h"

namespace kagibin::simulation {

bool opens_with(ElementSide& element,
                const roles::service_provider::ChannelKeySet& keys,
                std::uint8_t key_version,
                crypto::Rng& rng);

}  // namespace kagibin::simulation
