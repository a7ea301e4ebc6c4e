#include "trusted/launcher/refused_calls.hpp"

#include <sys/eventfd.h>
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <utility>
#include <vector>

#include "trusted/sandbox/listener.hpp"
#include "trusted/sandbox/seccomp.hpp"

namespace sluice::launcher {
namespace {

constexpr std::size_t kMostNamed = 6;

}  // namespace

RefusedCalls::RefusedCalls(Fd socket)
    : socket_(std::move(socket)), stop_(eventfd(0, EFD_CLOEXEC)), thread_([this] { listen(); }) {}

RefusedCalls::~RefusedCalls() {
  const std::uint64_t one = 1;
  (void)!write(stop_.get(), &one, sizeof one);
  shutdown(socket_.get(), SHUT_RDWR);
  thread_.join();
}

void RefusedCalls::listen() {
  const Fd listener = sandbox::receive_listener(socket_);
  // None: the sandbox has ended before it came so far.
  if (!listener) return;
  sandbox::answer_denials(listener, stop_, [this](int number) {
    const auto index = std::min(static_cast<std::size_t>(std::max(number, 0)), kNumbers - 1);
    counts_[index].fetch_add(1, std::memory_order_relaxed);
  });
}

RefusedCalls::News RefusedCalls::news() {
  News result;
  std::vector<std::pair<std::uint64_t, std::size_t>> grown;
  for (std::size_t i = 0; i < kNumbers; ++i) {
    const std::uint64_t now = counts_[i].load(std::memory_order_relaxed);
    if (now == told_[i]) continue;
    grown.emplace_back(now - told_[i], i);
    result.times += now - told_[i];
    told_[i] = now;
  }
  std::stable_sort(grown.begin(), grown.end(), [](const auto& a, const auto& b) { return a.first > b.first; });
  for (std::size_t i = 0; i < std::min(grown.size(), kMostNamed); ++i) {
    result.calls += (i > 0 ? ", " : "") + sandbox::name_of_call(static_cast<int>(grown[i].second)) + " " +
                    std::to_string(grown[i].first);
  }
  if (grown.size() > kMostNamed) result.calls += ", ...";
  total_ += result.times;
  result.total = total_;
  return result;
}

}  // namespace sluice::launcher
