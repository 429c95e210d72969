// SPDX-License-Identifier: Apache-2.0
// INSTALL [for load] and LOAD: what is registered, what is refused, what an interruption leaves.
#include "kagibin/gp/registry/get_status.h"
#include "kagibin/se/domain/content/content_test_bench.h"

namespace kagibin::se {
namespace {

using gp::Privileges;

class LoadCommandsTest : public ContentBench {
 protected:
  static gp::InstallForLoad request() { return {.load_file = aid(kPackage)}; }
  static Bytes hash_of(ByteView data_block) {
    return gp::load_file_hash(crypto::HashAlgorithm::kSha256, data_block);
  }
};

// GPCS 9.3.5, 11.6: a load file and its modules in the registry
TEST_F(LoadCommandsTest, RegistersALoadFileWithItsModules) {
  const auto answer = send_all(load_all(request()));
  EXPECT_EQ(to_hex(answer.data), "00");
  const auto file = load_file();
  ASSERT_TRUE(file.has_value());
  EXPECT_TRUE(file->loaded);
  EXPECT_EQ(file->security_domain, aid(kIsdAid));
  EXPECT_EQ(file->modules, std::vector{aid(kApplet)});
  EXPECT_EQ(file->octets, small_cap().size());
  EXPECT_EQ(file->code_hash, crypto::sha256(small_cap()));
  bench_.restart();
  open_isd();
  const gp::GetStatus query{.scope = gp::StatusScope::kLoadFilesAndModules,
                            .filter = hex(kPackage)};
  const auto entries = gp::decode_entries(send(query.encode()).data, query).value();
  ASSERT_EQ(entries.size(), 1U);
  EXPECT_EQ(entries[0].modules, std::vector{aid(kApplet)});
  EXPECT_EQ(to_hex(entries[0].version), "0100");
  EXPECT_EQ(status(for_load(request())), 0x6985) << "the AID is in use now";
}

// GPCS 11.6.2: blocks of LOAD
TEST_F(LoadCommandsTest, BlocksMayCutAnywhere) {
  const Bytes file = gp::encode_load_file({}, small_cap());
  for (const std::size_t size : {1U, 2U, 3U, 7U, 100U, 223U}) {
    if (file.size() / size > 255) {
      continue;
    }
    EXPECT_EQ(status(for_load(request())), 0x9000);
    EXPECT_EQ(status_of_all(load_commands(file, size)), 0x9000) << size;
    EXPECT_EQ(status(erase(kPackage)), 0x9000);
  }
}

// GPCS C.2: the load file data block hash
TEST_F(LoadCommandsTest, ComparesTheHash) {
  auto one = request();
  one.hash = hash_of(small_cap());
  EXPECT_EQ(status_of_all(load_all(one)), 0x9000);
  EXPECT_EQ(status(erase(kPackage)), 0x9000);
  one.hash.back() ^= 1;
  EXPECT_EQ(status_of_all(load_all(one)), 0x6A80);
  one.hash = Bytes(31);
  EXPECT_EQ(status_of_all(load_all(one)), 0x6A80);
  EXPECT_FALSE(load_file().has_value());
}

// GPCS 11.6.2: the order of blocks
TEST_F(LoadCommandsTest, RefusesBlocksOutOfOrder) {
  const Commands blocks = load_commands(gp::encode_load_file({}, small_cap()), 40);
  ASSERT_GT(blocks.size(), 2U);
  EXPECT_EQ(status(blocks[0]), 0x6985) << "nothing was announced";
  for (const std::size_t first : {1U, 2U}) {
    ASSERT_EQ(status(for_load(request())), 0x9000);
    EXPECT_EQ(status(blocks[first]), 0x6A86);
    EXPECT_EQ(status(blocks[0]), 0x6985) << "the load was given up";
  }
  ASSERT_EQ(status(for_load(request())), 0x9000);
  ASSERT_EQ(status(blocks[0]), 0x9000);
  EXPECT_EQ(status(blocks[0]), 0x6A86) << "twice";
  ASSERT_EQ(status(for_load(request())), 0x9000);
  auto odd = blocks[0];
  odd.p1 = 0x01;
  EXPECT_EQ(status(odd), 0x6A86);
  ASSERT_EQ(status_of_all({for_load(request()), blocks[0]}), 0x9000);
  auto early = blocks[1];
  early.p1 = 0x80;
  EXPECT_EQ(status(early), 0x6A80) << "the last came too early";
  EXPECT_NE(reason().find("11.6.2.3"), std::string_view::npos);
  EXPECT_FALSE(load_file().has_value());
}

// GPCS 11.6.2.3: the structure of a load file
TEST_F(LoadCommandsTest, RefusesWhatIsNoLoadFile) {
  const auto refusal = [&](const Bytes& file) {
    EXPECT_EQ(status(for_load(request())), 0x9000);
    return status_of_all(load_commands(file));
  };
  const Bytes good = gp::encode_load_file({}, small_cap());
  for (std::size_t size = 1; size < good.size(); ++size) {
    EXPECT_EQ(refusal(Bytes(good.begin(), good.begin() + static_cast<std::ptrdiff_t>(size))),
              0x6A80)
        << size;
  }
  Bytes longer = good;
  longer.push_back(0);
  EXPECT_EQ(refusal(longer), 0x6A80);
  EXPECT_EQ(refusal(hex("D30800")), 0x6A80) << "ciphered";
  EXPECT_EQ(refusal(hex("C50100")), 0x6A80);
  EXPECT_EQ(refusal(gp::encode_load_file({}, Bytes(100))), 0x6A80) << "not a CAP file";
  EXPECT_EQ(refusal(gp::encode_load_file(
                {}, test::CapBuilder{.package = "F000000008", .applets = {}}.build())),
            0x6A80)
      << "another package";
  EXPECT_FALSE(load_file().has_value());
}

// GPCS 11.5.2.3.1, 11.5.2.3.7: INSTALL [for load]
TEST_F(LoadCommandsTest, RefusesAnnouncementsThatCannotBe) {
  auto one = request();
  one.load_file = aid(kTestFile);
  EXPECT_EQ(status(for_load(one)), 0x6985);
  one.load_file = aid(kIsdAid);
  EXPECT_EQ(status(for_load(one)), 0x6985);
  one = request();
  one.security_domain = aid("F00000000505");
  EXPECT_EQ(status(for_load(one)), 0x6A88);
  one = request();
  one.token = Bytes(16);
  EXPECT_EQ(status(for_load(one)), 0x6A80) << "the ISD needs no token";
  for (const std::string_view parameters :
       {"EF06C60400100000", "EF06C80400100000", "EF06C70400100000"}) {
    one = request();
    one.parameters = hex(parameters);
    EXPECT_EQ(status(for_load(one)), 0x6A84) << parameters;
  }
  one.parameters = hex("EF04C6021000");
  EXPECT_EQ(status(for_load(one)), 0x9000);
}

TEST_F(LoadCommandsTest, RefusesADataBlockThatDoesNotFit) {
  ASSERT_EQ(status(for_load(request())), 0x9000);
  const auto answer = status({.ins = 0xE8, .p1 = 0, .p2 = 0, .data = hex("C4830900000102")});
  EXPECT_EQ(answer, 0x6A84);
  EXPECT_EQ(status({.ins = 0xE8, .p1 = 0, .p2 = 1, .data = hex("01")}), 0x6985);
}

// GPCS 9.3.5: an interrupted load leaves nothing
TEST_F(LoadCommandsTest, AnyOtherCommandDropsTheLoad) {
  const Commands blocks = load_commands(gp::encode_load_file({}, small_cap()), 40);
  const std::uint8_t channel = bench_.open_channel();
  const std::string before = memory();
  const auto halfway = [&] { ASSERT_EQ(status_of_all({for_load(request()), blocks[0]}), 0x9000); };
  halfway();
  EXPECT_EQ(status({.ins = 0xCA, .p2 = 0x66}), 0x9000);
  EXPECT_EQ(status(blocks[1]), 0x6985) << "GET DATA";
  halfway();
  EXPECT_EQ(status(for_load(request())), 0x9000);
  EXPECT_EQ(status(blocks[1]), 0x6A86) << "INSTALL [for load] again begins anew";
  halfway();
  EXPECT_EQ(status({.ins = 0xE2, .p1 = 0x80, .data = {}}), 0x6A80);
  EXPECT_EQ(status(blocks[1]), 0x6985) << "STORE DATA";
  halfway();
  EXPECT_EQ(bench_.select("", channel).sw.value, 0x9000);
  EXPECT_EQ(status(blocks[1]), 0x9000) << "another channel is none of its business";
  open_isd();
  halfway();
  open_isd();
  EXPECT_EQ(status(blocks[1]), 0x6985) << "SELECT";
  halfway();
  bench_.element->reset();
  open_isd();
  EXPECT_EQ(status(blocks[1]), 0x6985) << "reset";
  EXPECT_EQ(memory(), before) << "nothing half-loaded is left";
  EXPECT_EQ(status_of_all(load_all(request())), 0x9000);
}

TEST_F(LoadCommandsTest, ABlockWithAWrongMacDropsTheLoad) {
  const Commands blocks = load_commands(gp::encode_load_file({}, small_cap()), 40);
  ASSERT_EQ(status_of_all({for_load(request()), blocks[0]}), 0x9000);
  EXPECT_EQ(bench_.send(blocks[1]).sw.value, 0x6982) << "no secure messaging";
  open_isd();
  EXPECT_EQ(status(blocks[1]), 0x6985);
}

// GPCS 9.1.3: whose content a domain manages
TEST_F(LoadCommandsTest, ADomainLoadsForThoseBelowItAlone) {
  install_domain(kDomainAid, Privileges::kAuthorizedManagement);
  install_domain(kOtherDomain);
  auto one = request();
  one.security_domain = aid(kDomainAid);
  EXPECT_EQ(status_of_all(load_all(one)), 0x9000) << "the ISD for a domain in it";
  EXPECT_EQ(load_file()->security_domain, aid(kDomainAid));
  EXPECT_EQ(status(erase(kPackage)), 0x9000);
  open_domain(kDomainAid);
  one.security_domain = aid(kOtherDomain);
  EXPECT_EQ(status(for_load(one)), 0x6985);
  one.security_domain = aid(kIsdAid);
  EXPECT_EQ(status(for_load(one)), 0x6985);
  one.security_domain.reset();
  EXPECT_EQ(status_of_all(load_all(one)), 0x9000);
  EXPECT_EQ(load_file()->security_domain, aid(kDomainAid));
  open_domain(kOtherDomain);
  EXPECT_EQ(status(for_load(request())), 0x6985) << "no right to manage content";
}

// GPCS 9.2.1, C.3: DAP Verification
TEST_F(LoadCommandsTest, VerifiesDapBlocksOfEveryKind) {
  install_domain(kDomainAid, Privileges::kDapVerification);
  const Bytes block = small_cap();
  auto one = request();
  one.security_domain = aid(kDomainAid);
  one.hash = hash_of(block);
  EXPECT_EQ(status_of_all(load_all(one)), 0x6A80) << "one is due";
  test::FixedRng rng("dap");
  struct Pair {
    gp::Key stored;
    gp::Key signing;
  };
  std::vector<Pair> pairs;
  pairs.push_back({public_key("dap"), private_key("dap")});
  pairs.push_back({gp::Key::aes(Bytes(16, 1)).value(), gp::Key::aes(Bytes(16, 1)).value()});
  pairs.push_back({gp::Key::des(Bytes(16, 2)).value(), gp::Key::des(Bytes(16, 2)).value()});
  bool is_first = true;
  for (const Pair& pair : pairs) {
    open_domain(kDomainAid);
    auto put = put_one_key(*host_, 0x73, pair.stored);
    put.p1 = is_first ? 0x00 : 0x73;
    ASSERT_EQ(status(put), 0x9000);
    is_first = false;
    open_isd();
    gp::DapBlock dap{.security_domain = aid(kDomainAid),
                     .signature = gp::sign_load_file(pair.signing, one.hash, rng).value()};
    EXPECT_EQ(status_of_all(load_all(one, {dap})), 0x9000) << reason();
    EXPECT_EQ(status(erase(kPackage)), 0x9000);
    dap.signature.back() ^= 1;
    EXPECT_EQ(status_of_all(load_all(one, {dap})), 0x6A80);
    EXPECT_FALSE(load_file().has_value());
    dap.signature.back() ^= 1;
    auto no_hash = one;
    no_hash.hash.clear();
    EXPECT_EQ(status_of_all(load_all(no_hash, {dap})), 0x6A80);
  }
}

// GPCS 9.2.1: Mandated DAP Verification
TEST_F(LoadCommandsTest, AMandatedVerifierIsAskedForEveryLoad) {
  install_domain(kDomainAid, Privileges::kDapVerification | Privileges::kMandatedDapVerification);
  auto one = request();
  one.hash = hash_of(small_cap());
  EXPECT_EQ(status_of_all(load_all(one)), 0x6A80) << "a load of the ISD's own";
  open_domain(kDomainAid);
  ASSERT_EQ(status(put_one_key(*host_, 0x73, public_key("dap"))), 0x9000);
  open_isd();
  test::FixedRng rng("dap");
  const gp::DapBlock dap{
      .security_domain = aid(kDomainAid),
      .signature = gp::sign_load_file(private_key("dap"), one.hash, rng).value()};
  EXPECT_EQ(status_of_all(load_all(one, {dap})), 0x9000);
}

TEST_F(LoadCommandsTest, LoadsInBlocksOfExtendedLength) {
  const Bytes block =
      test::CapBuilder{.package = kPackage, .applets = {kApplet}, .method_octets = 5'000}.build();
  ASSERT_EQ(status(for_load(request())), 0x9000);
  const auto wrapped =
      host_->wrap({.ins = 0xE8, .p1 = 0x80, .data = gp::encode_load_file({}, block)}, true);
  ASSERT_TRUE(wrapped.has_value());
  EXPECT_EQ(bench_.send(*wrapped).sw.value, 0x9000);
  EXPECT_EQ(load_file()->octets, block.size());
}

}  // namespace
}  // namespace kagibin::se
