// SPDX-License-Identifier: Apache-2.0
// For the tests of ATT-2: a deployment whose element has a CASD and no key delivery application, a
// manager who loads one in the field, code of somebody else beside it, and answers that were
// forged. Thread-safety: none.
//
//   class AnAttestationTest : public AttestedByCasdTest {};
#pragma once

#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include <gtest/gtest.h>

#include "kagibin/apdu/channel_link.h"
#include "kagibin/apdu/exchange.h"
#include "kagibin/envelope/enrolment/answer_open.h"
#include "kagibin/envelope/enrolment/answer_seal.h"
#include "kagibin/envelope/enrolment/code_attestation.h"
#include "kagibin/gp/confidential/authority_signature.h"
#include "kagibin/gp/content/delete.h"
#include "kagibin/gp/content/install_load.h"
#include "kagibin/gp/content/load.h"
#include "kagibin/gp/select.h"
#include "kagibin/kda/commands.h"
#include "kagibin/scp/scp03/scp03_link.h"
#include "kagibin/se/kda/key_delivery_application.h"

#include "tests/support/cap_builder.h"
#include "tests/support/deployment.h"
#include "tests/support/must.h"

namespace kagibin::test::attestation {

using envelope::CodeAttestation;
using envelope::EnrolmentStatement;
using pki::AttestationProfile;
using roles::service_provider::Problem;

inline constexpr std::string_view kPackage = "F04B41474942494943";
inline constexpr std::string_view kRogueFile = "F0000000BB";
inline constexpr std::string_view kRogueModule = "F0000000BB01";
inline constexpr std::uint8_t kAttested = 0x80;
inline constexpr std::uint16_t kOk = 0x9000;

inline Bytes bytes_of(ByteView view) { return {view.begin(), view.end()}; }
inline Aid aid(std::string_view text) { return *Aid::from_hex(text); }

// A load file with the KDA's module. The number of octets of its methods makes builds differ.
inline Bytes kda_cap(std::size_t method_octets = 8) {
  const std::string module = kda::aid().hex();
  return CapBuilder{.package = kPackage, .applets = {module}, .method_octets = method_octets}
      .build();
}

// Code of somebody else: has what it is given signed by the CASD (80 01), and tells CERT.CASD.AUT
// (80 02).
class RogueApplication final : public se::Application {
 public:
  explicit RogueApplication(const se::ApplicationContext& context) : context_(context) {}
  StatusWord install(ByteView) override { return StatusWord{kOk}; }
  apdu::ResponseApdu process(const apdu::CommandApdu& command) override {
    const se::AuthoritySignatureService& casd = *context_.authority_signature;
    const Bytes answer =
        command.ins == 0x01 ? must(casd.sign(command.data)) : must(casd.certificate());
    return {answer, StatusWord{kOk}};
  }

 private:
  se::ApplicationContext context_;
};

inline DeploymentOptions attested() {
  DeploymentOptions out;
  out.attested_by_casd = true;
  return out;
}

inline DeployedCard& card_with_rogue_code(Deployment& world) {
  must(world.modules.add({.file = {.aid = aid(kRogueFile),
                                   .version = {1, 0},
                                   .sources = {0xBB},
                                   .modules = {aid(kRogueModule)}},
                          .factories = {[](const se::ApplicationContext& context) {
                            return std::make_unique<RogueApplication>(context);
                          }}}));
  return world.add_card("phone-1");
}

class AttestedByCasdTest : public testing::Test {
 protected:
  explicit AttestedByCasdTest(const DeploymentOptions& options = attested())
      : world_("attested by casd", options), card_(card_with_rogue_code(world_)) {
    world_.policy.attestation_profiles = {AttestationProfile::kAtt2};
    world_.policy.kda_code_hashes = {crypto::sha256(kda_cap())};
  }

  // The manager's session with the issuer domain of the element in hand.
  std::uint16_t manage(const apdu::CommandApdu& command) { return manage(std::vector{command}); }
  std::uint16_t manage(const std::vector<apdu::CommandApdu>& commands) {
    const auto channel = must(apdu::ChannelLink::open(*in_hand_->element));
    const delivery::KeyExport& keys = in_hand_->issuer_keys;
    const gp::Select select{.name = bytes_of(keys.security_domain.view())};
    must(apdu::exchange(*channel, select.encode()));
    const auto set = must(scp::Scp03KeySet::create(
        keys.key_enc.duplicate(), keys.key_mac.duplicate(), keys.key_dek.duplicate()));
    const auto parameter = scp::Scp03Parameter{keys.i};
    auto session = must(scp::Scp03Link::open(
        *channel, set, {.key_version_number = keys.key_version_number, .s16 = parameter.s16()},
        scp::highest_level(parameter), world_.rng));
    for (const apdu::CommandApdu& command : commands) {
      const auto done = session.send(command);
      if (!done) {
        return done.error().sw.value;
      }
    }
    return kOk;
  }
  std::uint16_t load(const Bytes& cap) {
    return manage({must(gp::InstallForLoad{.load_file = aid(kPackage)}.encode()),
                   gp::Load{.last = true, .block = 0}.encode(gp::encode_load_file({}, cap))});
  }
  std::uint16_t install(const Aid& load_file,
                        const Aid& module,
                        const Aid& instance,
                        const Bytes& parameters) {
    return manage(must(gp::Install{.purpose = gp::InstallFor::kInstallAndMakeSelectable,
                                   .load_file = load_file,
                                   .module = module,
                                   .application = instance,
                                   .parameters = gp::with_application_parameters(parameters)}
                           .encode()));
  }
  // What the manager does in the field.
  void install_kda(const Bytes& cap = kda_cap()) {
    ASSERT_EQ(load(cap), kOk);
    ASSERT_EQ(install(aid(kPackage), kda::aid(), kda::aid(), {kAttested}), kOk);
  }
  void install_kda_anew() {
    ASSERT_EQ(manage(gp::DeleteObject{.aid = aid(kPackage), .related = true}.encode()), kOk);
    install_kda();
  }
  Bytes ask_rogue(const Aid& instance, std::uint8_t instruction, ByteView data) {
    const auto channel = must(apdu::ChannelLink::open(*card_.element));
    const gp::Select select{.name = bytes_of(instance.view())};
    must(apdu::exchange(*channel, select.encode()));
    const auto answer = must(apdu::exchange(
        *channel, {.cla = 0x80, .ins = instruction, .data = bytes_of(data), .le = 256}));
    EXPECT_EQ(answer.sw.value, kOk);
    return answer.data;
  }

  void order() {
    order_ = world_.open_order("order-1", card_);
    e0_ = world_.request(order_->id);
  }
  // E4 of the KDA on the card.
  Bytes enrol() { return must(world_.enrol(card_, e0_.message)); }
  std::uint16_t enrol_status() {
    const auto answer = world_.enrol(card_, e0_.message);
    return answer ? kOk : answer.error().sw.value;
  }
  // What the provider says; an empty Problem when it seals.
  Problem refusal(ByteView answer) {
    const MemoryJournal::State before = world_.journal.state();
    const auto sealing = world_.flow->seal(order_->id, e0_.attempt, answer);
    Problem out = sealing ? Problem(Errc::kConflict, "") : sealing.error();
    world_.journal.restore(before);
    return out;
  }

  envelope::AnswerContent content_of(ByteView e4) {
    const auto attempt = *must(world_.journal.find_attempt(order_->id, e0_.attempt));
    const SecretBytes scalar = must(
        world_.keys->unseal("kem/order-1/" + std::to_string(e0_.attempt), attempt.sealed_kem_key));
    const auto kem = must(crypto::EcPrivateKey::from_scalar(scalar.expose()));
    return must(envelope::open_answer(must(envelope::EnrolmentAnswer::decode(e4)), kem));
  }
  // Sealed to the provider again, whatever it says.
  Bytes sealed(const envelope::AnswerContent& content) {
    const auto statement = must(EnrolmentStatement::decode(content.statement));
    const auto request = must(envelope::EnrolmentRequest::decode(e0_.message));
    return must(envelope::seal_answer(content, 0x01, statement.handle, statement.nonce_a,
                                      must(crypto::EcPublicKey::from_point(request.kem_key)),
                                      world_.rng));
  }
  static CodeAttestation attestation_of(const envelope::AnswerContent& content) {
    return must(CodeAttestation::decode(*content.code_attestation));
  }
  // The honest statement with a recipient of the forger's, under his key.
  Bytes forged_statement(const envelope::AnswerContent& honest,
                         const crypto::EcPrivateKey& key,
                         const std::optional<crypto::Digest256>& code_hash = {}) {
    auto statement = must(EnrolmentStatement::decode(honest.statement));
    statement.enrolment_key = bytes_of(key.public_key().point());
    statement.code_hash = code_hash.value_or(statement.code_hash);
    return must(envelope::sign_statement(statement, key, world_.rng));
  }
  static crypto::Digest256 attested_digest(const CodeAttestation& of, ByteView e1) {
    return crypto::sha256({of.attested_head(), e1});
  }
  // A CASD in software, whose certificate of this element is by `issuer`.
  Problem refusal_of_casd(const crypto::EcPrivateKey& casd_key, const pki::Certificate& casd) {
    const auto honest = content_of(enrol());
    const auto key = must(crypto::EcPrivateKey::generate(world_.rng));
    envelope::AnswerContent forged = honest;
    forged.statement = forged_statement(honest, key);
    CodeAttestation by{.kda_key = key.public_key().point(), .certificate = casd.encoded()};
    by.statement = must(gp::sign_data(
        {.application = kda::aid(),
         .load_file = aid(kPackage),
         .code_hash = crypto::sha256(kda_cap()),
         .security_domain = card_.issuer_keys.security_domain},
        attested_digest(by, forged.statement),
        must(crypto::CurvePrivateKey::from_scalar(crypto::Curve::kP256, casd_key.expose_scalar())),
        world_.rng));
    forged.code_attestation = by.encode();
    return refusal(sealed(forged));
  }

  Deployment world_;
  DeployedCard& card_;
  DeployedCard* in_hand_ = &card_;
  std::optional<delivery::JournalOrder> order_;
  roles::service_provider::Outgoing e0_;
};

}  // namespace kagibin::test::attestation
