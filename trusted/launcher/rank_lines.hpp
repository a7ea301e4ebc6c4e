// Puts the lines of single ranks together again from what a host MPI's mpiexec writes.
#pragma once

#include <functional>
#include <map>
#include <string>
#include <string_view>

#include "trusted/launcher/operator_text.hpp"

namespace sluice::launcher {

/// Open MPI tags every piece that it forwards, in the middle of a line too, and pieces of several ranks may share a
/// line. MPICH tags the starts of lines only.
class RankLines {
 public:
  using Sink = std::function<void(const TaggedLine&)>;

  /// `ranks`: of the subject; a tag of a higher rank is text.
  RankLines(HostMpi mpi, std::uint32_t ranks) : mpi_(mpi), ranks_(ranks) {}

  /// Takes more bytes; gives whole lines, and what is longer than 8 KiB in parts, to `sink`.
  void feed(std::string_view bytes, const Sink& sink);

  /// Gives what is left when the stream has ended.
  void finish(const Sink& sink);

 private:
  void take_line(std::string_view line, const Sink& sink);
  void add(std::uint32_t rank, std::string_view text, bool ended, const Sink& sink);

  const HostMpi mpi_;
  const std::uint32_t ranks_;
  std::string open_;                              ///< bytes since the last newline
  std::map<std::uint32_t, std::string> pending_;  ///< rank -> its line so far
};

}  // namespace sluice::launcher
