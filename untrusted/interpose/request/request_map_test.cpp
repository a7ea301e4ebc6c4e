#include "untrusted/interpose/request/request_map.hpp"

#include <gtest/gtest.h>

#include <random>
#include <unordered_map>

namespace sluice::interpose {
namespace {

TEST(RequestMap, ForgetsWhatItNeverKnew) {
  RequestMap map;
  map.erase(5);
  EXPECT_EQ(map.size(), 0U);
  EXPECT_EQ(map.find(5).kind, TrackedRequest::Kind::none);
}

TEST(RequestMap, AgreesWithAStandardMapOverManyChanges) {
  RequestMap map;
  std::unordered_map<std::uint64_t, std::uint32_t> model;
  std::mt19937_64 random(3);
  for (std::uint32_t i = 0; i < 200000; ++i) {
    // Few keys, so that chains form and holes are filled; some like MPICH's handles, some like pointers.
    const std::uint64_t key = (random() % 2 == 0) ? 0x98000000 + random() % 700 : 0x7f0000000000 + random() % 700 * 192;
    if (random() % 3 != 0) {
      map.set(key, TrackedRequest::Kind::translate, i, nullptr, nullptr);
      model[key] = i;
    } else {
      map.erase(key);
      model.erase(key);
    }
    ASSERT_EQ(map.size(), model.size());
    const std::uint64_t other = 0x98000000 + random() % 700;
    const auto known = model.find(other);
    ASSERT_EQ(map.find(other).kind != TrackedRequest::Kind::none, known != model.end());
    if (known != model.end()) {
      ASSERT_EQ(map.find(other).serial, known->second);
    }
  }
}

}  // namespace
}  // namespace sluice::interpose
