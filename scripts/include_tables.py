# SPDX-License-Identifier: Apache-2.0
"""Who may include what: the tables of the house as data. scripts/check_includes.py holds the tree to them.

A folder of kagibin/ is a room; crypto and envelope are cut finer, by CMake target. To admit a new library or header, add its
row here, and say why in the commit.
"""

# ---- First table: which room may include which. ----------------------------------------------------------------------
CRYPTO = ("crypto_sign", "crypto_secret")
ANYTHING = "anything"
TABLE = {
    "base": (),
    "tlv": ("base",),
    "crypto_sign": ("base",),
    "crypto_secret": ("base", "crypto_sign"),
    "crypto_token": ("base", *CRYPTO),  # loads PKCS#11 modules; roles see tokens through a port of crypto_secret
    "apdu": ("base", "tlv"),
    "pki": ("base", "tlv", *CRYPTO),
    "scp": ("base", "tlv", "apdu", *CRYPTO, "pki"),
    "gp": ("base", "tlv", "apdu", *CRYPTO, "pki"),
    "kda": ("base", "tlv", "apdu"),
    "envelope_format": ("base", "tlv"),
    "envelope_keys": ("base", "tlv", "envelope_format", *CRYPTO),  # the key schedule, for the four below alone
    "delivery_seal": ("base", "tlv", "envelope_format", "envelope_keys", *CRYPTO, "pki"),
    "delivery_open": ("base", "tlv", "envelope_format", "envelope_keys", *CRYPTO, "pki"),
    "answer_seal": ("base", "tlv", "envelope_format", "envelope_keys", *CRYPTO, "pki"),
    "answer_open": ("base", "tlv", "envelope_format", "envelope_keys", *CRYPTO, "pki"),
    "se": ("base", "tlv", "apdu", *CRYPTO, "pki", "scp", "gp", "kda", "envelope_format", "delivery_open", "answer_seal"),
    "delivery": ("base", "tlv", "envelope_format"),
    "link": ("base", "apdu"),
    "net": ("base", "delivery", "crypto_sign"),
    "store": ("base", "delivery"),
    "device": ("base", "tlv", "apdu", "kda", "envelope_format", "delivery"),
    "roles/key_distribution_operator": ("base", "tlv", "delivery", "crypto_sign"),
    "roles/carrier": ("base", "delivery"),
    "roles/service_provider": ("base", "tlv", *CRYPTO, "pki", "gp", "delivery", "envelope_format", "delivery_seal",
                               "answer_open"),
    "roles/security_module_manager": ("base", "tlv", "apdu", *CRYPTO, "pki", "scp", "gp", "delivery"),
    "roles/element_maker": ("base", "tlv", "apdu", *CRYPTO, "pki", "scp", "gp", "kda", "se", "delivery"),
    "roles/controlling_authority": ("base", "tlv", *CRYPTO, "pki"),
    "cli": ANYTHING,
    "tests": ANYTHING,
    "bench": ANYTHING,
    "fuzz": ANYTHING,
}
# Folders cut into several targets; the first is the room of headers that have no source of their own.
FINER = {
    "crypto": (*CRYPTO, "crypto_token"),
    "envelope": ("envelope_format", "envelope_keys", "delivery_seal", "delivery_open", "answer_seal", "answer_open"),
}
# Rooms that move keys and cannot read them, and what must not even be linked behind a permitted room.
BLIND = {
    "roles/key_distribution_operator": ("crypto_secret", "crypto_token"),
    "roles/carrier": (*CRYPTO, "crypto_token"),
    "device": (*CRYPTO, "crypto_token"),
    "delivery": (*CRYPTO, "crypto_token"),
    "store": (*CRYPTO, "crypto_token"),
    "net": ("crypto_secret", "crypto_token"),
}
SEALING = ("pki", "scp", "gp", "se", *FINER["envelope"][1:])

# ---- Second table: third-party headers and link targets, and the only rooms for them. --------------------------------
ROLES = tuple(room for room in TABLE if room.startswith("roles/"))
EVERYWHERE = tuple(TABLE)
PARTS = ("tests", "bench", "fuzz")  # what joins parts may use what the parts use
THIRD_PARTY_HEADERS = (  # first match counts
    (r"openssl/(ssl|tls1|err|x509|x509v3)\.h", (*CRYPTO, "net", *PARTS)),  # net: libcrypto only through TLS
    (r"openssl/.*", (*CRYPTO, *PARTS)),
    (r"p11-kit/.*", ("crypto_token", *PARTS)),
    (r"boost/(asio|beast)(/.*|\.hpp)", ("net", *PARTS)),
    (r"boost/(json|system)(/.*|\.hpp)", ("delivery", *ROLES, "net", "cli", *PARTS)),
    (r"boost/.*", ("net", "cli", *PARTS)),
    (r"sqlite3\.h|libpq-fe\.h|libpq/.*", ("store", *PARTS)),
    (r"(PCSC/)?(winscard|wintypes|pcsclite|reader|ifdhandler)\.h", ("link", *PARTS)),
    (r"prometheus/.*", ("net", "cli", *PARTS)),
    (r"(CLI|spdlog|yaml-cpp)/.*|zlib\.h", ("cli", *PARTS)),
    (r"fmt/.*", EVERYWHERE),
    (r"(gtest|gmock|rapidcheck)([/.].*)", ("tests",)),
    (r"benchmark/.*", ("bench",)),
    (r"valgrind/.*|sanitizer/.*", ("tests",)),
)
THIRD_PARTY_TARGETS = {
    "OpenSSL::Crypto": (*CRYPTO, *PARTS),
    "OpenSSL::SSL": ("net", *PARTS),
    "Boost::headers": ("net", "cli", *PARTS),
    "Boost::json": ("delivery", *ROLES, "net", "cli", *PARTS),
    "SQLite::SQLite3": ("store", *PARTS),
    "PostgreSQL::PostgreSQL": ("store", *PARTS),
    "PkgConfig::PCSCLITE": ("link", *PARTS),
    "PkgConfig::P11KIT": ("crypto_token", *PARTS),
    "prometheus-cpp::core": ("net", "cli", *PARTS),
    "prometheus-cpp::pull": ("net", "cli", *PARTS),
    "CLI11::CLI11": ("cli", *PARTS),
    "spdlog::spdlog": ("cli", *PARTS),
    "ZLIB::ZLIB": ("cli", *PARTS),
    "fmt::fmt": EVERYWHERE,
    "Threads::Threads": EVERYWHERE,
    "GTest::gtest": ("tests",),
    "GTest::gtest_main": ("tests",),
    "GTest::gmock": ("tests",),
    "rapidcheck": ("tests",),
    "rapidcheck_gtest": ("tests",),
    "benchmark::benchmark": ("bench",),
}
BEAST_UNITS = 3  # 25 s of compile time each

# ---- Third table: protocol code never does I/O. ----------------------------------------------------------------------
PURE = ("tlv", "apdu", "pki", "scp", "gp", "kda", *FINER["envelope"], "delivery", "device")
NOT_PURE = tuple(room for room in TABLE if room not in PURE)
SYSTEM_HEADERS = (  # first match counts
    (r"poll\.h", ("link", "net", "store", "cli", *PARTS)),  # store: waits for its database server, never for ever
    (r"sys/(socket|un|epoll|select)\.h|netinet/.*|arpa/.*|netdb\.h|net/if\.h|poll\.h", ("link", "net", "cli", *PARTS)),
    (r"ucontext\.h", ("tests",)),  # simulated roles have stacks of their own
    (r"iostream", ("cli", *PARTS)),
    (r"pthread\.h", ("cli", *PARTS)),  # the CPU clock of another thread, to account for it
    (r"random", PARTS),  # randomness comes by Rng&
    (r"fstream|filesystem|thread|future", NOT_PURE),
    (r"[a-z_0-9]+", EVERYWHERE),  # the rest of the C++ library
    (r"(unistd|fcntl|termios|dirent|signal|spawn|pwd|grp|syslog|time|dlfcn|sched|errno|malloc)\.h|(sys|linux)/.*\.h", NOT_PURE),
)
