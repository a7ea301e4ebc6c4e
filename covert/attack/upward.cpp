#include "covert/attack/upward.hpp"

#include <fcntl.h>
#include <sys/ioctl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <array>
#include <optional>
#include <vector>

#include "covert/attack/tools.hpp"
#include "trusted/base/fd.hpp"
#include "untrusted/interpose/transport/guard_session.hpp"
#include "untrusted/interpose/transport/mailbox_reader.hpp"
#include "untrusted/interpose/transport/transmit_ring.hpp"
#include "wire/greeting.hpp"

namespace sluice::covert {

namespace {

constexpr std::array<char, wire::kMaxFragmentBytes> kZeros{};

class ThroughGuard : public Upward {
 public:
  explicit ThroughGuard(Role role) : role_(role) {}

  std::string open() override {
    if (std::string problem = session_.open(wire::kGuardSocketPath, 0, 1); !problem.empty()) return problem;
    ring_ = interpose::TransmitRing(session_.transmit, session_.doorbell);
    for (std::uint32_t i = 0; i < session_.table.inflow_count(); ++i) {
      readers_.emplace_back(session_.mailboxes[i].data(), session_.table.inflow(i).segment_count, 0,
                            &session_.cursors->inflow[i]);
    }
    for (std::uint32_t rank = 0; rank < session_.table.world_size() && role_ == Role::low; ++rank) {
      capability_ = session_.table.capability(rank);
      if (capability_ != wire::kNoCapability) return {};
    }
    return role_ == Role::low ? "no flow from here" : "";
  }

  bool put(std::uint32_t bytes) override {
    if (!ring_.has_room(bytes)) return false;
    const wire::FrameHeader header{.kind = wire::FrameKind::message_start,
                                   .payload = bytes,
                                   .endpoint = capability_,
                                   .tag = 0,
                                   .context = wire::kWorldContext,
                                   .extent = bytes};
    ring_.put(header, kZeros.data());
    return true;
  }

  std::uint64_t backlog() override { return ring_.position() - control().taken.load(std::memory_order_acquire); }

  bool flag() override { return control().doorbell_wanted.load(std::memory_order_relaxed) != 0; }

  std::size_t drain() override {
    std::size_t taken = 0;
    for (interpose::MailboxReader& reader : readers_) {
      for (; reader.peek() != nullptr; ++taken) reader.advance();
    }
    return taken;
  }

 private:
  [[nodiscard]] const wire::TransmitControl& control() const {
    return *reinterpret_cast<const wire::TransmitControl*>(session_.transmit);
  }

  Role role_;
  interpose::GuardSession session_;
  interpose::TransmitRing ring_;
  std::vector<interpose::MailboxReader> readers_;
  std::uint32_t capability_ = wire::kNoCapability;
};

class ThroughPipe : public Upward {
 public:
  explicit ThroughPipe(const std::string& folder) : path_(folder + "/upward") {}

  std::string open() override {
    if (::mkfifo(path_.c_str(), 0666) != 0 && errno != EEXIST) return refusal("mkfifo");
    pipe_.reset(::open(path_.c_str(), O_RDWR | O_NONBLOCK | O_CLOEXEC));
    if (!pipe_) return refusal("open of a named pipe");
    ::fcntl(pipe_.get(), F_SETPIPE_SZ, 1 << 20);
    return {};
  }

  bool put(std::uint32_t bytes) override {
    return ::write(pipe_.get(), kZeros.data(), bytes) == static_cast<ssize_t>(bytes);
  }

  std::uint64_t backlog() override {
    int bytes = 0;
    return ::ioctl(pipe_.get(), FIONREAD, &bytes) == 0 ? static_cast<std::uint64_t>(bytes) : 0;
  }

  bool flag() override { return false; }

  std::size_t drain() override {
    std::array<char, 65536> block;
    std::size_t taken = 0;
    while (::read(pipe_.get(), block.data(), block.size()) > 0) ++taken;
    return taken;
  }

 private:
  std::string path_;
  Fd pipe_;
};

}  // namespace

std::unique_ptr<Upward> through_guard(Role role) { return std::make_unique<ThroughGuard>(role); }

std::unique_ptr<Upward> through_pipe(const std::string& folder) { return std::make_unique<ThroughPipe>(folder); }

}  // namespace sluice::covert
