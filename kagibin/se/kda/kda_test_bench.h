// SPDX-License-Identifier: Apache-2.0
// Everybody whom a KDA meets, on one table: authority, maker, service provider, agent, and an
// element with the KDA and a target domain. Test-only.
//
//   KdaBench bench;
//   Delivery delivery = bench.enrol();
//   bench.seal(delivery, {.payload = bench.add_keys(0x31)});
//   EXPECT_EQ(bench.run(delivery), Outcome::kDone);
#pragma once

#include <functional>
#include <memory>

#include "kagibin/crypto/ec/ec_key.h"
#include "kagibin/envelope/delivery_seal.h"
#include "kagibin/envelope/enrolment/answer_open.h"
#include "kagibin/kda/instructions.h"
#include "kagibin/kda/pump.h"
#include "kagibin/kda/status.h"
#include "kagibin/pki/certificate.h"
#include "kagibin/scp/scp03/scp03_host.h"
#include "kagibin/se/element.h"

#include "tests/support/cut_medium.h"
#include "tests/support/fake_clock.h"
#include "tests/support/fixed_rng.h"

namespace kagibin::se {

inline Bytes hex(std::string_view text) { return from_hex(text).value(); }
inline Aid aid(std::string_view text) { return Aid::from_hex(text).value(); }

// Three keys of `size` octets; `seed` makes sets differ.
scp::Scp03KeySet key_set(std::uint8_t seed, std::size_t size = 16);
SecretBytes key_octets(std::uint8_t seed, std::size_t size = 16);

// Fields of a certificate by the authority, for ten years, of epoch 1.
pki::CertificateFields fields_of(pki::CertificateKind kind,
                                 const std::array<std::uint8_t, 16>& subject);

// One attempt of the service provider.
struct Delivery {
  Bytes request;  // E0
  Bytes answer;   // E4
  envelope::AnswerContent content;
  envelope::EnrolmentStatement statement;
  Bytes envelope;  // E2
  std::optional<crypto::EcPrivateKey> kem_key;
  SecretArray<16> receipt_key;

  const Handle& handle() const { return statement.handle; }
};

enum class Outcome : std::uint8_t { kDone, kWait, kFailed, kNoPower };

// A stream that fails once, when it is told to.
class FlakyRng final : public crypto::Rng {
 public:
  explicit FlakyRng(std::string_view seed) : stream_(seed) {}
  Result<void> fill(MutableByteView out) override;
  // The call at which it fails, from 1 now; 0: never.
  void fail_at(std::uint64_t call) { left_ = call; }
  bool has_failed() const { return has_failed_; }

 private:
  test::FixedRng stream_;
  std::uint64_t left_ = 0;
  bool has_failed_ = false;
};

// What the service provider reads in a receipt.
struct ReadReceipt {
  envelope::Receipt receipt;
  envelope::OpenedReceipt opened;
  std::vector<int> results() const {
    std::vector<int> out;
    out.reserve(receipt.results.size());
    for (const auto result : receipt.results) {
      out.push_back(static_cast<int>(result));
    }
    return out;
  }
};

class KdaBench {
 public:
  struct Options {
    std::uint8_t i = 0x60;             // of the target
    std::size_t key_size = 16;         // of the channel keys
    std::uint8_t channel_seed = 0x20;  // what the target really holds
    bool certify = true;
    bool with_casd = false;  // of the same authority
    // The target domain takes deliveries by itself, and so does another, of the other provider; the
    // "KDA" is the target then.
    bool own_delivery = false;
    std::string_view seed = "kda bench";
    std::uint32_t memory_octets = 0;  // of the element; 0: no limit
    std::optional<BuiltIn> beside{};  // one more application of the target domain, of one module
  };
  KdaBench() : KdaBench(Options{}) {}
  explicit KdaBench(const Options& options);

  // --- element and relay
  // A command to the KDA or the target on its own logical channel; GET RESPONSE is done here.
  Result<apdu::ResponseApdu> kda(const apdu::CommandApdu& command);
  Result<apdu::ResponseApdu> target(const apdu::CommandApdu& command);
  // Blocks in order up to the first that fails.
  Result<apdu::ResponseApdu> kda(const std::vector<apdu::CommandApdu>& blocks);
  StatusWord kda_sw(const std::vector<apdu::CommandApdu>& blocks) { return kda(blocks)->sw; }
  // Power off and on (also after a cut): channels are open and the KDA selected again.
  void restart();
  // The same without losing power.
  void reset();
  // The domain of the KDA sends it data that it refuses: the element forgets the running object.
  void forget_application();
  // The maker: GENERATE and STORE CERTIFICATES in its session.
  void certify();

  // Sees every exchange with the target; may change the answer, or lose it (an error).
  using Tamper =
      std::function<Result<apdu::ResponseApdu>(const apdu::CommandApdu&, apdu::ResponseApdu)>;
  Tamper tamper;
  // Sees every command to the target first; an answer here keeps the command from the card.
  using Intercept =
      std::function<std::optional<Result<apdu::ResponseApdu>>(const apdu::CommandApdu&)>;
  Intercept intercept;
  std::size_t target_exchanges = 0;
  std::size_t kda_exchanges = 0;
  std::size_t octets = 0;  // both ways, both channels
  // Every octet string that the KDA answered.
  std::vector<Bytes> kda_answers;

  // --- the service provider
  struct RequestOptions {
    bool cancel = false;
    std::optional<envelope::Point> kem_key{};  // default: one of its own
    std::optional<envelope::Digest> acknowledge{};
    std::optional<Aid> target{};
    bool other_provider = false;
    std::optional<pki::CertificateFields> certificate{};
    bool self_signed = false;      // CERT.SP not by the authority
    bool wrong_signature = false;  // E0 signed by another key
    std::uint8_t suite = 0x01;
    std::optional<Spid> spid{};
    std::optional<bool> own_delivery{};  // b2 of E0/86; default: as the bench is
  };
  Delivery request(const RequestOptions& options);
  Delivery request() { return request(RequestOptions{}); }
  // A cancellation of this attempt.
  Delivery cancellation(const Delivery& of) {
    return request({.cancel = true, .kem_key = of.kem_key->public_key().point()});
  }
  // request() and ENROL; opens the answer.
  Delivery enrol(const RequestOptions& options);
  Delivery enrol() { return enrol(RequestOptions{}); }
  // ENROL of a request made before: its status word, and the answer opened when it is 9000.
  StatusWord send(Delivery& delivery);
  void open_answer(Delivery& delivery);

  envelope::EnvelopeHeader header(const Delivery& delivery) const;
  // Makes E2. An empty payload is refused by nobody: give one.
  void seal(Delivery& delivery, const envelope::Payload& payload);
  void seal(Delivery& delivery,
            const envelope::EnvelopeHeader& header,
            const envelope::Payload& payload);
  // Makes an E2 that A's signature and MAC fit and that no honest provider would seal: any header,
  // any recipient (default: the statement's key).
  void forge(Delivery& delivery,
             const envelope::EnvelopeHeader& header,
             const envelope::Payload& payload,
             const crypto::EcPublicKey* recipient = nullptr);
  StatusWord load(const Delivery& delivery);
  // LOAD, NEXT to the end. Restarts and resends by itself when power was cut, `restarts` times.
  Outcome run(const Delivery& delivery, int restarts = 0);
  Outcome pump(const Handle& handle);
  Result<apdu::ResponseApdu> raw_receipt(const Handle& handle);
  ReadReceipt receipt(const Delivery& delivery);
  kda::Status status(const Handle& handle);

  // PUT KEY of a whole new set, or replacing one; the channel keys are C's.
  envelope::Payload add_keys(std::uint8_t version, std::uint8_t seed = 0x60) const;
  envelope::Payload replace_keys(std::uint8_t old_version,
                                 std::uint8_t new_version,
                                 std::uint8_t seed = 0x60) const;
  envelope::Payload payload_of(std::vector<envelope::Action> actions) const;
  static envelope::PutKeyAction put_key(std::uint8_t old_version,
                                        std::uint8_t new_version,
                                        std::uint8_t seed,
                                        std::size_t size = 16);
  // Whether the target opens a session under this set.
  bool target_holds(std::uint8_t version, std::uint8_t seed) {
    return target_holds(version, key_set(seed));
  }
  bool target_holds(std::uint8_t version, scp::Scp03KeySet keys);
  // Whether an application answers a challenge under the key of this seed.
  bool authenticates(const Aid& application, std::uint8_t p2, std::uint8_t seed);

  Spid spid(bool other = false) const;
  pki::CertificateFields provider_fields(bool other = false) const;
  pki::Certificate certificate(const pki::CertificateFields& fields,
                               const crypto::EcPrivateKey& subject,
                               const crypto::EcPrivateKey& issuer);
  crypto::EcPrivateKey fresh_key();
  std::uint32_t now_minutes() const { return to_protocol_minutes(clock.now()); }
  // An authority's statement, signed by `key` or the first root.
  Bytes statement(std::uint8_t kind, ByteView value, const crypto::EcPrivateKey* key = nullptr);

  static constexpr std::uint8_t kChannelVersion = 0x20;
  const Aid target_aid = aid("A00000015100000A01");
  const Aid other_aid = aid("A00000015100000A02");
  Aid delivery_aid() const { return options.own_delivery ? target_aid : kda::aid(); }
  std::uint32_t next_seq = 1;
  Options options;
  std::shared_ptr<test::Power> power = std::make_shared<test::Power>();
  FlakyRng rng;
  test::FakeClock clock;
  ModuleRegistry modules;
  std::unique_ptr<Element> element;
  crypto::EcPrivateKey authority;
  crypto::EcPrivateKey maker;
  crypto::EcPrivateKey provider;
  crypto::EcPrivateKey other_provider;
  std::optional<pki::Certificate> kda_certificate;
  std::optional<pki::Certificate> maker_certificate;
  const Seid seid = Seid::from_hex("5E1D0000000000000000000000000001").value();

 private:
  Result<apdu::ResponseApdu> transmit(std::uint8_t channel, const apdu::CommandApdu& command);
  ElementProfile profile() const;
  void select_again();
};

}  // namespace kagibin::se
