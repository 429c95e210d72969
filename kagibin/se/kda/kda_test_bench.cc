// SPDX-License-Identifier: Apache-2.0
#include "kagibin/se/kda/kda_test_bench.h"

#include <algorithm>

#include <gtest/gtest.h>

#include "kagibin/apdu/exchange.h"
#include "kagibin/apdu/status_words.h"
#include "kagibin/crypto/cipher/aes.h"
#include "kagibin/crypto/ec/ecdsa.h"
#include "kagibin/envelope/envelope_keys.h"
#include "kagibin/gp/content/install.h"
#include "kagibin/gp/select.h"
#include "kagibin/kda/authority_statement.h"
#include "kagibin/kda/commands.h"
#include "kagibin/kda/maker_data.h"
#include "kagibin/scp/scp03/scp03_link.h"
#include "kagibin/se/applications/built_in_applications.h"
#include "kagibin/se/kda/key_delivery_application.h"
#include "kagibin/se/kda/own/own_delivery.h"

namespace kagibin::se {

namespace {

namespace sw = apdu::sw;

constexpr std::uint8_t kIsdVersion = 0x30;
constexpr std::uint8_t kIsdSeed = 0x10;
constexpr std::uint8_t kKdaChannel = 1;
constexpr std::uint8_t kTargetChannel = 2;

}  // namespace

pki::CertificateFields fields_of(pki::CertificateKind kind,
                                 const std::array<std::uint8_t, 16>& subject) {
  pki::CertificateFields out;
  out.serial = {static_cast<std::uint8_t>(kind)};
  out.issuer = hex("4155544800");
  out.subject = subject;
  out.kind = kind;
  out.epoch = 1;
  out.effective = {20260101};
  out.expiration = {20361231};
  return out;
}

SecretBytes key_octets(std::uint8_t seed, std::size_t size) {
  const auto digest = crypto::sha256(ByteView(&seed, 1));
  return SecretBytes::copy_of(ByteView(digest).first(size));
}

scp::Scp03KeySet key_set(std::uint8_t seed, std::size_t size) {
  const auto key = [&](unsigned at) {
    return key_octets(static_cast<std::uint8_t>(seed + at), size);
  };
  return scp::Scp03KeySet::create(key(0), key(1), key(2)).value();
}

Result<void> FlakyRng::fill(MutableByteView out) {
  if (left_ > 0) {
    --left_;
    if (left_ == 0) {
      has_failed_ = true;
      return fail(Errc::kCrypto, "the random source failed");
    }
  }
  return stream_.fill(out);
}

KdaBench::KdaBench(const Options& chosen)
    : options(chosen),
      rng(chosen.seed),
      authority(fresh_key()),
      maker(fresh_key()),
      provider(fresh_key()),
      other_provider(fresh_key()) {
  EXPECT_TRUE(modules.add(key_delivery_built_in()).has_value());
  if (options.own_delivery) {
    EXPECT_TRUE(modules.add(own_delivery_built_in()).has_value());
  }
  EXPECT_TRUE(add_built_in_applications(modules).has_value());
  if (options.beside) {
    EXPECT_TRUE(modules.add(*options.beside).has_value());
  }
  auto made =
      Element::create(profile(), std::make_unique<test::CutMedium>(power), rng, clock, modules);
  EXPECT_TRUE(made.has_value()) << (made ? "" : made.error().detail.text());
  element = std::move(*made);
  select_again();
  if (options.certify) {
    certify();
  }
}

ElementProfile KdaBench::profile() const {
  ElementProfile out;
  out.scp03 = scp::Scp03Parameter{options.i};
  out.memory_octets = options.memory_octets;
  out.security_domains.push_back({.aid = target_aid});
  if (options.own_delivery) {
    out.security_domains.back().own_delivery = own_delivery_of(spid());
    out.security_domains.push_back({.aid = other_aid, .own_delivery = own_delivery_of(spid(true))});
  }
  out.key_sets.push_back({out.isd_aid, kIsdVersion, key_set(kIsdSeed)});
  out.key_sets.push_back(
      {target_aid, kChannelVersion, key_set(options.channel_seed, options.key_size)});
  if (options.with_casd) {
    const crypto::EcPoint point = authority.public_key().point();
    out.casd = InitialCasd{.authority_key = Bytes(point.begin(), point.end())};
  }
  const LoadFile file = key_delivery_load_file();
  out.applications.push_back({.load_file = file.aid,
                              .module = file.modules[0],
                              .aid = kda::aid(),
                              .security_domain = out.isd_aid});
  out.applications.push_back({.load_file = payment_credential_load_file(),
                              .module = payment_credential_module(),
                              .aid = payment_credential_module(),
                              .security_domain = target_aid});
  out.applications.push_back({.load_file = digital_key_load_file(),
                              .module = digital_key_module(),
                              .aid = digital_key_module(),
                              .security_domain = target_aid});
  if (options.beside) {
    const Aid module = options.beside->file.modules.front();
    out.applications.push_back({.load_file = options.beside->file.aid,
                                .module = module,
                                .aid = module,
                                .security_domain = target_aid});
  }
  return out;
}

crypto::EcPrivateKey KdaBench::fresh_key() { return crypto::EcPrivateKey::generate(rng).value(); }

// --- element and relay -------------------------------------------------------------------------

Result<apdu::ResponseApdu> KdaBench::transmit(std::uint8_t channel,
                                              const apdu::CommandApdu& command) {
  apdu::CommandApdu on = command;
  on.cla = apdu::on_channel(command.cla, channel).value();
  const Bytes sent = on.encode();
  const Bytes received = KB_TRY(element->transmit(sent));
  octets += sent.size() + received.size();
  return apdu::ResponseApdu::decode(received);
}

Result<apdu::ResponseApdu> KdaBench::kda(const apdu::CommandApdu& command) {
  ++kda_exchanges;
  apdu::ResponseApdu answer = KB_TRY(transmit(kKdaChannel, command));
  Bytes whole = answer.data;
  while (sw::has_more(answer.sw)) {
    ++kda_exchanges;
    answer = KB_TRY(transmit(kKdaChannel, {.ins = apdu::ins::kGetResponse,
                                           .le = answer.sw.sw2() == 0 ? 256U : answer.sw.sw2()}));
    append(whole, answer.data);
  }
  kda_answers.push_back(whole);
  return apdu::ResponseApdu{std::move(whole), answer.sw};
}

Result<apdu::ResponseApdu> KdaBench::kda(const std::vector<apdu::CommandApdu>& blocks) {
  apdu::ResponseApdu answer;
  for (const apdu::CommandApdu& block : blocks) {
    answer = KB_TRY(kda(block));
    if (!sw::is_ok(answer.sw)) {
      break;
    }
  }
  return answer;
}

Result<apdu::ResponseApdu> KdaBench::target(const apdu::CommandApdu& command) {
  ++target_exchanges;
  if (intercept) {
    if (auto answer = intercept(command)) {
      return std::move(*answer);
    }
  }
  apdu::ResponseApdu answer = KB_TRY(transmit(kTargetChannel, command));
  if (tamper) {
    return tamper(command, std::move(answer));
  }
  return answer;
}

void KdaBench::select_again() {
  for (const std::uint8_t channel : {kKdaChannel, kTargetChannel}) {
    const auto opened = element->transmit(
        apdu::CommandApdu{.ins = apdu::ins::kManageChannel, .p2 = channel}.encode());
    ASSERT_TRUE(opened.has_value());
  }
  ASSERT_EQ(transmit(kKdaChannel, kda::select(delivery_aid()))->sw, sw::kOk);
}

void KdaBench::restart() {
  power->restore();
  auto opened = Element::open(std::make_unique<test::CutMedium>(power), rng, clock, modules);
  ASSERT_TRUE(opened.has_value()) << (opened ? "" : opened.error().detail.text());
  element = std::move(*opened);
  select_again();
}

void KdaBench::reset() {
  ASSERT_TRUE(element->reset().has_value());
  select_again();
}

void KdaBench::forget_application() {
  const scp::Scp03Parameter parameter{options.i};
  ASSERT_TRUE(apdu::exchange(*element, gp::Select{}.encode()).has_value());
  auto session = scp::Scp03Link::open(*element, key_set(kIsdSeed),
                                      {.key_version_number = kIsdVersion, .s16 = parameter.s16()},
                                      scp::highest_level(parameter), rng);
  ASSERT_TRUE(session.has_value());
  const gp::Install personalize{.purpose = gp::InstallFor::kPersonalization,
                                .application = kda::aid()};
  ASSERT_TRUE(session->send(personalize.encode().value()).has_value());
  const apdu::CommandApdu store{.cla = 0x80, .ins = 0xE2, .p1 = 0x80, .data = *from_hex("0101FF")};
  EXPECT_EQ(session->transmit(scp::plain_command(store))->sw, sw::kConditionsNotSatisfied);
}

void KdaBench::certify() {
  const std::uint8_t seed = options.own_delivery ? options.channel_seed : kIsdSeed;
  scp::Scp03Host host(key_set(seed),
                      {.key_version_number = options.own_delivery ? kChannelVersion : kIsdVersion,
                       .s16 = scp::Scp03Parameter{options.i}.s16()});
  const auto update = kda(host.initialize_update(rng).value());
  const auto level = scp::highest_level(scp::Scp03Parameter{options.i});
  const auto ext = host.external_authenticate(*update, level);
  ASSERT_TRUE(ext.has_value());
  ASSERT_TRUE(host.finish_authentication(*kda(*ext)).has_value());
  const auto send = [&](const apdu::CommandApdu& plain) {
    const auto wrapped = host.wrap({.cla = plain.cla,
                                    .ins = plain.ins,
                                    .p1 = plain.p1,
                                    .p2 = plain.p2,
                                    .data = plain.data,
                                    .le = plain.le});
    return host.unwrap(*kda(*wrapped))->response;
  };
  const auto keys = kda::GeneratedKeys::decode(send(kda::generate()).data);
  ASSERT_TRUE(keys.has_value());
  pki::CertificateFields maker_fields = fields_of(pki::CertificateKind::kMaker, {0x4D, 0x31});
  maker_fields.platform = std::array<std::uint8_t, 16>{0x50};
  maker_certificate = certificate(maker_fields, maker, authority);
  pki::CertificateFields kda_fields = fields_of(pki::CertificateKind::kKda, seid.octets);
  kda_fields.issuer.assign(maker_fields.subject.begin(), maker_fields.subject.end());
  const Aid own = delivery_aid();
  kda_fields.aids = {Bytes(own.view().begin(), own.view().end())};
  kda_fields.code_hash =
      (options.own_delivery ? own_delivery_load_file() : key_delivery_load_file()).code_hash();
  kda_fields.attestation = pki::AttestationProfile::kAtt1;
  const auto signing_key = crypto::EcPublicKey::from_point(keys->signing_key).value();
  kda_certificate = pki::Certificate::issue(kda_fields, signing_key, maker, rng).value();
  const kda::StoredCertificates stored{.authority_key = authority.public_key().point(),
                                       .maker_certificate = maker_certificate->encoded(),
                                       .kda_certificate = kda_certificate->encoded()};
  for (const apdu::CommandApdu& block : kda::store_certificates(stored.encode())) {
    ASSERT_EQ(send(block).sw, sw::kOk);
  }
  ASSERT_EQ(kda(kda::select(delivery_aid()))->sw, sw::kOk);  // ends the maker's session
}

}  // namespace kagibin::se
