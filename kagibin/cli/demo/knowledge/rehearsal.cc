// SPDX-License-Identifier: Apache-2.0
#include "kagibin/cli/demo/knowledge/rehearsal.h"

#include <algorithm>

#include "kagibin/apdu/exchange.h"
#include "kagibin/apdu/status_words.h"
#include "kagibin/cli/console/open_card.h"
#include "kagibin/cli/demo/cast.h"
#include "kagibin/cli/solver/solver.h"
#include "kagibin/gp/put_key.h"
#include "kagibin/gp/select.h"
#include "kagibin/scp/scp11/scp11_host.h"

namespace kagibin::cli::demo {

namespace {

constexpr std::uint8_t kSomeKeyVersion = 0x40;
constexpr std::size_t kKeySize = 16;

// Keeps what it gave last: the scalar of the ephemeral key.
class KeepingRng final : public crypto::Rng {
 public:
  Result<void> fill(MutableByteView out) override {
    KB_TRY(rng_.fill(out));
    last = SecretBytes::copy_of(out);
    return {};
  }
  SecretBytes last;

 private:
  crypto::SystemRng rng_;
};

Result<apdu::CommandApdu> put_key(scp::Scp11Host& host, ByteView value) {
  const gp::Key key = KB_TRY(gp::Key::aes(value));
  const gp::PutKey put{.new_version = kSomeKeyVersion,
                       .first_identifier = 0x01,
                       .keys = {KB_TRY(gp::seal_key(key, {.encrypt = [&](ByteView clear) {
                                                      return host.encrypt_sensitive(clear);
                                                    }}))}};
  const apdu::CommandApdu command = KB_TRY(put.encode());
  return host.wrap(scp::PlainCommand{
      .ins = command.ins, .p1 = command.p1, .p2 = command.p2, .data = command.data});
}

bool finds(const CoalitionView& view, const SecretBytes& value) {
  const Derived derived = derive(view);
  return std::ranges::any_of(
      derived.keys, [&](const SecretBytes& key) { return ct_equal(key.expose(), value.expose()); });
}

}  // namespace

Outcome<void> rehearse_agreement(const std::string& reader,
                                 const std::vector<Exchange>& seen,
                                 const crypto::EcPrivateKey& host_key,
                                 const crypto::EcPublicKey& domain_key,
                                 const SecretBytes* static_dek) {
  KeepingRng rng;
  const auto card = KB_TRY(open_card(reader));
  std::vector<Exchange> relayed;
  const auto send = [&](const apdu::CommandApdu& command) -> Result<apdu::ResponseApdu> {
    apdu::ResponseApdu answer = KB_TRY(apdu::exchange(*card, command));
    relayed.push_back({.command = command.encode(), .response = answer.encode()});
    if (!apdu::sw::is_ok(answer.sw)) {
      return fail(Errc::kCardStatus, "the target refuses the examiner's own SCP11a session",
                  answer.sw);
    }
    return answer;
  };
  const Aid target = KB_TRY(Aid::from_hex(kTarget));
  const gp::Select select{.name = Bytes(target.view().begin(), target.view().end())};
  KB_TRY(send(select.encode()));
  for (const Exchange& exchange : seen) {
    if (exchange.instruction() == scp::ins::kPerformSecurityOperation) {
      apdu::CommandApdu command = KB_TRY(apdu::CommandApdu::decode(exchange.command));
      command.cla = KB_TRY(apdu::on_channel(command.cla, 0));
      KB_TRY(send(command));
    }
  }
  scp::Scp11Host host(
      crypto::CurvePublicKey::from(domain_key), crypto::CurvePrivateKey::from(host_key),
      {.variant = scp::Scp11Variant::kA, .key_version_number = kAgreementKeyVersion});
  const apdu::CommandApdu authenticate = KB_TRY(host.authenticate(rng));
  auto ephemeral = KB_TRY(crypto::EcPrivateKey::from_scalar(rng.last.expose()));
  const apdu::ResponseApdu answer = KB_TRY(send(authenticate));
  KB_TRY(host.finish(answer, static_dek));
  const SecretBytes value = KB_TRY(crypto::random_secret(rng, kKeySize));
  relayed.push_back({.command = KB_TRY(put_key(host, value.expose())).encode(), .response = {}});

  CoalitionView view{.apdus = std::move(relayed)};
  for (const crypto::EcPublicKey& key : {domain_key, host_key.public_key()}) {
    view.agreement_keys.push_back(crypto::CurvePublicKey::from(key));
  }
  if (static_dek != nullptr) {
    view.static_deks.push_back(static_dek->duplicate());
    if (finds(view, value)) {
      return failure("the solver opens an SCP11a session without a private key: do not believe it");
    }
    view.static_deks.clear();
  }
  view.private_keys.push_back(std::move(ephemeral));
  view.private_keys.push_back(KB_TRY(crypto::EcPrivateKey::from_scalar(host_key.expose_scalar())));
  if (static_dek != nullptr) {
    if (finds(view, value)) {
      return failure("the private keys of one end were enough: the static Key-DEK did not count");
    }
    view.static_deks.push_back(static_dek->duplicate());
  }
  return finds(view, value)
             ? Outcome<void>()
             : failure(
                   "the solver does not open an SCP11a session with the keys of one end: it "
                   "would prove nothing");
}

}  // namespace kagibin::cli::demo
