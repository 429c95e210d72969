// SPDX-License-Identifier: Apache-2.0
#include <gtest/gtest.h>

#include "kagibin/crypto/cipher/aes.h"
#include "kagibin/crypto/ec/ecdh.h"
#include "kagibin/crypto/kdf/kdf.h"
#include "kagibin/crypto/record/scrypt.h"
#include "kagibin/crypto/record/sealed_record.h"

#include "tests/support/failing_rng.h"
#include "tests/support/fixed_rng.h"
#include "tests/support/vector_file.h"

namespace kagibin::crypto {
namespace {

using test::FailingRng;
using test::FixedRng;
using test::for_each_vector;
using test::VectorCase;

AesBlock block_of(const Bytes& octets) {
  return to_array<kAesBlockSize>(octets).value_or(AesBlock{});
}

std::string text_of(const Bytes& octets) { return {octets.begin(), octets.end()}; }

// The hexadecimal text of a secret result, or the name of its error.
template <typename T>
std::string shown(const Result<T>& result) {
  return result ? to_hex(result->expose()) : std::string(name(result.error().code));
}
template <>
std::string shown(const Result<Bytes>& result) {
  return result ? to_hex(*result) : std::string(name(result.error().code));
}
template <>
std::string shown(const Result<AesBlock>& result) {
  return result ? to_hex(*result) : std::string(name(result.error().code));
}

// FIPS 197, C: example vectors
TEST(AesTest, EncryptsOneBlockAsInFips197) {
  for_each_vector("kagibin/crypto/cipher/testdata/aes_block.vec", [](VectorCase& vector) {
    EXPECT_EQ(shown(aes_encrypt_block(vector.octets("Key"), block_of(vector.octets("Plaintext")))),
              to_hex(vector.octets("Ciphertext")));
  });
  for_each_vector("kagibin/crypto/cipher/testdata/aes_block_invalid.vec", [](VectorCase& vector) {
    const auto got = aes_encrypt_block(vector.octets("Key"), block_of(vector.octets("Plaintext")));
    if (vector.section() == "KeyLength") {
      EXPECT_EQ(shown(got), "invalid_argument");
    } else {
      EXPECT_NE(shown(got), to_hex(vector.octets("Ciphertext")));
    }
  });
}

// SP 800-38A, F.2: CBC
TEST(AesTest, RunsCbcInBothDirections) {
  for_each_vector("kagibin/crypto/cipher/testdata/aes_cbc.vec", [](VectorCase& vector) {
    const Bytes key = vector.octets("Key");
    const AesBlock iv = block_of(vector.octets("Iv"));
    const Bytes plaintext = vector.octets("Plaintext");
    const Bytes ciphertext = vector.octets("Ciphertext");
    EXPECT_EQ(shown(aes_cbc_encrypt(key, iv, plaintext)), to_hex(ciphertext));
    EXPECT_EQ(shown(aes_cbc_decrypt(key, iv, ciphertext)), to_hex(plaintext));
    EXPECT_EQ(shown(aes_cbc_encrypt(key, iv, {})), "");
    EXPECT_EQ(shown(aes_cbc_decrypt(key, iv, {})), "");
  });
}

TEST(AesTest, RefusesCbcOfOtherLengthsAndKeys) {
  for_each_vector("kagibin/crypto/cipher/testdata/aes_cbc_invalid.vec", [](VectorCase& vector) {
    const Bytes key = vector.octets("Key");
    const AesBlock iv = block_of(vector.octets("Iv"));
    if (vector.section() == "Ciphertext") {
      const Bytes plaintext = vector.octets("Plaintext");
      const Bytes ciphertext = vector.octets("Ciphertext");
      EXPECT_NE(shown(aes_cbc_encrypt(key, iv, plaintext)), to_hex(ciphertext));
      EXPECT_NE(shown(aes_cbc_decrypt(key, iv, ciphertext)), to_hex(plaintext));
    } else {
      const Bytes data = vector.octets("Data");
      EXPECT_EQ(shown(aes_cbc_encrypt(key, iv, data)), "invalid_argument");
      EXPECT_EQ(shown(aes_cbc_decrypt(key, iv, data)), "invalid_argument");
    }
  });
}

// GPCS B.6: key check values of AES keys
TEST(AesTest, GivesTheKeyCheckValueOfBlocksOfOnes) {
  // The first octets of AES-128 of sixteen octets 01 under 40..4F, the usual test key set.
  const Bytes key = from_hex("404142434445464748494A4B4C4D4E4F").value_or(Bytes());
  EXPECT_EQ(to_hex(aes_kcv(key).value()), "504A77");
  EXPECT_EQ(aes_kcv(Bytes(15)).error().code, Errc::kInvalidArgument);
}

// SP 800-38B, D: CMAC
TEST(AesCmacTest, GivesTheStandardsMacsHoweverTheMessageIsCut) {
  for_each_vector("kagibin/crypto/cipher/testdata/aes_cmac.vec", [](VectorCase& vector) {
    const Bytes key = vector.octets("Key");
    const Bytes message = vector.octets("Message");
    const ByteView view(message);
    const std::string mac = to_hex(vector.octets("Mac"));
    EXPECT_EQ(shown(aes_cmac(key, {message})), mac);
    for (std::size_t cut = 0; cut <= message.size(); ++cut) {
      EXPECT_EQ(shown(aes_cmac(key, {view.first(cut), view.subspan(cut)})), mac);
      EXPECT_EQ(shown(aes_cmac(key, {{},
                                     view.first(cut / 2),
                                     view.subspan(cut / 2, cut - cut / 2),
                                     {},
                                     view.subspan(cut)})),
                mac);
    }
  });
}

TEST(AesCmacTest, RefusesOtherMacsAndKeyLengths) {
  for_each_vector("kagibin/crypto/cipher/testdata/aes_cmac_invalid.vec", [](VectorCase& vector) {
    const auto got = aes_cmac(vector.octets("Key"), {vector.octets("Message")});
    if (vector.section() == "KeyLength") {
      EXPECT_EQ(shown(got), "invalid_argument");
    } else {
      EXPECT_NE(shown(got), to_hex(vector.octets("Mac")));
    }
  });
}

TEST(PaddingTest, RoundTripsEveryLength) {
  for (std::size_t size = 0; size <= 49; ++size) {
    const Bytes data(size, 0x80);
    const SecretBytes padded = pad80(data);
    EXPECT_EQ(padded.size() % kAesBlockSize, 0U);
    EXPECT_GT(padded.size(), size);
    EXPECT_LE(padded.size(), size + kAesBlockSize);
    EXPECT_EQ(unpad80(padded.expose()).value(), size);
  }
}

TEST(PaddingTest, RefusesWhatHasNone) {
  EXPECT_EQ(unpad80({}).error().code, Errc::kAuthentication);
  EXPECT_EQ(unpad80(Bytes(16)).error().code, Errc::kAuthentication);
  EXPECT_EQ(unpad80(Bytes(16, 0x01)).error().code, Errc::kAuthentication);
  EXPECT_EQ(unpad80(Bytes(15, 0x80)).error().code, Errc::kAuthentication);
  Bytes far(32);  // the mark is farther from the end than one block
  far[15] = 0x80;
  EXPECT_EQ(unpad80(far).error().code, Errc::kAuthentication);
  far[16] = 0x80;
  EXPECT_EQ(unpad80(far).value(), 16U);
  for (int octet = 0; octet < 256; ++octet) {
    Bytes block(16, 0x80);
    block.back() = static_cast<std::uint8_t>(octet);
    const auto got = unpad80(block);
    EXPECT_EQ(got.has_value(), octet == 0x80 || octet == 0x00) << octet;
  }
}

TEST(PaddingTest, OfMoreThanOneBlockIsTakenWhereItIsAskedFor) {
  Bytes far(48);
  EXPECT_EQ(unpad80_blocks(far).error().code, Errc::kAuthentication);
  far[3] = 0x80;
  EXPECT_EQ(unpad80_blocks(far).value(), 3U);
  far[40] = 0x80;
  EXPECT_EQ(unpad80_blocks(far).value(), 40U);
  far[47] = 0x01;
  EXPECT_EQ(unpad80_blocks(far).error().code, Errc::kAuthentication);
  EXPECT_EQ(unpad80_blocks({}).error().code, Errc::kAuthentication);
}

// SP 800-38D, 7.1, 7.2: GCM
TEST(AesGcmTest, SealsAndOpensTheStandardsCases) {
  for_each_vector("kagibin/crypto/cipher/testdata/aes_gcm.vec", [](VectorCase& vector) {
    const Bytes key = vector.octets("Key");
    const Bytes nonce = vector.octets("Nonce");
    const Bytes aad = vector.octets("Aad");
    const Bytes plaintext = vector.octets("Plaintext");
    Bytes sealed = vector.octets("Ciphertext");
    append(sealed, vector.octets("Tag"));
    EXPECT_EQ(shown(aes_gcm_seal(key, nonce, aad, plaintext)), to_hex(sealed));
    EXPECT_EQ(shown(aes_gcm_open(key, nonce, aad, sealed)), to_hex(plaintext));
    for (std::size_t i = 0; i < sealed.size(); ++i) {
      Bytes changed = sealed;
      changed[i] ^= 0x01;
      EXPECT_EQ(shown(aes_gcm_open(key, nonce, aad, changed)), "authentication");
      EXPECT_EQ(shown(aes_gcm_open(key, nonce, aad, ByteView(sealed).first(i))), "authentication");
    }
    Bytes longer = aad;
    longer.push_back(0);
    EXPECT_EQ(shown(aes_gcm_open(key, nonce, longer, sealed)), "authentication");
  });
}

TEST(AesGcmTest, RefusesTheStandardsFailuresAndOtherLengths) {
  for_each_vector("kagibin/crypto/cipher/testdata/aes_gcm_invalid.vec", [](VectorCase& vector) {
    const Bytes key = vector.octets("Key");
    const Bytes nonce = vector.octets("Nonce");
    const Bytes aad = vector.octets("Aad");
    Bytes sealed = vector.octets("Ciphertext");
    append(sealed, vector.octets("Tag"));
    const bool is_length = vector.section() != "Tag";
    EXPECT_EQ(shown(aes_gcm_open(key, nonce, aad, sealed)),
              is_length ? "invalid_argument" : "authentication");
    EXPECT_EQ(aes_gcm_seal(key, nonce, aad, sealed).has_value(), !is_length);
  });
}

// X9.63, 5.6.3: KDF
TEST(KdfTest, DerivesAsX963) {
  for_each_vector("kagibin/crypto/kdf/testdata/x963_kdf.vec", [](VectorCase& vector) {
    const Bytes key = vector.octets("Key");
    EXPECT_EQ(shown(x963_kdf_sha256(vector.octets("Z"), vector.octets("SharedInfo"), key.size())),
              to_hex(key));
  });
  for_each_vector("kagibin/crypto/kdf/testdata/x963_kdf_invalid.vec", [](VectorCase& vector) {
    const Bytes z = vector.octets("Z");
    const Bytes info = vector.octets("SharedInfo");
    if (vector.section() == "Size") {
      EXPECT_EQ(shown(x963_kdf_sha256(z, info, vector.number("Size"))), "invalid_argument");
    } else {
      const Bytes key = vector.octets("Key");
      EXPECT_NE(shown(x963_kdf_sha256(z, info, key.size())), to_hex(key));
    }
  });
}

// SP 800-108, 5.1: KDF in counter mode
TEST(KdfTest, DerivesAsSp800108InCounterMode) {
  for_each_vector("kagibin/crypto/kdf/testdata/sp800_108.vec", [](VectorCase& vector) {
    const Bytes out = vector.octets("Out");
    EXPECT_EQ(shown(sp800_108_counter_cmac(vector.octets("Key"), vector.octets("Prefix"),
                                           vector.octets("Suffix"), out.size())),
              to_hex(out));
  });
  for_each_vector("kagibin/crypto/kdf/testdata/sp800_108_invalid.vec", [](VectorCase& vector) {
    const bool is_length = vector.section() != "Out";
    const Bytes out = is_length ? Bytes() : vector.octets("Out");
    const std::size_t size = is_length ? vector.number("Size") : out.size();
    const auto got = sp800_108_counter_cmac(vector.octets("Key"), vector.octets("Prefix"),
                                            vector.octets("Suffix"), size);
    if (is_length) {
      EXPECT_EQ(shown(got), "invalid_argument");
    } else {
      EXPECT_NE(shown(got), to_hex(out));
    }
  });
}

TEST(KdfTest, CountsToTheLastBlockOfOneOctet) {
  const Bytes key(16, 0x11);
  const SecretBytes all = sp800_108_counter_cmac(key, {}, {}, 255 * kAesBlockSize).value();
  const std::uint8_t last = 255;
  EXPECT_EQ(to_hex(all.expose().last(kAesBlockSize)), shown(aes_cmac(key, {ByteView(&last, 1)})));
}

TEST(KdfTest, DiversifiesInTheOrderOfTheStandard) {
  for_each_vector("kagibin/crypto/kdf/testdata/diversify.vec", [](VectorCase& vector) {
    const Bytes out = vector.octets("Out");
    EXPECT_EQ(shown(diversify_cmac(vector.octets("Key"), vector.octets("Label"),
                                   vector.octets("Context"), out.size())),
              to_hex(out));
  });
  for_each_vector("kagibin/crypto/kdf/testdata/diversify_invalid.vec", [](VectorCase& vector) {
    const bool is_length = vector.section() == "Size";
    const Bytes out = is_length ? Bytes() : vector.octets("Out");
    const std::size_t size = is_length ? vector.number("Size") : out.size();
    const auto got = diversify_cmac(vector.octets("Key"), vector.octets("Label"),
                                    vector.octets("Context"), size);
    if (is_length) {
      EXPECT_EQ(shown(got), "invalid_argument");
    } else {
      EXPECT_NE(shown(got), to_hex(out));
    }
  });
}

TEST(EcdhTest, AgreesAsTheStandards) {
  for_each_vector("kagibin/crypto/ec/testdata/ecdh.vec", [](VectorCase& vector) {
    const auto own = EcPrivateKey::from_scalar(vector.octets("Scalar")).value();
    const auto peer = EcPublicKey::from_point(vector.octets("Peer")).value();
    EXPECT_EQ(shown(ecdh(own, peer)), to_hex(vector.octets("Z")));
  });
}

TEST(EcdhTest, RefusesPointsOffTheCurveAndDiffersFromOtherValues) {
  for_each_vector("kagibin/crypto/ec/testdata/ecdh_invalid.vec", [](VectorCase& vector) {
    const auto own = EcPrivateKey::from_scalar(vector.octets("Scalar")).value();
    const auto peer = EcPublicKey::from_point(vector.octets("Peer"));
    const std::string z = to_hex(vector.octets("Z"));
    if (vector.section() == "Point") {
      EXPECT_FALSE(peer.has_value());
    } else {
      EXPECT_NE(shown(ecdh(own, peer.value())), z);
    }
  });
}

TEST(EcdhTest, BothSidesAgree) {
  FixedRng rng("ecdh");
  for (int i = 0; i < 50; ++i) {
    const EcPrivateKey a = EcPrivateKey::generate(rng).value();
    const EcPrivateKey b = EcPrivateKey::generate(rng).value();
    EXPECT_EQ(shown(ecdh(a, b.public_key())), shown(ecdh(b, a.public_key())));
    EXPECT_NE(shown(ecdh(a, b.public_key())), shown(ecdh(a, a.public_key())));
  }
}

ScryptCost cost_of(VectorCase& vector) {
  return {.log2_n = static_cast<std::uint8_t>(vector.number("Log2N")),
          .r = static_cast<std::uint8_t>(vector.number("R")),
          .p = static_cast<std::uint8_t>(vector.number("P"))};
}

// RFC 7914, 12: scrypt
TEST(ScryptTest, GivesTheKeysOfRfc7914) {
  for_each_vector("kagibin/crypto/record/testdata/scrypt.vec", [](VectorCase& vector) {
    const SecretBytes passphrase = SecretBytes::copy_of(vector.octets("Passphrase"));
    EXPECT_EQ(shown(run_scrypt(passphrase, vector.octets("Salt"), cost_of(vector))),
              to_hex(vector.octets("Key")));
  });
  for_each_vector("kagibin/crypto/record/testdata/scrypt_invalid.vec", [](VectorCase& vector) {
    const SecretBytes passphrase = SecretBytes::copy_of(vector.octets("Passphrase"));
    EXPECT_NE(shown(run_scrypt(passphrase, vector.octets("Salt"), cost_of(vector))),
              to_hex(vector.octets("Key")));
  });
}

constexpr ScryptCost kCheap = {.log2_n = 10, .r = 8, .p = 1};

TEST(SealedRecordTest, OpensRecordsOfAnotherImplementation) {
  for_each_vector("kagibin/crypto/record/testdata/sealed_record.vec", [](VectorCase& vector) {
    const SecretBytes passphrase = SecretBytes::copy_of(vector.octets("Passphrase"));
    const Bytes record = vector.octets("Record");
    const auto key = RecordKey::for_record(passphrase, record);
    ASSERT_TRUE(key.has_value());
    EXPECT_TRUE(key->matches(record));
    EXPECT_EQ(shown(key->open(text_of(vector.octets("Label")), record)),
              to_hex(vector.octets("Plaintext")));
  });
}

TEST(SealedRecordTest, RefusesChangedRecordsAndCostsOutsideTheLimits) {
  for_each_vector(
      "kagibin/crypto/record/testdata/sealed_record_invalid.vec", [](VectorCase& vector) {
        const Bytes record = vector.octets("Record");
        if (vector.section() != "Open") {
          const auto key = RecordKey::for_record(SecretBytes::copy_of(ascii("any")), record);
          const Errc expected = vector.section() == "Encoding"    ? Errc::kEncoding
                                : vector.section() == "Truncated" ? Errc::kTruncated
                                                                  : Errc::kLimit;
          ASSERT_FALSE(key.has_value());
          EXPECT_EQ(key.error().code, expected);
          return;
        }
        static_cast<void>(vector.octets("Plaintext"));
        const auto key =
            RecordKey::for_record(SecretBytes::copy_of(vector.octets("Passphrase")), record);
        ASSERT_TRUE(key.has_value());
        EXPECT_EQ(shown(key->open(text_of(vector.octets("Label")), record)), "authentication");
      });
}

TEST(SealedRecordTest, RoundTripsAndRefusesEveryFlippedBitAndTruncation) {
  FixedRng rng("record");
  const SecretBytes passphrase = SecretBytes::copy_of(ascii("a passphrase"));
  const RecordKey key = RecordKey::create(passphrase, rng, kCheap).value();
  const Bytes record = key.seal("label", ascii("secret"), rng).value();
  EXPECT_EQ(to_hex(ByteView(record).first(7)), "4B4252310A0801");
  EXPECT_EQ(record.size(), 23U + 12U + 6U + 16U);
  EXPECT_EQ(shown(key.open("label", record)), to_hex(ascii("secret")));
  EXPECT_EQ(shown(RecordKey::for_record(passphrase, record)->open("label", record)),
            to_hex(ascii("secret")));
  for (std::size_t bit = 0; bit < record.size() * 8; ++bit) {
    Bytes changed = record;
    changed[bit / 8] ^= static_cast<std::uint8_t>(1U << (bit % 8));
    EXPECT_EQ(shown(key.open("label", changed)), "authentication") << bit;
  }
  for (std::size_t size = 0; size < record.size(); ++size) {
    EXPECT_EQ(shown(key.open("label", ByteView(record).first(size))), "authentication") << size;
  }
  EXPECT_EQ(shown(key.open("labe", record)), "authentication");
  EXPECT_NE(to_hex(key.seal("label", ascii("secret"), rng).value()), to_hex(record));
}

TEST(SealedRecordTest, RefusesEmptyPassphrasesAndCostsOutsideTheLimits) {
  FixedRng rng("record");
  const SecretBytes passphrase = SecretBytes::copy_of(ascii("x"));
  EXPECT_EQ(RecordKey::create(SecretBytes(), rng, kCheap).error().code, Errc::kInvalidArgument);
  for (const ScryptCost cost :
       {ScryptCost{9, 8, 1}, ScryptCost{21, 8, 1}, ScryptCost{10, 0, 1}, ScryptCost{10, 17, 1},
        ScryptCost{10, 8, 0}, ScryptCost{10, 8, 5}}) {
    EXPECT_EQ(RecordKey::create(passphrase, rng, cost).error().code, Errc::kInvalidArgument);
  }
  const RecordKey key = RecordKey::create(passphrase, rng, kCheap).value();
  const Bytes record = key.seal("label", {}, rng).value();
  EXPECT_EQ(RecordKey::for_record(SecretBytes(), record).error().code, Errc::kInvalidArgument);
  EXPECT_FALSE(RecordKey::create(passphrase, rng, kCheap)->matches(record));
}

TEST(SealedRecordTest, FailsWithTheRandomSource) {
  const SecretBytes passphrase = SecretBytes::copy_of(ascii("x"));
  FailingRng at_salt("seed", 1);
  EXPECT_EQ(RecordKey::create(passphrase, at_salt, kCheap).error().code, Errc::kCrypto);
  FailingRng at_nonce("seed", 2);
  const RecordKey key = RecordKey::create(passphrase, at_nonce, kCheap).value();
  EXPECT_EQ(key.seal("label", {}, at_nonce).error().code, Errc::kCrypto);
}

}  // namespace
}  // namespace kagibin::crypto
