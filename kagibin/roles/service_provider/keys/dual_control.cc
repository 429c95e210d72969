// SPDX-License-Identifier: Apache-2.0
#include "kagibin/roles/service_provider/keys/dual_control.h"

namespace kagibin::roles::service_provider {
namespace {

constexpr std::string_view kLabel = "dual_control";

}  // namespace

Result<DualControl> DualControl::create(const SecretBytes& passphrase,
                                        crypto::Rng& rng,
                                        Bytes& record,
                                        crypto::ScryptCost cost) {
  DualControl out(KB_TRY(crypto::RecordKey::create(passphrase, rng, cost)));
  record = KB_TRY(out.seal(kLabel, ascii(kLabel), rng));
  return out;
}

Result<DualControl> DualControl::open(const SecretBytes& passphrase, ByteView record) {
  DualControl out(KB_TRY(crypto::RecordKey::for_record(passphrase, record)));
  KB_TRY(out.unseal(kLabel, record));
  return out;
}

}  // namespace kagibin::roles::service_provider
