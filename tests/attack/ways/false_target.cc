// SPDX-License-Identifier: Apache-2.0
#include "tests/attack/ways/false_target.h"

#include <algorithm>

#include "kagibin/gp/put_key.h"

namespace kagibin::attack {

namespace {

constexpr std::uint8_t kCloseChannel = 0x80;

}  // namespace

bool FalseTarget::is_for_target(std::uint8_t channel) const {
  return channels_.empty() ? channel == 0 : channels_.size() > 1 && channel == channels_[1];
}

void FalseTarget::note_channels(const apdu::CommandApdu& command, ByteView answer) {
  if (command.p1 == kCloseChannel) {
    std::erase(channels_, command.p2);
  } else if (answer.size() == 3) {
    channels_.push_back(answer[0]);
  }
}

Result<void> FalseTarget::reset() {
  channels_.clear();
  return card_.reset();
}

Result<Bytes> FalseTarget::transmit(ByteView command) {
  auto decoded = KB_TRY(apdu::CommandApdu::decode(command));
  if (decoded.ins == apdu::ins::kManageChannel) {
    Bytes answer = KB_TRY(card_.transmit(command));
    note_channels(decoded, answer);
    return answer;
  }
  const auto cla = apdu::ClassOctet::decode(decoded.cla);
  if (!cla || !is_for_target(cla->channel)) {
    return card_.transmit(command);
  }
  decoded.cla = KB_TRY(apdu::on_channel(decoded.cla, 0));
  if (auto answer = open(decoded)) {
    return answer->encode();
  }
  if (cla->secure_messaging) {
    return in_session(decoded).encode();
  }
  return card_.transmit(command);
}

apdu::ResponseApdu FalseTarget::in_session(const apdu::CommandApdu& command) {
  if (session() == nullptr || !session()->open()) {
    return {.data = {}, .sw = apdu::sw::kSecurityStatusNotSatisfied};
  }
  const auto plain = session()->unwrap(command);
  if (!plain) {
    return {.data = {}, .sw = plain.error()};
  }
  Bytes answer;
  if (command.ins == apdu::ins::kPutKey) {
    answer = put_key(command, plain->data.expose());
  }
  return {.data = session()->wrap(answer, apdu::sw::kOk), .sw = apdu::sw::kOk};
}

Bytes FalseTarget::put_key(const apdu::CommandApdu& command, ByteView data) {
  const auto put = gp::PutKey::decode(command.p1, command.p2, data);
  if (!put) {
    return {};
  }
  gp::PutKeyAnswer answer{.version = put->new_version};
  for (const gp::KeyData& key : put->keys) {
    const gp::KeyComponentData& component = key.components.front();
    auto clear = session()->decrypt_sensitive(component.value);
    if (clear && clear->size() >= component.clear_length) {
      clear->shrink(component.clear_length);
      caught_.push_back(std::move(*clear));
    }
    if (key.kcv) {
      answer.kcvs.push_back(*key.kcv);
    }
  }
  return answer.encode();
}

std::optional<apdu::ResponseApdu> FalseKeySet::open(const apdu::CommandApdu& command) {
  if (command.ins == apdu::ins::kInitializeUpdate) {
    const auto answer = session_.initialize_update(
        command.data, keys_.duplicate(), {.key_version_number = command.p1, .aid = aid_}, rng_);
    return answer ? apdu::ResponseApdu{.data = *answer, .sw = apdu::sw::kOk}
                  : apdu::ResponseApdu{.data = {}, .sw = answer.error()};
  }
  if (command.ins == apdu::ins::kExternalAuthenticate) {
    return session_.establish(command);
  }
  return std::nullopt;
}

class FalseDomain::Keys final : public scp::Scp11Domain {
 public:
  Keys(const crypto::EcPrivateKey& key, const crypto::EcPublicKey& host_authority)
      : key_(crypto::CurvePrivateKey::from(key)),
        host_authority_(crypto::CurvePublicKey::from(host_authority)) {}
  scp::Scp11Parameter parameter() const override { return scp::kScp11S16; }
  std::optional<crypto::CurvePublicKey> ca_key(scp::KeyReference /*reference*/) const override {
    return host_authority_;
  }
  bool allows(scp::KeyReference /*ca*/, ByteView /*serial*/) const override { return true; }
  std::optional<crypto::CurvePrivateKey> agreement_key(
      scp::KeyReference /*reference*/) const override {
    return key_.duplicate();
  }
  std::optional<SecretBytes> static_dek(scp::KeyReference /*reference*/) const override {
    return std::nullopt;
  }
  scp::Scp11CardIdentity identity() const override { return {}; }
  Bytes provider_identifier() const override { return {}; }
  std::optional<pki::CertificateDate> today() const override { return std::nullopt; }

 private:
  crypto::CurvePrivateKey key_;
  crypto::CurvePublicKey host_authority_;
};

FalseDomain::FalseDomain(apdu::CardLink& card,
                         const crypto::EcPrivateKey& key,
                         const crypto::EcPublicKey& host_authority,
                         crypto::Rng& rng)
    : FalseTarget(card), domain_(std::make_unique<Keys>(key, host_authority)), rng_(rng) {}

FalseDomain::~FalseDomain() = default;

std::optional<apdu::ResponseApdu> FalseDomain::open(const apdu::CommandApdu& command) {
  if (command.ins == scp::ins::kPerformSecurityOperation) {
    return apdu::ResponseApdu{.data = {},
                              .sw = card_end_.perform_security_operation(command, *domain_)};
  }
  if (command.ins != scp::ins::kMutualAuthenticate) {
    return std::nullopt;
  }
  auto opened = card_end_.authenticate(command, *domain_, rng_);
  if (!opened) {
    return apdu::ResponseApdu{.data = {}, .sw = opened.error()};
  }
  session_ = std::move(opened->session);
  return apdu::ResponseApdu{.data = std::move(opened->answer), .sw = apdu::sw::kOk};
}

}  // namespace kagibin::attack
