#include "client/cli/doctor/checks.hpp"

#include <gmock/gmock.h>

#include <limits>

namespace coppice::cli::doctor {

namespace {

using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::SizeIs;

constexpr auto unlimited = std::numeric_limits<std::uint64_t>::max();

program_answer build_of(const std::string& program, const std::string& revision) {
  return {program, 0, program + " 0.1.0\nrevision  " + revision + "\nbuild     Release\n"};
}

TEST(DoctorPrograms, AreGoodIfTheyStartAndAreOfOneBuild) {
  const auto found =
      check_programs({build_of("coppice-gateway", "1a2b"), build_of("coppice-worker", "1a2b")});

  ASSERT_THAT(found, SizeIs(2));
  EXPECT_EQ(found[0].found, level::good);
  EXPECT_EQ(found[0].text, "coppice-gateway 0.1.0, revision 1a2b.");
}

TEST(DoctorPrograms, NameALibraryThatIsNotFound) {
  const auto found =
      check_programs({{"coppice-engine", 127,
                       "coppice-engine: error while loading shared libraries: libzmq.so.5: cannot "
                       "open shared object file\n"}});

  EXPECT_EQ(found[0].found, level::problem);
  EXPECT_THAT(found[0].text, HasSubstr("libzmq.so.5"));
  EXPECT_THAT(found[0].remedy, HasSubstr("Install"));
}

TEST(DoctorPrograms, OfTwoBuildsAreAWarningAndNoneAreAProblem) {
  const auto mixed = check_programs({build_of("a", "1a2b"), build_of("b", "3c4d")});
  EXPECT_EQ(mixed.back().found, level::warning);
  EXPECT_EQ(check_programs({})[0].found, level::problem);
}

TEST(DoctorConfiguration, IsWhatItsProgramSaysOfIt) {
  EXPECT_EQ(check_configuration("g.yml", {"coppice-gateway", 0, ""}).found, level::good);

  const auto wrong =
      check_configuration("g.yml", {"coppice-gateway", 78, "coppice-gateway: g.yml:3: no.\n"});

  EXPECT_EQ(wrong.found, level::problem);
  EXPECT_EQ(wrong.text, "coppice-gateway: g.yml:3: no.");
}

TEST(DoctorLimits, AreJudgedByWhatAGatewayNeeds) {
  const auto of_descriptors = [](std::uint64_t most) {
    return check_limits({most, 0, 4096}, false)[0].found;
  };
  EXPECT_EQ(of_descriptors(1023), level::problem);
  EXPECT_EQ(of_descriptors(1024), level::warning);
  EXPECT_EQ(of_descriptors(65'535), level::warning);
  EXPECT_EQ(of_descriptors(65'536), level::good);
  EXPECT_EQ(check_limits({unlimited, 0, 4095}, false)[1].found, level::warning);
  EXPECT_EQ(check_limits({unlimited, 0, 4096}, false)[1].found, level::good);
}

TEST(DoctorLimits, OfLockedMemoryMatterOnlyForGpus) {
  EXPECT_THAT(check_limits({unlimited, 65'536, 4096}, false), SizeIs(2));
  EXPECT_EQ(check_limits({unlimited, 65'536, 4096}, true)[2].found, level::warning);
  EXPECT_EQ(check_limits({unlimited, unlimited, 4096}, true)[2].found, level::good);
}

TEST(DoctorClock, MustBeSynchronisedAndNearlyRight) {
  EXPECT_EQ(check_clock(clock_state{true, 100'000}).found, level::good);
  EXPECT_EQ(check_clock(clock_state{true, 100'001}).found, level::warning);
  EXPECT_EQ(check_clock(clock_state{false, 10}).found, level::warning);
  EXPECT_EQ(check_clock(std::nullopt).found, level::warning);
}

TEST(DoctorPorts, MayBeFreeOrOurs) {
  const configured_port door{"127.0.0.1:5555", 5555, "door", "gateway.yml"};

  EXPECT_EQ(check_port(door, std::nullopt).found, level::good);
  EXPECT_EQ(check_port(door, listener{7, "coppice-gateway"}).found, level::good);
  EXPECT_EQ(check_port(door, listener{}).found, level::warning);
  const auto taken = check_port(door, listener{8, "nginx"});
  EXPECT_EQ(taken.found, level::problem);
  EXPECT_EQ(taken.text, "127.0.0.1:5555 (door of gateway.yml) is in use by nginx, pid 8.");
}

TEST(DoctorSecrets, AreTheirOwnersAlone) {
  EXPECT_EQ(check_secret({"key", 0600, 1000}).found, level::good);
  EXPECT_EQ(check_secret({"key", 0440, 0}).found, level::good);  // a unit's credential
  EXPECT_EQ(check_secret({"key", 0440, 1000}).found, level::problem);
  EXPECT_EQ(check_secret({"key", 0604, 0}).found, level::problem);
  EXPECT_THAT(check_secret({"key", 0644, 0}).text, HasSubstr("0644"));
}

TEST(DoctorDevices, MustBeThereForEveryEngine) {
  EXPECT_THAT(check_devices({4, 0, ""}, {"cpu", "cpu:1"}), SizeIs(1));
  EXPECT_THAT(check_devices({4, 2, "NVRM 550"}, {"cuda:1", "cuda"}), SizeIs(2));
  const auto missing = check_devices({4, 2, "NVRM 550"}, {"cuda:2"});
  EXPECT_EQ(missing.back().found, level::problem);
  EXPECT_THAT(missing.back().text, HasSubstr("cuda:2"));
}

TEST(DoctorDevices, NeedTheirDriver) {
  EXPECT_EQ(check_devices({4, 1, ""}, {}).back().found, level::problem);
}

TEST(DoctorNamespaces, ThatCannotBeMadeAreAWarningWithTheReason) {
  EXPECT_EQ(check_namespaces("").found, level::good);
  const auto refused = check_namespaces("Operation not permitted");
  EXPECT_EQ(refused.found, level::warning);
  EXPECT_THAT(refused.text, HasSubstr("Operation not permitted"));
}

TEST(DoctorDisk, NeedsRoom) {
  constexpr std::uint64_t gib = std::uint64_t{1} << 30;
  EXPECT_EQ(check_disk({"/", gib - 1}).found, level::problem);
  EXPECT_EQ(check_disk({"/", gib}).found, level::warning);
  EXPECT_EQ(check_disk({"/", 10 * gib}).found, level::good);
  EXPECT_THAT(check_disk({"/", 10 * gib}).remedy, IsEmpty());
}

}  // namespace

}  // namespace coppice::cli::doctor
