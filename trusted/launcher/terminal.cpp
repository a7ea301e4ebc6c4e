#include "trusted/launcher/terminal.hpp"

#include <poll.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>

namespace sluice::launcher {
namespace {

constexpr std::size_t kQueueBytes = 16 << 20;

/// Writes all of it, however long that takes. Errors end the attempt: the terminal is gone.
void write_all(int fd, std::string_view bytes) {
  while (!bytes.empty()) {
    const ssize_t written = write(fd, bytes.data(), bytes.size());
    if (written < 0 && errno == EAGAIN) {  // somebody else set the terminal non-blocking
      pollfd wait{fd, POLLOUT, 0};
      (void)poll(&wait, 1, 100);
    } else if (written < 0 && errno != EINTR) {
      return;
    } else if (written > 0) {
      bytes.remove_prefix(static_cast<std::size_t>(written));
    }
  }
}

/// Cuts every line to the width of the terminal: a wrapped line would be counted as one when it is erased.
std::string fit(const std::string& text) {
  winsize size{};
  const std::size_t width = ioctl(STDERR_FILENO, TIOCGWINSZ, &size) == 0 && size.ws_col > 1 ? size.ws_col - 1U : 79;
  std::string result;
  for (std::size_t start = 0; start < text.size();) {
    const std::size_t end = std::min(text.find('\n', start), text.size());
    result.append(text, start, std::min(end - start, width)).push_back('\n');
    start = end + 1;
  }
  return result;
}

}  // namespace

Terminal::Terminal(std::size_t sources, bool live) : live_(live) {
  for (std::size_t i = 0; i <= sources; ++i) queues_.push_back(std::make_unique<LineQueue>(kQueueBytes));
  thread_ = std::thread([this] { work(); });
}

Terminal::~Terminal() { finish(); }

void Terminal::lines(std::size_t source, Stream stream, std::string text, std::uint64_t count) {
  queues_[source]->push(stream, std::move(text), count);
  work_count_.fetch_add(1);
  work_count_.notify_one();
}

void Terminal::message(std::string text) { lines(queues_.size() - 1, Stream::err, std::move(text) + "\n", 1); }

void Terminal::status(std::string text) {
  if (!live_) return;
  {
    const std::lock_guard lock(status_mutex_);
    status_ = std::move(text);
  }
  work_count_.fetch_add(1);
  work_count_.notify_one();
}

void Terminal::finish() {
  if (!thread_.joinable()) return;
  finishing_ = true;
  work_count_.fetch_add(1);
  work_count_.notify_one();
  thread_.join();
}

void Terminal::work() {
  for (;;) {
    const std::uint32_t seen = work_count_.load();
    const bool last = finishing_.load();
    write_queued();
    if (last) {
      erase_status();
      return;
    }
    draw_status();
    work_count_.wait(seen);
  }
}

bool Terminal::write_queued() {
  bool any = false;
  for (const auto& queue : queues_) {
    const LineQueue::Taken taken = queue->take();
    if (taken.pieces.empty() && taken.dropped == 0) continue;
    if (!any) erase_status();
    any = true;
    std::string out;
    std::string err;
    for (const Piece& piece : taken.pieces) (piece.stream == Stream::out ? out : err) += piece.bytes;
    write_all(STDOUT_FILENO, out);
    write_all(STDERR_FILENO, err);
    if (taken.dropped > 0) write_all(STDERR_FILENO, "[... " + std::to_string(taken.dropped) + " lines not shown]\n");
  }
  return any;
}

void Terminal::erase_status() {
  if (status_lines_ == 0) return;
  write_all(STDERR_FILENO, "\r\033[" + std::to_string(status_lines_) + "A\033[J");
  status_lines_ = 0;
}

void Terminal::draw_status() {
  std::string text;
  {
    const std::lock_guard lock(status_mutex_);
    text = status_;
  }
  if (text.empty()) return;
  text = fit(text);
  const auto lines = static_cast<std::size_t>(std::count(text.begin(), text.end(), '\n'));
  std::string frame;
  if (status_lines_ > 0) frame = "\r\033[" + std::to_string(status_lines_) + "A\033[J";
  write_all(STDERR_FILENO, frame + text);
  status_lines_ = lines;
}

}  // namespace sluice::launcher
