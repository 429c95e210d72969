// SPDX-License-Identifier: Apache-2.0
// The KDA's process() with arbitrary C-APDUs, on a certified instance with one envelope loaded.
//
//   input   length (2) | C-APDU, again and again; what does not decode is passed over
//           sixteen octets FF in the data stand for the handle of the loaded slot
//
// Whatever comes: an answer, no key of the delivery in it, and never DONE, for there is no target.
#include <algorithm>
#include <memory>

#include "kagibin/base/byte_io.h"
#include "kagibin/envelope/delivery_seal.h"
#include "kagibin/envelope/enrolment/answer_open.h"
#include "kagibin/kda/commands.h"
#include "kagibin/kda/maker_data.h"
#include "kagibin/pki/certificate.h"
#include "kagibin/se/kda/enrolment/kda_enrolment.h"
#include "kagibin/se/kda/key_delivery_application.h"
#include "kagibin/se/kda/maker_commands.h"
#include "kagibin/se/kda/opened_delivery.h"
#include "kagibin/se/nvm/nvm_memory.h"

#include "fuzz/round_trip.h"

namespace {

using kagibin::Aid;
using kagibin::Bytes;
using kagibin::ByteView;
using kagibin::StatusWord;
namespace apdu = kagibin::apdu;
namespace crypto = kagibin::crypto;
namespace envelope = kagibin::envelope;
namespace kda = kagibin::kda;
namespace pki = kagibin::pki;
namespace se = kagibin::se;

class CountingRng final : public crypto::Rng {
 public:
  kagibin::Result<void> fill(kagibin::MutableByteView out) override {
    for (std::uint8_t& octet : out) {
      const Bytes counter = kagibin::ByteWriter().u64(count_++).take();
      octet = crypto::sha256(counter)[0];
    }
    return {};
  }

 private:
  std::uint64_t count_ = 0;
};

class NoSession final : public se::SecureChannelService {
 public:
  bool is_security_command(const apdu::CommandApdu& command) const override {
    return command.ins == apdu::ins::kInitializeUpdate ||
           command.ins == apdu::ins::kExternalAuthenticate;
  }
  apdu::ResponseApdu process_security(const apdu::CommandApdu&) override {
    return {{}, StatusWord{0x6982}};
  }
  std::expected<Plain, StatusWord> unwrap(const apdu::CommandApdu&) override {
    return std::unexpected(StatusWord{0x6982});
  }
  apdu::ResponseApdu wrap(ByteView, StatusWord sw) override { return {{}, sw}; }
  std::expected<kagibin::SecretBytes, StatusWord> decrypt_sensitive(ByteView) const override {
    return std::unexpected(StatusWord{0x6982});
  }
  bool authenticated() const override { return false; }
  std::uint8_t security_level() const override { return 0; }
};

pki::CertificateFields fields_of(pki::CertificateKind kind, std::uint8_t subject) {
  pki::CertificateFields out;
  out.serial = {1};
  out.issuer = {'A'};
  out.subject.fill(subject);
  out.kind = kind;
  out.effective = {20260101};
  out.expiration = {20361231};
  return out;
}

// Made once: the memory of a KDA that waits for NEXT.
class Prepared {
 public:
  Prepared() {
    const auto nvm = open();
    const se::ApplicationContext application = context(*nvm);
    se::KdaStore store(*nvm, application.record_prefix);
    const se::KdaEnvironment environment{application, store};
    const auto keys = kda::GeneratedKeys::decode(se::generate_keys(environment).value()).value();
    const auto authority = crypto::EcPrivateKey::generate(rng).value();
    const auto maker = crypto::EcPrivateKey::generate(rng).value();
    const auto provider = crypto::EcPrivateKey::generate(rng).value();
    const auto maker_certificate =
        pki::Certificate::issue(maker_fields(), maker.public_key(), authority, rng).value();
    const auto signing = crypto::EcPublicKey::from_point(keys.signing_key).value();
    const auto own = pki::Certificate::issue(kda_fields(), signing, maker, rng).value();
    const kda::StoredCertificates stored{.authority_key = authority.public_key().point(),
                                         .maker_certificate = maker_certificate.encoded(),
                                         .kda_certificate = own.encoded()};
    KB_CHECK(se::store_certificates(environment, stored.encode()).has_value());
    enrol_and_load(environment, provider, authority);
  }

  std::unique_ptr<se::Nvm> open() const {
    return se::Nvm::open(std::make_unique<se::NvmMemory>(content)).value();
  }
  se::ApplicationContext context(se::Nvm& nvm) {
    return {.aid = kda::aid(),
            .security_domain = Aid::from_hex("A000000151000000").value(),
            .nvm = nvm,
            .record_prefix = "app/kda/",
            .rng = rng,
            .clear_on_reset = clear_on_reset,
            .secure_channel = no_session,
            .code_hash = {}};
  }

  std::shared_ptr<Bytes> content = std::make_shared<Bytes>();
  CountingRng rng;
  NoSession no_session;
  se::ClearOnReset clear_on_reset{};
  kagibin::Handle handle;
  std::vector<Bytes> secrets;

 private:
  static pki::CertificateFields maker_fields() {
    auto out = fields_of(pki::CertificateKind::kMaker, 0x4D);
    out.platform = std::array<std::uint8_t, 16>{};
    return out;
  }
  static pki::CertificateFields kda_fields() {
    auto out = fields_of(pki::CertificateKind::kKda, 0x5E);
    out.issuer = Bytes(16, 0x4D);
    out.aids = {Bytes(kda::kAid.begin(), kda::kAid.end())};
    out.code_hash = crypto::Digest256{};
    out.attestation = pki::AttestationProfile::kAtt1;
    return out;
  }
  kagibin::SecretBytes secret(std::uint8_t fill) {
    secrets.emplace_back(16, fill);
    return kagibin::SecretBytes::copy_of(secrets.back());
  }

  void enrol_and_load(const se::KdaEnvironment& environment,
                      const crypto::EcPrivateKey& provider,
                      const crypto::EcPrivateKey& authority) {
    auto fields = fields_of(pki::CertificateKind::kServiceProvider, 0xAA);
    const Aid target = Aid::from_hex("A00000015100000A01").value();
    fields.aids = {Bytes(target.view().begin(), target.view().begin() + 6)};
    const auto certificate =
        pki::Certificate::issue(fields, provider.public_key(), authority, rng).value();
    envelope::EnrolmentRequest request;
    request.spid.octets.fill(0xAA);
    request.target = target;
    const auto kem = crypto::EcPrivateKey::generate(rng).value();
    request.kem_key = kem.public_key().point();
    request.certificate = certificate.encoded();
    const Bytes e0 = envelope::sign_request(std::move(request), provider, rng).value();
    const auto answer =
        envelope::EnrolmentAnswer::decode(se::enrol(environment, e0).value()).value();
    handle = answer.handle;
    const auto content_of_answer = envelope::open_answer(answer, kem).value();
    const auto statement =
        envelope::EnrolmentStatement::decode(content_of_answer.statement).value();
    const auto recipient = crypto::EcPublicKey::from_point(statement.enrolment_key).value();
    envelope::EnvelopeHeader header;
    header.spid = statement.spid;
    header.handle = handle;
    header.key_version_number = 0x20;
    header.seq = 1;
    Bytes message = kda::encode_handle(handle);
    kagibin::append(message, envelope::seal_delivery(header, payload(), content_of_answer.statement,
                                                     recipient, provider, rng)
                                 .value());
    KB_CHECK(se::load_envelope(environment, message).has_value());
  }

  envelope::Payload payload() {
    envelope::PutKeyAction put{.new_key_version = 0x31, .first_key_identifier = 1, .keys = {}};
    put.keys.push_back({.value = secret(0x61), .kcv = {}});
    put.keys.push_back({.value = secret(0x62), .kcv = {}});
    put.keys.push_back({.value = secret(0x63), .kcv = {}});
    envelope::Payload out;
    out.actions.emplace_back(std::move(put));
    out.channel_keys = envelope::ChannelKeys{
        .key_version = 0x20, .enc = secret(0x41), .mac = secret(0x42), .dek = secret(0x43)};
    return out;
  }
};

bool contains(ByteView where, ByteView what) { return !std::ranges::search(where, what).empty(); }

// The placeholder replaced by the handle.
void fill_in_handle(Bytes& data, const kagibin::Handle& handle) {
  const Bytes placeholder(16, 0xFF);
  const auto found = std::ranges::search(data, placeholder);
  if (!found.empty()) {
    std::ranges::copy(handle.octets, found.begin());
  }
}

}  // namespace

FUZZ_OCTETS(octets) {
  static Prepared prepared;
  const Bytes before = *prepared.content;
  const auto nvm = prepared.open();
  se::KeyDeliveryApplication application(prepared.context(*nvm));
  kagibin::ByteReader in(octets);
  for (;;) {
    const auto length = in.u16();
    const auto encoded = length ? in.bytes(*length) : std::unexpected(length.error());
    if (!encoded) {
      break;
    }
    auto command = apdu::CommandApdu::decode(*encoded);
    if (!command) {
      continue;
    }
    fill_in_handle(command->data, prepared.handle);
    const apdu::ResponseApdu answer = application.process(*command);
    KB_CHECK(answer.sw.value >= 0x6000);
    for (const Bytes& secret : prepared.secrets) {
      KB_CHECK(!contains(answer.data, secret));
    }
  }
  const auto status = application.process(kda::status(prepared.handle));
  const auto state = kda::Status::decode(status.data);
  KB_CHECK(state.has_value() && state->state != kda::State::kDone);
  *prepared.content = before;
}
