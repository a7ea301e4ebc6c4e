// Takes a subject's output off its hands, always, whatever becomes of it.
#pragma once

#include <array>
#include <atomic>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <thread>
#include <vector>

#include "trusted/base/fd.hpp"
#include "trusted/launcher/kept_text.hpp"
#include "trusted/launcher/line_queue.hpp"
#include "trusted/launcher/line_splitter.hpp"
#include "trusted/launcher/rank_pipes.hpp"
#include "trusted/launcher/terminal.hpp"

namespace sluice::launcher {

/// Where one subject's output goes besides the terminal: two files of its lines between banner lines.
struct OutputFiles {
  Fd out;
  Fd err;
};

/// Two threads: one reads all pipes of the subject and never waits for anything else, one writes the files.
class Drain {
 public:
  struct Source {
    std::size_t index;  ///< of the subject, for the terminal
    std::string label;
    std::string name;
  };

  /// `own`: what the process started by the supervisor writes, mpiexec for a subject. `ranks`: what each rank writes.
  /// `files` may hold no descriptors: then nothing is kept.
  Drain(Source source, RankPipes own, std::vector<RankPipes> ranks, OutputFiles files, Terminal& terminal);
  Drain(const Drain&) = delete;
  Drain& operator=(const Drain&) = delete;
  ~Drain();

  /// Every writer is gone: what the pipes still hold is read, and that is all. Does not wait.
  void end();

 private:
  struct Input {
    Fd pipe;
    Stream stream;
    std::optional<std::uint32_t> rank;
    std::string tag;     ///< of its lines on the terminal
    std::string prefix;  ///< of its lines in the file
    LineSplitter lines;
  };

  void add_inputs(RankPipes pipes, std::optional<std::uint32_t> rank, const std::string& prefix);
  void read_pipes();
  bool read_some(std::size_t index);
  void take(std::size_t index, std::string_view bytes, bool last);
  void write_files();

  const Source source_;
  std::vector<Input> inputs_;
  OutputFiles files_;
  Terminal& terminal_;
  std::atomic<bool> ended_{false};
  Fd wake_;  ///< readable once ended_ is true
  std::array<KeptText, 2> kept_text_;
  LineQueue kept_;
  std::thread reader_;
  std::thread writer_;
};

}  // namespace sluice::launcher
