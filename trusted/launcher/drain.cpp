#include "trusted/launcher/drain.hpp"

#include <fcntl.h>
#include <poll.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include <cerrno>
#include <string_view>

#include "trusted/launcher/operator_text.hpp"

namespace sluice::launcher {
namespace {

constexpr std::size_t kKeptBytes = 16 << 20;
constexpr std::size_t kBlock = 65536;

void write_all(const Fd& fd, std::string_view bytes) {
  while (!bytes.empty()) {
    const ssize_t written = write(fd.get(), bytes.data(), bytes.size());
    if (written < 0 && errno != EINTR) return;
    if (written > 0) bytes.remove_prefix(static_cast<std::size_t>(written));
  }
}

std::size_t place_of(Stream stream) { return stream == Stream::out ? 0 : 1; }

}  // namespace

Drain::Drain(Source source, RankPipes own, std::vector<RankPipes> ranks, OutputFiles files, Terminal& terminal)
    : source_(std::move(source)),
      files_(std::move(files)),
      terminal_(terminal),
      wake_(eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK)),
      kept_(kKeptBytes) {
  add_inputs(std::move(own), std::nullopt, ranks.empty() ? "" : "mpiexec: ");
  for (std::uint32_t rank = 0; rank < ranks.size(); ++rank) {
    // One rank's lines are the whole file; that of several says whose each is.
    add_inputs(std::move(ranks[rank]), rank, ranks.size() > 1 ? std::to_string(rank) + ": " : "");
  }
  reader_ = std::thread([this] { read_pipes(); });
  if (files_.out) writer_ = std::thread([this] { write_files(); });
}

Drain::~Drain() {
  end();
  reader_.join();
  if (writer_.joinable()) writer_.join();
}

void Drain::end() {
  ended_ = true;
  if (wake_) (void)eventfd_write(wake_.get(), 1);
}

void Drain::add_inputs(RankPipes pipes, std::optional<std::uint32_t> rank, const std::string& prefix) {
  const std::string tag = line_tag(source_.label, source_.name, rank);
  for (Fd* pipe : {&pipes.out, &pipes.err}) {
    fcntl(pipe->get(), F_SETFL, O_NONBLOCK);
    const Stream stream = pipe == &pipes.out ? Stream::out : Stream::err;
    inputs_.push_back({std::move(*pipe), stream, rank, tag, prefix, {}});
  }
}

void Drain::read_pipes() {
  std::vector<pollfd> waits;
  for (const Input& input : inputs_) waits.push_back({input.pipe.get(), POLLIN, 0});
  waits.push_back({wake_.get(), POLLIN, 0});
  const int timeout = wake_ ? -1 : 100;
  while (!ended_) {
    if (poll(waits.data(), waits.size(), timeout) < 0) continue;
    // Once round, so that no rank keeps another one waiting.
    for (std::size_t i = 0; i < inputs_.size(); ++i) {
      if (waits[i].revents != 0 && !read_some(i) && !inputs_[i].pipe) waits[i].fd = -1;
    }
  }
  for (std::size_t i = 0; i < inputs_.size(); ++i) {
    while (read_some(i)) continue;
    take(i, {}, true);
  }
  for (const Stream stream : {Stream::out, Stream::err}) {
    std::string rest;
    kept_text_[place_of(stream)].finish(rest);
    if (files_.out) kept_.push(stream, rest);
  }
  kept_.close();
}

/// False if there is nothing to read now; closes what has ended.
bool Drain::read_some(std::size_t index) {
  Fd& pipe = inputs_[index].pipe;
  std::array<char, kBlock> block;
  ssize_t got = -1;
  do {
    got = pipe ? read(pipe.get(), block.data(), block.size()) : 0;
  } while (got < 0 && errno == EINTR);
  if (got < 0 && errno == EAGAIN) return false;
  if (got <= 0) {
    pipe.reset();
    return false;
  }
  take(index, {block.data(), static_cast<std::size_t>(got)}, false);
  return true;
}

void Drain::take(std::size_t index, std::string_view bytes, bool last) {
  Input& input = inputs_[index];
  std::string shown;
  std::string kept;
  std::uint64_t count = 0;
  const auto sink = [&](std::string_view text, bool ended) {
    shown.append(input.tag).append(sanitise(text)).push_back('\n');
    if (files_.out) kept_text_[place_of(input.stream)].add(kept, index, input.prefix, text, ended);
    ++count;
  };
  input.lines.feed(bytes, sink);
  if (last) input.lines.finish(sink);
  if (count == 0) return;
  terminal_.lines(source_.index, input.stream, std::move(shown), count);
  if (files_.out) kept_.push(input.stream, std::move(kept), count);
}

void Drain::write_files() {
  const std::string banner = source_.label + " " + source_.name;
  for (const Fd* file : {&files_.out, &files_.err}) write_all(*file, "===== " + banner + " =====\n");
  for (;;) {
    const LineQueue::Taken taken = kept_.wait();
    for (const Piece& piece : taken.pieces)
      write_all(piece.stream == Stream::out ? files_.out : files_.err, piece.bytes);
    if (taken.dropped > 0) {
      write_all(files_.err, "\n[... " + std::to_string(taken.dropped) + " lines not kept: writing was too slow]\n");
    }
    if (taken.closed) break;
  }
  for (const Fd* file : {&files_.out, &files_.err}) write_all(*file, "===== end " + banner + " =====\n");
}

}  // namespace sluice::launcher
