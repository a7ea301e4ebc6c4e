#include "covert/probe/record.hpp"

#include <cstdint>
#include <fstream>

namespace sluice::covert {

namespace {

constexpr std::uint64_t kMostName = 100;
constexpr std::uint64_t kMostValues = std::uint64_t{1} << 28;

}  // namespace

bool append(const std::string& file, const std::string& name, const Observations& observations) {
  std::ofstream out(file, std::ios::binary | std::ios::app);
  const auto number = [&out](std::uint64_t value) { out.write(reinterpret_cast<const char*>(&value), sizeof value); };
  number(name.size());
  out.write(name.data(), static_cast<std::streamsize>(name.size()));
  number(observations.columns);
  number(observations.values.size());
  out.write(reinterpret_cast<const char*>(observations.values.data()),
            static_cast<std::streamsize>(observations.values.size() * sizeof(double)));
  return static_cast<bool>(out.flush());
}

std::map<std::string, Observations> read_observations(const std::string& file) {
  std::map<std::string, Observations> all;
  std::ifstream in(file, std::ios::binary);
  const auto number = [&in] {
    std::uint64_t value = 0;
    in.read(reinterpret_cast<char*>(&value), sizeof value);
    return value;
  };
  for (;;) {
    const std::uint64_t letters = number();
    if (!in || letters > kMostName) return all;
    std::string name(letters, '\0');
    in.read(name.data(), static_cast<std::streamsize>(letters));
    Observations one;
    one.columns = number();
    const std::uint64_t values = number();
    if (!in || values > kMostValues || one.columns > values || (one.columns != 0 && values % one.columns != 0))
      return all;
    one.values.resize(values);
    in.read(reinterpret_cast<char*>(one.values.data()), static_cast<std::streamsize>(values * sizeof(double)));
    if (!in) return all;
    all[name] = std::move(one);
  }
}

std::map<std::string, std::string> read_readiness(const std::string& file) {
  std::map<std::string, std::string> all;
  std::ifstream in(file);
  for (std::string line; std::getline(in, line);) {
    const std::size_t space = line.find(' ');
    if (space == std::string::npos) continue;
    const std::string reason = line.substr(space + 1);
    all[line.substr(0, space)] = reason == "-" ? "" : reason;
  }
  return all;
}

}  // namespace sluice::covert
