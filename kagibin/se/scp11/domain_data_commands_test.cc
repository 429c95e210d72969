// SPDX-License-Identifier: Apache-2.0
// Certificate stores, allow lists and CA identifiers of an element's domains.
#include "kagibin/se/scp11/scp11_test_bench.h"

namespace kagibin::se {
namespace {

constexpr KeyReference kSdKey{.identifier = scp::kKidScp11b, .version = kKvn};

// STORE DATA in blocks of `size` octets; the last status word.
StatusWord store(Scp11Bench& bench,
                 scp::HostSession& session,
                 ByteView data,
                 std::size_t size = 200,
                 std::uint8_t structure = 0x10) {
  std::uint8_t block = 0;
  StatusWord last{};
  do {
    const ByteView piece = data.first(std::min(size, data.size()));
    data = data.subspan(piece.size());
    const std::uint8_t end = data.empty() ? 0x80 : 0x00;
    last = bench
               .exchange(session, {.cla = 0x80,
                                   .ins = 0xE2,
                                   .p1 = static_cast<std::uint8_t>(structure | end),
                                   .p2 = block++,
                                   .data = Bytes(piece.begin(), piece.end())})
               .sw;
  } while (last.value == 0x9000 && !data.empty());
  return last;
}

apdu::ResponseApdu get(Scp11Bench& bench, std::uint16_t tag, std::string_view data = "") {
  apdu::ResponseApdu out = bench.send({.cla = 0x80,
                                       .ins = 0xCA,
                                       .p1 = static_cast<std::uint8_t>(tag >> 8U),
                                       .p2 = static_cast<std::uint8_t>(tag & 0xFFU),
                                       .data = hex(data),
                                       .le = 256});
  while ((out.sw.value >> 8U) == 0x61) {
    const auto more = bench.send("00C0000000");
    append(out.data, more.data);
    out.sw = more.sw;
  }
  return out;
}

Bytes chain_of_domain(const Scp11Bench& bench, Format format) {
  Bytes out;
  for (const Bytes& certificate :
       bench.authority.chain(format, bench.sd_key(Scp11Variant::kB).public_key(), true)) {
    append(out, certificate);
  }
  return out;
}

// Amendment F, 7.2, 7.8: certificate stores
TEST(DomainDataTest, AHostTakesTheDomainsKeyFromItsCertificateStore) {
  for (const auto format : {Format::kGp, Format::kX509}) {
    for (const std::size_t block : {7UZ, 97UZ, 200UZ, 255UZ}) {
      Scp11Bench bench(crypto::Curve::kP384);
      bench.put_keys();
      auto session = bench.open_isd();
      const Bytes data = scp::encode_domain_data(
          scp::CertificateStore{.key = kSdKey, .certificates = chain_of_domain(bench, format)});
      ASSERT_EQ(store(bench, *session, data, block).value, 0x9000);
      bench.restart();
      const auto answer = get(bench, 0xBF21, "A60483021303");
      ASSERT_EQ(answer.sw.value, 0x9000);
      const auto chain = scp::read_certificate_store(answer.data).value();
      ASSERT_TRUE(pki::verify_chain(chain, bench.authority.root.public_key(), std::nullopt));
      scp::Scp11Host host(chain.back().key(),
                          {.variant = Scp11Variant::kB, .key_version_number = kKvn});
      EXPECT_EQ(bench.authenticate(host).value, 0x9000);
    }
  }
}

// Amendment F, 7.8, 5.1: stores belong to keys
TEST(DomainDataTest, StoresAreOfKeyPairsThatAreThere) {
  Scp11Bench bench;
  bench.put_keys();
  auto session = bench.open_isd();
  EXPECT_EQ(store(bench, *session, hex("A604830213 04 BF21023000")).value, 0x6A88);
  EXPECT_EQ(store(bench, *session, hex("A604830210 03 BF21023000")).value, 0x6A88);
  EXPECT_EQ(store(bench, *session, hex("A604830213 03 BF21023000")).value, 0x9000);
  EXPECT_EQ(store(bench, *session, hex("A604830213 03 BF21023000 00")).value, 0x6A80);
  EXPECT_EQ(store(bench, *session, hex("A604830213 03 7F21023000")).value, 0x6A80);
  EXPECT_EQ(to_hex(get(bench, 0xBF21, "A60483021303").data), "") << "in the clear in a session";
  bench.select("");
  EXPECT_EQ(to_hex(get(bench, 0xBF21, "A60483021303").data), "BF21023000");
  EXPECT_EQ(to_hex(get(bench, 0xBF21, "A60483021300").data), "BF21023000") << "the first KVN";
  EXPECT_EQ(get(bench, 0xBF21, "A60483021103").sw.value, 0x6A88);
  EXPECT_EQ(get(bench, 0xBF21, "A603830213").sw.value, 0x6A80);
  EXPECT_EQ(get(bench, 0xBF21).sw.value, 0x6A80);
  session = bench.open_isd();
  EXPECT_EQ(store(bench, *session, hex("A604830213 03 BF2100")).value, 0x9000);
  bench.select("");
  EXPECT_EQ(get(bench, 0xBF21, "A60483021303").sw.value, 0x6A88);
}

TEST(DomainDataTest, AStoreHasAtMostFourThousandOctets) {
  Scp11Bench bench;
  bench.put_keys();
  auto session = bench.open_isd();
  const auto data = [](std::size_t size) {
    return scp::encode_domain_data(
        scp::CertificateStore{.key = kSdKey, .certificates = Bytes(size, 0x30)});
  };
  EXPECT_EQ(store(bench, *session, data(4'096)).value, 0x9000);
  EXPECT_EQ(store(bench, *session, data(4'097)).value, 0x6A84);
  EXPECT_EQ(store(bench, *session, data(9'000)).value, 0x6A84);
  EXPECT_EQ(store(bench, *session, hex("A604830213 03 BF21023000")).value, 0x9000);
}

TEST(DomainDataTest, DataThatIsInterruptedIsForgotten) {
  Scp11Bench bench;
  bench.put_keys();
  auto session = bench.open_isd();
  const auto block = [&](std::uint8_t p1, std::uint8_t p2, std::string_view data) {
    return bench
        .exchange(*session, {.cla = 0x80, .ins = 0xE2, .p1 = p1, .p2 = p2, .data = hex(data)})
        .sw.value;
  };
  EXPECT_EQ(block(0x10, 0, "A604830213"), 0x9000);
  EXPECT_EQ(block(0x90, 2, "03BF21023000"), 0x6A86);
  EXPECT_EQ(block(0x90, 1, "03BF21023000"), 0x9000);
  EXPECT_EQ(block(0x10, 0, "A604830213"), 0x9000);
  EXPECT_EQ(bench.exchange(*session, get_status_of_isd()).sw.value, 0x9000);
  EXPECT_EQ(block(0x90, 1, "03BF21023000"), 0x6A86);
  EXPECT_EQ(block(0x10, 0, "A604830213"), 0x9000);
  EXPECT_EQ(block(0x90, 0, "42021234"), 0x9000) << "block 00 begins anew";
  EXPECT_EQ(block(0xF0, 0, "A60483021303BF21023000"), 0x6A80) << "not encrypted";
}

// Amendment F, 7.9: allow lists
TEST(DomainDataTest, AllowListsSayWhoMayCome) {
  Scp11Bench bench;
  bench.put_keys();
  const auto put = [&](std::string_view data) {
    auto session = bench.open_isd();
    const StatusWord out = store(bench, *session, hex(data));
    bench.select("");
    return out.value;
  };
  EXPECT_EQ(put("A604830210037003930112"), 0x9000);
  EXPECT_EQ(bench.show(bench.chain()).value, 0x6640);
  EXPECT_EQ(put("A604830210037007930112 93020011"), 0x9000);
  EXPECT_EQ(bench.show(bench.chain()).value, 0x9000) << "11 is 0011";
  // In a chain it is the first certificate that is asked.
  EXPECT_EQ(bench.show(bench.chain(Format::kGp, true)).value, 0x6640);
  EXPECT_EQ(put("A604830210037003930122"), 0x9000);
  EXPECT_EQ(bench.show(bench.chain(Format::kX509, true)).value, 0x9000);
  EXPECT_EQ(bench.show(bench.chain()).value, 0x6640);
  bench.restart();
  EXPECT_EQ(bench.show(bench.chain()).value, 0x6640);
  EXPECT_EQ(put("A604830210037000"), 0x9000) << "empty: everybody again";
  EXPECT_EQ(bench.show(bench.chain()).value, 0x9000);
  EXPECT_EQ(put("A604830213037003930112"), 0x6A88) << "of a CA key alone";
  EXPECT_EQ(put("A604830210037003930112FF"), 0x6A80);
  EXPECT_EQ(put("A60483021003920200017003930112"), 0x6A80) << "a counter is of SCP11c";
}

// Amendment F, 7.9: the counter of an allow list
TEST(DomainDataTest, InScp11cAnAllowListCountsUp) {
  Scp11Bench bench;
  bench.put_keys();
  const auto put = [&](std::string_view data) {
    auto session = bench.open_scp11(Scp11Variant::kC);
    return store(bench, session, hex(data)).value;
  };
  EXPECT_EQ(put("A604830210037003930111"), 0x6A80) << "it has a counter";
  EXPECT_EQ(put("A60483021003920200007003930111"), 0x6985);
  EXPECT_EQ(put("A60483021003920200057003930111"), 0x9000);
  EXPECT_EQ(put("A60483021003920200057003930111"), 0x6985) << "the same script again";
  EXPECT_EQ(put("A60483021003920200047003930111"), 0x6985);
  EXPECT_EQ(put("A60483021003920200067000"), 0x9000);
  EXPECT_EQ(put("A60483021003920200067003930111"), 0x6985) << "the counter stays without a list";
  // Nor does a list of another session take it back.
  {
    auto session = bench.open_isd();
    EXPECT_EQ(store(bench, *session, hex("A604830210037003930111")).value, 0x9000);
  }
  EXPECT_EQ(put("A60483021003920200067003930111"), 0x6985);
  EXPECT_EQ(put("A60483021003920200077003930111"), 0x9000);
}

// Amendment F, 7.3, 7.4, 7.10: CA identifiers
TEST(DomainDataTest, IdentifiersOfAuthoritiesNameTheirKeys) {
  Scp11Bench bench;
  bench.put_keys();
  EXPECT_EQ(get(bench, 0xFF33).sw.value, 0x6A88);
  EXPECT_EQ(get(bench, 0xFF34).sw.value, 0x6A88);
  {
    auto session = bench.open_isd();
    EXPECT_EQ(store(bench, *session, hex("A60B 800100 4202CA01 83021003")).value, 0x9000);
    EXPECT_EQ(store(bench, *session, hex("A60B 800101 4202CA02 83021303")).value, 0x9000);
    EXPECT_EQ(store(bench, *session, hex("A60B 800100 4202CA03 83021303")).value, 0x6A88);
    EXPECT_EQ(store(bench, *session, hex("A60B 800101 4202CA03 83021003")).value, 0x6A88);
    EXPECT_EQ(store(bench, *session, hex("A60483021303 BF21023000")).value, 0x9000);
    bench.select("");
  }
  EXPECT_EQ(to_hex(get(bench, 0xFF33).data), "FF33084202CA0183021003");
  EXPECT_EQ(to_hex(get(bench, 0xFF34).data), "FF34084202CA0283021303");
  EXPECT_EQ(to_hex(get(bench, 0x0083, "A6044202CA01").data), "83021003");
  EXPECT_EQ(get(bench, 0x0083, "A6044202CA02").sw.value, 0x6A88);
  EXPECT_EQ(get(bench, 0x0083, "A60483021003").sw.value, 0x6A80);
  EXPECT_EQ(to_hex(get(bench, 0xBF21, "A6044202CA02").data), "BF21023000");
  EXPECT_EQ(get(bench, 0xBF21, "A6044202CA01").sw.value, 0x6A88);
}

TEST(DomainDataTest, DataGoesWithItsKeyAndItsDomain) {
  Scp11Bench bench;
  bench.put_keys();
  {
    auto session = bench.open_isd();
    ASSERT_EQ(store(bench, *session, hex("A60483021303 BF21023000")).value, 0x9000);
    ASSERT_EQ(store(bench, *session, hex("A60B 800101 4202CA02 83021303")).value, 0x9000);
    ASSERT_EQ(store(bench, *session, hex("A60483021003 7003930112")).value, 0x9000);
    EXPECT_EQ(
        bench.exchange(*session, {.cla = 0x80, .ins = 0xE4, .data = hex("D00113D20103")}).sw.value,
        0x9000);
    EXPECT_EQ(
        bench.exchange(*session, {.cla = 0x80, .ins = 0xE4, .data = hex("D00110D20103")}).sw.value,
        0x9000);
    ASSERT_EQ(
        bench.put(*session, kSdKey, gp::Key::ec_private(bench.sd_key(Scp11Variant::kB)).value())
            .value,
        0x9000);
    ASSERT_EQ(
        bench.put(*session, kCa, gp::Key::ec_public(bench.authority.root.public_key()).value())
            .value,
        0x9000);
    bench.select("");
  }
  EXPECT_EQ(get(bench, 0xBF21, "A60483021303").sw.value, 0x6A88);
  EXPECT_EQ(get(bench, 0xFF34).sw.value, 0x6A88);
  EXPECT_EQ(bench.show(bench.chain()).value, 0x9000);
}

TEST(DomainDataTest, OnlyTheProviderStores) {
  Scp11Bench bench;
  bench.put_keys();
  auto session = bench.open_scp11(Scp11Variant::kB);
  EXPECT_EQ(store(bench, session, hex("A60483021303BF21023000")).value, 0x6982);
  EXPECT_EQ(bench.send("80E2900006A60483021303").sw.value, 0x6982);
}

TEST(DomainDataTest, PowerCutsLeaveTheOldDataOrTheNew) {
  for (const auto cut : {test::Cut::kBefore, test::Cut::kHalfWay, test::Cut::kAfter}) {
    Scp11Bench bench;
    bench.put_keys();
    auto session = bench.open_isd();
    ASSERT_EQ(store(bench, *session, hex("A60483021303BF21023000")).value, 0x9000);
    const auto wrapped = session->wrap(
        {.cla = 0x80, .ins = 0xE2, .p1 = 0x90, .data = hex("A60483021303BF2103300131")});
    bench.power->cut_at(1, cut);
    EXPECT_FALSE(bench.element->transmit(wrapped->encode()));
    bench.restart();
    EXPECT_EQ(to_hex(get(bench, 0xBF21, "A60483021303").data),
              cut == test::Cut::kAfter ? "BF2103300131" : "BF21023000");
  }
}

}  // namespace
}  // namespace kagibin::se
