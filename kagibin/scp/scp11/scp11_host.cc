// SPDX-License-Identifier: Apache-2.0
#include "kagibin/scp/scp11/scp11_host.h"

#include <utility>

#include "kagibin/apdu/status_words.h"
#include "kagibin/crypto/ec/ecdh.h"

namespace kagibin::scp {

namespace {

constexpr std::uint8_t kGlobalPlatformClass = 0x80;
constexpr std::uint32_t kAnyShortLe = 256;
constexpr std::size_t kHostIdMaxSize = 16;

std::unexpected<Error> no_session() {
  return fail(Errc::kState, "no secure channel session is open");
}

}  // namespace

Result<apdu::CommandApdu> Scp11Host::authenticate(crypto::Rng& rng) {
  close();
  const bool mutual = options_.variant != Scp11Variant::kB;
  if (mutual != own_key_.has_value() || (own_key_ && own_key_->curve() != sd_key_.curve())) {
    return fail(Errc::kInvalidArgument,
                "SCP11a and SCP11c need SK.OCE.ECKA on the domain's curve, SCP11b none");
  }
  if (!crypto::is_aes_key_size(options_.key_size) || options_.key_version_number > 0x7F ||
      options_.host_id.size() > kHostIdMaxSize) {
    return fail(
        Errc::kInvalidArgument,
        "session keys have 16, 24 or 32 octets, a KVN is 00 to 7F, a host ID has 16 octets");
  }
  auto ephemeral = KB_TRY(crypto::CurvePrivateKey::generate(sd_key_.curve(), rng));
  request_ = {.variant = options_.variant,
              .with_identities = !options_.host_id.empty(),
              .key_usage = options_.encryption ? kUsageMacAndEncryption : kUsageMac,
              .key_size = options_.key_size,
              .host_id = options_.host_id,
              .ephemeral_point = ephemeral.public_key().point()};
  KB_TRY(shared_info(request_, options_.card));
  ephemeral_ = std::move(ephemeral);
  return apdu::CommandApdu{.cla = kGlobalPlatformClass,
                           .ins = mutual ? ins::kMutualAuthenticate : ins::kInternalAuthenticate,
                           .p1 = options_.key_version_number,
                           .p2 = agreement_key_identifier(options_.variant),
                           .data = request_.encode(),
                           .le = kAnyShortLe};
}

Result<SharedSecrets> Scp11Host::agree(const crypto::CurvePrivateKey& ephemeral,
                                       const crypto::CurvePublicKey& answered) const {
  SharedSecrets out;
  out.first = KB_TRY(crypto::ecdh(ephemeral, answered));
  out.second = KB_TRY(crypto::ecdh(own_key_ ? *own_key_ : ephemeral, sd_key_));
  return out;
}

Result<void> Scp11Host::finish(const apdu::ResponseApdu& answer, const SecretBytes* static_dek) {
  if (!ephemeral_) {
    return fail(Errc::kState, "no key agreement is under way");
  }
  const crypto::CurvePrivateKey ephemeral = std::move(*ephemeral_);
  ephemeral_.reset();
  if (!apdu::sw::is_ok(answer.sw)) {
    return fail(Errc::kCardStatus, "the card refused the key agreement", answer.sw);
  }
  const KeyAgreementAnswer agreed = KB_TRY(KeyAgreementAnswer::decode(answer.data));
  const crypto::CurvePublicKey answered =
      KB_TRY(crypto::CurvePublicKey::from_point(sd_key_.curve(), agreed.point));
  if (options_.variant == Scp11Variant::kC && !(answered == sd_key_)) {
    return fail(Errc::kUntrusted, "in SCP11c the card answers with PK.SD.ECKA");
  }
  const SharedSecrets secrets = KB_TRY(agree(ephemeral, answered));
  AgreedKeys keys = KB_TRY(derive_keys(secrets, request_, request_.encode(), agreed.point,
                                       options_.card, options_.hash));
  if (!ct_equal(keys.receipt, agreed.receipt)) {
    return fail(Errc::kAuthentication, "the receipt is wrong: the card does not hold SK.SD.ECKA");
  }
  const SecurityLevel level = KB_TRY(level_of_usage(request_.key_usage));
  messaging_.emplace(
      AesSession{.keys = std::move(keys.session),
                 .dek = static_dek != nullptr ? static_dek->duplicate() : std::move(keys.dek),
                 .chaining_value = keys.receipt,
                 .level = level,
                 .mac_size = options_.s16 ? std::size_t{16} : std::size_t{8}});
  return {};
}

SecurityLevel Scp11Host::level() const {
  return messaging_ ? messaging_->level() : SecurityLevel{};
}

Result<apdu::CommandApdu> Scp11Host::wrap(const PlainCommand& command, bool extended) {
  if (!messaging_) {
    return no_session();
  }
  return messaging_->wrap(command, extended);
}

Result<HostSession::Unwrapped> Scp11Host::unwrap(const apdu::ResponseApdu& answer) {
  if (!messaging_) {
    return no_session();
  }
  auto out = messaging_->unwrap(answer);
  if (!out) {
    close();
  }
  return out;
}

Result<Bytes> Scp11Host::encrypt_sensitive(ByteView value) const {
  if (!messaging_) {
    return no_session();
  }
  return messaging_->encrypt_sensitive(value);
}

void Scp11Host::close() {
  messaging_.reset();
  ephemeral_.reset();
}

}  // namespace kagibin::scp
