// A tap in the guard, for tests alone: linked into a copy of the guard around the functions that take a frame from a
// ring and put one into a mailbox. It writes down what went through which memory, and changes nothing. Who may read or
// write that memory is looked up from outside, in what the kernel says of every process (test_tap.py).
//
// The record is the file TAP beside the program, which must be there; see Record for its layout.
#include <fcntl.h>
#include <sys/mman.h>
#include <unistd.h>

#include <array>
#include <atomic>
#include <cstdint>
#include <cstdlib>
#include <span>
#include <string>

#include "trusted/ring/mailbox_writer.hpp"
#include "trusted/ring/transmit_reader.hpp"

namespace {

using namespace sluice;  // NOLINT(google-build-using-namespace)

enum class Kind : std::uint64_t { none = 0, mailbox = 1, ring = 2 };

/// One mailbox or ring. Written by one thread of the guard.
struct Line {
  std::atomic<Kind> kind;
  std::uint64_t object;   ///< the guard's writer or reader
  std::uint64_t address;  ///< in the memory that it works on
  std::uint64_t frames;   ///< put or taken
  std::uint64_t sources;  ///< mailbox: bit R is set if a frame of world rank R was put, ends of ranks left out
  std::uint64_t highest;  ///< ring: the highest capability index of a frame
};

constexpr std::size_t kLines = 512;

struct Record {
  std::atomic<std::uint64_t> used;
  std::uint64_t lost;  ///< set if something was not written down
  std::array<Line, kLines> line;
};

Record* open_record() {
  std::string program(4096, '\0');
  const ssize_t length = ::readlink("/proc/self/exe", program.data(), program.size());
  if (length <= 0) std::abort();
  program.resize(static_cast<std::size_t>(length));
  const std::string path = program.substr(0, program.rfind('/') + 1) + "TAP";
  const int file = ::open(path.c_str(), O_RDWR | O_CLOEXEC);
  if (file < 0) std::abort();
  void* memory = ::mmap(nullptr, sizeof(Record), PROT_READ | PROT_WRITE, MAP_SHARED, file, 0);
  if (memory == MAP_FAILED) std::abort();
  return static_cast<Record*>(memory);
}

/// Opened before the guard confines itself.
Record& record = *open_record();

Line& add(Kind kind, const void* object, const void* address) {
  static Line nowhere;
  const std::uint64_t place = record.used.fetch_add(1);
  if (place >= kLines) {
    record.lost = 1;
    return nowhere;
  }
  Line& line = record.line[place];
  line.object = reinterpret_cast<std::uint64_t>(object);
  line.address = reinterpret_cast<std::uint64_t>(address);
  line.kind.store(kind);
  return line;
}

Line* find(Kind kind, const void* object) {
  for (Line& line : record.line) {
    if (line.kind.load() == kind && line.object == reinterpret_cast<std::uint64_t>(object)) return &line;
  }
  return nullptr;
}

}  // namespace

// NOLINTBEGIN(bugprone-reserved-identifier,readability-identifier-naming): the linker's names
extern "C" {

void __real__ZN6sluice4ring13MailboxWriterC1ERNS0_11SegmentPoolEjPSt4byteRNS0_15MailboxProgressE(
    ring::MailboxWriter* self, ring::SegmentPool& pool, std::uint32_t first, std::byte* spare,
    ring::MailboxProgress& progress);
void __wrap__ZN6sluice4ring13MailboxWriterC1ERNS0_11SegmentPoolEjPSt4byteRNS0_15MailboxProgressE(
    ring::MailboxWriter* self, ring::SegmentPool& pool, std::uint32_t first, std::byte* spare,
    ring::MailboxProgress& progress) {
  __real__ZN6sluice4ring13MailboxWriterC1ERNS0_11SegmentPoolEjPSt4byteRNS0_15MailboxProgressE(self, pool, first, spare,
                                                                                              progress);
  add(Kind::mailbox, self, pool.segment(first));
}

bool __real__ZN6sluice4ring13MailboxWriter3putERKNS0_8EnvelopeESt4spanIKSt4byteLm18446744073709551615EE(
    ring::MailboxWriter* self, const ring::Envelope& envelope, std::span<const std::byte> payload);
bool __wrap__ZN6sluice4ring13MailboxWriter3putERKNS0_8EnvelopeESt4spanIKSt4byteLm18446744073709551615EE(
    ring::MailboxWriter* self, const ring::Envelope& envelope, std::span<const std::byte> payload) {
  Line* line = find(Kind::mailbox, self);
  if (line == nullptr || envelope.source >= 64) {
    record.lost = 1;
  } else {
    ++line->frames;
    if (envelope.kind != wire::FrameKind::sender_ended) line->sources |= std::uint64_t{1} << envelope.source;
  }
  return __real__ZN6sluice4ring13MailboxWriter3putERKNS0_8EnvelopeESt4spanIKSt4byteLm18446744073709551615EE(
      self, envelope, payload);
}

ring::Taken __real__ZN6sluice4ring14TransmitReader4takeERNS0_8FragmentE(ring::TransmitReader* self,
                                                                        ring::Fragment& fragment);
ring::Taken __wrap__ZN6sluice4ring14TransmitReader4takeERNS0_8FragmentE(ring::TransmitReader* self,
                                                                        ring::Fragment& fragment) {
  const ring::Taken taken = __real__ZN6sluice4ring14TransmitReader4takeERNS0_8FragmentE(self, fragment);
  if (taken != ring::Taken::fragment) return taken;
  Line* line = find(Kind::ring, self);
  if (line == nullptr) line = &add(Kind::ring, self, fragment.payload - sizeof(wire::FrameHeader));
  ++line->frames;
  if (fragment.header.endpoint > line->highest) line->highest = fragment.header.endpoint;
  return taken;
}

}  // extern "C"
// NOLINTEND(bugprone-reserved-identifier,readability-identifier-naming)
