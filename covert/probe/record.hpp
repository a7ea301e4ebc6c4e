// The files in which a role says how it fared: one with text, and one with what the low role saw.
#pragma once

#include <map>
#include <string>

#include "covert/statistics/decoder.hpp"

namespace sluice::covert {

/// Writes observations behind those that the file has. False if the disk does not take it.
bool append(const std::string& file, const std::string& name, const Observations& observations);

/// Reads such a file, by the names of the means. What is cut short or makes no sense is left out.
std::map<std::string, Observations> read_observations(const std::string& file);

/// Reads lines "NAME reason"; an empty reason is "-". Returns reasons by name.
std::map<std::string, std::string> read_readiness(const std::string& file);

inline constexpr char kObservedFile[] = "observed";
inline constexpr char kReadyFile[] = "ready";
inline constexpr char kDoneFile[] = "done";  ///< names of the means that the role has come through, in lines like those
/// Stands in the latter in place of a means if the role came too late.
inline constexpr char kLate[] = "late";

}  // namespace sluice::covert
