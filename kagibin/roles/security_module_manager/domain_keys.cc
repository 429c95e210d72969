// SPDX-License-Identifier: Apache-2.0
#include "kagibin/roles/security_module_manager/domain_keys.h"

#include "kagibin/crypto/cipher/aes.h"
#include "kagibin/tlv/ber_tlv.h"

namespace kagibin::roles::security_module_manager {
namespace {

constexpr std::string_view kLabel = "KB1-SDK";

}  // namespace

Result<delivery::KeyExport> diversified_keys(const crypto::DerivationKey& master_key,
                                             const DomainName& name,
                                             std::size_t key_size,
                                             std::uint8_t i) {
  if (!crypto::is_aes_key_size(key_size)) {
    return fail(Errc::kInvalidArgument, "keys are AES keys: 16, 24 or 32 octets");
  }
  const Bytes context = tlv::TlvWriter()
                            .put(0x81, name.iin)
                            .put(0x82, name.cin)
                            .put(0x83, name.security_domain.view())
                            .put_u8(0x84, name.key_version)
                            .take();
  const SecretBytes keys = KB_TRY(master_key.diversify(ascii(kLabel), context, 3 * key_size));
  const auto part = [&](std::size_t index) {
    return SecretBytes::copy_of(keys.expose().subspan(index * key_size, key_size));
  };
  return delivery::KeyExport{.iin = name.iin,
                             .cin = name.cin,
                             .security_domain = name.security_domain,
                             .key_version_number = name.key_version,
                             .i = i,
                             .key_enc = part(0),
                             .key_mac = part(1),
                             .key_dek = part(2)};
}

}  // namespace kagibin::roles::security_module_manager
