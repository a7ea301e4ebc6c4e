// The operator's terminal: lines of all subjects, messages of Sluice itself, and a live status below them.
#pragma once

#include <atomic>
#include <memory>
#include <mutex>
#include <string>
#include <thread>
#include <vector>

#include "trusted/launcher/line_queue.hpp"

namespace sluice::launcher {

/// One thread writes; nobody else ever waits for the terminal.
class Terminal {
 public:
  /// `sources`: how many subjects there are. `live`: draw the status; needs a terminal on standard error.
  Terminal(std::size_t sources, bool live);
  Terminal(const Terminal&) = delete;
  Terminal& operator=(const Terminal&) = delete;
  ~Terminal();

  /// Whole lines of subject `source`, with their ends, ready to show; `count` of them.
  void lines(std::size_t source, Stream stream, std::string text, std::uint64_t count);

  /// A line of Sluice itself, on standard error.
  void message(std::string text);

  /// Replaces the live status, lines separated by newlines.
  void status(std::string text);

  /// Writes what is queued, takes the status away, and ends the thread.
  void finish();

 private:
  void work();
  bool write_queued();
  void erase_status();
  void draw_status();

  const bool live_;
  std::vector<std::unique_ptr<LineQueue>> queues_;  ///< the last one is for messages
  std::mutex status_mutex_;
  std::string status_;
  std::size_t status_lines_ = 0;  ///< drawn now
  std::atomic<std::uint32_t> work_count_{0};
  std::atomic<bool> finishing_{false};
  std::thread thread_;
};

}  // namespace sluice::launcher
