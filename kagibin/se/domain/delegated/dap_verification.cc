// SPDX-License-Identifier: Apache-2.0
#include "kagibin/se/domain/delegated/dap_verification.h"

#include <algorithm>

#include "kagibin/gp/delegated/load_file_signature.h"

namespace kagibin::se {

namespace {

Result<void> verify_block(const Platform& platform, const gp::DapBlock& block, ByteView hash) {
  const auto domain = platform.registry.find(block.security_domain);
  if (!domain || !domain->is_security_domain() ||
      !domain->privileges.has(gp::Privileges::kDapVerification) || !domain->selectable()) {
    return fail(Errc::kPolicy,
                "a DAP block names no security domain with DAP Verification that can verify it "
                "(GPCS 9.2.1)");
  }
  const auto key = platform.keys.key(block.security_domain, {kDapKeyVersion, kFirstKeyIdentifier});
  if (!key || !key->effective_policy().allows_domain(gp::KeyPolicy::kVerification)) {
    return fail(Errc::kPolicy, "the security domain of a DAP block has no key 73/01 (GPCS C.3)");
  }
  if (!gp::verify_load_file(*key, hash, block.signature)) {
    return fail(Errc::kAuthentication,
                "a DAP block is no signature of the load file data block hash under key 73/01 of "
                "its domain (GPCS C.3)");
  }
  return {};
}

}  // namespace

Result<void> verify_dap_blocks(const Platform& platform,
                               const std::vector<RegistryEntry>& due,
                               const std::vector<gp::DapBlock>& blocks,
                               ByteView hash) {
  for (const RegistryEntry& domain : due) {
    const bool there = std::ranges::any_of(
        blocks, [&](const gp::DapBlock& block) { return block.security_domain == domain.aid; });
    if (!there) {
      return fail(Errc::kAuthentication,
                  "a DAP block that is due is missing: a domain with Mandated DAP Verification, or "
                  "the one the load file is for, verifies one (GPCS 9.2.1)");
    }
  }
  for (const gp::DapBlock& block : blocks) {
    KB_TRY(verify_block(platform, block, hash));
  }
  return {};
}

}  // namespace kagibin::se
