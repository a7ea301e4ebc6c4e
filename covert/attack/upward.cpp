#include "covert/attack/upward.hpp"

#include <fcntl.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include <array>
#include <vector>

#include "covert/attack/join.hpp"
#include "covert/attack/tools.hpp"
#include "trusted/base/fd.hpp"
#include "untrusted/interpose/transport/mailbox_reader.hpp"
#include "untrusted/interpose/transport/transmit_ring.hpp"
#include "wire/greeting.hpp"

namespace sluice::covert {

namespace {

constexpr std::array<char, wire::kMaxFragmentBytes> kZeros{};
constexpr std::size_t kPipeBytes = 1 << 20;

class ThroughGuard : public Upward {
 public:
  explicit ThroughGuard(Role role) : role_(role) {}

  std::string open() override {
    if (std::string problem = rank_.join(wire::kGuardSocketPath); !problem.empty()) return problem;
    ring_ = interpose::TransmitRing(rank_.transmit, rank_.descriptors[2].get());
    for (std::uint32_t i = 0; i < rank_.table.inflow_count(); ++i) {
      readers_.emplace_back(rank_.mailboxes[i].data(), rank_.table.inflow(i).segment_count, 0,
                            &rank_.cursors->inflow[i]);
    }
    for (std::uint32_t rank = 0; rank < rank_.table.world_size() && capability_ == wire::kNoCapability; ++rank) {
      capability_ = rank_.table.capability(rank);
    }
    const bool has_flow = role_ == Role::low ? capability_ != wire::kNoCapability : !readers_.empty();
    return has_flow ? "" : "no flow";
  }

  bool put(std::uint32_t bytes) override {
    if (capability_ == wire::kNoCapability || !ring_.has_room(bytes)) return false;
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

  void spoil() override {
    // Tag, the lower half of the context, and payload of the frames around the newest: anything may stand there.
    auto* words = reinterpret_cast<volatile std::uint32_t*>(rank_.transmit + wire::kPage);
    constexpr std::uint64_t kWords = wire::kTransmitRingBytes / sizeof(std::uint32_t);
    const std::uint64_t newest = (ring_.position() - wire::frame_stride(64)) / sizeof(std::uint32_t);
    for (const std::uint64_t word : {3UL, 4UL, 8UL, 9UL}) words[(newest + word) % kWords] = ++spoilt_;
  }

  std::byte* memory() override {
    // NOLINTNEXTLINE(cppcoreguidelines-pro-type-const-cast): an attack may try
    return role_ == Role::low ? rank_.transmit : const_cast<std::byte*>(rank_.mailboxes[0].data());
  }

  int descriptor() override { return rank_.descriptors[role_ == Role::low ? 1 : wire::kFixedDescriptors].get(); }

 private:
  [[nodiscard]] const wire::TransmitControl& control() const {
    return *reinterpret_cast<const wire::TransmitControl*>(rank_.transmit);
  }

  Role role_;
  Membership rank_;
  interpose::TransmitRing ring_;
  std::vector<interpose::MailboxReader> readers_;
  std::uint32_t capability_ = wire::kNoCapability;
  std::uint32_t spoilt_ = 0;
};

class ThroughPipe : public Upward {
 public:
  ThroughPipe(Role role, const std::string& folder) : role_(role), folder_(folder) {}

  std::string open() override {
    const std::string path = folder_ + "/upward";
    if (::mkfifo(path.c_str(), 0666) != 0 && errno != EEXIST) return refusal("mkfifo");
    pipe_.reset(::open(path.c_str(), O_RDWR | O_NONBLOCK | O_CLOEXEC));
    if (!pipe_) return refusal("open of a named pipe");
    ::fcntl(pipe_.get(), F_SETPIPE_SZ, kPipeBytes);
    // Both may be first. The mode is what the kernel gives to every memfd.
    const Fd file(::open((folder_ + "/memory").c_str(), O_RDWR | O_CREAT | O_CLOEXEC, 0777));
    if (::ftruncate(file.get(), wire::kPage) != 0) return refusal("ftruncate");
    file_.reset(::open((folder_ + "/memory").c_str(), (role_ == Role::low ? O_RDWR : O_RDONLY) | O_CLOEXEC));
    const int protection = role_ == Role::low ? PROT_READ | PROT_WRITE : PROT_READ;
    void* place = ::mmap(nullptr, wire::kPage, protection, MAP_SHARED, file_.get(), 0);
    if (place == MAP_FAILED) return refusal("mmap");
    memory_ = static_cast<std::byte*>(place);
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

  void spoil() override {
    // What a pipe holds cannot be changed; what lies in shared memory can.
    const Fd again(::open((folder_ + "/memory").c_str(), O_RDWR | O_CLOEXEC));
    const std::uint32_t word = ++spoilt_;
    static_cast<void>(!::pwrite(again.get(), &word, sizeof word, 512));
  }

  std::byte* memory() override { return memory_; }
  int descriptor() override { return file_.get(); }

 private:
  Role role_;
  std::string folder_;
  Fd pipe_;
  Fd file_;
  std::byte* memory_ = nullptr;
  std::uint32_t spoilt_ = 0;
};

}  // namespace

std::unique_ptr<Upward> through_guard(Role role) { return std::make_unique<ThroughGuard>(role); }

std::unique_ptr<Upward> through_pipe(Role role, const std::string& folder) {
  return std::make_unique<ThroughPipe>(role, folder);
}

}  // namespace sluice::covert
