// Takes a subject's output off its hands, always, whatever becomes of it.
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <thread>

#include "trusted/base/fd.hpp"
#include "trusted/launcher/host_mpi.hpp"
#include "trusted/launcher/line_queue.hpp"
#include "trusted/launcher/terminal.hpp"

namespace sluice::launcher {

/// Where one subject's output goes besides the terminal: two files of raw bytes between banner lines.
struct OutputFiles {
  Fd out;
  Fd err;
};

/// Two threads: one reads the pipes and never waits for anything else, one writes the files.
class Drain {
 public:
  struct Source {
    std::size_t index;  ///< of the subject, for the terminal
    std::string label;
    std::string name;
    HostMpi mpi;
    std::uint32_t ranks;
  };

  /// `files` may hold no descriptors: then nothing is kept. Ends by itself when both pipes have ended.
  Drain(Source source, Fd out, Fd err, OutputFiles files, Terminal& terminal);
  Drain(const Drain&) = delete;
  Drain& operator=(const Drain&) = delete;
  ~Drain();

 private:
  void read_pipes();
  void write_files();

  const Source source_;
  Fd out_;
  Fd err_;
  OutputFiles files_;
  Terminal& terminal_;
  LineQueue kept_;
  std::thread reader_;
  std::thread writer_;
};

}  // namespace sluice::launcher
