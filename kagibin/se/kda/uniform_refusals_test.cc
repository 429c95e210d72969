// SPDX-License-Identifier: Apache-2.0
// Every cause for which ENROL, LOAD, CANCEL and STATEMENT refuse what parses, one by one: from
// outside the causes of a row cannot be told apart. Compared are all answers of the chain (status
// word and data) and the number of writes. Wrong padding behind a right
// MAC, and time, are looked at by `kagibin attack --attack padding-oracle`.
#include <functional>
#include <string_view>

#include <gtest/gtest.h>

#include "kagibin/apdu/status_words.h"
#include "kagibin/base/byte_io.h"
#include "kagibin/crypto/ec/ecdsa.h"
#include "kagibin/envelope/envelope_keys.h"
#include "kagibin/kda/commands.h"
#include "kagibin/se/kda/kda_test_bench.h"

namespace kagibin::se {
namespace {

namespace sw = apdu::sw;

// What whoever sends the blocks sees.
struct Seen {
  std::vector<StatusWord> status_words;
  Bytes data;
  std::uint64_t writes = 0;
  friend bool operator==(const Seen&, const Seen&) = default;
};

Seen send(KdaBench& bench, const kda::Commands& blocks) {
  const std::uint64_t before = bench.element->nvm().writes();
  Seen out;
  for (const apdu::CommandApdu& block : blocks) {
    const auto answer = bench.kda(block);
    out.status_words.push_back(answer->sw);
    append(out.data, answer->data);
    if (!apdu::sw::is_ok(answer->sw)) {
      break;
    }
  }
  out.writes = bench.element->nvm().writes() - before;
  return out;
}

struct Cause {
  std::string_view name;
  std::function<Seen(KdaBench&)> meet;
};

// All alike, with this status word at the end and this many writes.
void expect_alike(const std::vector<Cause>& causes, StatusWord last, std::uint64_t writes) {
  std::optional<Seen> first;
  for (const Cause& cause : causes) {
    KdaBench bench;
    const Seen seen = cause.meet(bench);
    EXPECT_EQ(seen.status_words.back(), last) << cause.name;
    EXPECT_TRUE(seen.data.empty()) << cause.name;
    EXPECT_EQ(seen.writes, writes) << cause.name;
    first = first ? first : seen;
    EXPECT_EQ(seen, *first) << cause.name << " is not as " << causes.front().name;
  }
}

// --- LOAD --------------------------------------------------------------------------------------

using Envelope = envelope::Envelope;
using Header = envelope::EnvelopeHeader;

Bytes signed_by(KdaBench& bench,
                const Delivery& delivery,
                Envelope sealed,
                const crypto::EcPrivateKey& key) {
  sealed.signature =
      crypto::ecdsa_sign_der(key,
                             {ascii(envelope::kLabelEnvelope), sealed.header, sealed.sealed_tlv(),
                              crypto::sha256(delivery.content.statement)},
                             bench.rng)
          .value();
  return sealed.encode();
}

// A good envelope, changed before A signs it.
Cause signed_envelope(std::string_view name, std::function<void(Envelope&)> change) {
  return {name, [change = std::move(change)](KdaBench& bench) {
            Delivery delivery = bench.enrol();
            bench.seal(delivery, bench.add_keys(0x31));
            Envelope sealed = Envelope::decode(delivery.envelope).value();
            change(sealed);
            return send(bench, kda::load(delivery.handle(),
                                         signed_by(bench, delivery, sealed, bench.provider)));
          }};
}

// Sealed and signed as A does it, under a header that A would not make.
Cause header(std::string_view name, std::function<void(KdaBench&, Header&)> change) {
  return {name, [change = std::move(change)](KdaBench& bench) {
            Delivery delivery = bench.enrol();
            Header chosen = bench.header(delivery);
            change(bench, chosen);
            bench.forge(delivery, chosen, bench.add_keys(0x31));
            return send(bench, kda::load(delivery.handle(), delivery.envelope));
          }};
}

// MAC and signature are right; what was encrypted is this.
Cause content(std::string_view name, std::function<Bytes(Bytes)> change) {
  return {name, [change = std::move(change)](KdaBench& bench) {
            Delivery delivery = bench.enrol();
            const auto peer =
                crypto::EcPublicKey::from_point(delivery.statement.enrolment_key).value();
            const Bytes hash = [&] {
              const auto digest = crypto::sha256(delivery.content.statement);
              return Bytes(digest.begin(), digest.end());
            }();
            const crypto::EcPrivateKey ephemeral = bench.fresh_key();
            Envelope sealed;
            sealed.header = bench.header(delivery).encode();
            const crypto::EcPoint point = ephemeral.public_key().point();
            sealed.ephemeral_key.assign(point.begin(), point.end());
            const auto context = crypto::sha256(
                {ascii(envelope::kLabelContext), sealed.header, hash, sealed.ephemeral_tlv()});
            const auto keys = envelope::EnvelopeKeys::agree(0x01, ephemeral, peer, context).value();
            const SecretBytes plain = bench.add_keys(0x31).encode();
            const ByteView octets = plain.expose();
            sealed.sealed = keys.encrypt(change(Bytes(octets.begin(), octets.end()))).value();
            sealed.mac = keys.mac({sealed.header, hash, sealed.mac_tlvs()}).value();
            return send(bench, kda::load(delivery.handle(),
                                         signed_by(bench, delivery, sealed, bench.provider)));
          }};
}

Bytes of_same_length(Bytes octets, std::size_t at, std::uint8_t value) {
  octets.at(at) = value;
  return octets;
}

// The refusal of an envelope that A signed is counted, always by the same writes.
TEST(UniformRefusals, OfAnEnvelopeThatTheProviderSigned) {
  const std::vector<Cause> causes = {
      signed_envelope("another MAC", [](Envelope& sealed) { (*sealed.mac)[0] ^= 1U; }),
      signed_envelope("the last octet of the MAC",
                      [](Envelope& sealed) { (*sealed.mac)[15] ^= 1U; }),
      signed_envelope("a changed ciphertext", [](Envelope& sealed) { sealed.sealed[0] ^= 1U; }),
      signed_envelope("its last block", [](Envelope& sealed) { sealed.sealed.back() ^= 1U; }),
      signed_envelope("a point off the curve",
                      [](Envelope& sealed) { sealed.ephemeral_key[64] ^= 1U; }),
      signed_envelope("another point on the curve",
                      [](Envelope& sealed) {
                        test::FixedRng rng("another point");
                        const auto point =
                            crypto::EcPrivateKey::generate(rng).value().public_key().point();
                        sealed.ephemeral_key.assign(point.begin(), point.end());
                      }),
      {"another recipient's key",
       [](KdaBench& bench) {
         Delivery delivery = bench.enrol();
         const crypto::EcPublicKey wrong = bench.fresh_key().public_key();
         bench.forge(delivery, bench.header(delivery), bench.add_keys(0x31), &wrong);
         return send(bench, kda::load(delivery.handle(), delivery.envelope));
       }},
      content("not a list of actions",
              [](Bytes octets) { return of_same_length(std::move(octets), 0, 0xC9); }),
      content("an action of no kind",
              [](Bytes octets) { return of_same_length(std::move(octets), 3, 0xA9); }),
      content("zeros", [](const Bytes& octets) { return Bytes(octets.size(), 0); }),
      content("an octet behind the receipt key",
              [](Bytes octets) {
                octets.push_back(0x00);
                return octets;
              }),
      header("another provider", [](KdaBench&, Header& of) { of.spid.octets[0] ^= 1U; }),
      header("another handle", [](KdaBench&, Header& of) { of.handle.octets[15] ^= 1U; }),
      header("another suite", [](KdaBench&, Header& of) { of.suite = 0x02; }),
      header("a level that was not offered",
             [](KdaBench&, Header& of) {
               of.level = 0x02;
               of.key_identifier = 0x11;
               of.required_i_mask = 0;
             }),
      {"asks for the next enrolment behind no next channel keys",
       [](KdaBench& bench) {
         Delivery delivery = bench.enrol();
         Header asking = bench.header(delivery);
         asking.next_nonce_a.emplace();
         std::vector<envelope::Action> actions;
         actions.emplace_back(envelope::DeleteKeyAction{.key_version = 0x20});
         bench.forge(delivery, asking, bench.payload_of(std::move(actions)));
         return send(bench, kda::load(delivery.handle(), delivery.envelope));
       }},
      {"asks for it by a nonce that was used",
       [](KdaBench& bench) {
         Delivery delivery = bench.enrol();
         Header asking = bench.header(delivery);
         asking.next_nonce_a = delivery.statement.nonce_a;
         bench.forge(delivery, asking, bench.add_keys(0x31));
         return send(bench, kda::load(delivery.handle(), delivery.envelope));
       }},
      header("ended before it was issued",
             [](KdaBench&, Header& of) { of.not_after = of.issued_at - 1; }),
      header("ended before the authority's last tick",
             [](KdaBench& bench, Header& of) {
               const Bytes tick = ByteWriter().u32(of.not_after + 1).take();
               ASSERT_EQ(bench.kda(kda::statement(bench.statement(0x01, tick)))->sw, sw::kOk);
             }),
  };
  expect_alike(causes, sw::kConditionsNotSatisfied, 1);
}

// Nothing is counted, and nothing written, for what the provider did not sign.
TEST(UniformRefusals, OfAnEnvelopeThatNobodyOrAnotherSigned) {
  const auto changed = [](std::string_view name, std::function<void(Envelope&)> change) {
    return Cause{name, [change = std::move(change)](KdaBench& bench) {
                   Delivery delivery = bench.enrol();
                   bench.seal(delivery, bench.add_keys(0x31));
                   Envelope sealed = Envelope::decode(delivery.envelope).value();
                   change(sealed);
                   return send(bench, kda::load(delivery.handle(), sealed.encode()));
                 }};
  };
  const std::vector<Cause> causes = {
      changed("a changed header", [](Envelope& sealed) { sealed.header.back() ^= 1U; }),
      changed("a changed ciphertext", [](Envelope& sealed) { sealed.sealed[5] ^= 1U; }),
      changed("a changed MAC", [](Envelope& sealed) { (*sealed.mac)[5] ^= 1U; }),
      changed("a point off the curve", [](Envelope& sealed) { sealed.ephemeral_key[64] ^= 1U; }),
      changed("a changed signature", [](Envelope& sealed) { sealed.signature.back() ^= 1U; }),
      {"another certified provider's signature",
       [](KdaBench& bench) {
         Delivery delivery = bench.enrol();
         bench.seal(delivery, bench.add_keys(0x31));
         return send(bench, kda::load(delivery.handle(),
                                      signed_by(bench, delivery,
                                                Envelope::decode(delivery.envelope).value(),
                                                bench.other_provider)));
       }},
      {"for another enrolment of the same slot",
       [](KdaBench& bench) {
         Delivery before = bench.enrol();
         bench.seal(before, bench.add_keys(0x31));
         const Delivery now = bench.enrol();
         return send(bench, kda::load(now.handle(), before.envelope));
       }},
      {"a handle of no slot",
       [](KdaBench& bench) {
         Delivery delivery = bench.enrol();
         bench.seal(delivery, bench.add_keys(0x31));
         return send(bench, kda::load(Handle{{0x77}}, delivery.envelope));
       }},
      {"a handle of another provider's slot",
       [](KdaBench& bench) {
         Delivery delivery = bench.enrol();
         bench.seal(delivery, bench.add_keys(0x31));
         const Delivery theirs = bench.enrol({.other_provider = true});
         return send(bench, kda::load(theirs.handle(), delivery.envelope));
       }},
      {"a certificate whose epoch passed",
       [](KdaBench& bench) {
         Delivery delivery = bench.enrol();
         bench.seal(delivery, bench.add_keys(0x31));
         EXPECT_EQ(bench.kda(kda::statement(bench.statement(0x02, hex("0002"))))->sw, sw::kOk);
         return send(bench, kda::load(delivery.handle(), delivery.envelope));
       }},
  };
  expect_alike(causes, sw::kConditionsNotSatisfied, 0);
}

// --- ENROL, CANCEL, STATEMENT ------------------------------------------------------------------

Cause request(std::string_view name, std::function<KdaBench::RequestOptions(KdaBench&)> options) {
  return {name, [options = std::move(options)](KdaBench& bench) {
            return send(bench, kda::enrol(bench.request(options(bench)).request));
          }};
}

// A good request, with a CERT.SD of which one thing is wrong.
Cause domain(std::string_view name,
             std::function<void(KdaBench&, pki::CertificateFields&)> change,
             bool by_authority = true) {
  return {
      name, [change = std::move(change), by_authority](KdaBench& bench) {
        pki::CertificateFields fields = bench.provider_fields();
        fields.kind = pki::CertificateKind::kSecurityDomain;
        fields.subject = bench.seid.octets;
        const ByteView target = bench.target_aid.view();
        fields.aids = {Bytes(target.begin(), target.end())};
        fields.owner = bench.spid();
        fields.maker_key = crypto::sha256(bench.maker.public_key().point());
        change(bench, fields);
        const crypto::EcPrivateKey key = bench.fresh_key();
        const Bytes certificate =
            bench.certificate(fields, key, by_authority ? bench.authority : bench.maker).encoded();
        return send(bench, kda::enrol(bench.request().request, certificate));
      }};
}

TEST(UniformRefusals, OfARequestToEnrol) {
  const std::vector<Cause> causes = {
      request("a certificate that nobody gave",
              [](KdaBench&) { return KdaBench::RequestOptions{.self_signed = true}; }),
      request("a signature of another key",
              [](KdaBench&) { return KdaBench::RequestOptions{.wrong_signature = true}; }),
      request("another provider's certificate",
              [](KdaBench& bench) {
                return KdaBench::RequestOptions{.certificate = bench.provider_fields(true)};
              }),
      request(
          "a target outside the prefixes",
          [](KdaBench&) { return KdaBench::RequestOptions{.target = aid("A000000003000000")}; }),
      request("a certificate of a past epoch",
              [](KdaBench& bench) {
                EXPECT_EQ(bench.kda(kda::statement(bench.statement(0x02, hex("0002"))))->sw,
                          sw::kOk);
                return KdaBench::RequestOptions{};
              }),
      request("a certificate that ended before the last tick",
              [](KdaBench& bench) {
                constexpr std::int64_t kStartOf2028 = 1'830'297'600;
                const Bytes tick = ByteWriter().u32(to_protocol_minutes(kStartOf2028)).take();
                EXPECT_EQ(bench.kda(kda::statement(bench.statement(0x01, tick)))->sw, sw::kOk);
                pki::CertificateFields fields = bench.provider_fields();
                fields.expiration = {20271231};
                return KdaBench::RequestOptions{.certificate = fields};
              }),
      {"a changed nonce",
       [](KdaBench& bench) {
         Bytes request = bench.request().request;
         const auto nonce = std::ranges::search(request, hex("8310"));
         *(nonce.begin() + 2) ^= 1U;
         return send(bench, kda::enrol(request));
       }},
      domain(
          "a CERT.SD by the maker", [](KdaBench&, pki::CertificateFields&) {}, false),
      domain("a CERT.SD of another element",
             [](KdaBench&, pki::CertificateFields& of) { of.subject[0] ^= 1U; }),
      domain("of another target",
             [](KdaBench&, pki::CertificateFields& of) { of.aids = {hex("A0000001510000FF")}; }),
      domain("of another provider",
             [](KdaBench& bench, pki::CertificateFields& of) { of.owner = bench.spid(true); }),
      domain("on the word of another maker",
             [](KdaBench& bench, pki::CertificateFields& of) {
               of.maker_key = crypto::sha256(bench.fresh_key().public_key().point());
             }),
  };
  // The chain of a request with a CERT.SD may have a block more: the last answer is compared.
  std::optional<StatusWord> first;
  for (const Cause& cause : causes) {
    KdaBench bench;
    const Seen seen = cause.meet(bench);
    first = first ? first : seen.status_words.back();
    EXPECT_EQ(seen.status_words.back(), *first) << cause.name;
    EXPECT_EQ(seen.status_words.back(), sw::kSecurityStatusNotSatisfied) << cause.name;
    EXPECT_TRUE(seen.data.empty()) << cause.name;
    EXPECT_EQ(seen.writes, 0U) << cause.name;
  }
}

TEST(UniformRefusals, OfACancellationThatTheProviderDidNotSign) {
  const auto cancelled = [](std::string_view name, const KdaBench::RequestOptions& options) {
    return Cause{name, [options](KdaBench& bench) {
                   const Delivery delivery = bench.enrol();
                   KdaBench::RequestOptions chosen = options;
                   chosen.cancel = true;
                   chosen.kem_key = delivery.kem_key->public_key().point();
                   return send(bench, kda::cancel(bench.request(chosen).request));
                 }};
  };
  expect_alike({cancelled("a certificate that nobody gave", {.self_signed = true}),
                cancelled("a signature of another key", {.wrong_signature = true}),
                cancelled("a target outside the prefixes", {.target = aid("A000000003000000")})},
               sw::kSecurityStatusNotSatisfied, 0);
}

TEST(UniformRefusals, OfAStatementThatIsNotTheAuthoritys) {
  const auto said = [](std::string_view name, std::function<Bytes(KdaBench&)> make) {
    return Cause{name, [make = std::move(make)](KdaBench& bench) {
                   return send(bench, {kda::statement(make(bench))});
                 }};
  };
  expect_alike(
      {said("a tick by the maker",
            [](KdaBench& bench) { return bench.statement(0x01, hex("00000005"), &bench.maker); }),
       said("an epoch by a provider",
            [](KdaBench& bench) { return bench.statement(0x02, hex("0009"), &bench.provider); }),
       said("a changed tick",
            [](KdaBench& bench) {
              Bytes out = bench.statement(0x01, hex("00000005"));
              out[8] ^= 1U;
              return out;
            })},
      sw::kSecurityStatusNotSatisfied, 0);
}

}  // namespace
}  // namespace kagibin::se
