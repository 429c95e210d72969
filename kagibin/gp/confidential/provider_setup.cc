// SPDX-License-Identifier: Apache-2.0
#include "kagibin/gp/confidential/provider_setup.h"

#include "kagibin/crypto/ec/ecdh.h"

namespace kagibin::gp {

Result<Bytes> ProviderSetup::make_point(crypto::Rng& rng) {
  if (ephemeral_) {
    return fail(Errc::kState, "a set-up asks once: begin another");
  }
  ephemeral_ = KB_TRY(crypto::CurvePrivateKey::generate(casd_key_.curve(), rng));
  return ephemeral_->public_key().point();
}

std::vector<apdu::CommandApdu> ProviderSetup::show_certificate(ByteView certificate) {
  std::vector<apdu::CommandApdu> out = gp::show_certificate(certificate);
  blocks_ = static_cast<std::uint8_t>(out.size());
  return out;
}

Result<apdu::CommandApdu> ProviderSetup::ask(ByteView answer,
                                             const crypto::SigningKey& own_key,
                                             crypto::Rng& rng) {
  if (!reference_.certified) {
    return fail(Errc::kInvalidArgument, "the signed form has b4 of the parameters (SGP.02)");
  }
  const SetupChallenge challenge = KB_TRY(decode_challenge(answer));
  const Bytes point = KB_TRY(make_point(rng));
  const Bytes covered = encode_signed_octets(reference_.encode(), point);
  const Bytes signature = KB_TRY(own_key.sign_raw({setup_signed_data(covered, challenge)}, rng));
  return ask_signed(covered, signature, blocks_);
}

Result<apdu::CommandApdu> ProviderSetup::ask(crypto::Rng& rng) {
  if (reference_.certified) {
    return fail(Errc::kInvalidArgument, "the unsigned form has no b4 of the parameters (SGP.02)");
  }
  const Bytes point = KB_TRY(make_point(rng));
  return ask_unsigned(reference_.encode(), point);
}

Result<AgreedKeySet> ProviderSetup::expected() const {
  if (!ephemeral_ || reference_.with_random) {
    return fail(Errc::kState, "the keys are not known before the card has answered");
  }
  const SecretBytes shared = KB_TRY(crypto::ecdh(*ephemeral_, casd_key_));
  return derive_key_set(shared, reference_, {}, card_);
}

Result<AgreedKeySet> ProviderSetup::finish(ByteView answer) {
  if (!ephemeral_) {
    return fail(Errc::kState, "a set-up asks before it finishes");
  }
  const SetupAnswer decoded = KB_TRY(SetupAnswer::decode(answer));
  const SecretBytes shared = KB_TRY(crypto::ecdh(*ephemeral_, casd_key_));
  AgreedKeySet keys = KB_TRY(derive_key_set(shared, reference_, decoded.random, card_));
  const crypto::AesBlock receipt = KB_TRY(setup_receipt(keys, reference_.encode(), decoded.random));
  if (!ct_equal(receipt, decoded.receipt)) {
    return fail(Errc::kAuthentication,
                "the receipt is not of these keys: who answered does not have the private key of "
                "this CASD, or the request was changed on its way");
  }
  return keys;
}

}  // namespace kagibin::gp
