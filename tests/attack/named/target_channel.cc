// SPDX-License-Identifier: Apache-2.0
#include "tests/attack/named/target_channel.h"

#include "kagibin/apdu/exchange.h"
#include "kagibin/gp/select.h"

#include "tests/support/must.h"

namespace kagibin::attack {

using test::must;

TargetChannel::TargetChannel(test::DeployedCard& card)
    : channel_(must(apdu::ChannelLink::open(*card.element))) {}

void TargetChannel::select() {
  const Aid target = test::Deployment::domain_aid();
  const ByteView aid = target.view();
  static_cast<void>(ask(gp::Select{.name = Bytes(aid.begin(), aid.end())}.encode()));
}

apdu::ResponseApdu TargetChannel::ask(const apdu::CommandApdu& command) {
  return must(apdu::exchange(*channel_, command));
}

scp::Scp03KeySet key_set_of(const delivery::KeyExport& record) {
  return must(scp::Scp03KeySet::create(record.key_enc.duplicate(), record.key_mac.duplicate(),
                                       record.key_dek.duplicate()));
}

pki::Certificate host_certificate(test::Deployment& world,
                                  const test::DeployedCard& card,
                                  const crypto::EcPublicKey& key,
                                  const crypto::EcPrivateKey& issuer) {
  pki::CertificateFields fields = card.domain_certificate->fields();
  fields.kind = pki::CertificateKind::kOce;
  const auto& name = world.maker->identity().name;
  fields.issuer = Bytes(name.begin(), name.end());
  fields.aids.clear();
  fields.owner.reset();
  fields.maker_key.reset();
  return must(pki::Certificate::issue(fields, key, issuer, world.rng));
}

}  // namespace kagibin::attack
