#include "trusted/launcher/drain.hpp"

#include <poll.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <string_view>

#include "trusted/launcher/operator_text.hpp"
#include "trusted/launcher/rank_lines.hpp"

namespace sluice::launcher {
namespace {

constexpr std::size_t kKeptBytes = 16 << 20;

void write_all(const Fd& fd, std::string_view bytes) {
  while (!bytes.empty()) {
    const ssize_t written = write(fd.get(), bytes.data(), bytes.size());
    if (written < 0 && errno != EINTR) return;
    if (written > 0) bytes.remove_prefix(static_cast<std::size_t>(written));
  }
}

}  // namespace

Drain::Drain(Source source, Fd out, Fd err, OutputFiles files, Terminal& terminal)
    : source_(std::move(source)),
      out_(std::move(out)),
      err_(std::move(err)),
      files_(std::move(files)),
      terminal_(terminal),
      kept_(kKeptBytes) {
  reader_ = std::thread([this] { read_pipes(); });
  if (files_.out) writer_ = std::thread([this] { write_files(); });
}

Drain::~Drain() {
  reader_.join();
  if (writer_.joinable()) writer_.join();
}

void Drain::read_pipes() {
  std::array<pollfd, 2> waits = {{{out_.get(), POLLIN, 0}, {err_.get(), POLLIN, 0}}};
  std::array<RankLines, 2> lines = {RankLines(source_.mpi, source_.ranks), RankLines(source_.mpi, source_.ranks)};
  const auto sink = [this](Stream stream) {
    return [this, stream](const TaggedLine& line) {
      terminal_.line(source_.index, stream, operator_line(source_.label, source_.name, line));
    };
  };
  std::array<char, 65536> block;
  while (waits[0].fd >= 0 || waits[1].fd >= 0) {
    if (poll(waits.data(), waits.size(), -1) < 0 && errno != EINTR) break;
    for (std::size_t i = 0; i < waits.size(); ++i) {
      if (waits[i].fd < 0 || waits[i].revents == 0) continue;
      const ssize_t got = read(waits[i].fd, block.data(), block.size());
      if (got < 0 && (errno == EINTR || errno == EAGAIN)) continue;
      const Stream stream = i == 0 ? Stream::out : Stream::err;
      if (got <= 0) {
        lines[i].finish(sink(stream));
        waits[i].fd = -1;
        continue;
      }
      const std::string_view bytes(block.data(), static_cast<std::size_t>(got));
      if (files_.out) kept_.push(stream, std::string(bytes));
      lines[i].feed(bytes, sink(stream));
    }
  }
  kept_.close();
}

void Drain::write_files() {
  const std::string banner = source_.label + " " + source_.name;
  for (const Fd* file : {&files_.out, &files_.err}) write_all(*file, "===== " + banner + " =====\n");
  for (;;) {
    const LineQueue::Taken taken = kept_.wait();
    for (const Piece& piece : taken.pieces)
      write_all(piece.stream == Stream::out ? files_.out : files_.err, piece.bytes);
    if (taken.dropped > 0) {
      write_all(files_.err,
                "\n[... " + std::to_string(taken.dropped) + " pieces of output not kept: writing was too slow]\n");
    }
    if (taken.closed) break;
  }
  for (const Fd* file : {&files_.out, &files_.err}) write_all(*file, "===== end " + banner + " =====\n");
}

}  // namespace sluice::launcher
