#include <string>

#include "trusted/policy/policy_testing.hpp"
#include "trusted/policy/report.hpp"

namespace sluice::policy {
namespace {

using testing::kFile;
using testing::mistakes_of;
using testing::with_line;

TEST(Limits, AreReadAndShown) {
  const std::string text =
      with_line(13, "    limits: { processes: 200, memory: 512MiB }") + "require: [landlock, memory]\n";
  const auto parsed = parse(text, kFile, CheckFiles::no);
  ASSERT_TRUE(parsed.ok()) << describe(parsed.error(), kFile);
  EXPECT_EQ(parsed.value().subjects[0].limits.processes, 200U);
  EXPECT_EQ(parsed.value().subjects[0].limits.memory, std::uint64_t{512} << 20U);
  EXPECT_EQ(parsed.value().subjects[1].limits.processes, 0U);
  EXPECT_EQ(parsed.value().require, (std::vector<std::string>{"landlock", "memory"}));
  EXPECT_EQ(parsed.value().text, text);
  const std::string shown = show(parsed.value(), Colour::no);
  for (const char* part : {"\nlimits\n", "sensor  processes  200", "sensor  memory     512MiB", "landlock, memory"}) {
    EXPECT_NE(shown.find(part), std::string::npos) << part << "\n" << shown;
  }
  const std::string json = show_json(parsed.value());
  for (const char* part :
       {"\"processes\":200", "\"memory_bytes\":536870912", "\"require\":[\"landlock\",\"memory\"]"}) {
    EXPECT_NE(json.find(part), std::string::npos) << part << "\n" << json;
  }
}

TEST(Limits, ThatCannotBeMeantAreMistakes) {
  for (const char* limits : {"processes: 15", "processes: 0", "processes: many", "processes: -1", "memory: 63MiB",
                             "memory: 2PiB", "memory: lots", "cpu: 2"}) {
    const auto mistakes = mistakes_of(with_line(13, std::string("    limits: { ") + limits + " }"));
    ASSERT_EQ(mistakes.size(), 1U) << limits;
    EXPECT_EQ(mistakes[0].substr(0, 3), "13:") << mistakes[0];
    EXPECT_NE(mistakes[0].find("; "), std::string::npos) << "no way out: " << mistakes[0];
  }
}

TEST(Require, UnknownNamesAreMistakesWithTheNearestOne) {
  const auto mistakes = mistakes_of(std::string(testing::kGood) + "require: [landlok]\n");
  ASSERT_EQ(mistakes.size(), 1U);
  EXPECT_NE(mistakes[0].find("landlock"), std::string::npos) << mistakes[0];
  EXPECT_EQ(mistakes_of(std::string(testing::kGood) + "require: landlock\n").size(), 1U);
}

}  // namespace
}  // namespace sluice::policy
