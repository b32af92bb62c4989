#include "actors/mesh_identity.hpp"

#include "actors/scheduler_dialler.hpp"
#include "actors/system.hpp"
#include "scheduler/scheduler_actor.hpp"

#include <caf/actor_system.hpp>
#include <caf/scoped_actor.hpp>
#include <caf/send.hpp>
#include <gmock/gmock.h>

#include <array>
#include <atomic>
#include <cstdlib>
#include <fstream>
#include <future>
#include <memory>
#include <openssl/bio.h>
#include <unistd.h>

namespace coppice::actors {

namespace {

using ::testing::HasSubstr;
constexpr auto patience = std::chrono::seconds{20};
constexpr auto a_moment = std::chrono::milliseconds{1500};

/// Certificates by the `openssl` command, as operators make them.
struct Certificates : ::testing::Test {
  const std::filesystem::path folder =
      std::filesystem::temp_directory_path() / ("coppice-mesh-" + std::to_string(::getpid()));

  Certificates() {
    std::filesystem::create_directories(folder);
    make_authority("ca");
  }
  ~Certificates() override { std::filesystem::remove_all(folder); }

  void openssl(const std::string& words) const {
    const auto command = "cd " + folder.string() + " && openssl " + words + " 2>/dev/null";
    ASSERT_EQ(std::system(command.c_str()), 0) << command;
  }
  void make_authority(const std::string& name) const {
    openssl("req -x509 -newkey ed25519 -nodes -days 10 -subj /CN=" + name + " -keyout " + name +
            ".key -out " + name + ".pem");
  }
  [[nodiscard]] mesh_identity make(const std::string& name, const std::string& authority = "ca",
                                   int days = 10) const {
    openssl("req -newkey ed25519 -nodes -subj /CN=" + name + " -keyout " + name + ".key -out " +
            name + ".csr");
    openssl("x509 -req -in " + name + ".csr -CA " + authority + ".pem -CAkey " + authority +
            ".key -CAcreateserial -days " + std::to_string(days) + " -out " + name + ".pem");
    return {folder / (name + ".pem"), folder / (name + ".key"), folder / (authority + ".pem")};
  }
};

TEST_F(Certificates, ThatWereSignedAreGoodUntilTheirEnd) {
  const auto ends = check_identity(make("node"));

  ASSERT_TRUE(ends) << ends.error().message;
  const auto left = *ends - std::chrono::system_clock::now();
  EXPECT_GT(left, std::chrono::hours{24 * 9});
  EXPECT_LE(left, std::chrono::hours{24 * 10});
}

TEST_F(Certificates, TellTheirEndAsAMetric) {
  metrics registry;

  ASSERT_TRUE(check_identity({"127.0.0.1:0", make("node"), false}, registry));

  const auto& end = registry.gauge("coppice_mesh_certificate_end_seconds", "");
  const auto left = end.Value() - static_cast<double>(std::time(nullptr));
  EXPECT_GT(left, 9 * 86'400.0);
  EXPECT_LE(left, 10 * 86'400.0);
}

TEST_F(Certificates, ThatAreNoGoodAreRefusedWithFileAndRemedy) {
  const auto good = make("node");
  make_authority("other");
  const auto foreign = make("foreign", "other");
  const auto ended = make("ended", "ca", -1);
  const auto open = make("open");
  std::filesystem::permissions(open.key, std::filesystem::perms::others_read,
                               std::filesystem::perm_options::add);
  std::ofstream{folder / "nonsense"} << "nonsense";

  const std::pair<mesh_identity, std::string> cases[] = {
      {{foreign.certificate, foreign.key, good.ca}, "has not signed it"},
      {{good.certificate, foreign.key, good.ca}, "no private key of"},
      {{folder / "nonsense", good.key, good.ca}, "no certificate can be read"},
      {{good.certificate, good.key, folder / "nonsense"}, "no certificate of an authority"},
      {{folder / "missing", good.key, good.ca}, "missing"},
      {ended, "has ended"},
      {open, "chmod 600"}};
  for (const auto& [identity, wanted] : cases) {
    const auto found = check_identity(identity);
    ASSERT_FALSE(found) << wanted;
    EXPECT_THAT(found.error().message, HasSubstr(wanted));
  }
}

/// A process's worth of scheduler, and who dials it.
struct MeshOfCertificates : Certificates {
  struct published {
    metrics registry;  // outlives the system
    system_config config;
    caf::actor_system system{config};
    proto::scheduler_actor scheduler = scheduler::spawn_scheduler(system, {}, registry);
    expected<std::uint16_t> port;
    explicit published(const mesh_options& options)
        : config{options.identity}, port{publish_scheduler(system, scheduler, options)} {}
    ~published() { caf::anon_send_exit(scheduler, caf::exit_reason::user_shutdown); }
  };
  struct dialling {
    std::promise<proto::scheduler_actor> up;
    bool told = false;
    std::atomic<int> losses = 0;
    system_config config;
    caf::actor_system system{config};
    caf::actor dialler;
    dialling(std::uint16_t port, const std::optional<mesh_identity>& identity)
        : config{identity},
          dialler{dial_scheduler(system, "127.0.0.1", port,
                                 {[this](const proto::scheduler_actor& found) {
                                    if (!std::exchange(told, true)) up.set_value(found);
                                  },
                                  [this](const std::string&) { ++losses; }})} {}
    ~dialling() { caf::anon_send_exit(dialler, caf::exit_reason::user_shutdown); }
    bool gets_through(std::chrono::milliseconds limit) {
      return up.get_future().wait_for(limit) == std::future_status::ready;
    }
  };
};

TEST_F(MeshOfCertificates, LetsInWhoHasACertificateOfItsAuthorityAndNobodyElse) {
  published there{{"127.0.0.1:0", make("scheduler"), false}};
  ASSERT_TRUE(there.port) << there.port.error().message;
  make_authority("other");
  auto foreign = make("foreign", "other");

  EXPECT_TRUE(dialling(*there.port, make("worker")).gets_through(patience));
  EXPECT_FALSE(dialling(*there.port, foreign).gets_through(a_moment));
  foreign.ca = folder / "ca.pem";  // it trusts the mesh, which does not trust it
  EXPECT_FALSE(dialling(*there.port, foreign).gets_through(a_moment));
  EXPECT_FALSE(dialling(*there.port, std::nullopt).gets_through(a_moment));
  EXPECT_TRUE(dialling(*there.port, make("late")).gets_through(patience)) << "and goes on";
}

TEST_F(MeshOfCertificates, IsNotDialledWhereAnotherAuthoritySigned) {
  make_authority("other");
  published there{{"127.0.0.1:0", make("imposter", "other"), false}};
  ASSERT_TRUE(there.port);

  EXPECT_FALSE(dialling(*there.port, make("worker")).gets_through(a_moment));
}

/// Connects and says something that is no TLS; returns when the other side has closed.
void talk_nonsense(std::uint16_t port) {
  const std::unique_ptr<BIO, decltype(&BIO_free_all)> connection{
      BIO_new_connect(("127.0.0.1:" + std::to_string(port)).c_str()), BIO_free_all};
  BIO_write(connection.get(), "nonsense\r\n\r\n", 12);
  std::array<char, 64> said{};
  while (BIO_read(connection.get(), said.data(), said.size()) > 0) {
  }
}

TEST_F(MeshOfCertificates, KeepsItsConnectionsWhenAnotherOneEndsBadly) {
  published there{{"127.0.0.1:0", make("scheduler"), false}};
  ASSERT_TRUE(there.port) << there.port.error().message;
  dialling good{*there.port, make("worker")};
  auto up = good.up.get_future();
  ASSERT_EQ(up.wait_for(patience), std::future_status::ready);
  const auto scheduler = up.get();
  caf::scoped_actor asking{good.system};

  for (int i = 0; i < 20; ++i) {
    talk_nonsense(*there.port);
    asking->request(scheduler, patience, caf::get_atom::value)
        .receive([](const proto::cluster_status&) {},
                 [](const caf::error& why) { FAIL() << caf::to_string(why); });
  }

  EXPECT_EQ(good.losses, 0);
}

TEST_F(MeshOfCertificates, LooksWhetherAStrangerIsSentAway) {
  published closed{{"127.0.0.1:0", make("scheduler"), false}};
  published open{{"127.0.0.1:0", std::nullopt, false}};

  EXPECT_TRUE(check_refuses_strangers("127.0.0.1", *closed.port, 20s));
  EXPECT_FALSE(check_refuses_strangers("127.0.0.1", *open.port, 1s));
}

}  // namespace

}  // namespace coppice::actors
